//! What became of a plan, entry by entry, for `run.json`, the verdict's coverage and the report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::verdict::FaultCount;

/// What became of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// In the order of the plan.
    pub entries: Vec<EntryReport>,
    /// Faults by kind; requests, deliveries and ends are not among them.
    pub faults: BTreeMap<String, FaultCount>,
    /// How many proved faults had the leader of that moment among their targets, and not everybody.
    pub leader_faults: u64,
    /// What could not be undone, in words: a harness failure, unless the node ended by itself.
    pub not_undone: Vec<String>,
}

/// What became of an entry. Times are nanoseconds of the history's clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntryReport {
    /// The entry's number.
    pub id: u64,
    /// The entry's `do`.
    pub kind: String,
    /// Who its targets were, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<u64>,
    /// When it was proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force: Option<u64>,
    /// When it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// What became of it.
    pub fate: Fate,
    /// How it was proved; for a request, how it ended.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub proof: Value,
    /// Whether the leader of that moment was among its targets, and not everybody.
    #[serde(default)]
    pub leader: bool,
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It took effect, and that was seen.
    Proved,
    /// It fell on nobody; why.
    Skipped(String),
    /// Its target was dead or stopped all the while; which.
    Moot(String),
    /// It was applied and could not be proved: a harness failure; what was not seen.
    Unproved(String),
    /// Not begun before the end of the run.
    NotReached,
}

impl EntryReport {
    /// Nothing has happened yet.
    pub(crate) fn new(id: u64, kind: &str) -> Self {
        EntryReport {
            id,
            kind: kind.to_owned(),
            targets: Vec::new(),
            begun: None,
            in_force: None,
            ended: None,
            fate: Fate::NotReached,
            proof: Value::Null,
            leader: false,
        }
    }
}

impl PlanReport {
    /// Counts the entries of a plan, in its order.
    pub(crate) fn of(entries: Vec<EntryReport>, not_undone: Vec<String>) -> Self {
        let mut faults: BTreeMap<String, FaultCount> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| !["request", "deliver", "end"].contains(&entry.kind.as_str())) {
            let count = faults.entry(entry.kind.clone()).or_default();
            count.planned += 1;
            *match &entry.fate {
                Fate::Proved => &mut count.proved,
                Fate::Skipped(_) => &mut count.skipped,
                Fate::Moot(_) => &mut count.moot,
                Fate::Unproved(_) => &mut count.unproved,
                Fate::NotReached => &mut count.not_reached,
            } += 1;
        }
        let leader_faults = entries.iter().filter(|entry| entry.leader && entry.fate == Fate::Proved).count() as u64;
        PlanReport { entries, faults, leader_faults, not_undone }
    }

    /// The faults that were applied and could not be proved, in words: each is a harness failure.
    pub fn unproved(&self) -> Vec<String> {
        let words = |entry: &EntryReport| match &entry.fate {
            Fate::Unproved(what) => Some(format!("{} (entry {}) could not be proved: {what}", entry.kind, entry.id)),
            _ => None,
        };
        self.entries.iter().filter_map(words).collect()
    }
}
