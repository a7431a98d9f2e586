//! Follows a history file that somebody else is writing: what was appended since the last look, event by event.
//!
//! It looks again and again rather than being told by the kernel: a look at a file that did not grow costs a few microseconds,
//! and it works on every file system.

use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs_err::File;
use schism_checker::budget::Budget;
use schism_checker::formats::{Growing, ReadError};
use schism_checker::history::{Cut, Event, Header, History, Process};
use schism_checker::linearizability::{self, CheckError, Options};
use schism_checker::models::ModelSpec;
use schism_checker::streaming::Violation;
use schism_checker::verdict::{Outcome, Property};

/// The distance between two looks at a file that did not grow.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How much is read at a time, so that there is a moment in between to be stopped.
const PIECE_BYTES: usize = 1 << 18;
/// How much of the beginning and of the end of what was read is compared with what is there now.
const SAMPLE_BYTES: usize = 256;

/// A history file, read up to some point. It must be ours: JSON lines.
pub(crate) struct Tail {
    path: PathBuf,
    name: String,
    file: File,
    offset: u64,
    growing: Growing,
    piece: Vec<u8>,
    /// The first and the last bytes of what was read. A file that was cut and has grown past its old length since shows by nothing else.
    first: Vec<u8>,
    last: Vec<u8>,
}

/// What a look at the file showed.
pub(crate) enum Look {
    /// It has grown; these are the events whose lines are whole now, perhaps none.
    Grown(Vec<Event>),
    /// Nothing was appended.
    Same,
    /// It is another file now, is shorter than it was, or does not say what it said: what was read of it is void.
    Replaced,
}

impl Tail {
    /// Begins at the beginning of the file, which must exist.
    pub(crate) fn open(path: &Path) -> Result<Tail, ReadError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| ReadError::Io { name: name.clone(), source })?;
        let growing = Growing::new(&name);
        Ok(Tail {
            path: path.to_owned(),
            name,
            file,
            offset: 0,
            growing,
            piece: vec![0; PIECE_BYTES],
            first: Vec::new(),
            last: Vec::new(),
        })
    }

    /// The header, once it was read.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.growing.header()
    }

    /// Reads a piece of what was appended.
    pub(crate) fn look(&mut self) -> Result<Look, ReadError> {
        let unreadable = |source| ReadError::Io { name: self.name.clone(), source };
        let length = self.file.read(&mut self.piece).map_err(unreadable)?;
        // After the piece was read, so that it cannot be of another content than what is compared.
        if !self.says_the_same().map_err(unreadable)? {
            return Ok(Look::Replaced);
        }
        if length > 0 {
            self.remember(length);
            return self.growing.append(&self.piece[..length]).map(Look::Grown);
        }
        let now = self.file.metadata().map_err(unreadable)?;
        // A file that has gone is still there for who has it open; nothing will be appended, that is all.
        let named = fs_err::metadata(&self.path).ok();
        let is_other = named.is_some_and(|named| (named.dev(), named.ino()) != (now.dev(), now.ino()));
        Ok(if is_other || now.len() < self.offset { Look::Replaced } else { Look::Same })
    }

    /// Whether what was read is still there, as far as it was kept.
    fn says_the_same(&self) -> io::Result<bool> {
        let is_there = |bytes: &[u8], at: u64| {
            let mut now = [0; SAMPLE_BYTES];
            let now = &mut now[..bytes.len()];
            match self.file.file().read_exact_at(now, at) {
                Ok(()) => Ok(now == bytes),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
                Err(error) => Err(error),
            }
        };
        Ok(is_there(&self.first, 0)? && is_there(&self.last, self.offset - self.last.len() as u64)?)
    }

    /// So many bytes of the piece were read.
    fn remember(&mut self, length: usize) {
        let read = &self.piece[..length];
        let missing = (SAMPLE_BYTES - self.first.len()).min(length);
        self.first.extend_from_slice(&read[..missing]);
        self.last.extend_from_slice(&read[length.saturating_sub(SAMPLE_BYTES)..]);
        self.last.drain(..self.last.len().saturating_sub(SAMPLE_BYTES));
        self.offset += length as u64;
    }

    /// Nothing will be appended any more: the event on a last line without line feed, or where the file was cut off.
    pub(crate) fn end(&mut self) -> Result<(Option<Event>, Option<Cut>), ReadError> {
        self.growing.end()
    }
}

