//! The budget of a check: a deadline on the clock, a limit of memory, and somebody who may ask it to stop.
//!
//! The checker knows no clock; this is where its caller gives it one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use schism_checker::budget::{Budget, Exhausted};

/// A budget of wall-clock time and of memory that can be cancelled or cut short from another thread.
#[derive(Debug)]
pub struct CheckBudget {
    deadline: Arc<Mutex<Instant>>,
    bytes: usize,
    cancelled: Arc<AtomicBool>,
}

/// Ends a check from outside, or shortens the time that it has left.
#[derive(Clone, Debug)]
pub struct Canceller {
    deadline: Arc<Mutex<Instant>>,
    cancelled: Arc<AtomicBool>,
}

impl CheckBudget {
    /// `time` from now on, and `bytes` by the checker's own count.
    pub fn new(time: Duration, bytes: u64) -> Self {
        // A time beyond what the clock can express is as good as a century.
        let century = Duration::from_hours(100 * 365 * 24);
        let deadline = Instant::now() + time.min(century);
        CheckBudget {
            deadline: Arc::new(Mutex::new(deadline)),
            bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            cancelled: Arc::new(AtomicBool::new(false)),
        }
    }

    /// The other end of it.
    pub fn canceller(&self) -> Canceller {
        Canceller { deadline: Arc::clone(&self.deadline), cancelled: Arc::clone(&self.cancelled) }
    }
}

impl Canceller {
    /// The check stops as soon as it asks next.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// The check stops at most `left` from now on; a deadline that is nearer stays.
    pub fn hurry(&self, left: Duration) {
        let mut deadline = self.deadline.lock().expect("nobody panics while holding a deadline");
        *deadline = (*deadline).min(Instant::now() + left);
    }
}

impl Budget for CheckBudget {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Some(Exhausted::Cancelled);
        }
        if bytes > self.bytes {
            return Some(Exhausted::Memory);
        }
        let deadline = *self.deadline.lock().expect("nobody panics while holding a deadline");
        (Instant::now() >= deadline).then_some(Exhausted::Time)
    }
}

/// A budget that remembers the most that was held.
#[derive(Debug)]
pub struct Measured {
    budget: CheckBudget,
    most_bytes: AtomicUsize,
}

impl Measured {
    /// The same limits as `budget` has.
    pub fn new(budget: CheckBudget) -> Self {
        Measured { budget, most_bytes: AtomicUsize::new(0) }
    }

    /// The other end of it.
    pub fn canceller(&self) -> Canceller {
        self.budget.canceller()
    }

    /// The most bytes that the check told.
    pub fn most_bytes(&self) -> usize {
        self.most_bytes.load(Ordering::Relaxed)
    }
}

impl Budget for Measured {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        self.most_bytes.fetch_max(bytes, Ordering::Relaxed);
        self.budget.exhausted(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn each_limit_is_named() {
        assert_eq!(CheckBudget::new(LONG, 10).exhausted(10), None);
        assert_eq!(CheckBudget::new(LONG, 10).exhausted(11), Some(Exhausted::Memory));
        assert_eq!(CheckBudget::new(Duration::ZERO, 10).exhausted(0), Some(Exhausted::Time));
        assert_eq!(CheckBudget::new(Duration::MAX, u64::MAX).exhausted(usize::MAX), None);
    }

    #[test]
    fn it_can_be_cancelled_and_hurried_from_outside() {
        let budget = CheckBudget::new(LONG, 10);
        let canceller = budget.canceller();
        canceller.hurry(Duration::MAX.min(LONG));
        assert_eq!(budget.exhausted(0), None);
        canceller.hurry(Duration::ZERO);
        assert_eq!(budget.exhausted(0), Some(Exhausted::Time));
        canceller.cancel();
        assert_eq!(budget.exhausted(0), Some(Exhausted::Cancelled));
    }
}
