//! A log: entries are added at its end, and whoever adds one is told its offset.

use serde_json::Value;

use crate::history::{Ending, Operation, SharedValue};
use crate::model::{Action, LogAction, Model};

/// A log, empty at the beginning; the first entry has offset 0.
///
/// `append` (or `send`) adds its value, which is not null, and answers its offset, or `[offset, value]`. `read` takes an
/// offset and answers the entry there, or null where the log ends before it. `poll` takes an offset and answers a list of
/// entries from there on, perhaps not all of them; an empty list where the log ends before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Log;

/// An operation on a log, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogInput {
    /// This is added, at this offset if that is known.
    Append(SharedValue, Option<u64>),
    /// At this offset there is this entry.
    Entry(u64, SharedValue),
    /// From this offset on there are these entries: a list of at least one.
    Entries(u64, SharedValue),
    /// The log ends before this offset.
    End(u64),
    /// An answer that is none.
    Nonsense(Value),
    /// Nothing that could be checked.
    Nothing,
}

impl LogInput {
    /// What was read.
    fn entries(&self) -> &[Value] {
        match self {
            LogInput::Entry(_, value) => std::slice::from_ref(value),
            LogInput::Entries(_, values) => values.as_array().map(Vec::as_slice).unwrap_or_default(),
            LogInput::Append(..) | LogInput::End(_) | LogInput::Nonsense(_) | LogInput::Nothing => &[],
        }
    }
}

impl Model for Log {
    type State = Vec<Value>;
    type Input = LogInput;

    fn name(&self) -> &'static str {
        "log"
    }

    fn initial(&self) -> Vec<Value> {
        Vec::new()
    }

    fn input(&self, operation: &Operation) -> Result<LogInput, String> {
        let f = &*operation.f;
        let from =
            || offset_of(&operation.input).ok_or_else(|| format!("{f} takes an offset, not {}", operation.input));
        let answer = operation.answer();
        let shared = || operation.output.clone().unwrap_or_default();
        let nonsense = || LogInput::Nonsense(answer.clone());
        match (f, operation.ending) {
            ("append" | "send", _) if operation.input.is_null() => {
                Err("an entry is not null, since null says that there is none".to_owned())
            }
            ("append" | "send", Ending::Ok) => Ok(match (offset_of(answer), answer.as_array().map(Vec::as_slice)) {
                (Some(offset), _) => LogInput::Append(operation.input.clone(), Some(offset)),
                (_, Some([offset, value])) if *value == operation.input => match offset_of(offset) {
                    Some(offset) => LogInput::Append(operation.input.clone(), Some(offset)),
                    None => nonsense(),
                },
                _ => nonsense(),
            }),
            ("append" | "send", _) => Ok(LogInput::Append(operation.input.clone(), None)),
            ("read", Ending::Ok) if answer.is_null() => from().map(LogInput::End),
            ("read", Ending::Ok) => Ok(LogInput::Entry(from()?, shared())),
            ("poll", Ending::Ok) => match answer {
                Value::Null => from().map(LogInput::End),
                Value::Array(all) if all.is_empty() => from().map(LogInput::End),
                Value::Array(_) => Ok(LogInput::Entries(from()?, shared())),
                _ => Ok(nonsense()),
            },
            ("read" | "poll", _) => Ok(LogInput::Nothing),
            (other, _) => Err(format!("it knows append, read and poll, not {other}")),
        }
    }

    fn step(&self, state: &Vec<Value>, input: &LogInput) -> Result<Vec<Value>, String> {
        let length = state.len() as u64;
        match input {
            LogInput::Append(value, offset) => match offset {
                Some(offset) if *offset != length => {
                    Err(format!("cannot append {value} at offset {offset}: the next one is {length}"))
                }
                _ => {
                    let mut after = state.clone();
                    after.push(value.to_value());
                    Ok(after)
                }
            },
            LogInput::Entry(from, _) | LogInput::Entries(from, _) => {
                for (offset, value) in (*from..).zip(input.entries()) {
                    match usize::try_from(offset).ok().and_then(|offset| state.get(offset)) {
                        Some(there) if there == value => {}
                        Some(there) => return Err(format!("cannot read {value} at offset {offset}: {there} is there")),
                        None => {
                            return Err(format!("cannot read {value} at offset {offset}: the log ends at {length}"));
                        }
                    }
                }
                Ok(state.clone())
            }
            LogInput::End(from) if *from >= length => Ok(state.clone()),
            LogInput::End(from) => Err(format!("cannot find the end at offset {from}: the log ends at {length}")),
            LogInput::Nonsense(answer) => Err(format!("{answer} is no answer of a log")),
            LogInput::Nothing => Ok(state.clone()),
        }
    }

    fn is_pure(&self, input: &LogInput) -> bool {
        !matches!(input, LogInput::Append(..))
    }

    fn can_refuse(&self, input: &LogInput) -> bool {
        !matches!(input, LogInput::Append(_, None) | LogInput::Nothing)
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn action<'a>(&self, input: &'a LogInput) -> Option<Action<'a>> {
        Some(Action::Log(match input {
            LogInput::Append(value, offset) => LogAction::Append { value, offset: *offset },
            LogInput::Entry(from, _) | LogInput::Entries(from, _) => {
                LogAction::Entries { from: *from, values: input.entries() }
            }
            LogInput::End(from) => LogAction::End { from: *from },
            LogInput::Nonsense(_) => LogAction::Nonsense,
            LogInput::Nothing => LogAction::Nothing,
        }))
    }

    fn describe(&self, input: &LogInput, ending: Ending) -> String {
        match (input, ending) {
            (LogInput::Append(value, Some(offset)), _) => format!("appended {value} at offset {offset}"),
            (LogInput::Append(value, None), Ending::Ok) => format!("appended {value}"),
            (LogInput::Append(value, None), _) => format!("tried to append {value} (unknown)"),
            (LogInput::Entry(from, all) | LogInput::Entries(from, all), _) => match input.entries() {
                [value] => format!("read {value} at offset {from}"),
                values if values.len() > 10 => format!("read {} entries from offset {from} on", values.len()),
                _ => format!("read {all} from offset {from} on"),
            },
            (LogInput::End(from), _) => format!("found nothing from offset {from} on"),
            (LogInput::Nonsense(answer), _) => format!("was answered {answer}"),
            (LogInput::Nothing, _) => "tried to read (unknown)".to_owned(),
        }
    }

    fn state_bytes(&self, state: &Vec<Value>) -> usize {
        size_of::<Vec<Value>>() + state.iter().map(super::value_bytes).sum::<usize>()
    }
}

/// An offset; there is room behind each for as many entries as fit in memory.
fn offset_of(value: &Value) -> Option<u64> {
    value.as_i64().and_then(|offset| u64::try_from(offset).ok())
}
