//! Walks over the lines of a file, and knows where each begins.

use std::io::{self, BufRead, Read};

use crate::formats::{Place, without_mark};

/// No line of a sound history is longer; a longer one is refused before it fills the memory.
pub(super) const LINE_LIMIT_BYTES: u64 = 64 << 20;

/// The lines of `input`, one at a time.
pub(crate) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    place: Place,
}

/// A line without its line feed.
pub(crate) struct Line<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) place: Place,
    /// Whether it had a line feed: if not, the file may have been cut in it.
    pub(crate) ended: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Lines { input, buffer: Vec::new(), place: Place { line: 0, offset: 0 } }
    }

    /// The next line that is not blank; none at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.place = Place { line: self.place.line + 1, offset: self.place.offset + self.buffer.len() as u64 };
            self.buffer.clear();
            let length = self.input.by_ref().take(LINE_LIMIT_BYTES + 1).read_until(b'\n', &mut self.buffer)?;
            if length == 0 {
                return Ok(None);
            }
            if length as u64 > LINE_LIMIT_BYTES {
                let message = format!("line {} is longer than {} MiB", self.place.line, LINE_LIMIT_BYTES >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let ended = self.buffer.ends_with(b"\n");
        let mut bytes = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let mut place = self.place;
        if place.line == 1 {
            place.offset = (bytes.len() - without_mark(bytes).len()) as u64;
            bytes = without_mark(bytes);
        }
        Ok(Some(Line { bytes, place, ended }))
    }
}
