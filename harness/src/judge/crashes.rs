//! `no-crash`: no node ended by itself after it was ready, and no log has a line that its manifest calls a failure.

use super::{events_of, property};
use schism_checker::history::History;
use schism_checker::verdict::{Counterexample, Outcome, Property};
use schism_nodes::control::exit;

/// Reads the `died` events, which name deaths that no fault caused.
///
/// A death before the node was ready, by a signal 9 that was not ours (the kernel, for memory) or of storage that failed
/// by itself is a failure of the harness, not of the system.
pub(super) fn no_crash(history: &History, failures: &mut Vec<String>) -> Property {
    let mut crashes = Vec::new();
    for event in events_of(history, "cluster", "died") {
        let death = &event.value;
        let node = death["node"].as_str().unwrap_or("a node");
        let log = death["log"].as_str().unwrap_or_default().trim();
        match (death["was_ready"].as_bool(), death["code"].as_i64(), death["signal"].as_i64()) {
            (Some(false), ..) => failures.push(format!("{node} ended before it was ready: {log}")),
            (_, Some(code), _) if code == i64::from(exit::DISK_FAILED) && death["server"].as_bool() != Some(true) => {
                failures.push(format!("the storage of {node} failed: {log}"));
            }
            (.., Some(9)) => failures.push(format!("{node} got a SIGKILL that was not ours; was memory short?")),
            (_, code, signal) => {
                crashes.push(sentence(node, code, signal, death["server"].as_bool() == Some(true)));
                crashes.extend(log.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
            }
        }
    }
    for event in events_of(history, "cluster", "complained") {
        let (node, line) = (event.value["node"].as_str().unwrap_or("a node"), event.value["line"].as_str());
        crashes.push(format!("{node} logged a failure: {}", line.unwrap_or_default().trim()));
    }
    if crashes.is_empty() {
        return property("no-crash", Outcome::Valid, "no node ended by itself".to_owned());
    }
    let summary = crashes[0].clone();
    let counterexample = Counterexample { because: crashes, ..Counterexample::default() };
    Property { counterexample: Some(counterexample), ..property("no-crash", Outcome::Invalid, summary) }
}

fn sentence(node: &str, code: Option<i64>, signal: Option<i64>, is_server: bool) -> String {
    match (code, signal) {
        (Some(101), _) if !is_server => format!("{node} panicked"),
        (Some(code), _) => format!("{node} ended by itself with exit code {code}"),
        (None, Some(signal)) => format!("{node} was ended by signal {signal}"),
        (None, None) => format!("{node} ended by itself"),
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::history::{Event, EventKind, Process};
    use serde_json::{Map, Value, json};

    use super::*;

    fn judged(death: Value) -> (Outcome, usize) {
        let event = Event {
            index: 0,
            time: None,
            process: Process::Named("cluster".into()),
            kind: EventKind::Info,
            f: "died".into(),
            key: None,
            value: death,
            node: None,
            extra: Map::new(),
        };
        let history = History { events: vec![event], ..History::default() };
        let mut failures = Vec::new();
        (no_crash(&history, &mut failures).outcome, failures.len())
    }

    #[test]
    fn who_is_to_blame_for_a_death() {
        let death =
            |code, signal, was_ready| json!({"node": "n1", "code": code, "signal": signal, "was_ready": was_ready});
        assert_eq!(judged(death(Some(101), None::<i32>, true)), (Outcome::Invalid, 0));
        assert_eq!(judged(death(Some(0), None, true)), (Outcome::Invalid, 0));
        assert_eq!(judged(death(None, Some(11), true)), (Outcome::Invalid, 0));
        assert_eq!(judged(death(Some(1), None, false)), (Outcome::Valid, 1));
        assert_eq!(judged(death(None, Some(9), true)), (Outcome::Valid, 1));
        assert_eq!(judged(death(Some(exit::DISK_FAILED), None, true)), (Outcome::Valid, 1));
    }
}
