//! Named timers on the node's own clock. Each name runs at most once.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::Time;

/// Timers that run, by name and by deadline.
#[derive(Debug)]
pub struct Timers<T> {
    by_name: BTreeMap<T, Time>,
    /// The same, so that the next one to expire is found at once: protocols have timers for each transaction.
    by_deadline: BTreeSet<(Time, T)>,
}

impl<T: Ord + Clone> Default for Timers<T> {
    fn default() -> Self {
        Timers::new()
    }
}

impl<T: Ord + Clone> Timers<T> {
    /// None runs.
    pub fn new() -> Self {
        Timers { by_name: BTreeMap::new(), by_deadline: BTreeSet::new() }
    }

    /// Starts a timer, or starts it again.
    pub fn set(&mut self, timer: T, deadline: Time) {
        let before = self.by_name.insert(timer.clone(), deadline);
        if let Some(before) = before.filter(|before| *before != deadline) {
            self.by_deadline.remove(&(before, timer.clone()));
        }
        self.by_deadline.insert((deadline, timer));
    }

    /// Stops a timer, if it runs.
    pub fn cancel(&mut self, timer: &T) {
        if let Some((timer, deadline)) = self.by_name.remove_entry(timer) {
            self.by_deadline.remove(&(deadline, timer));
        }
    }

    /// When the next one expires.
    pub fn next_deadline(&self) -> Option<Time> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Takes the one that expired first, if any has by `now`.
    pub fn pop_due(&mut self, now: Time) -> Option<T> {
        if self.next_deadline()? > now {
            return None;
        }
        let (_, timer) = self.by_deadline.pop_first()?;
        self.by_name.remove(&timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_expire_in_order_once_and_not_before() {
        let mut timers = Timers::new();
        timers.set("late", Time(30));
        timers.set("early", Time(10));
        assert_eq!(timers.next_deadline(), Some(Time(10)));
        assert_eq!(timers.pop_due(Time(9)), None);
        assert_eq!(timers.pop_due(Time(30)), Some("early"));
        assert_eq!(timers.pop_due(Time(30)), Some("late"));
        assert_eq!((timers.pop_due(Time(99)), timers.next_deadline()), (None, None));
    }

    #[test]
    fn a_timer_set_again_has_only_its_new_deadline() {
        let mut timers = Timers::new();
        timers.set("election", Time(10));
        timers.set("election", Time(20));
        assert_eq!(timers.pop_due(Time(10)), None);
        assert_eq!(timers.pop_due(Time(20)), Some("election"));
        assert_eq!(timers.pop_due(Time(20)), None);
    }

    #[test]
    fn a_cancelled_timer_does_not_expire() {
        let mut timers = Timers::new();
        timers.set("a", Time(10));
        timers.cancel(&"a");
        timers.cancel(&"never set");
        assert_eq!((timers.pop_due(Time(99)), timers.next_deadline()), (None, None));
    }
}
