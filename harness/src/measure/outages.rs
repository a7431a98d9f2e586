//! What each fault did to each side: how long nothing was answered, and how long it took to come back.

use std::collections::BTreeSet;

use schism_checker::history::Ending;
use serde::{Deserialize, Serialize};

use super::Side;
use super::samples::Sample;
use super::timeline::{Interval, Timeline};

/// A pause between two answers that is longer counts as an outage: 100 ms.
const PAUSE: u64 = 100_000_000;
/// So many operations in a row, all `ok`, and a side is back.
const RECOVERED: usize = 20;

/// What a fault did to a side. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// The fault's number in the plan.
    pub fault: u64,
    /// Its kind.
    pub kind: String,
    /// The side.
    pub side: Side,
    /// Who was on it.
    pub nodes: BTreeSet<String>,
    /// From the begin to the first `ok` write that was due after it; 0 where that took no longer than 100 ms, absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_ms: Option<f64>,
    /// All pauses of more than 100 ms in which somebody waited and nobody was told `ok`, together.
    pub unavailable_ms: f64,
    /// From the end to the first of 20 operations in a row that ended `ok`, where the side had been unavailable; absent if that
    /// did not happen before the next fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recover_ms: Option<f64>,
}

/// Of every fault and each of its sides but those that were down.
pub(super) fn of(timeline: &Timeline, samples: &[Sample]) -> Vec<Outage> {
    let mut ended: Vec<&Sample> = samples.iter().filter(|sample| sample.ended.is_some()).collect();
    ended.sort_by_key(|sample| sample.ended);
    let mut outages = Vec::new();
    for fault in &timeline.faults {
        let next = timeline.faults.iter().map(|other| other.from).filter(|from| *from >= fault.to).min();
        let horizon = next.unwrap_or(timeline.end);
        for (side, nodes) in timeline.sides(fault) {
            if side == Side::Down {
                continue;
            }
            let here: Vec<&Sample> = ended.iter().copied().filter(|sample| nodes.contains(&*sample.node)).collect();
            let unavailable = unavailable(fault, &here);
            outages.push(Outage {
                fault: fault.id,
                kind: fault.kind.to_string(),
                side,
                detect_ms: detect(fault, &here).map(milliseconds),
                unavailable_ms: milliseconds(unavailable),
                recover_ms: (unavailable > 0).then(|| recover(fault, &here, horizon)).flatten().map(milliseconds),
                nodes,
            });
        }
    }
    outages
}

fn detect(fault: &Interval, ended: &[&Sample]) -> Option<u64> {
    let mut writes = ended.iter().filter(|sample| &*sample.kind != "read" && sample.ending == Ending::Ok);
    let first = writes.find_map(|sample| sample.ended.filter(|_| sample.due >= fault.from))?;
    let took = (first <= fault.to).then(|| first - fault.from)?;
    Some(if took <= PAUSE { 0 } else { took })
}

fn unavailable(fault: &Interval, ended: &[&Sample]) -> u64 {
    let oks = ended.iter().filter(|sample| sample.ending == Ending::Ok).filter_map(|sample| sample.ended);
    let within = oks.filter(|time| (fault.from..fault.to).contains(time));
    let (mut last, mut sum) = (fault.from, 0);
    for time in within.chain([fault.to]) {
        let somebody_waited =
            || ended.iter().any(|sample| sample.due < time && sample.ended.is_some_and(|end| end > last));
        if time - last > PAUSE && somebody_waited() {
            sum += time - last;
        }
        last = time;
    }
    sum
}

fn recover(fault: &Interval, ended: &[&Sample], horizon: u64) -> Option<u64> {
    let after: Vec<&&Sample> =
        ended.iter().filter(|sample| sample.ended.is_some_and(|end| (fault.to..horizon).contains(&end))).collect();
    let run = after.windows(RECOVERED).find(|run| run.iter().all(|sample| sample.ending == Ending::Ok))?;
    run[0].ended.map(|end| end - fault.to)
}

#[expect(clippy::cast_precision_loss, reason = "times of runs are far below what a float tells apart")]
pub(super) fn milliseconds(nanoseconds: u64) -> f64 {
    (nanoseconds / 1_000) as f64 / 1_000.0
}
