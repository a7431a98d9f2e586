//! The `proxy` rung: one relay for each ordered pair of nodes, and for each node and coordinator beside a client both ways, inside the
//! controller. Any Unix, no privileges.
//!
//! Node `n1` dials its relay `n1->n2` where it would dial `n2`; the relay answers as `n2` would, and introduces itself to
//! `n2` as `n1`. A connection carries messages one way only, so a one-way cut is exact. During a cut the relay goes on
//! reading and discards; whether a message is cut is judged when it would be delivered. What the rules do is in
//! [`super::link`]; it needs no socket.
//!
//! Clients need no relay: they ask [`Network::passage`] and lose or delay their own messages.

mod address;
mod log;
mod outbox;
mod peek;
mod relay;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use schism_nodes::{Incarnation, LinkOrder, NodeId};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use self::log::Fate;

use self::address::Addresses;
use self::log::{LogLinks, MessageLog};
use self::relay::{Relay, Wire, WireOptions, lock};
use self::state::LinkState;
use super::{FaultId, Link, LinkSeeds, Network, Passage, Rule, Rung, Touched, Traffic};
use crate::network::link::LinkEngine;

/// Why a network could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Somebody else has an address that the run needs.
    #[error("port {port} of {address} is in use; end what listens there, or let the run choose another address")]
    InUse {
        /// The address.
        address: IpAddr,
        /// The port.
        port: u16,
    },
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the machine said.
        error: io::Error,
    },
    /// No loopback address was free.
    #[error("no loopback address for this run in {attempts} attempts; the last one: {last}")]
    NoAddress {
        /// How many were tried.
        attempts: u64,
        /// What was wrong with the last one.
        last: Box<NetworkError>,
    },
    /// There are not enough ports for so many nodes.
    #[error("{nodes} nodes need {wanted} ports and there is room for {room}; take fewer nodes")]
    TooManyNodes {
        /// How many nodes.
        nodes: usize,
        /// Ports that they need.
        wanted: usize,
        /// Ports that there are.
        room: usize,
    },
    /// A node is there twice.
    #[error("{0} is given twice")]
    Twice(NodeId),
}

/// How a proxy network is built.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// The loopback address of the run; one that is free, where absent.
    pub address: Option<Ipv4Addr>,
    /// Whether a delayed message may be overtaken by a later one.
    pub order: LinkOrder,
    /// The most that a link keeps of messages that are delayed, held or cannot be written yet, in bytes. Further ones
    /// are dropped and counted. No line may be longer.
    pub queue_bytes_max: usize,
    /// The most that the log of messages takes in memory, in bytes. The oldest give way.
    pub log_bytes_max: usize,
    /// Time 0 of the log of messages.
    pub epoch: Instant,
}

impl Default for ProxyOptions {
    fn default() -> Self {
        ProxyOptions {
            address: None,
            order: LinkOrder::Any,
            queue_bytes_max: 64 << 20,
            log_bytes_max: 64 << 20,
            epoch: Instant::now(),
        }
    }
}

/// The network of a run on one machine. It ends, with all its connections, when it is dropped.
pub struct ProxyNetwork {
    run: String,
    addresses: BTreeMap<NodeId, SocketAddr>,
    relays: BTreeMap<(NodeId, NodeId), SocketAddr>,
    wires: Vec<Arc<Wire>>,
    places: BTreeMap<Link, usize>,
    clients: Mutex<BTreeMap<Link, LinkEngine<()>>>,
    /// How many client links have rules: as long as none has, clients are not kept from each other by a lock.
    client_links: AtomicUsize,
    seeds: LinkSeeds,
    options: ProxyOptions,
    log: Arc<Mutex<MessageLog>>,
    tasks: JoinSet<()>,
    _lock: TcpListener,
}

impl fmt::Debug for ProxyNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyNetwork")
            .field("run", &self.run)
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl ProxyNetwork {
    /// Takes addresses for the run and starts its relays. To be called within a tokio runtime.
    pub fn start(run: &str, nodes: &[NodeId], seeds: LinkSeeds, options: ProxyOptions) -> Result<Self, NetworkError> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = nodes.iter().find(|node| !seen.insert(**node)) {
            return Err(NetworkError::Twice(*twice));
        }
        let taken = Addresses::take(run, nodes, options.address)?;
        let mut network = ProxyNetwork {
            run: run.to_owned(),
            addresses: taken.nodes,
            relays: BTreeMap::new(),
            wires: Vec::new(),
            places: BTreeMap::new(),
            clients: Mutex::default(),
            client_links: AtomicUsize::new(0),
            seeds,
            log: Arc::new(Mutex::new(MessageLog::new(options.log_bytes_max))),
            options,
            tasks: JoinSet::new(),
            _lock: taken.lock,
        };
        for (pair, (address, listener)) in taken.relays {
            network.relays.insert(pair, address);
            network.start_relay(pair, listener);
        }
        Ok(network)
    }

    /// The run that it belongs to.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The loopback address that is the run's own while it lasts.
    pub fn loopback(&self) -> Option<IpAddr> {
        self.addresses.values().next().map(SocketAddr::ip)
    }

    fn start_relay(&mut self, (from, to): (NodeId, NodeId), listener: TcpListener) {
        let link = Link { from: from.to_string(), to: to.to_string() };
        let queue = self.options.queue_bytes_max;
        let place = u16::try_from(self.wires.len()).expect("there are fewer relays than ports");
        let state = LinkState::new(place, (self.seeds)(&link), self.options.order, queue);
        let options = WireOptions {
            run: self.run.clone(),
            receiver: self.addresses[&to],
            epoch: self.options.epoch,
            line_bytes_max: queue,
        };
        let wire = Arc::new(Wire::new(link.clone(), options, state, Arc::clone(&self.log)));
        let (accepted, senders) = mpsc::channel(1);
        self.tasks.spawn(relay::accept(Arc::clone(&wire), listener, accepted));
        self.tasks.spawn(Relay::new(Arc::clone(&wire), senders).run());
        self.places.insert(link, self.wires.len());
        self.wires.push(wire);
    }

    fn wire(&self, link: &Link) -> Option<&Arc<Wire>> {
        self.places.get(link).map(|place| &self.wires[*place])
    }

    /// Changes the rules of clients' links.
    fn with_clients(&self, change: impl FnOnce(&mut BTreeMap<Link, LinkEngine<()>>)) {
        let mut clients = lock(&self.clients);
        change(&mut clients);
        let ruled = clients.values().filter(|engine| !engine.is_open()).count();
        self.client_links.store(ruled, Ordering::SeqCst);
    }

    /// How many of the `count` oldest messages that a fault holds, over all links, are on each link.
    fn oldest_held(&self, fault: FaultId, count: u64) -> Vec<(usize, usize)> {
        let mut held: Vec<(Duration, usize)> = Vec::new();
        for (place, wire) in self.wires.iter().enumerate() {
            wire.with(|state, _| held.extend(state.engine.held(fault).map(|offered| (offered, place))));
        }
        held.sort_unstable();
        held.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let mut shares: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, place) in held {
            *shares.entry(place).or_default() += 1;
        }
        shares.into_iter().collect()
    }
}

