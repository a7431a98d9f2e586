//! A note of a quorum protocol in typed form: the fields that rules ask for. Others are passed over.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::tag::Tag;

/// A text that stands in the line that was read, unless an escape in it forbids that.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Fields by their names. A derived reader takes a list of values in the order of the declaration as well, which no note is.
#[derive(Clone, Debug, Default)]
pub(super) struct Object<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Object)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// What a note says. Which fields a note has, its name tells.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) op: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) key: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) f: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) phase: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) cause: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) outcome: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) hint: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) home: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub(super) replies: Option<Vec<Object<ReplyFields<'a>>>>,
    pub(super) tag: Option<Tag>,
    pub(super) old: Option<Tag>,
    pub(super) digest: Option<Digest>,
    pub(super) count: Option<u64>,
    pub(super) durable: Option<bool>,
}

/// One reply among those that a coordinator counted.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ReplyFields<'a> {
    #[serde(borrow)]
    pub(super) replica: Text<'a>,
    pub(super) incarnation: u32,
    #[serde(default)]
    pub(super) tag: Option<Tag>,
    #[serde(default, borrow, rename = "for")]
    pub(super) stands_for: Option<Text<'a>>,
}

/// The digest of a value: sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(pub(super) u64);

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Digest).map_err(serde::de::Error::custom)
    }
}

impl<'a> Fields<'a> {
    /// The fields of a note that is in memory; nothing where one of them is not as it has to be.
    pub(super) fn of(fields: impl Iterator<Item = (&'a str, &'a Value)>) -> Option<Self> {
        Fields::deserialize(MapDeserializer::<_, serde_json::Error>::new(fields)).ok()
    }
}

/// A line of a file of notes.
#[cfg(feature = "formats")]
#[derive(Debug, Deserialize)]
pub(super) struct NoteLine<'a> {
    #[serde(borrow)]
    pub(super) node: Text<'a>,
    #[serde(default)]
    pub(super) incarnation: u64,
    #[serde(default)]
    pub(super) seq: u64,
    pub(super) time: u64,
    #[serde(borrow, rename = "note")]
    pub(super) name: Text<'a>,
    #[serde(default, borrow)]
    pub(super) fields: Object<Fields<'a>>,
}
