//! Keys that stand within the values, and histories of one key alone.

use rustc_hash::FxHashSet;
use serde_json::Value;

use crate::history::{Event, EventKind, History, HistoryError, Process};

/// A value that should have been `[key, value]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {index}: the value of {f} is {value}, not a pair of a key and a value")]
pub struct NoTuple {
    /// Its place in [`History::events`], from 0; [`locate`](crate::formats::locate) finds its line.
    pub position: usize,
    /// Its index.
    pub index: u64,
    /// What is done.
    pub f: String,
    /// The value.
    pub value: Value,
}

impl History {
    /// Takes the keys out of the values of client events, for histories of Jepsen's `independent`, where each value is
    /// `[key, value]`. A completion other than `ok` may lack it, as where only an error was told.
    pub fn split_tuples(&mut self) -> Result<(), NoTuple> {
        self.events.iter_mut().enumerate().try_for_each(|(position, event)| event.split_tuple(position))
    }

    /// The operations on one key alone, without that key: for tools that know one object and nothing but clients.
    pub fn of_key(&self, key: &Value) -> Result<History, HistoryError> {
        let operations = self.operations()?;
        let its = operations.iter().filter(|operation| operation.key.as_deref() == Some(key));
        let kept: FxHashSet<u64> =
            its.flat_map(|operation| [Some(operation.invoked), operation.completed]).flatten().collect();
        let events = self.events.iter().filter(|event| kept.contains(&event.index));
        let events = events.map(|event| Event { key: None, ..event.clone() }).collect();
        Ok(History { header: self.header.clone(), events, cut: self.cut.clone() })
    }
}

impl Event {
    /// What [`History::split_tuples`] does, for one event.
    pub(crate) fn split_tuple(&mut self, position: usize) -> Result<(), NoTuple> {
        if !matches!(self.process, Process::Client(_)) {
            return Ok(());
        }
        match &mut self.value {
            Value::Array(pair) if pair.len() == 2 => {
                let value = pair.pop();
                self.key = pair.pop();
                self.value = value.unwrap_or_default();
                Ok(())
            }
            _ if matches!(self.kind, EventKind::Fail | EventKind::Info) => Ok(()),
            value => {
                let (value, f) = (value.clone(), self.f.to_string());
                Err(NoTuple { position, index: self.index, f, value })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(index: u64, kind: EventKind, value: Value) -> Event {
        let (process, f) = (Process::Client(3), "write".into());
        Event { index, time: None, process, kind, f, key: None, value, node: None, extra: serde_json::Map::default() }
    }

    #[test]
    fn the_key_leaves_the_value() {
        let mut history = History {
            events: vec![event(0, EventKind::Invoke, json!(["x", 1])), event(1, EventKind::Info, json!(null))],
            ..History::default()
        };
        history.split_tuples().unwrap();
        let operations = history.operations().unwrap();
        assert_eq!((operations[0].key.as_deref(), &*operations[0].input), (Some(&json!("x")), &json!(1)));
        history.events[0].value = json!([1, 2, 3]);
        let error = history.split_tuples().unwrap_err().to_string();
        assert_eq!(error, "event 0: the value of write is [1,2,3], not a pair of a key and a value");
    }

    #[test]
    fn a_key_alone_has_its_operations_and_nothing_else() {
        let mut events = vec![
            event(0, EventKind::Invoke, json!(1)),
            event(1, EventKind::Ok, json!(1)),
            event(2, EventKind::Info, json!("cut")),
            event(3, EventKind::Invoke, json!(2)),
        ];
        events[1].key = Some(json!("x"));
        events[2].process = Process::Named("nemesis".into());
        events[3].key = Some(json!("y"));
        let alone = History { events, ..History::default() }.of_key(&json!("x")).unwrap();
        assert_eq!(alone.events.iter().map(|event| event.index).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(alone.events[1].key, None);
    }
}
