//! `verdict.json`: every property of a run, its outcome, its counterexample, and what was covered.

use std::collections::BTreeMap;

use schism_checker::verdict::{Outcome, Property};
use serde::{Deserialize, Serialize};

use crate::machine::Strain;
use crate::measure::Availability;
use crate::network::Traffic;

/// Version of the format of `verdict.json`.
pub const FORMAT: u32 = 1;

/// What a run showed. A function of the files in the run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Always `verdict`.
    pub schism: String,
    /// Version of the format.
    pub format: u32,
    /// The run folder's id, such as `20260824T021700Z-7f3a`.
    pub run: String,
    /// The system with its parameters.
    pub system: String,
    /// The workload with its parameters.
    pub workload: String,
    /// The seed of all chance.
    pub seed: u64,
    /// The kind of network: `proxy`.
    pub rung: String,
    /// The worst outcome of the judged properties, unless the harness failed and nothing is invalid.
    pub outcome: Outcome,
    /// Why the harness could not do what it was asked, if it could not. The history is checked all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness_failure: Option<String>,
    /// The signal that interrupted the run: 2 or 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interrupted: Option<i32>,
    /// The first violation that was seen while the run went on, if it was checked meanwhile and one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<SeenLive>,
    /// What was checked, judged properties first.
    pub properties: Vec<Property>,
    /// What the run covered.
    pub coverage: Coverage,
    /// How available the system was, and how fast, by phase, side and kind. Absent in virtual time, but for open loops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// The command that does it again.
    pub again: String,
}

/// A violation that was seen while the run went on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenLive {
    /// Index of the event with which it became known.
    pub event: u64,
    /// The time of that event, in nanoseconds since the start.
    pub seen_at: Option<u64>,
}

/// What a run covered: without it, `valid` says nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Operations by what was done: `read`, `write`, `cas`.
    pub operations: BTreeMap<String, Endings>,
    /// Seconds from the first to the last operation of the main phase.
    pub seconds: f64,
    /// Faults by kind.
    pub faults: BTreeMap<String, FaultCount>,
    /// How often the target of a fault was the leader of that moment.
    pub leader_faults: u64,
    /// Latency of `ok` operations by what was done, in microseconds.
    pub latency_us: BTreeMap<String, Quantiles>,
    /// Messages between nodes by their fate.
    pub traffic: Traffic,
    /// How often nodes have synced their stable storage, since their disks were wiped last; absent where nothing tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syncs: Option<u64>,
    /// How starved the machine was.
    pub strain: Strain,
}

impl Coverage {
    /// Operations of all kinds together.
    pub fn total(&self) -> Endings {
        self.operations.values().fold(Endings::default(), |sum, endings| Endings {
            ok: sum.ok + endings.ok,
            fail: sum.fail + endings.fail,
            info: sum.info + endings.info,
        })
    }
}

/// Operations by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endings {
    /// Happened.
    pub ok: u64,
    /// Certainly did not happen.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
}

/// Faults of one kind by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultCount {
    /// In the plan.
    pub planned: u64,
    /// In force, and proved to be.
    pub proved: u64,
    /// Fell on nobody.
    pub skipped: u64,
    /// Its target was dead or stopped all the while.
    pub moot: u64,
    /// Applied, and could not be proved: a harness failure.
    pub unproved: u64,
    /// Not begun before the end of the run.
    pub not_reached: u64,
}

/// Quantiles of a latency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50: u64,
    /// 95 of 100 are not above it.
    pub p95: u64,
    /// 99 of 100 are not above it.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}
