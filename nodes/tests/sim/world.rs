//! The world of a seed: nodes, a network that loses, doubles and delays, clients, and a nemesis. Time jumps from event to
//! event.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schism_nodes::cx::Effect;
use schism_nodes::{ClientId, Event, NodeId, Outcome, Protocol, Request, RequestKind, Time};
use serde_json::json;

use super::oracle::{Oracle, Registers};
use crate::common::{Loss, Machine};

const CLIENTS: usize = 10;
const KEYS: u64 = 3;
/// How long faults come, and how long the cluster then has to serve again.
const TROUBLED: Duration = Duration::from_secs(4);
const CALM: Duration = Duration::from_secs(3);

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) ok: u64,
    pub(crate) crashes: u64,
    pub(crate) steps: u64,
}

impl std::ops::Add for Summary {
    type Output = Summary;

    fn add(self, other: Summary) -> Summary {
        Summary { ok: self.ok + other.ok, crashes: self.crashes + other.crashes, steps: self.steps + other.steps }
    }
}

/// Which faults a seed has, and how much of them: a swarm finds what no single mix finds.
struct Swarm {
    loss: f64,
    duplication: f64,
    tail: f64,
    partitions: bool,
    crashes: bool,
    skew: bool,
}

enum Happening<P: Protocol> {
    Arrive { from: NodeId, to: NodeId, message: P::Message },
    Invoke { worker: usize },
    GiveUp { worker: usize, process: u64 },
    Fault,
    Restart(NodeId),
}

#[derive(Default)]
struct Worker {
    process: u64,
    /// The operation under way: what, and since when.
    open: Option<(RequestKind, u64)>,
    /// The value that was last read, by key: what a compare-and-set expects.
    seen: BTreeMap<String, serde_json::Value>,
}

/// A run of one seed.
pub(crate) struct World<P: Protocol, O: Oracle<P>> {
    machines: BTreeMap<NodeId, Machine<P>>,
    agenda: BTreeMap<(Time, u64), Happening<P>>,
    workers: Vec<Worker>,
    cut: BTreeSet<(NodeId, NodeId)>,
    swarm: Swarm,
    rng: ChaCha8Rng,
    now: Time,
    /// Counts events; it also orders invocations and completions.
    sequence: u64,
    values: u64,
    serves_cas: bool,
    serves_delete: bool,
    /// Whether nodes lose their disks, one at a time: the next one when the others have what they need again.
    wipes: bool,
    oracle: O,
    registers: Registers,
    summary: Summary,
}

impl<P: Protocol, O: Oracle<P>> World<P, O> {
    pub(crate) fn new(nodes: u16, config: &P::Config, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let swarm = Swarm {
            loss: if rng.random_bool(0.5) { rng.random_range(0.0..0.2) } else { 0.0 },
            duplication: if rng.random_bool(0.5) { rng.random_range(0.0..0.2) } else { 0.0 },
            tail: if rng.random_bool(0.5) { rng.random_range(0.0..0.3) } else { 0.0 },
            partitions: rng.random_bool(0.7),
            crashes: rng.random_bool(0.7),
            skew: rng.random_bool(0.5),
        };
        let machine = |id| (id, Machine::new(id, nodes, config.clone(), seed));
        let mut world = World {
            machines: NodeId::universe(nodes).into_iter().map(machine).collect(),
            agenda: BTreeMap::new(),
            workers: (0..CLIENTS).map(|_| Worker::default()).collect(),
            cut: BTreeSet::new(),
            swarm,
            rng,
            now: Time(1_000_000_000),
            sequence: 0,
            values: 0,
            serves_cas: P::info().requests.contains(&"cas"),
            serves_delete: P::info().requests.contains(&"delete"),
            wipes: false,
            oracle: O::default(),
            registers: Registers::default(),
            summary: Summary::default(),
        };
        for id in NodeId::universe(nodes) {
            if world.swarm.skew {
                let ahead = Duration::from_micros(world.rng.random_range(0..5000));
                world.machine(id).clock_offset = ahead;
            }
            world.start(id);
        }
        for worker in 0..CLIENTS {
            world.later(1..20_000, Happening::Invoke { worker });
        }
        world.later(200_000..400_000, Happening::Fault);
        world
    }

    /// The same world, in which disks are lost as well.
    pub(crate) fn with_lost_disks(self, wipes: bool) -> Self {
        World { wipes, ..self }
    }

