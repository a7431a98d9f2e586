//! What clients did, as it was recorded: a header, then events in one order.
//!
//! The model is Jepsen's. A process is single-threaded: it invokes, then gets `ok` (it happened), `fail` (it certainly
//! did not) or `info` (nobody knows; it may still take effect at any later time). The order of lines is the truth;
//! `time` is for people and for staleness, and never orders.

mod keys;
mod line;
mod operations;
mod paired;
mod shared;
mod strict;

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

pub use keys::NoTuple;
#[cfg(feature = "formats")]
pub(crate) use line::{Draft, DraftSeed, Names};
pub use line::{HistoryWriter, append_line};
pub use operations::{HistoryError, Misplaced};
pub(crate) use operations::{Matched, Matcher, complete, invoked};
pub use paired::PairedHistory;
#[cfg(feature = "formats")]
pub(crate) use paired::Pairs;
pub use shared::SharedValue;
pub use strict::{Malformed, MalformedReason};

/// The newest version of the format of `history.jsonl` that this crate writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The first line of a history: what was run, and what the values mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `history`.
    pub schism: String,
    /// Version of the format; a newer one than [`FORMAT`] is refused by number.
    pub format: u32,
    /// The run folder's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The system under test with its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The model that the answers are judged by, such as `cas-register`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The value of a key that was never written. Declared, never inferred.
    #[serde(default)]
    pub initial: Value,
    /// The wall clock at time 0, RFC 3339 with nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Who made an event: a client process by its number, or something by its name (`nemesis`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A client; it has one operation open at a time.
    Client(u64),
    /// Somebody else. Its events are kept, and no checker takes them for operations.
    Named(Arc<str>),
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Process::Client(number) => write!(f, "{number}"),
            Process::Named(name) => f.write_str(name),
        }
    }
}

impl Serialize for Process {
    /// A number for a client, a string for somebody else.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Process::Client(number) => serializer.serialize_u64(*number),
            Process::Named(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ProcessVisitor)
    }
}

struct ProcessVisitor;

impl Visitor<'_> for ProcessVisitor {
    type Value = Process;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a process: a non-negative integer for a client, a string for somebody else")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Process, E> {
        Ok(Process::Client(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Process, E> {
        u64::try_from(number).map(Process::Client).map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Process, E> {
        Ok(Process::Named(Arc::from(name)))
    }
}

/// What an event says of its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// It begins; recorded before its first byte was sent.
    Invoke,
    /// It happened.
    Ok,
    /// It certainly did not happen.
    Fail,
    /// Nobody knows whether it happened or will.
    Info,
}

impl EventKind {
    /// Its word in the files.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Invoke => "invoke",
            EventKind::Ok => "ok",
            EventKind::Fail => "fail",
            EventKind::Info => "info",
        }
    }

    /// The kind of this word.
    pub fn of(word: &str) -> Option<EventKind> {
        [EventKind::Invoke, EventKind::Ok, EventKind::Fail, EventKind::Info]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its place in the recorded order.
    pub index: u64,
    /// Nanoseconds since the start, from the recorder's monotonic clock; absent in formats that have none.
    pub time: Option<u64>,
    /// Who.
    pub process: Process,
    /// Begin or end.
    pub kind: EventKind,
    /// What is done: `read`, `write`, `cas`, … Shared, since a history has few different ones.
    pub f: Arc<str>,
    /// The object, where there are several; `null` is one too.
    pub key: Option<Value>,
    /// What is written, or was read; `[from, to]` for `cas`.
    pub value: Value,
    /// The node that was asked.
    pub node: Option<Arc<str>>,
    /// Keys that this version does not know, kept as they are: `error`, `quorum`, …; never the name of a known one.
    pub extra: Map<String, Value>,
}

/// A history as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Absent in other tools' formats, and in files without one.
    pub header: Option<Header>,
    /// In recorded order.
    pub events: Vec<Event>,
    /// The file ended in the middle of a line, as it does when its recorder is killed.
    pub cut: Option<Cut>,
}

/// Where a history was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The number of the incomplete line, from 1.
    pub line: u64,
    /// Its offset in the file, in bytes.
    pub offset: u64,
}

/// How an operation ended, as far as the recorder knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// It happened.
    Ok,
    /// It certainly did not.
    Fail,
    /// Nobody knows: `info`, or no completion in the history at all.
    Info,
}

/// An invocation with its completion.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its process.
    pub process: u64,
    /// What is done.
    pub f: Arc<str>,
    /// The object, where there are several.
    pub key: Option<SharedValue>,
    /// The value of the invocation.
    pub input: SharedValue,
    /// The value of the completion, if that was `ok`.
    pub output: Option<SharedValue>,
    /// How it ended.
    pub ending: Ending,
    /// The node that was asked.
    pub node: Option<Arc<str>>,
    /// Index of the invocation event.
    pub invoked: u64,
    /// Index of the completion event, if there is one.
    pub completed: Option<u64>,
    /// Time of the invocation, in nanoseconds.
    pub invoked_at: Option<u64>,
    /// Time of the completion, in nanoseconds.
    pub completed_at: Option<u64>,
    /// The `error` of the completion, or other words about how it ended.
    pub error: Option<SharedValue>,
    /// The `session` of the invocation: who asks, where that is somebody else than the process; see [`who`](Operation::who).
    pub session: Option<SharedValue>,
    /// The version of what was read or written, as the system tells it: the `quorum.version` of the completion.
    pub version: Option<SharedValue>,
}

impl Operation {
    /// The value of its completion; null where there is none.
    pub fn answer(&self) -> &Value {
        static NULL: Value = Value::Null;
        self.output.as_deref().unwrap_or(&NULL)
    }

    /// Whose operation it is: its session's, or its process's where no session was named.
    pub fn who(&self) -> Who<'_> {
        self.session.as_deref().map_or(Who::Process(self.process), Who::Session)
    }
}

/// Somebody whose operations have an order of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who<'a> {
    /// A process, by its number.
    Process(u64),
    /// A session, by its name: of one process after the other, or of several at the same time.
    Session(&'a Value),
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Process(number) => write!(f, "process {number}"),
            Who::Session(Value::String(name)) => write!(f, "session {name}"),
            Who::Session(name) => write!(f, "session {name}"),
        }
    }
}
