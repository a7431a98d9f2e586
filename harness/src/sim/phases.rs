//! The phases of a run: the nodes start, the system is asked until it answers everywhere, the workers work while the plan
//! is played, everything is healed, the nodes come to rest, and every key is read at every node.

use std::collections::BTreeMap;
use std::time::Duration;

use schism_nodes::{Dump, NodeId, Protocol, RequestKind};
use schism_workloads::Invocation;
use serde_json::{Value, json};

use crate::client::Completion;
use crate::cluster::NodeState;
use crate::run::translate;
use crate::sim::agenda::Moment;
use crate::sim::workers::{Command, Purpose, nanoseconds};
use crate::sim::world::{Happening, World};

/// How long the system may take to answer at every node before the first operation.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// The distance between two questions before the start.
const READY_PAUSE: Duration = Duration::from_millis(20);
/// The distance between two dumps that are compared.
const REST: Duration = Duration::from_millis(200);
/// The distance between two attempts at a read that did not succeed.
const RETRY: Duration = Duration::from_millis(100);

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The nodes start, and the system is asked until it answers.
    Starting,
    /// The workers work, the plan is played.
    Working,
    /// No new operation; the open ones may end.
    Waiting,
    /// The nodes come to rest.
    Resting,
    /// Every key is read at every node.
    Reading,
    /// All is done.
    Over,
}

/// What the start and the end of a run have to remember.
#[derive(Debug)]
pub(crate) struct Finale {
    /// What is read finally, where no workload says it.
    reads: Vec<Invocation>,
    /// When the main phase began.
    pub(crate) start: Moment,
    /// When the final phase began.
    begun: Moment,
    /// When the phase under way gives up.
    deadline: Moment,
    /// The last dumps.
    dumps: BTreeMap<NodeId, Option<Dump>>,
    /// What is asked at each node, one after the other.
    errands: Vec<Errand>,
    /// Counts the phases: what was planned for an earlier one does not count.
    turn: u64,
}

/// The questions at one node.
#[derive(Debug)]
struct Errand {
    node: NodeId,
    worker: usize,
    /// Whom the next question goes to: another node where this one has refused and named it.
    asked: NodeId,
    /// The next of the reads.
    next: usize,
    /// All were answered, or the time is over.
    ended: Option<bool>,
}

impl Finale {
    pub(crate) fn new(reads: Vec<Invocation>) -> Self {
        Finale { reads, start: 0, begun: 0, deadline: 0, dumps: BTreeMap::new(), errands: Vec::new(), turn: 0 }
    }
}

impl<P: Protocol> World<P> {
    /// The nodes start, and the system is asked.
    pub(crate) fn begin(&mut self) {
        for place in 0..self.nodes.len() {
            self.start(place);
        }
        self.finale.deadline = nanoseconds(READY_LIMIT);
        let everyone = self.nodes.iter().map(|node| node.id).collect();
        self.send_errands(everyone, |world, node| world.hire(&format!("ready{node}"), None, false));
    }

    /// The system answers, or has had its time: the main phase begins.
    fn begin_main_phase(&mut self) {
        self.enter_phase(Phase::Working, "the workers work, the plan is played");
        self.finale.start = self.now;
        self.recording.begin(self.now);
        // Whoever asked before is no worker of the run, and its numbers are free.
        self.processes = 0;
        for number in 0..self.options.concurrency {
            self.hire(&format!("c{}", number + 1), self.workload.is_some().then_some(number), true);
        }
        self.begin_play();
        if self.plan_is_empty() {
            return self.end_main_phase();
        }
        let turn = self.finale.turn;
        self.after(nanoseconds(self.options.time), Happening::Phase { turn });
        for worker in 0..self.workers.len() {
            self.attend(worker);
        }
    }

    /// The main phase is over: everything is healed, and nothing is read before the last open request's deadline.
    pub(crate) fn end_main_phase(&mut self) {
        if self.phase != Phase::Working {
            return;
        }
        self.enter_phase(Phase::Waiting, "everything is healed; open requests may end");
        self.stop_play();
        let turn = self.finale.turn;
        self.after(nanoseconds(self.options.op_timeout), Happening::Phase { turn });
    }

    /// What was planned for a phase is due.
    pub(crate) fn turn_phase(&mut self, turn: u64) {
        if turn != self.finale.turn {
            return;
        }
        match self.phase {
            Phase::Working => self.end_main_phase(),
            Phase::Waiting => self.begin_resting(),
            Phase::Resting => self.rest(),
            Phase::Starting | Phase::Reading | Phase::Over => {}
        }
    }

    fn begin_resting(&mut self) {
        self.enter_phase(Phase::Resting, "the nodes come to rest");
        self.finale.begun = self.now;
        self.finale.deadline = self.now + nanoseconds(self.options.recover);
        self.recording.nemesis(self.now, "final", 0, "begin", Value::Null);
        self.rest();
    }

