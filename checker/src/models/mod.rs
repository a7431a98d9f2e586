//! The models that come with Schism, one file each, and [`ModelSpec`], which names one of them with its parameters.

mod append_list;
mod asserting;
mod collection;
mod counter;
pub(crate) mod each;
mod erased;
mod kv;
mod log;
mod multi_register;
mod mutex;
mod parameters;
mod register;
mod semaphore;
mod set;
mod whole;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::model::{Discipline, LockKind};
pub use append_list::{AppendList, AppendListInput};
pub use asserting::{AssertingInput, AssertingRegister, asserting};
pub use collection::{Collection, CollectionInput, Elements};
pub use counter::{Counter, CounterInput};
pub use kv::{Kv, KvInput, KvText};
pub use log::{Log, LogInput};
pub use multi_register::{MultiRegister, Name as RegisterName, Step, Transaction};
pub use mutex::{Lock, Mutex, MutexInput};
use parameters::Parameters;
pub use register::{Pair, Register, RegisterInput};
pub use semaphore::{Semaphore, SemaphoreInput};
pub use set::{Set, SetInput};
pub use whole::{Objects, Whole};

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
        ModelInfo { name: "semaphore", about: "Permits that processes hold: acquire and release." },
        ModelInfo { name: "set", about: "Elements: add, remove, contains, and read of all of them." },
        ModelInfo { name: "grow-only-set", about: "Elements that are never removed: add, and read of all of them." },
        ModelInfo { name: "counter", about: "A number: add, increment, decrement and read." },
        ModelInfo { name: "fifo-queue", about: "First in, first out: enqueue, and dequeue (null where it is empty)." },
        ModelInfo { name: "bag", about: "A queue without an order: enqueue, and dequeue (null where it is empty)." },
        ModelInfo { name: "stack", about: "Last in, first out: push, and pop (null where it is empty)." },
        ModelInfo { name: "priority-queue", about: "Whole numbers, the smallest first: insert and delete-min." },
        ModelInfo { name: "append-list", about: "A list: append at its end, and read of all of it." },
        ModelInfo {
            name: "log",
            about: "A list whose append answers the offset; read at an offset, poll from there on.",
        },
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
    /// `semaphore`.
    Semaphore(Semaphore),
    /// `set` and `grow-only-set`.
    Set(Set),
    /// `counter`.
    Counter(Counter),
    /// `fifo-queue`, `bag`, `stack` and `priority-queue`.
    Collection(Collection),
    /// `append-list`.
    AppendList(AppendList),
    /// `log`.
    Log(Log),
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
    /// The model of this name with these parameters.
    ///
    /// Registers and `kv` take `init=<JSON>`, the value at the beginning (null, for `kv` `""`), and `nil=any` (a read of
    /// null matches every value; otherwise it reads null) or `nil=null`. A `counter` takes `init=<whole number>` (0), a
    /// `mutex` `kind=owner`, `kind=reentrant` or `kind=fenced`, a `semaphore` `permits=<number>` (1), a `priority-queue`
    /// `first=smallest` or `first=largest`. The others take none.
    pub fn parse(name: &str, parameters: &BTreeMap<String, String>) -> Result<ModelSpec, ModelError> {
        let Some(&ModelInfo { name: model, .. }) = list().iter().find(|model| model.name == name) else {
            return Err(ModelError::UnknownModel { name: name.to_owned() });
        };
        let given = Parameters::of(model, parameters)?;
        let collection = |discipline| ModelSpec::Collection(Collection { discipline });
        Ok(match model {
            "mutex" => ModelSpec::Mutex(Mutex { kind: given.kind()? }),
            "semaphore" => ModelSpec::Semaphore(Semaphore { permits: given.permits()? }),
            "set" | "grow-only-set" => ModelSpec::Set(Set { removals: model == "set" }),
            "counter" => ModelSpec::Counter(Counter { initial: given.initial_number()? }),
            "fifo-queue" => collection(Discipline::First),
            "bag" => collection(Discipline::Any),
            "stack" => collection(Discipline::Last),
            "priority-queue" => collection(given.first()?),
            "append-list" => ModelSpec::AppendList(AppendList),
            "log" => ModelSpec::Log(Log),
            "multi-register" => {
                ModelSpec::MultiRegister(MultiRegister { initial: given.initial()?, null_is_any: given.null_is_any()? })
            }
            "kv" => ModelSpec::Kv(Kv { initial: given.initial_text()?.into(), null_is_any: given.null_is_any()? }),
            _ => ModelSpec::Register(Register {
                initial: given.initial()?,
                null_is_any: given.null_is_any()?,
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
            ModelSpec::Semaphore(_) => "semaphore",
            ModelSpec::Set(Set { removals: true }) => "set",
            ModelSpec::Set(Set { removals: false }) => "grow-only-set",
            ModelSpec::Counter(_) => "counter",
            ModelSpec::Collection(Collection { discipline }) => match discipline {
                Discipline::First => "fifo-queue",
                Discipline::Last => "stack",
                Discipline::Any => "bag",
                Discipline::Smallest | Discipline::Largest => "priority-queue",
            },
            ModelSpec::AppendList(_) => "append-list",
            ModelSpec::Log(_) => "log",
        }
    }

    /// Those parameters that differ from the default, in the order of the alphabet.
    fn parameters(&self) -> Vec<String> {
        let initial = |differs: bool, value: &dyn fmt::Display| differs.then(|| format!("init={value}"));
        let nil = |null_is_any: bool| null_is_any.then(|| "nil=any".to_owned());
        let (first, second) = match self {
            ModelSpec::Register(Register { initial: value, null_is_any, .. })
            | ModelSpec::MultiRegister(MultiRegister { initial: value, null_is_any }) => {
                (initial(!value.is_null(), value), nil(*null_is_any))
            }
            ModelSpec::Kv(Kv { initial: text, null_is_any }) => {
                (initial(!text.as_str().is_empty(), &Value::from(text.as_str())), nil(*null_is_any))
            }
            ModelSpec::Mutex(Mutex { kind }) => match kind {
                LockKind::Owner => (None, None),
                LockKind::Reentrant => (Some("kind=reentrant".to_owned()), None),
                LockKind::Fenced => (Some("kind=fenced".to_owned()), None),
            },
            ModelSpec::Semaphore(Semaphore { permits }) => {
                ((*permits != 1).then(|| format!("permits={permits}")), None)
            }
            ModelSpec::Counter(Counter { initial: number }) => (initial(*number != 0, number), None),
            ModelSpec::Collection(Collection { discipline: Discipline::Largest }) => {
                (Some("first=largest".to_owned()), None)
            }
            ModelSpec::Collection(_) | ModelSpec::Set(_) | ModelSpec::AppendList(_) | ModelSpec::Log(_) => (None, None),
        };
        first.into_iter().chain(second).collect()
    }
}

/// `cas-register:init=0,nil=any`: the form in which it is asked for; what equals the default is left out.
impl fmt::Display for ModelSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = self.parameters();
        let colon = if parameters.is_empty() { "" } else { ":" };
        write!(f, "{}{colon}{}", self.name(), parameters.join(","))
    }
}

