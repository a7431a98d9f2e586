//! Jepsen's log lines, as Porcupine's tests keep them: `INFO  jepsen.util - 3<tab>:invoke<tab>:write<tab>4`.
//!
//! What stands before the process is passed over, so Jepsen's own `history.txt` is read as well. There, an error may
//! follow the value.

use std::io::BufRead;

use serde_json::Value;

use crate::formats::edn::Parser;
use crate::formats::jepsen::keep_reason;
use crate::formats::lines::Line;
use crate::formats::{Lines, Place, ReadError, Reading};
use crate::history::{Draft, EventKind, Names, Process};

pub(super) fn read(input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let name = reading.name;
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next().map_err(|source| ReadError::unreadable(name, source))? {
        if !line.ended {
            // It may be whole, or end in the 1 of a 12: nobody can tell.
            reading.cut(line.place);
            break;
        }
        let draft =
            parse(&line, &mut reading.names).map_err(|(place, reason)| ReadError::broken(name, place, reason))?;
        let index = reading.next_index();
        let event = draft.finish(index).expect("a log line gives a process, a type and an f");
        reading.push(event, || line.place);
    }
    Ok(())
}

/// Whether a line is one of these: its second column is a type.
pub(super) fn is_line(line: &[u8]) -> bool {
    line.split(|&byte| byte == b'\t').nth(1).is_some_and(|kind| keyword(kind).and_then(EventKind::of).is_some())
}

fn parse(line: &Line<'_>, names: &mut Names) -> Result<Draft, (Place, String)> {
    let mut columns = Columns { rest: Some(line.bytes), place: line.place };
    let (place, process) = columns.next("process")?;
    let process = process.trim_ascii().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let process = parse_process(process).ok_or_else(|| (place, "no process stands before the first tab".to_owned()))?;
    let (place, kind) = columns.next("type")?;
    let kind = keyword(kind).and_then(EventKind::of);
    let kind = kind.ok_or_else(|| (place, "no type: expected :invoke, :ok, :fail or :info".to_owned()))?;
    let (place, f) = columns.next("f")?;
    let f = keyword(f).ok_or_else(|| (place, "no f: expected a keyword such as :read".to_owned()))?;

    let mut draft = Draft { process: Some(process), kind: Some(kind), f: Some(names.get(f)), ..Draft::default() };
    let (is_keyword, value) = columns.value()?;
    draft.value = Some(value);
    keep_reason(&mut draft, is_keyword);
    if columns.rest.is_some() {
        let (_, error) = columns.value()?;
        draft.extra.insert("error".to_owned(), error);
    }
    Ok(draft)
}

fn parse_process(word: &[u8]) -> Option<Process> {
    match keyword(word) {
        Some(name) => Some(Process::Named(name.into())),
        None => str::from_utf8(word).ok()?.parse().ok().map(Process::Client),
    }
}

/// The name of a keyword that stands alone.
fn keyword(word: &[u8]) -> Option<&str> {
    let name = str::from_utf8(word.trim_ascii().strip_prefix(b":")?).ok()?;
    (!name.is_empty()).then_some(name)
}

/// What is left of a line.
struct Columns<'a> {
    rest: Option<&'a [u8]>,
    place: Place,
}

impl<'a> Columns<'a> {
    fn next(&mut self, what: &str) -> Result<(Place, &'a [u8]), (Place, String)> {
        let place = self.place;
        let rest = self.rest.take().ok_or_else(|| (place, format!("the line ends before its {what}")))?;
        let length = rest.iter().position(|&byte| byte == b'\t');
        self.rest = length.map(|length| &rest[length + 1..]);
        let column = &rest[..length.unwrap_or(rest.len())];
        self.place.offset += column.len() as u64 + 1;
        Ok((place, column))
    }

    /// The next column as an EDN value, and whether that is a keyword.
    fn value(&mut self) -> Result<(bool, Value), (Place, String)> {
        let (place, column) = self.next("value")?;
        let mut parser = Parser::new(column);
        let parsed = parser.is_keyword().and_then(|is_keyword| Ok((is_keyword, parser.value()?)));
        let parsed = parsed.and_then(|value| parser.end().map(|()| value));
        parsed.map_err(|fault| {
            (Place { offset: place.offset + fault.offset as u64, ..place }, format!("the value: {}", fault.reason))
        })
    }
}
