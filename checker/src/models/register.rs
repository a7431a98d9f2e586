//! A register: it holds one value, which is read, written, and in `cas-register` also compared and set.

use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Access, Model};

/// A register with or without compare-and-set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The value at the beginning.
    pub initial: Value,
    /// A read of null matches every value, as in Knossos; otherwise it reads null.
    pub null_is_any: bool,
    /// Whether it knows `cas`.
    pub compare_and_set: bool,
}

impl Register {
    /// A register that is read and written, and holds null at the beginning.
    pub fn new() -> Register {
        Register { initial: Value::Null, null_is_any: false, compare_and_set: false }
    }

    /// The same with compare-and-set.
    pub fn with_cas() -> Register {
        Register { compare_and_set: true, ..Register::new() }
    }

    /// A register with compare-and-set that holds this value at the beginning.
    pub fn starting_at(initial: impl Into<Value>) -> Register {
        Register { initial: initial.into(), ..Register::with_cas() }
    }
}

impl Default for Register {
    fn default() -> Register {
        Register::new()
    }
}

/// An operation on a register, with its answer, in sixteen bytes: a history has millions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterInput {
    /// It returned this value.
    Read(SharedValue),
    /// It returned nothing that could be checked.
    ReadAny,
    /// It replaced the value, whatever that was.
    Write(SharedValue),
    /// It found the first value, and replaced it by the second.
    Cas(Pair),
}

/// `[from, to]`, as a history has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pair(SharedValue);

impl Pair {
    /// None where it is no list of two.
    fn of(values: &SharedValue) -> Option<Pair> {
        values.as_array().is_some_and(|values| values.len() == 2).then(|| Pair(values.clone()))
    }
}

impl RegisterInput {
    /// What it does with the value.
    pub fn access(&self) -> Access<&Value> {
        match self {
            RegisterInput::Read(value) => Access::Read(value),
            RegisterInput::ReadAny => Access::ReadAny,
            RegisterInput::Write(value) => Access::Write(value),
            RegisterInput::Cas(Pair(values)) => Access::Cas { from: &values[0], to: &values[1] },
        }
    }
}

impl Model for Register {
    type State = Value;
    type Input = RegisterInput;

    fn name(&self) -> &str {
        if self.compare_and_set { "cas-register" } else { "register" }
    }

    fn initial(&self) -> Value {
        self.initial.clone()
    }

    fn input(&self, operation: &Operation) -> Result<RegisterInput, String> {
        match (&*operation.f, operation.ending) {
            ("read", Ending::Ok) => match operation.output.clone().unwrap_or_default() {
                answer if answer.is_null() && self.null_is_any => Ok(RegisterInput::ReadAny),
                answer => Ok(RegisterInput::Read(answer)),
            },
            ("read", _) => Ok(RegisterInput::ReadAny),
            ("write", _) => Ok(RegisterInput::Write(operation.input.clone())),
            ("cas", Ending::Ok) if self.compare_and_set && operation.answer() == &Value::Bool(false) => {
                Err("it ended ok with false: a compare-and-set that was refused has to end fail".to_owned())
            }
            ("cas", _) if self.compare_and_set => match Pair::of(&operation.input) {
                Some(pair) => Ok(RegisterInput::Cas(pair)),
                None => Err(format!("the value of cas is [from, to], not {}", operation.input)),
            },
            ("cas", _) => Err("register knows read and write; for cas choose the model cas-register".to_owned()),
            (other, _) if self.compare_and_set => Err(format!("it knows read, write and cas, not {other}")),
            (other, _) => Err(format!("it knows read and write, not {other}")),
        }
    }

    fn step(&self, state: &Value, input: &RegisterInput) -> Result<Value, String> {
        match input.access() {
            Access::ReadAny => Ok(state.clone()),
            Access::Read(answer) if answer == state => Ok(state.clone()),
            Access::Read(answer) => Err(format!("cannot read {answer} from register {state}")),
            Access::Write(value) => Ok(value.clone()),
            Access::Cas { from, to } if from == state => Ok(to.clone()),
            Access::Cas { from, to } => {
                Err(format!("cannot set {to} where {from} is expected: the register is {state}"))
            }
        }
    }

    fn is_pure(&self, input: &RegisterInput) -> bool {
        match input.access() {
            Access::Read(_) | Access::ReadAny => true,
            Access::Write(_) => false,
            Access::Cas { from, to } => from == to,
        }
    }

    fn can_refuse(&self, input: &RegisterInput) -> bool {
        matches!(input, RegisterInput::Read(_) | RegisterInput::Cas(_))
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn access<'a>(&self, input: &'a RegisterInput) -> Option<Access<&'a Value>> {
        Some(input.access())
    }

    fn register_initial(&self) -> Option<&Value> {
        Some(&self.initial)
    }

    fn describe(&self, input: &RegisterInput, ending: Ending) -> String {
        match (input.access(), ending) {
            (Access::Read(answer), _) => format!("read {answer}"),
            (Access::ReadAny, Ending::Ok) => "read null".to_owned(),
            (Access::ReadAny, _) => "tried to read (unknown)".to_owned(),
            (Access::Write(value), Ending::Ok) => format!("wrote {value}"),
            (Access::Write(value), _) => format!("tried to write {value} (unknown)"),
            (Access::Cas { from, to }, Ending::Ok) => format!("changed {from} to {to}"),
            (Access::Cas { from, to }, _) => format!("tried to change {from} to {to} (unknown)"),
        }
    }

    fn state_bytes(&self, state: &Value) -> usize {
        super::value_bytes(state)
    }
}
