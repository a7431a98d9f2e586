//! From the files of a run to its properties: what was promised, whether it was kept, and what was covered.
//!
//! The judge sees the history and what became of the plan, nothing that only the running controller knew: a run can be
//! judged again later, by another version.

mod coverage;
mod crashes;
mod durable;
mod faults;
mod finale;
mod notes;
pub mod quorum;
mod resurrected;
mod weaker;

use std::collections::BTreeMap;

use schism_checker::budget::Budget;
use schism_checker::history::{Event, History, HistoryError, PairedHistory, Process};
use schism_checker::linearizability;
use schism_checker::models::ModelSpec;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::weaker::Level;
use serde_json::Map;

pub use coverage::cover;
pub use notes::invariants;
pub use resurrected::resurrected_writes;
pub use weaker::promised;

use crate::verdict::{Coverage, FaultCount};

/// What a run is judged by.
#[expect(missing_debug_implementations, reason = "the budget is the caller's")]
pub struct Case<'a> {
    /// What clients did, with the controller's own events.
    pub history: &'a History,
    /// What the answers must be.
    pub model: &'a ModelSpec,
    /// What the workload is made to show: measured at least.
    pub levels: &'a [Level],
    /// Whether the final reads tell what became of acknowledged writes …
    pub durable: bool,
    /// … and whether the system promises that reads see them.
    pub judge_durable: bool,
    /// Whether the system is held to linearizability, or it is only measured.
    pub judge_linearizable: bool,
    /// What the system is held to besides; see [`promised`].
    pub promised: Vec<Level>,
    /// Faults by kind: what became of each.
    pub faults: &'a BTreeMap<String, FaultCount>,
    /// What became of the rules about the whole cluster: see [`invariants`].
    pub invariants: Vec<Property>,
    /// What the check may cost.
    pub budget: &'a dyn Budget,
}

/// What the judge says.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Judged properties first.
    pub properties: Vec<Property>,
    /// What the harness, not the system, failed at.
    pub harness_failures: Vec<String>,
    /// Operations by their endings and latencies; what else a [`Coverage`] holds is not in a history.
    pub covered: Result<Coverage, HistoryError>,
}

impl Judgement {
    /// The worst outcome of the judged properties.
    pub fn outcome(&self) -> Outcome {
        let judged = self.properties.iter().filter(|property| property.judged);
        judged.map(|property| property.outcome).max().unwrap_or(Outcome::Vacuous)
    }
}

/// Judges a run.
pub fn judge(case: Case<'_>) -> Judgement {
    let mut failures = Vec::new();
    let paired = case.history.paired();
    let linearizable = linearizable(&case, &paired, &mut failures);
    // That the history cannot be checked at all is told of linearizability.
    let weaker = paired.as_ref().map(|paired| weaker::weaker(&case, &paired.operations, linearizable.outcome));
    let mut properties = vec![linearizable];
    properties.push(crashes::no_crash(case.history, &mut failures));
    properties.push(finale::recovers(case.history));
    properties.push(faults::took_effect(case.faults, &mut failures));
    properties.extend(weaker.into_iter().flatten());
    properties.extend(finale::converges(case.history));
    if case.durable {
        properties.push(durable::durable(case.history, case.judge_durable));
    }
    properties.extend(case.invariants);
    properties.sort_by_key(|property| !property.judged);
    let covered = paired.map(|paired| coverage::covered_by(paired.operations));
    Judgement { properties, harness_failures: failures, covered }
}

fn linearizable(case: &Case<'_>, paired: &Result<PairedHistory, HistoryError>, failures: &mut Vec<String>) -> Property {
    let options = linearizability::Options::default();
    let checked = match paired {
        Ok(paired) => linearizability::check_paired(paired, case.model, &options, case.budget),
        Err(error) => Err(error.clone().into()),
    };
    match checked {
        Ok(property) => Property { judged: case.judge_linearizable, ..property },
        Err(error) => {
            failures.push(format!("the recorded history cannot be checked: {error}"));
            property("linearizable", Outcome::Unknown, error.to_string())
        }
    }
}

/// How many acknowledged writes the final reads show to be lost; none where nothing was looked for in the end.
pub fn lost_writes(history: &History) -> Option<u64> {
    let durable = durable::durable(history, false);
    let figure = |name: &str| durable.figures.get(name).and_then(serde_json::Value::as_u64);
    figure("acknowledged").filter(|acknowledged| *acknowledged > 0).and_then(|_| figure("lost"))
}

/// A judged property without counterexample.
fn property(name: &str, outcome: Outcome, summary: String) -> Property {
    let name = name.to_owned();
    let (counterexample, suspects, figures) = (None, Vec::new(), Map::new());
    Property { name, judged: true, outcome, summary, route: None, counterexample, suspects, figures }
}

/// The events of somebody who is no client, of one kind.
fn events_of<'a>(history: &'a History, who: &'a str, f: &'a str) -> impl Iterator<Item = &'a Event> {
    history
        .events
        .iter()
        .filter(move |event| matches!(&event.process, Process::Named(name) if &**name == who) && &*event.f == f)
}
