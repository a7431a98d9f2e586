//! Availability and latency by phase, side and kind of operation, from a history alone: what clients wrote down, and what the
//! controller did to the links and nodes meanwhile.
//!
//! An operation belongs to the phase and the side of its contact node at the moment when it was due (or invoked, where nothing
//! says that it was due earlier): a system that blocks then has slow operations, and not few of them. Of a deadline count those
//! operations alone that had so much time before their node's phase or side changed: whoever counts what happened to
//! end within a short phase counts the fast ones.

mod outages;
mod pace;
mod samples;
mod split;
mod timeline;

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use schism_checker::history::{Ending, History};
use serde::{Deserialize, Serialize};

use crate::verdict::{Endings, Quantiles};

pub use outages::Outage;
pub use pace::{Pace, slow};
use samples::Sample;
pub use split::{Part, Service, Split, split};
use timeline::Timeline;

/// The deadlines of availability, in milliseconds.
pub const DEADLINES_MS: [u64; 3] = [100, 1_000, 5_000];
/// Latencies beyond an hour count as an hour.
const LATENCY_US_MAX: u64 = 3_600_000_000;

/// How available a system was, and how fast.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Availability {
    /// By phase, side and kind, in that order; only what had operations.
    pub rows: Vec<Row>,
    /// What each fault did to each side, in the order of the faults.
    pub outages: Vec<Outage>,
}

/// Where in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the first fault.
    Healthy,
    /// While one is in force.
    Faulty,
    /// After one, and before the next.
    Healed,
}

/// With how many others a node can speak, in both directions, be it through others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// All nodes.
    Whole,
    /// More than half of them, itself among them.
    Majority,
    /// Half of them or fewer.
    Minority,
    /// It is dead or stands still.
    Down,
}

impl Phase {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Healthy => "healthy",
            Phase::Faulty => "faulty",
            Phase::Healed => "healed",
        }
    }
}

impl Side {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Whole => "whole",
            Side::Majority => "majority",
            Side::Minority => "minority",
            Side::Down => "down",
        }
    }
}

/// The operations of one kind, at nodes of one side, in one phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Where in the run.
    pub phase: Phase,
    /// On which side.
    pub side: Side,
    /// What was done: `read`, `write`, …
    pub kind: String,
    /// How they ended; all together is what was issued.
    pub endings: Endings,
    /// For each deadline of [`DEADLINES_MS`], in their order.
    pub deadlines: Vec<Met>,
    /// Latency of those that ended `ok`, in microseconds, from when they were due.
    pub latency_us: Quantiles,
}

/// How many operations met a deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The deadline, in milliseconds.
    pub ms: u64,
    /// Those that ended `ok` in time …
    pub ok: u64,
    /// … of those that had so much time.
    pub of: u64,
}

impl Met {
    /// The share that was in time; none where nobody had so much time.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    pub fn share(self) -> Option<f64> {
        (self.of > 0).then(|| self.ok as f64 / self.of as f64)
    }
}

/// Measures a run; nothing where its history has no times or no operation at a node.
pub fn measure(history: &History) -> Option<Availability> {
    let samples = samples::of(history);
    let timeline = Timeline::of(history);
    let mut tallies: BTreeMap<(Phase, Side, String), Tally> = BTreeMap::new();
    for sample in &samples {
        let stay = timeline.stay(&sample.node, sample.due);
        let tally = tallies.entry((stay.phase, stay.side, sample.kind.to_string())).or_insert_with(Tally::new);
        tally.count(sample, stay.until);
    }
    let rows: Vec<Row> = tallies.into_iter().map(|(key, tally)| tally.row(key)).collect();
    (!rows.is_empty()).then(|| Availability { rows, outages: outages::of(&timeline, &samples) })
}

/// On which side each node was, from each change on to the next one, in nanoseconds since the start.
pub fn sides(history: &History) -> Vec<(u64, BTreeMap<String, Side>)> {
    Timeline::of(history).sides_by_time()
}

/// What is counted for a row.
struct Tally {
    endings: Endings,
    deadlines: [Met; 3],
    latencies: Histogram<u64>,
}

impl Tally {
    fn new() -> Self {
        let latencies =
            Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).expect("the bounds are in order and far apart");
        Tally { endings: Endings::default(), deadlines: DEADLINES_MS.map(|ms| Met { ms, ..Met::default() }), latencies }
    }

    /// Counts an operation whose node's phase and side change at `until`.
    fn count(&mut self, sample: &Sample, until: u64) {
        let latency = sample.ended.map(|ended| ended.saturating_sub(sample.due));
        let is_ok = sample.ending == Ending::Ok;
        match sample.ending {
            Ending::Ok => self.endings.ok += 1,
            Ending::Fail => self.endings.fail += 1,
            Ending::Info => self.endings.info += 1,
        }
        for met in &mut self.deadlines {
            let deadline = met.ms * 1_000_000;
            if sample.due.saturating_add(deadline) <= until {
                met.of += 1;
                met.ok += u64::from(is_ok && latency.is_some_and(|latency| latency <= deadline));
            }
        }
        if let Some(latency) = latency.filter(|_| is_ok) {
            self.latencies.saturating_record(latency / 1_000);
        }
    }

    fn row(self, (phase, side, kind): (Phase, Side, String)) -> Row {
        let quantile = |share| self.latencies.value_at_quantile(share);
        let latency_us = Quantiles {
            count: self.latencies.len(),
            p50: quantile(0.5),
            p95: quantile(0.95),
            p99: quantile(0.99),
            max: self.latencies.max(),
        };
        Row { phase, side, kind, endings: self.endings, deadlines: self.deadlines.to_vec(), latency_us }
    }
}

#[cfg(test)]
mod tests;
