//! The network in virtual time: a link for each ordered pair of nodes, with the rules of the relays of real runs, and
//! links between workers and nodes, which are cut and slowed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_nodes::{Incarnation, LinkOrder, NodeId};
use serde::Serialize;

use crate::chance;
use crate::network::link::{Header, LinkEngine, Offer};
use crate::network::{FaultId, Link, Passage, Rule, Touched, Traffic};
use crate::sim::Spread;
use crate::sim::agenda::Moment;

/// A message on its way, with the life of its sender.
#[derive(Clone, Debug)]
pub(crate) struct Parcel<M> {
    /// Boxed: it is moved often on its way.
    pub(crate) message: Box<M>,
    pub(crate) incarnation: Incarnation,
}

/// What becomes of a message that is sent.
#[derive(Debug)]
pub(crate) enum Fate<M> {
    /// It arrives then.
    Arrives(Moment, Parcel<M>),
    /// Its link keeps it.
    Kept,
    /// It is lost by chance.
    Lost,
    /// It is dropped by name.
    Dropped,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Wires<M> {
    nodes: usize,
    /// By the name of each end.
    places: BTreeMap<String, usize>,
    order: LinkOrder,
    delay: Spread,
    seed: u64,
    all: Vec<Wire<M>>,
    clients: BTreeMap<Link, LinkEngine<()>>,
    /// Which life of each node is the latest: what earlier ones sent is dropped.
    lives: Vec<Incarnation>,
    pub(crate) traffic: Traffic,
}

#[derive(Debug)]
struct Wire<M> {
    engine: LinkEngine<Parcel<M>>,
    rng: ChaCha8Rng,
    /// On a link that keeps its order, nothing arrives before this.
    last: Moment,
    /// A rule has asked for types of messages.
    by_type: bool,
    /// When it will be seen to that messages leave.
    planned: Moment,
}

impl<M: Clone + Serialize> Wires<M> {
    /// Links between all of them; those between coordinators beside clients nobody uses.
    pub(crate) fn new(ends: &[NodeId], order: LinkOrder, delay: Spread, seed: u64) -> Self {
        let nodes = ends.len();
        let wire = |place: usize| {
            let name = format!("{}->{}", ends[place / nodes], ends[place % nodes]);
            Wire {
                engine: LinkEngine::new(chance::key(seed, &format!("link/{name}")), order),
                rng: chance::stream(seed, &format!("delay/{name}")),
                last: 0,
                by_type: false,
                planned: Moment::MAX,
            }
        };
        Wires {
            nodes,
            places: ends.iter().enumerate().map(|(place, end)| (end.to_string(), place)).collect(),
            order,
            delay,
            seed,
            all: (0..nodes * nodes).map(wire).collect(),
            clients: BTreeMap::new(),
            lives: vec![0; nodes],
            traffic: Traffic::default(),
        }
    }

    /// The number of a link, by the places of its ends.
    pub(crate) fn wire(&self, from: usize, to: usize) -> usize {
        from * self.nodes + to
    }

    /// The places of a link's ends.
    pub(crate) fn ends(&self, wire: usize) -> (usize, usize) {
        (wire / self.nodes, wire % self.nodes)
    }

    /// A message leaves its sender.
    pub(crate) fn send(&mut self, now: Moment, wire: usize, message: M) -> Fate<M> {
        self.traffic.sent += 1;
        let incarnation = self.lives[wire / self.nodes];
        let here = &mut self.all[wire];
        let kind = if here.by_type { kind_of(&message) } else { String::new() };
        let header = Header { kind: &kind, probe: false, incarnation, bytes: 0 };
        let mut parcel = Some(Parcel { message: Box::new(message), incarnation });
        let offer = here.engine.offer(time(now), &header, || parcel.take().expect("it is made once"));
        match (offer, parcel) {
            (Offer::Pass, Some(parcel)) => Fate::Arrives(self.arrival(now, wire), parcel),
            (Offer::Lost, _) => {
                self.traffic.lost += 1;
                Fate::Lost
            }
            (Offer::Dropped, _) => {
                self.traffic.dropped += 1;
                Fate::Dropped
            }
            _ => Fate::Kept,
        }
    }

    /// The next message that its link lets go of now, and when it arrives.
    pub(crate) fn due(&mut self, now: Moment, wire: usize) -> Option<(Moment, Parcel<M>)> {
        let waiting = self.all[wire].engine.next(time(now))?;
        self.traffic.duplicated += u64::from(waiting.copy);
        Some((self.arrival(now, wire), waiting.message))
    }

    /// When somebody has to see to it that the link lets go of its next message, unless somebody does already.
    pub(crate) fn plan(&mut self, wire: usize) -> Option<Moment> {
        let here = &mut self.all[wire];
        let due = here.engine.next_due().map(moment).filter(|due| *due < here.planned)?;
        here.planned = due;
        Some(due)
    }

