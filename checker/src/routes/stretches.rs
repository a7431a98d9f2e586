//! Times during which something was certainly there, and few of them that cover a window.

use super::NEVER;

/// Stretches of time, each strictly between its ends.
pub(super) struct Stretches {
    /// By number.
    all: Vec<(u64, u64)>,
    by_begin: Vec<usize>,
}

impl Stretches {
    pub(super) fn new(all: Vec<(u64, u64)>) -> Stretches {
        let mut by_begin: Vec<usize> = (0..all.len()).collect();
        by_begin.sort_by_key(|&number| all[number].0);
        Stretches { all, by_begin }
    }

    pub(super) fn get(&self, number: usize) -> (u64, u64) {
        self.all[number]
    }

    /// Few of the first `count` stretches which together leave no moment from `begin` to `end` free: each time the one that
    /// lasts longest of those that have begun. It takes time linear in the number of stretches.
    pub(super) fn cover(&self, count: usize, begin: u64, end: u64) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut waiting = self.by_begin.iter().copied().filter(|&number| number < count).peekable();
        let mut farthest: Option<usize> = None;
        let mut reached = begin;
        while reached <= end {
            while let Some(number) = waiting.next_if(|&number| self.all[number].0 < reached) {
                farthest = farthest.filter(|&farthest| self.all[farthest].1 > self.all[number].1).or(Some(number));
            }
            let Some(next) = farthest.filter(|&farthest| self.all[farthest].1 > reached) else { break };
            chain.push(next);
            reached = self.all[next].1;
            if reached == NEVER {
                break;
            }
        }
        chain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_longest_takes_over() {
        let stretches = Stretches::new(vec![(5, 9), (0, 4), (1, 6), (2, 3), (8, NEVER), (0, 100)]);
        assert_eq!(stretches.cover(5, 1, 20), [1, 2, 0, 4]);
        assert_eq!(stretches.cover(4, 1, 20), [1, 2, 0], "from 9 on nothing is there");
        assert_eq!(stretches.cover(6, 1, 20), [5]);
        assert!(stretches.cover(6, 0, 20).is_empty(), "each lies strictly between its ends");
        assert!(stretches.cover(0, 1, 20).is_empty());
    }
}
