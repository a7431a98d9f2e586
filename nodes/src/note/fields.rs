//! What a note says. Nodes make notes all the time, so that a note costs one allocation, whatever the number of its fields.

use std::borrow::Cow;
use std::ops::Index;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// How many fields there is room for at once: notes have few.
const USUAL: usize = 5;

/// Values by name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Cow<'static, str>, Value)>);

impl Fields {
    /// Gives a field a value, in place of the one that it may have. Cheapest in the order of the names.
    pub(super) fn set(&mut self, name: Cow<'static, str>, value: Value) {
        if self.0.capacity() == 0 {
            self.0 = Vec::with_capacity(USUAL);
        }
        if self.0.last().is_none_or(|(last, _)| *last < name) {
            return self.0.push((name, value));
        }
        match self.0.binary_search_by(|(other, _)| other.cmp(&name)) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    /// The value of a field, if the note has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

impl Index<&str> for Fields {
    type Output = Value;

    /// The value of a field that is known to be there.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or_else(|| panic!("the note has no field {name:?}"))
    }
}

impl From<Fields> for Map<String, Value> {
    fn from(fields: Fields) -> Self {
        fields.0.into_iter().map(|(name, value)| (name.into_owned(), value)).collect()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        Ok(Fields(fields.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_a_map_in_the_order_of_their_names() {
        let mut fields = Fields::default();
        for (name, value) in [("term", 3), ("index", 8), ("first", 7), ("index", 9)] {
            fields.set(Cow::Borrowed(name), value.into());
        }
        let text = serde_json::to_string(&fields).unwrap();
        assert_eq!(text, r#"{"first":7,"index":9,"term":3}"#);
        assert_eq!(serde_json::from_str::<Fields>(r#"{"term":3,"first":7,"index":9}"#).unwrap(), fields);
        assert_eq!((fields.get("index"), fields.get("inde")), (Some(&json!(9)), None));
    }
}
