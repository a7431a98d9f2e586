//! Directed plans in virtual time: each plays a deliberate bug with ten seeds, and its correct twin with the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use schism_checker::verdict::Outcome;
use serde::Serialize;

use crate::options::RunOptions;
use crate::plan;
use crate::run::HarnessError;
use crate::sim::defaults;
use crate::sim::sweep::Sweep;

/// How often each plan is played, with seeds from 0 on.
pub const SEEDS: u64 = 10;

/// What playing a plan came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Directed {
    /// The plan, as the folder of its protocol and its own name: `raft/forget-vote`.
    pub plan: String,
    /// The bug's name.
    pub bug: String,
    /// In how many runs the bug acted and something broke.
    pub shown: u64,
    /// The properties that broke, and in how many runs.
    pub properties: BTreeMap<String, u64>,
    /// In how many runs the twin was valid.
    pub twin_valid: u64,
}

impl Directed {
    /// Whether the plan does what it is there for.
    pub fn is_reliable(&self) -> bool {
        self.shown == SEEDS && self.twin_valid == SEEDS
    }
}

/// The plans in the folders of a folder, in order.
pub fn plans(root: &Path) -> std::io::Result<BTreeSet<PathBuf>> {
    let mut plans = BTreeSet::new();
    for folder in fs_err::read_dir(root)? {
        let folder = folder?.path();
        if folder.is_dir() {
            for plan in fs_err::read_dir(folder)? {
                plans.insert(plan?.path());
            }
        }
    }
    Ok(plans)
}

/// What `schism sim --plan PATH` runs. An error says what is wrong with the plan.
pub fn options(path: &Path) -> Result<RunOptions, HarnessError> {
    let plan = plan::load(path).map_err(HarnessError::usage)?;
    let nameless = || HarnessError::usage(format!("{} does not name its system", path.display()));
    let system = plan.system.ok_or_else(nameless)?;
    let options = defaults::options(&system, plan.nodes.unwrap_or(5)).map_err(HarnessError::usage)?;
    Ok(RunOptions { plan: Some(path.to_owned()), faults: Vec::new(), ..options })
}

/// Plays a plan. An error says why that cannot be done.
pub fn play(path: &Path, jobs: usize, cancelled: &AtomicBool) -> Result<Directed, HarnessError> {
    let options = options(path)?;
    let mut twin = options.clone();
    let bug = twin.system.params.remove("bug");
    let bug = bug.ok_or_else(|| HarnessError::usage(format!("the system of {} has no bug", path.display())))?;
    let sweep = |options| Sweep { options, seeds: 0..SEEDS, jobs, wall: None, stop_at_first: false };
    let mut shown = 0;
    let tally = sweep(options).run(cancelled, |result| {
        shown += u64::from(result.verdict.outcome == Outcome::Invalid && result.acted.contains_key(&bug));
        true
    })?;
    let mut twin_valid = 0;
    sweep(twin).run(cancelled, |result| {
        twin_valid += u64::from(result.verdict.outcome == Outcome::Valid);
        true
    })?;
    let properties = tally.violations.into_iter().map(|(name, violation)| (name, violation.runs)).collect();
    Ok(Directed { plan: name(path), bug, shown, properties, twin_valid })
}

/// `raft/forget-vote`.
fn name(path: &Path) -> String {
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{}/{}", text(path.parent().and_then(Path::file_name)), text(path.file_stem()))
}
