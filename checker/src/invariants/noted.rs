//! A note as a rule sees it, and its maker as a rule remembers it.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Evidence;

/// What a note says, whoever keeps it.
pub trait Fields: fmt::Debug {
    /// The value of a field, if the note has it.
    fn get(&self, name: &str) -> Option<&Value>;
}

impl Fields for Map<String, Value> {
    fn get(&self, name: &str) -> Option<&Value> {
        Map::get(self, name)
    }
}

/// A note with its maker.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// Who made it.
    pub node: &'a Arc<str>,
    /// In which of its lives, from 1.
    pub incarnation: u64,
    /// When, in nanoseconds; from when on is the caller's affair.
    pub time: u64,
    /// The note's name.
    pub name: &'a str,
    /// What it says.
    pub fields: &'a dyn Fields,
}

/// Who made a note, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// The node.
    pub node: Arc<str>,
    /// Its life.
    pub incarnation: u64,
    /// In nanoseconds.
    pub time: u64,
}

impl Noted<'_> {
    /// A field that holds a whole number.
    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_u64()
    }

    /// A field that holds a text.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// A field that holds a digest: sixteen hexadecimal digits.
    pub(super) fn digest(&self, field: &str) -> Option<u64> {
        u64::from_str_radix(self.text(field)?, 16).ok()
    }

    /// Who made it.
    pub(super) fn maker(&self) -> Maker {
        Maker { node: self.node.clone(), incarnation: self.incarnation, time: self.time }
    }
}

impl Maker {
    /// What this maker did.
    pub(super) fn did(&self, did: impl Into<String>) -> Evidence {
        Evidence { maker: self.clone(), did: did.into() }
    }
}

impl fmt::Display for Maker {
    /// `0.523104 s n1 (life 2)`; the first life is not mentioned.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.time / 1_000_000_000, self.time % 1_000_000_000 / 1_000);
        write!(f, "{seconds}.{micros:06} s {}", self.node)?;
        if self.incarnation > 1 { write!(f, " (life {})", self.incarnation) } else { Ok(()) }
    }
}
