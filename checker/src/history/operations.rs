//! Pairs invocations with their completions.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::history::shared::Values;
use crate::history::{Ending, Event, EventKind, History, Operation, Process, SharedValue};

impl History {
    /// The operations of the clients, in the order of their invocations.
    ///
    /// Events of somebody else (`nemesis`) are passed over. An operation that is open at the end ends as `info`: its
    /// process may have died, or the file may have been cut.
    pub fn operations(&self) -> Result<Vec<Operation>, HistoryError> {
        let mut pairing = Pairing::with_room_for(self.events.len() / 2);
        self.events.iter().try_for_each(|event| pairing.push(event))?;
        Ok(pairing.operations)
    }
}

/// Pairs one event after the other; none is needed again.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    pub(super) operations: Vec<Operation>,
    matcher: Matcher,
    values: Values,
}

impl Pairing {
    pub(super) fn with_room_for(operations: usize) -> Pairing {
        Pairing { operations: Vec::with_capacity(operations), ..Pairing::default() }
    }

    /// How many events there were.
    pub(super) fn events(&self) -> usize {
        self.matcher.events
    }

    pub(super) fn push(&mut self, event: &Event) -> Result<(), HistoryError> {
        let share = |value: &Value| self.values.get(value);
        match self.matcher.take(event)? {
            Matched::Begins { process, .. } => self.operations.push(invoked(process, event, share)),
            Matched::Ends { number, ending } => complete(&mut self.operations[number], event, ending, share),
            Matched::Other => {}
        }
        Ok(())
    }
}

/// Tells of each event, one after the other, which operation begins or ends with it. It remembers those that are open.
#[derive(Debug, Default)]
pub(crate) struct Matcher {
    /// By process.
    open: FxHashMap<u64, Open>,
    previous_index: Option<u64>,
    /// How many events there were.
    events: usize,
    /// How many operations began.
    begun: usize,
}

/// An operation without completion.
#[derive(Debug)]
struct Open {
    number: usize,
    f: Arc<str>,
    invoked: u64,
}

/// What an event means for the operations, which are numbered from 0 in the order of their invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matched {
    /// The next operation begins.
    Begins { process: u64, number: usize },
    /// This operation ends.
    Ends { number: usize, ending: Ending },
    /// Nothing: it is somebody else's.
    Other,
}

impl Matcher {
    /// How many events there were.
    pub(crate) fn events(&self) -> usize {
        self.events
    }

    /// Takes the next event.
    pub(crate) fn take(&mut self, event: &Event) -> Result<Matched, HistoryError> {
        let position = self.events;
        self.events += 1;
        let misplaced = |reason| HistoryError { position, index: event.index, reason };
        if let Some(previous) = self.previous_index.replace(event.index)
            && event.index <= previous
        {
            return Err(misplaced(Misplaced::Index { previous }));
        }
        let Process::Client(process) = event.process else { return Ok(Matched::Other) };
        let matched = match ending(event.kind) {
            None => self.begin(process, event),
            Some(ending) => self.end(process, event, ending),
        };
        matched.map_err(misplaced)
    }

    fn begin(&mut self, process: u64, event: &Event) -> Result<Matched, Misplaced> {
        let number = self.begun;
        self.begun += 1;
        let open = Open { number, f: event.f.clone(), invoked: event.index };
        match self.open.insert(process, open) {
            Some(earlier) => Err(Misplaced::StillOpen { process, f: event.f.to_string(), open: earlier.invoked }),
            None => Ok(Matched::Begins { process, number }),
        }
    }

    fn end(&mut self, process: u64, event: &Event, ending: Ending) -> Result<Matched, Misplaced> {
        let Some(open) = self.open.remove(&process) else {
            return Err(Misplaced::NothingOpen { process, f: event.f.to_string(), kind: event.kind });
        };
        if open.f != event.f {
            let (f, open_f) = (event.f.to_string(), open.f.to_string());
            return Err(Misplaced::OtherFunction { process, f, open_f, open: open.invoked });
        }
        Ok(Matched::Ends { number: open.number, ending })
    }
}

