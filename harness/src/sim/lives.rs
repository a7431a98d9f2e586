//! What happens to a node's process: start, kill, pause, clocks, timers, traps, and a protocol that ends by itself.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use schism_nodes::control::ClockFault;
use schism_nodes::driver::timers::Timers;
use schism_nodes::driver::traps::Traps;
use schism_nodes::{ClientId, Event, Incarnation, NodeId, Protocol, Time};
use serde_json::{Value, json};

use crate::chance;
use crate::cluster::{Disk, NodeState};
use crate::recorder::Draft;
use crate::sim::node::{Process, SimNode};
use crate::sim::panics;
use crate::sim::steps::Setting;
use crate::sim::world::{Happening, World};

impl<P: Protocol> World<P> {
    /// Starts a node that does not run.
    pub(crate) fn start(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        node.state = NodeState::Starting;
        node.incarnation += 1;
        let (id, incarnation) = (node.id, node.incarnation);
        let takes = self.weather.boot.draw(&mut node.rng);
        self.tell(&id, "start", format_args!("life {incarnation}"));
        self.after(takes, Happening::Boot { node: place, incarnation });
    }

    /// The process is there: the protocol starts from what the disk has kept.
    pub(crate) fn boot(&mut self, place: usize, incarnation: Incarnation) {
        let now = self.now;
        let node = &mut self.nodes[place];
        if node.state != NodeState::Starting || node.incarnation != incarnation {
            return;
        }
        node.clock = SimNode::<P>::clock_at(node.clock_fault, now);
        if self.storage.sync {
            node.disk.sync();
        }
        let stable = node.disk.records().to_vec();
        let (id, records) = (node.id, stable.len());
        let setting = Setting::new(id, incarnation, &self.universe, &node.clock, now);
        let seed = chance::key(self.options.seed, &format!("node/{id}/{incarnation}"));
        let (mut rng, mut sequence, mut effects) = (ChaCha8Rng::from_seed(seed), 0, Vec::new());
        let config = self.config.clone();
        let started = panics::quietly(|| {
            catch_unwind(AssertUnwindSafe(|| {
                let protocol = P::start(config, stable, &mut setting.around(&mut rng, &mut sequence, &mut effects));
                protocol.check();
                protocol
            }))
        });
        let local = setting.local;
        self.wires.started(place, incarnation);
        self.tell(&id, "boot", format_args!("life {incarnation}, {records} records"));
        let protocol = match started {
            Ok(protocol) => protocol,
            Err(panic) => return self.died(place, &panics::message(&*panic)),
        };
        let mut process = Process {
            protocol,
            rng,
            sequence,
            timers: Timers::new(),
            traps: self.traps_for(place),
            inbox: VecDeque::new(),
            effects,
            outgoing: VecDeque::new(),
            pending: BTreeMap::new(),
            wakes_at: u64::MAX,
            wakes_for: Time(0),
            syncing: false,
            lazy: false,
            flushing: false,
            standing: VecDeque::new(),
        };
        let node = &mut self.nodes[place];
        let waits = process.take_effects(local, |record| node.disk.write(record));
        node.process = Some(process);
        node.state = NodeState::Up;
        // What changed while it started is put right now.
        self.settle(place);
        if self.commit(place, waits) {
            self.release(place);
        }
        self.run_node(place);
    }

    /// The traps that a new process of a node gets.
    fn traps_for(&self, place: usize) -> Traps {
        let node = &self.nodes[place];
        let mut traps = Traps::default();
        for trap in self.traps.values().filter(|trap| !node.reached.contains(&trap.id)) {
            traps.arm(trap.clone());
        }
        traps
    }

    /// Ends a process as by SIGKILL and does to its disk what is asked; what was done.
    pub(crate) fn kill(&mut self, place: usize, disk: Disk) -> Value {
        let node = &mut self.nodes[place];
        node.process = None;
        node.state = NodeState::Down;
        let mut done = node.disk.damage(disk);
        let (id, incarnation) = (node.id, node.incarnation);
        self.tell(&id, "kill", format_args!("{disk:?} {done}"));
        done["incarnation"] = incarnation.into();
        self.break_connections(place);
        done
    }

