//! Keeps a check within its budget: sums up what its workers hold, asks the budget, and tells all of them to stop.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::budget::{Budget, Exhausted};

/// How many units of work a worker does between two questions to the budget. A unit is at most a few microseconds, so
/// that all workers stop well within 100 ms.
pub(crate) const UNITS_BETWEEN_QUESTIONS: u32 = 512;

/// Shared by the workers of one check.
pub(crate) struct Meter<'a> {
    budget: &'a dyn Budget,
    held_bytes: AtomicUsize,
    exhausted: OnceLock<Exhausted>,
    /// The smallest part that was found invalid; what lies behind it need not be known any more.
    smallest_invalid: AtomicUsize,
}

/// Why a worker has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The budget ended.
    Exhausted,
    /// A smaller part is invalid, so that this one does not matter.
    Needless,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a dyn Budget) -> Meter<'a> {
        Meter {
            budget,
            held_bytes: AtomicUsize::new(0),
            exhausted: OnceLock::new(),
            smallest_invalid: AtomicUsize::new(usize::MAX),
        }
    }

    /// Why the budget ended, if it did.
    pub(crate) fn exhausted(&self) -> Option<Exhausted> {
        self.exhausted.get().copied()
    }

    /// Part number `part` is invalid.
    pub(crate) fn found_invalid(&self, part: usize) {
        self.smallest_invalid.fetch_min(part, Ordering::Relaxed);
    }

    /// The share of a worker on part number `part`.
    pub(crate) fn share(&self, part: usize) -> Share<'_> {
        Share { meter: self, part, standing_bytes: 0, published_bytes: 0, units: 0 }
    }

    fn stop(&self, part: usize) -> Option<Stop> {
        if self.exhausted.get().is_none()
            && let Some(why) = self.budget.exhausted(self.held_bytes.load(Ordering::Relaxed))
        {
            // Another worker may have been told first, perhaps for another reason; its reason stands.
            let _ = self.exhausted.set(why);
        }
        if self.exhausted.get().is_some() {
            Some(Stop::Exhausted)
        } else if self.smallest_invalid.load(Ordering::Relaxed) < part {
            Some(Stop::Needless)
        } else {
            None
        }
    }
}

/// Something that a worker holds for a while.
#[must_use]
pub(crate) struct Held {
    bytes: usize,
}

/// What one worker holds. Dropping it gives its bytes back.
pub(crate) struct Share<'m> {
    meter: &'m Meter<'m>,
    part: usize,
    standing_bytes: usize,
    published_bytes: usize,
    units: u32,
}

impl Share<'_> {
    /// Counts a unit of work; every now and then publishes what `bytes` says that this worker holds, and asks the budget.
    pub(crate) fn work(&mut self, bytes: impl FnOnce() -> usize) -> Result<(), Stop> {
        self.units += 1;
        if self.units < UNITS_BETWEEN_QUESTIONS { Ok(()) } else { self.ask(bytes()) }
    }

    /// Publishes that this worker holds `bytes` now, and asks the budget at once.
    pub(crate) fn ask(&mut self, bytes: usize) -> Result<(), Stop> {
        self.units = 0;
        self.publish(bytes);
        self.meter.stop(self.part).map_or(Ok(()), Err)
    }

    /// From now on this worker holds `bytes` more, besides what it says each time. Returns how to take that back.
    pub(crate) fn hold(&mut self, bytes: usize) -> Held {
        self.standing_bytes += bytes;
        self.meter.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        Held { bytes }
    }

    /// What [`hold`](Share::hold) told is not held any more.
    pub(crate) fn release(&mut self, Held { bytes }: Held) {
        self.standing_bytes -= bytes;
        self.meter.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn publish(&mut self, bytes: usize) {
        self.meter.held_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.meter.held_bytes.fetch_sub(self.published_bytes, Ordering::Relaxed);
        self.published_bytes = bytes;
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.publish(0);
        self.meter.held_bytes.fetch_sub(self.standing_bytes, Ordering::Relaxed);
    }
}
