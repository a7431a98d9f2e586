//! One simulated node: its process, as long as it lives, and what outlives it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use schism_nodes::control::ClockFault;
use schism_nodes::driver::clock::Clock;
use schism_nodes::driver::timers::Timers;
use schism_nodes::driver::traps::Traps;
use schism_nodes::{Effect, Event, Incarnation, NodeId, Protocol, Time};

use crate::chance;
use crate::cluster::NodeState;
use crate::plan::force::Holds;
use crate::sim::agenda::Moment;
use crate::sim::disk::Disk;

/// The wall clock of the world when it begins, in nanoseconds since the epoch: the first of January 2026.
const WALL_AT_BEGIN: u64 = 1_767_225_600_000_000_000;

/// A node, alive or not.
pub(crate) struct SimNode<P: Protocol> {
    pub(crate) id: NodeId,
    /// As the history tells it.
    pub(crate) name: Arc<str>,
    pub(crate) state: NodeState,
    /// Of its latest life; 0 before the first.
    pub(crate) incarnation: Incarnation,
    /// Its process, while there is one.
    pub(crate) process: Option<Process<P>>,
    pub(crate) disk: Disk<P::Record>,
    pub(crate) clock: Clock,
    pub(crate) clock_fault: ClockFault,
    /// Which faults keep it in which state.
    pub(crate) holds: Holds,
    /// The note at which it dies with its client, being a coordinator beside one that is about to die.
    pub(crate) dies_at: Option<&'static str>,
    /// Traps that it has run into, in this life or an earlier one.
    pub(crate) reached: BTreeSet<u64>,
    /// What its machine draws: how long syncs and starts take, what is stepped first.
    pub(crate) rng: ChaCha8Rng,
}

/// What a process has and loses with its life.
pub(crate) struct Process<P: Protocol> {
    pub(crate) protocol: P,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) sequence: u64,
    pub(crate) timers: Timers<P::Timer>,
    pub(crate) traps: Traps,
    /// Events that wait to be stepped.
    pub(crate) inbox: VecDeque<Event<P>>,
    /// Effects of the step that is being made; empty between two.
    pub(crate) effects: Vec<Effect<P>>,
    /// Effects of steps that wait for the sync, or for the end of a trap.
    pub(crate) outgoing: VecDeque<Effect<P>>,
    /// Requests that were not answered yet.
    pub(crate) pending: BTreeMap<u64, Pending>,
    /// When it will look at its timers.
    pub(crate) wakes_at: Moment,
    /// The deadline for which it will.
    pub(crate) wakes_for: Time,
    /// A sync is under way.
    pub(crate) syncing: bool,
    /// Records were written lazily since the last sync was planned.
    pub(crate) lazy: bool,
    /// Records wait for a lazy sync.
    pub(crate) flushing: bool,
    /// The traps at which it stands, the first of them first.
    pub(crate) standing: VecDeque<u64>,
}

/// Who waits for an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) worker: usize,
    pub(crate) process: u64,
    pub(crate) serial: u64,
}

impl<P: Protocol> SimNode<P> {
    /// A node that was never started.
    pub(crate) fn new(id: NodeId, seed: u64) -> Self {
        SimNode {
            id,
            name: id.to_string().into(),
            state: NodeState::Down,
            incarnation: 0,
            process: None,
            disk: Disk::new(),
            clock: Self::clock_at(ClockFault::default(), 0),
            clock_fault: ClockFault::default(),
            holds: Holds::default(),
            dies_at: None,
            reached: BTreeSet::new(),
            rng: chance::stream(seed, &format!("machine/{id}")),
        }
    }

    /// The clocks of a process that starts at a moment.
    pub(crate) fn clock_at(fault: ClockFault, now: Moment) -> Clock {
        Clock::start(fault, now, WALL_AT_BEGIN + now).expect("plans have possible rates only")
    }

    /// Whether it takes steps: it runs, waits for no sync, and stands at no trap.
    pub(crate) fn steps(&self) -> bool {
        self.state == NodeState::Up
            && self.process.as_ref().is_some_and(|process| !process.syncing && process.standing.is_empty())
    }

    /// Whether its process is there and stands still, by a pause or at a trap.
    pub(crate) fn stands_still(&self) -> bool {
        self.state == NodeState::Paused || self.process.as_ref().is_some_and(|process| !process.standing.is_empty())
    }

    /// Whether its process is there and is ready, be it stopped.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, NodeState::Up | NodeState::Paused)
    }
}
