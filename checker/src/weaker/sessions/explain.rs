//! Why a session guarantee is broken, in words: each demand on the way with the operations that make it.

use crate::model::Model;
use crate::verdict::Counterexample;
use crate::weaker::graph::{Edge, Graph, Node};
use crate::weaker::sessions::demands::{Broken, Label};
use crate::weaker::whole::{OpId, Whole};

/// What is shown, while it is put together.
struct Told<'w, 'p, 'a, M: Model> {
    whole: &'w Whole<'p, 'a, M>,
    shown: Vec<(OpId, String)>,
    because: Vec<String>,
}

/// A session read what it wrote only afterwards.
pub(super) fn from_the_future<M: Model>(whole: &Whole<'_, '_, M>, read: OpId, write: OpId) -> Counterexample {
    let mut told = Told::of(whole);
    told.show(read, "first");
    told.show(write, "later in the same session");
    told.because.push(format!("{}, and that was over before {}", whole.sentence(read), whole.sentence(write)));
    told.finish()
}

/// Versions do not keep a demand.
pub(super) fn versions<M: Model>(whole: &Whole<'_, '_, M>, graph: &Graph<Label>, broken: &Broken) -> Counterexample {
    let writes = whole.op_of_write.len();
    let mut told = Told::of(whole);
    let to = broken.edge.from;
    let way = graph.way(broken.newer, |node| node == to, |node| node as usize >= writes);
    let mut way = way.unwrap_or_default();
    way.push(broken.edge);
    told.demand(broken.newer, broken.edge.to, &way);
    for write in [broken.newer, broken.edge.to] {
        let version = whole.numbered().find_map(|(id, op)| {
            let version = whole.call(id).operation.version.as_deref();
            version.filter(|version| op.write == write && !version.is_null())
        });
        let version = version.map_or_else(|| "none".to_owned(), ToString::to_string);
        told.because.push(format!("the version of {} is {version}", whole.value(write)));
        told.source(write);
    }
    told.finish()
}

/// Two writes each have to be no newer than the other.
pub(super) fn cycle<M: Model>(
    whole: &Whole<'_, '_, M>,
    graph: &Graph<Label>,
    components: &[u32],
    (one, other): (Node, Node),
) -> Counterexample {
    let writes = whole.op_of_write.len();
    let component = components[one as usize];
    let inside = |node: Node| components[node as usize] == component;
    // A shorter way may lead over another write.
    let there = graph.way(one, |node| (node as usize) < writes && node != one, inside);
    let other = there.as_ref().and_then(|way| way.last()).map_or(other, |edge| edge.to);
    let back = graph.way(other, |node| node == one, inside);
    let way: Vec<Edge<Label>> = there.into_iter().chain(back).flatten().collect();
    let mut told = Told::of(whole);
    let mut from = 0;
    for (place, edge) in way.iter().enumerate() {
        if (edge.to as usize) < writes {
            told.demand(way[from].from, edge.to, &way[from..=place]);
            told.source(edge.to);
            from = place + 1;
        }
    }
    told.because.push("so no order of these versions is possible".to_owned());
    told.finish()
}

impl<'w, 'p, 'a, M: Model> Told<'w, 'p, 'a, M> {
    fn of(whole: &'w Whole<'p, 'a, M>) -> Told<'w, 'p, 'a, M> {
        Told { whole, shown: Vec::new(), because: Vec::new() }
    }

    fn show(&mut self, op: OpId, role: &str) {
        if self.shown.iter().all(|&(shown, _)| self.whole.op(shown).call != self.whole.op(op).call) {
            self.shown.push((op, role.to_owned()));
        }
    }

    /// Shows who wrote it.
    fn source(&mut self, write: Node) {
        if let Some(op) = self.whole.op_of_write[write as usize] {
            self.show(op, "");
        }
    }

    /// That one write is no newer than another, because of the operations on the way.
    fn demand(&mut self, from: Node, to: Node, way: &[Edge<Label>]) {
        let whole = self.whole;
        let follows = format!("{} is no newer than {}", whole.value(from), whole.value(to));
        let ops: Vec<OpId> = way.iter().filter_map(|edge| edge.label).collect();
        let sentences: Vec<String> = ops.iter().map(|&op| whole.sentence(op)).collect();
        let sentence = match (&ops[..], &sentences[..]) {
            (&[first, then], [one, other]) => {
                self.show(first, "first");
                self.show(then, "later in the same session");
                format!("{one}, and later in the same session {other}: so {follows}")
            }
            (&[first, read, then], [one, seen, other]) => {
                self.show(first, "first");
                if let Some(write) = whole.op_of_write[whole.op(read).write as usize] {
                    self.show(write, "later in the same session");
                }
                self.show(read, "saw that");
                self.show(then, "later in the session that saw it");
                format!("{one}, and its session wrote later what {seen}; after that {other}: so {follows}")
            }
            _ => follows,
        };
        self.because.push(sentence);
    }

    fn finish(self) -> Counterexample {
        let operations = self.whole.rows(&self.shown);
        Counterexample { operations, because: self.because, ..Counterexample::default() }
    }
}
