//! A history as a table, for spreadsheets and data frames: a line with the names of the columns, then an event a line.
//! Keys and values are JSON; so are the keys that we do not know, all together in the last column.

use std::io::BufRead;

use serde_json::{Map, Value};

use crate::formats::json_lines::{inexact_integer, is_exact_value};
use crate::formats::{Place, ReadError, Reading, place_of, without_mark};
use crate::history::{Draft, EventKind, Names, Process};

/// The columns, in their order.
pub(super) const COLUMNS: [&str; 9] = ["index", "time", "process", "type", "f", "key", "value", "node", "extra"];

/// Whether a file that begins so has these columns.
pub(super) fn is_table(beginning: &[u8]) -> bool {
    let line = beginning.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    line == COLUMNS.join(",").as_bytes()
}

pub(super) fn read(mut input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let name = reading.name;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|source| ReadError::unreadable(name, source))?;
    let mut table = Table { at: bytes.len() - without_mark(&bytes).len(), bytes: &bytes };
    table.row(name)?;
    while table.at < bytes.len() {
        let begin = table.at;
        let Some(fields) = table.row(name)? else {
            reading.cut(place_of(&bytes, begin));
            break;
        };
        if fields.iter().all(|field| field.filled().is_none()) {
            continue;
        }
        let broken = |reason: String| ReadError::broken(name, place_of(&bytes, begin), reason);
        let draft = draft(&fields, &mut reading.names).map_err(broken)?;
        let event =
            draft.finish(reading.next_index()).map_err(|missing| broken(format!("the event has no {missing}")))?;
        reading.push(event, || place_of(&bytes, begin));
    }
    Ok(())
}

/// A table while it is read.
struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Table<'_> {
    /// The fields of the next line; none if the file ends before the line does.
    fn row(&mut self, name: &str) -> Result<Option<Vec<Field>>, ReadError> {
        let mut fields = Vec::new();
        loop {
            let begin = self.at;
            let quoted = self.bytes.get(begin) == Some(&b'"');
            let Some(field) = self.field() else { return Ok(None) };
            let text = String::from_utf8(field)
                .map_err(|_| ReadError::broken(name, place_of(self.bytes, begin), "this is not UTF-8"))?;
            fields.push(Field { text, quoted });
            if self.bytes[self.at..].starts_with(b"\r\n") {
                self.at += 1;
            }
            match self.bytes.get(self.at) {
                Some(b',') => self.at += 1,
                Some(b'\n') => {
                    self.at += 1;
                    return Ok(Some(fields));
                }
                Some(_) => return Err(ReadError::broken(name, self.place(), "something follows a quoted field")),
                None => return Ok(None),
            }
        }
    }

    /// The next field, without its quotation marks; none if the file ends in a quoted one.
    fn field(&mut self) -> Option<Vec<u8>> {
        let mut field = Vec::new();
        if self.bytes.get(self.at) != Some(&b'"') {
            let rest = &self.bytes[self.at..];
            let length = rest.iter().position(|byte| matches!(byte, b',' | b'\r' | b'\n')).unwrap_or(rest.len());
            self.at += length;
            return Some(rest[..length].to_vec());
        }
        self.at += 1;
        loop {
            let rest = &self.bytes[self.at..];
            let length = rest.iter().position(|&byte| byte == b'"')?;
            field.extend_from_slice(&rest[..length]);
            self.at += length + 1;
            if self.bytes.get(self.at) != Some(&b'"') {
                return Some(field);
            }
            field.push(b'"');
            self.at += 1;
        }
    }

    fn place(&self) -> Place {
        place_of(self.bytes, self.at)
    }
}

/// A field of a line. An empty one stands for what is absent; between quotation marks, for an empty text.
struct Field {
    text: String,
    quoted: bool,
}

impl Field {
    fn filled(&self) -> Option<&str> {
        (self.quoted || !self.text.is_empty()).then_some(&*self.text)
    }

    fn number(&self, column: &str) -> Result<Option<u64>, String> {
        let wrong = |text| format!("{column} {text:?} is no whole number");
        self.filled().map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    fn json(&self, column: &str) -> Result<Option<Value>, String> {
        let Some(text) = self.filled() else { return Ok(None) };
        let value: Value = serde_json::from_str(text).map_err(|error| format!("{column} is no JSON: {error}"))?;
        if !is_exact_value(&value)
            && let Some(at) = inexact_integer(text.as_bytes())
        {
            let number: String = text[at..].chars().take_while(|it| it.is_ascii_digit() || *it == '-').collect();
            return Err(format!(
                "{column} has {number}, an integer beyond 64 bits which would not be kept exactly: write it as a string"
            ));
        }
        Ok(Some(value))
    }

    /// A number is a client; a name that looks like one is quoted.
    fn process(&self) -> Option<Process> {
        let client = || self.text.parse().ok().filter(|_| !self.quoted);
        self.filled().map(|name| client().map_or_else(|| Process::Named(name.into()), Process::Client))
    }
}

/// The event on a line; the error says which column is wrong.
fn draft(fields: &[Field], names: &mut Names) -> Result<Draft, String> {
    let [index, time, process, kind, f, key, value, node, extra] = fields else {
        return Err(format!("this line has {} fields, and {} columns were named", fields.len(), COLUMNS.len()));
    };
    let extra = match extra.json("extra")? {
        None => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(other) => return Err(format!("extra is an object, not {other}")),
    };
    // Two of them would be one in our own format.
    if let Some(column) = COLUMNS[..8].iter().find(|column| extra.contains_key(**column)) {
        return Err(format!("extra has a field {column:?}, which has a column of its own"));
    }
    let known = |word: &str| EventKind::of(word).ok_or_else(|| format!("there is no type {word:?}"));
    Ok(Draft {
        index: index.number("index")?,
        time: time.number("time")?,
        process: process.process(),
        kind: kind.filled().map(known).transpose()?,
        f: f.filled().map(|f| names.get(f)),
        key: key.json("key")?,
        value: value.json("value")?,
        node: node.filled().map(|node| names.get(node)),
        extra,
    })
}
