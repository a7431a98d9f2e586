//! The models that come with Schism, one file each, and [`ModelSpec`], which names one of them with its parameters.

mod asserting;
pub(crate) mod each;
mod kv;
mod multi_register;
mod mutex;
mod register;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

pub use asserting::{AssertingInput, AssertingRegister, asserting};
pub use kv::{Kv, KvInput};
pub use multi_register::{MultiRegister, Step, Transaction};
pub use mutex::{Mutex, MutexInput};
pub use register::{Register, RegisterInput};

/// A model by its name, with a sentence about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelInfo {
    /// As it is written on the command line and in a history's header.
    pub name: &'static str,
    /// What it is and which operations it knows.
    pub about: &'static str,
}

/// Every model that [`ModelSpec::parse`] knows.
pub fn list() -> &'static [ModelInfo] {
    &[
        ModelInfo { name: "register", about: "One value for each key, read and written." },
        ModelInfo { name: "cas-register", about: "A register that also knows cas: [from, to]." },
        ModelInfo { name: "multi-register", about: "Several registers that each txn reads and writes together." },
        ModelInfo { name: "kv", about: "A string for each key: get, put and append." },
        ModelInfo { name: "mutex", about: "A lock with an owner: acquire, and release by the process that holds it." },
    ]
}

/// One of our models with its parameters: `cas-register:init=0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSpec {
    /// `register` and `cas-register`.
    Register(Register),
    /// `multi-register`.
    MultiRegister(MultiRegister),
    /// `kv`.
    Kv(Kv),
    /// `mutex`.
    Mutex(Mutex),
}

/// Why a name with parameters is no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// There is no such model.
    #[error("there is no model {name:?}; choose one of {}", names())]
    UnknownModel {
        /// What was asked for.
        name: String,
    },
    /// The model has no such parameter.
    #[error("model {model} has no parameter {parameter:?}; it takes {takes}")]
    UnknownParameter {
        /// The model's name.
        model: &'static str,
        /// What was given.
        parameter: String,
        /// What it takes.
        takes: &'static str,
    },
    /// A parameter's value is of no use.
    #[error("model {model} cannot take {parameter}={value}: {why}")]
    BadValue {
        /// The model's name.
        model: &'static str,
        /// The parameter's name.
        parameter: &'static str,
        /// The value as it was given.
        value: String,
        /// What is wrong with it and what would be right.
        why: String,
    },
}

fn names() -> String {
    list().iter().map(|model| model.name).collect::<Vec<_>>().join(", ")
}

impl ModelSpec {
    /// The model of this name with these parameters: `init=<JSON>`, the value at the beginning (null, for `kv` `""`), and
    /// `nil=any` (a read of null matches every value; otherwise it reads null) or `nil=null`. A mutex takes none.
    pub fn parse(name: &str, parameters: &BTreeMap<String, String>) -> Result<ModelSpec, ModelError> {
        let Some(&ModelInfo { name: model, .. }) = list().iter().find(|model| model.name == name) else {
            return Err(ModelError::UnknownModel { name: name.to_owned() });
        };
        let takes: &[&str] = if model == "mutex" { &[] } else { &["init", "nil"] };
        if let Some(unknown) = parameters.keys().find(|key| !takes.contains(&key.as_str())) {
            let takes = if takes.is_empty() { "none" } else { "init=JSON and nil=any" };
            return Err(ModelError::UnknownParameter { model, parameter: unknown.clone(), takes });
        }
        let initial = initial(model, parameters)?;
        let null_is_any = null_is_any(model, parameters)?;
        Ok(match model {
            "mutex" => ModelSpec::Mutex(Mutex),
            "multi-register" => {
                ModelSpec::MultiRegister(MultiRegister { initial: initial.unwrap_or(Value::Null), null_is_any })
            }
            "kv" => match initial.unwrap_or_else(|| Value::String(String::new())) {
                Value::String(initial) => ModelSpec::Kv(Kv { initial, null_is_any }),
                other => {
                    let why = "it is a JSON string, such as \"\"".to_owned();
                    return Err(ModelError::BadValue { model, parameter: "init", value: other.to_string(), why });
                }
            },
            _ => ModelSpec::Register(Register {
                initial: initial.unwrap_or(Value::Null),
                null_is_any,
                compare_and_set: model == "cas-register",
            }),
        })
    }

