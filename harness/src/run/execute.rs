//! One run from end to end: prepare, start, wait until the system answers, work, heal, read finally, stop, judge, write.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nix::sys::signal::Signal;
use schism_workloads::{Invocation, Workload};
use tokio::sync::watch;
use tokio::time::Instant;

use super::beside::Beside;
use super::conclude::{self, Conclusion};
use super::error::HarnessError;
use super::final_phase::FinalPhase;
use super::hooks::{Hooks, Progress};
use super::live::Live;
use super::live_check::LiveCheck;
use super::main_phase::MainPhase;
use super::pool::Pool;
use super::prepare::{Prepared, prepare};
use super::ready;
use super::worker::{Setting, Tally};
use crate::client::Dialler;
use crate::cluster::machine::measure;
use crate::folder::{self, RunFile, RunFolder, Versions};
use crate::options::RunOptions;
use crate::plan::{PlanReport, Stage, Step, play};
use crate::verdict::Verdict;

/// How long the system may take to answer at every node before the first operation.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A run that has a verdict.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its folder.
    pub folder: PathBuf,
    /// What was run.
    pub run: RunFile,
    /// What came of it.
    pub verdict: Verdict,
}

/// Makes a run. An error means that nothing can be said about the system; whatever was started has been stopped.
pub async fn execute(options: &RunOptions, hooks: Hooks) -> Result<Finished, HarnessError> {
    let mut prepared = prepare(options)?;
    let started = jiff::Timestamp::now();
    let folder =
        RunFolder::create(options, started).map_err(|error| HarnessError::failed(error).at(options.out.display()))?;
    let in_folder = |error: HarnessError| HarnessError { folder: Some(folder.path.clone()), ..error };
    let mut run = run_file(options, &prepared, &folder, started).map_err(in_folder)?;
    if let Some(inspection) = prepared.system.inspection() {
        let looked = inspection.look(&folder.path).await.map_err(|error| in_folder(HarnessError::failed(error)))?;
        run.tested = Some(looked);
    }
    folder.write_json(folder::file::RUN, &run).map_err(|error| in_folder(HarnessError::failed(error)))?;
    hooks.tell("starting the nodes");
    let live = Live::start(options, &prepared, &folder, hooks.enclosure).await.map_err(in_folder)?;
    let live_check = LiveCheck::start(options, &prepared.model, &folder, hooks.news).map_err(in_folder)?;
    let (workload, steps) = (prepared.workload.take(), std::mem::take(&mut prepared.steps));
    let mut course = Course { options, prepared: &prepared, live: &live, hooks: &hooks, failures: Vec::new() };
    let report = course.run(workload, steps).await;
    let mut failures = course.failures;
    let remains = live.stop().await;
    failures.extend(remains.failures);
    let seen_live = live_check.and_then(LiveCheck::finish);
    let interrupted = hooks.interrupt.borrow().map(|signal: Signal| signal as i32);
    let (traffic, strain) = (remains.traffic, remains.strain);
    let conclusion = Conclusion { folder, run, prepared, report, traffic, strain, failures, interrupted, seen_live };
    conclude::conclude(conclusion, &hooks).await
}

fn run_file(
    options: &RunOptions,
    prepared: &Prepared,
    folder: &RunFolder,
    started: jiff::Timestamp,
) -> Result<RunFile, HarnessError> {
    Ok(RunFile {
        schism: "run".to_owned(),
        format: folder::FORMAT,
        id: folder.id.clone(),
        started: started.to_string(),
        argv: folder::argv(),
        versions: Versions::current(),
        seed: options.seed,
        machine: measure(&folder.path).map_err(|error| HarnessError::failed(error).at(folder.path.display()))?,
        options: options.clone(),
        rung: options.rung().to_string(),
        tested: None,
        plan: prepared.plan.clone(),
        entries: Vec::new(),
    })
}

/// The phases between start and stop, each of which an interrupt cuts short.
struct Course<'a> {
    options: &'a RunOptions,
    prepared: &'a Prepared,
    live: &'a Live,
    hooks: &'a Hooks,
    /// What the harness failed at.
    failures: Vec<String>,
}

