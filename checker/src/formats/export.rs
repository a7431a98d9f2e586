//! Writes a history for other tools: Jepsen's EDN (Knossos, elle), elle-cli's JSON and a table. What was written is read
//! back as the same events; the header has no place in any of them.

use std::borrow::Cow;
use std::io::{self, Write};
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::formats::csv;
use crate::history::{Event, Header, History, Process};

/// A format to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    /// Jepsen's: an EDN map a line. The header becomes a comment.
    JepsenEdn,
    /// elle-cli's: a JSON array of the events as our JSON lines have them.
    ElleJson,
    /// A table: a column for each part of an event.
    Csv,
}

impl Exported {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Exported); 3] =
        [("jepsen-edn", Exported::JepsenEdn), ("elle-json", Exported::ElleJson), ("csv", Exported::Csv)];
}

impl FromStr for Exported {
    type Err = String;

    fn from_str(name: &str) -> Result<Exported, String> {
        let known = Exported::ALL.iter().find(|(known, _)| *known == name);
        known.map(|&(_, format)| format).ok_or_else(|| format!("there is no format {name:?} to export"))
    }
}

/// Writes a history in this format; `out` should be buffered.
pub fn write(out: &mut impl Write, history: &History, format: Exported) -> io::Result<()> {
    match format {
        Exported::JepsenEdn => edn(out, history),
        Exported::ElleJson => json_array(out, history),
        Exported::Csv => table(out, history),
    }
}

fn json_array(out: &mut impl Write, history: &History) -> io::Result<()> {
    out.write_all(b"[")?;
    for (number, event) in history.events.iter().enumerate() {
        out.write_all(if number == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, event)?;
    }
    out.write_all(b"\n]\n")
}

fn edn(out: &mut impl Write, history: &History) -> io::Result<()> {
    if let Some(header) = &history.header {
        writeln!(out, ";; {}", words(header))?;
    }
    for event in &history.events {
        edn_event(out, event)?;
    }
    Ok(())
}

/// What a person who finds the file wants to know: a comment must not break its line.
fn words(header: &Header) -> String {
    let known = [("run", &header.run), ("system", &header.system), ("model", &header.model), ("start", &header.start)];
    let mut words: Vec<String> =
        known.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_ref()?.escape_debug()))).collect();
    words.push(format!("initial value {}", header.initial));
    words.join(", ")
}

fn edn_event(out: &mut impl Write, event: &Event) -> io::Result<()> {
    write!(out, "{{:index {}", event.index)?;
    if let Some(time) = event.time {
        write!(out, ", :time {time}")?;
    }
    match &event.process {
        Process::Client(number) => write!(out, ", :process {number}, :type :{}", event.kind)?,
        Process::Named(name) => write!(out, ", :process {}, :type :{}", edn_name(name), event.kind)?,
    }
    write!(out, ", :f {}", edn_name(&event.f))?;
    if let Some(key) = &event.key {
        out.write_all(b", :key ")?;
        edn_value(out, key)?;
    }
    out.write_all(b", :value ")?;
    edn_value(out, &event.value)?;
    if let Some(node) = &event.node {
        write!(out, ", :node {}", Value::from(&**node))?;
    }
    for (name, value) in &event.extra {
        write!(out, ", {} ", edn_name(name))?;
        edn_value(out, value)?;
    }
    out.write_all(b"}\n")
}

/// A keyword where it can be one, else a string.
fn edn_name(name: &str) -> Cow<'static, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'?' | b'!' | b'*');
    let keyword = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && name.bytes().all(plain);
    Cow::Owned(if keyword { format!(":{name}") } else { Value::from(name).to_string() })
}

/// JSON's texts are EDN's, but for null, and for what stands between the parts.
fn edn_value(out: &mut impl Write, value: &Value) -> io::Result<()> {
    match value {
        Value::Null => out.write_all(b"nil"),
        Value::Array(values) => {
            out.write_all(b"[")?;
            for (number, value) in values.iter().enumerate() {
                out.write_all(if number == 0 { b"" } else { b" " })?;
                edn_value(out, value)?;
            }
            out.write_all(b"]")
        }
        Value::Object(fields) => edn_map(out, fields),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => write!(out, "{value}"),
    }
}

fn edn_map(out: &mut impl Write, fields: &Map<String, Value>) -> io::Result<()> {
    out.write_all(b"{")?;
    for (number, (name, value)) in fields.iter().enumerate() {
        write!(out, "{}{} ", if number == 0 { "" } else { ", " }, Value::from(name.as_str()))?;
        edn_value(out, value)?;
    }
    out.write_all(b"}")
}

fn table(out: &mut impl Write, history: &History) -> io::Result<()> {
    writeln!(out, "{}", csv::COLUMNS.join(","))?;
    for event in &history.events {
        let key = event.key.as_ref().map(Value::to_string);
        let extra = (!event.extra.is_empty()).then(|| Value::Object(event.extra.clone()).to_string());
        let process = match &event.process {
            Process::Client(number) => number.to_string(),
            Process::Named(name) => quoted(name),
        };
        let plain = |text: Option<&str>| text.map_or_else(String::new, plain);
        let fields = [
            event.index.to_string(),
            event.time.map_or_else(String::new, |time| time.to_string()),
            process,
            event.kind.to_string(),
            plain(Some(&event.f)),
            plain(key.as_deref()),
            plain(Some(&event.value.to_string())),
            plain(event.node.as_deref()),
            plain(extra.as_deref()),
        ];
        writeln!(out, "{}", fields.join(","))?;
    }
    Ok(())
}

/// In quotation marks where the text would break its line or column, or would be taken for an absent one.
fn plain(text: &str) -> String {
    if text.is_empty() || text.contains(['"', ',', '\n', '\r']) { quoted(text) } else { text.to_owned() }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
