//! The `loopback` rung: nodes that speak directly with each other, each on a loopback address of its own. Nothing lies
//! between them, so that nothing there can be cut, delayed or lost.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use schism_nodes::{Incarnation, NodeId};

use super::{FaultId, Link, Network, Passage, Rule, Rung, Touched, Traffic};

/// Nobody ever connects here: that it is bound keeps other runs away.
const LOCK_PORT: u16 = 20_000;
/// How many addresses are tried before a run gives up.
const ATTEMPTS: u64 = 64;

/// See the module's head.
#[derive(Debug)]
pub struct LoopbackNetwork {
    nodes: BTreeMap<NodeId, IpAddr>,
    _lock: TcpListener,
}

impl LoopbackNetwork {
    /// Takes addresses for the nodes of a run, found by its name.
    pub fn start(run: &str, nodes: &[NodeId]) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for attempt in 0..ATTEMPTS {
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((run, attempt)).to_be_bytes();
            let (first, second) = (64 + hash[0] % 128, hash[1]);
            // Low numbers are the nodes'; there are never so many.
            let lock = Ipv4Addr::new(127, first, second, 254);
            match TcpListener::bind((lock, LOCK_PORT)) {
                Ok(lock) => {
                    let at = |node: &NodeId| Ipv4Addr::new(127, first, second, u8::try_from(node.0).unwrap_or(253));
                    return Ok(LoopbackNetwork {
                        nodes: nodes.iter().map(|node| (*node, at(node).into())).collect(),
                        _lock: lock,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(io::Error::new(last.kind(), format!("no loopback address for this run in {ATTEMPTS} attempts: {last}")))
    }
}

impl Network for LoopbackNetwork {
    fn rung(&self) -> Rung {
        Rung::Loopback
    }

    /// The address of a node; its ports are its own affair.
    fn address(&self, node: NodeId) -> SocketAddr {
        let address = self.nodes.get(&node).copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        SocketAddr::new(address, 0)
    }

    fn peers(&self, node: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        self.nodes.keys().filter(|other| **other != node).map(|other| (*other, self.address(*other))).collect()
    }

    fn started(&self, _node: NodeId, _incarnation: Incarnation) {}

    fn apply(&self, fault: FaultId, rule: &Rule, _links: &BTreeSet<Link>) {
        // Faults of links are refused before a run starts.
        tracing::error!(fault, ?rule, "nothing lies between nodes on loopback");
    }

    fn lift(&self, _fault: FaultId, _deliver: bool) {}

    fn release(&self, _fault: FaultId, _count: Option<u64>, _deliver: bool) -> u64 {
        0
    }

    fn touched(&self, _fault: FaultId) -> Touched {
        0
    }

    fn passage(&self, _link: &Link) -> Passage {
        Passage::default()
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_has_addresses_of_its_own() {
        let nodes = NodeId::universe(3);
        let (one, two) =
            (LoopbackNetwork::start("run", &nodes).unwrap(), LoopbackNetwork::start("run", &nodes).unwrap());
        let addresses: BTreeSet<IpAddr> =
            [&one, &two].iter().flat_map(|network| nodes.iter().map(|node| network.address(*node).ip())).collect();
        assert_eq!(addresses.len(), 6);
        assert_eq!(one.peers(NodeId(2)).len(), 2);
    }
}
