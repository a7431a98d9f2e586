//! What the final phase shows: `recovers`, and whether the nodes agree (`converges`).

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::{Event, EventKind, History, Process};
use schism_checker::verdict::{Counterexample, Outcome, Property};
use serde_json::Value;

use super::{events_of, property};

/// A system that answered before the final phase and not within the time to recover in it broke `recovers`; one that
/// never answered shows nothing.
pub(super) fn recovers(history: &History) -> Property {
    let Some(end) = phase(history, "end") else {
        return property("recovers", Outcome::Vacuous, "the final phase was not reached".to_owned());
    };
    let begin = phase(history, "begin").map_or(0, |event| event.index);
    let answered_before = history.events.iter().any(|event| event.index < begin && is_ok(event));
    let silent = silent_nodes(&end.value);
    let seconds = end.value["seconds"].as_f64().unwrap_or_default();
    if silent.is_empty() {
        return property(
            "recovers",
            Outcome::Valid,
            format!("every node answered {seconds:.1} s after the last fault"),
        );
    }
    if !answered_before {
        return property("recovers", Outcome::Vacuous, "the system never answered".to_owned());
    }
    let summary = format!("{} did not answer within {seconds:.0} s after the last fault", silent.join(", "));
    let because = vec![format!("requests were answered before; {summary}")];
    let counterexample = Counterexample { because, ..Counterexample::default() };
    Property { counterexample: Some(counterexample), ..property("recovers", Outcome::Invalid, summary) }
}

/// Measured, not judged: whether the last reads of each key were equal at all nodes, and how long after the last fault they had
/// become so at the latest. Absent without final reads.
pub(super) fn converges(history: &History) -> Option<Property> {
    let begin = phase(history, "in-force")?.index;
    let mut values: BTreeMap<String, BTreeMap<&str, &Value>> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.index > begin && is_ok(event) && &*event.f == "read") {
        let (Some(key), Some(node)) = (&event.key, &event.node) else { continue };
        values.entry(key.to_string()).or_default().insert(node, &event.value);
    }
    let split: Vec<&str> = values.iter().filter(|(_, at)| different(at) > 1).map(|(key, _)| key.as_str()).collect();
    let mut converged_ms = None;
    let (outcome, summary) = match (values.is_empty(), split.is_empty()) {
        (true, _) => (Outcome::Vacuous, "no final read was answered".to_owned()),
        (_, true) => {
            let within = within_ms(history, &values);
            let told = within.map_or_else(String::new, |ms| format!(", within {:.1} s after the last fault", ms / 1e3));
            converged_ms = within;
            (Outcome::Valid, format!("all nodes answered alike on {} keys in the end{told}", values.len()))
        }
        _ => (Outcome::Invalid, format!("nodes answered differently in the end on {}", split.join(", "))),
    };
    let figures = converged_ms.map(|ms| ("converged_ms".to_owned(), ms.into())).into_iter().collect();
    Some(Property { judged: false, figures, ..property("converges", outcome, summary) })
}

/// By when the nodes had become equal, in milliseconds since the last fault was over: when they had come to rest, and no read after
/// that answered anything else than in the end.
fn within_ms(history: &History, ends: &BTreeMap<String, BTreeMap<&str, &Value>>) -> Option<f64> {
    let (quiet, rested) = (phase(history, "begin")?.time?, phase(history, "in-force")?);
    let ends: BTreeMap<&str, &Value> =
        ends.iter().filter_map(|(key, at)| Some((key.as_str(), *at.values().next()?))).collect();
    let late = history.events.iter().filter(|event| event.index > rested.index && is_ok(event) && &*event.f == "read");
    let other = late.filter(|event| {
        let key = event.key.as_ref().map(ToString::to_string).unwrap_or_default();
        ends.get(key.as_str()).is_some_and(|end| **end != event.value)
    });
    let last = other.filter_map(|event| event.time).max().max(rested.time)?;
    Some(std::time::Duration::from_nanos(last.saturating_sub(quiet)).as_secs_f64() * 1e3)
}

fn different(at: &BTreeMap<&str, &Value>) -> usize {
    at.values().map(ToString::to_string).collect::<BTreeSet<_>>().len()
}

/// The event of the final phase with this `phase`.
fn phase<'a>(history: &'a History, name: &'a str) -> Option<&'a Event> {
    events_of(history, "nemesis", "final").find(|event| event.extra.get("phase").and_then(Value::as_str) == Some(name))
}

fn silent_nodes(end: &Value) -> Vec<&str> {
    let answered = end["answered"].as_object();
    answered
        .into_iter()
        .flatten()
        .filter(|(_, yes)| **yes != Value::Bool(true))
        .map(|(node, _)| node.as_str())
        .collect()
}

