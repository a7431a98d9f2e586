//! What the scripts of `report.html` draw, as one JSON object. Every text in it is inert (`crate::report::inert`) already.

mod columns;
mod faults;
mod proofs;

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::History;
use schism_checker::verdict::Property;
use serde::Serialize;

use crate::folder::RunFile;
use crate::measure::{self, Side};
use crate::report::beside::{Beside, LogLine, Message, Note, Window};
use crate::report::data::columns::Columns;
use crate::report::data::proofs::Proof;
use crate::report::inert;
use crate::verdict::Verdict;

pub use faults::{Fault, faults};
pub use proofs::meanwhile;

/// How long before and after an operation of a counterexample things are looked at, in nanoseconds.
const AROUND: u64 = 15_000_000;
/// The longest operation that is looked at from its begin to its end; of a longer one, this much at both ends.
const LONG: u64 = 250_000_000;

/// See the module's head.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    run: String,
    /// Whether times are known; else the index of an event stands for its time.
    timed: bool,
    nodes: Vec<String>,
    operations: Columns,
    faults: Vec<Fault>,
    /// On which side of a cut each node was, from each time on.
    sides: Vec<(u64, BTreeMap<String, Side>)>,
    proofs: Vec<Proof>,
    notes: &'a [Note],
    messages: &'a [Message],
    logs: &'a [LogLine],
}

/// What the page shows of a run.
pub(super) fn data<'a>(run: Option<&RunFile>, verdict: &Verdict, history: &'a History, beside: &'a Beside) -> Data<'a> {
    let operations = history.operations().unwrap_or_default();
    let timed = operations.iter().any(|operation| operation.invoked_at.is_some());
    let faults = faults(history);
    let clients = run.and_then(|run| u64::try_from(run.options.concurrency).ok()).filter(|clients| *clients > 0);
    let mut proofs: Vec<Proof> = Vec::new();
    for property in broken(verdict) {
        proofs.extend(Proof::of(property, &operations, &faults));
    }
    Data {
        run: inert::short(&verdict.run, 200),
        timed,
        nodes: nodes(run, history),
        operations: Columns::of(&operations, clients, timed),
        faults,
        sides: sides(history),
        proofs,
        notes: &beside.notes,
        messages: &beside.messages,
        logs: &beside.logs,
    }
}

/// Properties with a proof that they are broken, those first that were judged.
pub(super) fn broken(verdict: &Verdict) -> impl Iterator<Item = &Property> {
    let with_proof = |judged| {
        let found = move |property: &&Property| property.judged == judged && property.counterexample.is_some();
        verdict.properties.iter().filter(found)
    };
    with_proof(true).chain(with_proof(false))
}

/// The moments around which it is worth looking at notes and messages: those of the counterexamples.
pub fn windows(verdict: &Verdict) -> Vec<Window> {
    let mut windows = Vec::new();
    for counterexample in broken(verdict).filter_map(|property| property.counterexample.as_ref()) {
        for witness in &counterexample.operations {
            let Some(from) = witness.invoked_at else { continue };
            let to = witness.completed_at.unwrap_or(from);
            let begin = from.saturating_sub(AROUND);
            if to - from.min(to) > LONG {
                windows.extend([
                    (begin, from.saturating_add(AROUND)),
                    (to.saturating_sub(AROUND), to.saturating_add(AROUND)),
                ]);
            } else {
                windows.push((begin, to.saturating_add(AROUND)));
            }
        }
        windows.extend(
            counterexample
                .moments
                .iter()
                .map(|moment| (moment.at.saturating_sub(AROUND), moment.at.saturating_add(AROUND))),
        );
    }
    windows
}

/// On which side each node was; names as they stand everywhere in the page.
fn sides(history: &History) -> Vec<(u64, BTreeMap<String, Side>)> {
    let inert = |(node, side): (String, Side)| (inert::short(&node, 60), side);
    let spans = measure::sides(history).into_iter();
    spans.map(|(from, sides)| (from, sides.into_iter().map(inert).collect())).collect()
}

/// All replicas: those that were started, or those that were asked.
fn nodes(run: Option<&RunFile>, history: &History) -> Vec<String> {
    if let Some(run) = run {
        return (1..=run.options.nodes).map(|node| format!("n{node}")).collect();
    }
    let named: BTreeSet<&str> = history.events.iter().filter_map(|event| event.node.as_deref()).collect();
    named.into_iter().map(|node| inert::short(node, 60)).collect()
}