/// About how many bytes a value holds, its heap included.
pub(crate) fn value_bytes(value: &Value) -> usize {
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
        let also = [
            ("mutex", "kind", "reentrant"),
            ("mutex", "kind", "fenced"),
            ("semaphore", "permits", "3"),
            ("counter", "init", "-2"),
            ("priority-queue", "first", "largest"),
        ];
        for (name, parameter, value) in also {
            let told = parse(name, &[(parameter, value)]).unwrap().to_string();
            assert_eq!(told, format!("{name}:{parameter}={value}"));
        }
        assert_eq!(told, ["cas-register:init=0,nil=any", r#"multi-register:init={"x":0,"y":0}"#, "kv"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |name, parameters: &[_]| parse(name, parameters).unwrap_err().to_string();
        assert_eq!(said("regster", &[]), format!("there is no model \"regster\"; choose one of {}", names()));
        assert_eq!(
            said("register", &[("initial", "0")]),
            "model register has no parameter \"initial\"; it takes init=JSON and nil=any or null"
        );
        assert_eq!(
            said("mutex", &[("init", "0")]),
            "model mutex has no parameter \"init\"; it takes kind=owner, reentrant or fenced"
        );
        assert_eq!(said("log", &[("init", "0")]), "model log has no parameter \"init\"; it takes none");
        assert!(said("semaphore", &[("permits", "0")]).contains("at least 1"));
        assert!(said("counter", &[("init", "1.5")]).contains("whole number"));
        assert!(said("mutex", &[("kind", "red")]).contains("it is owner, reentrant or fenced"));
        assert!(said("register", &[("init", "x")]).contains("a string needs quotes"));
        assert!(said("kv", &[("init", "3")]).contains("it is a JSON string"));
        assert!(said("register", &[("nil", "maybe")]).contains("it is any"));
    }
}
