//! Why a history is not causally consistent: the shortest cycle of what comes before what, in words.

use crate::model::Model;
use crate::verdict::{Counterexample, Step, Witness};
use crate::weaker::causal::order::Why;
use crate::weaker::graph::{Edge, Graph};
use crate::weaker::whole::{OpId, Whole};

/// So many operations of cycles are looked at for the one with the shortest.
const CANDIDATES: usize = 64;

/// A shortest cycle; there must be one.
pub(super) fn cycle<M: Model>(whole: &Whole<'_, '_, M>, steps: &[Edge<Why>]) -> Counterexample {
    let graph = Graph::new(whole.ops.len(), steps.to_vec());
    let components = graph.components();
    let mut sizes = vec![0_usize; whole.ops.len()];
    for &component in &components {
        sizes[component as usize] += 1;
    }
    let on_cycles = whole
        .numbered()
        .map(|(id, _)| id)
        .filter(|&id| sizes[components[id as usize] as usize] > 1 || graph.out(id).iter().any(|step| step.to == id));
    let ways = on_cycles
        .take(CANDIDATES)
        .filter_map(|from| graph.way(from, |to| to == from, |to| components[to as usize] == components[from as usize]));
    let way = ways.min_by_key(Vec::len).expect("there is a cycle");
    let mut because: Vec<String> = way.iter().map(|step| sentence(whole, step)).collect();
    because.push("so each of them comes before itself".to_owned());
    told(whole, &way, Vec::new(), because)
}

/// A read returned a value that was replaced before; `source` is none for the initial one.
pub(super) fn overwritten<M: Model>(
    whole: &Whole<'_, '_, M>,
    steps: &[Edge<Why>],
    source: Option<OpId>,
    newer: OpId,
    read: OpId,
) -> Counterexample {
    let graph = Graph::new(whole.ops.len(), steps.to_vec());
    let way = |from, to| graph.way(from, |node| node == to, |_| true).unwrap_or_default();
    let mut steps = source.map_or_else(Vec::new, |source| way(source, newer));
    steps.extend(way(newer, read));
    let mut because: Vec<String> = steps.iter().map(|step| sentence(whole, step)).collect();
    let what = match source {
        Some(source) => format!("what {} wrote", whole.sentence(source)),
        None => "the initial value".to_owned(),
    };
    because.push(format!(
        "{}: it returned {what}, though {} had come in between",
        whole.sentence(read),
        whole.sentence(newer)
    ));
    told(whole, &steps, vec![(read, "returned what had been replaced".to_owned())], because)
}

fn sentence<M: Model>(whole: &Whole<'_, '_, M>, step: &Edge<Why>) -> String {
    format!("{} before {}: {}", whole.sentence(step.from), whole.sentence(step.to), why(whole, step))
}

fn why<M: Model>(whole: &Whole<'_, '_, M>, step: &Edge<Why>) -> String {
    match step.label {
        Why::Session => "so it was in their session".to_owned(),
        Why::ReadsFrom => "the second returned what the first wrote".to_owned(),
        Why::Before(read) => {
            format!("the first had come before {}, which returned the second", whole.sentence(read))
        }
    }
}

/// The same as data, between the rows that are shown.
fn steps<M: Model>(whole: &Whole<'_, '_, M>, way: &[Edge<Why>], rows: &[Witness]) -> Vec<Step> {
    let place = |id: OpId| {
        let operation = whole.call(id).operation;
        rows.iter().position(|row| (row.process, row.invoked) == (operation.process, operation.invoked))
    };
    // A compare-and-set is two operations here, and none comes before itself for anybody who looks.
    let step = |step: &Edge<Why>| {
        let (before, after) = (place(step.from)?, place(step.to)?);
        (before != after).then(|| Step { before, after, why: why(whole, step) })
    };
    way.iter().filter_map(step).collect()
}

fn told<M: Model>(
    whole: &Whole<'_, '_, M>,
    way: &[Edge<Why>],
    mut shown: Vec<(OpId, String)>,
    because: Vec<String>,
) -> Counterexample {
    for step in way {
        let read = match step.label {
            Why::Before(read) => Some(read),
            Why::Session | Why::ReadsFrom => None,
        };
        for id in [step.from, step.to].into_iter().chain(read) {
            if shown.iter().all(|&(other, _)| whole.op(other).call != whole.op(id).call) {
                shown.push((id, String::new()));
            }
        }
    }
    let operations = whole.rows(&shown);
    let steps = steps(whole, way, &operations);
    Counterexample { operations, because, steps, ..Counterexample::default() }
}
