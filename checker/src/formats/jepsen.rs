//! Jepsen's histories: EDN maps with `:process`, `:type`, `:f` and `:value`, in one vector or list, or one after the
//! other. Porcupine's key-value logs are such, with a `:key`.

use std::io::BufRead;

use serde_json::Value;

use crate::formats::edn::{Fault, Parser};
use crate::formats::{Place, ReadError, Reading, place_of, without_mark};
use crate::history::{Draft, EventKind, Names, Process};

pub(super) fn read(mut input: impl BufRead, reading: &mut Reading<'_>) -> Result<(), ReadError> {
    let name = reading.name;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|source| ReadError::unreadable(name, source))?;
    let text = without_mark(&bytes);
    let mark = bytes.len() - text.len();
    let place = |offset: usize| place_of(&bytes, offset + mark);
    match read_events(text, reading, &place) {
        Ok(()) => Ok(()),
        Err(fault) if fault.at_end => {
            reading.cut(place(fault.form));
            Ok(())
        }
        Err(fault) => Err(ReadError::broken(name, place(fault.offset), fault.reason)),
    }
}

fn read_events(text: &[u8], reading: &mut Reading<'_>, place: &dyn Fn(usize) -> Place) -> Result<(), Fault> {
    let mut parser = Parser::new(text);
    let mut closer = None;
    while let Some(next) = parser.peek()? {
        let begin = parser.offset();
        match (next, closer) {
            (b'[', None) => closer = Some(b']'),
            (b'(', None) => closer = Some(b')'),
            (closing, Some(expected)) if closing == expected => closer = None,
            (b'{' | b'#', _) => {
                let draft = event(&mut parser, &mut reading.names).map_err(|fault| Fault { form: begin, ..fault })?;
                let index = reading.next_index();
                let event =
                    draft.finish(index).map_err(|missing| Fault::new(begin, format!("the event has no :{missing}")))?;
                reading.push(event, || place(begin));
                continue;
            }
            _ => return Err(Fault::new(begin, "expected an event: a map with :process, :type and :f".to_owned())),
        }
        parser.skip_byte();
    }
    if closer.is_some() { Err(Fault::end(text.len())) } else { Ok(()) }
}

/// Reads the map of an event, straight into its fields.
fn event(parser: &mut Parser<'_>, names: &mut Names) -> Result<Draft, Fault> {
    parser.open_map()?;
    let mut draft = Draft::default();
    let mut value_is_keyword = false;
    while let Some(key) = parser.next_key()? {
        let is_keyword = parser.is_keyword()?;
        let at = parser.offset();
        let value = parser.value()?;
        // Where the text ends here, the value may have been a longer one.
        parser.some_form()?;
        value_is_keyword |= is_keyword && key == "value";
        let twice = set_field(&mut draft, &key, value, names)
            .map_err(|expected| Fault::new(at, format!(":{key} has to be {expected}")))?;
        if twice {
            return Err(Fault::new(at, format!(":{key} stands twice in this event")));
        }
    }
    keep_reason(&mut draft, value_is_keyword);
    Ok(draft)
}

/// Tells whether the field was set before; the error is what the value should have been.
fn set_field(draft: &mut Draft, key: &str, value: Value, names: &mut Names) -> Result<bool, &'static str> {
    Ok(match key {
        "index" => draft.index.replace(value.as_u64().ok_or("an integer, not negative")?).is_some(),
        "time" | "node" if value.is_null() => false,
        "time" => draft.time.replace(value.as_u64().ok_or("nanoseconds, not negative")?).is_some(),
        "process" => draft.process.replace(process(value).ok_or("a client's number or a name")?).is_some(),
        "type" => {
            let kind = value.as_str().and_then(EventKind::of).ok_or(":invoke, :ok, :fail or :info")?;
            draft.kind.replace(kind).is_some()
        }
        "f" => draft.f.replace(names.get(value.as_str().ok_or("a keyword")?)).is_some(),
        "key" => draft.key.replace(value).is_some(),
        "value" => draft.value.replace(value).is_some(),
        "node" => {
            let text = value.to_string();
            draft.node.replace(names.get(value.as_str().unwrap_or(&text))).is_some()
        }
        _ => draft.extra.insert(key.to_owned(), value).is_some(),
    })
}

fn process(value: Value) -> Option<Process> {
    match value {
        Value::String(name) => Some(Process::Named(name.into())),
        number => number.as_u64().map(Process::Client),
    }
}

/// Jepsen's older clients told as the value why they do not know or failed, such as `:timed-out`. That is an error.
pub(super) fn keep_reason(draft: &mut Draft, value_is_keyword: bool) {
    let is_client = matches!(draft.process, Some(Process::Client(_)));
    let is_unhappy = matches!(draft.kind, Some(EventKind::Fail | EventKind::Info));
    if value_is_keyword && is_client && is_unhappy && !draft.extra.contains_key("error") {
        let reason = draft.value.take().unwrap_or_default();
        draft.extra.insert("error".to_owned(), reason);
    }
}
