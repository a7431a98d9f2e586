//! Values that are there once however often they occur: a history has a million operations, and few different values.

use std::borrow::Borrow;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A JSON value of an operation, in eight bytes. It is read like a [`Value`], and made by `.into()` from one or from what
/// one can be made of.
///
/// ```
/// use schism_checker::history::SharedValue;
///
/// let value: SharedValue = 5.into();
/// assert_eq!(value.as_i64(), Some(5));
/// assert_eq!(value, serde_json::json!(5));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SharedValue(Arc<Value>);

impl SharedValue {
    /// A value of its own, for who wants to change it.
    pub fn to_value(&self) -> Value {
        Value::clone(self)
    }
}

impl Default for SharedValue {
    /// Null.
    fn default() -> SharedValue {
        Value::Null.into()
    }
}

impl Deref for SharedValue {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl DerefMut for SharedValue {
    /// What is changed becomes a value of its own; the others that shared it stay as they are.
    fn deref_mut(&mut self) -> &mut Value {
        Arc::make_mut(&mut self.0)
    }
}

impl Borrow<Value> for SharedValue {
    fn borrow(&self) -> &Value {
        self
    }
}

impl<V: Into<Value>> From<V> for SharedValue {
    fn from(value: V) -> SharedValue {
        SharedValue(Arc::new(value.into()))
    }
}

impl PartialEq<Value> for SharedValue {
    fn eq(&self, other: &Value) -> bool {
        **self == *other
    }
}

impl PartialEq<SharedValue> for Value {
    fn eq(&self, other: &SharedValue) -> bool {
        *self == **other
    }
}

impl fmt::Debug for SharedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for SharedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// The different values of a history.
#[derive(Debug, Default)]
pub(super) struct Values(FxHashSet<SharedValue>);

impl Values {
    /// The one copy of `value`.
    pub(super) fn get(&mut self, value: &Value) -> SharedValue {
        if let Some(known) = self.0.get(value) {
            return known.clone();
        }
        // A clone has no more room than it needs, unlike what was read piece by piece.
        let new = SharedValue(Arc::new(value.clone()));
        self.0.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_changed_is_no_longer_shared() {
        let one: SharedValue = json!([1, 2]).into();
        let mut other = one.clone();
        other[0] = json!(3);
        assert_eq!((one, other.to_value()), (json!([1, 2]).into(), json!([3, 2])));
    }

    #[test]
    fn equal_values_are_there_once() {
        let mut values = Values::default();
        let [one, other, different] = [json!([1, 2]), json!([1, 2]), json!([2, 1])].map(|value| values.get(&value));
        assert!(Arc::ptr_eq(&one.0, &other.0) && !Arc::ptr_eq(&one.0, &different.0));
        assert_eq!((one, different), (json!([1, 2]).into(), json!([2, 1]).into()));
    }
}
