//! Probes of the network's own: a datagram with a number from each node to each other one, by the same links and rules as
//! everything else. They need no process of the system, so that links of real servers can be proved as well.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;

use schism_nodes::NodeId;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use super::addresses::{self, PROBES};
use super::namespaces::NetNs;
use crate::network::Arrival;

/// How many arrivals a slow reader may be behind before it loses the oldest.
const ARRIVALS_KEPT: usize = 16 * 1024;

/// The sockets of all nodes. Reading ends when this is dropped.
pub(super) struct Prober {
    sockets: BTreeMap<NodeId, UdpSocket>,
    arrivals: broadcast::Sender<Arrival>,
    _readers: JoinSet<()>,
}

impl Prober {
    /// Opens a socket in each node's namespace. To be called within a tokio runtime.
    pub(super) fn start(namespaces: &BTreeMap<NodeId, Arc<NetNs>>) -> io::Result<Self> {
        let (mut sockets, mut readers) = (BTreeMap::new(), JoinSet::new());
        let arrivals = broadcast::Sender::new(ARRIVALS_KEPT);
        for (node, namespace) in namespaces {
            let socket = namespace.within(|| UdpSocket::bind(probed(*node)))?;
            socket.set_nonblocking(true)?;
            let reader = tokio::net::UdpSocket::from_std(socket.try_clone()?)?;
            readers.spawn(read(reader, *node, arrivals.clone()));
            sockets.insert(*node, socket);
        }
        Ok(Prober { sockets, arrivals, _readers: readers })
    }

    /// Sends a probe on every link. One that cannot be sent does not arrive.
    pub(super) fn send(&self, number: u64) {
        for (from, socket) in &self.sockets {
            for to in self.sockets.keys().filter(|to| *to != from) {
                let _ = socket.send_to(&number.to_be_bytes(), probed(*to));
            }
        }
    }

    /// What arrives from now on.
    pub(super) fn arrivals(&self) -> broadcast::Receiver<Arrival> {
        self.arrivals.subscribe()
    }
}

fn probed(node: NodeId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(addresses::node(node)), PROBES)
}

async fn read(socket: tokio::net::UdpSocket, to: NodeId, arrivals: broadcast::Sender<Arrival>) {
    let mut bytes = [0; 8];
    loop {
        // An error is about a probe that was sent, and that one does not arrive.
        let Ok((8, SocketAddr::V4(sender))) = socket.recv_from(&mut bytes).await else { continue };
        let Some(from) = addresses::node_at(*sender.ip()) else { continue };
        // Nobody may be listening.
        let _ = arrivals.send(Arrival { number: u64::from_be_bytes(bytes), from, to });
    }
}
