//! A number that is added to and read.

use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::{Action, CountAction, Model};

/// A counter.
///
/// `add` adds its value; `increment` and `decrement` add and subtract their value, or one where it is null; `read` answers
/// the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// The number at the beginning; 0 unless declared otherwise.
    pub initial: i64,
}

/// An operation on a counter, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CounterInput {
    /// This is added.
    Add(i64),
    /// The number is this one.
    Read(i128),
    /// An answer that is no whole number of 64 bits, with a sign or without.
    Nonsense(Value),
    /// Nothing that could be checked.
    Nothing,
}

impl Model for Counter {
    type State = i128;
    type Input = CounterInput;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn initial(&self) -> i128 {
        self.initial.into()
    }

    fn input(&self, operation: &Operation) -> Result<CounterInput, String> {
        let number = || match &*operation.input {
            Value::Null if &*operation.f != "add" => Ok(1),
            value => {
                value.as_i64().ok_or_else(|| format!("{} takes a whole number of 64 bits, not {value}", operation.f))
            }
        };
        match (&*operation.f, operation.ending) {
            ("read", Ending::Ok) => {
                let answer = operation.answer();
                let number = answer.as_i64().map(i128::from).or_else(|| answer.as_u64().map(i128::from));
                Ok(number.map_or_else(|| CounterInput::Nonsense(answer.clone()), CounterInput::Read))
            }
            ("read", _) => Ok(CounterInput::Nothing),
            ("add" | "increment", _) => number().map(CounterInput::Add),
            ("decrement", _) => {
                let less = number()?.checked_neg().ok_or("decrement takes no number as small as this")?;
                Ok(CounterInput::Add(less))
            }
            (other, _) => Err(format!("it knows add, increment, decrement and read, not {other}")),
        }
    }

    fn step(&self, state: &i128, input: &CounterInput) -> Result<i128, String> {
        match input {
            // 2^63 additions of 64 bits each do not overflow 128.
            CounterInput::Add(amount) => Ok(state + i128::from(*amount)),
            CounterInput::Read(answer) if answer == state => Ok(*state),
            CounterInput::Read(answer) => Err(format!("cannot read {answer} from counter {state}")),
            CounterInput::Nonsense(answer) => Err(format!("cannot read {answer} from a counter")),
            CounterInput::Nothing => Ok(*state),
        }
    }

    fn is_pure(&self, input: &CounterInput) -> bool {
        !matches!(input, CounterInput::Add(amount) if *amount != 0)
    }

    fn can_refuse(&self, input: &CounterInput) -> bool {
        matches!(input, CounterInput::Read(_) | CounterInput::Nonsense(_))
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn action<'a>(&self, input: &'a CounterInput) -> Option<Action<'a>> {
        Some(Action::Count(match input {
            CounterInput::Add(amount) => CountAction::Add(*amount),
            CounterInput::Read(answer) => CountAction::Read(*answer - i128::from(self.initial)),
            CounterInput::Nonsense(_) => CountAction::Nonsense,
            CounterInput::Nothing => CountAction::Nothing,
        }))
    }

    fn describe(&self, input: &CounterInput, ending: Ending) -> String {
        match (input, ending) {
            (CounterInput::Add(amount), Ending::Ok) => format!("added {amount}"),
            (CounterInput::Add(amount), _) => format!("tried to add {amount} (unknown)"),
            (CounterInput::Read(answer), _) => format!("read {answer}"),
            (CounterInput::Nonsense(answer), _) => format!("read {answer}"),
            (CounterInput::Nothing, _) => "tried to read (unknown)".to_owned(),
        }
    }
}
