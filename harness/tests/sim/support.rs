//! What the tests share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schism::budget::CheckBudget;
use schism::options::RunOptions;
use schism::sim::{Played, Scenario, Watch, defaults, directed};

/// The options of `schism sim SYSTEM` for a seed.
pub(crate) fn options(system: &str, nodes: u16, seed: u64) -> RunOptions {
    RunOptions { seed, ..defaults::options(system, nodes).unwrap() }
}

/// Plays a run; with its text, if that is wanted.
pub(crate) fn play(options: &RunOptions, trace: bool) -> Played {
    let budget = CheckBudget::new(Duration::from_mins(5), 1 << 32);
    let played =
        Scenario::new(options).and_then(|scenario| scenario.play(Watch::of(&options.system.name), trace, &budget));
    played.unwrap_or_else(|error| panic!("{} with seed {}: {error}", options.system, options.seed))
}

/// The directed plans that stand beside the protocols, as `raft/forget-vote.json`.
pub(crate) fn plans() -> BTreeSet<PathBuf> {
    directed::plans(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../nodes/plans")).unwrap()
}

/// The options of `schism sim --plan PATH`.
pub(crate) fn plan_options(path: &Path, seed: u64) -> RunOptions {
    RunOptions { seed, ..directed::options(path).unwrap() }
}
