//! Plays a plan in virtual time: each entry starts when its time, its predecessor or its note comes, is in force at once,
//! and ends. The rules of who waits for whom are those of [`crate::plan::play`]; there is nothing to prove here, but a
//! fault that met nobody is still moot.

mod deeds;

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_nodes::control::{Trap, TrapAction};
use schism_nodes::{NodeId, Protocol};
use serde_json::{Value, json};

use crate::chance::stream;
use crate::faults::{Deed, Placed, Standing};
use crate::plan::Step;
use crate::plan::entry::{Action, Start};
use crate::plan::report::{EntryReport, Fate, PlanReport};
use crate::plan::target::{Scene, Targets};
use crate::sim::workers::{Command, Purpose, nanoseconds};
use crate::sim::world::{Happening, World};

/// The entries of a plan and what became of them so far.
#[derive(Debug)]
pub(crate) struct Player {
    entries: Vec<Entry>,
    /// Whether the play lasts as long as the workload, or ends when no entry will do anything by itself.
    workload: bool,
    /// No entry begins any more.
    stopped: bool,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of where the entry is")]
struct Entry {
    id: u64,
    kind: String,
    start: Start,
    action: Option<Action>,
    duration: Option<Duration>,
    report: EntryReport,
    /// What is in force.
    standing: Option<Stands>,
    /// It is on its way: its start was planned, or it has begun.
    started: bool,
    over: bool,
    ended: bool,
    rests: bool,
    /// Entries that wait until nothing of this one is in force any more.
    ends: Vec<usize>,
}

/// A fault in force.
#[derive(Debug)]
struct Stands {
    deed: Deed,
    placed: Placed,
    standing: Standing,
}

impl Player {
    pub(crate) fn new(steps: Vec<Step>, workload: bool) -> Self {
        let entry = |step: Step| Entry {
            report: EntryReport::new(step.id, &step.kind),
            id: step.id,
            kind: step.kind,
            start: step.start,
            action: Some(step.action),
            duration: step.duration,
            standing: None,
            started: false,
            over: false,
            ended: false,
            rests: false,
            ends: Vec::new(),
        };
        Player { entries: steps.into_iter().map(entry).collect(), workload, stopped: false }
    }

    /// What became of the plan.
    pub(crate) fn report(&self) -> PlanReport {
        PlanReport::of(self.entries.iter().map(|entry| entry.report.clone()).collect(), Vec::new())
    }

    /// Whether nothing more will happen by itself.
    fn rests(&self) -> bool {
        self.entries.iter().all(|entry| entry.rests)
    }

    fn place_of(&self, id: u64) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id == id)
    }
}

// When entries start and end.
impl<P: Protocol> World<P> {
    /// The main phase begins: entries with a time are planned, those that wait for a note arm their traps.
    pub(crate) fn begin_play(&mut self) {
        for place in 0..self.player.entries.len() {
            let entry = &mut self.player.entries[place];
            match &entry.start {
                Start::At(time) => {
                    entry.started = true;
                    let time = nanoseconds(*time);
                    self.after(time, Happening::Entry { place, that: None });
                }
                Start::When(pattern, _) => {
                    let trap = Trap { id: entry.id, pattern: pattern.clone(), action: TrapAction::Hold };
                    self.arm(trap);
                }
                Start::After(..) => {}
            }
        }
    }

    fn arm(&mut self, trap: Trap) {
        for node in &mut self.nodes {
            if let Some(process) = &mut node.process {
                process.traps.arm(trap.clone());
            }
        }
        self.traps.insert(trap.id, trap);
    }

    /// A node stands at the trap of an entry; `that` is the first to do so.
    pub(crate) fn held(&mut self, node: NodeId, trap: u64) {
        let Some(place) = self.player.place_of(trap) else { return };
        let entry = &mut self.player.entries[place];
        if let (Start::When(_, delay), false) = (&entry.start, entry.started) {
            entry.started = true;
            let delay = nanoseconds(*delay);
            self.after(delay, Happening::Entry { place, that: Some(node) });
        }
    }

    /// An entry starts.
    pub(crate) fn start_entry(&mut self, place: usize, that: Option<NodeId>) {
        let Some(action) = self.player.entries[place].action.take().filter(|_| !self.player.stopped) else { return };
        match action {
            Action::Fault { mut fault, targets, lasts } => {
                let mut rng = self.entry_rng(place);
                match self.with_scene(that, |scene| fault.place(&targets, scene, &mut rng)) {
                    Ok(placed) => {
                        let deed = fault.deed().expect("other faults were refused before the start");
                        self.begin_fault(place, deed, placed, lasts);
                    }
                    Err(reason) => self.skip(place, reason),
                }
            }
            Action::Fire { targets, timer } => self.fire_at(place, that, &targets, &timer),
            Action::Request { worker, node, request } => {
                let Some(node) = self.with_scene(that, |scene| node.contact(scene, &mut self.entry_rng(place))) else {
                    return self.skip(place, "there is no such node".to_owned());
                };
                self.player.entries[place].report.targets = vec![node.to_string()];
                self.begun(place);
                let worker = self.worker(&worker);
                self.command(worker, Command { node, request, purpose: Purpose::Entry(place) });
            }
            Action::Release { hold, count, deliver } => {
                let released = self.wires.release(self.now, hold, count, deliver);
                self.let_go_everywhere();
                if released == 0 {
                    return self.skip(place, format!("entry {hold} had kept no message"));
                }
                self.done(place, json!({ "entry": hold, "messages": released }));
            }
            Action::End { entry } => self.end_other(place, entry),
        }
    }