/// Reads a history again up to the event of this index. None if `stopped` says so meanwhile, or if the file is another one now.
pub(crate) fn up_to(path: &Path, last: u64, stopped: impl Fn() -> bool) -> Result<Option<History>, ReadError> {
    let mut tail = Tail::open(path)?;
    let mut history = History::default();
    while history.events.last().is_none_or(|event| event.index < last) && !stopped() {
        let Look::Grown(mut events) = tail.look()? else { return Ok(None) };
        for event in events.iter_mut().filter(|event| matches!(event.process, Process::Client(_))) {
            // No checker asks for more.
            event.extra = event.extra.remove_entry("error").into_iter().collect();
        }
        history.events.extend(events.into_iter().filter(|event| event.index <= last));
        history.header = tail.header().cloned();
    }
    let is_whole = history.events.last().is_some_and(|event| event.index == last);
    Ok(is_whole.then_some(history))
}

/// The violation as a check of the history up to it explains it; where that cannot, as it was seen.
pub(crate) fn explained(
    violation: &Violation,
    history: &History,
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let property = linearizability::check(history, model, options, budget)?;
    // A budget that ends takes nothing from what was seen.
    Ok(if property.outcome == Outcome::Invalid { property } else { violation.property(model.name(), options) })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const LINE: &str = "{\"process\":1,\"type\":\"invoke\",\"f\":\"read\"}\n";

    fn events(look: Look) -> usize {
        let Look::Grown(events) = look else { panic!("it has not grown") };
        events.len()
    }

    #[test]
    fn half_a_line_waits_for_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let mut file = File::create(&path).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert!(matches!(tail.look().unwrap(), Look::Same));
        file.write_all(&LINE.as_bytes()[..20]).unwrap();
        assert_eq!(events(tail.look().unwrap()), 0);
        file.write_all(&LINE.as_bytes()[20..]).unwrap();
        assert_eq!(events(tail.look().unwrap()), 1);
        assert!(matches!(tail.look().unwrap(), Look::Same));
    }

    #[test]
    fn a_file_that_was_cut_and_has_grown_past_its_old_length_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        let line = |process: usize| LINE.replace('1', &process.to_string());
        let lines = |first: usize, count| (first..first + count).map(line).collect::<String>();
        fs_err::write(&path, lines(1_000, 100)).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(events(tail.look().unwrap()), 100);
        // It grows as it is, in small steps and large ones.
        let append =
            |text: String| File::options().append(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
        for (first, count) in [(2_000, 1), (3_000, 300)] {
            append(lines(first, count));
            assert_eq!(events(tail.look().unwrap()), count);
        }
        assert!(matches!(tail.look().unwrap(), Look::Same));
        // Its beginning is the same, and it is longer; what stands before its new end is not what was read.
        fs_err::write(&path, lines(1_000, 500)).unwrap();
        assert!(matches!(tail.look().unwrap(), Look::Replaced));
        // Its end is the same, and its beginning is not.
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(events(tail.look().unwrap()), 500);
        fs_err::write(&path, lines(5_000, 100) + &lines(1_100, 500)).unwrap();
        assert!(matches!(tail.look().unwrap(), Look::Replaced));
    }

    #[test]
    fn a_file_that_is_cut_short_or_replaced_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        fs_err::write(&path, LINE.repeat(3)).unwrap();
        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(events(tail.look().unwrap()), 3);
        File::options().write(true).open(&path).unwrap().set_len(LINE.len() as u64).unwrap();
        assert!(matches!(tail.look().unwrap(), Look::Replaced));

        let mut tail = Tail::open(&path).unwrap();
        assert_eq!(events(tail.look().unwrap()), 1);
        let other = folder.path().join("other");
        fs_err::write(&other, LINE.repeat(2)).unwrap();
        fs_err::rename(&other, &path).unwrap();
        assert!(matches!(tail.look().unwrap(), Look::Replaced));
        // What was only deleted does not grow, and is all there.
        let mut tail = Tail::open(&path).unwrap();
        fs_err::remove_file(&path).unwrap();
        assert_eq!(events(tail.look().unwrap()), 2);
        assert!(matches!(tail.look().unwrap(), Look::Same));
    }
}
