//! Several registers that transactions read and write together. An operation touches several of them, so they cannot be
//! checked one by one.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::hash::BuildHasher;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;
use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::Model;

/// Several registers, each named by a string or a number (`"1"` and `1` are one name).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MultiRegister {
    /// The value at the beginning: an object gives it for each register that it names, anything else for all.
    pub initial: Value,
    /// A read of null matches every value.
    pub null_is_any: bool,
}

/// A transaction: its reads and writes in order. A read sees the writes before it in the same transaction.
pub type Transaction = Vec<Step>;

/// Which register: its own name, and the key of the operation, where that has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    key: Option<Arc<str>>,
    own: Arc<str>,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(out, "{key}/{}", self.own),
            None => out.write_str(&self.own),
        }
    }
}

/// A read or a write within a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// This register held this value.
    Read(Name, Value),
    /// A read without an answer that could be checked.
    ReadAny(Name),
    /// This register is set to this value.
    Write(Name, Value),
}

impl MultiRegister {
    fn initial_of(&self, register: &Name) -> &Value {
        match &self.initial {
            Value::Object(values) => values.get(&*register.own).unwrap_or(&Value::Null),
            value => value,
        }
    }

    fn step_of(&self, operation: &Operation, step: &Value) -> Result<Step, String> {
        let Some([f, register, value]) = step.as_array().map(Vec::as_slice) else {
            return Err(format!("a step of a transaction is [read or write, register, value], not {step}"));
        };
        let own = match register {
            Value::String(name) => name.as_str().into(),
            other => other.to_string().into(),
        };
        let name = Name { key: operation.key.as_ref().map(|key| key.to_string().into()), own };
        match (f.as_str(), value) {
            (Some("write" | "w"), value) => Ok(Step::Write(name, value.clone())),
            (Some("read" | "r"), _) if operation.ending != Ending::Ok => Ok(Step::ReadAny(name)),
            (Some("read" | "r"), Value::Null) if self.null_is_any => Ok(Step::ReadAny(name)),
            (Some("read" | "r"), value) => Ok(Step::Read(name, value.clone())),
            _ => Err(format!("a step of a transaction is a read or a write, not {f}")),
        }
    }
}

impl Model for MultiRegister {
    /// The registers that differ from the initial value.
    type State = BTreeMap<Name, Value>;
    type Input = Transaction;

    fn name(&self) -> &'static str {
        "multi-register"
    }

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn input(&self, operation: &Operation) -> Result<Transaction, String> {
        if !matches!(&*operation.f, "txn" | "read" | "write") {
            return Err(format!("it knows txn, read and write, not {}", operation.f));
        }
        let value = operation.output.as_ref().filter(|_| operation.ending == Ending::Ok).unwrap_or(&operation.input);
        let Some(steps) = value.as_array() else {
            return Err(format!(
                "the value of {} is a list of [read or write, register, value], not {value}",
                operation.f
            ));
        };
        steps.iter().map(|step| self.step_of(operation, step)).collect()
    }

    fn step(&self, state: &Self::State, input: &Transaction) -> Result<Self::State, String> {
        let mut after = state.clone();
        for step in input {
            match step {
                Step::ReadAny(_) => {}
                Step::Read(register, answer) => {
                    let value = after.get(register).unwrap_or_else(|| self.initial_of(register));
                    if value != answer {
                        return Err(format!("cannot read {answer} from register {register}, which is {value}"));
                    }
                }
                Step::Write(register, value) if value == self.initial_of(register) => {
                    after.remove(register);
                }
                Step::Write(register, value) => {
                    after.insert(register.clone(), value.clone());
                }
            }
        }
        Ok(after)
    }

    fn is_pure(&self, input: &Transaction) -> bool {
        input.iter().all(|step| !matches!(step, Step::Write(..)))
    }

    fn can_refuse(&self, input: &Transaction) -> bool {
        input.iter().any(|step| matches!(step, Step::Read(..)))
    }

    fn part(&self, input: &Transaction) -> Option<u64> {
        let mut registers = input.iter().map(|(Step::Read(name, _) | Step::ReadAny(name) | Step::Write(name, _))| name);
        let only = registers.next()?;
        registers.all(|register| register == only).then(|| FxBuildHasher.hash_one(only))
    }

    fn describe(&self, input: &Transaction, ending: Ending) -> String {
        let mut words = String::new();
        for step in input {
            let comma = if words.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = match step {
                Step::Read(register, answer) => write!(words, "{comma}read {register}={answer}"),
                Step::ReadAny(register) => write!(words, "{comma}read {register}"),
                Step::Write(register, value) => write!(words, "{comma}write {register}={value}"),
            };
        }
        if ending == Ending::Ok { format!("did [{words}]") } else { format!("tried [{words}] (unknown)") }
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        state.iter().map(|(name, value)| 96 + name.own.len() + super::value_bytes(value)).sum()
    }
}