    /// The time of an entry's fault is over.
    pub(crate) fn expire(&mut self, place: usize) {
        if self.player.entries[place].standing.is_some() {
            self.end_fault(place);
        }
    }

    /// An entry is over, in the sense of `after`: those that wait for it are on their way.
    fn over(&mut self, place: usize) {
        if std::mem::replace(&mut self.player.entries[place].over, true) {
            return;
        }
        let id = self.player.entries[place].id;
        for place in 0..self.player.entries.len() {
            let entry = &mut self.player.entries[place];
            if let Start::After(other, delay) = entry.start
                && other == id
                && !entry.started
            {
                entry.started = true;
                self.after(nanoseconds(delay), Happening::Entry { place, that: None });
            }
        }
    }

    /// Nothing of an entry is in force any more.
    fn ended(&mut self, place: usize) {
        if matches!(self.player.entries[place].start, Start::When(..)) {
            self.disarm(self.player.entries[place].id);
        }
        self.over(place);
        let entry = &mut self.player.entries[place];
        entry.ended = true;
        let id = entry.id;
        for waiting in std::mem::take(&mut entry.ends) {
            self.done(waiting, json!({ "entry": id }));
        }
        self.rests(place);
    }

    /// An entry will do nothing more by itself. Without a workload the main phase ends when all do.
    fn rests(&mut self, place: usize) {
        let first = !std::mem::replace(&mut self.player.entries[place].rests, true);
        if first && !self.player.workload && !self.player.stopped && self.player.rests() {
            self.end_main_phase();
        }
    }

    /// Whether the play has nothing to do, so that a run without a workload is over at once.
    pub(crate) fn plan_is_empty(&self) -> bool {
        !self.player.workload && self.player.rests()
    }

    /// The main phase is over: nothing more begins, and everything that is in force ends.
    pub(crate) fn stop_play(&mut self) {
        self.player.stopped = true;
        for place in 0..self.player.entries.len() {
            if self.player.entries[place].standing.is_some() {
                self.end_fault(place);
            }
        }
        let traps: Vec<u64> = self.traps.keys().copied().collect();
        for trap in traps {
            self.disarm(trap);
        }
        for place in 0..self.nodes.len() {
            self.nodes[place].holds.release_all();
            self.settle(place);
        }
    }
}

impl<P: Protocol> World<P> {
    fn in_force(&mut self, place: usize, proof: &Value) {
        if self.player.entries[place].report.in_force.is_none() {
            self.record(place, "in-force", json!({ "proof": proof }));
            self.player.entries[place].report.in_force = Some(self.recording.time(self.now));
        }
    }

    fn settle_report(&mut self, place: usize, standing: Standing) {
        let report = &mut self.player.entries[place].report;
        report.fate = match standing {
            Standing::Proved(proof) => {
                report.proof = proof;
                Fate::Proved
            }
            Standing::Moot(which) => Fate::Moot(which),
            Standing::Pending(what) | Standing::Unproved(what) => Fate::Unproved(what),
        };
    }

    /// The end of a fault is recorded, and whoever waits for it goes on.
    fn finish(&mut self, place: usize) {
        let fate = serde_json::to_value(&self.player.entries[place].report.fate).expect("a fate is plain JSON");
        self.record(place, "end", json!({ "fate": fate }));
        self.player.entries[place].report.ended = Some(self.recording.time(self.now));
        self.ended(place);
    }

    fn skip(&mut self, place: usize, reason: String) {
        self.record(place, "skipped", json!({ "reason": reason }));
        self.begun(place);
        self.player.entries[place].report.fate = Fate::Skipped(reason);
        self.ended(place);
    }

    /// Something that is done at once and cannot fail.
    fn done(&mut self, place: usize, what: Value) {
        self.begun(place);
        self.record(place, "done", what.clone());
        let time = self.recording.time(self.now);
        let report = &mut self.player.entries[place].report;
        (report.fate, report.proof, report.ended) = (Fate::Proved, what, Some(time));
        self.ended(place);
    }

    fn begun(&mut self, place: usize) {
        self.player.entries[place].report.begun = Some(self.recording.time(self.now));
    }

    fn record(&mut self, place: usize, phase: &str, value: Value) {
        let entry = &self.player.entries[place];
        let (id, kind) = (entry.id, entry.kind.clone());
        self.tell(&"plan", phase, format_args!("{kind} (entry {id}) {value}"));
        self.recording.nemesis(self.now, &kind, id, phase, value);
    }

    /// Whatever an entry leaves open is drawn from a stream of its own.
    fn entry_rng(&self, place: usize) -> ChaCha8Rng {
        stream(self.options.seed, &format!("play/{}", self.player.entries[place].id))
    }

    fn with_scene<T>(&self, that: Option<NodeId>, use_it: impl FnOnce(&Scene<'_>) -> T) -> T {
        let workers = self.worker_names();
        let (nodes, leader, ackers) = (&self.universe, self.leader(), &self.ackers);
        let coordinators: Vec<NodeId> = self.nodes.iter().skip(nodes.len()).map(|node| node.id).collect();
        use_it(&Scene { nodes, coordinators: &coordinators, workers: &workers, leader, that, ackers })
    }

    fn resolve(&self, place: usize, that: Option<NodeId>, targets: &Targets) -> Vec<NodeId> {
        let resolved = self.with_scene(that, |scene| targets.resolve(scene, &mut self.entry_rng(place)));
        resolved.nodes.into_iter().collect()
    }
}
