//! Moments at which a collection cannot be empty.
//!
//! An element whose insertion ended before its removal began is inside at every moment strictly between the two. Positions
//! stand for moments: position `2·i` is the event of rank `i` among the events that matter, `2·i + 1` the time between it
//! and the next one.

/// Events by rank.
pub(super) struct Ranks(Vec<u64>);

impl Ranks {
    pub(super) fn of(events: impl IntoIterator<Item = u64>) -> Ranks {
        let mut events: Vec<u64> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        Ranks(events)
    }

    /// How many positions there are.
    pub(super) fn positions(&self) -> usize {
        2 * self.0.len()
    }

    /// The position of an event, which must be one of those given.
    pub(super) fn position(&self, event: u64) -> usize {
        2 * self.0.partition_point(|&other| other < event)
    }

    /// The event at an even position.
    pub(super) fn event(&self, position: usize) -> u64 {
        self.0[position / 2]
    }
}

/// A union of covered stretches that only grows: finds the first position that is not covered.
pub(super) struct Cover {
    /// For each position one at or behind it, such that all in between are covered; itself if it is not.
    next: Vec<usize>,
}

impl Cover {
    pub(super) fn new(positions: usize) -> Cover {
        Cover { next: (0..=positions).collect() }
    }

    /// The first position from here on that is not covered; past all positions if there is none.
    pub(super) fn first_free(&mut self, from: usize) -> usize {
        let mut end = from;
        while self.next[end] != end {
            end = self.next[end];
        }
        let mut at = from;
        while self.next[at] != end {
            at = std::mem::replace(&mut self.next[at], end);
        }
        end
    }

    /// Covers everything strictly between two positions.
    pub(super) fn add(&mut self, after: usize, before: usize) {
        let mut at = self.first_free(after + 1);
        while at < before {
            self.next[at] = at + 1;
            at = self.first_free(at + 1);
        }
    }
}
