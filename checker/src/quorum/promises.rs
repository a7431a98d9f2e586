//! What a configuration of quorums promises, and what theory says of it: the one place that knows the inequalities.
//!
//! - Every read quorum meets every write quorum iff W + R > N (Gifford 1979). Then a read returns the newest finished write
//!   or a concurrent one: a *regular* register.
//! - It is *atomic* if, besides, a returned tag is on N − R + 1 replicas before the read ends, so that every later read quorum
//!   meets one of them: by write-back, or because R = N makes that number one (Attiya, Bar-Noy and Dolev 1995).
//! - A finished write outlives the loss of any W − 1 replicas; it is *found* by every read only while (W − a) + R > N, so with
//!   a ≤ W + R − N − 1 of them lost.
//! - Writes are served while at most N − W replicas are down, reads while at most N − R are.
//! - Where nothing spreads a write beyond its quorum, a read misses it with the probability C(N − W, R) / C(N, R) (Bailis and
//!   others 2012). Who sends to all replicas misses less: it is an upper bound for the time after a cut.

use serde::Serialize;

/// N, W and R, each at least 1, W and R at most N.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quorums {
    /// How many home replicas a key has.
    pub n: u32,
    /// How many have to acknowledge a store.
    pub w: u32,
    /// How many have to answer a query.
    pub r: u32,
}

/// How strong a register is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Reads may be stale.
    None,
    /// A read returns the newest write that was finished before it, or a concurrent one.
    Regular,
    /// Each operation takes effect at one moment.
    Linearizable,
}

impl Level {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Regular => "regular",
            Level::Linearizable => "linearizable",
        }
    }
}

impl Quorums {
    /// W + R − N: in how many replicas a read quorum and a write quorum meet at least. Zero or less: perhaps in none.
    pub fn intersection(self) -> i64 {
        i64::from(self.w) + i64::from(self.r) - i64::from(self.n)
    }

    /// Whether any two write quorums meet: W > N / 2.
    pub fn writes_meet(self) -> bool {
        2 * u64::from(self.w) > u64::from(self.n)
    }

    /// What such a register is, with reads that write back or without.
    pub fn level(self, writeback: bool) -> Level {
        match self.intersection() {
            i64::MIN..=0 => Level::None,
            _ if writeback || self.r == self.n => Level::Linearizable,
            _ => Level::Regular,
        }
    }

    /// N − R + 1: on how many replicas a tag has to be so that no read misses it.
    pub fn threshold(self) -> u32 {
        (self.n + 1).saturating_sub(self.r)
    }

    /// W − 1: how many replicas may lose all that they stored without a finished write being lost.
    pub fn losses_survived(self) -> u32 {
        self.w.saturating_sub(1)
    }

    /// W + R − N − 1: how many replicas may lose all that they stored without a read missing a finished write; none
    /// where reads may miss one anyway.
    pub fn losses_unseen(self) -> Option<u32> {
        u32::try_from(self.intersection() - 1).ok()
    }

    /// N − W: how many replicas may be down while writes are served.
    pub fn crashes_for_writes(self) -> u32 {
        self.n.saturating_sub(self.w)
    }

    /// N − R: how many replicas may be down while reads are served.
    pub fn crashes_for_reads(self) -> u32 {
        self.n.saturating_sub(self.r)
    }

    /// C(N − W, R) / C(N, R): how likely a read is to miss a write that reached its quorum and nobody else.
    pub fn miss_probability(self) -> f64 {
        // Each replica that is asked is, in turn, one of those that the write did not reach.
        let missed = (0..self.r).map(|asked| {
            let without = self.n.saturating_sub(self.w).saturating_sub(asked);
            f64::from(without) / f64::from((self.n - asked.min(self.n)).max(1))
        });
        missed.product()
    }
}

/// What a configuration promises: a rule that it does not promise is measured, and not judged.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the configuration")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promises {
    /// N, W and R.
    pub quorums: Quorums,
    /// The nodes, by name: what counts as a replica.
    pub nodes: Vec<String>,
    /// Reads store what they return before they return it, always or where it is needed.
    pub writeback: bool,
    /// Replicas that are not home replicas may stand in for those that cannot be reached.
    pub sloppy: bool,
    /// A write asks for the newest tag before it takes its own; where not, its tag is a time.
    pub queries_before_writes: bool,
    /// What all of it makes of a register.
    pub level: Level,
    /// Hints never expire.
    pub keeps_hints: bool,
    /// Cuts of links end at the moments that the history tells, as they do in virtual time; a real run tells before that when they
    /// are about to.
    pub exact_cuts: bool,
}

