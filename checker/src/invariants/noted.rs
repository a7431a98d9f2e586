//! A note as a rule sees it, and its maker as a rule remembers it.

use std::cell::OnceCell;
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
#[derive(Clone, Debug)]
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
    /// What it says of a log: several rules ask for that.
    prefix: OnceCell<Option<Prefix>>,
}

/// What a note says of a log up to an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix {
    /// The entry's index.
    pub(super) index: u64,
    /// The entry's term.
    pub(super) term: u64,
    /// The digest of all that is in the log up to it.
    pub(super) digest: Option<u64>,
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

impl<'a> Noted<'a> {
    /// A note that `node` made in its life `incarnation`.
    pub fn new(node: &'a Arc<str>, incarnation: u64, time: u64, name: &'a str, fields: &'a dyn Fields) -> Self {
        Noted { node, incarnation, time, name, fields, prefix: OnceCell::new() }
    }

    /// `{index,term,digest}`, if it has an index and a term.
    pub(super) fn prefix(&self) -> Option<Prefix> {
        *self.prefix.get_or_init(|| {
            Some(Prefix { index: self.number("index")?, term: self.number("term")?, digest: self.digest("digest") })
        })
    }

    /// A field that holds a whole number.
    pub(super) fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field)?.as_u64()
    }

    /// A field that holds a text.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// A field that holds a digest: sixteen hexadecimal digits at most.
    fn digest(&self, field: &str) -> Option<u64> {
        let digits = self.text(field).filter(|digits| (1..=16).contains(&digits.len()))?;
        digits.bytes().try_fold(0, |number, digit| Some(number << 4 | u64::from(hexadecimal(digit)?)))
    }

    /// Who made it.
    pub(super) fn maker(&self) -> Maker {
        Maker { node: self.node.clone(), incarnation: self.incarnation, time: self.time }
    }
}

/// The value of a digit, if it is one.
fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
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
