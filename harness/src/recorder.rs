//! The one recorder: it orders all events of a run, gives them their time, and writes each at once.
//!
//! An invocation is recorded before its first byte is sent, a completion after its last byte was received. Each event is
//! one write(2), so that what was recorded outlives a controller that is killed. After a failed write nothing more is
//! written, and the run ends as a failure of the harness.

use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use fs_err::File;
use schism_checker::history::{Event, EventKind, Header, HistoryWriter, Process};
use schism_nodes::NodeId;
use serde_json::{Map, Value};

/// What somebody tells the recorder; index and time are the recorder's.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who.
    pub process: Process,
    /// Begin or end.
    pub kind: EventKind,
    /// What is done.
    pub f: Arc<str>,
    /// The object.
    pub key: Option<Value>,
    /// What is written or was read.
    pub value: Value,
    /// The node that was asked.
    pub node: Option<Arc<str>>,
    /// What else is known.
    pub extra: Map<String, Value>,
}

impl Draft {
    /// What a fault does: its `begin`, when it is `in force`, its `end`.
    pub fn nemesis(f: &str, id: u64, phase: &str, value: Value) -> Self {
        let mut extra = Map::new();
        extra.insert("id".to_owned(), id.into());
        extra.insert("phase".to_owned(), phase.into());
        Draft { extra, ..Draft::named("nemesis", f, value) }
    }

    /// A node ended, and no fault had ended it; `value` says which and how.
    pub fn died(node: NodeId, value: Value) -> Self {
        Draft { node: Some(node.to_string().into()), ..Draft::named("cluster", "died", value) }
    }

    /// The log of a node has a line that no healthy one has.
    pub fn complained(node: NodeId, line: &str) -> Self {
        let value = serde_json::json!({ "node": node, "line": line });
        Draft { node: Some(node.to_string().into()), ..Draft::named("cluster", "complained", value) }
    }

    fn named(who: &str, f: &str, value: Value) -> Self {
        Draft {
            process: Process::Named(who.into()),
            kind: EventKind::Info,
            f: f.into(),
            key: None,
            value,
            node: None,
            extra: Map::new(),
        }
    }

    /// The event, with its place in the one order and its time in nanoseconds since the start.
    pub fn numbered(self, index: u64, time: u64) -> Event {
        let Draft { process, kind, f, key, value, node, extra } = self;
        Event { index, time: Some(time), process, kind, f, key, value, node, extra }
    }
}

/// Where and why recording ended.
#[derive(Clone, Debug, thiserror::Error)]
#[error("recording ended: {0}")]
pub struct RecorderError(String);

/// See the module's head.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: HistoryWriter<File>,
    next: u64,
    failed: Option<RecorderError>,
}

impl Recorder {
    /// Creates the file, which must not exist, and writes the header. Time 0 is `start`.
    pub fn create(path: &Path, header: &Header, start: Instant) -> Result<Self, RecorderError> {
        let file = File::create_new(path).map_err(|error| RecorderError(error.to_string()))?;
        let writer = HistoryWriter::new(file, header).map_err(|error| RecorderError(error.to_string()))?;
        Ok(Recorder { start, inner: Mutex::new(Inner { writer, next: 0, failed: None }) })
    }

    /// Nanoseconds since the start.
    pub fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Records an event; its index.
    pub fn record(&self, draft: Draft) -> Result<Event, RecorderError> {
        let mut inner = self.inner.lock().expect("no recording thread panics while it holds the lock");
        if let Some(failed) = &inner.failed {
            return Err(failed.clone());
        }
        let event = draft.numbered(inner.next, self.now());
        if let Err(error) = inner.writer.write(&event) {
            let failed = RecorderError(error.to_string());
            inner.failed = Some(failed.clone());
            return Err(failed);
        }
        inner.next += 1;
        Ok(event)
    }

    /// Records what a fault does: its `begin`, when it is `in force`, its `end`.
    pub fn nemesis(&self, f: &str, id: u64, phase: &str, value: Value) -> Result<Event, RecorderError> {
        self.record(Draft::nemesis(f, id, phase, value))
    }

    /// The failure that ended recording, if there was one.
    pub fn failure(&self) -> Option<RecorderError> {
        self.inner.lock().expect("no recording thread panics while it holds the lock").failed.clone()
    }
}