impl Network for ProxyNetwork {
    fn rung(&self) -> Rung {
        Rung::Proxy
    }

    fn address(&self, node: NodeId) -> SocketAddr {
        *self.addresses.get(&node).unwrap_or_else(|| panic!("{node} is not a node of run {}", self.run))
    }

    fn peers(&self, node: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        let from_node = self.relays.iter().filter(|((from, _), _)| *from == node);
        from_node.map(|((_, to), address)| (*to, *address)).collect()
    }

    fn started(&self, node: NodeId, incarnation: Incarnation) {
        let name = node.to_string();
        for wire in self.wires.iter().filter(|wire| wire.link.from == name) {
            wire.with(|state, now| state.started(now, incarnation));
            wire.changed.notify_one();
        }
    }

    fn apply(&self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        for wire in links.iter().filter_map(|link| self.wire(link)) {
            wire.with(|state, _| state.engine.apply(fault, rule));
        }
        self.with_clients(|clients| {
            for link in links.iter().filter(|link| !self.places.contains_key(link)) {
                let new = || LinkEngine::new((self.seeds)(link), LinkOrder::Fifo);
                clients.entry(link.clone()).or_insert_with(new).apply(fault, rule);
            }
        });
    }

    fn lift(&self, fault: FaultId, deliver: bool) {
        for wire in &self.wires {
            wire.with(|state, now| state.lift(now, fault, deliver));
            wire.changed.notify_one();
        }
        self.with_clients(|clients| {
            for engine in clients.values_mut() {
                engine.lift(fault, deliver, Duration::ZERO);
            }
        });
    }

    fn release(&self, fault: FaultId, count: Option<u64>, deliver: bool) -> u64 {
        let mut released = 0;
        for (place, share) in self.oldest_held(fault, count.unwrap_or(u64::MAX)) {
            let wire = &self.wires[place];
            released += wire.with(|state, now| state.release(now, fault, share, deliver));
            wire.changed.notify_one();
        }
        released
    }

    fn touched(&self, fault: FaultId) -> Touched {
        let between_nodes: Touched =
            self.wires.iter().map(|wire| wire.with(|state, _| state.engine.touched(fault))).sum();
        let of_clients: Touched = lock(&self.clients).values().map(|engine| engine.touched(fault)).sum();
        between_nodes + of_clients
    }

    fn relays(&self, link: &Link) -> bool {
        self.places.contains_key(link)
    }

    fn passage(&self, link: &Link) -> Passage {
        if self.client_links.load(Ordering::SeqCst) == 0 {
            return Passage::default();
        }
        let mut clients = lock(&self.clients);
        let (cut, delay) = clients.get_mut(link).map(LinkEngine::passage).unwrap_or_default();
        Passage { cut, delay }
    }

    fn traffic(&self) -> Traffic {
        self.wires.iter().fold(Traffic::default(), |sum, wire| wire.with(|state, _| add(&sum, &state.traffic)))
    }

    /// Moves the log of messages so far into a file of JSON lines: a header `{"schism":"messages","format":1,…}`, then
    /// a line for each message, in the order in which fates were decided, with times in nanoseconds since the epoch of
    /// the options. Blocks; the network goes on meanwhile, and what follows is not in the file.
    fn write_log(&self, path: &Path) -> io::Result<()> {
        let records = lock(&self.log).take();
        let links = self.wires.iter().map(|wire| (wire.link.clone(), wire.with(|state, _| state.kinds.clone())));
        let links: Vec<_> = links.collect();
        records.write(path, &LogLinks { run: &self.run, links: &links })
    }
}

fn add(sum: &Traffic, more: &Traffic) -> Traffic {
    Traffic {
        sent: sum.sent + more.sent,
        delivered: sum.delivered + more.delivered,
        cut: sum.cut + more.cut,
        lost: sum.lost + more.lost,
        dropped: sum.dropped + more.dropped,
        duplicated: sum.duplicated + more.duplicated,
        bytes: sum.bytes + more.bytes,
    }
}
