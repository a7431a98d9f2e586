//! Reads histories: our JSON lines, JSON arrays as elle-cli takes them, Jepsen's EDN, Porcupine's key-value logs (which are
//! EDN as well) and its tab-separated etcd logs, and tables; [`write()`] writes some of them. Which one it is, the content says; names of files do not matter.
//!
//! A file that ends in the middle of an event is read up to there, and [`History::cut`] says so. Any other damage is an
//! error with its place. Input is hostile: nesting is limited, and no input panics. What a model makes of the values is
//! not known here.

mod csv;
mod edn;
mod export;
mod growing;
mod jepsen;
mod json_array;
mod json_lines;
mod lines;
mod log;
mod paired;

use std::io::{self, BufRead, BufReader};
use std::path::Path;

use crate::formats::paired::Pairer;
use crate::history::{Cut, Event, FORMAT, History, Names, Process};

pub use export::{Exported, write};
pub use growing::Growing;
pub(crate) use json_lines::{parse_header, parse_line};
pub(crate) use lines::{Line, Lines};
pub use paired::{NotPaired, read_paired, read_paired_path};

/// A format of histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Ours: a JSON object a line.
    JsonLines,
    /// A JSON array of the same objects, as elle-cli takes them.
    JsonArray,
    /// Jepsen's: EDN maps, in one vector or one after the other.
    Edn,
    /// Jepsen's log lines: `process`, `:type`, `:f` and `value`, separated by tabs.
    Log,
    /// A table with a column for each part of an event, as [`write()`] makes it.
    Csv,
}

/// Reads the history in a file.
pub fn read_path(path: &Path) -> Result<History, ReadError> {
    let name = path.display().to_string();
    read(open(path, &name)?, &name)
}

/// Like [`read_path`], but of what clients' events say besides, only their `error` and `session` are kept: the rest
/// takes most of the memory, and only [`read_paired_path`] knows what is worth keeping of it. It is read all the same, and damage in it is told.
pub fn read_path_without_evidence(path: &Path) -> Result<History, ReadError> {
    let name = path.display().to_string();
    let mut reading = Reading { keeps_evidence: false, ..Reading::new(&name) };
    reading.run(open(path, &name)?)?;
    Ok(reading.history)
}

fn open(path: &Path, name: &str) -> Result<BufReader<fs_err::File>, ReadError> {
    let file = fs_err::File::open(path).map_err(|source| ReadError::unreadable(name, source))?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, file))
}

/// Reads a history that is in memory. Errors call it `name`.
pub fn read_bytes(bytes: &[u8], name: &str) -> Result<History, ReadError> {
    read(bytes, name)
}

/// Reads a history from anything, such as standard input. Errors call it `name`.
pub fn read(input: impl BufRead, name: &str) -> Result<History, ReadError> {
    let mut reading = Reading::new(name);
    reading.run(input)?;
    Ok(reading.history)
}

/// Where the event stands that [`History::events`] has at `position` (from 0), for an error about it.
///
/// Reads the whole history again, which costs less than to remember the places of all events.
pub fn locate(input: impl BufRead, position: usize) -> Option<Place> {
    let mut reading = Reading { wanted: Some(position), ..Reading::new("") };
    // An error behind the event takes nothing from what was found.
    let _ = reading.run(input);
    reading.found
}

/// The format of a history that begins so; none if it is none that is known.
pub fn recognise(beginning: &[u8]) -> Option<Format> {
    let beginning = without_mark(beginning).trim_ascii_start();
    match beginning {
        [] => Some(Format::JsonLines),
        [b'{', rest @ ..] => match rest.trim_ascii_start() {
            [] | [b'"', ..] => Some(Format::JsonLines),
            _ => Some(Format::Edn),
        },
        [b'[', rest @ ..] => match rest.trim_ascii_start() {
            // An event whose keys are strings would be nonsense as EDN.
            [b'{', rest @ ..] if rest.trim_ascii_start().starts_with(b"\"") => Some(Format::JsonArray),
            _ => Some(Format::Edn),
        },
        [b'(' | b';' | b'#', ..] => Some(Format::Edn),
        _ if csv::is_table(beginning) => Some(Format::Csv),
        _ => beginning.split(|&byte| byte == b'\n').next().filter(|line| log::is_line(line)).map(|_| Format::Log),
    }
}

/// The place of this offset.
fn place_of(bytes: &[u8], offset: usize) -> Place {
    let line = bytes[..offset].split(|&byte| byte == b'\n').count();
    Place { line: line as u64, offset: offset as u64 }
}

/// Without the mark of UTF-8 that some editors put before a text.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

