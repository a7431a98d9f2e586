//! A list that grows at its end and is read as a whole.

use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Action, ListAction, Model};

/// A list, empty at the beginning: `append` adds its value at the end, `read` answers the list (null is the empty one).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppendList;

/// An operation on a list, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AppendListInput {
    /// This is added at the end.
    Append(SharedValue),
    /// These are all entries: a list.
    Read(SharedValue),
    /// An answer that is no list.
    Nonsense(SharedValue),
    /// Nothing that could be checked.
    Nothing,
}

impl Model for AppendList {
    type State = Vec<Value>;
    type Input = AppendListInput;

    fn name(&self) -> &'static str {
        "append-list"
    }

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn input(&self, operation: &Operation) -> Result<AppendListInput, String> {
        match (&*operation.f, operation.ending) {
            ("append", _) => Ok(AppendListInput::Append(operation.input.clone())),
            ("read", Ending::Ok) => Ok(match operation.answer() {
                Value::Null => AppendListInput::Read(Vec::<Value>::new().into()),
                Value::Array(_) => AppendListInput::Read(operation.output.clone().unwrap_or_default()),
                other => AppendListInput::Nonsense(other.clone().into()),
            }),
            ("read", _) => Ok(AppendListInput::Nothing),
            (other, _) => Err(format!("it knows append and read, not {other}")),
        }
    }

    fn step(&self, state: &Vec<Value>, input: &AppendListInput) -> Result<Vec<Value>, String> {
        match input {
            AppendListInput::Append(value) => {
                let mut after = state.clone();
                after.push(value.to_value());
                Ok(after)
            }
            AppendListInput::Read(all) if entries(all) == state => Ok(state.clone()),
            AppendListInput::Read(all) => Err(differs(entries(all), state)),
            AppendListInput::Nonsense(answer) => Err(format!("{answer} is no list")),
            AppendListInput::Nothing => Ok(state.clone()),
        }
    }

    fn is_pure(&self, input: &AppendListInput) -> bool {
        !matches!(input, AppendListInput::Append(_))
    }

    fn can_refuse(&self, input: &AppendListInput) -> bool {
        matches!(input, AppendListInput::Read(_) | AppendListInput::Nonsense(_))
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn action<'a>(&self, input: &'a AppendListInput) -> Option<Action<'a>> {
        Some(Action::List(match input {
            AppendListInput::Append(value) => ListAction::Append(value),
            AppendListInput::Read(all) => ListAction::Read(entries(all)),
            AppendListInput::Nonsense(_) => ListAction::Nonsense,
            AppendListInput::Nothing => ListAction::Nothing,
        }))
    }

    fn describe(&self, input: &AppendListInput, ending: Ending) -> String {
        match (input, ending) {
            (AppendListInput::Append(value), Ending::Ok) => format!("appended {value}"),
            (AppendListInput::Append(value), _) => format!("tried to append {value} (unknown)"),
            (AppendListInput::Read(all), _) if entries(all).len() > 10 => {
                let all = entries(all);
                let last: Vec<String> = all[all.len() - 5..].iter().map(ToString::to_string).collect();
                format!("read {} entries, at last {}", all.len(), last.join(", "))
            }
            (AppendListInput::Read(all), _) => format!("read {all}"),
            (AppendListInput::Nonsense(answer), _) => format!("read {answer}"),
            (AppendListInput::Nothing, _) => "tried to read (unknown)".to_owned(),
        }
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Vec<Value>>() + state.iter().map(super::value_bytes).sum::<usize>()
    }
}

/// The entries of an answer.
fn entries(all: &SharedValue) -> &[Value] {
    all.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn differs(read: &[Value], state: &[Value]) -> String {
    match read.iter().zip(state).position(|(read, is)| read != is) {
        Some(place) => format!("cannot read {} at place {place}: {} is there", read[place], state[place]),
        None => format!("cannot read {} entries: there are {}", read.len(), state.len()),
    }
}