fn is_ok(event: &Event) -> bool {
    event.kind == EventKind::Ok && matches!(event.process, Process::Client(_))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    /// A history, a line at a time.
    #[derive(Default)]
    struct Told(History);

    impl Told {
        fn event(mut self, process: Process, kind: EventKind, f: &str, value: Value, more: Value) -> Self {
            let Value::Object(extra) = more else { unreachable!("tests say more in objects") };
            let node = extra.get("node").and_then(Value::as_str).map(Into::into);
            let key = extra.get("key").cloned();
            let index = self.0.events.len() as u64;
            let extra: Map<String, Value> = extra.into_iter().filter(|(name, _)| name == "phase").collect();
            self.0.events.push(Event { index, time: None, process, kind, f: f.into(), key, value, node, extra });
            self
        }

        /// A read by process 1 that ended so.
        fn read(self, kind: EventKind, key: &str, node: &str, value: impl Into<Value>) -> Self {
            let more = json!({"key": key, "node": node});
            self.event(Process::Client(1), EventKind::Invoke, "read", Value::Null, more.clone()).event(
                Process::Client(1),
                kind,
                "read",
                value.into(),
                more,
            )
        }

        fn phase(self, phase: &str, value: Value) -> Self {
            self.event(Process::Named("nemesis".into()), EventKind::Info, "final", value, json!({"phase": phase}))
        }

        /// The final phase, in which each of two nodes answered or not.
        fn end(self, n1: bool, n2: bool) -> Self {
            self.phase("end", json!({"answered": {"n1": n1, "n2": n2}, "seconds": 30.0}))
        }
    }

    fn told() -> Told {
        Told::default()
    }

    #[test]
    fn a_system_that_answers_again_recovers() {
        let history = told().read(EventKind::Ok, "x", "n1", 1).phase("begin", Value::Null).end(true, true).0;
        let property = recovers(&history);
        assert_eq!((property.outcome, property.judged), (Outcome::Valid, true));
        assert!(property.counterexample.is_none());
    }

    #[test]
    fn a_system_that_answered_and_then_does_not_is_broken() {
        let history = told().read(EventKind::Ok, "x", "n1", 1).phase("begin", Value::Null).end(true, false).0;
        let property = recovers(&history);
        assert_eq!((property.outcome, property.judged), (Outcome::Invalid, true));
        assert_eq!(property.summary, "n2 did not answer within 30 s after the last fault");
        assert!(property.counterexample.is_some());
    }

    #[test]
    fn a_system_that_never_answered_shows_nothing() {
        // What is answered in the final phase itself is no answer before it.
        let history = told()
            .read(EventKind::Fail, "x", "n1", Value::Null)
            .read(EventKind::Info, "x", "n1", Value::Null)
            .phase("begin", Value::Null)
            .read(EventKind::Ok, "x", "n1", 1)
            .end(true, false);
        assert_eq!(recovers(&history.0).outcome, Outcome::Vacuous);
    }

    #[test]
    fn without_the_end_of_the_final_phase_nothing_follows() {
        let interrupted = told().read(EventKind::Ok, "x", "n1", 1).phase("begin", Value::Null);
        assert_eq!(recovers(&interrupted.0).outcome, Outcome::Vacuous);
        assert_eq!(recovers(&History::default()).outcome, Outcome::Vacuous);
    }

    fn converged(history: &Told) -> Option<Outcome> {
        let property = converges(&history.0)?;
        assert!(!property.judged, "it is measured only");
        Some(property.outcome)
    }

    #[test]
    fn nodes_converge_when_their_last_reads_are_equal() {
        let rested = || told().read(EventKind::Ok, "x", "n2", 7).phase("in-force", Value::Null);
        let both = |n1: u64, n2: u64| rested().read(EventKind::Ok, "x", "n1", n1).read(EventKind::Ok, "x", "n2", n2);
        assert_eq!(converged(&both(1, 1)), Some(Outcome::Valid), "an earlier read does not count");
        assert_eq!(converged(&both(1, 2)), Some(Outcome::Invalid));
        assert_eq!(converged(&both(1, 1).read(EventKind::Ok, "y", "n1", 2)), Some(Outcome::Valid), "keys are apart");
        assert_eq!(
            converged(&both(1, 2).read(EventKind::Ok, "x", "n1", 2)),
            Some(Outcome::Valid),
            "the last one counts"
        );
    }

    #[test]
    fn it_is_told_within_what_time_nodes_converged() {
        let mut history = told()
            .phase("begin", Value::Null)
            .phase("in-force", Value::Null)
            .read(EventKind::Ok, "x", "n1", 1)
            .read(EventKind::Ok, "x", "n2", 2)
            .read(EventKind::Ok, "x", "n1", 2)
            .0;
        let ms = |history: &History| converges(history).unwrap().figures.get("converged_ms").and_then(Value::as_f64);
        assert_eq!(ms(&history), None, "without times nothing is told");
        for (event, time) in history.events.iter_mut().zip(0..) {
            event.time = Some(time * 100_000_000);
        }
        // The event of index 3 still answered what n1 gave up.
        assert_eq!(ms(&history), Some(300.0));
        history.events[3].value = json!(2);
        assert_eq!(ms(&history), Some(100.0), "they had come to rest by then");
    }

    #[test]
    fn without_final_reads_there_is_nothing_to_compare() {
        assert_eq!(converged(&told().read(EventKind::Ok, "x", "n1", 1)), None);
        let unanswered = told().phase("in-force", Value::Null).read(EventKind::Info, "x", "n1", Value::Null);
        assert_eq!(converged(&unanswered), Some(Outcome::Vacuous));
    }
}
