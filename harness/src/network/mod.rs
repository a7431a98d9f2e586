//! What lies between the nodes, and between clients and nodes: links, each a directed pair of endpoints, and the rules
//! that are in force on them.

pub mod hello;
pub mod loopback;
pub mod proxy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use schism_nodes::{Incarnation, NodeId};
use serde::{Deserialize, Serialize};

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

/// A fault's number, by which its rules are lifted.
pub type FaultId = u64;

/// How many messages a fault has touched so far: cut, delayed, lost, duplicated, reordered, held or dropped.
pub type Touched = u64;

/// What lies between the nodes. Applying and lifting take effect before they return.
pub trait Network: Send + Sync {
    /// Which kind it is: `proxy`, …; stands in every report.
    fn rung(&self) -> &'static str;
    /// Where a node listens.
    fn address(&self, node: NodeId) -> SocketAddr;
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
    /// What a client's message on a link meets now: whether it is cut, and how long it waits. Clients ask before they
    /// send and before they take an answer.
    fn passage(&self, link: &Link) -> Passage;
    /// Messages by their fate so far.
    fn traffic(&self) -> Traffic;
    /// Writes what is known of single messages, where something is.
    fn write_log(&self, path: &Path) -> io::Result<()> {
        let _ = path;
        Ok(())
    }
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
