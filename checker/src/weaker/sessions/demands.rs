//! What a session guarantee demands of the versions: that one is no newer than another.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::weaker::graph::{Edge, Node};
use crate::weaker::sessions::versions::Ranks;
use crate::weaker::whole::{Op, OpId, Whole};

/// One of the four: which operations of a session come first, and which after them have to return or get something no older.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarantee {
    /// Writes come first; else reads.
    first_writes: bool,
    /// Writes come after them; else reads.
    then_writes: bool,
    /// Whoever has read what came after must not read older versions of other keys than came first.
    others: bool,
}

impl Guarantee {
    pub(super) const READ_YOUR_WRITES: Guarantee = Guarantee { first_writes: true, then_writes: false, others: false };
    pub(super) const MONOTONIC_READS: Guarantee = Guarantee { first_writes: false, then_writes: false, others: false };
    pub(super) const MONOTONIC_WRITES: Guarantee = Guarantee { first_writes: true, then_writes: true, others: true };
    pub(super) const WRITES_FOLLOW_READS: Guarantee =
        Guarantee { first_writes: false, then_writes: true, others: true };
}

/// The operation because of which there is an edge; none where it follows from what a node stands for.
pub(super) type Label = Option<OpId>;

/// The demands: an edge says *is no newer than*. The first nodes are the writes; each other stands for the newest of those that
/// lead to it. Edges into a node stand before those out of it, but for those out of writes.
pub(super) struct Demands {
    pub(super) nodes: usize,
    pub(super) edges: Vec<Edge<Label>>,
    writes: usize,
    /// A read of a write that its own session invoked only afterwards: no version is newer than itself.
    pub(super) from_the_future: Option<(OpId, OpId)>,
}

/// A demand that versions do not keep.
pub(super) struct Broken {
    /// The write that has the newer version, and the one that has not.
    pub(super) newer: Node,
    pub(super) edge: Edge<Label>,
}

/// The newest of what a session did first with a key, from the moment on at which this ended.
type Before = FxHashMap<(u32, u32), Vec<(u64, Node)>>;

