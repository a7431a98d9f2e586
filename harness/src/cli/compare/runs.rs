//! Runs of all systems for all seeds, interleaved, so that none has the better half of the time.

use std::time::Duration;

use tempfile::TempDir;

use super::resolve::Systems;
use crate::cli::problem::Failure;
use crate::cli::series::Series;
use crate::cli::{catalog, output, replay};
use crate::exit::ExitCode;
use crate::faults::Faults;
use crate::folder::RunFolder;
use crate::options::RunOptions;
use crate::plan::{self, Chance};

/// The first runs of a system read its program from disk and wake the machine; they are not counted.
const WARM_UP: Duration = Duration::from_secs(1);

/// Runs that were made: the place of the system, and the folder.
pub(super) type Made = Vec<(usize, RunFolder)>;

/// Runs every system for each seed, A B C, C B A, … The code is that of what could not be done.
pub(super) async fn all(series: &Series, asked: &Systems) -> Result<(Made, ExitCode), Failure> {
    let scratch = replay::scratch()?;
    let mut made = Made::new();
    for options in &asked.options {
        let code = one(series, &warming(options, &scratch), None).await;
        if code != ExitCode::Done {
            return Ok((made, code));
        }
    }
    for (turn, seed) in asked.seeds.clone().enumerate() {
        let plan = drawn(asked, seed, &scratch)?;
        let places = 0..asked.options.len();
        let order: Vec<usize> = if turn % 2 == 0 { places.collect() } else { places.rev().collect() };
        for place in order {
            let options = RunOptions { seed, plan: Some(plan.clone()), ..asked.options[place].clone() };
            let code = one(series, &options, Some((place, &mut made))).await;
            if code != ExitCode::Done {
                return Ok((made, code));
            }
        }
    }
    Ok((made, ExitCode::Done))
}

/// Makes one run, and remembers it where it counts; the code says why no more can be made.
pub(super) async fn one(series: &Series, options: &RunOptions, counts: Option<(usize, &mut Made)>) -> ExitCode {
    match series.run(options).await {
        Ok(finished) => {
            if let Some((place, made)) = counts {
                made.push((place, RunFolder::open(&finished.folder)));
            }
            series.interrupted().unwrap_or(ExitCode::Done)
        }
        Err(failure) => {
            output::tell_problems(&failure.problems);
            failure.code
        }
    }
}

/// A short run without faults, whose folder goes with the scratch folder.
fn warming(options: &RunOptions, scratch: &TempDir) -> RunOptions {
    RunOptions { time: WARM_UP, faults: Vec::new(), out: scratch.path().join("warm-up"), ..options.clone() }
}

/// The plan of a seed in a file: drawn for what all systems have.
fn drawn(asked: &Systems, seed: u64, scratch: &TempDir) -> Result<std::path::PathBuf, Failure> {
    let RunOptions { faults, fault_rate: rate, quiet, time, .. } = asked.options[0].clone();
    let chance = Chance { faults: &faults, rate, quiet, time, seed };
    let plan = plan::draw(&chance, &asked.ground, &Faults::default());
    let plan = plan.map_err(|found| Failure::usage(found.0.iter().map(catalog::plan_problem).collect()))?;
    replay::stored(scratch.path(), &format!("seed-{seed}"), &plan)
}
