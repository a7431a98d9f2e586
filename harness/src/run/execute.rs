//! One run from end to end: prepare, start, wait until the system answers, work, heal, read finally, stop, judge, write.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use schism_checker::history::Header;
use tokio::sync::watch;
use tokio::time::Instant;

use super::conclude::{self, Ending};
use super::deaths;
use super::error::HarnessError;
use super::final_phase::FinalPhase;
use super::hooks::{Hooks, Progress};
use super::main_phase::MainPhase;
use super::pool::Pool;
use super::prepare::Prepared;
use super::ready;
use super::worker::{Setting, Tally};
use crate::chance;
use crate::cluster::machine;
use crate::cluster::{self, Cluster, EventFile, Processes};
use crate::folder::{RunFile, RunFolder, Versions, file};
use crate::machine::Strain;
use crate::network::{Network, ProxyNetwork, ProxyOptions};
use crate::options::RunOptions;
use crate::plan::{self, PlanReport, Stage};
use crate::recorder::Recorder;
use crate::verdict::Verdict;

/// How long the nodes may take to start.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long the system may take to answer at every node before the first operation.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A run that was carried out and judged.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Where everything about it is.
    pub folder: RunFolder,
    /// What was run.
    pub run: RunFile,
    /// What it showed.
    pub verdict: Verdict,
}

/// Carries out a run. An error means that nothing can be said about the system; whatever was started is stopped.
pub async fn execute(options: &RunOptions, hooks: Hooks) -> Result<Finished, HarnessError> {
    let prepared = Prepared::new(options)?;
    let started = jiff::Timestamp::now();
    let folder = RunFolder::create(options, started).map_err(|error| HarnessError::failed(error).at(options.out.display()))?;
    let run = RunFile {
        schism: "run".to_owned(),
        format: crate::folder::FORMAT,
        id: folder.id.clone(),
        started: started.to_string(),
        argv: hooks.argv.clone(),
        versions: Versions::current(),
        seed: options.seed,
        machine: machine::measure(&folder.path),
        options: options.clone(),
        rung: String::new(),
        plan: prepared.plan.clone(),
        entries: Vec::new(),
    };
    let live = Live::start(&prepared, &folder, run, &hooks).await?;
    live.carry_out(prepared, hooks).await
}