impl Demands {
    pub(super) fn of<M: Model>(
        whole: &Whole<'_, '_, M>,
        guarantee: Guarantee,
        share: &mut Share<'_>,
    ) -> Result<Demands, Stop> {
        let writes = whole.op_of_write.len();
        let mut demands = Demands { nodes: writes, edges: Vec::new(), writes, from_the_future: None };
        demands.initial_values(whole);
        let before = demands.before(whole, guarantee);
        demands.within_sessions(whole, guarantee, &before, share)?;
        if guarantee.others {
            demands.on_other_keys(whole, &before, share)?;
        }
        Ok(demands)
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.edges)
    }

    fn node(&mut self) -> Node {
        self.nodes += 1;
        Node::try_from(self.nodes - 1).expect("four billion nodes do not fit in memory")
    }

    fn edge(&mut self, from: Node, to: Node, label: Label) {
        self.edges.push(Edge { from, to, label });
    }

    /// No version is older than the initial one. That matters for keys of which it was read.
    fn initial_values<M: Model>(&mut self, whole: &Whole<'_, '_, M>) {
        let mut read = vec![false; whole.initials.len()];
        for op in &whole.ops {
            read[op.key as usize] |= !op.writes && op.write == whole.initials[op.key as usize];
        }
        for op in whole.ops.iter().filter(|op| op.writes && read[op.key as usize]) {
            self.edge(whole.initials[op.key as usize], op.write, None);
        }
    }

    fn before<M: Model>(&mut self, whole: &Whole<'_, '_, M>, guarantee: Guarantee) -> Before {
        let mut before = Before::default();
        let mut ended: Vec<(u64, OpId)> = whole
            .numbered()
            .filter(|(_, op)| op.writes == guarantee.first_writes)
            .filter_map(|(id, op)| Some((op.end?, id)))
            .collect();
        ended.sort_unstable();
        let mut last: FxHashMap<(u32, u32), Node> = FxHashMap::default();
        for (end, id) in ended {
            let &Op { who, key, write, .. } = whole.op(id);
            let all = before.entry((who, key)).or_default();
            // What was first already is not first once more.
            if last.insert((who, key), write) == Some(write) {
                continue;
            }
            let newest = self.node();
            if let Some(&(_, older)) = all.last() {
                self.edge(older, newest, None);
            }
            self.edge(write, newest, Some(id));
            all.push((end, newest));
        }
        before
    }

    fn within_sessions<M: Model>(
        &mut self,
        whole: &Whole<'_, '_, M>,
        guarantee: Guarantee,
        before: &Before,
        share: &mut Share<'_>,
    ) -> Result<(), Stop> {
        let mut told: FxHashMap<(u32, u32), (Node, Node)> = FxHashMap::default();
        for (id, op) in whole.numbered() {
            share.work(|| self.bytes())?;
            if !op.writes && guarantee.then_writes && self.from_the_future.is_none() && !guarantee.first_writes {
                self.from_the_future = from_the_future(whole, id, op);
            }
            if op.writes != guarantee.then_writes {
                continue;
            }
            let Some(newest) = newest_at(before, op.who, op.key, op.begin) else { continue };
            if told.insert((op.who, op.key), (newest, op.write)) != Some((newest, op.write)) {
                self.edge(newest, op.write, Some(id));
            }
        }
        Ok(())
    }

    /// What a session demands that has read the writes of others, and then reads another key.
    fn on_other_keys<M: Model>(
        &mut self,
        whole: &Whole<'_, '_, M>,
        before: &Before,
        share: &mut Share<'_>,
    ) -> Result<(), Stop> {
        let mut of_sessions: Vec<Vec<OpId>> = vec![Vec::new(); whole.sessions];
        for (id, op) in whole.numbered().filter(|(_, op)| !op.writes) {
            of_sessions[op.who as usize].push(id);
        }
        for reads in of_sessions {
            let mut ended: Vec<(u64, OpId)> = reads.iter().filter_map(|&id| Some((whole.op(id).end?, id))).collect();
            ended.sort_unstable();
            let mut ended = ended.into_iter().peekable();
            let mut seen = Seen::default();
            for id in reads {
                let op = whole.op(id);
                while let Some((_, earlier)) = ended.next_if(|&(end, _)| end < op.begin) {
                    seen.add(whole, earlier);
                }
                share.work(|| self.bytes())?;
                self.after_what_was_seen(op.key, &mut seen, before);
                if let Some(&newest) = seen.newest.get(&op.key) {
                    self.edge(newest, op.write, Some(id));
                }
            }
        }
        Ok(())
    }

    /// Brings the newest that a session may not fall behind on a key up to date.
    fn after_what_was_seen(&mut self, key: u32, seen: &mut Seen, before: &Before) {
        for (&who, latest) in &seen.latest {
            let Some(&(begin, _, read)) = latest.iter().flatten().find(|&&(_, of, _)| of != key) else { continue };
            let Some(first) = newest_at(before, who, key, begin) else { continue };
            if seen.told.insert((key, who), first) == Some(first) {
                continue;
            }
            let newest = self.node();
            if let Some(older) = seen.newest.insert(key, newest) {
                self.edge(older, newest, None);
            }
            self.edge(first, newest, Some(read));
        }
    }

    /// A demand that these versions do not keep. What has no version was seen by nobody, and can have any.
    pub(super) fn broken_by(&self, ranks: &Ranks) -> Option<Broken> {
        let mut newest: Vec<Option<(u32, Node)>> = vec![None; self.nodes];
        for (write, &rank) in ranks.of_writes.iter().enumerate() {
            newest[write] = rank.map(|rank| (rank, Node::try_from(write).expect("it is the number of a node")));
        }
        for &edge in &self.edges {
            let (from, to) = (newest[edge.from as usize], &mut newest[edge.to as usize]);
            if edge.to as usize >= self.writes {
                *to = (*to).max(from);
            } else if let (Some((rank, newer)), Some((has, _))) = (from, *to)
                && newer != edge.to
                && (rank > has || rank == has && edge.label.is_some_and(|op| ranks.writes(op)))
            {
                return Some(Broken { newer, edge });
            }
        }
        None
    }
}

/// A write that was read: its begin, its key, and the read.
type Latest = (u64, u32, OpId);

/// What a session has read of others.
#[derive(Default)]
struct Seen {
    /// By session: of its writes that were read, the one that began last, and the last one of another key.
    latest: BTreeMap<u32, [Option<Latest>; 2]>,
    /// By key and session: what is demanded already.
    told: FxHashMap<(u32, u32), Node>,
    /// By key: the newest that must not be fallen behind.
    newest: FxHashMap<u32, Node>,
}

impl Seen {
    fn add<M: Model>(&mut self, whole: &Whole<'_, '_, M>, read: OpId) {
        let Some(write) = whole.op_of_write[whole.op(read).write as usize] else { return };
        let &Op { who, key, begin, .. } = whole.op(write);
        let new = Some((begin, key, read));
        let latest = self.latest.entry(who).or_default();
        let [first, second] = *latest;
        *latest = match (first, second) {
            (None, _) => [new, None],
            (Some((last, of, _)), _) if of == key => [if begin > last { new } else { first }, second],
            (Some((last, ..)), _) if begin > last => [new, first],
            (_, Some((last, ..))) if begin <= last => [first, second],
            _ => [first, new],
        };
    }
}

/// The newest of what a session had done first with a key when something began.
fn newest_at(before: &Before, who: u32, key: u32, begin: u64) -> Option<Node> {
    let all = before.get(&(who, key))?;
    let ended = all.partition_point(|&(end, _)| end < begin);
    ended.checked_sub(1).map(|last| all[last].1)
}

fn from_the_future<M: Model>(whole: &Whole<'_, '_, M>, read: OpId, op: &Op) -> Option<(OpId, OpId)> {
    let write = whole.op_of_write[op.write as usize]?;
    let later = whole.op(write);
    (later.who == op.who && op.end.is_some_and(|end| end < later.begin)).then_some((read, write))
}
