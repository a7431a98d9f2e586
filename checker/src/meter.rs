//! Keeps a check within its budget: sums up what its workers hold, asks the budget, and tells them to stop: all of them where the time
//! is up or somebody cancelled the check, and where memory is short those that hold much of it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::budget::{Budget, Exhausted};

/// How many units of work a worker does between two questions to the budget. A unit is at most a few microseconds, so
/// that all workers stop well within 100 ms.
pub(crate) const UNITS_BETWEEN_QUESTIONS: u32 = 512;

/// To copy so many bytes of a state, and to find whether it was met before, is a unit of work.
const BYTES_OF_A_UNIT: usize = 1 << 9;

/// The work that it is to make a state of so many bytes from another one, besides the step itself.
pub(crate) fn units_of_state(bytes: usize) -> u32 {
    u32::try_from(bytes / BYTES_OF_A_UNIT).unwrap_or(u32::MAX)
}

/// Shared by the workers of one check.
pub(crate) struct Meter<'a> {
    budget: &'a dyn Budget,
    held_bytes: AtomicUsize,
    exhausted: OnceLock<Exhausted>,
    /// Every worker has to stop.
    over: AtomicBool,
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
    /// This worker did what it was allowed in this round.
    Paused,
    /// The memory is used up, and most of it is held by others.
    Crowded,
}

/// What a worker may do on a part that is not the only one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    /// So many units of work.
    pub(crate) units: u64,
    /// Others work at the same time.
    pub(crate) among_others: bool,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(budget: &'a dyn Budget) -> Meter<'a> {
        Meter {
            budget,
            held_bytes: AtomicUsize::new(0),
            exhausted: OnceLock::new(),
            over: AtomicBool::new(false),
            smallest_invalid: AtomicUsize::new(usize::MAX),
        }
    }

    /// Why the budget ended, if it did for any worker: the first reason that was given.
    pub(crate) fn exhausted(&self) -> Option<Exhausted> {
        self.exhausted.get().copied()
    }

    /// Part number `part` is invalid.
    pub(crate) fn found_invalid(&self, part: usize) {
        self.smallest_invalid.fetch_min(part, Ordering::Relaxed);
    }

    /// All workers are to stop, since one of them could not come to its end.
    pub(crate) fn give_up(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// The share of a worker on part number `part`.
    pub(crate) fn share(&self, part: usize) -> Share<'_> {
        Share { meter: self, part, allowance: None, standing_bytes: 0, published_bytes: 0, units: 0 }
    }

    /// The same with an allowance.
    pub(crate) fn share_in_round(&self, part: usize, allowance: Allowance) -> Share<'_> {
        Share { allowance: Some(allowance), ..self.share(part) }
    }

    /// Whether a worker on this part has to stop, which holds so many bytes itself.
    fn stop(&self, part: usize, bytes: usize, among_others: bool) -> Option<Stop> {
        if !self.over.load(Ordering::Relaxed) {
            let held_bytes = self.held_bytes.load(Ordering::Relaxed);
            match self.budget.exhausted(held_bytes) {
                Some(Exhausted::Memory) if among_others && bytes < held_bytes / 2 => return Some(Stop::Crowded),
                Some(why) => {
                    // Another worker may have been told first, perhaps for another reason; its reason stands.
                    let _ = self.exhausted.set(why);
                    self.over.fetch_or(why != Exhausted::Memory, Ordering::Relaxed);
                    return Some(Stop::Exhausted);
                }
                None => {}
            }
        }
        if self.over.load(Ordering::Relaxed) {
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
    allowance: Option<Allowance>,
    standing_bytes: usize,
    published_bytes: usize,
    units: u32,
}

impl Share<'_> {
    /// Counts a unit of work; every now and then publishes what `bytes` says that this worker holds, and asks the budget.
    pub(crate) fn work(&mut self, bytes: impl FnOnce() -> usize) -> Result<(), Stop> {
        self.units = self.units.saturating_add(1);
        if self.units < UNITS_BETWEEN_QUESTIONS { Ok(()) } else { self.ask(bytes()) }
    }

    /// Counts units of work that was just done, for the next [`work`](Share::work).
    pub(crate) fn weigh(&mut self, units: u32) {
        self.units = self.units.saturating_add(units);
    }

    /// Publishes that this worker holds `bytes` now, and asks the budget at once: as often as there was work for, since a
    /// budget may count how often it is asked.
    pub(crate) fn ask(&mut self, bytes: usize) -> Result<(), Stop> {
        let questions = (self.units / UNITS_BETWEEN_QUESTIONS).max(1);
        let done = u64::from(std::mem::take(&mut self.units));
        self.publish(bytes);
        let among_others = self.allowance.is_some_and(|allowance| allowance.among_others);
        let own_bytes = self.standing_bytes + bytes;
        if let Some(stop) = (0..questions).find_map(|_| self.meter.stop(self.part, own_bytes, among_others)) {
            return Err(stop);
        }
        let Some(allowance) = &mut self.allowance else { return Ok(()) };
        allowance.units = allowance.units.saturating_sub(done);
        if allowance.units == 0 { Err(Stop::Paused) } else { Ok(()) }
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
