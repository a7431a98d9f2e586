//! The main phase: the workers work while the plan is played, until the time is over or somebody interrupts.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::hooks::{Hooks, Progress};
use super::pool::Pool;
use crate::plan::PlanReport;
use crate::verdict::Endings;

/// How long the end of a plan may take: healing restarts nodes and proves what it does.
const HEAL_LIMIT: Duration = Duration::from_mins(1);
/// The distance between two looks at the progress.
const TICK: Duration = Duration::from_millis(100);

/// What goes on in the main phase.
pub(super) struct MainPhase<'a> {
    pub(super) pool: &'a Pool,
    /// Plays the plan; ends by itself when all of it is done, or when `stop` says so, after it has healed everything.
    pub(super) plan: JoinHandle<PlanReport>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) time: Duration,
    /// Whether the phase ends with the plan, there being no workload beside it.
    pub(super) ends_with_plan: bool,
}

impl MainPhase<'_> {
    /// Carries it out; what became of the plan, or nothing if its player panicked or could not end.
    pub(super) async fn run(mut self, hooks: &Hooks) -> Option<PlanReport> {
        let deadline = self.pool.setting().start + self.time;
        let mut interrupt = hooks.interrupt.clone();
        let mut report = None;
        while Instant::now() < deadline && interrupt.borrow().is_none() {
            self.tell(hooks, "running");
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                _ = interrupt.changed() => {}
                ended = &mut self.plan, if report.is_none() => {
                    report = Some(ended.ok());
                    if self.ends_with_plan { break; }
                }
            }
        }
        self.pool.end_workload();
        self.stop.send_replace(true);
        self.tell(hooks, "healing");
        match report {
            Some(report) => report,
            None => tokio::time::timeout(HEAL_LIMIT, self.plan).await.ok()?.ok(),
        }
    }

    fn tell(&self, hooks: &Hooks, doing: &str) {
        let setting = self.pool.setting();
        let Endings { ok, fail, info } = setting.tally.read();
        let progress = Progress { elapsed: setting.start.elapsed(), ok, fail, info, doing: doing.to_owned() };
        hooks.progress.send_replace(progress);
    }
}
