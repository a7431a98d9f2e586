//! One node in memory, for scripts and simulations: its protocol, its disk, its timers and its open requests. It keeps
//! the driver's rule: what a step persists is on the disk before anything of that step is handed out.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use schism_nodes::cx::{Effect, Surroundings};
use schism_nodes::{ClientId, Cx, Event, NodeId, Protocol, Request, RequestId, Time, step};

/// A node in memory.
pub(crate) struct Machine<P: Protocol> {
    id: NodeId,
    universe: Vec<NodeId>,
    config: P::Config,
    node: Option<P>,
    incarnation: u64,
    sequence: u64,
    rng: ChaCha8Rng,
    /// What survives a power loss, and what only a process's end.
    synced: Vec<P::Record>,
    unsynced: Vec<P::Record>,
    /// When each running timer is due.
    pub(crate) timers: BTreeMap<P::Timer, Time>,
    /// How far the wall clock is ahead.
    pub(crate) clock_offset: Duration,
    /// Who waits for which answer.
    pub(crate) open: BTreeMap<RequestId, (ClientId, u64)>,
}

/// What a node loses when it goes down. A process that ends takes nothing along.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Loss {
    /// What was not synced, as when the power fails.
    pub(crate) unsynced: bool,
    /// What was, with the disk.
    pub(crate) synced: bool,
}

impl<P: Protocol> Machine<P> {
    pub(crate) fn new(id: NodeId, nodes: u16, config: P::Config, seed: u64) -> Self {
        Machine {
            id,
            universe: NodeId::universe(nodes),
            config,
            node: None,
            incarnation: 0,
            sequence: 0,
            rng: ChaCha8Rng::seed_from_u64(seed.wrapping_mul(1000).wrapping_add(u64::from(id.0))),
            synced: Vec::new(),
            unsynced: Vec::new(),
            timers: BTreeMap::new(),
            clock_offset: Duration::ZERO,
            open: BTreeMap::new(),
        }
    }

    pub(crate) fn node(&self) -> Option<&P> {
        self.node.as_ref()
    }

    pub(crate) fn disk(&self) -> impl Iterator<Item = &P::Record> {
        self.synced.iter().chain(&self.unsynced)
    }

    /// Starts the node from its disk.
    pub(crate) fn start(&mut self, now: Time) -> Vec<Effect<P>> {
        self.incarnation += 1;
        self.sequence = 0;
        let (stable, config) = (self.disk().cloned().collect(), self.config.clone());
        self.with_context(now, |_, cx| P::start(config, stable, cx))
    }

    /// Takes the node down.
    pub(crate) fn crash(&mut self, loss: Loss) {
        self.node = None;
        self.timers.clear();
        self.open.clear();
        if loss.synced {
            self.synced.clear();
        }
        if loss.unsynced {
            self.unsynced.clear();
        }
        self.synced.append(&mut self.unsynced);
    }

    /// A client's request.
    pub(crate) fn request(&mut self, client: ClientId, request: Request, now: Time) -> Vec<Effect<P>> {
        self.sequence += 1;
        let id = RequestId { node: self.id, incarnation: self.incarnation, sequence: self.sequence };
        self.open.insert(id, (client.clone(), request.serial));
        self.step(Event::Request { id, client, request }, now)
    }

    /// One step. Disk and timers are seen to; the effects are for the caller to show, and to deliver.
    pub(crate) fn step(&mut self, event: Event<P>, now: Time) -> Vec<Effect<P>> {
        if let Event::Timer(timer) = &event {
            self.timers.remove(timer);
        }
        self.with_context(now, |node, cx| {
            let mut node = node.expect("only a node that is up steps");
            step(&mut node, event, cx);
            node
        })
    }

    fn with_context(&mut self, now: Time, act: impl FnOnce(Option<P>, &mut Cx<'_, P>) -> P) -> Vec<Effect<P>> {
        let mut effects = Vec::new();
        let mut cx = Cx::new(Surroundings {
            me: self.id,
            incarnation: self.incarnation,
            nodes: &self.universe,
            now,
            wall: now + self.clock_offset,
            rng: &mut self.rng,
            sequence: &mut self.sequence,
            effects: &mut effects,
        });
        self.node = Some(act(self.node.take(), &mut cx));
        self.carry_out(&effects, now);
        effects
    }

    fn carry_out(&mut self, effects: &[Effect<P>], now: Time) {
        for effect in effects {
            match effect {
                Effect::Persist(record) => {
                    self.synced.append(&mut self.unsynced);
                    self.synced.push(record.clone());
                }
                Effect::PersistLazily(record) => self.unsynced.push(record.clone()),
                Effect::SetTimer { timer, after } => {
                    self.timers.insert(timer.clone(), now + *after);
                }
                Effect::CancelTimer(timer) => {
                    self.timers.remove(timer);
                }
                Effect::Send { .. } | Effect::Reply { .. } | Effect::Tell { .. } | Effect::Note(_) => {}
            }
        }
    }
}
