//! Reads a file of notes straight into evidence: a million of them as JSON values would take gigabytes.

use std::io::{BufRead, BufReader};
use std::marker::PhantomData;
use std::path::Path;

use serde_json::{Map, Value};

use super::gather::{Gatherer, Source};
use super::told::NoteLine;
use crate::formats::{BUFFER_BYTES, Lines, ReadError, parse_header, parse_line};
use crate::note::{self, Note};

/// Reads the notes in a file.
pub fn read_path(path: &Path) -> Result<Gatherer, ReadError> {
    let name = path.display().to_string();
    let file = fs_err::File::open(path).map_err(|source| ReadError::unreadable(&name, source))?;
    read(BufReader::with_capacity(BUFFER_BYTES, file), &name)
}

/// Reads notes from anything. Errors call it `name`. What is no JSON is an error with its place, as in any other file of
/// notes; a note that is not as it has to be is a defect of the evidence.
pub fn read(input: impl BufRead, name: &str) -> Result<Gatherer, ReadError> {
    let mut gatherer = Gatherer::default();
    let mut lines = Lines::new(input);
    let mut first = true;
    while let Some(line) = lines.next().map_err(|source| ReadError::unreadable(name, source))? {
        if std::mem::take(&mut first) && parse_header::<note::Header>(&line, name, "events")?.is_some() {
            continue;
        }
        if let Ok(told) = serde_json::from_slice::<NoteLine<'_>>(line.bytes) {
            let NoteLine { node, incarnation, seq, time, name, fields } = told;
            let source = Source { node: &node.0, incarnation, seq, time };
            gatherer.read(&source, &name.0, &fields);
            continue;
        }
        match parse_line(&line, name, PhantomData::<Note>) {
            Ok(Some(Note { node, incarnation, seq, time, name, .. })) => {
                gatherer.unreadable(&Source { node: &node, incarnation, seq, time }, &name);
            }
            Ok(None) => {
                gatherer.cut();
                break;
            }
            Err(error) if is_no_note(line.bytes) => drop(error),
            Err(error) => return Err(error),
        }
    }
    Ok(gatherer)
}

/// Whether a line is what the run itself wrote between the notes.
fn is_no_note(line: &[u8]) -> bool {
    let line: Option<Map<String, Value>> = serde_json::from_slice(line).ok();
    line.is_some_and(|line| line.contains_key("event") && !line.contains_key("note"))
}
