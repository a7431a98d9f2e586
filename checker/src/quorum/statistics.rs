//! Figures of a run beside its rules: how stale reads were, which replicas make quorums, how large intersections are.

use std::collections::BTreeMap;

use super::case::Case;
use super::rules::quorums_meet::Histogram;
use super::seen::{Read, Seen, Write};

/// How stale reads were.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Staleness {
    /// How many finished reads there were.
    pub reads: u64,
    /// How many reads missed so many finished versions, by that number; fresh reads are not counted.
    pub versions: BTreeMap<u64, u64>,
    /// How long before their begin the first version that they missed was finished, in nanoseconds, in ascending order.
    pub nanoseconds: Vec<u64>,
    /// How many reads were stale for which cause.
    pub causes: BTreeMap<&'static str, u64>,
}

/// Operations that did not succeed although nothing in the faults that were in force explains it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// Enough home replicas could be reached all the while.
    pub reachable: u64,
    /// No fault was in force at all.
    pub without_fault: u64,
}

/// Figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// How many replicas reads had in common with the last write that was finished before them: reads by replicas.
    pub intersections: Histogram,
    /// W + R − N.
    pub intersection_predicted: i64,
    /// Which replicas acknowledged finished writes: writes by their names.
    pub ack_sets: BTreeMap<String, u64>,
    /// How stale reads were.
    pub staleness: Staleness,
    /// How likely a read is to miss a write that reached its quorum and nobody else.
    pub miss_probability: f64,
    /// The fewest durable copies that a newest finished write had at any time.
    pub copies_min: Option<u32>,
    /// Hints that were kept, handed over, expired, superseded, lost.
    pub hints: [u64; 5],
    /// Operations that did not succeed, and nothing explains it.
    pub missed: Missed,
    /// Queries that replicas answered after a wipe with less than they had told before it.
    pub served_forgetful: u64,
}

/// Counts which replicas acknowledged the writes of a key.
pub(super) fn ack_sets(case: &Case<'_>, seen: &Seen, sets: &mut BTreeMap<String, u64>) {
    let mut counts: BTreeMap<super::case::Set, u64> = BTreeMap::new();
    for acked in seen.writes.iter().filter_map(|write| write.acked) {
        *counts.entry(acked).or_default() += 1;
    }
    for (set, count) in counts {
        *sets.entry(case.names(set)).or_default() += count;
    }
}

/// Counts by how many versions and by how long the reads of a key were stale, by their tags.
///
/// For each read, how many writes with a higher tag were finished before it: a sweep in the order of real time over a tree of counts
/// by tag. The first of them to be finished is the first of all with a higher tag, as it has to be before the read if any is.
pub(super) fn staleness(seen: &Seen, staleness: &mut Staleness) {
    let mut by_tag: Vec<&Write> = seen.writes.iter().collect();
    by_tag.sort_unstable_by_key(|write| write.tag);
    let mut counts = Counts(vec![0; by_tag.len() + 1]);
    let above = |read: &Read| by_tag.partition_point(|write| Some(write.tag) <= read.tag);
    let mut earliest: Vec<Option<u64>> = vec![None; by_tag.len() + 1];
    for (place, write) in by_tag.iter().enumerate().rev() {
        let time = write.client.completed_at;
        earliest[place] = [earliest[place + 1], time].into_iter().flatten().min();
    }
    let mut done = seen.writes.iter().peekable();
    let mut finished = 0;
    for read in &seen.reads {
        while let Some(write) = done.next_if(|write| write.client.completed < read.client.invoked) {
            counts.add(by_tag.partition_point(|other| other.tag < write.tag));
            finished += 1;
        }
        let place = above(read);
        let versions = finished - counts.below(place);
        if versions > 0 {
            *staleness.versions.entry(versions).or_default() += 1;
            if let (Some(begin), Some(missed)) = (read.client.invoked_at, earliest[place]) {
                staleness.nanoseconds.push(begin.saturating_sub(missed));
            }
        }
    }
}

/// Counts by place, with their sums up to a place in logarithmic time (Fenwick 1994).
struct Counts(Vec<u64>);

impl Counts {
    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// How many there are at the places before this one.
    fn below(&self, place: usize) -> u64 {
        let mut at = place;
        let mut sum = 0;
        while at > 0 {
            sum += self.0[at];
            at -= at & at.wrapping_neg();
        }
        sum
    }
}
