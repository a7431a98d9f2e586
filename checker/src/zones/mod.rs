//! Zones: decides in O(n log n) whether a register is linearizable, where each value names its one write
//! (Gibbons and Korach, *Testing shared memories*, 1997).
//!
//! A **cluster** is a write and the reads of its value; the initial value has a write that ended before everything. In a
//! linearization each cluster stands together, its write first. A cluster must come before another one if any of its
//! operations ended before any of the other's began: if its `first_end` is less than the other's `last_begin`. So the history
//! is linearizable if and only if every read has a write, no read ended before its write began, and no two clusters must come
//! before each other.
//!
//! The **zone** of a cluster lies between `first_end` and `last_begin`: it is forward if the end comes first, otherwise
//! backward. Two clusters must come before each other if and only if two forward zones overlap, or a backward zone lies inside a
//! forward one. All comparisons are strict, since what ends and what begins at the same event are concurrent.
//!
//! A crashed write never ends. If it was read it happened, and its cluster's `first_end` is that of a read; if not it can be
//! dropped.

pub(crate) mod order;
pub(crate) mod witness;

use crate::call::Call;
use crate::meter::{Share, Stop};
use crate::model::Access;
use crate::registers::{RegisterCalls, ValueId};

/// When something ended or began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// Before every event.
    Beginning,
    /// At the event of this index.
    At(u64),
    /// After every event.
    Never,
}

/// A value's write and reads.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    value: ValueId,
    first_end: Point,
    last_begin: Point,
}

impl Cluster {
    fn is_forward(&self) -> bool {
        self.first_end < self.last_begin
    }
}

/// Why a register with distinct values is not linearizable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// This call read a value that nobody wrote.
    Unwritten { read: usize },
    /// This read ended before the write of its value began.
    FromTheFuture { write: usize, read: usize },
    /// All that concerns one value must come before all that concerns the other, and the other way round.
    BothFirst { values: [ValueId; 2] },
}

/// All violations that were found, those that show earliest in the history first; none if it is linearizable. The values
/// of `registers` must be distinct, and crashed reads must have been dropped.
pub(crate) fn violations<I>(
    registers: &RegisterCalls,
    calls: &[Call<'_, I>],
    share: &mut Share<'_>,
) -> Result<Vec<Violation>, Stop> {
    assert!(registers.values_are_distinct(), "zones need distinct values");
    let bytes = registers.produced.len() * (size_of::<Cluster>() + size_of::<ValueId>());
    share.ask(bytes)?;
    let wrong_reads = wrong_reads(registers, calls);
    if !wrong_reads.is_empty() {
        return Ok(wrong_reads);
    }
    let clusters = clusters(registers, calls);
    share.ask(bytes)?;
    Ok(contradictions(clusters))
}

/// The reads that are wrong whatever the others are.
fn wrong_reads<I>(registers: &RegisterCalls, calls: &[Call<'_, I>]) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (read, access) in registers.accesses.iter().enumerate() {
        let Access::Read(value) = *access else { continue };
        if value == registers.initial {
            continue;
        }
        match registers.only_producer[value as usize] {
            None => wrong.push((calls[read].end, Violation::Unwritten { read })),
            Some(write) if calls[read].end.is_some_and(|end| end < calls[write].operation.invoked) => {
                wrong.push((calls[read].end, Violation::FromTheFuture { write, read }));
            }
            Some(_) => {}
        }
    }
    wrong.sort_by_key(|&(end, _)| end);
    wrong.into_iter().map(|(_, violation)| violation).collect()
}

/// The cluster of each value, those of crashed writes that nobody read left out.
fn clusters<I>(registers: &RegisterCalls, calls: &[Call<'_, I>]) -> Vec<Cluster> {
    let empty = |value| Cluster { value, first_end: Point::Never, last_begin: Point::Beginning };
    let mut clusters: Vec<Cluster> = (0..).take(registers.produced.len()).map(empty).collect();
    clusters[registers.initial as usize].first_end = Point::Beginning;
    for (access, call) in registers.accesses.iter().zip(calls) {
        let Some(value) = access.observed().or(access.produced()) else { continue };
        let cluster = &mut clusters[value as usize];
        cluster.first_end = cluster.first_end.min(call.end.map_or(Point::Never, Point::At));
        cluster.last_begin = cluster.last_begin.max(Point::At(call.operation.invoked));
    }
    clusters.retain(|cluster| cluster.first_end != Point::Never);
    clusters
}

/// The pairs of clusters that must come before each other: not all of them, but at least one if there are any.
fn contradictions(mut clusters: Vec<Cluster>) -> Vec<Violation> {
    clusters.sort_unstable_by_key(|zone| (!zone.is_forward(), zone.first_end, zone.value));
    let (forward, backward) = clusters.split_at(clusters.partition_point(Cluster::is_forward));
    let mut pairs = Vec::new();
    // For each place the zone among those up to there that reaches farthest.
    let mut farthest: Vec<ValueId> = Vec::with_capacity(forward.len());
    for (place, zone) in (0..).zip(forward) {
        let Some(&last) = farthest.last() else {
            farthest.push(place);
            continue;
        };
        let reach = forward[last as usize];
        if zone.first_end < reach.last_begin {
            pairs.push((reach, *zone));
        }
        farthest.push(if zone.last_begin > reach.last_begin { place } else { last });
    }
    for zone in backward {
        let begun = forward.partition_point(|other| other.first_end < zone.last_begin);
        if let Some(reach) = begun.checked_sub(1).map(|last| forward[farthest[last] as usize])
            && zone.first_end < reach.last_begin
        {
            pairs.push((reach, *zone));
        }
    }
    pairs.sort_by_key(|(one, other)| (one.last_begin.max(other.last_begin), one.value, other.value));
    pairs.into_iter().map(|(one, other)| Violation::BothFirst { values: [one.value, other.value] }).collect()
}
