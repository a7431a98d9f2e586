//! How far behind each read of a register was: how many newer values had certainly taken effect when it began, and since when
//! the first of them had.
//!
//! A cluster B is **behind which a read of A lags** if B's write began after A's had taken effect (after the first of A's write
//! and reads ended), and had taken effect itself before the read began. In every order that extends real time B's write then stands
//! between A's and the read. So a read lags behind as many values, at least, as there are such B.

use serde_json::Value;

use crate::model::Model;
use crate::weaker::by_key::Register;
use crate::weaker::clusters::{Cluster, observed};
use crate::zones::Point;

/// A read, and what it lagged behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    pub(super) read: usize,
    /// The number of newer values.
    pub(super) versions: usize,
    /// The call with whose end the first of them had certainly taken effect; none where there is none.
    pub(super) since: Option<usize>,
}

/// All reads of a register, by their calls. `clusters` are those of all values, by value.
pub(super) fn lags<M: Model>(register: &Register<'_, '_, M>, clusters: &[Cluster]) -> Vec<Lag> {
    let happened: Vec<&Cluster> = clusters.iter().filter(|cluster| cluster.first_end != Point::Never).collect();
    let newest = newest_first(&happened);
    let mut stale = Vec::new();
    let mut lags: Vec<Lag> = Vec::new();
    for (read, access) in register.accesses.accesses.iter().enumerate() {
        let Some(value) = observed(register, read, *access) else { continue };
        let source = clusters[value as usize].first_end;
        let begin = Point::At(register.calls[read].operation.invoked);
        let newer = newest.partition_point(|&(begin, ..)| begin > source);
        let first = newer.checked_sub(1).map(|last| newest[last]).filter(|&(_, first_end, _)| first_end < begin);
        if first.is_some() {
            stale.push((source, begin, lags.len()));
        }
        lags.push(Lag { read, versions: 0, since: first.and_then(|(.., call)| call) });
    }
    count(&happened, stale, &mut lags);
    lags
}

/// The clusters by the begin of their write, the newest first: each with the smallest `first_end` up to there, and its call.
fn newest_first(clusters: &[&Cluster]) -> Vec<(Point, Point, Option<usize>)> {
    let mut newest: Vec<(Point, Point, Option<usize>)> =
        clusters.iter().map(|cluster| (cluster.begin, cluster.first_end, cluster.first_to_end)).collect();
    newest.sort_unstable_by(|one, other| other.cmp(one));
    for place in 1..newest.len() {
        let (_, first_end, call) = newest[place - 1];
        if first_end < newest[place].1 {
            (newest[place].1, newest[place].2) = (first_end, call);
        }
    }
    newest
}

/// Counts for each stale read, given as its source's `first_end`, its begin and its number, the clusters whose write began
/// after the one and that had taken effect before the other.
fn count(clusters: &[&Cluster], mut stale: Vec<(Point, Point, usize)>, lags: &mut [Lag]) {
    if stale.is_empty() {
        return;
    }
    let mut ends: Vec<Point> = clusters.iter().map(|cluster| cluster.first_end).collect();
    ends.sort_unstable();
    let mut by_begin: Vec<(Point, Point)> = clusters.iter().map(|cluster| (cluster.begin, cluster.first_end)).collect();
    by_begin.sort_unstable_by(|one, other| other.cmp(one));
    stale.sort_unstable_by(|one, other| other.cmp(one));
    let mut sums = Sums(vec![0; ends.len() + 1]);
    let mut added = by_begin.into_iter().peekable();
    for (source, begin, number) in stale {
        while let Some((_, end)) = added.next_if(|&(begin, _)| begin > source) {
            sums.add(ends.partition_point(|&other| other < end));
        }
        lags[number].versions = sums.below(ends.partition_point(|&end| end < begin));
    }
}

/// How many were added at places below a limit (Fenwick's tree).
struct Sums(Vec<usize>);

impl Sums {
    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn below(&self, place: usize) -> usize {
        let (mut at, mut sum) = (place, 0);
        while at > 0 {
            sum += self.0[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}

/// Figures of what was measured, by name: how many there are, the median, the 99th of a hundred, and the largest.
pub(super) fn quantiles(mut all: Vec<u64>) -> [(&'static str, u64); 3] {
    all.sort_unstable();
    let at = |hundredths: usize| {
        let place = (all.len() * hundredths).div_ceil(100).max(1) - 1;
        all.get(place).copied().unwrap_or(0)
    };
    [("p50", at(50)), ("p99", at(99)), ("max", all.last().copied().unwrap_or(0))]
}

/// A time as a figure, in milliseconds.
pub(super) fn milliseconds(ns: u64) -> Value {
    (std::time::Duration::from_nanos(ns).as_secs_f64() * 1e3).into()
}
