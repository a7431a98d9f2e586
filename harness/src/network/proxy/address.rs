//! Where the nodes of a run and their relays listen: a loopback address that no other run has, and ports that the
//! kernel gives to nobody.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schism_nodes::NodeId;
use tokio::net::{TcpListener, TcpSocket};

use super::NetworkError;

/// Where the kernel begins to give out ports by itself, where it does not say.
const EPHEMERAL_FIRST: u16 = 32_768;
/// The first port that we would like.
const PORT_FIRST: u16 = 20_000;
/// Ports below this one belong to the machine's services.
const PORT_LEAST: u16 = 1024;
/// How many addresses are tried before a run gives up.
const ATTEMPTS: u64 = 64;
/// Ports of one run where runs have to share an address.
const BLOCK: u16 = 1024;

/// The addresses of a run. They are its own as long as this lives.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Where each node listens.
    pub(super) nodes: BTreeMap<NodeId, SocketAddr>,
    /// The relays, by sender and receiver.
    pub(super) relays: BTreeMap<(NodeId, NodeId), (SocketAddr, TcpListener)>,
    /// Nobody ever connects here: that it is bound keeps other runs away.
    pub(super) lock: TcpListener,
}

/// An address with a block of ports, of which the first is the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    address: Ipv4Addr,
    port: u16,
}

impl Addresses {
    /// Takes addresses for a run: `fixed`, or one that is found by the run's name.
    pub(super) fn take(run: &str, nodes: &[NodeId], fixed: Option<Ipv4Addr>) -> Result<Self, NetworkError> {
        let ephemeral = ephemeral_first();
        let first = port_first(ephemeral);
        let wanted = 1 + nodes.len() + links(nodes).count();
        let room = usize::from(match ephemeral.checked_sub(first) {
            _ if !cfg!(target_os = "linux") => BLOCK,
            Some(room) => room,
            None => u16::MAX - first,
        });
        if wanted > room {
            return Err(NetworkError::TooManyNodes { nodes: nodes.len(), wanted, room });
        }
        if let Some(address) = fixed {
            let place = Place { address, port: first };
            return Self::bind(place, nodes, listen(place.at(0))?);
        }
        let mut last = None;
        for attempt in 0..ATTEMPTS {
            let place = candidate(run, attempt, first, ephemeral);
            match listen(place.at(0)) {
                Ok(lock) => return Self::bind(place, nodes, lock),
                Err(error) => last = Some(error),
            }
        }
        Err(NetworkError::NoAddress { attempts: ATTEMPTS, last: Box::new(last.expect("at least one was tried")) })
    }

    fn bind(place: Place, nodes: &[NodeId], lock: TcpListener) -> Result<Self, NetworkError> {
        let mut ports = 1..;
        let mut next = || place.at(ports.next().expect("the range has no end"));
        let node_addresses: BTreeMap<NodeId, SocketAddr> = nodes.iter().map(|node| (*node, next())).collect();
        for address in node_addresses.values() {
            // The node binds it later; who else has it must be known before anything starts.
            drop(listen(*address)?);
        }
        let mut relays = BTreeMap::new();
        for (from, to) in links(nodes) {
            let address = next();
            relays.insert((from, to), (address, listen(address)?));
        }
        Ok(Addresses { nodes: node_addresses, relays, lock })
    }
}

/// Who speaks with whom: everybody with everybody else, but for coordinators beside clients with each other.
fn links(nodes: &[NodeId]) -> impl Iterator<Item = (NodeId, NodeId)> {
    let pairs = nodes.iter().flat_map(|from| nodes.iter().map(move |to| (*from, *to)));
    pairs.filter(|(from, to)| from != to && !(from.is_coordinator() && to.is_coordinator()))
}

impl Place {
    fn at(self, offset: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(self.address), self.port + offset)
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, NetworkError> {
    let bound = || -> io::Result<TcpListener> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(128)
    };
    bound().map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => NetworkError::InUse { address: address.ip(), port: address.port() },
        _ => NetworkError::Bind { address, error },
    })
}

/// The place that a run tries at its `attempt`th attempt. On Linux all of 127.0.0.0/8 is there to be used; elsewhere
/// only 127.0.0.1 is, and runs take different blocks of ports.
fn candidate(run: &str, attempt: u64, first: u16, ephemeral: u16) -> Place {
    let [.., a, b, c] = hash(run, attempt).to_be_bytes();
    if cfg!(target_os = "linux") {
        // 127.0 is left to others, and no part is 0 or 255.
        return Place { address: Ipv4Addr::new(127, 1 + a % 254, 1 + b % 254, 1 + c % 254), port: first };
    }
    let blocks = (ephemeral.saturating_sub(first) / BLOCK).max(1);
    let block = u16::from_be_bytes([b, c]) % blocks;
    Place { address: Ipv4Addr::LOCALHOST, port: first + block * BLOCK }
}

/// FNV-1a: spreads runs over addresses, and is the same everywhere.
fn hash(run: &str, attempt: u64) -> u64 {
    let bytes = run.bytes().chain(attempt.to_le_bytes());
    let mixed = bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mixed ^ (mixed >> 32)
}

/// Where the kernel begins to give out ports by itself.
fn ephemeral_first() -> u16 {
    let text = fs_err::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(EPHEMERAL_FIRST)
}

/// The first of our ports: the same for all runs on a machine, since the lock is there. Where the kernel gives out almost
/// all ports, some of its own are taken; it takes them at 127.0.0.1, where we are not.
fn port_first(ephemeral: u16) -> u16 {
    let crowded = PORT_LEAST + BLOCK..PORT_FIRST + BLOCK;
    if crowded.contains(&ephemeral) { ephemeral - BLOCK } else { PORT_FIRST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_below_those_that_the_kernel_gives_out() {
        assert_eq!(port_first(32_768), 20_000);
        assert_eq!(port_first(15_000), 13_976);
        assert_eq!(port_first(1024), 20_000);
    }

    #[test]
    fn coordinators_beside_clients_speak_with_nodes_alone() {
        let all = [NodeId(1), NodeId(2), NodeId::beside(1), NodeId::beside(2)];
        let links: Vec<String> = links(&all).map(|(from, to)| format!("{from}-{to}")).collect();
        assert_eq!(links, ["n1-n2", "n1-c1", "n1-c2", "n2-n1", "n2-c1", "n2-c2", "c1-n1", "c1-n2", "c2-n1", "c2-n2"]);
    }

    #[test]
    fn runs_get_different_addresses_and_a_run_the_same_ones() {
        let place = |run, attempt| candidate(run, attempt, 20_000, 32_768);
        assert_eq!(place("a", 0), place("a", 0));
        assert_ne!(place("a", 0), place("a", 1));
        assert_ne!(place("a", 0), place("b", 0));
    }
}
