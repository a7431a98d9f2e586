//! The `vnet` rung: a network of the run's own, for real servers as they are. Linux only; needs no root where the machine
//! allows user namespaces.
//!
//! Each node has a network namespace with one link and an address of its own, and so has the controller, whose workers have
//! an address each. The other ends of all links are in one more namespace, the hub, where the `switch` reads every frame
//! and asks the `table` of rules what becomes of it. All of it goes away with the last descriptor and process in it, so
//! that nothing has to be undone.
//!
//! Nobody has to ask for anybody's hardware address, and there is no IPv6: all that passes is what the system itself sends,
//! and healing does not wait for a neighbour to be found again.

mod addresses;
mod capture;
mod enclosure;
mod examine;
mod frame;
mod namespaces;
mod netlink;
mod packet_socket;
mod prober;
mod site;
mod switch;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::{fmt, io};

use schism_nodes::{Incarnation, NodeId};
use tokio::sync::broadcast;

pub use self::enclosure::Refusal;
pub use self::examine::{Finding, examine};

use self::addresses::{CONTROLLER, NODES, NODES_MAX, WORKERS};
use self::capture::Capture;
use self::namespaces::{NetNs, set};
use self::netlink::Netlink;
use self::packet_socket::PacketSocket;
use self::prober::Prober;
use self::site::{CellProgram, Launcher, VirtualSite};
use self::switch::{Port, Switch};
use self::table::{Place, Table};
use super::{Arrival, Enclosure, FaultId, Link, LinkSeeds, Network, Passage, Rule, Rung, Site, Touched, Traffic};

/// The name of a node's link in its namespace.
const LINK: &str = "eth0";
/// The longest that TCP waits before it sends again what was not acknowledged. The kernel's own limit is two minutes: it
/// would make healing take as long as the cut did.
const RTO_MAX_MS: &str = "1000";

/// How a virtual network is built.
#[derive(Clone, Debug)]
pub struct VirtualOptions {
    /// Leave the kernel's limits of TCP as they are.
    pub stock_tcp: bool,
    /// Time 0.
    pub epoch: Instant,
    /// The `schism` that cells are made of; the running program where absent.
    pub program: Option<PathBuf>,
    /// Where a capture of every frame goes, if anywhere.
    pub capture: Option<CaptureTo>,
}

/// Where a capture goes.
#[derive(Clone, Debug)]
pub struct CaptureTo {
    /// The file, which must not exist.
    pub path: PathBuf,
    /// Time 0, in nanoseconds since 1970.
    pub start_ns: u64,
}

/// Why a virtual network could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {error}")]
pub struct VirtualError {
    /// What was to be made.
    pub step: String,
    /// What the machine said.
    pub error: io::Error,
}

/// The network of a run in namespaces of its own. With it end all processes that were started in it.
pub struct VirtualNetwork {
    sites: BTreeMap<NodeId, Arc<VirtualSite>>,
    prober: Prober,
    // Processes end before the switch does, so that they have a network as long as they live.
    _launcher: Launcher,
    switch: Switch,
}

impl fmt::Debug for VirtualNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualNetwork").field("nodes", &self.sites.keys()).finish_non_exhaustive()
    }
}

impl VirtualNetwork {
    /// Makes the network of a run, in the namespace of this thread, which must be its own. To be called within
    /// a tokio runtime.
    pub fn start(
        _: Enclosure,
        nodes: &[NodeId],
        seeds: LinkSeeds,
        options: VirtualOptions,
    ) -> Result<Self, VirtualError> {
        if nodes.len() > NODES_MAX {
            let error = io::Error::other(format!("{NODES_MAX} are the most"));
            return Err(VirtualError { step: format!("{} nodes", nodes.len()), error });
        }
        let controller = NetNs::current().map_err(at("the controller's namespace"))?;
        let mut namespaces = BTreeMap::new();
        for node in nodes {
            namespaces.insert(*node, Arc::new(NetNs::create().map_err(at(&format!("the namespace of {node}")))?));
        }
        let hub = NetNs::create().map_err(at("the switch's namespace"))?;
        let ports = hub.within(|| ports(&controller, &namespaces)).map_err(at("the links of the switch"))?;
        let everybody: Vec<Ipv4Addr> = nodes.iter().map(|node| addresses::node(*node)).chain([CONTROLLER]).collect();
        for (node, namespace) in &namespaces {
            let furnish = || furnish(addresses::node(*node), &everybody, options.stock_tcp);
            namespace.within(furnish).map_err(at(&format!("the link of {node}")))?;
        }
        furnish(CONTROLLER, &everybody, options.stock_tcp).map_err(at("the controller's link"))?;
        let capture = options.capture.map(|to| capture(&to, &ports)).transpose().map_err(at("the capture"))?;
        let switch = Switch::start(ports, Table::new(seeds), options.epoch, capture).map_err(at("the switch"))?;
        let prober = Prober::start(&namespaces).map_err(at("the sockets of probes"))?;
        let program = CellProgram(options.program.unwrap_or_else(|| PathBuf::from("/proc/self/exe")));
        let launcher = Launcher::start(program).map_err(at("a PID namespace"))?;
        let sites = namespaces.into_iter().map(|(node, namespace)| (node, Arc::new(launcher.site(namespace))));
        Ok(VirtualNetwork { sites: sites.collect(), prober, _launcher: launcher, switch })
    }

