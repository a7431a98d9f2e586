//! One entry from its start to its end.

use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_nodes::NodeId;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep_until};

use crate::chance::stream;
use crate::client::Completion;
use crate::faults::{Act, Fault, Placed, Standing, each_node};
use crate::plan::entry::{Action, Start, Step};
use crate::plan::force::limited;
use crate::plan::play::{Player, Show, Stopped};
use crate::plan::report::{EntryReport, Fate};
use crate::plan::target::{Scene, Targets};

/// How long a fault that lasts may take to be proved at its begin, and never more than half of its own time.
const PROOF_AT_BEGIN: Duration = Duration::from_millis(500);
/// How long a fault may be kept in force beyond its time to be proved at its end.
const PROOF_AT_END: Duration = Duration::from_secs(2);
/// The same when the play ends.
const PROOF_AT_STOP: Duration = Duration::from_millis(300);
/// How long a fault that is done at once may take.
const PROOF_AT_ONCE: Duration = Duration::from_secs(5);

/// Carries out an entry; what became of it.
pub(crate) async fn perform(show: Arc<Show>, step: Step) -> EntryReport {
    let (id, trapped) = (step.id, matches!(step.start, Start::When(..)));
    let mut report = EntryReport::new(id, &step.kind);
    if let Ok(that) = show.start(&step).await {
        let mut entry = Performance { show: &show, id, kind: step.kind, that, trapped, report };
        entry.act(step.action, step.duration).await;
        report = entry.report;
    }
    if trapped {
        show.player.force.disarm(id).await;
    }
    show.ended(id);
    report
}

struct Performance<'a> {
    show: &'a Show,
    id: u64,
    kind: String,
    that: Option<NodeId>,
    trapped: bool,
    report: EntryReport,
}

