//! Histories event by event: what a follower says while they grow, against a checker that knows all of them.

use std::collections::HashSet;

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Event, EventKind, History, Operation, Process};
use schism_checker::linearizability::Options;
use schism_checker::models::ModelSpec;
use schism_checker::streaming::{Follower, Found};
use schism_checker::verdict::Outcome;

/// What became of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    pub(crate) violated: bool,
    /// The violation was known before the last event.
    pub(crate) early: bool,
}

/// The events of these operations in the order of their indexes, which are given anew; none if a process would have two
/// operations open.
pub(crate) fn recorded_events(operations: &[Operation]) -> Option<History> {
    let mut moments: Vec<(u64, EventKind, &Operation)> = Vec::new();
    for operation in operations {
        moments.push((operation.invoked, EventKind::Invoke, operation));
        let kind = match operation.ending {
            Ending::Ok => EventKind::Ok,
            Ending::Fail => EventKind::Fail,
            Ending::Info => EventKind::Info,
        };
        moments.extend(operation.completed.map(|completed| (completed, kind, operation)));
    }
    // What begins and what ends at the same index is concurrent.
    moments.sort_by_key(|&(index, kind, _)| (index, kind != EventKind::Invoke));
    let event = |(index, (_, kind, operation)): (u64, (u64, EventKind, &Operation))| Event {
        index,
        time: None,
        process: Process::Client(operation.process),
        kind,
        f: operation.f.clone(),
        key: operation.key.as_deref().cloned(),
        value: match (kind, &operation.output) {
            (EventKind::Ok, Some(output)) => output.to_value(),
            _ => operation.input.to_value(),
        },
        node: None,
        extra: serde_json::Map::new(),
    };
    let history = History { events: (0..).zip(moments).map(event).collect(), ..History::default() };
    history.operations().is_ok().then_some(history)
}

/// Follows a history, sees at each event that what is said is true, and tells what became of it. Where `nameless`, invocations
/// do not name their key.
pub(crate) fn follow(
    mut history: History,
    model: &ModelSpec,
    options: &Options,
    nameless: bool,
    truth: impl Fn(&[Operation]) -> bool,
    told: &str,
) -> Grown {
    for event in history.events.iter_mut().filter(|event| nameless && event.kind == EventKind::Invoke) {
        event.key = None;
    }
    let mut follower = Follower::new(model, options);
    let mut open: HashSet<&Process> = HashSet::new();
    let mut seen = None;
    for (number, event) in history.events.iter().enumerate() {
        if event.kind == EventKind::Invoke {
            open.insert(&event.process)
        } else {
            open.remove(&event.process)
        };
        let found = follower.event(event, &Unlimited).expect(told);
        if let Some(violation) = only_violations(&found, told) {
            assert_eq!(violation, event.index, "{told}");
            seen.get_or_insert(number);
            assert!(!truth(&prefix(&history, number + 1)), "event {number} does not imply a violation: {told}");
        }
        if open.is_empty() {
            // Nothing is held back: now it is known whatever there is to know.
            assert_eq!(seen.is_none(), truth(&prefix(&history, number + 1)), "at event {number}: {told}");
            assert_eq!(follower.standing().waiting, 0, "{told}");
        }
    }
    let last = only_violations(&follower.finish(&Unlimited).expect(told), told);
    let violated = seen.is_some() || last.is_some();
    assert_eq!(violated, !truth(&history.operations().expect(told)), "at the end: {told}");
    let settled = follower.settled().map(|property| property.outcome);
    assert_eq!(settled.is_none(), violated, "{told}");
    assert!(settled.is_none_or(|outcome| matches!(outcome, Outcome::Valid | Outcome::Vacuous)), "{told}");
    Grown { violated, early: seen.is_some_and(|seen| seen + 1 < history.events.len()) }
}

/// The event with which a violation was seen, if one was; nothing may have been given up.
fn only_violations(found: &[Found], told: &str) -> Option<u64> {
    let mut seen = None;
    for found in found {
        let Found::Violation(violation) = found else { panic!("{found:?}: {told}") };
        assert!(!violation.counterexample.because.is_empty(), "nothing is said: {told}");
        seen = Some(violation.seen);
    }
    seen
}

/// The operations of the first events, those that are open taken as crashed.
fn prefix(history: &History, events: usize) -> Vec<Operation> {
    let events = history.events[..events].to_vec();
    History { events, ..History::default() }.operations().expect("the whole history has operations")
}
