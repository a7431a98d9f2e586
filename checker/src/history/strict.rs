//! What a history has that no sound recorder writes, though it can be judged all the same.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::history::{Event, EventKind, History, Process};

/// Something about an event that makes its recorder doubtful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The event's place in [`History::events`], from 0; [`locate`](crate::formats::locate) finds its line. None where the
    /// history was cut off.
    pub position: Option<usize>,
    /// What is wrong.
    pub reason: MalformedReason,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MalformedReason {
    /// The file ends in the middle of an event.
    Cut,
    /// Its time is before that of an earlier event.
    TimeGoesBack {
        /// Index of the event.
        index: u64,
        /// Its time, in nanoseconds.
        time: u64,
        /// The earlier event's.
        after: u64,
    },
    /// Its process goes on, though an operation of it is open for ever: after `info` a client takes a new number.
    GoesOnAfterInfo {
        /// Index of the event.
        index: u64,
        /// The process.
        process: u64,
    },
    /// It completes an operation on another key than was invoked.
    OtherKey {
        /// Index of the event.
        index: u64,
        /// The process.
        process: u64,
    },
}

impl fmt::Display for MalformedReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MalformedReason::Cut => out.write_str("the file ends in the middle of an event"),
            MalformedReason::TimeGoesBack { index, time, after } => {
                write!(out, "event {index}: its time {time} is before {after}, which an earlier event has")
            }
            MalformedReason::GoesOnAfterInfo { index, process } => write!(
                out,
                "event {index}: process {process} invokes after an info; that operation may still be open, so a client \
                 has to go on under a new number"
            ),
            MalformedReason::OtherKey { index, process } => {
                write!(out, "event {index}: process {process} completes an operation on another key than it invoked")
            }
        }
    }
}

impl History {
    /// Everything that is malformed about this history, in the order of its events. What
    /// [`operations`](History::operations) refuses is not among it.
    pub fn malformed(&self) -> Vec<Malformed> {
        let mut found = Vec::new();
        let mut latest = 0;
        let mut over: FxHashSet<u64> = FxHashSet::default();
        let mut open: FxHashMap<u64, &Event> = FxHashMap::default();
        for (position, event) in self.events.iter().enumerate() {
            let mut tell = |reason| found.push(Malformed { position: Some(position), reason });
            let index = event.index;
            if let Some(time) = event.time {
                if time < latest {
                    tell(MalformedReason::TimeGoesBack { index, time, after: latest });
                }
                latest = latest.max(time);
            }
            let Process::Client(process) = event.process else { continue };
            if event.kind == EventKind::Invoke {
                if over.contains(&process) {
                    tell(MalformedReason::GoesOnAfterInfo { index, process });
                }
                open.insert(process, event);
                continue;
            }
            let invoked = open.remove(&process).and_then(|event| event.key.as_ref());
            if invoked.is_some() && event.key.is_some() && invoked != event.key.as_ref() {
                tell(MalformedReason::OtherKey { index, process });
            }
            if event.kind == EventKind::Info {
                over.insert(process);
            }
        }
        found.extend(self.cut.as_ref().map(|_| Malformed { position: None, reason: MalformedReason::Cut }));
        found
    }
}

#[cfg(test)]
mod tests {
    fn found(text: &str) -> Vec<String> {
        let history = crate::formats::read_bytes(text.as_bytes(), "test").unwrap();
        history.malformed().iter().map(|malformed| malformed.reason.to_string()).collect()
    }

    #[test]
    fn a_sound_history_is_not_malformed() {
        let sound = r#"{"time":5,"process":1,"type":"invoke","f":"write","key":"x","value":1}
            {"time":5,"process":1,"type":"info","f":"write","key":"x","value":1}
            {"time":6,"process":2,"type":"invoke","f":"write","value":1}
            {"process":2,"type":"ok","f":"write","key":"x","value":1}
            "#;
        assert_eq!(found(sound), [""; 0]);
    }

    #[test]
    fn each_fault_is_named() {
        let text = r#"{"time":5,"process":1,"type":"invoke","f":"write","key":"x","value":1}
            {"time":4,"process":1,"type":"info","f":"write","key":"y","value":1}
            {"time":6,"process":1,"type":"invoke","f":"write","value":1}
            {"process":1,"ty"#;
        let found = found(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(
            found[0].contains("before 5") && found[1].contains("another key") && found[2].contains("after an info")
        );
        assert!(found[3].contains("the file ends"));
    }
}
