//! How much work may be spent on a core: by its own count, since the crate knows no clock, and within the caller's budget.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::budget::{Budget, Exhausted};
use crate::meter::UNITS_BETWEEN_QUESTIONS;

/// What any try costs, in steps.
const STEPS_OF_A_TRY: u64 = 64;

/// One try may take this part of all that is granted.
const PARTS: u64 = 16;

/// What is left of the effort.
pub(super) struct Effort<'b> {
    budget: &'b dyn Budget,
    left: u64,
    at_a_time: u64,
}

impl<'b> Effort<'b> {
    pub(super) fn new(steps: u64, budget: &'b dyn Budget) -> Effort<'b> {
        Effort { budget, left: steps, at_a_time: (steps / PARTS).max(STEPS_OF_A_TRY) }
    }

    /// Like [`new`](Effort::new), where the first try may take all that is there.
    pub(super) fn whole(steps: u64, budget: &'b dyn Budget) -> Effort<'b> {
        Effort { budget, left: steps, at_a_time: steps }
    }

    /// The budget of one try on so many operations; none where nothing is left.
    pub(super) fn grant(&mut self, operations: usize) -> Option<Grant<'b>> {
        self.left = self.left.checked_sub(STEPS_OF_A_TRY + operations as u64)?;
        let steps = self.left.min(self.at_a_time.max(8 * operations as u64));
        Some(Grant { budget: self.budget, steps, used: AtomicU64::new(0) })
    }

    /// Takes off what a try has used. Says whether something is left and the caller's budget has not ended.
    pub(super) fn settle(&mut self, grant: &Grant<'_>) -> bool {
        self.left = self.left.saturating_sub(grant.used.load(Ordering::Relaxed));
        self.left > 0 && self.budget.exhausted(0).is_none()
    }
}

/// The budget of one try.
pub(super) struct Grant<'b> {
    budget: &'b dyn Budget,
    steps: u64,
    used: AtomicU64,
}

impl Budget for Grant<'_> {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        let steps = u64::from(UNITS_BETWEEN_QUESTIONS);
        let used = steps + self.used.fetch_add(steps, Ordering::Relaxed);
        self.budget.exhausted(bytes).or((used > self.steps).then_some(Exhausted::Time))
    }
}
