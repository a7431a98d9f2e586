//! The witness of a violation that zones found: its few operations as a constraint graph, and the shortest cycle of that
//! graph in words.
//!
//! An edge says that one operation comes before another, and why: in real time, because a read returned what a write wrote, or
//! because the values have an order: if anything that concerns one value ended before anything that concerns another began,
//! then all of the first comes before the other is written.

use std::cmp::Reverse;

use petgraph::algo::astar;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::call::Call;
use crate::model::{Access, Model};
use crate::registers::{RegisterCalls, ValueId};
use crate::sorting;
use crate::verdict::{Counterexample, Step};
use crate::words;
use crate::zones::Violation;

/// So many of the earliest violations are looked at for the one that is easiest to understand.
const CANDIDATES: usize = 64;

/// The easiest of `violations` to understand, without the key. There must be one.
pub(crate) fn counterexample<M: Model>(
    model: &M,
    registers: &RegisterCalls,
    calls: &[Call<'_, M::Input>],
    violations: &[Violation],
) -> Counterexample {
    let cycles = violations.iter().take(CANDIDATES).map(|&violation| Cycle::of(registers, calls, violation));
    // Few operations, and then a wide margin: that one thing came before another should not hang on microseconds.
    let ease = |cycle: &Cycle| (cycle.operations.len(), Reverse(cycle.margin(calls)));
    let cycle = cycles.min_by_key(ease).expect("there is a violation to explain");
    cycle.tell(model, registers, calls)
}

/// Why an operation comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Because {
    /// The first ended before the second began.
    RealTime,
    /// The second returned what the first wrote.
    ReadsFrom,
    /// The first concerns a value that was there before the one that the second writes.
    Order(Proof),
}

/// Why a value was there before another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// It was the initial one.
    Initial,
    /// This call, which concerns it, ended before that call, which concerns the other, began.
    Ended(usize, usize),
}

/// Operations that cannot be put in an order.
struct Cycle {
    /// Each step: an operation, one that comes after it, and why. Empty where a single read is wrong by itself.
    steps: Vec<(usize, usize, Because)>,
    /// All operations of the steps and their proofs, by invocation.
    operations: Vec<usize>,
}

