//! Plays a plan on a real cluster: each entry starts when its time, its predecessor or its note comes, is put in force,
//! proved, and ended. Whatever ends the play, nothing stays in force.
//!
//! It knows no kind of fault: what one does is behind [`Fault`](crate::faults::Fault).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use schism_nodes::NodeId;
use schism_nodes::control::TrapAction;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::cluster::ClusterEvent;
use crate::network::Link;
use crate::plan::entry::{Start, Step};
use crate::plan::force::InForce;
use crate::plan::perform::perform;
use crate::plan::probes::Probes;
use crate::plan::report::{EntryReport, Fate, PlanReport};
use crate::plan::stage::Stage;

/// Plays a plan to its end, or until `stop` is true; then heals. With `workload` the play lasts until everything that
/// was planned is over; without, faults that have no end of their own end when nothing else is left to do.
pub async fn play(steps: Vec<Step>, workload: bool, stage: Stage, stop: watch::Receiver<bool>) -> PlanReport {
    Player::new(stage).play(steps, workload, stop).await
}

/// Plays plans, and knows what is in force: whoever interrupts a play can still [`heal`](Player::heal).
#[derive(Debug)]
pub struct Player {
    pub(crate) stage: Stage,
    pub(crate) force: InForce,
    pub(crate) probes: Probes,
}

impl Player {
    /// Nothing is in force.
    pub fn new(stage: Stage) -> Arc<Self> {
        let force = InForce::new(stage.cluster.clone(), stage.network.clone());
        Arc::new(Player { stage, force, probes: Probes::default() })
    }

    /// See [`play`]. If the future is dropped, nothing more begins or ends; [`heal`](Player::heal) is then the caller's.
    pub async fn play(self: &Arc<Self>, steps: Vec<Step>, workload: bool, stop: watch::Receiver<bool>) -> PlanReport {
        let show = Arc::new(Show::new(self.clone(), &steps, workload));
        let mut helpers = JoinSet::new();
        helpers.spawn(listen(show.clone(), self.stage.cluster.subscribe()));
        helpers.spawn(forward(show.clone(), stop));
        let names: Vec<(u64, String)> = steps.iter().map(|step| (step.id, step.kind.clone())).collect();
        let refused = self.arm(&steps).await;
        let mut tasks = JoinSet::new();
        for step in steps {
            match refused.get(&step.id) {
                Some(_) => show.over(step.id),
                None => drop(tasks.spawn(perform(show.clone(), step))),
            }
        }
        let mut reports: BTreeMap<u64, EntryReport> = BTreeMap::new();
        while let Some(report) = tasks.join_next().await {
            if let Ok(report) = report {
                reports.insert(report.id, report);
            }
        }
        let mut not_undone = std::mem::take(&mut *show.not_undone.lock().await);
        not_undone.extend(self.heal().await);
        let lost = |(id, kind): (u64, String)| {
            let what = refused.get(&id).cloned().unwrap_or_else(|| "carrying it out panicked".to_owned());
            let lost = EntryReport { fate: Fate::Unproved(what), ..EntryReport::new(id, &kind) };
            reports.remove(&id).unwrap_or(lost)
        };
        PlanReport::of(names.into_iter().map(lost).collect(), not_undone)
    }

    /// Ends everything that is in force, whoever began it: lifts all rules, disarms all traps, resumes the stopped,
    /// restarts the killed, rights the clocks. May be called at any time and more than once; what could not be undone.
    pub async fn heal(&self) -> Vec<String> {
        self.force.heal().await
    }

    /// Arms the traps of all entries that wait for a note; those whose trap was refused, with the reason.
    async fn arm(&self, steps: &[Step]) -> BTreeMap<u64, String> {
        let mut refused = BTreeMap::new();
        for step in steps {
            let Start::When(pattern, _) = &step.start else { continue };
            self.force.armed(step.id);
            if let Err(error) = self.stage.cluster.arm(step.id, pattern, TrapAction::Hold).await {
                refused.insert(step.id, format!("its trap could not be armed: {error}"));
            }
        }
        refused
    }
}

/// One play: who waits for whom.
#[derive(Debug)]
pub(crate) struct Show {
    pub(crate) player: Arc<Player>,
    pub(crate) not_undone: tokio::sync::Mutex<Vec<String>>,
    signals: BTreeMap<u64, Signals>,
    finish: watch::Sender<bool>,
    /// How many entries may still begin or end something by themselves.
    busy: AtomicUsize,
    workload: bool,
}

