//! The tag of a version as it stands in notes: `[4,"n2",1,17]`.

use std::fmt;

use serde_json::Value;

/// Counter, node, incarnation, sequence, compared in that order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(u64, u64, u64, u64);

impl Tag {
    /// A tag, or nothing where there is none, or none that can be read.
    pub(super) fn read(value: Option<&Value>) -> Option<Self> {
        let [counter, node, incarnation, sequence] = value?.as_array()?.as_slice() else { return None };
        let node = node.as_str()?.strip_prefix('n')?.parse().ok()?;
        Some(Tag(counter.as_u64()?, node, incarnation.as_u64()?, sequence.as_u64()?))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.n{}.{}.{}", self.0, self.1, self.2, self.3)
    }
}
