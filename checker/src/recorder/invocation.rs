//! What a client asks for: by the names that our models know, or by any other.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

/// What a client asks for: what is done, to which object, with which value.
///
/// ```
/// use schism_checker::recorder::Invocation;
///
/// let enqueue = Invocation::new("enqueue").key("jobs").value(7);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    pub(super) f: Arc<str>,
    pub(super) key: Option<Value>,
    pub(super) value: Value,
}

impl Invocation {
    /// An operation of this name, on an object that is the only one, without a value.
    pub fn new(f: &str) -> Invocation {
        Invocation { f: f.into(), key: None, value: Value::Null }
    }

    /// The same on this object. `()` stands for the only one.
    #[must_use]
    pub fn key(self, key: impl Serialize) -> Invocation {
        Invocation { key: Some(json(key)).filter(|key| !key.is_null()), ..self }
    }

    /// The same with this value.
    #[must_use]
    pub fn value(self, value: impl Serialize) -> Invocation {
        Invocation { value: json(value), ..self }
    }
}

/// `read` of a register. The key names the register; `()` where there is only one.
#[derive(Clone, Copy, Debug)]
pub struct Read<K>(pub K);

/// `write` of a value to a register: key and value.
#[derive(Clone, Copy, Debug)]
pub struct Write<K, V>(pub K, pub V);

/// `cas` on a register: key, the value that has to be there, and the one that replaces it.
#[derive(Clone, Copy, Debug)]
pub struct Cas<K, V>(pub K, pub V, pub V);

impl<K: Serialize> From<Read<K>> for Invocation {
    fn from(Read(key): Read<K>) -> Invocation {
        Invocation::new("read").key(key)
    }
}

impl<K: Serialize, V: Serialize> From<Write<K, V>> for Invocation {
    fn from(Write(key, value): Write<K, V>) -> Invocation {
        Invocation::new("write").key(key).value(value)
    }
}

impl<K: Serialize, V: Serialize> From<Cas<K, V>> for Invocation {
    fn from(Cas(key, from, to): Cas<K, V>) -> Invocation {
        Invocation::new("cas").key(key).value((from, to))
    }
}

/// As JSON, which is how models see values.
pub(super) fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).expect("keys and values can be written as JSON: their maps have keys that are strings")
}
