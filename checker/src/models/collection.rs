//! Collections that give back what was put in: a FIFO queue, a stack, a bag, and a priority queue.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;
use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Action, CollectionAction, Discipline, Model, Strand};

/// A collection, empty at the beginning.
///
/// `enqueue` (`push` on a stack, `insert` into a priority queue) puts its value in, which is not null; `dequeue` (`pop`,
/// `delete-min`, `delete-max`) answers the element that it took out, or null where there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Which element is taken first.
    pub discipline: Discipline,
}

/// What is in a collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Elements {
    /// In the order in which they were put in; of bags and priority queues in the order of their values.
    inside: Vec<Value>,
    /// How many crashed operations may still take one each out of a bag. Which one shows only by what is missing later; and
    /// as a crashed operation may happen at any later time, that is when it happens.
    takers: usize,
}

/// An operation on a collection, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CollectionInput {
    /// This is put in.
    Insert(SharedValue),
    /// This was taken out.
    Take(SharedValue),
    /// There was nothing to take.
    TakeNothing,
    /// Perhaps something was taken, nobody knows what.
    TakeUnknown,
}

impl Collection {
    fn knows(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self.discipline {
            Discipline::First | Discipline::Any => (&["enqueue"], &["dequeue"]),
            Discipline::Last => (&["push"], &["pop"]),
            Discipline::Smallest => (&["insert", "enqueue"], &["delete-min", "dequeue"]),
            Discipline::Largest => (&["insert", "enqueue"], &["delete-max", "dequeue"]),
        }
    }

    fn is_ordered_by_value(self) -> bool {
        !matches!(self.discipline, Discipline::First | Discipline::Last)
    }

    /// Where the next element to be taken stands; of a bag any will do.
    fn next(self, elements: &Elements) -> Option<usize> {
        match self.discipline {
            Discipline::First | Discipline::Smallest | Discipline::Any => (!elements.inside.is_empty()).then_some(0),
            Discipline::Last | Discipline::Largest => elements.inside.len().checked_sub(1),
        }
    }

    fn element(self, value: &SharedValue) -> Result<SharedValue, String> {
        match self.discipline {
            Discipline::Smallest | Discipline::Largest if !value.is_i64() => {
                Err(format!("an element of a priority queue is a whole number of 64 bits, not {value}"))
            }
            _ if value.is_null() => Err("an element is not null, since null says that there is none".to_owned()),
            _ => Ok(value.clone()),
        }
    }
}

impl Model for Collection {
    type State = Elements;
    type Input = CollectionInput;

