//! Plays a plan in virtual time: each entry starts when its time, its predecessor or its note comes, is in force at once,
//! and ends. The rules of who waits for whom are those of [`crate::plan::play`]; there is nothing to prove here, but a
//! fault that met nobody is still moot.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_nodes::control::{Trap, TrapAction};
use schism_nodes::{NodeId, Protocol};
use serde_json::{Map, Value, json};

use crate::chance::stream;
use crate::client::Completion;
use crate::cluster::NodeState;
use crate::faults::{Deed, Placed, Standing};
use crate::network::Rule;
use crate::plan::Step;
use crate::plan::entry::{Action, Start};
use crate::plan::force::word;
use crate::plan::perform::told;
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
                let Some(node) = self.resolve(place, that, &node).first().copied() else {
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

// What entries do.
impl<P: Protocol> World<P> {
    fn begin_fault(&mut self, place: usize, deed: Deed, placed: Placed, lasts: bool) {
        let on_leader = self.leader().is_some_and(|leader| placed.nodes.contains(&leader));
        let few = placed.nodes.len() < self.nodes.len();
        let report = &mut self.player.entries[place].report;
        report.leader = on_leader && few;
        let names = placed.value.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
        report.targets = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.record(place, "begin", Value::Object(placed.value.clone()));
        self.begun(place);
        if deed == Deed::GiveUp {
            return self.begin_giving_up(place, placed);
        }
        let standing = self.put_in_force(place, &deed, &placed);
        if let Standing::Proved(proof) = &standing {
            self.in_force(place, proof);
        }
        let entry = &mut self.player.entries[place];
        entry.standing = Some(Stands { deed, placed, standing });
        if matches!(entry.start, Start::When(..)) {
            let id = entry.id;
            self.disarm(id);
        }
        if !lasts {
            return self.end_fault(place);
        }
        self.over(place);
        match self.player.entries[place].duration {
            Some(duration) => self.after(nanoseconds(duration), Happening::Expire { place }),
            None => self.rests(place),
        }
    }

    fn put_in_force(&mut self, place: usize, deed: &Deed, placed: &Placed) -> Standing {
        let id = self.player.entries[place].id;
        match deed {
            Deed::Rule(rule) => {
                self.wires.apply(id, rule, &placed.links);
                self.rule_meets(rule, placed)
            }
            Deed::GiveUp => Standing::Moot("it has no interval".to_owned()),
            deed => self.each_node(placed, |world, node| world.act_on(id, deed, node)),
        }
    }

    /// Whether a rule has something to have an effect on.
    fn rule_meets(&self, rule: &Rule, placed: &Placed) -> Standing {
        if !matches!(rule, Rule::Cut) {
            return Standing::Pending("no message was touched".to_owned());
        }
        let runs = |end: &str| match end.parse::<NodeId>() {
            Ok(node) => self.nodes[Self::place(node)].is_alive(),
            Err(_) => true,
        };
        if placed.links.iter().any(|link| runs(&link.from) && runs(&link.to)) {
            Standing::Proved(json!({ "cut": placed.links.len() }))
        } else {
            Standing::Pending("no link that it cuts had a running node at both ends".to_owned())
        }
    }

    /// Kills, stops or misleads a node, until the fault (and every other that wants it so) is released.
    fn act_on(&mut self, id: u64, deed: &Deed, place: usize) -> Standing {
        let (name, state) = (self.nodes[place].id, self.nodes[place].state);
        let moot = || Standing::Moot(format!("{name} was {}", word(state)));
        let gone = matches!(state, NodeState::Down | NodeState::Crashed);
        let holds = &mut self.nodes[place].holds;
        match deed {
            Deed::Kill(_) if gone => {
                if state == NodeState::Down {
                    holds.killed.insert(id);
                }
                moot()
            }
            Deed::Kill(disk) => {
                holds.killed.insert(id);
                holds.paused.clear();
                Standing::Proved(self.kill(place, *disk))
            }
            Deed::Pause if state == NodeState::Paused => {
                holds.paused.insert(id);
                Standing::Proved(json!({ "already": "stopped" }))
            }
            Deed::Pause if state == NodeState::Up => {
                holds.paused.insert(id);
                self.pause(place);
                Standing::Proved(json!({}))
            }
            Deed::Clock(fault) if state == NodeState::Up => {
                holds.clocks.push((id, *fault));
                self.bend(place, *fault);
                Standing::Proved(json!({ "offset_ns": fault.offset_ns, "rate": fault.rate }))
            }
            _ => moot(),
        }
    }

    fn each_node(&mut self, placed: &Placed, mut act: impl FnMut(&mut Self, usize) -> Standing) -> Standing {
        let (mut proofs, mut moot) = (Map::new(), Vec::new());
        for node in &placed.nodes {
            match act(self, Self::place(*node)) {
                Standing::Proved(proof) => drop(proofs.insert(node.to_string(), proof)),
                Standing::Moot(why) | Standing::Pending(why) | Standing::Unproved(why) => moot.push(why),
            }
        }
        if proofs.is_empty() { Standing::Moot(moot.join("; ")) } else { Standing::Proved(proofs.into()) }
    }

    /// Takes away a fault's share of what is in force.
    fn end_fault(&mut self, place: usize) {
        let id = self.player.entries[place].id;
        let Some(Stands { deed, placed, mut standing }) = self.player.entries[place].standing.take() else { return };
        if let Deed::Rule(rule) = &deed {
            standing = match (self.wires.touched(id), rule, standing) {
                (0, Rule::Cut, Standing::Pending(_)) => match self.rule_meets(rule, &placed) {
                    Standing::Pending(why) => Standing::Moot(why),
                    other => other,
                },
                (0, Rule::Cut, standing) => standing,
                (0, ..) => Standing::Moot("it met no message".to_owned()),
                (touched, ..) => Standing::Proved(json!({ "touched": touched })),
            };
            self.wires.lift(self.now, id);
            self.let_go_everywhere();
        }
        if let Standing::Proved(proof) = &standing {
            self.in_force(place, proof);
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].holds.release(id) {
                self.settle(node);
            }
        }
        self.settle_report(place, standing);
        self.finish(place);
    }

    /// Links whose rules have changed let go of what is due.
    fn let_go_everywhere(&mut self) {
        for wire in 0..self.nodes.len() * self.nodes.len() {
            self.let_go(wire);
        }
    }

    /// Clients that are to die with their next send.
    fn begin_giving_up(&mut self, place: usize, placed: Placed) {
        for name in &placed.workers {
            let worker = self.worker(name);
            self.give_up(worker, place);
        }
        let standing = Standing::Moot("none of its workers began another operation".to_owned());
        self.player.entries[place].standing = Some(Stands { deed: Deed::GiveUp, placed, standing });
    }

    /// A worker's client dies with the operation of that index.
    pub(crate) fn gave_up(&mut self, place: usize, worker: &str, index: u64) {
        let Some(stands) = &mut self.player.entries[place].standing else { return };
        let mut operations = match &stands.standing {
            Standing::Proved(proof) => proof["operations"].as_object().cloned().unwrap_or_default(),
            _ => Map::new(),
        };
        operations.insert(worker.to_owned(), index.into());
        let all = operations.len() == stands.placed.workers.len();
        stands.standing = Standing::Proved(json!({ "operations": operations }));
        if all {
            self.end_fault(place);
        }
    }

    fn fire_at(&mut self, place: usize, that: Option<NodeId>, targets: &Targets, timer: &str) {
        let nodes = self.resolve(place, that, targets);
        self.player.entries[place].report.targets = nodes.iter().map(ToString::to_string).collect();
        if nodes.is_empty() {
            return self.skip(place, "its targets are nobody".to_owned());
        }
        self.begun(place);
        let placed = Placed { nodes: nodes.into_iter().collect(), ..Placed::default() };
        let standing = self.each_node(&placed, |world, node| match world.fire(node, timer) {
            Ok(proof) => Standing::Proved(proof),
            Err(why) => Standing::Moot(why),
        });
        let targets = self.player.entries[place].report.targets.clone();
        self.record(place, "done", json!({ "timer": timer, "targets": targets }));
        self.settle_report(place, standing);
        self.player.entries[place].report.ended = Some(self.recording.time(self.now));
        self.ended(place);
    }

    /// A worker's request of a plan has ended.
    pub(crate) fn answered(&mut self, place: usize, _node: NodeId, completion: &Completion) {
        let time = self.recording.time(self.now);
        let report = &mut self.player.entries[place].report;
        report.fate = Fate::Proved;
        report.proof = told(completion.clone());
        report.ended = Some(time);
        self.ended(place);
    }

    /// An entry ends another one's fault.
    fn end_other(&mut self, place: usize, entry: u64) {
        let Some(other) = self.player.place_of(entry) else { return };
        if self.player.entries[other].ended {
            return self.done(place, json!({ "entry": entry }));
        }
        self.player.entries[other].ends.push(place);
        if self.player.entries[other].standing.is_some() {
            self.end_fault(other);
        }
    }
}

// What is told of entries.
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
        use_it(&Scene { nodes: &self.universe, workers: &workers, leader: self.leader(), that })
    }

    fn resolve(&self, place: usize, that: Option<NodeId>, targets: &Targets) -> Vec<NodeId> {
        let resolved = self.with_scene(that, |scene| targets.resolve(scene, &mut self.entry_rng(place)));
        resolved.nodes.into_iter().collect()
    }
}