impl Cycle {
    fn of<I>(registers: &RegisterCalls, calls: &[Call<'_, I>], violation: Violation) -> Cycle {
        let steps = match violation {
            Violation::Unwritten { read } => return Cycle { steps: Vec::new(), operations: vec![read] },
            Violation::FromTheFuture { write, read } => {
                vec![(write, read, Because::ReadsFrom), (read, write, Because::RealTime)]
            }
            Violation::BothFirst { values: [one, other] } => {
                // What comes before the initial value cannot be told, so it is the first of the two.
                let [first, second] = if other == registers.initial { [other, one] } else { [one, other] };
                contradiction(registers, calls, first, second)
            }
        };
        let mut operations: Vec<usize> = steps
            .iter()
            .flat_map(|&(before, after, because)| match because {
                Because::Order(Proof::Ended(ended, began)) => vec![before, after, ended, began],
                _ => vec![before, after],
            })
            .collect();
        // A value that was read is shown with its write.
        let seen = operations.iter().filter_map(|&call| registers.accesses[call].observed());
        let writes: Vec<usize> = seen.filter_map(|value| registers.only_producer[value as usize]).collect();
        operations.extend(writes);
        sorting::sort_by_key(&mut operations, &|call| (calls[call].operation.invoked, call));
        operations.dedup();
        Cycle { steps, operations }
    }

    /// The least number of events between an end and a beginning that the proof needs in this order.
    fn margin<I>(&self, calls: &[Call<'_, I>]) -> u64 {
        let needed = self.steps.iter().filter_map(|&(before, after, because)| match because {
            Because::RealTime => Some((before, after)),
            Because::Order(Proof::Ended(ended, began)) => Some((ended, began)),
            Because::ReadsFrom | Because::Order(Proof::Initial) => None,
        });
        let between = |(ended, began): (usize, usize)| {
            calls[ended].end.map_or(0, |end| calls[began].operation.invoked.saturating_sub(end))
        };
        needed.map(between).min().unwrap_or(u64::MAX)
    }

    fn tell<M: Model>(&self, model: &M, registers: &RegisterCalls, calls: &[Call<'_, M::Input>]) -> Counterexample {
        let sentence = |call: usize| words::sentence(model, &calls[call]);
        let mut because: Vec<String> = self
            .steps
            .iter()
            .map(|&(before, after, because)| {
                let why = tell_because(model, registers, calls, (before, after, because));
                format!("{} before {}: {why}", sentence(before), sentence(after))
            })
            .collect();
        let place = |call: usize| self.operations.iter().position(|&shown| shown == call);
        let steps = self.steps.iter().filter_map(|&(before, after, because)| {
            let why = tell_because(model, registers, calls, (before, after, because));
            Some(Step { before: place(before)?, after: place(after)?, why })
        });
        let steps = steps.collect();
        if self.steps.is_empty() {
            because.extend(self.operations.iter().map(|&read| format!("{}, and nobody wrote that", sentence(read))));
        }
        let mut previous = None;
        let rows = self.operations.iter().map(|&call| {
            let role = role(registers, calls, call, previous.replace(call));
            words::witness(model, &calls[call], role)
        });
        Counterexample { operations: rows.collect(), because, steps, ..Counterexample::default() }
    }
}

/// The shortest cycle among the operations of two values that must come before each other. `second` has a write.
fn contradiction<I>(
    registers: &RegisterCalls,
    calls: &[Call<'_, I>],
    first: ValueId,
    second: ValueId,
) -> Vec<(usize, usize, Because)> {
    let concerned = |value| {
        let concerns = move |access: &Access<ValueId>| access.observed().or(access.produced()) == Some(value);
        let all = registers.accesses.iter().enumerate().filter(move |(_, access)| concerns(access));
        all.map(|(call, _)| call).collect::<Vec<_>>()
    };
    let (firsts, seconds) = (concerned(first), concerned(second));
    let write_of = |value: ValueId| registers.only_producer[value as usize];
    let back = ended_before(calls, (&seconds, write_of(second)), (&firsts, write_of(first)));
    let (back_ended, back_began) = back.expect("the second value comes before the first");
    let mut operations = vec![back_ended, back_began];
    operations.extend([write_of(first), write_of(second)].into_iter().flatten());
    let forth = if first == registers.initial {
        Proof::Initial
    } else {
        let forth = ended_before(calls, (&firsts, write_of(first)), (&seconds, write_of(second)));
        let (ended, began) = forth.expect("the first value comes before the second");
        operations.extend([ended, began]);
        Proof::Ended(ended, began)
    };
    operations.sort_unstable();
    operations.dedup();
    let proofs = [(first, second, forth), (second, first, Proof::Ended(back_ended, back_began))];
    shortest_cycle(&graph(registers, calls, &operations, &proofs), registers)
}

/// A call of the first that ended before one of the second began: the writes where they will do, as they are easiest to
/// understand, else the earliest that ended and the next that began.
fn ended_before<I>(
    calls: &[Call<'_, I>],
    (firsts, first_write): (&[usize], Option<usize>),
    (seconds, second_write): (&[usize], Option<usize>),
) -> Option<(usize, usize)> {
    let begin = |call: usize| calls[call].operation.invoked;
    let earliest = firsts.iter().copied().filter(|&call| calls[call].end.is_some()).min_by_key(|&call| calls[call].end);
    first_write.into_iter().chain(earliest).find_map(|ended| {
        let end = calls[ended].end?;
        let after = |call: &usize| begin(*call) > end;
        let next = || seconds.iter().copied().filter(after).min_by_key(|&call| begin(call));
        Some((ended, second_write.filter(after).or_else(next)?))
    })
}

/// What must come before what among `operations`. `orders` are values, one before the other, with the reason.
fn graph<I>(
    registers: &RegisterCalls,
    calls: &[Call<'_, I>],
    operations: &[usize],
    orders: &[(ValueId, ValueId, Proof)],
) -> DiGraph<usize, Because> {
    let mut graph = DiGraph::new();
    let nodes: Vec<NodeIndex> = operations.iter().map(|&call| graph.add_node(call)).collect();
    let value = |call: usize| {
        let access = registers.accesses[call];
        access.observed().or(access.produced())
    };
    for (&before, &before_node) in operations.iter().zip(&nodes) {
        for (&after, &after_node) in operations.iter().zip(&nodes) {
            if before == after {
                continue;
            }
            let after_writes = registers.accesses[after].produced();
            let order = orders.iter().find(|order| value(before) == Some(order.0) && after_writes == Some(order.1));
            let because = if calls[before].end.is_some_and(|end| end < calls[after].operation.invoked) {
                Because::RealTime
            } else if registers.accesses[before]
                .produced()
                .is_some_and(|it| registers.accesses[after].observed() == Some(it))
            {
                Because::ReadsFrom
            } else if let Some(&(_, _, proof)) = order {
                Because::Order(proof)
            } else {
                continue;
            };
            graph.add_edge(before_node, after_node, because);
        }
    }
    graph
}

/// Among cycles of the same length the one that is easiest to follow, and of these the first in the history.
fn shortest_cycle(graph: &DiGraph<usize, Because>, registers: &RegisterCalls) -> Vec<(usize, usize, Because)> {
    // "It read 4 before 5 replaced it" is nearer to what was seen than "4 was written before 5".
    let effort = |before: NodeIndex, because: &Because| match because {
        Because::RealTime | Because::ReadsFrom => 100,
        Because::Order(_) if registers.accesses[graph[before]].produced().is_none() => 101,
        Because::Order(_) => 102,
    };
    let cycles = graph.edge_references().filter_map(|edge| {
        let step = |edge: petgraph::graph::EdgeReference<'_, Because>| effort(edge.source(), edge.weight());
        let (length, mut nodes) = astar(graph, edge.target(), |node| node == edge.source(), step, |_| 0)?;
        nodes.push(edge.target());
        Some((length + effort(edge.source(), edge.weight()), nodes))
    });
    let (_, nodes) = cycles.min_by_key(|cycle| cycle.0).expect("values that must come before each other make a cycle");
    nodes
        .windows(2)
        .map(|step| {
            let edge = graph.find_edge(step[0], step[1]).expect("a cycle walks along edges");
            (graph[step[0]], graph[step[1]], graph[edge])
        })
        .collect()
}

fn tell_because<M: Model>(
    model: &M,
    registers: &RegisterCalls,
    calls: &[Call<'_, M::Input>],
    (before, after, because): (usize, usize, Because),
) -> String {
    let value = |call: usize| {
        let access = model.access(&calls[call].input).expect("zones are for registers");
        access.observed().or(access.produced()).map_or_else(String::new, ToString::to_string)
    };
    match because {
        Because::RealTime => match words::gap(&calls[before], &calls[after]) {
            Some(gap) => format!("the first ended {gap} before the second began"),
            None => "the first ended before the second began".to_owned(),
        },
        Because::ReadsFrom => "the second returned what the first wrote".to_owned(),
        Because::Order(Proof::Initial) => {
            format!("{} was there at the beginning, and {} replaced it", value(before), value(after))
        }
        Because::Order(Proof::Ended(ended, began)) => {
            debug_assert!(registers.accesses[after].produced().is_some(), "only writes have an order");
            let (ended, began) = (words::sentence(model, &calls[ended]), words::sentence(model, &calls[began]));
            format!("{} replaced {}, since {ended} and that was over before {began}", value(after), value(before))
        }
    }
}

fn role<I>(registers: &RegisterCalls, calls: &[Call<'_, I>], call: usize, previous: Option<usize>) -> String {
    if matches!(registers.accesses[call], Access::Write(_)) {
        let role = if calls[call].crashed() { "its value was read" } else { "acknowledged" };
        return role.to_owned();
    }
    let ended = |earlier: &usize| calls[*earlier].end.is_some_and(|end| end < calls[call].operation.invoked);
    match previous.filter(ended) {
        Some(earlier) => match words::gap(&calls[earlier], &calls[call]) {
            Some(gap) => format!("began {gap} after that"),
            None => "began after that was over".to_owned(),
        },
        None => String::new(),
    }
}
