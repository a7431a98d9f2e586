//! A virtual network on a thread of its own, for one test.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use schism::network::vnet::{VirtualNetwork, VirtualOptions};
use schism::network::{Enclosure, Link, Network as _};
use schism_nodes::NodeId;

/// The limit of whatever a test waits for.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) const N1: NodeId = NodeId(1);
pub(crate) const N2: NodeId = NodeId(2);

/// Runs a test in a virtual network of three nodes.
pub(crate) fn in_network(test: impl FnOnce(&VirtualNetwork) + Send) {
    thread::scope(|scope| {
        let done = scope.spawn(|| {
            let Some(enclosure) = enclosure() else { return };
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            let _in_runtime = runtime.enter();
            test(&VirtualNetwork::start(enclosure, &NodeId::universe(3), Arc::new(|_| [7; 32]), options()).unwrap());
        });
        if let Err(panic) = done.join() {
            std::panic::resume_unwind(panic);
        }
    });
}

fn options() -> VirtualOptions {
    VirtualOptions {
        stock_tcp: false,
        epoch: Instant::now(),
        program: Some(assert_cmd::cargo::cargo_bin!("schism").to_path_buf()),
        capture: None,
    }
}

/// The step into a namespace, or nothing where it cannot be taken and need not.
pub(crate) fn enclosure() -> Option<Enclosure> {
    match Enclosure::enter() {
        Ok(enclosure) => Some(enclosure),
        Err(refusal) if std::env::var_os("SCHISM_TEST_VNET").is_some_and(|demanded| demanded == "1") => {
            panic!("SCHISM_TEST_VNET=1 demands a virtual network: {refusal}")
        }
        Err(refusal) => {
            eprintln!("skipped: {refusal}");
            None
        }
    }
}

/// A directed link between two nodes.
pub(crate) fn links(pairs: &[(&str, &str)]) -> BTreeSet<Link> {
    pairs.iter().map(|(from, to)| Link { from: (*from).to_owned(), to: (*to).to_owned() }).collect()
}

/// A UDP socket of a node, at a port of its own.
pub(crate) fn udp(network: &VirtualNetwork, node: NodeId) -> UdpSocket {
    let address = SocketAddr::new(network.address(node).ip(), 4000);
    let socket = network.within(node, || UdpSocket::bind(address)).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// A TCP connection from one node to another: what the first one writes, the second one reads.
pub(crate) fn tcp(network: &VirtualNetwork, from: NodeId, to: NodeId) -> (TcpStream, TcpStream) {
    let address = SocketAddr::new(network.address(to).ip(), 4000);
    let listener = network.within(to, || TcpListener::bind(address)).unwrap();
    let ours = network.within(from, || TcpStream::connect_timeout(&address, LIMIT)).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    theirs.set_read_timeout(Some(LIMIT)).unwrap();
    (ours, theirs)
}

/// So many bytes, which differ from their neighbours.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    (0..=250).cycle().take(count).collect()
}

/// Sends bytes over a connection, from a thread of its own, and reads them at the other end.
pub(crate) fn carried(pair: &mut (TcpStream, TcpStream), bytes: &[u8]) -> io::Result<Vec<u8>> {
    let (ours, theirs) = pair;
    thread::scope(|scope| {
        let sent = scope.spawn(|| ours.write_all(bytes));
        let mut read = vec![0; bytes.len()];
        theirs.read_exact(&mut read)?;
        sent.join().unwrap()?;
        Ok(read)
    })
}