/// How a completion of this kind ends its operation; none for an invocation.
fn ending(kind: EventKind) -> Option<Ending> {
    match kind {
        EventKind::Invoke => None,
        EventKind::Ok => Some(Ending::Ok),
        EventKind::Fail => Some(Ending::Fail),
        EventKind::Info => Some(Ending::Info),
    }
}

/// An operation of which only the invocation is known. `share` makes the values that it keeps.
pub(crate) fn invoked(process: u64, event: &Event, mut share: impl FnMut(&Value) -> SharedValue) -> Operation {
    Operation {
        process,
        f: event.f.clone(),
        key: event.key.as_ref().map(&mut share),
        input: share(&event.value),
        output: None,
        ending: Ending::Info,
        node: event.node.clone(),
        invoked: event.index,
        completed: None,
        invoked_at: event.time,
        completed_at: None,
        error: None,
        session: event.extra.get("session").filter(|session| !session.is_null()).map(share),
        version: None,
    }
}

/// Completes an operation with its last event.
pub(crate) fn complete(
    operation: &mut Operation,
    event: &Event,
    ending: Ending,
    mut share: impl FnMut(&Value) -> SharedValue,
) {
    operation.ending = ending;
    operation.completed = Some(event.index);
    operation.completed_at = event.time;
    if ending == Ending::Ok {
        operation.output = Some(share(&event.value));
    }
    // Which object and which node it was may be known only afterwards.
    if operation.key.is_none() {
        operation.key = event.key.as_ref().map(&mut share);
    }
    if operation.node.is_none() {
        operation.node.clone_from(&event.node);
    }
    operation.error = event.extra.get("error").map(&mut share);
    operation.version = event.extra.get("quorum").and_then(|quorum| quorum.get("version")).map(share);
}

/// An event that cannot be where it is: the history is not one of single-threaded processes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: {reason}")]
pub struct HistoryError {
    /// Its place in [`History::events`], from 0; [`locate`](crate::formats::locate) finds its line.
    pub position: usize,
    /// Its index.
    pub index: u64,
    /// What is wrong with it.
    pub reason: Misplaced,
}

/// Why an event cannot be where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// Its index is not greater than that of the event before it.
    Index {
        /// The index of the event before it.
        previous: u64,
    },
    /// Its process invokes while an operation of it is open.
    StillOpen {
        /// The process.
        process: u64,
        /// What it invokes.
        f: String,
        /// Index of the invocation that has no completion yet.
        open: u64,
    },
    /// Its process completes, but invoked nothing.
    NothingOpen {
        /// The process.
        process: u64,
        /// What it completes.
        f: String,
        /// How.
        kind: EventKind,
    },
    /// Its process completes something else than it invoked.
    OtherFunction {
        /// The process.
        process: u64,
        /// What it completes.
        f: String,
        /// What it invoked.
        open_f: String,
        /// Index of the invocation.
        open: u64,
    },
}

