//! Siblings: the values of all writes of a key that no later write has seen, told apart by version vectors (Parker et al.
//! 1983; Dynamo 2007), each value with the dot of its write (Preguiça et al. 2012). A write replaces what its coordinator
//! has seen and nothing else, so that of two concurrent ones neither is lost.
//!
//! A set is kept in the same way, each element a sibling: an addition adds one, a removal takes away those that it has seen
//! (Bieniusa et al. 2012), so that an element that is added while another is removed stays.
//!
//! A vector covers all writes of a coordinator's life up to a number. A write whose predecessors are not known to be covered
//! is kept apart until they are: otherwise a write that arrives late would be taken for one that was replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{Incarnation, NodeId};

/// A write's name within its key: its coordinator, that one's life, and its number there, from 1 without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dot(pub NodeId, pub Incarnation, pub u64);

/// See the module's head.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Siblings {
    /// All writes that are known, also those whose values were replaced.
    seen: Seen,
    /// The values that are not.
    #[serde(with = "pairs")]
    values: BTreeMap<Dot, Value>,
}

/// A set of dots.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    /// Of each life of a coordinator all up to this number.
    #[serde(with = "pairs")]
    vector: BTreeMap<(NodeId, Incarnation), u64>,
    /// Those with a gap before them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    apart: BTreeSet<Dot>,
}

impl Siblings {
    /// Sets the key to one value in place of all that are here.
    pub(super) fn write(mut self, dot: Dot, value: Value) -> Self {
        self.values.clear();
        self.put(dot, value);
        self
    }

    /// Takes away all that is here.
    pub(super) fn delete(mut self) -> Self {
        self.values.clear();
        self
    }

    /// Adds an element.
    pub(super) fn add(mut self, dot: Dot, element: Value) -> Self {
        self = self.remove(&element);
        self.put(dot, element);
        self
    }

    /// Takes an element away.
    pub(super) fn remove(mut self, element: &Value) -> Self {
        self.values.retain(|_, value| value != element);
        self
    }

    fn put(&mut self, dot: Dot, value: Value) {
        self.seen.insert(dot);
        self.values.insert(dot, value);
    }

    /// What is in both, and what the other one has not seen.
    pub(super) fn join(mut self, other: &Siblings) -> Self {
        self.values.retain(|dot, _| other.values.contains_key(dot) || !other.seen.contains(*dot));
        for (dot, value) in &other.values {
            if !self.seen.contains(*dot) {
                self.values.insert(*dot, value.clone());
            }
        }
        self.seen.join(&other.seen);
        self
    }

    /// Whether the other one knows nothing that this one does not.
    pub(super) fn covers(&self, other: &Siblings) -> bool {
        self.clone().join(other) == *self
    }

    /// All values, each once, in the order of their texts.
    pub(super) fn value(&self) -> Value {
        let values: BTreeMap<String, &Value> = self.values.values().map(|value| (value.to_string(), value)).collect();
        values.into_values().cloned().collect()
    }

    /// The dots of the values.
    pub(super) fn dots(&self) -> impl Iterator<Item = &Dot> {
        self.values.keys()
    }
}

impl Seen {
    fn contains(&self, dot: Dot) -> bool {
        self.vector.get(&(dot.0, dot.1)).is_some_and(|last| dot.2 <= *last) || self.apart.contains(&dot)
    }

    fn insert(&mut self, dot: Dot) {
        if !self.contains(dot) {
            self.apart.insert(dot);
            self.close_gaps();
        }
    }

    fn join(&mut self, other: &Seen) {
        for (life, last) in &other.vector {
            let own = self.vector.entry(*life).or_default();
            *own = (*own).max(*last);
        }
        self.apart.extend(&other.apart);
        self.close_gaps();
    }

    /// Dots are in the order of their numbers within each life, so that one pass closes every gap that can be closed.
    fn close_gaps(&mut self) {
        let vector = &mut self.vector;
        self.apart.retain(|Dot(node, incarnation, number)| {
            let last = vector.get(&(*node, *incarnation)).copied().unwrap_or(0);
            if *number == last + 1 {
                vector.insert((*node, *incarnation), *number);
            }
            *number > last + 1
        });
    }
}

impl fmt::Display for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl fmt::Display for Siblings {
    /// `5@n1.1.2 7@n2.1.1`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(|(dot, value)| format!("{value}@{dot}")).collect();
        if values.is_empty() { f.write_str("no siblings") } else { f.write_str(&values.join(" ")) }
    }
}

/// Maps whose keys are no texts, as lists of pairs.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(node: u16, number: u64) -> Dot {
        Dot(NodeId(node), 1, number)
    }

    fn written(node: u16, number: u64, value: u64) -> Siblings {
        Siblings::default().write(dot(node, number), value.into())
    }

    #[test]
    fn concurrent_writes_are_siblings_and_a_later_write_replaces_both() {
        let both = written(1, 1, 5).join(&written(2, 1, 7));
        assert_eq!(both.value().to_string(), "[5,7]");
        let later = both.clone().write(dot(1, 2), 9.into());
        assert!(later.covers(&both) && !both.covers(&later));
        assert_eq!(later.join(&both).value().to_string(), "[9]");
    }

    #[test]
    fn a_write_that_arrives_after_a_later_one_of_its_coordinator_is_not_taken_for_a_replaced_one() {
        let (first, second) = (written(1, 1, 5), written(1, 2, 7));
        assert_eq!(second.clone().join(&first).value().to_string(), "[5,7]");
        assert_eq!(second.join(&first), first.clone().join(&written(1, 2, 7)));
    }

    #[test]
    fn an_element_that_is_added_while_another_is_removed_stays() {
        let base = Siblings::default().add(dot(1, 1), "a".into());
        let added = base.clone().add(dot(2, 1), "b".into());
        let removed = base.remove(&"a".into());
        assert_eq!(added.clone().join(&removed).value().to_string(), r#"["b"]"#);
        assert_eq!(removed.join(&added).value().to_string(), r#"["b"]"#);
    }

    #[test]
    fn siblings_are_read_as_they_are_written() {
        let both = written(1, 1, 5).join(&written(2, 3, 7));
        let text = serde_json::to_string(&both).unwrap();
        assert_eq!(
            text,
            r#"{"seen":{"vector":[[["n1",1],1]],"apart":[["n2",1,3]]},"values":[[["n1",1,1],5],[["n2",1,3],7]]}"#
        );
        assert_eq!(serde_json::from_str::<Siblings>(&text).unwrap(), both);
        assert_eq!(both.to_string(), "5@n1.1.1 7@n2.1.3");
    }
}