    /// Runs to the end: trouble, then calm, in which the cluster has to serve again.
    pub(crate) fn run(mut self) -> Summary {
        let healed_at = self.now + TROUBLED;
        self.run_until(healed_at);
        self.swarm = Swarm { loss: 0.0, duplication: 0.0, tail: 0.0, partitions: false, crashes: false, skew: false };
        self.cut.clear();
        let before = self.summary.ok;
        self.run_until(healed_at + CALM);
        assert!(self.summary.ok > before + 100, "the cluster does not serve again after the faults");
        self.registers.check_failed();
        self.summary
    }

    fn run_until(&mut self, end: Time) {
        loop {
            let timers = self
                .machines
                .iter()
                .flat_map(|(id, machine)| machine.timers.iter().map(move |timer| (timer.1, id, timer.0)));
            let timer = timers.min().map(|(due, id, timer)| (*due, *id, timer.clone()));
            let next = self.agenda.first_key_value().map(|(key, _)| key.0);
            match (timer, next) {
                (Some((due, id, timer)), next) if next.is_none_or(|next| due <= next) => {
                    if due > end {
                        break;
                    }
                    self.now = self.now.max(due);
                    self.step(id, Event::Timer(timer));
                }
                (_, Some(next)) if next <= end => {
                    let ((due, _), happening) = self.agenda.pop_first().expect("there is a first one");
                    self.now = self.now.max(due);
                    self.happen(happening);
                }
                _ => break,
            }
        }
        self.now = end;
    }

    fn happen(&mut self, happening: Happening<P>) {
        match happening {
            Happening::Arrive { from, to, message } => {
                if !self.cut.contains(&(from, to)) && self.machine(to).node().is_some() {
                    self.step(to, Event::Message { from, message });
                }
            }
            Happening::Invoke { worker } => self.invoke(worker),
            Happening::GiveUp { worker, process } => {
                if self.workers[worker].process == process && self.workers[worker].open.is_some() {
                    self.end_process(worker);
                }
            }
            Happening::Fault => self.fault(),
            Happening::Restart(id) => self.start(id),
        }
    }

    fn machine(&mut self, id: NodeId) -> &mut Machine<P> {
        self.machines.get_mut(&id).expect("a node of the universe")
    }

    fn later(&mut self, micros: std::ops::Range<u64>, happening: Happening<P>) {
        let after = Duration::from_micros(self.rng.random_range(micros));
        self.sequence += 1;
        self.agenda.insert((self.now + after, self.sequence), happening);
    }

    fn start(&mut self, id: NodeId) {
        let now = self.now;
        let effects = self.machine(id).start(now);
        let disk: Vec<P::Record> = self.machine(id).disk().cloned().collect();
        self.oracle.restarted(id, &disk);
        for record in disk {
            let line = serde_json::to_string(&record).expect("records serialise");
            assert_eq!(serde_json::from_str::<P::Record>(&line).ok(), Some(record), "{line}");
        }
        self.release(id, effects);
    }

    fn step(&mut self, id: NodeId, event: Event<P>) {
        self.summary.steps += 1;
        let now = self.now;
        let effects = self.machine(id).step(event, now);
        // A crash between the sync and the sends: the disk has it, and nobody hears of it.
        if self.swarm.crashes && self.rng.random_bool(0.0002) {
            let kept = effects.into_iter().filter(|effect| matches!(effect, Effect::Persist(_))).collect();
            self.release(id, kept);
            self.crash(id);
        } else {
            self.release(id, effects);
        }
    }