impl fmt::Display for Misplaced {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misplaced::Index { previous } => {
                write!(out, "its index does not follow {previous}; indexes have to grow from line to line")
            }
            Misplaced::StillOpen { process, f, open } => write!(
                out,
                "process {process} invokes {f} while its operation of event {open} is open; after info a client goes \
                 on under a new process number"
            ),
            Misplaced::NothingOpen { process, f, kind } => {
                write!(out, "process {process} completes {f} with {kind}, but has no operation open")
            }
            Misplaced::OtherFunction { process, f, open_f, open } => {
                write!(out, "process {process} completes {f}, but its open operation is the {open_f} of event {open}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::history::History;

    /// A history from `process type f value` words; its indexes are 10, 11, …
    fn history(lines: &[&str]) -> History {
        let events = lines.iter().zip(10..).map(|(line, index)| {
            let mut words = line.splitn(4, ' ');
            let mut word = || words.next().expect("four words");
            let process = word();
            let process = serde_json::from_str(process).unwrap_or_else(|_| Process::Named(process.into()));
            let kind = serde_json::from_value(json!(word())).unwrap();
            let f = word().into();
            let value = serde_json::from_str(word()).unwrap();
            let extra = if kind == EventKind::Info { json!({"error": "timeout"}) } else { json!({}) };
            let Value::Object(extra) = extra else { unreachable!() };
            Event { index, time: Some(index * 2), process, kind, f, key: None, value, node: None, extra }
        });
        History { header: None, events: events.collect(), cut: None }
    }

    fn reason(lines: &[&str]) -> (usize, Misplaced) {
        let error = history(lines).operations().unwrap_err();
        assert_eq!(error.index, 10 + error.position as u64);
        (error.position, error.reason)
    }

    #[test]
    fn invocations_meet_their_completions() {
        let operations = history(&[
            "0 invoke write 1",
            "7 invoke read null",
            "nemesis info cut null",
            "nemesis info heal null",
            "7 ok read 1",
            "0 ok write 1",
            "7 invoke cas [1,2]",
            "0 invoke write 3",
            "7 fail cas [1,2]",
            "0 info write 3",
            "1 invoke read null",
        ])
        .operations()
        .unwrap();
        let told: Vec<_> = operations
            .iter()
            .map(|o| {
                (o.process, &*o.f, o.input.to_value(), o.output.as_deref().cloned(), o.ending, o.invoked, o.completed)
            })
            .collect();
        assert_eq!(
            told,
            [
                (0, "write", json!(1), Some(json!(1)), Ending::Ok, 10, Some(15)),
                (7, "read", json!(null), Some(json!(1)), Ending::Ok, 11, Some(14)),
                (7, "cas", json!([1, 2]), None, Ending::Fail, 16, Some(18)),
                (0, "write", json!(3), None, Ending::Info, 17, Some(19)),
                (1, "read", json!(null), None, Ending::Info, 20, None),
            ]
        );
        assert_eq!((operations[0].invoked_at, operations[0].completed_at), (Some(20), Some(30)));
        assert_eq!((operations[2].error.as_deref(), operations[3].error.as_deref()), (None, Some(&json!("timeout"))));
    }

    #[test]
    fn key_and_node_come_from_either_event() {
        let mut history = history(&["0 invoke read null", "0 ok read 1", "0 invoke read null", "0 ok read 1"]);
        history.events[0].key = Some(json!("x"));
        history.events[1].node = Some("n1".into());
        history.events[2].node = Some("n2".into());
        history.events[3].key = Some(json!("y"));
        let operations = history.operations().unwrap();
        assert_eq!((operations[0].key.as_deref(), operations[0].node.as_deref()), (Some(&json!("x")), Some("n1")));
        assert_eq!((operations[1].key.as_deref(), operations[1].node.as_deref()), (Some(&json!("y")), Some("n2")));
    }

    #[test]
    fn a_process_has_one_operation_open() {
        let wrong = reason(&["3 invoke write 1", "4 invoke write 2", "3 invoke read null"]);
        assert_eq!(wrong, (2, Misplaced::StillOpen { process: 3, f: "read".into(), open: 10 }));
        let wrong = reason(&["3 invoke write 1", "3 info write 1", "3 ok write 1"]);
        assert_eq!(wrong, (2, Misplaced::NothingOpen { process: 3, f: "write".into(), kind: EventKind::Ok }));
        let wrong = reason(&["3 invoke write 1", "3 ok read 1"]);
        let reason = Misplaced::OtherFunction { process: 3, f: "read".into(), open_f: "write".into(), open: 10 };
        assert_eq!(wrong, (1, reason));
    }

    #[test]
    fn indexes_grow() {
        let mut history = history(&["0 invoke write 1", "0 ok write 1"]);
        history.events[1].index = 10;
        let error = history.operations().unwrap_err();
        assert_eq!(error.to_string(), "event 10: its index does not follow 10; indexes have to grow from line to line");
    }
}
