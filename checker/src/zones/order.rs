//! The order of a linearizable register with distinct values: the proof that zones give for a valid history.
//!
//! Cluster A must come before cluster B if `A.first_end < B.last_begin`. Where no two clusters must come before each other,
//! sorting them by the beginning of their zones, backward zones first where these are equal, respects that:
//! - both forward: they do not overlap, so `A.first_end < A.last_begin <= B.first_end`;
//! - both backward: `A.last_begin <= A.first_end < B.last_begin`;
//! - A forward, B backward: `A.first_end < B.last_begin` itself, strictly;
//! - A backward, B forward: not B before A, so `A.last_begin <= B.first_end`, and where equal A is first.
//!
//! Within a cluster the write comes first, and its reads in the order of their invocations.

use crate::call::Call;
use crate::model::Access;
use crate::registers::RegisterCalls;
use crate::zones::{Point, clusters};

/// The calls of a linearizable register in an order that proves it: all with an end, and the crashed writes that were read. The
/// values must be distinct, and no violation may have been found.
pub(crate) fn order<I>(registers: &RegisterCalls, calls: &[Call<'_, I>]) -> Vec<usize> {
    let mut clusters = clusters(registers, calls);
    clusters.sort_by_key(|cluster| (cluster.first_end.min(cluster.last_begin), cluster.is_forward()));
    let mut place_of_value = vec![None; registers.produced.len()];
    for (place, cluster) in clusters.iter().enumerate() {
        place_of_value[cluster.value as usize] = Some(place);
    }
    let mut placed: Vec<(usize, bool, u64, usize)> = Vec::with_capacity(calls.len());
    let mut anywhere: Vec<usize> = Vec::new();
    for (index, (access, call)) in registers.accesses.iter().zip(calls).enumerate() {
        let Some(value) = access.observed().or(access.produced()) else {
            anywhere.push(index);
            continue;
        };
        // A crashed write that nobody read has no cluster.
        if let Some(place) = place_of_value[value as usize] {
            placed.push((place, !matches!(access, Access::Write(_)), call.operation.invoked, index));
        }
    }
    placed.sort_unstable();
    with_unconstrained(calls, placed.into_iter().map(|(.., index)| index), anywhere)
}

/// Puts the calls that the state says nothing about where real time wants them: each at the moment of its invocation, the
/// others as early as the order allows.
fn with_unconstrained<I>(
    calls: &[Call<'_, I>],
    placed: impl Iterator<Item = usize>,
    anywhere: Vec<usize>,
) -> Vec<usize> {
    let mut latest = 0;
    let mut moments: Vec<(Point, usize)> = placed
        .map(|index| {
            latest = latest.max(calls[index].operation.invoked);
            (Point::At(latest), index)
        })
        .collect();
    moments.extend(anywhere.into_iter().map(|index| (Point::At(calls[index].operation.invoked), index)));
    moments.sort_by_key(|&(moment, _)| moment);
    moments.into_iter().map(|(_, index)| index).collect()
}