    fn name(&self) -> &'static str {
        match self.discipline {
            Discipline::First => "fifo-queue",
            Discipline::Last => "stack",
            Discipline::Any => "bag",
            Discipline::Smallest | Discipline::Largest => "priority-queue",
        }
    }

    fn initial(&self) -> Elements {
        Elements::default()
    }

    fn input(&self, operation: &Operation) -> Result<CollectionInput, String> {
        let (inserts, takes) = self.knows();
        let f = &*operation.f;
        if inserts.contains(&f) {
            return self.element(&operation.input).map(CollectionInput::Insert);
        }
        if !takes.contains(&f) {
            return Err(format!("it knows {} and {}, not {f}", inserts.join(" or "), takes.join(" or ")));
        }
        Ok(match (operation.ending, &operation.output) {
            (Ending::Ok, Some(answer)) if !answer.is_null() => CollectionInput::Take(answer.clone()),
            (Ending::Ok, _) => CollectionInput::TakeNothing,
            _ => CollectionInput::TakeUnknown,
        })
    }

    fn step(&self, state: &Elements, input: &CollectionInput) -> Result<Elements, String> {
        let mut after = state.clone();
        let inside = &mut after.inside;
        match input {
            CollectionInput::Insert(value) => {
                let place = if self.is_ordered_by_value() {
                    inside.partition_point(|other| compare(other, value) == Ordering::Less)
                } else {
                    inside.len()
                };
                inside.insert(place, value.to_value());
            }
            CollectionInput::Take(value) if self.discipline == Discipline::Any => {
                let place = inside.iter().position(|other| other == value);
                inside.remove(place.ok_or_else(|| format!("cannot take {value} from a bag that has none"))?);
            }
            CollectionInput::Take(value) => match self.next(state) {
                Some(next) if inside[next] == *value => {
                    inside.remove(next);
                }
                Some(next) => return Err(format!("cannot take {value}: {} comes first", inside[next])),
                None => return Err(format!("cannot take {value}: there is nothing")),
            },
            CollectionInput::TakeNothing if inside.len() > state.takers => {
                let named: Vec<String> = inside.iter().take(3).map(ToString::to_string).collect();
                let more = if inside.len() > 3 { ", …" } else { "" };
                return Err(format!("cannot be empty: there is {}{more}", named.join(", ")));
            }
            CollectionInput::TakeNothing => {
                after.takers -= inside.len();
                inside.clear();
            }
            CollectionInput::TakeUnknown if self.discipline == Discipline::Any => after.takers += 1,
            CollectionInput::TakeUnknown => {
                if let Some(next) = self.next(state) {
                    inside.remove(next);
                }
            }
        }
        Ok(after)
    }

    fn is_pure(&self, input: &CollectionInput) -> bool {
        // That a bag is empty can say what crashed operations took.
        *input == CollectionInput::TakeNothing && self.discipline != Discipline::Any
    }

    fn can_refuse(&self, input: &CollectionInput) -> bool {
        matches!(input, CollectionInput::Take(_) | CollectionInput::TakeNothing)
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    /// Without one of its values, each discipline hands out the others in the same order.
    fn strand(&self, input: &CollectionInput) -> Strand {
        match input {
            CollectionInput::Insert(value) | CollectionInput::Take(value) => Strand::Of(FxBuildHasher.hash_one(value)),
            CollectionInput::TakeNothing | CollectionInput::TakeUnknown => Strand::None,
        }
    }

    fn action<'a>(&self, input: &'a CollectionInput) -> Option<Action<'a>> {
        let action = match input {
            CollectionInput::Insert(value) => CollectionAction::Insert(value),
            CollectionInput::Take(value) => CollectionAction::Take(value),
            CollectionInput::TakeNothing => CollectionAction::TakeNothing,
            CollectionInput::TakeUnknown => CollectionAction::TakeUnknown,
        };
        Some(Action::Collection(self.discipline, action))
    }

    fn describe(&self, input: &CollectionInput, ending: Ending) -> String {
        let ([insert, take], [inserted, taken]) = self.discipline.verbs();
        match (input, ending) {
            (CollectionInput::Insert(value), Ending::Ok) => format!("{inserted} {value}"),
            (CollectionInput::Insert(value), _) => format!("tried to {insert} {value} (unknown)"),
            (CollectionInput::Take(value), _) => format!("{taken} {value}"),
            (CollectionInput::TakeNothing, _) => "found it empty".to_owned(),
            (CollectionInput::TakeUnknown, _) => format!("tried to {take} (unknown)"),
        }
    }

    fn state_bytes(&self, state: &Elements) -> usize {
        size_of::<Elements>() + state.inside.iter().map(super::value_bytes).sum::<usize>()
    }
}

impl Discipline {
    /// How putting in and taking out are called, and how it is told that they were done.
    fn verbs(self) -> ([&'static str; 2], [&'static str; 2]) {
        match self {
            Discipline::First | Discipline::Any => (["enqueue", "dequeue"], ["enqueued", "dequeued"]),
            Discipline::Last => (["push", "pop"], ["pushed", "popped"]),
            Discipline::Smallest | Discipline::Largest => (["insert", "take out"], ["inserted", "took out"]),
        }
    }
}

/// An order in which equal values, and only these, are equal: numbers by size first, then the rest by its text.
pub(super) fn compare(one: &Value, other: &Value) -> Ordering {
    let text = || one.to_string().cmp(&other.to_string());
    match (one, other) {
        (Value::Number(_), Value::Number(_)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => one.cmp(&other),
            // Whole numbers of 64 bits before all others, so that the order is one.
            (one, other) => other.is_some().cmp(&one.is_some()).then_with(text),
        },
        (Value::String(one), Value::String(other)) => one.cmp(other),
        _ => rank(one).cmp(&rank(other)).then_with(text),
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Number(_) => 0,
        Value::String(_) => 1,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => 2,
    }
}
