//! What is going to happen, in the order of virtual time; what is due at the same time, in the order in which it was
//! entered.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A moment of virtual time, in nanoseconds since the world began.
pub(crate) type Moment = u64;

/// See the module's head. The heap moves small keys; what happens lies still beside it.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    slots: Vec<Option<T>>,
    free: Vec<usize>,
    entered: u64,
}

impl<T> Agenda<T> {
    /// Nothing is going to happen.
    pub(crate) fn new() -> Self {
        Agenda { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), entered: 0 }
    }

    /// Enters something.
    pub(crate) fn enter(&mut self, when: Moment, what: T) {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = Some(what);
            slot
        } else {
            self.slots.push(Some(what));
            self.slots.len() - 1
        };
        self.entered += 1;
        self.heap.push(Reverse((when, self.entered, slot)));
    }

    /// Takes out what comes next, and when, if it comes by `end`.
    pub(crate) fn next_by(&mut self, end: Moment) -> Option<(Moment, T)> {
        let Reverse((when, _, slot)) = *self.heap.peek().filter(|Reverse((when, ..))| *when <= end)?;
        self.heap.pop();
        self.free.push(slot);
        let what = self.slots[slot].take().expect("what is on the heap is in its slot");
        Some((when, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_first_comes_first_and_at_the_same_time_what_was_entered_first() {
        let mut agenda = Agenda::new();
        for (when, what) in [(7, "d"), (3, "a"), (5, "b"), (5, "c")] {
            agenda.enter(when, what);
        }
        assert_eq!(agenda.next_by(2), None);
        assert_eq!(agenda.next_by(3), Some((3, "a")));
        agenda.enter(5, "later");
        let rest: Vec<_> = std::iter::from_fn(|| agenda.next_by(9)).collect();
        assert_eq!(rest, [(5, "b"), (5, "c"), (5, "later"), (7, "d")]);
    }
}
