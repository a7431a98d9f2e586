//! What a replica keeps of a register: one tagged value, or siblings. Either way two of them have a join, the least that
//! covers both, and everything that stores, repairs or hands over does so by joining: order and repetition change nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::siblings::Siblings;
use super::tag::Tag;
use crate::digest::Digest;

/// See the module's head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Version {
    /// The value of one write.
    Tagged(Tagged),
    /// The values of all writes that no later one has seen.
    Siblings(Siblings),
}

/// A value with its tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tagged {
    /// Which write made it.
    pub tag: Tag,
    /// What was written; null after a deletion.
    pub value: Value,
    /// Whether it is a tombstone: what a deletion leaves, so that older values stay gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl Version {
    /// What a write makes.
    pub(super) fn written(tag: Tag, value: Value) -> Self {
        Version::Tagged(Tagged { tag, value, deleted: false })
    }

    /// What a deletion makes.
    pub(super) fn tombstone(tag: Tag) -> Self {
        Version::Tagged(Tagged { tag, value: Value::Null, deleted: true })
    }

    /// Its tag, where it has one.
    pub(super) fn tag(&self) -> Option<Tag> {
        match self {
            Version::Tagged(tagged) => Some(tagged.tag),
            Version::Siblings(_) => None,
        }
    }

    /// The tag of a deletion.
    pub(super) fn tombstone_tag(&self) -> Option<Tag> {
        match self {
            Version::Tagged(Tagged { tag, deleted: true, .. }) => Some(*tag),
            _ => None,
        }
    }

    /// Whether the other one says nothing that this one does not know: it is the same or an older one.
    pub(super) fn covers(&self, other: &Version) -> bool {
        match (self, other) {
            (Version::Tagged(own), Version::Tagged(other)) => own.tag >= other.tag,
            (Version::Siblings(own), Version::Siblings(other)) => own.covers(other),
            // Nodes of one cluster keep versions of one kind.
            _ => true,
        }
    }

    /// The least version that covers both.
    pub(super) fn join(self, other: Version) -> Version {
        match (self, other) {
            (Version::Siblings(own), Version::Siblings(other)) => Version::Siblings(own.join(&other)),
            (own, other) if own.covers(&other) => own,
            (_, other) => other,
        }
    }

    /// What a read answers.
    pub(super) fn value(&self) -> Value {
        match self {
            Version::Tagged(tagged) => tagged.value.clone(),
            Version::Siblings(siblings) => siblings.value(),
        }
    }

    /// The digest of what a read answers.
    pub(super) fn digest(&self) -> Digest {
        match self {
            Version::Tagged(tagged) => Digest::of(&tagged.value),
            Version::Siblings(siblings) => Digest::of(&siblings.value()),
        }
    }
}

/// Whether what is kept, if anything, covers a version, if there is one.
pub(super) fn covers(kept: Option<&Version>, version: Option<&Version>) -> bool {
    version.is_none_or(|version| kept.is_some_and(|kept| kept.covers(version)))
}

/// The join, where there may be nothing.
pub(super) fn join(one: Option<Version>, other: Option<Version>) -> Option<Version> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.join(other)),
        (one, other) => one.or(other),
    }
}

impl std::fmt::Display for Version {
    /// `5 tag=1.n1.1.1`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Version::Tagged(Tagged { tag, deleted: true, .. }) => write!(f, "deleted tag={tag}"),
            Version::Tagged(Tagged { tag, value, .. }) => write!(f, "{value} tag={tag}"),
            Version::Siblings(siblings) => write!(f, "{siblings}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    #[test]
    fn the_newer_of_two_tags_covers_the_older_and_is_their_join() {
        let old = Version::written(Tag(1, NodeId(1), 1, 1), 5.into());
        let new = Version::tombstone(Tag(2, NodeId(1), 1, 2));
        assert!(new.covers(&old) && new.covers(&new) && !old.covers(&new));
        assert_eq!(old.clone().join(new.clone()), new);
        assert_eq!(new.clone().join(old.clone()), new);
        assert_eq!(join(None, Some(old.clone())), Some(old.clone()));
        assert!(covers(None, None) && covers(Some(&old), None) && !covers(None, Some(&old)));
    }

    #[test]
    fn a_version_is_read_as_it_is_written() {
        for text in [r#"{"tag":[4,"n2",1,17],"value":5}"#, r#"{"tag":[4,"n2",1,17],"value":null,"deleted":true}"#] {
            let version: Version = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&version).unwrap(), text);
        }
    }
}