impl Course<'_> {
    async fn run(&mut self, workload: Option<Box<dyn Workload>>, steps: Vec<Step>) -> Option<PlanReport> {
        let dialler = match self.live.dialler(self.prepared, None) {
            Ok(dialler) => dialler,
            Err(error) => {
                self.failures.push(error.to_string());
                return None;
            }
        };
        self.hooks.tell("waiting until the system answers");
        // A system that never answers is run all the same: the judge then finds that nothing follows.
        let everyone = self.prepared.everyone();
        self.unless_interrupted(ready::silent_nodes(&dialler, &everyone, READY_LIMIT)).await?;
        let pool = Arc::new(self.pool(dialler, workload));
        let report = self.main_phase(&pool, steps).await;
        if self.hooks.interrupt.borrow().is_none() && self.live.recorder.failure().is_none() {
            let reads = pool.final_reads().unwrap_or_else(|| self.prepared.planned_reads());
            self.final_phase(&pool, reads).await;
        }
        pool.stop().await;
        if self.options.leave_running && self.hooks.interrupt.borrow().is_none() {
            self.hooks.tell("the cluster is left running until Ctrl-C");
            self.unless_interrupted(std::future::pending::<()>()).await;
        }
        report
    }

    fn pool(&self, dialler: Arc<dyn Dialler>, workload: Option<Box<dyn Workload>>) -> Pool {
        let setting = Setting {
            recorder: self.live.recorder.clone(),
            dialler,
            op_timeout: self.options.op_timeout,
            start: Instant::now(),
            processes: AtomicU64::new(0),
            tally: Tally::default(),
            open_loop: self.options.open_loop,
            ackers: std::sync::Mutex::default(),
            beside: (!self.prepared.coordinators.is_empty())
                .then(|| Beside::new(self.live.cluster.clone(), self.prepared.system.clone())),
        };
        Pool::start(Arc::new(setting), self.prepared.nodes.clone(), self.options.concurrency, workload)
    }

    async fn main_phase(&mut self, pool: &Arc<Pool>, steps: Vec<Step>) -> Option<PlanReport> {
        let stop = watch::Sender::new(false);
        let stage = Stage {
            cluster: self.live.cluster.clone(),
            network: self.live.network.clone(),
            workers: pool.clone(),
            recorder: self.live.recorder.clone(),
            seed: self.options.seed,
            start: pool.setting().start,
        };
        let has_workload = self.prepared.has_workload;
        let plan = tokio::spawn(play(steps, has_workload, stage, stop.subscribe()));
        let phase = MainPhase { pool, plan, stop, time: self.options.time, ends_with_plan: !has_workload };
        let report = phase.run(self.hooks).await;
        if report.is_none() {
            self.failures.push("the plan could not be played to its end".to_owned());
        }
        report
    }

    async fn final_phase(&mut self, pool: &Arc<Pool>, reads: Vec<Invocation>) {
        self.hooks.tell("waiting until the nodes have come to rest");
        // Nothing is read before the last open request's deadline has passed.
        self.unless_interrupted(tokio::time::sleep(self.options.op_timeout)).await;
        let phase = FinalPhase {
            cluster: &*self.live.cluster,
            workers: pool.clone(),
            recorder: &self.live.recorder,
            reads,
            recover: self.options.recover,
            settle: (!self.prepared.system.means().ours).then(|| self.prepared.system.recovery()),
        };
        if let Some(Err(error)) = self.unless_interrupted(phase.run()).await {
            self.failures.push(error.to_string());
        }
    }

    /// What comes of a future, or nothing if somebody interrupts first.
    async fn unless_interrupted<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut interrupt = self.hooks.interrupt.clone();
        tokio::select! {
            biased;
            // A caller that is gone does not interrupt.
            Ok(_) = interrupt.wait_for(Option::is_some) => None,
            output = future => Some(output),
        }
    }
}

impl Hooks {
    /// Tells what is being done, without changing the counts.
    pub(super) fn tell(&self, doing: &str) {
        self.progress.send_modify(|progress: &mut Progress| doing.clone_into(&mut progress.doing));
    }
}
