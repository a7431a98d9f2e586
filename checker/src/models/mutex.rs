//! A lock that one process holds at a time, and that only its holder gives back.

use serde_json::Value;

use crate::history::{Ending, Operation};
use crate::model::{Action, LockAction, LockKind, Model, Strand};

/// A lock with an owner: `acquire` and `release`. A fenced lock answers `acquire` with a number greater than all before; null
/// says nothing, and there is always room for the number of a crashed `acquire`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mutex {
    /// What it does when its holder takes it again, and whether it gives numbers.
    pub kind: LockKind,
}

/// An operation on a lock. The process is part of it, since the lock knows its owner.
pub type MutexInput = LockAction;

/// How a lock stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lock {
    /// Who holds it.
    holder: Option<u64>,
    /// How often the holder took it, less one.
    again: u32,
    /// The greatest number that it gave.
    last_fence: Option<i64>,
}

impl Model for Mutex {
    type State = Lock;
    type Input = MutexInput;

    fn name(&self) -> &'static str {
        "mutex"
    }

    fn initial(&self) -> Lock {
        Lock::default()
    }

    fn input(&self, operation: &Operation) -> Result<MutexInput, String> {
        let process = operation.process;
        match (&*operation.f, self.kind, operation.ending, &operation.output) {
            ("acquire", LockKind::Fenced, Ending::Ok, Some(answer)) if *answer != Value::Null => {
                match answer.as_i64() {
                    Some(fence) => Ok(LockAction::Acquire { process, fence: Some(fence) }),
                    None => Err(format!("a fence is a whole number of 64 bits, not {answer}")),
                }
            }
            ("acquire", ..) => Ok(LockAction::Acquire { process, fence: None }),
            ("release", ..) => Ok(LockAction::Release { process }),
            (other, ..) => Err(format!("it knows acquire and release, not {other}")),
        }
    }

    fn step(&self, state: &Lock, input: &MutexInput) -> Result<Lock, String> {
        match (*input, state.holder) {
            (LockAction::Acquire { process, fence }, None) => match (fence, state.last_fence) {
                (Some(fence), Some(last)) if fence <= last => {
                    Err(format!("process {process} cannot be given fence {fence}: {last} was given before"))
                }
                _ => Ok(Lock { holder: Some(process), again: 0, last_fence: fence.or(state.last_fence) }),
            },
            (LockAction::Acquire { process, .. }, Some(owner))
                if process == owner && self.kind == LockKind::Reentrant =>
            {
                Ok(Lock { again: state.again + 1, ..*state })
            }
            (LockAction::Acquire { process, .. }, Some(owner)) => {
                Err(format!("process {process} cannot acquire the lock: process {owner} holds it"))
            }
            (LockAction::Release { process }, Some(owner)) if process == owner => {
                Ok(match state.again.checked_sub(1) {
                    Some(again) => Lock { again, ..*state },
                    None => Lock { holder: None, ..*state },
                })
            }
            (LockAction::Release { process }, Some(owner)) => {
                Err(format!("process {process} cannot release the lock: process {owner} holds it"))
            }
            (LockAction::Release { process }, None) => {
                Err(format!("process {process} cannot release the lock: nobody holds it"))
            }
        }
    }

    fn partitions_by_key(&self) -> bool {
        true
    }

    fn strand(&self, input: &MutexInput) -> Strand {
        // While a process holds the lock no other does anything with it, so that what it did from taking to freeing it can be
        // left out together; and fences that grow still grow when some are left out.
        let (LockAction::Acquire { process, .. } | LockAction::Release { process }) = *input;
        Strand::Of(process)
    }

    fn action<'a>(&self, input: &'a MutexInput) -> Option<Action<'a>> {
        Some(Action::Lock(self.kind, *input))
    }

    fn describe(&self, input: &MutexInput, ending: Ending) -> String {
        match (*input, ending) {
            (LockAction::Acquire { fence: Some(fence), .. }, _) => format!("acquired the lock with fence {fence}"),
            (LockAction::Acquire { .. }, Ending::Ok) => "acquired the lock".to_owned(),
            (LockAction::Acquire { .. }, _) => "tried to acquire the lock (unknown)".to_owned(),
            (LockAction::Release { .. }, Ending::Ok) => "released the lock".to_owned(),
            (LockAction::Release { .. }, _) => "tried to release the lock (unknown)".to_owned(),
        }
    }
}