    /// A protocol ended its process by itself.
    pub(crate) fn died(&mut self, place: usize, why: &str) {
        let node = &mut self.nodes[place];
        node.process = None;
        node.state = NodeState::Crashed;
        let id = node.id;
        self.tell(&id, "died", format_args!("{why}"));
        let value = json!({ "node": id, "code": 101, "signal": null, "was_ready": true, "log": why });
        self.recording.record(self.now, Draft::died(id, value));
        self.break_connections(place);
    }

    /// Stops a process.
    pub(crate) fn pause(&mut self, place: usize) {
        self.nodes[place].state = NodeState::Paused;
        self.tell(&self.nodes[place].id.clone(), "pause", format_args!(""));
    }

    /// Lets a stopped process go on.
    pub(crate) fn resume(&mut self, place: usize) {
        self.nodes[place].state = NodeState::Up;
        self.tell(&self.nodes[place].id.clone(), "resume", format_args!(""));
        self.go_on(place);
    }

    /// Lets out what has waited while the process stood still, and goes on.
    fn go_on(&mut self, place: usize) {
        if self.nodes[place].steps() {
            self.release(place);
            self.run_node(place);
        }
    }

    /// Bends a node's clocks.
    pub(crate) fn bend(&mut self, place: usize, fault: ClockFault) {
        let now = self.now;
        let node = &mut self.nodes[place];
        node.clock_fault = fault;
        node.clock = node.clock.changed(fault, now).expect("plans have possible rates only");
        if let Some(process) = &mut node.process {
            process.wakes_at = u64::MAX;
        }
        let id = node.id;
        self.tell(&id, "clock", format_args!("ahead by {} ns, rate {}", fault.offset_ns, fault.rate));
        self.run_node(place);
    }

    /// Brings a node into the state that the faults which still hold it want.
    pub(crate) fn settle(&mut self, place: usize) {
        let node = &self.nodes[place];
        match node.state {
            NodeState::Paused if node.holds.paused.is_empty() => self.resume(place),
            NodeState::Down if node.holds.killed.is_empty() => self.start(place),
            _ => {}
        }
        let node = &self.nodes[place];
        let wanted = node.holds.clock();
        if node.state == NodeState::Up && node.clock_fault != wanted {
            self.bend(place, wanted);
        }
    }

    /// Lets a timer expire now, whether it runs or not; why not, if it cannot.
    pub(crate) fn fire(&mut self, place: usize, name: &str) -> Result<Value, String> {
        let id = self.nodes[place].id;
        let Some(process) = self.process(place) else { return Err(format!("{id} was down")) };
        let Ok(timer) = name.parse() else { return Err(format!("{} has no timer {name:?}", P::info().name)) };
        process.timers.set(timer, Time(0));
        self.run_node(place);
        Ok(json!({ "fired": name }))
    }

    /// A client's connection has ended: who asked on it waits no more.
    pub(crate) fn closed(&mut self, place: usize, incarnation: Incarnation, client: ClientId) {
        let alive = self.nodes[place].is_alive() && self.nodes[place].incarnation == incarnation;
        if alive && let Some(process) = self.process(place) {
            process.inbox.push_back(Event::Disconnect { client });
            self.run_node(place);
        }
    }

    /// Tells the plan at which trap a node stands, if at any.
    pub(crate) fn stand_still(&mut self, place: usize) {
        let id = self.nodes[place].id;
        if let Some(&trap) = self.process(place).and_then(|process| process.standing.front()) {
            self.tell(&id, "trap", format_args!("stands at the trap of entry {trap}"));
            self.held(id, trap);
        }
    }

    /// Disarms a trap everywhere; a node that stands at it goes on.
    pub(crate) fn disarm(&mut self, trap: u64) {
        self.traps.remove(&trap);
        for place in 0..self.nodes.len() {
            let Some(process) = self.process(place) else { continue };
            process.traps.disarm(trap);
            let stood = process.standing.front() == Some(&trap);
            process.standing.retain(|other| *other != trap);
            let free = process.standing.is_empty();
            if stood {
                self.tell(&self.nodes[place].id.clone(), "go", format_args!("from the trap of entry {trap}"));
                if free {
                    self.go_on(place);
                } else {
                    self.stand_still(place);
                }
            }
        }
    }

    /// The leader of this moment, as far as notes tell.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.leader.map(|(_, node)| node)
    }
}
