//! What is weaker than linearizable: judged where the configuration promises it, else measured, so that one sees how stale reads were.

use std::cell::LazyCell;

use schism_checker::history::Operation;
use schism_checker::linearizability::Options;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::weaker::{self, Level};
use schism_nodes::config::Consistency;
use serde_json::Value;

use super::{Case, property};

/// What is measured of every run.
const MEASURED: [Level; 7] = [
    Level::Regular,
    Level::KAtomic { k: 2 },
    Level::Staleness { bound_ms: None },
    Level::ReadYourWrites,
    Level::MonotonicReads,
    Level::MonotonicWrites,
    Level::WritesFollowReads,
];

/// What is judged beside linearizability, or in its place: with `declared`, what the system promises.
pub fn promised(consistency: &str, promise: Consistency) -> Vec<Level> {
    match (consistency, promise) {
        ("declared", Consistency::Regular) => vec![Level::Regular],
        _ => Vec::new(),
    }
}

/// The properties of a run, of which it is known whether it is linearizable.
pub(super) fn weaker(case: &Case<'_>, operations: &[Operation], linearizable: Outcome) -> Vec<Property> {
    let shown = case.levels.iter().copied().filter(|level| !MEASURED.contains(level));
    let measured = MEASURED.into_iter().chain(shown).filter(|level| !case.promised.contains(level));
    // What clients saw is measured by what they saw: versions are the system's own account of it.
    let unversioned = LazyCell::new(|| operations.iter().cloned().map(without_version).collect::<Vec<Operation>>());
    case.promised
        .iter()
        .copied()
        .map(|level| (level, true))
        .chain(measured.map(|level| (level, false)))
        .filter_map(|(level, judged)| match linearizable {
            Outcome::Valid if !judged && !case.levels.contains(&level) => implied(level),
            _ => checked(case, &unversioned, level, judged),
        })
        .collect()
}

fn without_version(operation: Operation) -> Operation {
    Operation { version: None, ..operation }
}

/// What is known without looking: only how stale reads were is worth to be told where none was.
fn implied(level: Level) -> Option<Property> {
    let Level::Staleness { .. } = level else { return None };
    let mut fresh =
        property(level.property(), Outcome::Valid, "no read was stale, since all is linearizable".to_owned());
    fresh.judged = false;
    let figures = [("delta_ms", Value::from(0.0)), ("stale_reads", 0.into()), ("k_at_most", 1.into())];
    fresh.figures = figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect();
    Some(fresh)
}

/// None where the level is none of this kind of object.
fn checked(case: &Case<'_>, operations: &[Operation], level: Level, judged: bool) -> Option<Property> {
    let options = Options { judged, explain: judged, ..Options::default() };
    let mut found = weaker::check_operations(operations, case.model, level, &options, case.budget).ok()?;
    if found.outcome != Outcome::Vacuous {
        found.summary.extend(staleness(level, &found));
    }
    Some(found)
}

/// How stale reads were, in words.
fn staleness(level: Level, found: &Property) -> Option<String> {
    let figure = |name: &str| found.figures.get(name);
    let of = |all: &Value, name: &str| all.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    match level {
        Level::Staleness { .. } => {
            let (delta, all) = (figure("delta_ms")?.as_f64()?, figure("stale_ms")?);
            let (stale, reads) = (figure("stale_reads")?, figure("reads")?);
            Some(format!(
                ": {delta:.1} ms; {stale} of {reads} reads were stale, p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms",
                of(all, "p50"),
                of(all, "p99"),
                of(all, "max")
            ))
        }
        Level::KAtomic { .. } => {
            let (least, most, all) = (figure("k_at_least")?, figure("k_at_most")?, figure("versions_behind")?);
            let k = if least == most { format!("{least}") } else { format!("{least} to {most}") };
            Some(format!(": the smallest k is {k}; reads were {} versions behind at most", of(all, "max")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schism_checker::budget::Unlimited;
    use schism_checker::history::History;
    use schism_checker::models::ModelSpec;
    use schism_checker::recorder::{Read, Recorder, Write};

    use super::*;

    fn judged(history: &History, consistency: &str, promise: Consistency) -> crate::judge::Judgement {
        crate::judge::judge(Case {
            history,
            model: &ModelSpec::parse("register", &BTreeMap::new()).unwrap(),
            levels: &[],
            durable: false,
            judge_durable: false,
            judge_linearizable: consistency != "declared" || promise == Consistency::Linearizable,
            promised: promised(consistency, promise),
            faults: &BTreeMap::new(),
            invariants: Vec::new(),
            budget: &Unlimited,
        })
    }

    fn told(judgement: &crate::judge::Judgement, name: &str) -> (Outcome, bool) {
        let found = judgement.properties.iter().find(|property| property.name == name);
        found.map(|property| (property.outcome, property.judged)).unwrap()
    }

    /// A new value, and then the old one, while the write goes on.
    fn inversion() -> Recorder {
        let recorder = Recorder::new();
        recorder.invoke(1, Write("x", 4)).ok(());
        drop(recorder.invoke(1, Write("x", 5)));
        recorder.invoke(2, Read("x")).ok(5);
        recorder.invoke(3, Read("x")).ok(4);
        recorder
    }

    #[test]
    fn what_is_promised_is_judged_and_the_rest_measured() {
        let history = inversion().history();
        let declared = judged(&history, "declared", Consistency::Regular);
        assert_eq!(told(&declared, "regular"), (Outcome::Valid, true));
        assert_eq!(told(&declared, "linearizable"), (Outcome::Invalid, false));
        assert_eq!(told(&declared, "k-atomic"), (Outcome::Valid, false));
        let asked = judged(&history, "linearizable", Consistency::Regular);
        assert_eq!(told(&asked, "regular"), (Outcome::Valid, false));
        assert_eq!(told(&asked, "linearizable"), (Outcome::Invalid, true));
        let nothing = judged(&history, "declared", Consistency::None);
        assert_eq!(told(&nothing, "regular"), (Outcome::Valid, false));
    }

    #[test]
    fn a_broken_promise_is_a_violation_with_its_proof() {
        let recorder = inversion();
        recorder.invoke(1, Write("x", 6)).ok(());
        recorder.invoke(3, Read("x")).ok(4);
        let judgement = judged(&recorder.history(), "declared", Consistency::Regular);
        assert_eq!((told(&judgement, "regular"), judgement.outcome()), ((Outcome::Invalid, true), Outcome::Invalid));
        let regular = judgement.properties.iter().find(|property| property.name == "regular").unwrap();
        assert_eq!(regular.counterexample.as_ref().unwrap().operations.len(), 3);
        let measured = judgement.properties.iter().find(|property| property.name == "k-atomic").unwrap();
        assert_eq!((measured.judged, &measured.figures["stale_reads"]), (false, &2.into()));
        assert!(measured.summary.ends_with("versions behind at most"), "{}", measured.summary);
    }

    #[test]
    fn where_all_is_linearizable_nothing_else_is_looked_at() {
        let recorder = Recorder::new();
        recorder.invoke(1, Write("x", 4)).ok(());
        recorder.invoke(2, Read("x")).ok(4);
        let judgement = judged(&recorder.history(), "linearizable", Consistency::Linearizable);
        assert_eq!(told(&judgement, "staleness"), (Outcome::Valid, false));
        assert!(judgement.properties.iter().all(|property| property.name != "regular"));
        let promised = judged(&recorder.history(), "declared", Consistency::Regular);
        assert_eq!(told(&promised, "regular"), (Outcome::Valid, true));
    }
}