    /// Compares each node's dump with its last one.
    fn rest(&mut self) {
        let mut rested = BTreeMap::new();
        for node in self.nodes.iter().take(self.universe.len()) {
            let process = node.process.as_ref().filter(|_| node.state == NodeState::Up);
            let dump = process.map(|process| process.protocol.dump());
            let rests = dump.is_some() && self.finale.dumps.get(&node.id) == Some(&dump);
            rested.insert(node.id.to_string(), rests);
            self.finale.dumps.insert(node.id, dump);
        }
        if rested.values().all(|rests| *rests) || self.now >= self.finale.deadline {
            self.tell_held();
            self.recording.nemesis(self.now, "final", 0, "in-force", json!({ "rested": rested }));
            return self.begin_reading();
        }
        let turn = self.finale.turn;
        self.after(nanoseconds(REST), Happening::Phase { turn });
    }

    /// Every node of the universe that is up tells what it holds.
    fn tell_held(&mut self) {
        for place in 0..self.universe.len() {
            let up = self.nodes[place].state == NodeState::Up;
            let held = self.process(place).filter(|_| up).map(|process| process.protocol.held());
            for note in held.into_iter().flatten() {
                self.noted(place, &note);
            }
        }
    }

    fn begin_reading(&mut self) {
        self.enter_phase(Phase::Reading, "every key is read at every node");
        if let Some(workload) = &self.workload {
            self.finale.reads = workload.final_reads();
        }
        self.send_errands(self.universe.clone(), |world, node| world.worker(&format!("c{}", node.0)));
    }

    fn end(&mut self) {
        let answered: BTreeMap<String, bool> =
            self.finale.errands.iter().map(|errand| (errand.node.to_string(), errand.ended == Some(true))).collect();
        let seconds = Duration::from_nanos(self.now - self.finale.begun).as_secs_f64();
        self.recording.nemesis(self.now, "final", 0, "end", json!({ "answered": answered, "seconds": seconds }));
        self.enter_phase(Phase::Over, "all is done");
    }

    fn enter_phase(&mut self, phase: Phase, what: &str) {
        self.phase = phase;
        self.finale.turn += 1;
        self.tell(&"run", "phase", format_args!("{what}"));
    }
}

// Questions at every node.
impl<P: Protocol> World<P> {
    /// Sends somebody to each of these.
    fn send_errands(&mut self, nodes: Vec<NodeId>, mut who: impl FnMut(&mut Self, NodeId) -> usize) {
        self.finale.errands.clear();
        for node in nodes {
            let worker = who(self, node);
            self.finale.errands.push(Errand { node, worker, asked: node, next: 0, ended: None });
        }
        for errand in 0..self.finale.errands.len() {
            self.next_errand(errand);
        }
    }

    /// Asks the next question, if there is one.
    pub(crate) fn next_errand(&mut self, place: usize) {
        let starting = self.phase == Phase::Starting;
        let errand = &mut self.finale.errands[place];
        let request = if starting {
            (errand.next == 0).then(|| RequestKind::Read { key: "ready".to_owned() })
        } else {
            self.finale.reads.get(errand.next).and_then(|read| translate::request(read).ok())
        };
        let (node, worker) = (errand.asked, errand.worker);
        match request {
            Some(request) => self.command(worker, Command { node, request, purpose: Purpose::Errand(place) }),
            None => self.end_errand(place, true),
        }
    }

    /// A question was answered, or not.
    pub(crate) fn errand_ended(&mut self, place: usize, completion: &Completion) {
        let pause = if self.phase == Phase::Starting { READY_PAUSE } else { RETRY };
        let errand = &mut self.finale.errands[place];
        // Nobody else is asked unasked: that would hide a node which does not serve.
        errand.asked = completion.redirect(&self.universe).unwrap_or(errand.node);
        if matches!(completion, Completion::Ok { .. }) {
            errand.next += 1;
            // The worker is not free before this operation has ended.
            self.after(0, Happening::Again { errand: place });
        } else if self.now + nanoseconds(pause) >= self.finale.deadline {
            self.end_errand(place, false);
        } else {
            self.after(nanoseconds(pause), Happening::Again { errand: place });
        }
    }

    fn end_errand(&mut self, place: usize, answered: bool) {
        self.finale.errands[place].ended = Some(answered);
        if self.finale.errands.iter().all(|errand| errand.ended.is_some()) {
            match self.phase {
                Phase::Starting => self.begin_main_phase(),
                Phase::Reading => self.end(),
                Phase::Working | Phase::Waiting | Phase::Resting | Phase::Over => {}
            }
        }
    }
}
