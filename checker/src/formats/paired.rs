//! Reads a history straight into operations: each event is forgotten when it was paired.

use std::io::BufRead;
use std::path::Path;

use crate::formats::{ReadError, Reading, open};
use crate::history::{Event, HistoryError, NoTuple, PairedHistory, Pairs};

/// Why the operations of a file could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotPaired {
    /// The file is no history.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A value is no pair of a key and a value, though that was said.
    #[error(transparent)]
    Tuple(#[from] NoTuple),
    /// Its events are not those of single-threaded processes.
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Reads the operations in a file: all that a check needs, in a third of the memory of the events.
///
/// `tuples`: the keys stand in the values, see [`History::split_tuples`](crate::history::History::split_tuples).
pub fn read_paired_path(path: &Path, tuples: bool) -> Result<PairedHistory, NotPaired> {
    let name = path.display().to_string();
    read_paired(open(path, &name)?, &name, tuples)
}

/// The same from anything, such as standard input. Errors call it `name`.
pub fn read_paired(input: impl BufRead, name: &str, tuples: bool) -> Result<PairedHistory, NotPaired> {
    let pairer = Pairer { tuples, pairs: Pairs::default(), wrong: None };
    let mut reading = Reading { keeps_evidence: false, pairer: Some(pairer), ..Reading::new(name) };
    reading.run(input)?;
    let Reading { history, pairer, .. } = reading;
    let Pairer { pairs, wrong, .. } = pairer.expect("it was there at the beginning, and nobody took it");
    match wrong {
        Some(wrong) => Err(wrong),
        None => Ok(PairedHistory { header: history.header, cut: history.cut, ..pairs.finish() }),
    }
}

/// Pairs events as they are read.
pub(super) struct Pairer {
    tuples: bool,
    pairs: Pairs,
    /// The first thing that was wrong. What cannot be read at all is told before that, so the rest is read all the same.
    wrong: Option<NotPaired>,
}

impl Pairer {
    pub(super) fn push(&mut self, event: Event) {
        if self.wrong.is_none() {
            self.wrong = self.paired(event).err();
        }
    }

    fn paired(&mut self, mut event: Event) -> Result<(), NotPaired> {
        if self.tuples {
            event.split_tuple(self.pairs.events())?;
        }
        Ok(self.pairs.push(&event)?)
    }
}
