//! Our own format: a header line, which may be missing, then an event a line.

use std::io::BufRead;

use serde::de::{DeserializeOwned, DeserializeSeed};
use serde_json::{Map, Number, Value};

use crate::formats::lines::Line;
use crate::formats::{Lines, Place, ReadError, Reading};
use crate::history::{DraftSeed, Event, FORMAT, Names};

pub(super) fn read(input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let name = reading.name;
    let mut lines = Lines::new(input);
    let mut first = true;
    while let Some(line) = lines.next().map_err(|source| ReadError::unreadable(name, source))? {
        if std::mem::take(&mut first) {
            reading.history.header = parse_header(&line, name, "history")?;
            if reading.history.header.is_some() {
                continue;
            }
        }
        let next_index = reading.next_index();
        let Some(event) = parse_event(&line, name, &mut reading.names, next_index)? else {
            reading.cut(line.place);
            break;
        };
        reading.push(event, || line.place);
    }
    Ok(())
}

/// The event on a line, with `index` if it has none of its own; none if the file ends in the middle of it.
pub(super) fn parse_event(
    line: &Line<'_>,
    name: &str,
    names: &mut Names,
    index: u64,
) -> Result<Option<Event>, ReadError> {
    let Some(draft) = parse_line(line, name, DraftSeed(names))? else { return Ok(None) };
    let event = draft
        .finish(index)
        .map_err(|missing| ReadError::broken(name, line.place, format!("the event has no {missing}")))?;
    if !is_exact(&event)
        && let Some(number) = inexact_integer(line.bytes)
    {
        let place = Place { offset: line.place.offset + number as u64, ..line.place };
        let reason = "an integer beyond 64 bits would not be kept exactly: write it as a string";
        return Err(ReadError::broken(name, place, reason));
    }
    Ok(Some(event))
}

/// The header, if this line is one: one of a file of this `kind`, in a version that is known. An event or a note may have a
/// field called `schism`, too: what says of whom it is and what happened is no header, whatever else it says.
pub(crate) fn parse_header<T: DeserializeOwned>(
    line: &Line<'_>,
    name: &str,
    kind: &str,
) -> Result<Option<T>, ReadError> {
    // What cannot be parsed is told as a broken line afterwards.
    let Ok(header) = serde_json::from_slice::<Map<String, Value>>(line.bytes) else { return Ok(None) };
    let Some(schism) = header.get("schism") else { return Ok(None) };
    if [["process", "type"], ["node", "note"]].iter().any(|both| both.iter().all(|field| header.contains_key(*field))) {
        return Ok(None);
    }
    if schism != kind {
        return Err(ReadError::broken(name, line.place, format!("the header says {schism}, not \"{kind}\"")));
    }
    if let Some(format) = header.get("format").and_then(Value::as_u64)
        && format > u64::from(FORMAT)
    {
        return Err(ReadError::Newer { name: name.to_owned(), format });
    }
    let header = serde_json::from_value(Value::Object(header));
    header.map(Some).map_err(|error| ReadError::broken(name, line.place, format!("the header is broken: {error}")))
}

/// What stands on a line; none if the file ends in the middle of it.
///
/// No part of an object is an object, so a line without line feed that can be parsed is whole.
pub(crate) fn parse_line<'l, S: DeserializeSeed<'l>>(
    line: &Line<'l>,
    name: &str,
    seed: S,
) -> Result<Option<S::Value>, ReadError> {
    let mut deserializer = serde_json::Deserializer::from_slice(line.bytes);
    let parsed = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match parsed {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_eof() && !line.ended => Ok(None),
        Err(error) => {
            let column = error.column().saturating_sub(1) as u64;
            let reason = error.to_string();
            // The place that it tells is one in the line alone.
            let reason = reason.rsplit_once(" at line ").map_or(&*reason, |(reason, _)| reason);
            Err(ReadError::broken(name, Place { offset: line.place.offset + column, ..line.place }, reason))
        }
    }
}

/// Whether no integer of this event can have lost digits. Integers beyond 64 bits are read as floating point numbers, and
/// two different ones may become equal.
pub(super) fn is_exact(event: &Event) -> bool {
    event.key.iter().chain([&event.value]).chain(event.extra.values()).all(is_exact_value)
}

/// The same of one value.
pub(super) fn is_exact_value(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_none_or(|float| float.abs() < 2f64.powi(63)) || is_integer(number),
        Value::Array(values) => values.iter().all(is_exact_value),
        Value::Object(fields) => fields.values().all(is_exact_value),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

fn is_integer(number: &Number) -> bool {
    number.is_u64() || number.is_i64()
}

/// Where in a text that is known to be JSON the first integer stands that does not fit into 64 bits.
pub(super) fn inexact_integer(line: &[u8]) -> Option<usize> {
    let (mut at, mut in_string) = (0, false);
    while at < line.len() {
        match line[at] {
            b'"' => in_string = !in_string,
            b'\\' => at += 1,
            b'-' | b'0'..=b'9' if !in_string => {
                let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = line[at..].iter().take_while(|byte| is_part(byte)).count();
                let number = str::from_utf8(&line[at..at + length]).expect("only ASCII was taken");
                let is_integer = !number.contains(['.', 'e', 'E']);
                if is_integer && number.parse::<u64>().is_err() && number.parse::<i64>().is_err() {
                    return Some(at);
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}
