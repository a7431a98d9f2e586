//! What is going to happen, in the order of virtual time; what is due at the same time, in the order in which it was
//! entered.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// A moment of virtual time, in nanoseconds since the world began.
pub(crate) type Moment = u64;

/// When something is due, its number among all that was ever entered, and its slot: in one number, which is compared at
/// once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u128);

/// How many bits of a key are its slot.
const SLOT_BITS: u32 = 28;
/// How many bits of a key are its number, and above them its moment.
const NUMBER_BITS: u32 = 36;

impl Key {
    fn new(when: Moment, number: u64, slot: usize) -> Self {
        assert!(number < 1 << NUMBER_BITS && slot < 1 << SLOT_BITS, "more happens than a world has room for");
        Key(u128::from(when) << (NUMBER_BITS + SLOT_BITS) | u128::from(number << SLOT_BITS) | slot as u128)
    }

    fn when(self) -> Moment {
        (self.0 >> (NUMBER_BITS + SLOT_BITS)) as Moment
    }

    fn slot(self) -> usize {
        self.0 as usize & ((1 << SLOT_BITS) - 1)
    }
}

/// See the module's head. The heap moves small keys; what happens lies still beside it.
#[derive(Debug)]
pub(crate) struct Agenda<T> {
    heap: BinaryHeap<Reverse<Key>>,
    /// What is due in the order in which it was entered.
    in_turn: VecDeque<Key>,
    slots: Vec<Option<T>>,
    free: Vec<usize>,
    entered: u64,
}

impl<T> Agenda<T> {
    /// Nothing is going to happen.
    pub(crate) fn new() -> Self {
        Agenda { heap: BinaryHeap::new(), in_turn: VecDeque::new(), slots: Vec::new(), free: Vec::new(), entered: 0 }
    }

    /// Enters something.
    pub(crate) fn enter(&mut self, when: Moment, what: T) {
        let key = self.key(when, what);
        self.heap.push(Reverse(key));
    }

    /// Enters something that is due after all that was entered in this way before, as a rule: a deadline, which would be in
    /// the way of all else on the heap for long. What breaks the rule comes when it is due all the same.
    pub(crate) fn enter_in_turn(&mut self, when: Moment, what: T) {
        let key = self.key(when, what);
        if self.in_turn.back().is_none_or(|last| *last < key) {
            self.in_turn.push_back(key);
        } else {
            self.heap.push(Reverse(key));
        }
    }

    /// Finds a slot for what happens.
    fn key(&mut self, when: Moment, what: T) -> Key {
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot] = Some(what);
            slot
        } else {
            self.slots.push(Some(what));
            self.slots.len() - 1
        };
        self.entered += 1;
        Key::new(when, self.entered, slot)
    }

    /// Takes out what comes next, and when, if it comes by `end`.
    pub(crate) fn next_by(&mut self, end: Moment) -> Option<(Moment, T)> {
        let (top, front) = (self.heap.peek().map(|Reverse(key)| *key), self.in_turn.front().copied());
        let key = top.into_iter().chain(front).min().filter(|key| key.when() <= end)?;
        if front == Some(key) {
            self.in_turn.pop_front();
        } else {
            self.heap.pop();
        }
        self.free.push(key.slot());
        let what = self.slots[key.slot()].take().expect("what is due is in its slot");
        Some((key.when(), what))
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

    #[test]
    fn what_is_entered_in_turn_comes_when_it_is_due_in_turn_or_not() {
        let entered = [(7, false), (9, true), (9, false), (8, true), (9, true), (3, true), (12, false), (11, true)];
        let (mut agenda, mut expected) = (Agenda::new(), Vec::new());
        for ((when, in_turn), number) in entered.into_iter().zip(0..) {
            expected.push((when, number));
            if in_turn { agenda.enter_in_turn(when, number) } else { agenda.enter(when, number) }
        }
        expected.sort_unstable();
        assert_eq!(std::iter::from_fn(|| agenda.next_by(99)).collect::<Vec<(Moment, i32)>>(), expected);
    }
}
