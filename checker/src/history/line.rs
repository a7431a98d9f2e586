//! An event as a line of JSON, both ways, by hand: a history has a million of them, and derived code with `flatten`
//! would build a map for each.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::history::{Event, EventKind, Process};

/// Appends an event and a line feed to `line`; allocates nothing but the room in it.
pub fn append_line(line: &mut Vec<u8>, event: &Event) {
    serde_json::to_writer(&mut *line, event).expect("an event has no map with other keys than strings");
    line.push(b'\n');
}

/// Writes a history so that it can be cut off at any moment: each line, its line feed included, in one `write_all`.
///
/// It buffers nothing. Over an unbuffered file, all that was recorded is there when the recorder is killed.
#[derive(Debug)]
pub struct HistoryWriter<W> {
    out: W,
    line: Vec<u8>,
    failed: bool,
}

impl<W: Write> HistoryWriter<W> {
    /// Writes the header; the events follow.
    pub fn new(out: W, header: &crate::history::Header) -> std::io::Result<Self> {
        let mut writer = Self::without_header(out);
        serde_json::to_writer(&mut writer.line, header).expect("a header has no map with other keys than strings");
        writer.line.push(b'\n');
        writer.write_line()?;
        Ok(writer)
    }

    /// For a history that has no header.
    pub fn without_header(out: W) -> Self {
        HistoryWriter { out, line: Vec::with_capacity(256), failed: false }
    }

    /// Writes an event.
    ///
    /// After an error the line may be there in part. Every later call fails then, so that nothing follows the torn line.
    pub fn write(&mut self, event: &Event) -> std::io::Result<()> {
        self.line.clear();
        append_line(&mut self.line, event);
        self.write_line()
    }

    /// What is written to.
    pub fn get_ref(&self) -> &W {
        &self.out
    }

    /// Ends, and gives back what was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn write_line(&mut self) -> std::io::Result<()> {
        if self.failed {
            return Err(std::io::Error::other("an earlier line of this history could not be written"));
        }
        let written = self.out.write_all(&self.line);
        self.failed = written.is_err();
        written
    }
}

impl Serialize for Event {
    /// Known keys in their usual order, the others after them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("index", &self.index)?;
        if let Some(time) = self.time {
            line.serialize_entry("time", &time)?;
        }
        line.serialize_entry("process", &self.process)?;
        line.serialize_entry("type", &self.kind)?;
        line.serialize_entry("f", &self.f)?;
        if let Some(key) = &self.key {
            line.serialize_entry("key", key)?;
        }
        line.serialize_entry("value", &self.value)?;
        if let Some(node) = &self.node {
            line.serialize_entry("node", node)?;
        }
        for (name, value) in &self.extra {
            line.serialize_entry(name, value)?;
        }
        line.end()
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let draft = DraftSeed(&mut Names::default()).deserialize(deserializer)?;
        let index = draft.index.ok_or_else(|| de::Error::missing_field("index"))?;
        draft.finish(index).map_err(de::Error::missing_field)
    }
}

/// Names that occur again and again, each kept once.
#[derive(Debug, Default)]
pub(crate) struct Names(FxHashSet<Arc<str>>);

impl Names {
    /// The one copy of `name`.
    pub(crate) fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return known.clone();
        }
        let new: Arc<str> = Arc::from(name);
        self.0.insert(new.clone());
        new
    }
}

/// An event of which not all may have been read yet.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) index: Option<u64>,
    pub(crate) time: Option<u64>,
    pub(crate) process: Option<Process>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) f: Option<Arc<str>>,
    pub(crate) key: Option<Value>,
    pub(crate) value: Option<Value>,
    pub(crate) node: Option<Arc<str>>,
    pub(crate) extra: Map<String, Value>,
}

impl Draft {
    /// The event, with `index` if it has none of its own; the error is the name of what is missing.
    pub(crate) fn finish(self, index: u64) -> Result<Event, &'static str> {
        Ok(Event {
            index: self.index.unwrap_or(index),
            time: self.time,
            process: self.process.ok_or("process")?,
            kind: self.kind.ok_or("type")?,
            f: self.f.ok_or("f")?,
            key: self.key,
            value: self.value.unwrap_or_default(),
            node: self.node,
            extra: self.extra,
        })
    }
}

/// Reads a draft, and takes its names from those given.
pub(crate) struct DraftSeed<'n>(pub(crate) &'n mut Names);

impl<'de> DeserializeSeed<'de> for DraftSeed<'_> {
    type Value = Draft;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Draft, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DraftSeed<'_> {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event: an object with process, type and f")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut line: A) -> Result<Draft, A::Error> {
        let mut draft = Draft::default();
        while let Some(field) = line.next_key()? {
            let twice = match field {
                Field::Index => draft.index.replace(line.next_value()?).is_some(),
                Field::Time => set(&mut draft.time, line.next_value()?),
                Field::Process => draft.process.replace(line.next_value()?).is_some(),
                Field::Kind => draft.kind.replace(line.next_value()?).is_some(),
                Field::F => set(&mut draft.f, line.next_value_seed(NameSeed(self.0))?),
                Field::Key => draft.key.replace(line.next_value()?).is_some(),
                Field::Value => draft.value.replace(line.next_value()?).is_some(),
                Field::Node => set(&mut draft.node, line.next_value_seed(NameSeed(self.0))?),
                Field::Other(name) => draft.extra.insert(name, line.next_value()?).is_some(),
            };
            if twice {
                return Err(de::Error::custom("a key stands twice in this event"));
            }
        }
        Ok(draft)
    }
}

/// Sets what is there; tells whether it was set before.
fn set<T>(to: &mut Option<T>, from: Option<T>) -> bool {
    let twice = to.is_some();
    if from.is_some() {
        *to = from;
    }
    twice
}

/// A key of a line.
enum Field {
    Index,
    Time,
    Process,
    Kind,
    F,
    Key,
    Value,
    Node,
    Other(String),
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(FieldVisitor)
    }
}

struct FieldVisitor;

impl Visitor<'_> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key of an event")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Field, E> {
        Ok(match name {
            "index" => Field::Index,
            "time" => Field::Time,
            "process" => Field::Process,
            "type" => Field::Kind,
            "f" => Field::F,
            "key" => Field::Key,
            "value" => Field::Value,
            "node" => Field::Node,
            _ => Field::Other(name.to_owned()),
        })
    }
}

/// Reads a name or null.
struct NameSeed<'n>(&'n mut Names);

impl<'de> DeserializeSeed<'de> for NameSeed<'_> {
    type Value = Option<Arc<str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for NameSeed<'_> {
    type Value = Option<Arc<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, as a string")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Some(self.0.get(name)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}