    /// The model's name without parameters.
    pub fn name(&self) -> &'static str {
        match self {
            ModelSpec::Register(register) if register.compare_and_set => "cas-register",
            ModelSpec::Register(_) => "register",
            ModelSpec::MultiRegister(_) => "multi-register",
            ModelSpec::Kv(_) => "kv",
            ModelSpec::Mutex(_) => "mutex",
        }
    }
}

/// `cas-register:init=0,nil=any`: the form in which it is asked for; what equals the default is left out.
impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (initial, null_is_any) = match self {
            ModelSpec::Register(Register { initial, null_is_any, .. })
            | ModelSpec::MultiRegister(MultiRegister { initial, null_is_any }) => {
                ((!initial.is_null()).then(|| initial.clone()), *null_is_any)
            }
            ModelSpec::Kv(Kv { initial, null_is_any }) => {
                ((!initial.is_empty()).then(|| Value::String(initial.clone())), *null_is_any)
            }
            ModelSpec::Mutex(Mutex) => (None, false),
        };
        let parameters: Vec<String> = initial
            .map(|value| format!("init={value}"))
            .into_iter()
            .chain(null_is_any.then(|| "nil=any".to_owned()))
            .collect();
        let colon = if parameters.is_empty() { "" } else { ":" };
        write!(f, "{}{colon}{}", self.name(), parameters.join(","))
    }
}

fn initial(model: &'static str, parameters: &BTreeMap<String, String>) -> Result<Option<Value>, ModelError> {
    let Some(text) = parameters.get("init") else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|error| ModelError::BadValue {
        model,
        parameter: "init",
        value: text.clone(),
        why: format!("it is not JSON ({error}); a string needs quotes"),
    })
}

fn null_is_any(model: &'static str, parameters: &BTreeMap<String, String>) -> Result<bool, ModelError> {
    match parameters.get("nil").map(String::as_str) {
        None | Some("null") => Ok(false),
        Some("any") => Ok(true),
        Some(other) => Err(ModelError::BadValue {
            model,
            parameter: "nil",
            value: other.to_owned(),
            why: "it is any (a read of null matches every value) or null".to_owned(),
        }),
    }
}

/// About how many bytes a value holds, its heap included.
fn value_bytes(value: &Value) -> usize {
    let heap = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(value_bytes).sum(),
        Value::Object(values) => values.iter().map(|(key, value)| 48 + key.len() + value_bytes(value)).sum(),
    };
    size_of::<Value>() + heap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, parameters: &[(&str, &str)]) -> Result<ModelSpec, ModelError> {
        let parameters = parameters.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        ModelSpec::parse(name, &parameters)
    }

    #[test]
    fn every_listed_model_is_there_and_is_written_as_it_was_asked_for() {
        for model in list() {
            assert_eq!(parse(model.name, &[]).unwrap().to_string(), model.name);
        }
        let told = [
            parse("cas-register", &[("init", "0"), ("nil", "any")]).unwrap().to_string(),
            parse("multi-register", &[("init", r#"{"x":0,"y":0}"#)]).unwrap().to_string(),
            parse("kv", &[("init", r#""""#), ("nil", "null")]).unwrap().to_string(),
        ];
        assert_eq!(told, ["cas-register:init=0,nil=any", r#"multi-register:init={"x":0,"y":0}"#, "kv"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |name, parameters: &[_]| parse(name, parameters).unwrap_err().to_string();
        assert_eq!(
            said("regster", &[]),
            "there is no model \"regster\"; choose one of register, cas-register, multi-register, kv, mutex"
        );
        assert_eq!(
            said("register", &[("initial", "0")]),
            "model register has no parameter \"initial\"; it takes init=JSON and nil=any"
        );
        assert_eq!(said("mutex", &[("init", "0")]), "model mutex has no parameter \"init\"; it takes none");
        assert!(said("register", &[("init", "x")]).contains("a string needs quotes"));
        assert!(said("kv", &[("init", "3")]).contains("it is a JSON string"));
        assert!(said("register", &[("nil", "maybe")]).contains("it is any"));
    }
}
