//! What every target asks of a history that could be read: nothing panics, what is written is read again as the same, and a
//! place that is named lies in the file.

pub mod history;

use std::cell::Cell;

use schism_checker::budget::{Budget, Exhausted};
use schism_checker::formats::{self, Exported, Format, NotPaired};
use schism_checker::history::{History, HistoryWriter};
use schism_checker::linearizability::{self, Options};
use schism_checker::models::{self, ModelSpec};

/// Reads a history of this format; input of another one says nothing, and is to be forgotten.
pub fn read_history(format: Format, bytes: &[u8]) -> libfuzzer_sys::Corpus {
    if formats::recognise(bytes) != Some(format) {
        return libfuzzer_sys::Corpus::Reject;
    }
    let read = formats::read_bytes(bytes, "fuzzed");
    is_paired_as_it_is_read(read.as_ref().ok(), bytes);
    if let Ok(history) = read {
        if let Some(cut) = &history.cut {
            assert!(cut.offset <= bytes.len() as u64, "cut at {} of {}", cut.offset, bytes.len());
        }
        comes_back(&history);
        uses(&history, bytes);
    }
    libfuzzer_sys::Corpus::Keep
}

/// To read straight into operations makes what reading and then pairing makes, and refuses what that refuses.
fn is_paired_as_it_is_read(read: Option<&History>, bytes: &[u8]) {
    let paired = formats::read_paired(bytes, "fuzzed", false);
    let Some(history) = read else {
        return assert!(matches!(paired, Err(NotPaired::Read(_))), "{paired:?}");
    };
    match (history.paired(), paired) {
        (Ok(expected), Ok(paired)) => assert_eq!(paired, expected),
        (Err(expected), Err(NotPaired::History(found))) => assert_eq!(found.to_string(), expected.to_string()),
        (expected, found) => panic!("{found:?} in place of {expected:?}"),
    }
}

/// What was read is written in our format, and read again as the same.
fn comes_back(history: &History) {
    let mut writer = HistoryWriter::without_header(Vec::new());
    for event in &history.events {
        writer.write(event).expect("a vector takes everything");
    }
    let written = writer.into_inner();
    let again = formats::read_bytes(&written, "written").expect("what was written can be read");
    assert!(again.cut.is_none() || history.events.is_empty());
    assert_eq!(again.events, history.events);
    for format in [Exported::JepsenEdn, Exported::ElleJson, Exported::Csv] {
        let mut out = Vec::new();
        formats::write(&mut out, history, format).expect("a vector takes everything");
    }
}

/// Whatever the events say, nothing that is asked of them panics.
fn uses(history: &History, bytes: &[u8]) {
    for malformed in history.malformed() {
        if let Some(position) = malformed.position {
            let place = formats::locate(bytes, position).expect("an event that was read stands somewhere");
            assert!(place.offset <= bytes.len() as u64);
        }
    }
    let _ = history.clone().split_tuples();
    for model in models::list() {
        let model =
            ModelSpec::parse(model.name, &std::collections::BTreeMap::new()).expect("a model of the list is known");
        // Only a refusal or a verdict is allowed; which, the tests of the checker look at.
        let _ = linearizability::check(history, &model, &Options::default(), &Steps::default());
    }
}

/// A budget that ends after so many questions, since there is no clock.
struct Steps(std::sync::atomic::AtomicU32);

impl Default for Steps {
    fn default() -> Self {
        Steps(std::sync::atomic::AtomicU32::new(64))
    }
}

impl Budget for Steps {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        let left = self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        (left <= 1 || bytes > 64 << 20).then_some(Exhausted::Time)
    }
}

/// Draws small numbers from the fuzzer's bytes; zeros when they are used up.
pub struct Bytes<'b> {
    bytes: &'b [u8],
    next: Cell<usize>,
}

impl<'b> Bytes<'b> {
    /// From the first byte on.
    pub fn new(bytes: &'b [u8]) -> Self {
        Bytes { bytes, next: Cell::new(0) }
    }

    /// Whether all are used up.
    pub fn is_empty(&self) -> bool {
        self.next.get() >= self.bytes.len()
    }

    /// A number less than `bound`, which is at most 256.
    pub fn below(&self, bound: usize) -> usize {
        let at = self.next.replace(self.next.get() + 1);
        usize::from(self.bytes.get(at).copied().unwrap_or(0)) % bound
    }
}