/// What others may wait for.
#[derive(Debug)]
struct Signals {
    /// The entry is over, in the sense of `after`.
    over: watch::Sender<bool>,
    /// An `end` entry asks it to end.
    end: watch::Sender<bool>,
    /// Nothing of it is in force any more.
    ended: watch::Sender<bool>,
    /// Who stands at its trap.
    held: watch::Sender<Option<NodeId>>,
    /// It is finished, or stands without an end of its own.
    rests: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        let flag = || watch::Sender::new(false);
        Signals {
            over: flag(),
            end: flag(),
            ended: flag(),
            held: watch::Sender::new(None),
            rests: AtomicBool::new(false),
        }
    }
}

/// The play ends.
pub(crate) struct Stopped;

impl Show {
    fn new(player: Arc<Player>, steps: &[Step], workload: bool) -> Self {
        let signals: BTreeMap<u64, Signals> = steps.iter().map(|step| (step.id, Signals::default())).collect();
        let busy = AtomicUsize::new(signals.len());
        Show {
            player,
            not_undone: tokio::sync::Mutex::default(),
            signals,
            finish: watch::Sender::new(false),
            busy,
            workload,
        }
    }

    /// Waits for something, unless the play ends before.
    pub(crate) async fn unless_stopped<T>(&self, what: impl Future<Output = T>) -> Result<T, Stopped> {
        tokio::select! {
            biased;
            () = self.stopped() => Err(Stopped),
            done = what => Ok(done),
        }
    }

    /// Waits for the end of the play.
    pub(crate) async fn stopped(&self) {
        wait(&self.finish).await;
    }

    /// Whether the play ends.
    pub(crate) fn is_stopped(&self) -> bool {
        *self.finish.borrow()
    }

    /// Waits for an entry's start; who made the note, if it was one.
    pub(crate) async fn start(&self, step: &Step) -> Result<Option<NodeId>, Stopped> {
        self.unless_stopped(async {
            match &step.start {
                Start::At(time) => {
                    sleep_until(self.player.stage.start + *time).await;
                    None
                }
                Start::After(other, delay) => {
                    if let Some(signals) = self.signals.get(other) {
                        wait(&signals.over).await;
                    }
                    sleep(*delay).await;
                    None
                }
                Start::When(_, delay) => {
                    let mut held = self.signals.get(&step.id)?.held.subscribe();
                    let that = *held.wait_for(Option::is_some).await.ok()?;
                    sleep(*delay).await;
                    that
                }
            }
        })
        .await
    }

    /// Says that an entry is over, in the sense of `after`.
    pub(crate) fn over(&self, id: u64) {
        if let Some(signals) = self.signals.get(&id) {
            signals.over.send_replace(true);
        }
    }

    /// Says that nothing of an entry is in force any more.
    pub(crate) fn ended(&self, id: u64) {
        self.over(id);
        if let Some(signals) = self.signals.get(&id) {
            signals.ended.send_replace(true);
        }
        self.rests(id);
    }

    /// Says that an entry will do nothing more by itself. Without a workload the play ends when all do.
    pub(crate) fn rests(&self, id: u64) {
        let first = self.signals.get(&id).is_some_and(|signals| !signals.rests.swap(true, Ordering::SeqCst));
        if first && self.busy.fetch_sub(1, Ordering::SeqCst) == 1 && !self.workload {
            self.finish.send_replace(true);
        }
    }

    /// Asks an entry to end, and waits until it has.
    pub(crate) async fn end(&self, id: u64) {
        if let Some(signals) = self.signals.get(&id) {
            signals.end.send_replace(true);
            wait(&signals.ended).await;
        }
    }

    /// Waits until an `end` entry asks this one to end.
    pub(crate) async fn asked_to_end(&self, id: u64) {
        match self.signals.get(&id) {
            Some(signals) => wait(&signals.end).await,
            None => std::future::pending().await,
        }
    }
}

/// Waits for a flag, whose sender lives as long as the play.
async fn wait(flag: &watch::Sender<bool>) {
    let mut flag = flag.subscribe();
    let _ = flag.wait_for(|flag| *flag).await;
}

/// Ends the play when the run says so, or when nobody is left who could.
async fn forward(show: Arc<Show>, mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    show.finish.send_replace(true);
}

/// Passes on what the cluster tells.
async fn listen(show: Arc<Show>, mut events: broadcast::Receiver<ClusterEvent>) {
    loop {
        match events.recv().await {
            Ok(ClusterEvent::Held { node, trap }) => {
                if let Some(signals) = show.signals.get(&trap) {
                    // Others may run into the same trap before it is disarmed; `that` is the first.
                    signals.held.send_if_modified(|held| held.is_none() && held.replace(node).is_none());
                }
            }
            Ok(ClusterEvent::Probe { number, from, to }) => {
                show.player.probes.received(number, Link { from: from.to_string(), to: to.to_string() });
            }
            Ok(ClusterEvent::Note(_) | ClusterEvent::Died { .. }) => {}
            Err(RecvError::Lagged(events)) => tracing::warn!(events, "the plan missed events of the cluster"),
            Err(RecvError::Closed) => return,
        }
    }
}
