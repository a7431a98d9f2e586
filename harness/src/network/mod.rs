//! What lies between the nodes, and between clients and nodes: links, each a directed pair of endpoints, and the rules
//! that are in force on them.

pub mod hello;
pub mod link;
pub mod loopback;
pub mod proxy;
#[cfg(target_os = "linux")]
pub mod vnet;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use schism_nodes::{Incarnation, NodeId, Seed};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::broadcast;

/// This thread, and those that it starts from now on, are in a network namespace that nobody else uses. Only there may
/// a virtual network be made: elsewhere it would change the machine's own. How the step is taken is Linux's
/// ([`vnet`]).
#[derive(Clone, Copy, Debug)]
pub struct Enclosure(());

/// What kind of network lies between the nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rung {
    /// Relays inside the controller, which know whole messages; any Unix, no rights.
    #[default]
    Proxy,
    /// Nothing: servers speak directly with each other, each on a loopback address of its own.
    Loopback,
    /// A network namespace for each node and a switch, which knows anything that speaks IP; Linux.
    Vnet,
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rung::Proxy => "proxy",
            Rung::Loopback => "loopback",
            Rung::Vnet => "vnet",
        })
    }
}

/// An endpoint by its name: a node `n1` or a worker `c3`.
pub type Endpoint = String;

/// A directed link, written `n1->n3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// Who sends.
    pub from: Endpoint,
    /// Who receives.
    pub to: Endpoint,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}->{}", self.from, self.to)
    }
}

/// What a fault does to each message on a link. What is in force on a link is the union of the rules of all active
/// faults; the end of one takes away only its own share.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Nothing passes. Judged when a message would be delivered; what is cut is discarded, not kept.
    Cut,
    /// Each message is delayed by `base` plus a draw from an exponential tail with this mean, but for a `share` of them
    /// in 0..=1.
    Delay {
        /// At least this long.
        base: Duration,
        /// The mean of what is added; zero for none.
        tail: Duration,
        /// The share of the messages that are delayed.
        share: f64,
    },
    /// A share of the messages is lost.
    Lose {
        /// In 0..=1.
        share: f64,
    },
    /// A share of the messages is delivered twice.
    Duplicate {
        /// In 0..=1.
        share: f64,
    },
    /// A share of the messages waits for up to `window`, so that later ones overtake it.
    Reorder {
        /// In 0..=1.
        share: f64,
        /// The longest wait.
        window: Duration,
    },
    /// One bit of a share of the messages is another one when they are delivered.
    Corrupt {
        /// In 0..=1.
        share: f64,
    },
    /// So many bits a second are carried and no more; what is sent faster waits for a moment, and then is lost.
    Limit {
        /// Above 0.
        bits_per_second: u64,
    },
    /// Messages of a type (any type where absent) are kept, the first `count` of them on each link (all where absent),
    /// until they are delivered or dropped by name.
    Hold {
        /// The `type` of the message's body.
        kind: Option<String>,
        /// How many.
        count: Option<u64>,
    },
    /// Messages of a type (any type where absent) are dropped, the first `count` of them on each link (all where
    /// absent).
    Drop {
        /// The `type` of the message's body.
        kind: Option<String>,
        /// How many.
        count: Option<u64>,
    },
}

/// Gives each link the seed of its own chance, by its name.
pub type LinkSeeds = Arc<dyn Fn(&Link) -> Seed + Send + Sync>;

/// A fault's number, by which its rules are lifted.
pub type FaultId = u64;

/// How many messages a fault has touched so far: cut, delayed, lost, duplicated, reordered, held or dropped.
pub type Touched = u64;

