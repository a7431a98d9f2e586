//! What came before what, causally: the direct steps as a graph, and for each operation all that came before it as a vector with a number for
//! each process.

use rustc_hash::FxHashMap;

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::weaker::graph::{Edge, Graph};
use crate::weaker::whole::{Op, OpId, Whole};

/// Why an operation comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It did so in its session.
    Session,
    /// The second returned what the first wrote.
    ReadsFrom,
    /// Both write one key, and the first came before this read, which returned the second.
    Before(OpId),
}

/// Operations that each come before the next one: those of a process.
type ChainId = u32;

/// See the module's head.
pub(super) struct Order {
    /// The direct steps. Operations that do not count have none.
    pub(super) steps: Vec<Edge<Why>>,
    /// Whether an operation counts: a crashed write that nobody read does not.
    counts: Vec<bool>,
    /// For each operation its chain and its place there.
    places: Vec<(ChainId, u32)>,
    chains: usize,
    /// For each key the chains that write it, with their writes.
    writers: Vec<Vec<Writer>>,
    pub(super) clocks: Clocks,
    /// Whether the relation has a cycle; then there are no clocks.
    pub(super) cyclic: bool,
}

/// The writes of one key in one chain.
struct Writer {
    chain: ChainId,
    writes: Vec<(u32, OpId)>,
}

/// For each operation and chain how many of the chain's operations came before it or are it.
pub(super) struct Clocks {
    chains: usize,
    counts: Vec<u32>,
}

impl Clocks {
    pub(super) fn of(&self, op: OpId) -> &[u32] {
        &self.counts[op as usize * self.chains..][..self.chains]
    }
}

impl Order {
    pub(super) fn of<M: Model>(whole: &Whole<'_, '_, M>, share: &mut Share<'_>) -> Result<Order, Stop> {
        let counts = counting(whole);
        let (places, chains) = chains(whole, &counts);
        let mut steps = session_steps(whole, &counts);
        for (id, op) in whole.numbered().filter(|(_, op)| !op.writes) {
            if let Some(write) = whole.op_of_write[op.write as usize] {
                steps.push(Edge { from: write, to: id, label: Why::ReadsFrom });
            }
        }
        let mut writers: Vec<Vec<Writer>> = whole.initials.iter().map(|_| Vec::new()).collect();
        let mut place_of: FxHashMap<(u32, ChainId), usize> = FxHashMap::default();
        for (id, op) in whole.numbered().filter(|&(id, op)| op.writes && counts[id as usize]) {
            let (chain, place) = places[id as usize];
            let of_key = &mut writers[op.key as usize];
            let writer = *place_of.entry((op.key, chain)).or_insert_with(|| {
                of_key.push(Writer { chain, writes: Vec::new() });
                of_key.len() - 1
            });
            of_key[writer].writes.push((place, id));
        }
        let clocks = Clocks { chains, counts: Vec::new() };
        let mut order = Order { steps, counts, places, chains, writers, clocks, cyclic: false };
        share.ask(order.bytes_of_clocks())?;
        match order.clocks(&order.steps, |_| true, share)? {
            Some(clocks) => order.clocks = clocks,
            None => order.cyclic = true,
        }
        Ok(order)
    }

    /// About how many bytes clocks for all operations take, with the graph that they are made from.
    pub(super) fn bytes_of_clocks(&self) -> usize {
        self.places.len() * (self.chains + 2) * size_of::<u32>() + 2 * size_of_val(&*self.steps)
    }

    /// The clocks of a relation that has at least all steps within chains, for the operations that `takes_part` says; none where it
    /// has a cycle.
    pub(super) fn clocks(
        &self,
        steps: &[Edge<Why>],
        takes_part: impl Fn(OpId) -> bool,
        share: &mut Share<'_>,
    ) -> Result<Option<Clocks>, Stop> {
        let all = self.places.len();
        let graph = Graph::new(all, steps.iter().copied().filter(|step| takes_part(step.to)).collect());
        let mut waits = vec![0_u32; all];
        let ids = || (0..).take(all).filter(|&id: &OpId| self.counts[id as usize] && takes_part(id));
        ids().for_each(|id| graph.out(id).iter().for_each(|step| waits[step.to as usize] += 1));
        let mut clocks = Clocks { chains: self.chains, counts: vec![0; all * self.chains] };
        let mut ready: Vec<OpId> = ids().filter(|&id| waits[id as usize] == 0).collect();
        let mut done = 0;
        while let Some(id) = ready.pop() {
            done += 1;
            let (chain, place) = self.places[id as usize];
            let own = id as usize * self.chains;
            clocks.counts[own + chain as usize] = place + 1;
            for step in graph.out(id) {
                // A step joins two vectors, which is as much work as there are chains.
                for _ in 0..=self.chains / 256 {
                    share.work(|| self.bytes_of_clocks())?;
                }
                join(&mut clocks.counts, own, step.to as usize * self.chains, self.chains);
                waits[step.to as usize] -= 1;
                if waits[step.to as usize] == 0 {
                    ready.push(step.to);
                }
            }
        }
        Ok((done == ids().count()).then_some(clocks))
    }

