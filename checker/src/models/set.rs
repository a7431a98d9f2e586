//! A set, with or without removals.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;
use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Action, Model, SetAction};
use crate::models::collection::compare;

/// A set, empty at the beginning.
///
/// `add` puts its value in, and `read` answers a list of all elements. With removals there are `remove` and `contains` too:
/// they take an element and answer true or false, or `[element, true]`. `add` and `remove` may answer in this way whether they
/// changed anything; any other answer says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    /// Whether it knows `remove` and `contains`.
    pub removals: bool,
}

/// An operation on a set, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetInput {
    /// This is put in, and was not there before, or was, if that is known.
    Add(SharedValue, Option<bool>),
    /// This is taken out, and was there before, or was not, if that is known.
    Remove(SharedValue, Option<bool>),
    /// This is there, or is not.
    Contains(SharedValue, bool),
    /// These are all elements: a list, sorted, each once.
    Read(SharedValue),
    /// An answer that is none.
    Nonsense(Value),
    /// Nothing that could be checked.
    Nothing,
}

impl Model for Set {
    /// All elements, sorted.
    type State = Vec<Value>;
    type Input = SetInput;

    fn name(&self) -> &'static str {
        if self.removals { "set" } else { "grow-only-set" }
    }

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn input(&self, operation: &Operation) -> Result<SetInput, String> {
        let element = || operation.input.clone();
        match (&*operation.f, operation.ending) {
            ("read", Ending::Ok) => Ok(match operation.answer() {
                Value::Null => SetInput::Read(Vec::<Value>::new().into()),
                Value::Array(all) => SetInput::Read(canonical(operation, all)),
                other => SetInput::Nonsense(other.clone()),
            }),
            ("read", _) => Ok(SetInput::Nothing),
            ("add", _) => Ok(SetInput::Add(element(), truth(operation))),
            ("remove", _) if self.removals => Ok(SetInput::Remove(element(), truth(operation))),
            ("contains", Ending::Ok) if self.removals => Ok(match truth(operation) {
                Some(there) => SetInput::Contains(element(), there),
                None => SetInput::Nonsense(operation.answer().clone()),
            }),
            ("contains", _) if self.removals => Ok(SetInput::Nothing),
            (other, _) if self.removals => Err(format!("it knows add, remove, contains and read, not {other}")),
            (other, _) => Err(format!("it knows add and read, not {other}; for removals choose the model set")),
        }
    }

    fn step(&self, state: &Vec<Value>, input: &SetInput) -> Result<Vec<Value>, String> {
        let place = |element: &Value| state.binary_search_by(|other| compare(other, element));
        let was = |there: bool| if there { "is there" } else { "is not there" };
        match input {
            SetInput::Add(element, new) => {
                let place = place(element);
                if *new == Some(place.is_ok()) {
                    let state = was(place.is_ok());
                    return Err(format!("adding {element} cannot have answered {}: it {state}", place.is_ok()));
                }
                let mut after = state.clone();
                if let Err(place) = place {
                    after.insert(place, element.to_value());
                }
                Ok(after)
            }
            SetInput::Remove(element, removed) => {
                let place = place(element);
                if *removed == Some(place.is_err()) {
                    let state = was(place.is_ok());
                    return Err(format!("removing {element} cannot have answered {}: it {state}", place.is_err()));
                }
                let mut after = state.clone();
                if let Ok(place) = place {
                    after.remove(place);
                }
                Ok(after)
            }
            SetInput::Contains(element, there) if place(element).is_ok() == *there => Ok(state.clone()),
            SetInput::Contains(element, there) => {
                Err(format!("cannot find that {element} {}: it {}", was(*there), was(!there)))
            }
            SetInput::Read(all) if elements(all) == state => Ok(state.clone()),
            SetInput::Read(all) => Err(differs(elements(all), state)),
            SetInput::Nonsense(answer) => Err(format!("{answer} is no answer of a set")),
            SetInput::Nothing => Ok(state.clone()),
        }
    }

    fn is_pure(&self, input: &SetInput) -> bool {
        match input {
            SetInput::Add(_, new) => *new == Some(false),
            SetInput::Remove(_, removed) => *removed == Some(false),
            SetInput::Contains(..) | SetInput::Read(_) | SetInput::Nonsense(_) | SetInput::Nothing => true,
        }
    }

    fn can_refuse(&self, input: &SetInput) -> bool {
        !matches!(input, SetInput::Nothing | SetInput::Add(_, None) | SetInput::Remove(_, None))
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn part(&self, input: &SetInput) -> Option<u64> {
        match input {
            SetInput::Add(element, _) | SetInput::Remove(element, _) | SetInput::Contains(element, _) => {
                Some(FxBuildHasher.hash_one(element))
            }
            SetInput::Read(_) | SetInput::Nonsense(_) | SetInput::Nothing => None,
        }
    }

    fn action<'a>(&self, input: &'a SetInput) -> Option<Action<'a>> {
        Some(Action::Set(match input {
            SetInput::Add(element, None) => SetAction::Add(element),
            SetInput::Add(element, Some(_)) | SetInput::Remove(element, _) | SetInput::Contains(element, _) => {
                SetAction::Element(element)
            }
            SetInput::Read(all) => SetAction::Snapshot(elements(all)),
            SetInput::Nonsense(_) => SetAction::Nonsense,
            SetInput::Nothing => SetAction::Nothing,
        }))
    }

    fn describe(&self, input: &SetInput, ending: Ending) -> String {
        let known = ending == Ending::Ok;
        match input {
            SetInput::Add(element, Some(false)) => format!("added {element}, which was there"),
            SetInput::Add(element, Some(true)) => format!("added {element}, which was new"),
            SetInput::Add(element, None) if known => format!("added {element}"),
            SetInput::Add(element, None) => format!("tried to add {element} (unknown)"),
            SetInput::Remove(element, Some(false)) => format!("removed {element}, which was not there"),
            SetInput::Remove(element, Some(true)) => format!("removed {element}, which was there"),
            SetInput::Remove(element, None) if known => format!("removed {element}"),
            SetInput::Remove(element, None) => format!("tried to remove {element} (unknown)"),
            SetInput::Contains(element, true) => format!("found {element}"),
            SetInput::Contains(element, false) => format!("did not find {element}"),
            SetInput::Read(all) => format!("read {}", list(elements(all))),
            SetInput::Nonsense(answer) => format!("was answered {answer}"),
            SetInput::Nothing => "tried to look (unknown)".to_owned(),
        }
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Vec<Value>>() + state.iter().map(super::value_bytes).sum::<usize>()
    }
}

