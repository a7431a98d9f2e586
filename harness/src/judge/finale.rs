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

/// Measured, not judged: whether the last reads of each key were equal at all nodes. Absent without final reads.
pub(super) fn converges(history: &History) -> Option<Property> {
    let begin = phase(history, "in-force")?.index;
    let mut values: BTreeMap<String, BTreeMap<&str, &Value>> = BTreeMap::new();
    for event in history.events.iter().filter(|event| event.index > begin && is_ok(event) && &*event.f == "read") {
        let (Some(key), Some(node)) = (&event.key, &event.node) else { continue };
        values.entry(key.to_string()).or_default().insert(node, &event.value);
    }
    let split: Vec<&str> = values.iter().filter(|(_, at)| different(at) > 1).map(|(key, _)| key.as_str()).collect();
    let (outcome, summary) = match (values.is_empty(), split.is_empty()) {
        (true, _) => (Outcome::Vacuous, "no final read was answered".to_owned()),
        (_, true) => (Outcome::Valid, format!("all nodes answered alike on {} keys in the end", values.len())),
        _ => (Outcome::Invalid, format!("nodes answered differently in the end on {}", split.join(", "))),
    };
    Some(Property { judged: false, ..property("converges", outcome, summary) })
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
