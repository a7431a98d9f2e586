//! Every deliberate bug, hunted by chance: which property shows it, after how many seeds, and whether it acts at all. A bug
//! that never acts is no test of anything.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use schism_checker::verdict::Outcome;
use schism_nodes::BugInfo;
use serde::Serialize;

use crate::options::RunOptions;
use crate::run::HarnessError;
use crate::sim::sweep::Sweep;
use crate::spec::Spec;

/// How often each bug is hunted from the beginning, with seeds of its own each time.
pub const STARTS: u64 = 10;
/// The distance between the seeds of two starts.
const START_DISTANCE: u64 = 1_000_000;

/// What is done where no workload is asked for.
const COMMON_WORKLOAD: &str = "register";

/// What hunting one bug came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hunt {
    /// The system with the bug, as one would write it.
    pub system: String,
    /// The workload under which it was hunted.
    pub workload: String,
    /// The bug's name.
    pub bug: String,
    /// Its id.
    pub id: &'static str,
    /// How many seeds each start took until something broke; none where nothing did.
    pub seeds: Vec<Option<u64>>,
    /// The properties that broke, and in how many starts.
    pub properties: BTreeMap<String, u64>,
    /// In how many runs it acted.
    pub acted: u64,
    /// How many runs there were.
    pub runs: u64,
    /// What became of it.
    pub fate: HuntFate,
}

/// What became of a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HuntFate {
    /// Something broke in at least one start.
    Found,
    /// It acted, and nothing broke.
    NotFound,
    /// It never did what it is there for.
    NeverActed,
}

impl Hunt {
    /// The median of the seeds that it took, a start without success counting as more than any other; none where half of
    /// the starts had none.
    pub fn median(&self) -> Option<u64> {
        let mut seeds: Vec<u64> = self.seeds.iter().map(|seeds| seeds.unwrap_or(u64::MAX)).collect();
        seeds.sort_unstable();
        let middle = seeds.get(seeds.len().checked_sub(1)? / 2).copied()?;
        (middle < u64::MAX).then_some(middle)
    }

    /// The system, and the workload where that is not the one that was asked for.
    pub fn words(&self, asked: &Spec) -> String {
        if self.workload == asked.to_string() {
            self.system.clone()
        } else {
            format!("{} -w {}", self.system, self.workload)
        }
    }

    /// In how many starts something broke.
    pub fn found(&self) -> usize {
        self.seeds.iter().flatten().count()
    }
}

/// The system of `options` with a bug and what that needs, under the faults of `options` and those that the bug's own list
/// names with their parameters: no mixture draws a disk that is lost. Judged is what the correct twin promises: a violation that it
/// shows as well finds no bug.
pub fn with_bug(options: &RunOptions, bug: &BugInfo) -> RunOptions {
    let mut system: Spec = options.system.clone();
    for (name, value) in bug.needs.split(',').filter_map(|pair| pair.split_once('=')) {
        system.params.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
    system.params.insert("bug".to_owned(), bug.name.to_owned());
    let special = bug.faults.split(',').filter(|fault| fault.contains(':')).filter_map(|fault| fault.parse().ok());
    let faults = options.faults.iter().cloned().chain(special).collect();
    let (workload, mix) = requests(options, bug);
    RunOptions { system, faults, workload, mix, consistency: "declared".to_owned(), ..options.clone() }
}

/// The workload of `options` with its mix, or the one that the bug needs where that is the common one.
fn requests(options: &RunOptions, bug: &BugInfo) -> (Spec, Vec<(String, u32)>) {
    if bug.workload.is_empty() || options.workload.name != COMMON_WORKLOAD {
        return (options.workload.clone(), options.mix.clone());
    }
    let workload = Spec { name: bug.workload.to_owned(), params: BTreeMap::new() };
    let system = schism_nodes::catalog::protocols().into_iter().find(|info| info.name == options.system.name);
    let serves = system.map(|info| info.requests).unwrap_or_default();
    (workload, schism_workloads::default_mix(bug.workload, &serves))
}

/// Hunts a bug with the seeds, jobs and time on the clock of `sweep`, which are those of each start.
pub fn hunt(sweep: &Sweep, bug: &BugInfo, cancelled: &AtomicBool) -> Result<Hunt, HarnessError> {
    let options = with_bug(&sweep.options, bug);
    let mut hunt = Hunt {
        system: options.system.to_string(),
        workload: options.workload.to_string(),
        bug: bug.name.to_owned(),
        id: bug.id,
        seeds: Vec::new(),
        properties: BTreeMap::new(),
        acted: 0,
        runs: 0,
        fate: HuntFate::NeverActed,
    };
    for start in 0..STARTS {
        let first = sweep.seeds.start + start * START_DISTANCE;
        let seeds = first..first.saturating_add(sweep.seeds.end - sweep.seeds.start);
        let start = Sweep { options: options.clone(), seeds, stop_at_first: true, ..sweep.clone() };
        let tally = start.run(cancelled, |_| true)?;
        hunt.seeds.push((tally.outcome() == Outcome::Invalid).then_some(tally.runs));
        for property in tally.violations.into_keys() {
            *hunt.properties.entry(property).or_default() += 1;
        }
        hunt.acted += tally.acted.get(bug.name).copied().unwrap_or(0);
        hunt.runs += tally.runs;
    }
    hunt.fate = match (hunt.acted, hunt.found()) {
        (0, _) => HuntFate::NeverActed,
        (_, 0) => HuntFate::NotFound,
        _ => HuntFate::Found,
    };
    Ok(hunt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median(seeds: &[Option<u64>]) -> Option<u64> {
        let hunt = Hunt {
            system: String::new(),
            workload: String::new(),
            bug: String::new(),
            id: "",
            seeds: seeds.to_vec(),
            properties: BTreeMap::new(),
            acted: 0,
            runs: 0,
            fate: HuntFate::Found,
        };
        hunt.median()
    }

    #[test]
    fn a_start_without_success_took_longest_of_all() {
        assert_eq!(median(&[Some(3), Some(1), Some(2)]), Some(2));
        assert_eq!(median(&[Some(3), None, Some(2)]), Some(3));
        assert_eq!(median(&[None, None, Some(2)]), None);
        assert_eq!(median(&[]), None);
    }
}
