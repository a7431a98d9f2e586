//! The rules on the links of a virtual network, and the frames that they keep. No socket and no thread: where frames go is
//! the switch's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schism_nodes::{LinkOrder, NodeId};

use super::addresses;
use super::frame::{self, Offload, VIRTIO};
use crate::network::link::{Header, LinkEngine, Offer};
use crate::network::{FaultId, Link, LinkSeeds, Rule, Touched, Traffic};

/// The most that a link keeps of frames that are delayed or held, in bytes. Further ones are dropped and counted.
const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Whose end of a link it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A node's, by its number.
    Node(u16),
    /// A worker's, by its number.
    Worker(u16),
    /// The controller's own, which no fault names.
    Controller,
}

/// A directed link.
pub(super) type Pair = (Place, Place);

/// A frame on its way, as a wire would carry it, behind an empty virtio header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Frame {
    /// The bytes to write.
    pub(super) bytes: Vec<u8>,
    /// The port of the switch that it leaves by.
    pub(super) port: usize,
}

/// See the module's head.
pub(super) struct Table {
    engines: BTreeMap<Pair, LinkEngine<Frame>>,
    /// The links that keep frames with a time.
    waiting: BTreeSet<Pair>,
    seeds: LinkSeeds,
    pub(super) traffic: Traffic,
}

impl Place {
    /// Of an endpoint by its name.
    pub(super) fn of(endpoint: &str) -> Option<Self> {
        let node = endpoint.parse().ok().filter(|node: &NodeId| !node.is_coordinator());
        let worker = || addresses::worker_number(endpoint).map(Place::Worker);
        node.map(|NodeId(number)| Place::Node(number)).or_else(worker)
    }
}

impl Table {
    pub(super) fn new(seeds: LinkSeeds) -> Self {
        Table { engines: BTreeMap::new(), waiting: BTreeSet::new(), seeds, traffic: Traffic::default() }
    }

    /// Whether a frame on a link may go on as it came, burst and all.
    pub(super) fn is_open(&self, pair: Pair) -> bool {
        self.engines.get(&pair).is_none_or(LinkEngine::is_idle)
    }

    /// A frame that goes on as it came.
    pub(super) fn count_passed(&mut self, bytes: usize) {
        self.traffic.sent += 1;
        self.traffic.delivered += 1;
        self.traffic.bytes += bytes as u64;
    }

    /// A frame could not be written to its receiver's link.
    pub(super) fn count_unwritten(&mut self) {
        self.traffic.dropped += 1;
    }

    /// Takes a frame on a link with rules, cut into what a wire would carry. What may go on comes out of [`Table::next`].
    pub(super) fn take(&mut self, pair: Pair, now: Duration, offload: Offload, frame: &[u8], port: usize) {
        let Some(engine) = self.engines.get_mut(&pair) else { return };
        let probe = frame::udp_port(frame) == Some(addresses::PROBES);
        for segment in frame::on_the_wire(offload, frame) {
            self.traffic.sent += u64::from(!probe);
            self.traffic.bytes += segment.len() as u64;
            if engine.bytes() + segment.len() > QUEUE_BYTES_MAX {
                self.traffic.dropped += u64::from(!probe);
                continue;
            }
            let header = Header { kind: "", probe, incarnation: 0, bytes: segment.len() };
            match engine.offer(now, &header, || Frame { bytes: [&[0; VIRTIO], &segment[..]].concat(), port }) {
                Offer::Lost => self.traffic.lost += u64::from(!probe),
                Offer::Dropped => self.traffic.dropped += u64::from(!probe),
                // A link with rules keeps what may go on, be it for no time at all.
                Offer::Pass | Offer::Kept => {}
            }
        }
        self.waiting.insert(pair);
    }

    /// All frames that are due and not cut.
    pub(super) fn due(&mut self, now: Duration) -> Vec<Frame> {
        let mut due = Vec::new();
        for pair in std::mem::take(&mut self.waiting) {
            let Some(engine) = self.engines.get_mut(&pair) else { continue };
            while let Some(waiting) = engine.next(now) {
                let counts = u64::from(!waiting.is_probe());
                if engine.is_cut() {
                    engine.count_cut(waiting.is_probe());
                    self.traffic.cut += counts;
                    continue;
                }
                *if waiting.copy { &mut self.traffic.duplicated } else { &mut self.traffic.delivered } += counts;
                let mut frame = waiting.message;
                if let Some(draw) = waiting.corrupted {
                    frame::flip(&mut frame.bytes[VIRTIO..], draw);
                }
                due.push(frame);
            }
            if engine.next_due().is_some() {
                self.waiting.insert(pair);
            }
        }
        due
    }

    /// When the next frame is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.waiting.iter().filter_map(|pair| self.engines.get(pair)?.next_due()).min()
    }

    /// Puts a rule in force on links.
    pub(super) fn apply(&mut self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        for link in links {
            let Some(pair) = pair(link) else { continue };
            let seeds = &self.seeds;
            let engine = self.engines.entry(pair).or_insert_with(|| LinkEngine::new(seeds(link), LinkOrder::Any));
            engine.apply(fault, rule);
        }
    }

    /// Ends all rules of a fault.
    pub(super) fn lift(&mut self, fault: FaultId, deliver: bool, now: Duration) {
        for (pair, engine) in &mut self.engines {
            self.traffic.dropped += engine.lift(fault, deliver, now).len() as u64;
            self.waiting.insert(*pair);
        }
    }

    /// Lets go of the oldest frames that a fault holds, over all links.
    pub(super) fn release(&mut self, fault: FaultId, count: Option<u64>, deliver: bool, now: Duration) -> u64 {
        let held = |(pair, engine): (&Pair, &LinkEngine<Frame>)| {
            engine.held(fault).map(|offered| (offered, *pair)).collect::<Vec<_>>()
        };
        let mut held: Vec<(Duration, Pair)> = self.engines.iter().flat_map(held).collect();
        held.sort_unstable();
        held.truncate(count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX)));
        for (_, pair) in &held {
            let Some(engine) = self.engines.get_mut(pair) else { continue };
            self.traffic.dropped += engine.release(fault, 1, deliver, now).1.len() as u64;
            self.waiting.insert(*pair);
        }
        held.len() as u64
    }

    /// How many frames a fault has touched.
    pub(super) fn touched(&self, fault: FaultId) -> Touched {
        self.engines.values().map(|engine| engine.touched(fault)).sum()
    }

    /// Whether a link carries nothing now.
    pub(super) fn is_cut(&self, link: &Link) -> bool {
        pair(link).and_then(|pair| self.engines.get(&pair)).is_some_and(LinkEngine::is_cut)
    }
}

fn pair(link: &Link) -> Option<Pair> {
    Some((Place::of(&link.from)?, Place::of(&link.to)?))
}