    /// Whether an operation came before another, or is it, by these clocks.
    pub(super) fn is_before(&self, clocks: &Clocks, earlier: OpId, later: OpId) -> bool {
        let (chain, place) = self.places[earlier as usize];
        clocks.of(later)[chain as usize] > place
    }

    /// The last write of this key in each chain that came before this read.
    pub(super) fn writes_before(&self, clocks: &Clocks, read: OpId, key: u32) -> impl Iterator<Item = OpId> {
        let clock = clocks.of(read);
        self.writers[key as usize].iter().filter_map(move |writer| {
            let known = writer.writes.partition_point(|&(place, _)| place < clock[writer.chain as usize]);
            known.checked_sub(1).map(|last| writer.writes[last].1)
        })
    }

    /// How much work it is to look at all of these.
    pub(super) fn writers(&self, key: u32) -> usize {
        self.writers[key as usize].len()
    }

    pub(super) fn counts(&self, id: OpId) -> bool {
        self.counts[id as usize]
    }
}

/// Makes the vector that begins at `to` the larger of both everywhere.
fn join(counts: &mut [u32], from: usize, to: usize, length: usize) {
    let (one, other) = if from < to {
        let (low, high) = counts.split_at_mut(to);
        (&low[from..from + length], &mut high[..length])
    } else {
        let (low, high) = counts.split_at_mut(from);
        (&high[..length], &mut low[to..to + length])
    };
    other.iter_mut().zip(one).for_each(|(other, one)| *other = (*other).max(*one));
}

fn counting<M: Model>(whole: &Whole<'_, '_, M>) -> Vec<bool> {
    let mut counts: Vec<bool> = whole.ops.iter().map(|op| op.end.is_some()).collect();
    for op in whole.ops.iter().filter(|op| !op.writes) {
        if let Some(write) = whole.op_of_write[op.write as usize] {
            counts[write as usize] = true;
        }
    }
    counts
}

/// The operations of each process one after the other. After one that is not over when the next begins a new chain starts.
fn chains<M: Model>(whole: &Whole<'_, '_, M>, counts: &[bool]) -> (Vec<(ChainId, u32)>, usize) {
    let mut last: FxHashMap<(u32, u64), (ChainId, u32, &Op)> = FxHashMap::default();
    let mut places = Vec::with_capacity(whole.ops.len());
    let mut chains: ChainId = 0;
    for (id, op) in whole.numbered() {
        if !counts[id as usize] {
            places.push((0, u32::MAX));
            continue;
        }
        let process = (op.who, whole.call(id).operation.process);
        let follows = last
            .get(&process)
            .filter(|(.., before)| before.call == op.call || before.end.is_some_and(|end| end < op.begin));
        let (chain, place) = follows.map_or_else(
            || {
                chains += 1;
                (chains - 1, 0)
            },
            |&(chain, place, _)| (chain, place + 1),
        );
        last.insert(process, (chain, place, op));
        places.push((chain, place));
    }
    (places, chains as usize)
}

/// The steps within sessions, but for those that others imply: from each operation that ended after the begin of all that
/// ended before the next one began.
fn session_steps<M: Model>(whole: &Whole<'_, '_, M>, counts: &[bool]) -> Vec<Edge<Why>> {
    let mut of_sessions: Vec<Vec<OpId>> = vec![Vec::new(); whole.sessions];
    for (id, op) in whole.numbered().filter(|&(id, _)| counts[id as usize]) {
        of_sessions[op.who as usize].push(id);
    }
    let mut steps = Vec::with_capacity(2 * whole.ops.len());
    let mut step = |from, to| steps.push(Edge { from, to, label: Why::Session });
    for ops in of_sessions {
        let mut ended: Vec<(u64, OpId)> = ops.iter().filter_map(|&id| Some((whole.op(id).end?, id))).collect();
        ended.sort_unstable();
        let (mut over, mut latest_begin) = (0, 0);
        for (place, &id) in ops.iter().enumerate() {
            let op = whole.op(id);
            while over < ended.len() && ended[over].0 < op.begin {
                latest_begin = latest_begin.max(whole.op(ended[over].1).begin);
                over += 1;
            }
            let direct = ended[..over].iter().rev().take_while(|&&(end, _)| end >= latest_begin);
            direct.for_each(|&(_, before)| step(before, id));
            // What a compare-and-set found comes before what it left.
            if let Some(&read) = place.checked_sub(1).map(|before| &ops[before])
                && whole.op(read).call == op.call
            {
                step(read, id);
            }
        }
    }
    steps
}
