//! Notes: what a node tells about itself, in its paper's terms.

mod fields;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::fields::Fields;
use crate::id::{Incarnation, NodeId};

/// Something that happened in a node, such as `leader{epoch=3}` or `committed{index=7}`: a name and fields.
///
/// `leader{epoch}` is common to all protocols that have one. A decision is noted before it is sent; where a schedule
/// needs the message out, a second note follows (`vote-sent`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Kebab case, such as `vote-sent`.
    #[serde(rename = "note")]
    pub name: Cow<'static, str>,
    /// What it says.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
}

impl Note {
    /// A note without fields.
    pub fn new(name: &'static str) -> Self {
        Note { name: Cow::Borrowed(name), fields: Fields::default() }
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.fields.set(Cow::Borrowed(field), value.into());
        self
    }
}

impl std::fmt::Display for Note {
    /// `leader{epoch=3}`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        let fields: Vec<String> = self.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write!(f, "{{{}}}", fields.join(" "))
    }
}

/// A note as it stands on its line in the note pipe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteLine {
    /// Who made it.
    pub node: NodeId,
    /// In which of its lives.
    pub incarnation: Incarnation,
    /// Counts up from 1 within the incarnation: a gap means that a line was lost.
    pub seq: u64,
    /// `CLOCK_MONOTONIC` of the machine in nanoseconds, which no clock fault touches.
    pub time: u64,
    /// What happened.
    #[serde(flatten)]
    pub note: Note,
}

/// Which notes are meant: the name must be equal, each named field must have the given value, and it must be the `nth`
/// such note (from 1) since the pattern was armed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotePattern {
    /// The note's name.
    pub note: String,
    /// Who makes it; anyone where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// Fields that must be there with these values.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
    /// The how-many-th match counts.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub nth: u64,
}

fn first() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_first(nth: &u64) -> bool {
    *nth == 1
}

impl NotePattern {
    /// Whether a note of `maker` is of the kind that is meant; counting to `nth` is the caller's.
    pub fn matches(&self, maker: NodeId, note: &Note) -> bool {
        self.note == note.name
            && self.node.is_none_or(|node| node == maker)
            && self.fields.iter().all(|(field, value)| note.fields.get(field) == Some(value))
    }
}
