//! The world of one run: nodes, network, workers, plan and time, which jumps from one event to the next.
//!
//! Nothing happens but by the agenda, and every choice comes from a stream that is found by its name: a run is a function
//! of its scenario alone.

use std::collections::BTreeMap;

use schism_nodes::control::{Storage, Trap};
use schism_nodes::{ClientId, Incarnation, LinkOrder, NodeId, Outcome, Protocol, RequestKind};
use schism_workloads::Workload;

use crate::options::RunOptions;
use crate::plan::{PlanReport, Step};
use crate::sim::Weather;
use crate::sim::agenda::{Agenda, Moment};
use crate::sim::node::SimNode;
use crate::sim::phases::{Finale, Phase};
use crate::sim::player::Player;
use crate::sim::recording::Recording;
use crate::sim::trace::Trace;
use crate::sim::watch::Watch;
use crate::sim::wires::{Parcel, Wires};
use crate::sim::workers::Worker;

/// Something that is going to happen. Small, since most of it is messages: what is large is boxed.
#[derive(Debug)]
pub(crate) enum Happening<M> {
    /// A message has come to the end of a link.
    Arrive { wire: usize, parcel: Parcel<M> },
    /// A link may let go of something.
    Due { wire: usize },
    /// A node looks at its timers.
    Wake { node: usize, incarnation: Incarnation },
    /// A node's sync is done.
    Synced { node: usize, incarnation: Incarnation },
    /// A node syncs what it wrote lazily.
    Flush { node: usize, incarnation: Incarnation },
    /// A node's process is ready, if this is still the start that counts.
    Boot { node: usize, incarnation: Incarnation },
    /// A request comes to a node.
    Knock { worker: usize, process: u64, serial: u64, node: usize, request: Box<RequestKind> },
    /// An answer comes to a worker.
    Answer { worker: usize, process: u64, serial: u64, outcome: Box<Outcome> },
    /// A worker sees that its connection has ended.
    Reset { worker: usize, process: u64 },
    /// A node sees that a client's connection has ended.
    Closed { node: usize, incarnation: Incarnation, client: ClientId },
    /// A worker's next operation is due.
    Attend { worker: usize, turn: u64 },
    /// The deadline of an operation.
    Deadline { worker: usize, process: u64, serial: u64 },
    /// A node is refused, or gives up connecting: an attempt ends that has reached nobody.
    Refused { worker: usize, process: u64, serial: u64, why: &'static str },
    /// An entry of the plan starts.
    Entry { place: usize, that: Option<NodeId> },
    /// The time of an entry's fault is over.
    Expire { place: usize },
    /// The phase of the run has something to do.
    Phase { turn: u64 },
    /// The final phase tries a read again.
    Again { errand: usize },
}

/// What a run is made of.
pub(crate) struct Setup<P: Protocol> {
    pub(crate) config: P::Config,
    pub(crate) storage: Storage,
    pub(crate) order: LinkOrder,
    pub(crate) coordinators: Vec<NodeId>,
    pub(crate) options: RunOptions,
    pub(crate) weather: Weather,
    pub(crate) retries: f64,
    pub(crate) workload: Option<Box<dyn Workload>>,
    pub(crate) reads: Vec<schism_workloads::Invocation>,
    pub(crate) steps: Vec<Step>,
}

/// See the module's head.
pub(crate) struct World<P: Protocol> {
    pub(crate) config: P::Config,
    pub(crate) storage: Storage,
    pub(crate) options: RunOptions,
    pub(crate) weather: Weather,
    pub(crate) now: Moment,
    pub(crate) agenda: Agenda<Happening<P::Message>>,
    pub(crate) universe: Vec<NodeId>,
    /// Those of the universe, and behind them coordinators beside clients, c1 and on.
    pub(crate) nodes: Vec<SimNode<P>>,
    pub(crate) wires: Wires<P::Message>,
    pub(crate) workers: Vec<Worker>,
    /// The share of failed operations that are tried again.
    pub(crate) retries: f64,
    pub(crate) workload: Option<Box<dyn Workload>>,
    /// The next process number that nobody has.
    pub(crate) processes: u64,
    pub(crate) recording: Recording,
    pub(crate) player: Player,
    /// Traps that are armed, also for nodes that start later.
    pub(crate) traps: BTreeMap<u64, Trap>,
    /// Who stored the last write that was acknowledged.
    pub(crate) ackers: Vec<NodeId>,
    /// The highest epoch of which a leader was told, and by whom.
    pub(crate) leader: Option<(u64, NodeId)>,
    pub(crate) phase: Phase,
    pub(crate) finale: Finale,
    pub(crate) watch: Watch,
    pub(crate) trace: Option<Trace>,
    pub(crate) steps: u64,
    /// What the workload asked so far.
    pub(crate) asked: Vec<Asked>,
}

/// A request of the workload, as it was made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// When, in nanoseconds of the history's clock.
    pub(crate) time: u64,
    pub(crate) worker: std::sync::Arc<str>,
    pub(crate) node: NodeId,
    pub(crate) request: RequestKind,
}

