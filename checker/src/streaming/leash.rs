//! A budget for what happens with one event: the caller's, and so many steps.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::{Budget, Exhausted};
use crate::meter::UNITS_BETWEEN_QUESTIONS;
use crate::streaming::Tired;

/// See the module's head. It is counted, not timed, so that what is given up depends on the history alone.
pub(super) struct Leash<'b> {
    budget: &'b dyn Budget,
    /// What is held apart from what is asked about.
    other_bytes: usize,
    questions_left: AtomicU64,
}

impl<'b> Leash<'b> {
    pub(super) fn new(budget: &'b dyn Budget, effort: u64, other_bytes: usize) -> Leash<'b> {
        let questions_left = AtomicU64::new(effort / u64::from(UNITS_BETWEEN_QUESTIONS));
        Leash { budget, other_bytes, questions_left }
    }

    /// Why it ended, which `exhausted` tells.
    pub(super) fn tired(&self, exhausted: Option<Exhausted>) -> Tired {
        match exhausted {
            Some(exhausted) if self.questions_left.load(Ordering::Relaxed) > 0 => Tired::Budget(exhausted),
            _ => Tired::Effort,
        }
    }
}

impl Budget for Leash<'_> {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        let left = self.questions_left.load(Ordering::Relaxed);
        self.questions_left.store(left.saturating_sub(1), Ordering::Relaxed);
        if left <= 1 { Some(Exhausted::Time) } else { self.budget.exhausted(self.other_bytes + bytes) }
    }
}
