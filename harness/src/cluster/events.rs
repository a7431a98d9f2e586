//! The file of notes, `events.jsonl`: a header, then each note line as it came, and the cluster's own lines between them.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use fs_err as fs;
use nix::time::{ClockId, clock_gettime};
use schism_nodes::NodeId;
use serde_json::json;

/// Where the lines of nodes and of the cluster go, in the order in which they were read.
pub trait NoteSink: Send {
    /// Takes a line, without its end. After an error nothing more is handed over.
    fn append(&mut self, line: &str) -> io::Result<()>;
    /// No more lines for now: what was taken is to be kept.
    fn flush(&mut self) -> io::Result<()>;
}

/// How much is gathered before it is written, in bytes, while lines come without a pause.
const GATHERED_BYTES: usize = 64 * 1024;

/// `events.jsonl` of a run folder. Lines that come together are written together.
#[derive(Debug)]
pub struct EventFile {
    file: File,
    gathered: Vec<u8>,
}

impl EventFile {
    /// Creates the file, which must not exist yet, with its header: the run, and what the notes' clock showed at `start`,
    /// the history's time 0. An error names the file.
    pub fn create(path: &Path, run: &str, start: Instant) -> io::Result<Self> {
        let file = fs::OpenOptions::new().append(true).create_new(true).open(path)?.into_parts().0;
        let mut sink = EventFile { file, gathered: Vec::new() };
        sink.append(&json!({ "schism": "events", "format": 1, "run": run, "zero": clock_at(start) }).to_string())?;
        sink.flush()?;
        Ok(sink)
    }
}

/// What the notes' clock showed at an instant, in nanoseconds; nothing where the machine does not say.
fn clock_at(instant: Instant) -> Option<u64> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?);
    u64::try_from(now.checked_sub(instant.elapsed())?.as_nanos()).ok()
}

impl NoteSink for EventFile {
    fn append(&mut self, line: &str) -> io::Result<()> {
        self.gathered.extend_from_slice(line.as_bytes());
        self.gathered.push(b'\n');
        if self.gathered.len() < GATHERED_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.gathered);
        self.gathered.clear();
        written
    }
}

/// How complete the notes are. Missing evidence makes what depends on it unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoteTally {
    /// Notes that were read.
    pub notes: u64,
    /// Lines that are no note of the node whose pipe they came from. They are kept, escaped.
    pub malformed: u64,
    /// Notes that are missing: gaps in the numbers of an incarnation.
    pub lost: u64,
    /// Nodes whose pipe was not read to its end.
    pub cut: Vec<NodeId>,
    /// Why lines are missing from the file, if they are.
    pub write_error: Option<String>,
}

impl NoteTally {
    /// Whether all notes that were made are there.
    pub fn is_complete(&self) -> bool {
        self.malformed == 0 && self.lost == 0 && self.cut.is_empty() && self.write_error.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_begins_with_its_header_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.jsonl");
        let start = Instant::now();
        let mut sink = EventFile::create(&path, "r-1", start).unwrap();
        sink.append(r#"{"node":"n1"}"#).unwrap();
        sink.flush().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let (header, rest) = text.split_once('\n').unwrap();
        let header: serde_json::Value = serde_json::from_str(header).unwrap();
        assert_eq!((&header["schism"], &header["run"]), (&json!("events"), &json!("r-1")));
        assert!(header["zero"].is_u64(), "{header}");
        assert_eq!(rest, "{\"node\":\"n1\"}\n");
        assert_eq!(EventFile::create(&path, "r-2", start).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