/// What a world has left behind.
pub(crate) struct Remains {
    pub(crate) recording: Recording,
    pub(crate) report: PlanReport,
    pub(crate) watch: Watch,
    pub(crate) trace: Option<Trace>,
    pub(crate) traffic: crate::network::Traffic,
    pub(crate) start: Moment,
    pub(crate) end: Moment,
    pub(crate) steps: u64,
    pub(crate) asked: Vec<Asked>,
}

impl<P: Protocol> World<P> {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(setup: Setup<P>, watch: Watch, trace: bool) -> Self {
        let Setup { config, storage, order, coordinators, options, weather, retries, workload, reads, steps } = setup;
        let (universe, seed) = (NodeId::universe(options.nodes), options.seed);
        let everyone = [&universe[..], &coordinators[..]].concat();
        World {
            config,
            storage,
            weather,
            now: 0,
            agenda: Agenda::new(),
            nodes: everyone.iter().map(|id| SimNode::new(*id, seed)).collect(),
            wires: Wires::new(&everyone, order, weather.delay, seed),
            workers: Vec::new(),
            retries,
            player: Player::new(steps, workload.is_some()),
            workload,
            processes: 0,
            recording: Recording::default(),
            traps: BTreeMap::new(),
            ackers: Vec::new(),
            leader: None,
            phase: Phase::Starting,
            finale: Finale::new(reads),
            watch,
            trace: trace.then(Trace::default),
            steps: 0,
            asked: Vec::new(),
            universe,
            options,
        }
    }

    /// Lets it run to its end.
    pub(crate) fn run(mut self) -> Remains {
        self.begin();
        while !matches!(self.phase, Phase::Over) {
            let Some((when, happening)) = self.agenda.next_by(Moment::MAX) else { break };
            assert!(when >= self.now, "time went back from {} to {when}: {happening:?}", self.now);
            self.now = when;
            self.happen(happening);
        }
        Remains {
            report: self.player.report(),
            recording: self.recording,
            watch: self.watch,
            trace: self.trace,
            traffic: self.wires.traffic,
            start: self.finale.start,
            end: self.now,
            steps: self.steps,
            asked: self.asked,
        }
    }

    fn happen(&mut self, happening: Happening<P::Message>) {
        match happening {
            Happening::Arrive { wire, parcel } => self.arrive(wire, parcel),
            Happening::Due { wire } => self.due(wire),
            Happening::Wake { node, incarnation } => self.wake(node, incarnation),
            Happening::Synced { node, incarnation } => self.synced(node, incarnation),
            Happening::Flush { node, incarnation } => self.flush(node, incarnation),
            Happening::Boot { node, incarnation } => self.boot(node, incarnation),
            Happening::Knock { worker, process, serial, node, request } => {
                self.knock(worker, process, serial, node, *request);
            }
            Happening::Answer { worker, process, serial, outcome } => self.answer(worker, process, serial, *outcome),
            Happening::Reset { worker, process } => self.reset(worker, process),
            Happening::Closed { node, incarnation, client } => self.closed(node, incarnation, client),
            Happening::Attend { worker, turn } => self.attend_in_turn(worker, turn),
            Happening::Deadline { worker, process, serial } => self.deadline(worker, process, serial),
            Happening::Refused { worker, process, serial, why } => self.refused(worker, process, serial, why),
            Happening::Entry { place, that } => self.start_entry(place, that),
            Happening::Expire { place } => self.expire(place),
            Happening::Phase { turn } => self.turn_phase(turn),
            Happening::Again { errand } => self.next_errand(errand),
        }
    }

    /// Enters something that happens after a time in nanoseconds.
    pub(crate) fn after(&mut self, nanoseconds: u64, happening: Happening<P::Message>) {
        self.agenda.enter(self.now.saturating_add(nanoseconds), happening);
    }

    /// The place of a node of the universe, or of a coordinator beside a client.
    pub(crate) fn place(&self, node: NodeId) -> usize {
        node.client().map_or(0, |_| self.universe.len()) + usize::from(node.client().unwrap_or(node.0)) - 1
    }

    /// The coordinator beside a worker, if there is one.
    pub(crate) fn beside(&self, worker: usize) -> Option<NodeId> {
        let beside = self.workers[worker].name.parse().ok().filter(|node: &NodeId| node.is_coordinator())?;
        (self.place(beside) < self.nodes.len()).then_some(beside)
    }

    /// A line of the trace, if there is one.
    pub(crate) fn tell(&mut self, who: &dyn std::fmt::Display, what: &str, detail: std::fmt::Arguments<'_>) {
        if let Some(trace) = &mut self.trace {
            trace.line(self.now, who, what, detail);
        }
    }
}