    /// What was planned is being done.
    pub(crate) fn planned(&mut self, wire: usize) {
        self.all[wire].planned = Moment::MAX;
    }

    fn arrival(&mut self, now: Moment, wire: usize) -> Moment {
        let here = &mut self.all[wire];
        let arrival = now + self.delay.draw(&mut here.rng);
        if self.order == LinkOrder::Fifo {
            here.last = here.last.max(arrival);
            return here.last;
        }
        arrival
    }

    /// Whether a message may be delivered that has arrived.
    pub(crate) fn delivers(&mut self, wire: usize, incarnation: Incarnation) -> bool {
        let here = &mut self.all[wire];
        if here.engine.is_cut() {
            here.engine.count_cut(false);
            self.traffic.cut += 1;
            return false;
        }
        let alive = incarnation == self.lives[wire / self.nodes];
        *(if alive { &mut self.traffic.delivered } else { &mut self.traffic.dropped }) += 1;
        alive
    }

    /// A node has a new life.
    pub(crate) fn started(&mut self, place: usize, incarnation: Incarnation) {
        self.lives[place] = incarnation;
        for to in 0..self.nodes {
            let wire = self.wire(place, to);
            self.traffic.dropped += self.all[wire].engine.forget_before(incarnation).len() as u64;
        }
    }

    /// How long a message between a worker and a node is on its way, or that it is lost.
    pub(crate) fn passage(&mut self, rng: &mut ChaCha8Rng, link: impl FnOnce() -> Link) -> Passage {
        let base = Duration::from_nanos(self.delay.draw(rng));
        if self.clients.is_empty() {
            return Passage { cut: false, delay: base };
        }
        let (cut, delay) = self.clients.get_mut(&link()).map(LinkEngine::passage).unwrap_or_default();
        Passage { cut, delay: base + delay }
    }

    /// Puts a rule in force.
    pub(crate) fn apply(&mut self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        let by_type = matches!(rule, Rule::Hold { kind: Some(_), .. } | Rule::Drop { kind: Some(_), .. });
        for link in links {
            if let Some(wire) = self.between_nodes(link) {
                self.all[wire].by_type |= by_type;
                self.all[wire].engine.apply(fault, rule);
            } else {
                let seed = chance::key(self.seed, &format!("link/{link}"));
                let engine = self.clients.entry(link.clone()).or_insert_with(|| LinkEngine::new(seed, self.order));
                engine.apply(fault, rule);
            }
        }
    }

    fn between_nodes(&self, link: &Link) -> Option<usize> {
        Some(self.wire(self.place(&link.from)?, self.place(&link.to)?))
    }

    /// The place of an end that is a node, or a coordinator beside a client.
    pub(crate) fn place(&self, end: &str) -> Option<usize> {
        self.places.get(end).copied()
    }

    /// Ends all rules of a fault.
    pub(crate) fn lift(&mut self, now: Moment, fault: FaultId) {
        for engine in self.clients.values_mut() {
            engine.lift(fault, true, time(now));
        }
        for wire in &mut self.all {
            wire.engine.lift(fault, true, time(now));
        }
    }

    /// Lets go of up to `count` messages that a hold has kept, the oldest of all links first; how many there were.
    pub(crate) fn release(&mut self, now: Moment, hold: FaultId, count: Option<u64>, deliver: bool) -> u64 {
        let mut kept: Vec<(Duration, usize)> = Vec::new();
        for (place, wire) in self.all.iter().enumerate() {
            kept.extend(wire.engine.held(hold).map(|offered| (offered, place)));
        }
        kept.sort_unstable();
        kept.truncate(count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX)));
        let mut released = 0;
        for (_, place) in kept {
            let (number, dropped) = self.all[place].engine.release(hold, 1, deliver, time(now));
            released += number;
            self.traffic.dropped += dropped.len() as u64;
        }
        released
    }

    /// How many messages a fault has touched.
    pub(crate) fn touched(&self, fault: FaultId) -> Touched {
        let nodes: Touched = self.all.iter().map(|wire| wire.engine.touched(fault)).sum();
        nodes + self.clients.values().map(|engine| engine.touched(fault)).sum::<Touched>()
    }
}

fn time(now: Moment) -> Duration {
    Duration::from_nanos(now)
}

fn moment(time: Duration) -> Moment {
    Moment::try_from(time.as_nanos()).unwrap_or(Moment::MAX)
}

/// The `type` of a message, as it stands on the wire.
pub(crate) fn kind_of(message: &impl Serialize) -> String {
    let value = serde_json::to_value(message).expect("messages can be written as JSON");
    value.get("type").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
