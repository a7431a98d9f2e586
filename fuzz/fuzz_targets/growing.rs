//! Our JSON lines while they are written: in whatever pieces they come, they are read as the whole is.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use schism_checker::formats::{self, Format, Growing, ReadError};
use schism_checker::history::History;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Some((&length, bytes)) = bytes.split_first() else { return Corpus::Reject };
    if formats::recognise(bytes) != Some(Format::JsonLines) {
        return Corpus::Reject;
    }
    let whole = formats::read_bytes(bytes, "fuzzed");
    let pieces = grown(bytes.chunks(usize::from(length).max(1)));
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(pieces, whole),
        (Err(_), Err(_)) => {}
        (whole, pieces) => panic!("{pieces:?} in place of {whole:?}"),
    }
    Corpus::Keep
});

fn grown<'b>(pieces: impl Iterator<Item = &'b [u8]>) -> Result<History, ReadError> {
    let mut growing = Growing::new("fuzzed");
    let mut events = Vec::new();
    for piece in pieces {
        events.extend(growing.append(piece)?);
    }
    let (last, cut) = growing.end()?;
    events.extend(last);
    Ok(History { header: growing.header().cloned(), events, cut })
}
