//! What a plan has, counted.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use crate::plan::Plan;
use crate::sim::shrink::times;

/// See the module's head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Nodes of the system.
    pub nodes: u16,
    /// Workers that ask something.
    pub clients: usize,
    /// Keys that are asked for.
    pub keys: usize,
    /// Requests.
    pub operations: usize,
    /// Everything else that is done, by kind.
    pub faults: BTreeMap<String, usize>,
    /// When the last of it is over, in microseconds since the end of the start-up.
    pub end_us: u64,
}

impl Account {
    /// Of a plan.
    pub fn of(plan: &Plan) -> Self {
        let requests = || plan.entries.iter().filter(|entry| entry.action == "request");
        let mut faults: BTreeMap<String, usize> = BTreeMap::new();
        for entry in plan.entries.iter().filter(|entry| entry.action != "request") {
            *faults.entry(entry.action.clone()).or_default() += 1;
        }
        Account {
            nodes: plan.nodes.unwrap_or_default(),
            clients: requests().map(|entry| &entry.on).collect::<BTreeSet<_>>().len(),
            keys: requests()
                .filter_map(|entry| entry.args.get("key"))
                .map(Value::to_string)
                .collect::<BTreeSet<_>>()
                .len(),
            operations: requests().count(),
            faults,
            end_us: u64::try_from(times::end(plan).as_micros()).unwrap_or(u64::MAX),
        }
    }

    /// Entries of the plan, whatever they do.
    pub fn events(&self) -> usize {
        self.operations + self.faults.values().sum::<usize>()
    }
}