/// What lies between the nodes. Applying and lifting take effect before they return.
pub trait Network: Send + Sync {
    /// Which kind it is; stands in every report.
    fn rung(&self) -> Rung;
    /// Where a node listens.
    fn address(&self, node: NodeId) -> SocketAddr;
    /// Where the processes of a node are started; `None` where that is simply this machine.
    fn site(&self, node: NodeId) -> Option<Arc<dyn Site>> {
        let _ = node;
        None
    }
    /// The address that a worker's connections come from, by which it can be cut off alone; any where absent.
    fn source(&self, worker: &str) -> Option<IpAddr> {
        let _ = worker;
        None
    }
    /// Where a node dials each other node.
    fn peers(&self, node: NodeId) -> BTreeMap<NodeId, SocketAddr>;
    /// A node has a new incarnation: messages of earlier ones that are still under way are dropped.
    fn started(&self, node: NodeId, incarnation: Incarnation);
    /// Puts a rule in force on links.
    fn apply(&self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>);
    /// Ends all rules of a fault. Held messages of it are delivered if `deliver`, else dropped.
    fn lift(&self, fault: FaultId, deliver: bool);
    /// Delivers (or drops) up to `count` messages that a hold has kept, oldest first; how many there were.
    fn release(&self, fault: FaultId, count: Option<u64>, deliver: bool) -> u64;
    /// How many messages a fault has touched.
    fn touched(&self, fault: FaultId) -> Touched;
    /// Whether messages of nodes pass on a link, those of coordinators beside clients among them: else what clients say does.
    fn relays(&self, link: &Link) -> bool {
        let is_node = |end: &str| end.parse().is_ok_and(|node: NodeId| !node.is_coordinator());
        is_node(&link.from) && is_node(&link.to)
    }
    /// What a client's message on a link meets now: whether it is cut, and how long it waits. Clients ask before they
    /// send and before they take an answer.
    fn passage(&self, link: &Link) -> Passage;
    /// Has a probe with this number pass every link between nodes, without any of their processes; `false` where the
    /// processes have to send it.
    fn probe(&self, number: u64) -> bool {
        let _ = number;
        false
    }
    /// The probes of its own that arrive from now on, where it has any.
    fn arrivals(&self) -> Option<broadcast::Receiver<Arrival>> {
        None
    }
    /// Whether a link carries nothing now.
    fn is_cut(&self, link: &Link) -> bool {
        self.passage(link).cut
    }
    /// Messages by their fate so far.
    fn traffic(&self) -> Traffic;
    /// Writes down what is known of single messages, where the network keeps that.
    fn write_log(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Ok(())
    }
}

/// A place of a node's own, with the node's own address, for its processes.
///
/// A process that is started here has a cell around it: what it forks can neither leave nor outlive it, and all of it is
/// killed, stopped and let go on together by [`crate::cluster::cell::outside::signal`], given the id of the child.
#[async_trait]
pub trait Site: Send + Sync {
    /// A command for `program` here. Arguments, environment, folder and streams are set on it as on any other.
    fn command(&self, program: &OsStr) -> Command;
    /// Starts it. The child ends when its program does, with the same code or by the same signal, and nothing that it
    /// forked is left then. It is killed when it is dropped. To be called within a tokio runtime.
    async fn spawn(&self, command: Command) -> io::Result<tokio::process::Child>;
}

/// Connects to a node, from an address of one's own where that is given ([`Network::source`]).
pub async fn connect(source: Option<IpAddr>, node: SocketAddr) -> io::Result<TcpStream> {
    let Some(source) = source else { return TcpStream::connect(node).await };
    let socket = if node.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(node).await
}

/// A probe of the network's own that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its number.
    pub number: u64,
    /// Who sent it.
    pub from: NodeId,
    /// Who got it.
    pub to: NodeId,
}

/// What a message meets on a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Passage {
    /// It is lost.
    pub cut: bool,
    /// It waits that long.
    pub delay: Duration,
}

/// Messages by their fate, over the whole run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Read from a sender.
    pub sent: u64,
    /// Written to a receiver.
    pub delivered: u64,
    /// Discarded by a cut.
    pub cut: u64,
    /// Lost by chance.
    pub lost: u64,
    /// Dropped by name, by a full queue, or from a dead incarnation.
    pub dropped: u64,
    /// Delivered twice.
    pub duplicated: u64,
    /// Bytes read from senders.
    pub bytes: u64,
}
