//! Versions: tags that order all writes of a key, after Lynch and Shvartsman (1997).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Incarnation, NodeId};

/// The version of a value. Tags are compared field by field; no two writes ever take the same one, since a node counts
/// its writes within each of its incarnations. In JSON it is an array: `[4,"n2",1,17]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag(
    /// One more than the highest counter that the write's coordinator has seen.
    pub u64,
    /// The coordinator.
    pub NodeId,
    /// The coordinator's incarnation.
    pub Incarnation,
    /// The coordinator's number for the write.
    pub u64,
);

impl Tag {
    /// As it stands in notes and answers.
    pub(super) fn json(self) -> serde_json::Value {
        serde_json::json!([self.0, self.1, self.2, self.3])
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.0, self.1, self.2, self.3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_ordered_by_counter_then_node_then_life_then_write() {
        let ascending = [
            Tag(1, NodeId(9), 9, 9),
            Tag(2, NodeId(1), 1, 1),
            Tag(2, NodeId(1), 1, 2),
            Tag(2, NodeId(1), 2, 1),
            Tag(2, NodeId(2), 1, 1),
            Tag(10, NodeId(1), 1, 1),
        ];
        assert!(ascending.is_sorted());
        assert!(None < Some(ascending[0]), "what was never written is older than any write");
    }

    #[test]
    fn a_tag_is_an_array_in_json() {
        let tag = Tag(4, NodeId(2), 1, 17);
        assert_eq!(serde_json::to_string(&tag).unwrap(), r#"[4,"n2",1,17]"#);
        assert_eq!(tag.json().to_string(), r#"[4,"n2",1,17]"#);
        assert_eq!(serde_json::from_str::<Tag>(r#"[4,"n2",1,17]"#).unwrap(), tag);
    }
}
