//! How fast answers came among some of a run's operations, by kind: those while a node was slow, or while a cut lasted.

use std::collections::BTreeMap;

use schism_checker::history::{Ending, History};
use serde::{Deserialize, Serialize};

use super::samples::{self, Sample};
use super::timeline::Timeline;

/// Latencies of operations of one kind that ended `ok`, from when they were due.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// How many.
    pub count: u64,
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

/// How fast answers came to what was due while messages were delayed (faults of the kind `delay`), whatever else was in force;
/// empty where none were.
pub fn slow(history: &History) -> BTreeMap<String, Pace> {
    let delays: Vec<(u64, u64)> = Timeline::of(history)
        .faults
        .iter()
        .filter(|fault| &*fault.kind == "delay")
        .map(|fault| (fault.from, fault.to))
        .collect();
    if delays.is_empty() {
        return BTreeMap::new();
    }
    let samples = samples::of(history);
    of(samples.iter().filter(|sample| delays.iter().any(|(from, to)| (*from..*to).contains(&sample.due))))
}

/// How fast answers came among these operations; those that had none do not count.
pub(super) fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> BTreeMap<String, Pace> {
    let mut kinds: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for sample in samples.filter(|sample| sample.ending == Ending::Ok) {
        let Some(ended) = sample.ended else { continue };
        kinds.entry(sample.kind.to_string()).or_default().push(ended.saturating_sub(sample.due));
    }
    kinds.into_iter().map(|(kind, latencies)| (kind, pace(latencies))).collect()
}

fn pace(mut latencies: Vec<u64>) -> Pace {
    latencies.sort_unstable();
    // The smallest that so many of a hundred do not exceed.
    let quantile = |percent: usize| latencies[(percent * latencies.len()).div_ceil(100).saturating_sub(1)];
    let milliseconds = super::outages::milliseconds;
    Pace { count: latencies.len() as u64, p50_ms: milliseconds(quantile(50)), p99_ms: milliseconds(quantile(99)) }
}
