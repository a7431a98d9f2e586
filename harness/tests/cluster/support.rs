//! What tests of clusters share: one lock, a network without anything in between, and systems made of any program.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use schism::client::{Completion, Dialler};
use schism::cluster::{Cluster, ClusterEvent, EventFile, NoteTally, Options, Processes};
use schism::network::{FaultId, Link, Network, Passage, Rule, Rung, Touched, Traffic};
use schism::system::{BuiltIn, Launch, LaunchKind, Place, Scene, System};
use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{Incarnation, LinkOrder, NodeId, RequestKind};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{MutexGuard, broadcast};

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
    fn rung(&self) -> Rung {
        Rung::Proxy
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

    fn launch(&self, place: &Place<'_>) -> io::Result<Launch> {
        let command = if place.node == NodeId(1) { &self.first } else { &self.others };
        let storage = Storage { sync: true, batch: 64, flush_ms: 200 };
        Ok(Launch {
            program: command[0].clone().into(),
            arguments: command[1..].to_vec(),
            environment: BTreeMap::from([("NAMED".to_owned(), "yes".to_owned())]),
            kind: LaunchKind::Node { protocol: ("none".to_owned(), BTreeMap::new()), storage },
        })
    }

    fn promise(&self) -> Consistency {
        Consistency::None
    }

    fn dialler(&self, _scene: &Scene<'_>) -> io::Result<Box<dyn Dialler>> {
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
            EventFile::create(&folder.join("events.jsonl"), "test-run", std::time::Instant::now())
                .expect("a new file in a new folder"),
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

/// The built program, as a node of a built-in protocol.
pub(crate) fn built_in(spec: &str, nodes: u16) -> Arc<dyn System> {
    let spec = spec.parse().expect("tests write specs well");
    let program = env!("CARGO_BIN_EXE_schism").into();
    Arc::new(BuiltIn::new(spec, nodes, Some(program)).expect("and with parameters that are there"))
}

/// A cluster of a built-in protocol that runs, in a folder of its own.
pub(crate) struct Running {
    pub(crate) cluster: Arc<Processes>,
    pub(crate) events: broadcast::Receiver<ClusterEvent>,
    pub(crate) folder: TempDir,
    system: Arc<dyn System>,
    network: Arc<Direct>,
    _one: MutexGuard<'static, ()>,
}

impl Running {
    pub(crate) async fn start(spec: &str, nodes: u16) -> Running {
        let one = ONE_AT_A_TIME.lock().await;
        let folder = tempfile::tempdir().expect("a folder");
        let (system, network) = (built_in(spec, nodes), Direct::new(nodes));
        let options = options(folder.path(), nodes, Arc::clone(&system), Arc::clone(&network) as Arc<dyn Network>);
        let cluster = Processes::start(options).await.expect("it starts");
        Running { events: cluster.subscribe(), cluster, folder, system, network, _one: one }
    }

    /// The first event from now on that is looked for.
    pub(crate) async fn event<T>(&mut self, look: impl Fn(&ClusterEvent) -> Option<T>) -> T {
        let found = async {
            loop {
                let event = self.events.recv().await.expect("tests keep up");
                if let Some(found) = look(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("what is waited for happens")
    }

    /// Waits for a note.
    pub(crate) async fn note(&mut self, node: NodeId, name: &str) {
        self.event(|event| match event {
            ClusterEvent::Note(line) if line.node == node && line.note.name == name => Some(()),
            _ => None,
        })
        .await;
    }

    /// Waits until somebody leads who is not one of these.
    pub(crate) async fn leader_but(&mut self, not: &[NodeId]) -> NodeId {
        loop {
            match self.cluster.leader() {
                Some(leader) if !not.contains(&leader) => return leader,
                _ => self.event(|event| matches!(event, ClusterEvent::Note(_)).then_some(())).await,
            }
        }
    }

    /// Somebody who does not lead, when somebody leads. Only such a node becomes a candidate when its timer is fired.
    pub(crate) async fn follower(&mut self) -> NodeId {
        let leader = self.leader_but(&[]).await;
        self.cluster.nodes().into_iter().find(|node| *node != leader).expect("there are others")
    }

    /// Has a client write to a node, and expects that to work.
    pub(crate) async fn write(&self, node: NodeId, key: &str, value: u64) {
        let network = Arc::clone(&self.network) as Arc<dyn Network>;
        let nodes = self.cluster.nodes();
        let scene = Scene { run: "test-run", folder: self.folder.path(), network, nodes: &nodes, tap: None };
        let dialler = self.system.dialler(&scene).expect("a node of ours needs nothing for its clients");
        let request = RequestKind::Write { key: key.to_owned(), value: value.into() };
        let ended = dialler.client("c1", value, node).call(&request, PATIENCE).await;
        assert!(matches!(ended, Completion::Ok { .. }), "{ended:?}");
    }

    /// Ends the cluster, and sees that nothing is left and that all notes are there.
    pub(crate) async fn stop(self) -> NoteTally {
        let tally = self.cluster.stop().await;
        assert!(tally.is_complete(), "{tally:?}");
        for pid in started(self.folder.path()) {
            assert!(!exists(pid), "process {pid} is left");
        }
        tally
    }
}

/// How long anything may take that is sure to happen, on a machine that does much else.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
