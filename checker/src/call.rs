//! An operation of one object as the checkers see it: with its input understood, and without those that cannot matter.

use crate::history::{Ending, Operation};

/// An operation that takes part in a check.
#[derive(Clone, Debug)]
pub(crate) struct Call<'a, I> {
    /// As it was recorded.
    pub(crate) operation: &'a Operation,
    /// As the model understands it.
    pub(crate) input: I,
    /// It happened, and before the event of this index ended. None for one that crashed, which may happen at any time after
    /// its invocation, or never.
    pub(crate) end: Option<u64>,
}

impl<'a, I> Call<'a, I> {
    pub(crate) fn new(operation: &'a Operation, input: I) -> Call<'a, I> {
        let end = match operation.ending {
            Ending::Ok => operation.completed,
            Ending::Fail | Ending::Info => None,
        };
        Call { operation, input, end }
    }

    /// Whether nobody knows if it happened.
    pub(crate) fn crashed(&self) -> bool {
        self.end.is_none()
    }
}
