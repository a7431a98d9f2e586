//! A number of permits, which processes take and give back.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::Model;

/// A semaphore. `acquire` takes as many permits as its value says, one where it is null; `release` gives some back that its
/// process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Semaphore {
    /// How many permits there are; 1 unless declared otherwise.
    pub permits: u64,
}

/// An operation on a semaphore. The process is part of it, since permits have holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SemaphoreInput {
    /// This process takes so many.
    Acquire(u64, u64),
    /// This process gives so many back.
    Release(u64, u64),
}

impl Model for Semaphore {
    /// How many permits each process holds; those that hold none are left out.
    type State = BTreeMap<u64, u64>;
    type Input = SemaphoreInput;

    fn name(&self) -> &'static str {
        "semaphore"
    }

    fn initial(&self) -> BTreeMap<u64, u64> {
        BTreeMap::new()
    }

    fn input(&self, operation: &Operation) -> Result<SemaphoreInput, String> {
        let count = match &*operation.input {
            Value::Null => 1,
            value => value
                .as_u64()
                .filter(|&count| count > 0)
                .ok_or_else(|| format!("{} takes a number of permits, not {value}", operation.f))?,
        };
        match &*operation.f {
            "acquire" => Ok(SemaphoreInput::Acquire(operation.process, count)),
            "release" => Ok(SemaphoreInput::Release(operation.process, count)),
            other => Err(format!("it knows acquire and release, not {other}")),
        }
    }

    fn step(&self, state: &BTreeMap<u64, u64>, input: &SemaphoreInput) -> Result<BTreeMap<u64, u64>, String> {
        let mut after = state.clone();
        match *input {
            SemaphoreInput::Acquire(process, count) => {
                // All that is held was taken from the permits, so this is no less than 0.
                let free = self.permits - state.values().sum::<u64>();
                if count > free {
                    return Err(format!(
                        "process {process} cannot acquire {count}: {free} of {} are free",
                        self.permits
                    ));
                }
                *after.entry(process).or_default() += count;
            }
            SemaphoreInput::Release(process, count) => {
                let held = state.get(&process).copied().unwrap_or(0);
                match held.checked_sub(count) {
                    None => return Err(format!("process {process} cannot release {count}: it holds {held}")),
                    Some(0) => {
                        after.remove(&process);
                    }
                    Some(rest) => {
                        after.insert(process, rest);
                    }
                }
            }
        }
        Ok(after)
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn describe(&self, input: &SemaphoreInput, ending: Ending) -> String {
        let permits = |count| if count == 1 { "a permit".to_owned() } else { format!("{count} permits") };
        match (*input, ending) {
            (SemaphoreInput::Acquire(_, count), Ending::Ok) => format!("acquired {}", permits(count)),
            (SemaphoreInput::Acquire(_, count), _) => format!("tried to acquire {} (unknown)", permits(count)),
            (SemaphoreInput::Release(_, count), Ending::Ok) => format!("released {}", permits(count)),
            (SemaphoreInput::Release(_, count), _) => format!("tried to release {} (unknown)", permits(count)),
        }
    }

    fn state_bytes(&self, state: &BTreeMap<u64, u64>) -> usize {
        size_of_val(state) + 32 * state.len()
    }
}