    /// Does something in the namespace of a node, on a thread of its own: a socket that is made there is the node's.
    pub fn within<T: Send>(&self, node: NodeId, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        let site = self.sites.get(&node).ok_or(io::ErrorKind::NotFound)?;
        site.namespace().within(work)
    }
}

fn at(step: &str) -> impl FnOnce(io::Error) -> VirtualError + use<> {
    let step = step.to_owned();
    move |error| VirtualError { step, error }
}

/// Makes a pair of links for each namespace, in the hub.
fn ports(controller: &NetNs, nodes: &BTreeMap<NodeId, Arc<NetNs>>) -> io::Result<Vec<Port>> {
    quiet("default");
    let mut netlink = Netlink::open()?;
    let mut port = |owner, address, namespace: &NetNs| -> io::Result<Port> {
        let (name, mac) = (name(owner), addresses::mac(address));
        netlink.veth(&name, LINK, mac, namespace)?;
        netlink.up(&name)?;
        Ok(Port { owner, mac, socket: PacketSocket::open(&name)? })
    };
    let mut ports = vec![port(Place::Controller, CONTROLLER, controller)?];
    for (node, namespace) in nodes {
        ports.push(port(Place::Node(node.0), addresses::node(*node), namespace)?);
    }
    Ok(ports)
}

fn capture(to: &CaptureTo, ports: &[Port]) -> io::Result<Capture> {
    let names: Vec<String> = ports.iter().map(|port| name(port.owner)).collect();
    Capture::create(&to.path, to.start_ns, &names)
}

fn name(owner: Place) -> String {
    match owner {
        Place::Node(number) => format!("n{number}"),
        Place::Worker(_) | Place::Controller => "controller".to_owned(),
    }
}

/// Sets up the link of the namespace that this thread is in.
fn furnish(own: Ipv4Addr, everybody: &[Ipv4Addr], stock_tcp: bool) -> io::Result<()> {
    quiet(LINK);
    if !stock_tcp {
        // Kernels before 6.15 have no such limit; `schism doctor` says so.
        let _ = set("ipv4/tcp_rto_max_ms", RTO_MAX_MS);
    }
    let mut netlink = Netlink::open()?;
    netlink.up("lo")?;
    netlink.address(LINK, own, NODES.1)?;
    netlink.up(LINK)?;
    for other in everybody.iter().filter(|other| **other != own) {
        netlink.neighbour(LINK, *other, addresses::mac(*other))?;
    }
    if own == CONTROLLER { netlink.own(WORKERS) } else { netlink.route(WORKERS, CONTROLLER) }
}

/// Keeps IPv6 from talking to itself on a link of this namespace, or on all that will be made.
fn quiet(link: &str) {
    // A kernel without IPv6 is quiet as it is. Where settings cannot be changed it talks, and does no harm.
    let _ = set(&format!("ipv6/conf/{link}/disable_ipv6"), "1");
}

impl Network for VirtualNetwork {
    fn rung(&self) -> Rung {
        Rung::Vnet
    }

    fn address(&self, node: NodeId) -> SocketAddr {
        addresses::listen(node)
    }

    fn site(&self, node: NodeId) -> Option<Arc<dyn Site>> {
        self.sites.get(&node).cloned().map(|site| site as Arc<dyn Site>)
    }

    fn source(&self, worker: &str) -> Option<IpAddr> {
        Some(IpAddr::V4(addresses::worker(worker)))
    }

    fn peers(&self, node: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        let others = self.sites.keys().filter(|other| **other != node);
        others.map(|other| (*other, addresses::listen(*other))).collect()
    }

    /// What is on its way from an earlier life arrives, as on any network: connections tell lives apart.
    fn started(&self, _: NodeId, _: Incarnation) {}

    fn apply(&self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        self.switch.shared.with(|table, _| table.apply(fault, rule, links));
    }

    fn lift(&self, fault: FaultId, deliver: bool) {
        self.switch.shared.with(|table, now| table.lift(fault, deliver, now));
    }

    fn release(&self, fault: FaultId, count: Option<u64>, deliver: bool) -> u64 {
        self.switch.shared.with(|table, now| table.release(fault, count, deliver, now))
    }

    fn touched(&self, fault: FaultId) -> Touched {
        self.switch.shared.with(|table, _| table.touched(fault))
    }

    /// Clients need not lose or delay anything themselves: what they send passes through the switch.
    fn passage(&self, _: &Link) -> Passage {
        Passage::default()
    }

    fn probe(&self, number: u64) -> bool {
        self.prober.send(number);
        true
    }

    fn arrivals(&self) -> Option<broadcast::Receiver<Arrival>> {
        Some(self.prober.arrivals())
    }

    fn is_cut(&self, link: &Link) -> bool {
        self.switch.shared.with(|table, _| table.is_cut(link))
    }

    fn traffic(&self) -> Traffic {
        self.switch.shared.with(|table, _| table.traffic.clone())
    }
}
