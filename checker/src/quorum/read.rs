//! Reads a file of notes straight into evidence: a million of them as JSON values would take gigabytes.

use std::io::{self, BufRead, BufReader};
use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;

use serde_json::{Map, Value};

use super::gather::{Gatherer, Source};
use super::told::{NoteLine, Object};
use crate::formats::{self, BUFFER_BYTES, Line, Lines, Place, ReadError, parse_header, parse_line};
use crate::history::History;
use crate::note::{self, Note};
use crate::parallel;

/// Reads a history and the notes of its run, at the same time.
pub fn read_run(history: &Path, notes: &Path) -> Result<(History, Gatherer), ReadError> {
    let (gathered, history) = parallel::both(|| read_path(notes), || formats::read_path(history));
    Ok((history?, gathered?))
}

/// Reads the notes in a file.
pub fn read_path(path: &Path) -> Result<Gatherer, ReadError> {
    let name = path.display().to_string();
    let file = fs_err::File::open(path).map_err(|source| ReadError::unreadable(&name, source))?;
    read(BufReader::with_capacity(BUFFER_BYTES, file), &name)
}

/// Reads notes from anything. Errors call it `name`. What is no JSON is an error with its place, as in any other file of
/// notes, but that in a field that no rule asks for a number out of range or half a surrogate pair is passed over; a note that is not as it
/// has to be is a defect of the evidence.
pub fn read(input: impl BufRead, name: &str) -> Result<Gatherer, ReadError> {
    let mut gatherer = Gatherer::default();
    let mut lines = Lines::new(input);
    let mut block = Block::default();
    let mut first = true;
    while block.fill(&mut lines).map_err(|source| ReadError::unreadable(name, source))? {
        let parsed = parallel::each(block.parts(), |(_, part)| block.parse(part));
        for (line, told) in block.lines().zip(parsed.into_iter().flatten()) {
            if std::mem::take(&mut first) && parse_header::<note::Header>(&line, name, "events")?.is_some() {
                continue;
            }
            if !take(&mut gatherer, &line, told, name)? {
                gatherer.cut();
                return Ok(gatherer);
            }
        }
    }
    Ok(gatherer)
}

/// Takes what stands on a line; false where the file ends in the middle of it.
fn take(gatherer: &mut Gatherer, line: &Line<'_>, told: Option<NoteLine<'_>>, name: &str) -> Result<bool, ReadError> {
    if let Some(NoteLine { node, incarnation, seq, time, name, fields }) = told {
        gatherer.read(&Source { node: &node.0, incarnation, seq, time }, &name.0, &fields.0);
        return Ok(true);
    }
    match parse_line(line, name, PhantomData::<Note>) {
        Ok(Some(Note { node, incarnation, seq, time, name, .. })) => {
            gatherer.unreadable(&Source { node: &node, incarnation, seq, time }, &name);
            Ok(true)
        }
        Ok(None) => Ok(false),
        Err(error) if is_no_note(line.bytes) => {
            drop(error);
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// Lines that are parsed at the same time: parsing takes longer than all else.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    lines: Vec<Stretch>,
}

/// Where a line stands in the block, and where in the file.
struct Stretch {
    range: Range<usize>,
    place: Place,
    ended: bool,
}

impl Block {
    const BYTES: usize = 256 << 10;
    const PART_LINES: usize = 128;

    /// Takes the next lines; false if there are none.
    fn fill(&mut self, lines: &mut Lines<impl BufRead>) -> io::Result<bool> {
        self.bytes.clear();
        self.lines.clear();
        while self.bytes.len() < Block::BYTES {
            let Some(Line { bytes, place, ended }) = lines.next()? else { break };
            let begin = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            self.lines.push(Stretch { range: begin..self.bytes.len(), place, ended });
        }
        Ok(!self.lines.is_empty())
    }

    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let line = |stretch: &Stretch| Line { bytes: self.text(stretch), place: stretch.place, ended: stretch.ended };
        self.lines.iter().map(line)
    }

    fn text(&self, stretch: &Stretch) -> &[u8] {
        &self.bytes[stretch.range.clone()]
    }

    fn parts(&self) -> Vec<&[Stretch]> {
        self.lines.chunks(Block::PART_LINES).collect()
    }

    /// What stands on each line of a part, where that is a note as it has to be.
    fn parse(&self, part: &[Stretch]) -> Vec<Option<NoteLine<'_>>> {
        // One look at a whole line for what is no UTF-8 is faster than one at each of its texts.
        let note = |line| serde_json::from_str(std::str::from_utf8(line).ok()?).ok();
        part.iter().map(|stretch| note(self.text(stretch)).map(|Object(note)| note)).collect()
    }
}

/// Whether a line is what the run itself wrote between the notes.
fn is_no_note(line: &[u8]) -> bool {
    let line: Option<Map<String, Value>> = serde_json::from_slice(line).ok();
    line.is_some_and(|line| line.contains_key("event") && !line.contains_key("note"))
}
