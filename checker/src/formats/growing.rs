//! A history that is still being written: bytes in as they are appended, events out as their lines become whole.
//!
//! Only our JSON lines can be read so: in the other formats an event, or the whole history, may end anywhere.

use crate::formats::json_lines::{parse_event, parse_header};
use crate::formats::lines::{LINE_LIMIT_BYTES, Line};
use crate::formats::{Format, Place, ReadError, recognise, without_mark};
use crate::history::{Cut, Event, Header, Names};

/// See the module's head. After an error nothing more can be read.
#[derive(Debug)]
pub struct Growing {
    name: String,
    names: Names,
    /// What was appended behind the last line that is whole.
    rest: Vec<u8>,
    /// Where that begins.
    place: Place,
    header: Option<Header>,
    /// No line was read before.
    first: bool,
    next_index: u64,
}

impl Growing {
    /// Nothing was appended yet. Errors call it `name`.
    pub fn new(name: &str) -> Growing {
        let (rest, place) = (Vec::new(), Place { line: 1, offset: 0 });
        let names = Names::default();
        Growing { name: name.to_owned(), names, rest, place, header: None, first: true, next_index: 0 }
    }

    /// The header, once its line is whole; none where there is no header.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Takes what was appended: the events whose lines are whole now.
    pub fn append(&mut self, bytes: &[u8]) -> Result<Vec<Event>, ReadError> {
        self.rest.extend_from_slice(bytes);
        if self.first {
            self.recognise()?;
        }
        let rest = std::mem::take(&mut self.rest);
        let mut events = Vec::new();
        let mut done = 0;
        while let Some(length) = rest[done..].iter().position(|&byte| byte == b'\n') {
            events.extend(self.line(&rest[done..done + length], true)?);
            done += length + 1;
            self.place = Place { line: self.place.line + 1, offset: self.place.offset + length as u64 + 1 };
        }
        self.rest = rest[done..].to_vec();
        if self.rest.len() as u64 > LINE_LIMIT_BYTES {
            let reason = format!("the line is longer than {} MiB", LINE_LIMIT_BYTES >> 20);
            return Err(ReadError::broken(&self.name, self.place, reason));
        }
        Ok(events)
    }

    /// Nothing will be appended any more: the event on a last line that is whole but for its line feed, or where the history
    /// was cut off.
    pub fn end(&mut self) -> Result<(Option<Event>, Option<Cut>), ReadError> {
        let rest = std::mem::take(&mut self.rest);
        let had_header = self.header.is_some();
        let event = self.line(&rest, false)?;
        let was_whole = event.is_some() || self.header.is_some() != had_header || rest.trim_ascii().is_empty();
        let cut = (!was_whole).then_some(Cut { line: self.place.line, offset: self.place.offset });
        Ok((event, cut))
    }

    fn recognise(&self) -> Result<(), ReadError> {
        match recognise(&self.rest) {
            Some(Format::JsonLines) => Ok(()),
            Some(_) => {
                let reason = "only JSON lines can be read while they grow, and this is another format of histories";
                Err(ReadError::broken(&self.name, self.place, reason))
            }
            None => {
                let beginning = String::from_utf8_lossy(&self.rest[..self.rest.len().min(40)]).into_owned();
                Err(ReadError::Unrecognised { name: self.name.clone(), beginning })
            }
        }
    }

    fn line(&mut self, bytes: &[u8], ended: bool) -> Result<Option<Event>, ReadError> {
        let bytes = if self.first { without_mark(bytes) } else { bytes };
        if bytes.trim_ascii().is_empty() {
            return Ok(None);
        }
        let line = Line { bytes, place: self.place, ended };
        if std::mem::take(&mut self.first) {
            self.header = parse_header(&line, &self.name, "history")?;
            if self.header.is_some() {
                return Ok(None);
            }
        }
        let event = parse_event(&line, &self.name, &mut self.names, self.next_index)?;
        if let Some(event) = &event {
            self.next_index = event.index.saturating_add(1);
        }
        Ok(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::read_bytes;

    const TEXT: &str = "{\"schism\":\"history\",\"format\":1,\"model\":\"register\"}\n\n\
        {\"process\":1,\"type\":\"invoke\",\"f\":\"write\",\"value\":\"\u{e9}\"}\n\
        {\"index\":7,\"process\":1,\"type\":\"ok\",\"f\":\"write\",\"value\":\"\u{e9}\"}\r\n\
        {\"process\":\"nemesis\",\"type\":\"info\",\"f\":\"cut\"}";

    #[test]
    fn it_does_not_matter_how_a_file_grows() {
        let whole = read_bytes(TEXT.as_bytes(), "test").unwrap();
        for size in 1..TEXT.len() {
            let mut growing = Growing::new("test");
            let parts = TEXT.as_bytes().chunks(size);
            let mut events: Vec<Event> = parts.flat_map(|part| growing.append(part).unwrap()).collect();
            assert_eq!(growing.header(), whole.header.as_ref());
            assert_eq!(events.len(), 2, "a line without line feed may go on");
            let (last, cut) = growing.end().unwrap();
            events.extend(last);
            assert_eq!((events, cut), (whole.events.clone(), None), "in parts of {size}");
        }
    }

    #[test]
    fn a_cut_line_is_told_and_a_broken_one_is_an_error() {
        let mut growing = Growing::new("test");
        growing.append(&TEXT.as_bytes()[..TEXT.len() - 5]).unwrap();
        let (last, cut) = growing.end().unwrap();
        assert_eq!(last, None);
        assert_eq!(cut, read_bytes(&TEXT.as_bytes()[..TEXT.len() - 5], "test").unwrap().cut);
        assert_eq!(cut.unwrap().line, 5);

        let error = Growing::new("test").append(b"{\"process\":1}\n").unwrap_err();
        assert_eq!(error.to_string(), "test, line 1, byte 0: the event has no type");
        let error = Growing::new("test").append(b"[{:process 1").unwrap_err().to_string();
        assert!(error.contains("only JSON lines can be read while they grow"), "{error}");
        let error = Growing::new("test").append(b"# Notes").unwrap_err().to_string();
        assert!(error.contains("another format"), "{error}");
    }
}
