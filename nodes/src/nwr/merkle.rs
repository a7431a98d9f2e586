//! A tree of digests over registers (Merkle 1987; Dynamo 2007): two nodes that compare it from the root down find the leaves
//! in which they differ with few messages, and exchange the versions in those alone.
//!
//! It is complete, with sixteen children each and two levels under the root; a register is in the leaf that its key's
//! digest names. An empty subtree has the digest 0.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::version::Version;
use crate::digest::Digest;

/// The level of the leaves; the root's is 0.
const LEAF_LEVEL: u8 = 2;
/// How many children a node of the tree has.
const CHILDREN: u16 = 16;

/// A node of the tree: its level, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place(u8, u16);

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Tree {
    digests: BTreeMap<Place, Digest>,
}

impl Place {
    /// The one that stands for all.
    pub(super) const ROOT: Place = Place(0, 0);

    /// The leaf of a register.
    pub(super) fn of(key: &str) -> Place {
        let leaves = u64::from(CHILDREN).pow(u32::from(LEAF_LEVEL));
        let number = Digest::of(&key).number() % leaves;
        Place(LEAF_LEVEL, u16::try_from(number).expect("there are 256 leaves"))
    }

    pub(super) fn is_leaf(self) -> bool {
        self.0 >= LEAF_LEVEL
    }

    fn parent(self) -> Place {
        Place(self.0 - 1, self.1 / CHILDREN)
    }

    /// Those right below; none of a leaf, and none of what is no place of the tree.
    fn children(self) -> impl Iterator<Item = Place> {
        let first = self.1.checked_mul(CHILDREN).filter(|_| !self.is_leaf());
        first.into_iter().flat_map(move |first| (0..CHILDREN).map(move |child| Place(self.0 + 1, first + child)))
    }
}

impl Tree {
    /// The tree of registers, which come in the order of their keys.
    pub(super) fn of<'a>(registers: impl Iterator<Item = (&'a String, &'a Version)>) -> Self {
        let mut tree = Tree::default();
        for (key, version) in registers {
            tree.add(Place::of(key), &(key, version));
        }
        for level in (0..LEAF_LEVEL).rev() {
            let below: Vec<(Place, u64)> =
                tree.digests.iter().map(|(place, digest)| (*place, digest.number())).collect();
            for (place, digest) in below.into_iter().filter(|(place, _)| place.0 == level + 1) {
                tree.add(place.parent(), &(place, digest));
            }
        }
        tree
    }

    fn add(&mut self, place: Place, what: &impl Serialize) {
        let digest = self.digests.entry(place).or_insert(Digest::EMPTY);
        *digest = digest.then(what);
    }

    /// The digest of what is below a place.
    pub(super) fn digest(&self, place: Place) -> u64 {
        self.digests.get(&place).map_or(0, |digest| digest.number())
    }

    /// Of another node's digests those that differ from one's own.
    pub(super) fn differing(&self, digests: &[(Place, u64)]) -> Vec<Place> {
        digests.iter().filter(|(place, digest)| self.digest(*place) != *digest).map(|(place, _)| *place).collect()
    }

    /// The digests of the children of places.
    pub(super) fn children(&self, places: &[Place]) -> Vec<(Place, u64)> {
        places.iter().flat_map(|place| place.children()).map(|place| (place, self.digest(place))).collect()
    }
}

impl fmt::Display for Place {
    /// `root`, `1/3`, `2/63`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Place::ROOT { f.write_str("root") } else { write!(f, "{}/{}", self.0, self.1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::nwr::Tag;

    fn registers(count: u64, changed: Option<u64>) -> BTreeMap<String, Version> {
        let counter = |number| if changed == Some(number) { 2 } else { 1 };
        (0..count)
            .map(|number| {
                let version = Version::written(Tag(counter(number), NodeId(1), 1, number), number.into());
                (format!("k{number}"), version)
            })
            .collect()
    }

    #[test]
    fn from_the_root_down_one_finds_the_leaf_that_differs() {
        for count in [1, 2, 50, 1000] {
            let (own, other) = (registers(count, None), registers(count, Some(count / 2)));
            let (own, other) = (Tree::of(own.iter()), Tree::of(other.iter()));
            let mut digests = vec![(Place::ROOT, other.digest(Place::ROOT))];
            for _ in 0..LEAF_LEVEL {
                digests = other.children(&own.differing(&digests));
            }
            assert_eq!(own.differing(&digests), [Place::of(&format!("k{}", count / 2))], "of {count}");
        }
    }

    #[test]
    fn equal_registers_have_equal_trees_and_none_the_digest_0() {
        let (own, other) = (registers(100, None), registers(100, None));
        assert_eq!(Tree::of(own.iter()).digests, Tree::of(other.iter()).digests);
        assert_eq!(Tree::default().digest(Place::ROOT), 0);
        assert!(Place(9, u16::MAX).children().next().is_none() && Place(1, u16::MAX).children().next().is_none());
    }
}
