//! A JSON array of events, as elle-cli takes them and other tools write them: the objects of our JSON lines, between
//! brackets.

use std::io::BufRead;

use serde::de::{DeserializeSeed, IgnoredAny};
use serde_json::Deserializer;

use crate::formats::json_lines::{inexact_integer, is_exact};
use crate::formats::{Place, ReadError, Reading, place_of, without_mark};
use crate::history::DraftSeed;

pub(super) fn read(mut input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let name = reading.name;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|source| ReadError::unreadable(name, source))?;
    let mut array = Array { at: bytes.len() - without_mark(&bytes).len(), bytes: &bytes };
    array.skip(b'[');
    let mut first = true;
    loop {
        let next = array.peek();
        let begin = array.at;
        match next {
            None => {
                reading.cut(place_of(&bytes, begin));
                return Ok(());
            }
            Some(b']') => {
                array.skip(b']');
                return match array.peek() {
                    None => Ok(()),
                    Some(_) => Err(ReadError::broken(name, array.place(), "something follows the array")),
                };
            }
            Some(b',') if !first => array.skip(b','),
            Some(_) if first => {}
            Some(_) => return Err(ReadError::broken(name, array.place(), "expected a comma or the end of the array")),
        }
        if array.event(reading)?.is_none() {
            reading.cut(place_of(&bytes, begin));
            return Ok(());
        }
        first = false;
    }
}

/// An array while it is read.
struct Array<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Array<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(rest.len());
        self.bytes.get(self.at).copied()
    }

    /// Steps over this byte if it comes next.
    fn skip(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.at += 1;
        }
    }

    fn place(&self) -> Place {
        place_of(self.bytes, self.at)
    }

    /// Reads the event that comes next; none if the text ends in it.
    fn event(&mut self, reading: &mut Reading<'_>) -> Result<Option<()>, ReadError> {
        let name = reading.name;
        if self.peek().is_none() {
            return Ok(None);
        }
        let begin = self.at;
        let rest = &self.bytes[begin..];
        let mut deserializer = Deserializer::from_slice(rest);
        let draft = match DraftSeed(&mut reading.names).deserialize(&mut deserializer) {
            Ok(draft) => draft,
            Err(error) if error.is_eof() => return Ok(None),
            Err(error) => {
                let reason = error.to_string();
                let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
                let place = place_of(self.bytes, begin + offset_of(rest, error.line(), error.column()));
                return Err(ReadError::broken(name, place, reason));
            }
        };
        let length = deserializer.into_iter::<IgnoredAny>().byte_offset();
        let event = draft.finish(reading.next_index()).map_err(|missing| {
            ReadError::broken(name, place_of(self.bytes, begin), format!("the event has no {missing}"))
        })?;
        if !is_exact(&event)
            && let Some(number) = inexact_integer(&rest[..length])
        {
            let reason = "an integer beyond 64 bits would not be kept exactly: write it as a string";
            return Err(ReadError::broken(name, place_of(self.bytes, begin + number), reason));
        }
        let bytes = self.bytes;
        reading.push(event, || place_of(bytes, begin));
        self.at = begin + length;
        Ok(Some(()))
    }
}

/// The offset of what serde calls a line and a column, both from 1.
fn offset_of(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive(|&byte| byte == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}