    fn release(&mut self, id: NodeId, effects: Vec<Effect<P>>) {
        self.oracle.observe(id, &effects);
        for effect in effects {
            match effect {
                Effect::Send { to, message } if to == id => {
                    self.later(1..2, Happening::Arrive { from: id, to, message });
                }
                Effect::Send { to, message } => self.send(id, to, &message),
                Effect::Reply { id: request, outcome } => {
                    if let Some((client, _)) = self.machine(id).open.remove(&request) {
                        self.complete(&client, &outcome);
                    }
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, from: NodeId, to: NodeId, message: &P::Message) {
        if self.rng.random_bool(0.01) {
            // What goes over a wire arrives as it was sent.
            let wire = serde_json::to_string(message).expect("messages serialise");
            assert_eq!(serde_json::from_str::<P::Message>(&wire).ok().as_ref(), Some(message), "{wire}");
        }
        let copies = if self.rng.random_bool(self.swarm.duplication) { 2 } else { 1 };
        for _ in 0..copies {
            if self.rng.random_bool(self.swarm.loss) {
                continue;
            }
            let slow = self.rng.random_bool(self.swarm.tail);
            let micros = if slow { 1000..60_000 } else { 200..1500 };
            self.later(micros, Happening::Arrive { from, to, message: message.clone() });
        }
    }

    fn crash(&mut self, id: NodeId) {
        self.summary.crashes += 1;
        // A process that ends keeps what it wrote; a power loss takes what was not synced.
        let mut loss = Loss { unsynced: !self.rng.random_bool(0.5), synced: false };
        let is_whole = |machine: &Machine<P>| machine.node().is_some_and(|node| !node.status().contains("recovering"));
        if self.wipes && self.machines.values().all(is_whole) && self.rng.random_bool(0.5) {
            loss = Loss { unsynced: true, synced: true };
        }
        self.machine(id).crash(loss);
        self.later(1000..600_000, Happening::Restart(id));
    }

    fn fault(&mut self) {
        self.later(100_000..500_000, Happening::Fault);
        let ids: Vec<NodeId> = self.machines.keys().copied().collect();
        if self.swarm.crashes && self.rng.random_bool(0.5) {
            let id = ids[self.rng.random_range(0..ids.len())];
            if self.machine(id).node().is_some() {
                self.crash(id);
            }
        }
        self.cut.clear();
        if self.swarm.partitions && self.rng.random_bool(0.7) {
            let inside: BTreeSet<NodeId> = ids.iter().copied().filter(|_| self.rng.random_bool(0.4)).collect();
            let one_way = self.rng.random_bool(0.2);
            for &a in &ids {
                for &b in &ids {
                    if inside.contains(&a) && !inside.contains(&b) {
                        self.cut.insert((a, b));
                        if !one_way {
                            self.cut.insert((b, a));
                        }
                    }
                }
            }
        }
    }
}

// Clients.
impl<P: Protocol, O: Oracle<P>> World<P, O> {
    fn invoke(&mut self, worker: usize) {
        let count = u16::try_from(self.machines.len()).expect("few nodes");
        let node = NodeId(self.rng.random_range(1..=count));
        if self.machine(node).node().is_none() {
            return self.later(5_000..20_000, Happening::Invoke { worker });
        }
        let key = format!("k{}", self.rng.random_range(0..KEYS));
        self.values += 1;
        let value = json!(self.values);
        let seen = self.workers[worker].seen.get(&key).cloned();
        let kind = match (self.rng.random_range(0..10), seen) {
            (0..5, _) => RequestKind::Read { key },
            (5, _) if self.serves_delete => RequestKind::Delete { key },
            (5, Some(from)) if self.serves_cas => RequestKind::Cas { key, from, to: value },
            _ => RequestKind::Write { key, value },
        };
        self.sequence += 1;
        let invoked = self.sequence;
        self.workers[worker].open = Some((kind.clone(), invoked));
        let process = self.workers[worker].process;
        self.later(300_000..300_001, Happening::GiveUp { worker, process });
        let now = self.now;
        let request = Request { serial: invoked, kind };
        let effects = self.machine(node).request(ClientId(format!("{worker}.{process}")), request, now);
        self.release(node, effects);
    }

    fn complete(&mut self, client: &ClientId, outcome: &Outcome) {
        let (worker, process) = client.0.split_once('.').expect("our own name");
        let (worker, process): (usize, u64) = (worker.parse().expect("a number"), process.parse().expect("a number"));
        if self.workers[worker].process != process {
            return;
        }
        let Some((kind, invoked)) = self.workers[worker].open.take() else { return };
        self.sequence += 1;
        let ended = self.sequence;
        match outcome {
            Outcome::Ok(answer) => {
                self.summary.ok += 1;
                if let Some(value) = answer.value.clone().filter(|value| !value.is_null()) {
                    self.workers[worker].seen.insert(kind.key().to_owned(), value);
                }
                let version = self.oracle.version(&kind, answer);
                self.registers.ended(&kind, version, invoked, ended, answer.value.as_ref());
                // One request at a time, and the next in the same process.
                self.workers[worker].process += 1;
                self.later(5_000..20_000, Happening::Invoke { worker });
            }
            Outcome::Fail(_) | Outcome::Redirect { .. } => {
                self.registers.failed(&kind);
                self.workers[worker].process += 1;
                self.later(5_000..20_000, Happening::Invoke { worker });
            }
            Outcome::Unknown(_) => self.end_process(worker),
        }
    }

    fn end_process(&mut self, worker: usize) {
        self.workers[worker].open = None;
        self.workers[worker].process += 1;
        self.later(5_000..20_000, Happening::Invoke { worker });
    }
}
