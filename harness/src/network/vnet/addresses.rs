//! Who has which address in a virtual network. The network is the run's own, so that all runs use the same ones.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schism_nodes::NodeId;

/// The prefix of all nodes, and of the controller's own interface.
pub(super) const NODES: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 76, 0, 0), 16);
/// The prefix of all workers.
pub(super) const WORKERS: (Ipv4Addr, u8) = (Ipv4Addr::new(10, 77, 0, 0), 16);
/// The controller's own address: of whatever is not a worker, such as the reads before the first operation.
pub(super) const CONTROLLER: Ipv4Addr = Ipv4Addr::new(10, 76, 255, 254);
/// Where a built-in node listens.
const PORT: u16 = 7000;
/// Where the controller's probes are for: the port of the discard protocol (RFC 863), at which no system listens.
pub(super) const PROBES: u16 = 9;
/// How many nodes there can be: the rest of the prefix is the controller's.
pub(super) const NODES_MAX: usize = 0xFE00;

/// The address of a hardware interface.
pub(super) type Mac = [u8; 6];

/// The address of a node.
pub(super) fn node(node: NodeId) -> Ipv4Addr {
    numbered(NODES.0, node.0)
}

/// The node that has an address.
pub(super) fn node_at(address: Ipv4Addr) -> Option<NodeId> {
    let [a, b, c, d] = address.octets();
    let is_node = NODES.0.octets()[..2] == [a, b] && address != CONTROLLER;
    is_node.then(|| NodeId(u16::from_be_bytes([c, d])))
}

/// Where a built-in node listens.
pub(super) fn listen(of: NodeId) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(node(of)), PORT)
}

/// The address of a worker by its name; of anything else the controller's.
pub(super) fn worker(name: &str) -> Ipv4Addr {
    worker_number(name).map_or(CONTROLLER, |number| numbered(WORKERS.0, number))
}

/// The number of the worker that has an address of the controller's.
pub(super) fn worker_at(address: Ipv4Addr) -> Option<u16> {
    let [a, b, c, d] = address.octets();
    (WORKERS.0.octets()[..2] == [a, b]).then(|| u16::from_be_bytes([c, d]))
}

/// The hardware address of whoever has an address.
pub(super) fn mac(address: Ipv4Addr) -> Mac {
    let [a, b, c, d] = address.octets();
    // Locally administered, for one receiver.
    [2, 0, a, b, c, d]
}

/// The number of a worker by its name.
pub(super) fn worker_number(name: &str) -> Option<u16> {
    name.strip_prefix('c')?.parse().ok()
}

fn numbered(prefix: Ipv4Addr, number: u16) -> Ipv4Addr {
    let ([a, b, ..], [c, d]) = (prefix.octets(), number.to_be_bytes());
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_workers_are_found_by_their_addresses() {
        assert_eq!(node(NodeId(3)), Ipv4Addr::new(10, 76, 0, 3));
        assert_eq!(worker("c300"), Ipv4Addr::new(10, 77, 1, 44));
        assert_eq!(worker_at(worker("c300")), Some(300));
        assert_eq!((node_at(node(NodeId(3))), node_at(CONTROLLER)), (Some(NodeId(3)), None));
        assert_eq!((worker("ready"), worker_at(CONTROLLER)), (CONTROLLER, None));
        assert_eq!(mac(node(NodeId(258))), [2, 0, 10, 76, 1, 2]);
    }
}