impl Promises {
    /// What a plain configuration promises: quorums of home replicas, and tags above all that were seen.
    pub fn plain(quorums: Quorums, nodes: Vec<String>, writeback: bool) -> Self {
        Promises {
            quorums,
            nodes,
            writeback,
            sloppy: false,
            queries_before_writes: true,
            level: quorums.level(writeback),
            keeps_hints: true,
            exact_cuts: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quorums(n: u32, w: u32, r: u32) -> Quorums {
        Quorums { n, w, r }
    }

    /// Every set of `size` out of `n`, as bits.
    fn sets(n: u32, size: u32) -> Vec<u32> {
        (0..1_u32 << n).filter(|set| set.count_ones() == size).collect()
    }

    #[test]
    fn the_inequalities_are_what_all_sets_of_replicas_say() {
        for n in 1..=5 {
            for (w, r) in (1..=n).flat_map(|w| (1..=n).map(move |r| (w, r))) {
                let cell = quorums(n, w, r);
                let (writes, reads) = (sets(n, w), sets(n, r));
                let meetings: Vec<u32> =
                    writes.iter().flat_map(|write| reads.iter().map(move |read| (write & read).count_ones())).collect();
                let least = i64::from(*meetings.iter().min().unwrap());
                assert_eq!(least, cell.intersection().max(0), "{cell:?}");
                let missed = meetings.iter().filter(|&&meeting| meeting == 0).count();
                let expected =
                    f64::from(u32::try_from(missed).unwrap()) / f64::from(u32::try_from(meetings.len()).unwrap());
                assert!((cell.miss_probability() - expected).abs() < 1e-9, "{cell:?}");
                let apart = writes.iter().any(|one| writes.iter().any(|other| one & other == 0));
                assert_eq!(cell.writes_meet(), !apart, "{cell:?}");
                // A tag on so many replicas is met by every read, and by one replica less it may be missed.
                let missed_on = |on: u32| sets(n, on).iter().any(|has| reads.iter().any(|read| has & read == 0));
                assert!(!missed_on(cell.threshold()) && missed_on(cell.threshold() - 1), "{cell:?}");
                // Losing replicas: a write quorum that keeps nobody, or nobody whom some read asks.
                let hidden_by = |lost: u32| {
                    let kept = writes.iter().flat_map(|write| sets(n, lost).into_iter().map(move |gone| write & !gone));
                    kept.into_iter().any(|kept| reads.iter().any(|read| kept & read == 0))
                };
                match cell.losses_unseen() {
                    Some(lost) => assert!(!hidden_by(lost) && hidden_by(lost + 1), "{cell:?}"),
                    None => assert!(hidden_by(0), "{cell:?}"),
                }
            }
        }
    }

    #[test]
    fn levels_are_those_of_the_theory() {
        use Level::{Linearizable, None, Regular};
        for ((n, w, r), without, with) in [
            ((3, 2, 2), Regular, Linearizable),
            ((3, 1, 1), None, None),
            ((3, 2, 1), None, None),
            ((3, 3, 1), Regular, Linearizable),
            ((3, 1, 3), Linearizable, Linearizable),
            ((5, 3, 3), Regular, Linearizable),
            ((5, 2, 3), None, None),
            ((1, 1, 1), Linearizable, Linearizable),
        ] {
            assert_eq!((quorums(n, w, r).level(false), quorums(n, w, r).level(true)), (without, with), "{n} {w} {r}");
        }
    }

    #[test]
    fn the_known_probabilities_of_missing_a_write() {
        for ((n, w, r), expected) in
            [((3, 1, 1), 2.0 / 3.0), ((3, 2, 1), 1.0 / 3.0), ((5, 2, 2), 0.3), ((5, 2, 3), 0.1), ((5, 3, 3), 0.0)]
        {
            assert!((quorums(n, w, r).miss_probability() - expected).abs() < 1e-9, "{n} {w} {r}");
        }
    }
}