/// The elements of an answer, sorted, each once. What stands so already is shared: answers may be long.
fn canonical(operation: &Operation, all: &[Value]) -> SharedValue {
    let before = |pair: &[Value]| compare(&pair[0], &pair[1]).is_lt();
    if let Some(answer) = operation.output.as_ref().filter(|_| all.windows(2).all(before)) {
        return answer.clone();
    }
    let mut all = all.to_vec();
    all.sort_by(compare);
    all.dedup();
    all.into()
}

/// Those of a list.
fn elements(all: &SharedValue) -> &[Value] {
    all.as_array().map_or(&[], Vec::as_slice)
}

/// What an `ok` answered, where it is true, false, or the element with one of these.
fn truth(operation: &Operation) -> Option<bool> {
    match operation.output.as_deref().filter(|_| operation.ending == Ending::Ok)? {
        // An element that is a truth itself is given back by a plain `add`.
        Value::Bool(answer) if operation.f.as_ref() == "contains" || !operation.input.is_boolean() => Some(*answer),
        Value::Array(pair) => match pair.as_slice() {
            [element, Value::Bool(answer)] if *element == operation.input => Some(*answer),
            _ => None,
        },
        _ => None,
    }
}

/// Elements in words, not too many of them.
fn list(all: &[Value]) -> String {
    const SHOWN: usize = 10;
    let named: Vec<String> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if all.len() > SHOWN { format!(" and {} more", all.len() - SHOWN) } else { String::new() };
    format!("{{{}}}{more}", named.join(", "))
}

fn differs(read: &[Value], state: &[Value]) -> String {
    let without = |these: &[Value], those: &[Value]| {
        these.iter().find(|it| those.binary_search_by(|other| compare(other, it)).is_err()).cloned()
    };
    match without(read, state) {
        Some(element) => format!("cannot read a set with {element}: it is not there"),
        None => match without(state, read) {
            Some(element) => format!("cannot read a set without {element}: it is there"),
            None => format!("cannot read {}: the set is {}", list(read), list(state)),
        },
    }
}
