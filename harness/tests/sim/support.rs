//! What the tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schism::budget::CheckBudget;
use schism::options::RunOptions;
use schism::sim::{Played, Scenario, Watch, defaults};

/// The options of `schism sim SYSTEM` for a seed.
pub(crate) fn options(system: &str, nodes: u16, seed: u64) -> RunOptions {
    RunOptions { seed, ..defaults::options(system, nodes).unwrap() }
}

/// Plays a run; with its text, if that is wanted.
pub(crate) fn play(options: &RunOptions, trace: bool) -> Played {
    let budget = CheckBudget::new(Duration::from_mins(5), 1 << 32);
    let played = Scenario::new(options).and_then(|scenario| scenario.play(Watch::default(), trace, &budget));
    played.unwrap_or_else(|error| panic!("{} with seed {}: {error}", options.system, options.seed))
}

/// The directed plans that stand beside the protocols, as `raft/forget-vote.json`.
pub(crate) fn plans() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nodes/plans");
    let folders = fs_err::read_dir(root).unwrap().map(|folder| folder.unwrap().path());
    let mut plans: Vec<PathBuf> =
        folders.flat_map(|folder| fs_err::read_dir(folder).unwrap().map(|plan| plan.unwrap().path())).collect();
    plans.sort();
    plans
}

/// The options of `schism sim --plan PATH`.
pub(crate) fn plan_options(path: &Path, seed: u64) -> RunOptions {
    let plan = schism::plan::load(path).unwrap();
    let system = plan.system.expect("a directed plan names its system");
    let options = options(&system, plan.nodes.unwrap_or(5), seed);
    RunOptions { plan: Some(path.to_owned()), faults: Vec::new(), ..options }
}
