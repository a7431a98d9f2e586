//! What tests of clusters share: one lock, a network without anything in between, and systems made of any program.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use schism::client::Dialler;
use schism::cluster::{EventFile, Options};
use schism::network::{FaultId, Link, Network, Passage, Rule, Touched, Traffic};
use schism::system::{Launch, System};
use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{Incarnation, LinkOrder, NodeId};
use serde_json::Value;

/// Held by every test that starts processes.
pub(crate) static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Nodes dial each other directly, on a loopback address that no other test uses at that time.
pub(crate) struct Direct {
    address: Ipv4Addr,
    nodes: u16,
}

impl Direct {
    pub(crate) fn new(nodes: u16) -> Arc<Self> {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, high.max(1), low, NEXT.fetch_add(1, Ordering::Relaxed));
        Arc::new(Direct { address, nodes })
    }
}

impl Network for Direct {
    fn rung(&self) -> &'static str {
        "direct"
    }

    fn address(&self, node: NodeId) -> SocketAddr {
        SocketAddr::from((self.address, 20_000 + node.0))
    }

    fn peers(&self, node: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        let others = NodeId::universe(self.nodes).into_iter().filter(|other| *other != node);
        others.map(|other| (other, self.address(other))).collect()
    }

    fn started(&self, _node: NodeId, _incarnation: Incarnation) {}

    fn apply(&self, _fault: FaultId, _rule: &Rule, _links: &BTreeSet<Link>) {}

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

/// Any program in place of a node; n1 may run another one than the others.
pub(crate) struct Program {
    pub(crate) first: Vec<String>,
    pub(crate) others: Vec<String>,
}

impl Program {
    pub(crate) fn all(command: &[&str]) -> Arc<Self> {
        Program::first_and_others(command, command)
    }

    pub(crate) fn first_and_others(first: &[&str], others: &[&str]) -> Arc<Self> {
        let owned = |command: &[&str]| command.iter().map(ToString::to_string).collect();
        Arc::new(Program { first: owned(first), others: owned(others) })
    }
}

impl System for Program {
    fn label(&self) -> String {
        "a program".to_owned()
    }

    fn requests(&self) -> Vec<String> {
        Vec::new()
    }

    fn has_leader(&self) -> bool {
        false
    }

    fn links(&self) -> LinkOrder {
        LinkOrder::Any
    }

    fn recovery(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn launch(&self, node: NodeId) -> Launch {
        let command = if node == NodeId(1) { &self.first } else { &self.others };
        Launch {
            program: command[0].clone().into(),
            arguments: command[1..].to_vec(),
            environment: BTreeMap::from([("NAMED".to_owned(), "yes".to_owned())]),
            protocol: ("none".to_owned(), BTreeMap::new()),
            storage: Storage { sync: true, batch: 64, flush_ms: 200 },
        }
    }

    fn promise(&self) -> Consistency {
        Consistency::None
    }

    fn dialler(&self, _run: &str, _network: Arc<dyn Network>) -> Box<dyn Dialler> {
        unreachable!("nobody dials these programs")
    }
}

/// A cluster of `nodes` nodes in `folder`, whose events go to `events.jsonl` there.
pub(crate) fn options(folder: &Path, nodes: u16, system: Arc<dyn System>, network: Arc<dyn Network>) -> Options {
    Options {
        run: "test-run".to_owned(),
        folder: folder.to_owned(),
        nodes: NodeId::universe(nodes),
        system,
        network,
        seeds: Box::new(|node, incarnation| {
            let mut seed = [0; 32];
            seed[0] = u8::try_from(node.0).expect("tests have few nodes");
            seed[1] = u8::try_from(incarnation).expect("and few restarts");
            seed
        }),
        sink: Box::new(
            EventFile::create(&folder.join("events.jsonl"), "test-run").expect("a new file in a new folder"),
        ),
        ready_timeout: Duration::from_secs(30),
    }
}

/// The lines of `events.jsonl` so far.
pub(crate) fn events(folder: &Path) -> Vec<Value> {
    let text = fs_err::read_to_string(folder.join("events.jsonl")).expect("it was made at the start");
    text.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

/// The processes that were ever started, by the cluster's own account.
pub(crate) fn started(folder: &Path) -> Vec<u64> {
    let events = events(folder).into_iter().filter(|event| event["event"] == "started");
    events.map(|event| event["pid"].as_u64().expect("a started process has an id")).collect()
}

/// Whether a process is there, a zombie included.
pub(crate) fn exists(pid: u64) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(i32::try_from(pid).expect("ids are small")), None).is_ok()
}

/// What a node wrote to its standard error.
pub(crate) fn log(folder: &Path, node: u16) -> String {
    fs_err::read_to_string(folder.join(format!("nodes/n{node}/log"))).expect("every node has a log")
}