pub(crate) const BUFFER_BYTES: usize = 64 << 10;

/// Where something stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u64,
    /// The offset from the beginning of the file, in bytes.
    pub offset: u64,
}

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {name}: {source}")]
    Io {
        /// The file.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// It begins like no format that is known.
    #[error(
        "{name} is no history: it begins with {beginning:?}; known are Schism's JSON lines, JSON arrays of events, \
         Jepsen's EDN and its tab-separated logs"
    )]
    Unrecognised {
        /// The file.
        name: String,
        /// Its first few characters.
        beginning: String,
    },
    /// It was written in a newer version of our format.
    #[error("{name} has format {format}, and this version reads up to {FORMAT}: use a newer schism")]
    Newer {
        /// The file.
        name: String,
        /// Its version of the format.
        format: u64,
    },
    /// Something in it is not as it has to be.
    #[error("{name}, line {}, byte {}: {reason}", place.line, place.offset)]
    Broken {
        /// The file.
        name: String,
        /// Where.
        place: Place,
        /// What is wrong there.
        reason: String,
        /// How many events were read before that, its header counted as one. A file that breaks before its first event is perhaps no history.
        events: usize,
    },
}

/// A history while it is read.
struct Reading<'a> {
    name: &'a str,
    history: History,
    /// How many events there were, and the index of the last one.
    events: usize,
    last_index: Option<u64>,
    names: Names,
    /// The event whose place is asked for.
    wanted: Option<usize>,
    found: Option<Place>,
    /// Whether what clients' events say besides is kept. Whoever pairs takes what an operation knows, and keeps nothing else.
    keeps_evidence: bool,
    /// Takes the events instead of the history, if it is there.
    pairer: Option<Pairer>,
}

impl ReadError {
    pub(crate) fn unreadable(name: &str, source: io::Error) -> Self {
        ReadError::Io { name: name.to_owned(), source }
    }

    pub(crate) fn broken(name: &str, place: Place, reason: impl Into<String>) -> Self {
        ReadError::Broken { name: name.to_owned(), place, reason: reason.into(), events: 0 }
    }

    /// Whether the file may be something else than a history: nothing in it could be read as an event.
    pub fn is_no_history(&self) -> bool {
        matches!(self, ReadError::Unrecognised { .. } | ReadError::Broken { events: 0, .. })
    }
}

impl<'a> Reading<'a> {
    fn new(name: &'a str) -> Self {
        Reading {
            name,
            history: History::default(),
            events: 0,
            last_index: None,
            names: Names::default(),
            wanted: None,
            found: None,
            keeps_evidence: true,
            pairer: None,
        }
    }

    fn run(&mut self, input: impl BufRead) -> Result<(), ReadError> {
        self.read(input).map_err(|error| match error {
            ReadError::Broken { name, place, reason, .. } => {
                // A header shows as well that a history was meant.
                let events = self.events + usize::from(self.history.header.is_some());
                ReadError::Broken { name, place, reason, events }
            }
            other => other,
        })
    }

    fn read(&mut self, mut input: impl BufRead) -> Result<(), ReadError> {
        let beginning = input.fill_buf().map_err(|source| ReadError::unreadable(self.name, source))?;
        match recognise(beginning) {
            Some(Format::JsonLines) => json_lines::read(input, self),
            Some(Format::JsonArray) => json_array::read(input, self),
            Some(Format::Csv) => csv::read(input, self),
            Some(Format::Log) => log::read(input, self),
            Some(Format::Edn) => jepsen::read(input, self),
            None => {
                let beginning = String::from_utf8_lossy(&beginning[..beginning.len().min(40)]).into_owned();
                Err(ReadError::Unrecognised { name: self.name.to_owned(), beginning })
            }
        }
    }

    /// The index of an event that has none of its own.
    fn next_index(&self) -> u64 {
        self.last_index.map_or(0, |last| last.saturating_add(1))
    }

    fn push(&mut self, mut event: Event, place: impl FnOnce() -> Place) {
        if !self.keeps_evidence && self.pairer.is_none() && matches!(event.process, Process::Client(_)) {
            // A map of its own: one that was emptied keeps its room.
            event.extra = ["error", "session"].into_iter().filter_map(|name| event.extra.remove_entry(name)).collect();
        }
        if self.wanted == Some(self.events) {
            self.found = Some(place());
        }
        self.events += 1;
        self.last_index = Some(event.index);
        match &mut self.pairer {
            Some(pairer) => pairer.push(event),
            None => self.history.events.push(event),
        }
    }

    fn cut(&mut self, place: Place) {
        self.history.cut = Some(Cut { line: place.line, offset: place.offset });
    }
}
