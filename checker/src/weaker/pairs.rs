//! Pairs of clusters that have to come before each other.
//!
//! A cluster comes before another one if any of its operations ended before any of the other's began: if its `first_end` is
//! before the other's `last_begin`. See [`zones`](crate::zones) for why two forward zones that overlap, and a backward zone
//! inside a forward one, are all the pairs that have to come before each other.

use crate::model::Model;
use crate::sorting;
use crate::verdict::{Counterexample, Witness};
use crate::weaker::by_key::Register;
use crate::weaker::clusters::Cluster;
use crate::words;
use crate::zones::Point;

/// A pair, if there is any; all clusters must be of something that happened.
pub(super) fn contradiction(clusters: &[Cluster]) -> Option<(Cluster, Cluster)> {
    let mut sorted: Vec<(Point, Point, &Cluster)> =
        clusters.iter().map(|cluster| (cluster.first_end, cluster.last_begin(), cluster)).collect();
    sorted.sort_unstable_by_key(|&(first_end, last_begin, cluster)| (first_end, last_begin, cluster.value));
    let (one, other) = contradicting(sorted.iter().map(|&(first_end, last_begin, _)| (first_end, last_begin)))?;
    Some((*sorted[one].2, *sorted[other].2))
}

/// The places of two zones that contradict each other, in a list of `(first_end, last_begin)` that is sorted by its `first_end`.
pub(super) fn contradicting<P: Ord + Copy>(zones: impl Iterator<Item = (P, P)> + Clone) -> Option<(usize, usize)> {
    // Forward zones by where they begin; for each the one among those up to there that reaches farthest.
    let mut forward: Vec<(P, P, usize)> = Vec::new();
    for (place, (first_end, last_begin)) in zones.clone().enumerate().filter(|(_, (end, begin))| end < begin) {
        let farthest = match forward.last() {
            Some(&(_, reach, reaching)) if first_end < reach => return Some((reaching, place)),
            Some(&(_, reach, reaching)) if reach > last_begin => (reach, reaching),
            _ => (last_begin, place),
        };
        forward.push((first_end, farthest.0, farthest.1));
    }
    zones.enumerate().filter(|(_, (end, begin))| end >= begin).find_map(|(place, (first_end, last_begin))| {
        let begun = forward.partition_point(|&(begin, ..)| begin < last_begin);
        let (_, reach, reaching) = forward[begun.checked_sub(1)?];
        (first_end < reach).then_some((reaching, place))
    })
}

/// Why two clusters cannot be put in an order: what ended before what began, both ways round.
pub(super) fn tell<M: Model>(register: &Register<'_, '_, M>, one: &Cluster, other: &Cluster) -> Counterexample {
    let Register { model, calls, .. } = *register;
    let sentence = |call: usize| words::sentence(model, &calls[call]);
    let last = |cluster: &Cluster| cluster.last_read.map(|(_, call)| call).or(cluster.write);
    let mut shown: Vec<usize> = Vec::new();
    let mut because = Vec::new();
    for (before, after) in [(one, other), (other, one)] {
        let began = last(after).expect("a value that has to come behind another one was written or read");
        because.push(match before.first_to_end {
            None => format!("the initial value was there before {}", sentence(began)),
            Some(ended) => {
                let gap = words::gap(&calls[ended], &calls[began]).map_or_else(String::new, |gap| format!(" {gap}"));
                format!("{} ended{gap} before {}", sentence(ended), sentence(began))
            }
        });
        shown.extend(before.first_to_end.into_iter().chain(before.write).chain([began]));
    }
    because.push(
        "so all that concerns one value comes before all that concerns the other, and the other way round".to_owned(),
    );
    Counterexample { operations: rows(register, shown), because, ..Counterexample::default() }
}

/// These calls as rows of a counterexample, in the order of their invocations, each once.
pub(super) fn rows<M: Model>(register: &Register<'_, '_, M>, mut shown: Vec<usize>) -> Vec<Witness> {
    let Register { model, calls, .. } = *register;
    let role = |call: usize| match (register.accesses.accesses[call].produced(), calls[call].crashed()) {
        (Some(_), true) => "its value was read",
        (Some(_), false) => "acknowledged",
        (None, _) => "",
    };
    sorting::sort_by_key(&mut shown, &|call| (calls[call].operation.invoked, call));
    shown.dedup();
    shown.into_iter().map(|call| words::witness(model, &calls[call], role(call).to_owned())).collect()
}
