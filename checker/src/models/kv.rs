//! A map from keys to strings with get, put and append. Keys are independent of each other, so a state is one string.

use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Access, Model};

/// A string that a key holds at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvText(Value);

impl KvText {
    /// The string.
    pub fn as_str(&self) -> &str {
        self.0.as_str().unwrap_or_default()
    }
}

impl Default for KvText {
    fn default() -> KvText {
        KvText::from("")
    }
}

impl<T: Into<String>> From<T> for KvText {
    fn from(text: T) -> KvText {
        KvText(Value::String(text.into()))
    }
}

/// A map of strings; an absent key holds the initial string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kv {
    /// The string of a key that was never written; `""` unless declared otherwise.
    pub initial: KvText,
    /// A get of null matches every string.
    pub null_is_any: bool,
}

/// An operation on one key, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KvInput {
    /// It returned this; what is no string is no right answer either.
    Get(SharedValue),
    /// It returned nothing that could be checked.
    GetAny,
    /// The string is replaced by this one.
    Put(SharedValue),
    /// The string grows.
    Append(String),
}

impl Model for Kv {
    type State = String;
    type Input = KvInput;

    fn name(&self) -> &'static str {
        "kv"
    }

    fn initial(&self) -> String {
        self.initial.as_str().to_owned()
    }

    fn input(&self, operation: &Operation) -> Result<KvInput, String> {
        let text = || match &*operation.input {
            Value::String(text) => Ok(text),
            other => Err(format!("the value of {} is a string, not {other}", operation.f)),
        };
        match (&*operation.f, operation.ending) {
            ("get", Ending::Ok) => match operation.output.clone().unwrap_or_default() {
                answer if answer.is_null() && self.null_is_any => Ok(KvInput::GetAny),
                answer => Ok(KvInput::Get(answer)),
            },
            ("get", _) => Ok(KvInput::GetAny),
            ("put", _) => text().map(|_| KvInput::Put(operation.input.clone())),
            ("append", _) => text().cloned().map(KvInput::Append),
            (other, _) => Err(format!("it knows get, put and append, not {other}")),
        }
    }

    fn step(&self, state: &String, input: &KvInput) -> Result<String, String> {
        match input {
            KvInput::GetAny => Ok(state.clone()),
            KvInput::Get(answer) if answer.as_str() == Some(state) => Ok(state.clone()),
            KvInput::Get(answer) => Err(format!("cannot get {answer} where {state:?} is stored")),
            KvInput::Put(text) => Ok(text.as_str().unwrap_or_default().to_owned()),
            KvInput::Append(text) => Ok(format!("{state}{text}")),
        }
    }

    fn is_pure(&self, input: &KvInput) -> bool {
        matches!(input, KvInput::Get(_) | KvInput::GetAny)
    }

    fn can_refuse(&self, input: &KvInput) -> bool {
        matches!(input, KvInput::Get(_))
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    /// Where nothing is appended to a key, it is a register.
    fn access<'a>(&self, input: &'a KvInput) -> Option<Access<&'a Value>> {
        match input {
            KvInput::Get(answer) => Some(Access::Read(answer)),
            KvInput::GetAny => Some(Access::ReadAny),
            KvInput::Put(text) => Some(Access::Write(text)),
            KvInput::Append(_) => None,
        }
    }

    fn register_initial(&self) -> Option<&Value> {
        Some(&self.initial.0)
    }

    fn describe(&self, input: &KvInput, ending: Ending) -> String {
        match (input, ending) {
            (KvInput::Get(answer), _) => format!("got {answer}"),
            (KvInput::GetAny, Ending::Ok) => "got null".to_owned(),
            (KvInput::GetAny, _) => "tried to get (unknown)".to_owned(),
            (KvInput::Put(text), Ending::Ok) => format!("put {text}"),
            (KvInput::Put(text), _) => format!("tried to put {text} (unknown)"),
            (KvInput::Append(text), Ending::Ok) => format!("appended {text:?}"),
            (KvInput::Append(text), _) => format!("tried to append {text:?} (unknown)"),
        }
    }

    fn state_bytes(&self, state: &String) -> usize {
        size_of::<String>() + state.len()
    }
}
