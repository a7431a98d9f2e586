//! Reads `events.jsonl`: what nodes and the network told about themselves while the clients were served.
//!
//! A header line, which may be missing, then a note a line, and between them what the run itself wrote. This module knows
//! the form of a note, and of no note what it means.

use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::formats::{BUFFER_BYTES, Lines, ReadError, parse_header, parse_line};
use crate::history::Cut;

/// The first line of a file of notes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Always `events`.
    pub schism: String,
    /// Version of the format; a newer one than [`FORMAT`](crate::history::FORMAT) is refused by number.
    pub format: u32,
    /// The run folder's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A note: what happened in a node, and which one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Who made it: `n1`, or the name of something that is no node.
    pub node: Arc<str>,
    /// In which of its lives, from 1; 0 for what has only one.
    #[serde(default)]
    pub incarnation: u64,
    /// Counts up from 1 within the incarnation: a gap means that a line was lost. 0 where nobody counts.
    #[serde(default)]
    pub seq: u64,
    /// `CLOCK_MONOTONIC` of the machine, in nanoseconds.
    pub time: u64,
    /// The note's name: `leader`, `committed`, `vote-sent`, …
    #[serde(rename = "note")]
    pub name: Arc<str>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// Keys that this version does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A file of notes as it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// Absent in files without one.
    pub header: Option<Header>,
    /// In the order in which they were written. Between nodes that order says nothing.
    pub notes: Vec<Note>,
    /// What the run itself wrote between them, such as which process was started: lines with an `event` in place of a
    /// `note`.
    pub others: Vec<Map<String, Value>>,
    /// The file ended in the middle of a line.
    pub cut: Option<Cut>,
}

/// Reads the notes in a file.
pub fn read_path(path: &Path) -> Result<Notes, ReadError> {
    let name = path.display().to_string();
    let file = fs_err::File::open(path).map_err(|source| ReadError::unreadable(&name, source))?;
    read(BufReader::with_capacity(BUFFER_BYTES, file), &name)
}

/// Reads notes from anything. Errors call it `name`.
pub fn read(input: impl BufRead, name: &str) -> Result<Notes, ReadError> {
    let mut notes = Notes::default();
    let mut lines = Lines::new(input);
    let mut first = true;
    while let Some(line) = lines.next().map_err(|source| ReadError::unreadable(name, source))? {
        if std::mem::take(&mut first) {
            notes.header = parse_header(&line, name, "events")?;
            if notes.header.is_some() {
                continue;
            }
        }
        match parse_line(&line, name, PhantomData::<Note>) {
            Ok(Some(note)) => notes.notes.push(note),
            Ok(None) => {
                notes.cut = Some(Cut { line: line.place.line, offset: line.place.offset });
                break;
            }
            Err(error) => notes.others.push(other(line.bytes).ok_or(error)?),
        }
    }
    Ok(notes)
}

/// A line that is no note and does not claim to be one.
fn other(line: &[u8]) -> Option<Map<String, Value>> {
    let line: Map<String, Value> = serde_json::from_slice(line).ok()?;
    (line.contains_key("event") && !line.contains_key("note")).then_some(line)
}