impl Performance<'_> {
    async fn act(&mut self, action: Action, duration: Option<Duration>) {
        match action {
            Action::Fault { mut fault, targets, lasts } => {
                let mut rng = self.rng();
                match self.with_scene(|scene| fault.place(&targets, scene, &mut rng)) {
                    Ok(placed) if lasts => self.interval(&*fault, &placed, duration).await,
                    Ok(placed) => self.at_once(&*fault, &placed).await,
                    Err(reason) => self.skip(reason),
                }
            }
            Action::Fire { targets, timer } => self.fire(&targets, &timer).await,
            Action::Request { worker, node, request } => {
                let Some(node) = self.with_scene(|scene| node.contact(scene, &mut self.rng())) else {
                    return self.skip("there is no such node".to_owned());
                };
                self.report.targets = vec![node.to_string()];
                self.begun();
                let completion = self.player().stage.workers.request(&worker, node, request).await;
                self.report.fate = Fate::Proved;
                self.report.proof = told(completion);
                self.report.ended = Some(self.now());
            }
            Action::Release { hold, count, deliver } => {
                let released = self.player().stage.network.release(hold, count, deliver);
                if released == 0 {
                    return self.skip(format!("entry {hold} had kept no message"));
                }
                self.done(json!({ "entry": hold, "messages": released }));
            }
            Action::End { entry } => {
                if let Ok(()) = self.show.unless_stopped(self.show.end(entry)).await {
                    self.done(json!({ "entry": entry }));
                }
            }
        }
    }

    /// A fault with an end: in force, proved, over.
    async fn interval(&mut self, fault: &dyn Fault, placed: &Placed, duration: Option<Duration>) {
        let begun = Instant::now();
        self.begin(placed);
        let patience = duration.map_or(PROOF_AT_BEGIN, |duration| PROOF_AT_BEGIN.min(duration / 2));
        let mut standing = fault.begin(&self.with_deadline(begun + patience), placed).await;
        self.prove(&standing);
        if self.trapped {
            self.player().force.disarm(self.id).await;
        }
        self.show.over(self.id);
        self.until_end(begun, duration).await;
        let patience = if self.show.is_stopped() { PROOF_AT_STOP } else { PROOF_AT_END };
        standing = fault.confirm(&self.with_deadline(Instant::now() + patience), placed, standing).await;
        self.prove(&standing);
        // Up to here it was in force for sure; from here on what it held back may pass.
        self.record("lifting", Value::Null);
        let not_undone = fault.end(&self.with_deadline(Instant::now() + patience), placed).await;
        self.show.not_undone.lock().await.extend(not_undone);
        self.settle(standing);
        self.record("end", json!({ "fate": self.report.fate }));
        self.report.ended = Some(self.now());
    }

    async fn until_end(&self, begun: Instant, duration: Option<Duration>) {
        let own_end = async {
            if let Some(duration) = duration {
                sleep_until(begun + duration).await;
            } else {
                self.show.rests(self.id);
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = own_end => {}
            () = self.show.asked_to_end(self.id) => {}
            () = self.show.stopped() => {}
        }
    }

    /// A fault without an end.
    async fn at_once(&mut self, fault: &dyn Fault, placed: &Placed) {
        self.begin(placed);
        let act = self.with_deadline(Instant::now() + PROOF_AT_ONCE);
        let standing = self.show.unless_stopped(fault.begin(&act, placed)).await;
        let standing = standing.unwrap_or_else(|Stopped| Standing::Moot("the run ended before".to_owned()));
        self.prove(&standing);
        self.settle(standing);
        self.record("end", json!({ "fate": self.report.fate }));
        self.report.ended = Some(self.now());
    }

    async fn fire(&mut self, targets: &Targets, timer: &str) {
        let nodes = self.resolve(targets);
        let placed = Placed { nodes: nodes.iter().copied().collect(), ..Placed::default() };
        self.report.targets = nodes.iter().map(ToString::to_string).collect();
        if nodes.is_empty() {
            return self.skip("its targets are nobody".to_owned());
        }
        self.begun();
        let cluster = &self.player().stage.cluster;
        let standing = each_node(&placed.nodes, |node| limited(node, cluster.fire(node, timer))).await;
        self.record("done", json!({ "timer": timer, "targets": self.report.targets }));
        self.settle(standing);
        self.report.ended = Some(self.now());
    }

    fn begin(&mut self, placed: &Placed) {
        let stage = &self.player().stage;
        let leader = stage.cluster.leader().filter(|leader| placed.nodes.contains(leader));
        self.report.leader = leader.is_some() && placed.nodes.len() < stage.cluster.nodes().len();
        let names = placed.value.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
        self.report.targets = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.record("begin", Value::Object(placed.value.clone()));
        self.begun();
    }

    /// Records the proof, once.
    fn prove(&mut self, standing: &Standing) {
        if let Standing::Proved(proof) = standing
            && self.report.in_force.is_none()
        {
            self.record("in-force", json!({ "proof": proof }));
            self.report.in_force = Some(self.now());
        }
    }

    fn settle(&mut self, standing: Standing) {
        self.report.fate = match standing {
            Standing::Proved(proof) => {
                self.report.proof = proof;
                Fate::Proved
            }
            Standing::Moot(which) => Fate::Moot(which),
            Standing::Pending(what) | Standing::Unproved(what) => Fate::Unproved(what),
        };
    }

    fn skip(&mut self, reason: String) {
        self.record("skipped", json!({ "reason": reason }));
        self.begun();
        self.report.fate = Fate::Skipped(reason);
    }

    /// Something that is done at once and cannot fail.
    fn done(&mut self, what: Value) {
        self.begun();
        self.record("done", what.clone());
        self.report.fate = Fate::Proved;
        self.report.proof = what;
        self.report.ended = Some(self.now());
    }

    fn begun(&mut self) {
        self.report.begun = Some(self.now());
    }

    fn now(&self) -> u64 {
        self.player().stage.recorder.now()
    }

    /// A recorder that has failed remembers that, and the run asks it; there is nothing to do about it here.
    fn record(&self, phase: &str, value: Value) {
        let _ = self.player().stage.recorder.nemesis(&self.kind, self.id, phase, value);
    }

    fn player(&self) -> &Player {
        &self.show.player
    }

    /// Whatever the entry leaves open is drawn from a stream of its own.
    fn rng(&self) -> ChaCha8Rng {
        stream(self.player().stage.seed, &format!("play/{}", self.id))
    }

    fn with_scene<T>(&self, use_it: impl FnOnce(&Scene<'_>) -> T) -> T {
        let stage = &self.player().stage;
        let (nodes, workers, ackers) = (stage.cluster.nodes(), stage.workers.names(), stage.workers.ackers());
        let (coordinators, leader) = (stage.cluster.coordinators(), stage.cluster.leader());
        use_it(&Scene {
            nodes: &nodes,
            coordinators: &coordinators,
            workers: &workers,
            leader,
            that: self.that,
            ackers: &ackers,
        })
    }

    fn resolve(&self, targets: &Targets) -> Vec<NodeId> {
        let resolved = self.with_scene(|scene| targets.resolve(scene, &mut self.rng()));
        resolved.nodes.into_iter().collect()
    }

    fn with_deadline(&self, deadline: Instant) -> Act<'_> {
        let player = self.player();
        Act { id: self.id, stage: &player.stage, force: &player.force, probes: &player.probes, deadline }
    }
}

/// How a request ended, for the report.
pub(crate) fn told(completion: Completion) -> Value {
    let (name, what) = match completion {
        Completion::Ok { value, .. } => ("ok", value.unwrap_or_default()),
        Completion::Fail { error } => ("fail", error),
        Completion::Info { error } => ("info", error),
    };
    Value::Object(Map::from_iter([(name.to_owned(), what)]))
}
