//! A lock that one process holds at a time, and that only its holder gives back.

use crate::history::{Ending, Operation};
use crate::model::Model;

/// A lock with an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mutex;

/// An operation on a lock. The process is part of it, since the lock knows its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MutexInput {
    /// This process takes it.
    Acquire(u64),
    /// This process gives it back.
    Release(u64),
}

impl Model for Mutex {
    /// The process that holds it.
    type State = Option<u64>;
    type Input = MutexInput;

    fn name(&self) -> &'static str {
        "mutex"
    }

    fn initial(&self) -> Option<u64> {
        None
    }

    fn input(&self, operation: &Operation) -> Result<MutexInput, String> {
        match &*operation.f {
            "acquire" => Ok(MutexInput::Acquire(operation.process)),
            "release" => Ok(MutexInput::Release(operation.process)),
            other => Err(format!("it knows acquire and release, not {other}")),
        }
    }

    fn step(&self, state: &Option<u64>, input: &MutexInput) -> Result<Option<u64>, String> {
        match (*input, *state) {
            (MutexInput::Acquire(process), None) => Ok(Some(process)),
            (MutexInput::Acquire(process), Some(owner)) => {
                Err(format!("process {process} cannot acquire the lock: process {owner} holds it"))
            }
            (MutexInput::Release(process), Some(owner)) if process == owner => Ok(None),
            (MutexInput::Release(process), Some(owner)) => {
                Err(format!("process {process} cannot release the lock: process {owner} holds it"))
            }
            (MutexInput::Release(process), None) => {
                Err(format!("process {process} cannot release the lock: nobody holds it"))
            }
        }
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn describe(&self, input: &MutexInput, ending: Ending) -> String {
        let words = match (input, ending) {
            (MutexInput::Acquire(_), Ending::Ok) => "acquired the lock",
            (MutexInput::Acquire(_), _) => "tried to acquire the lock (unknown)",
            (MutexInput::Release(_), Ending::Ok) => "released the lock",
            (MutexInput::Release(_), _) => "tried to release the lock (unknown)",
        };
        words.to_owned()
    }
}
