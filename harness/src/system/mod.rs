//! What is under test: how a node of it is started, what it serves, what it promises.

mod builtin;
pub mod embedded;
pub mod foreign;
mod leader;
pub mod made;
pub mod manifest;
pub mod secrets;
pub mod tested;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{LinkOrder, NodeId, RequestKind};

use self::manifest::Ready;
use self::secrets::Secrets;
use self::tested::Inspection;
use crate::client::Dialler;
use crate::client::own::Tap;
use crate::network::Network;

pub use builtin::{BuiltIn, running_program};
pub use foreign::Foreign;

/// A system under test. The built-in protocols are its first case; nothing outside of `system/` asks which case it is.
pub trait System: Send + Sync {
    /// Its name and parameters, as one would write them.
    fn label(&self) -> String;
    /// The request types that it serves.
    fn requests(&self) -> Vec<String>;
    /// Whether it has a leader that makes itself known.
    fn has_leader(&self) -> bool;
    /// What it needs of its links.
    fn links(&self) -> LinkOrder;
    /// How long it typically takes to serve again after a fault.
    fn recovery(&self) -> Duration;
    /// Whether each client has a coordinator beside it, a process of its own, whom it asks in place of a node.
    fn beside_clients(&self) -> bool {
        false
    }
    /// The note that a coordinator makes when a part of what such a request sends is out, if it makes one.
    fn midway(&self, request: &RequestKind) -> Option<&'static str> {
        let _ = request;
        None
    }
    /// How the process of a node is started.
    fn launch(&self, place: &Place<'_>) -> io::Result<Launch>;
    /// What it promises its clients, its deliberate bug apart.
    fn promise(&self) -> Consistency;
    /// How a client of a run speaks with it.
    fn dialler(&self, scene: &Scene<'_>) -> io::Result<Box<dyn Dialler>>;
    /// What it is apart from this program.
    fn means(&self) -> Means {
        Means::default()
    }
    /// How its nodes are asked which of them leads, where they do not note it by themselves.
    fn leader_question(&self, scene: &Scene<'_>) -> Option<Arc<dyn AskLeader>> {
        let _ = scene;
        None
    }
    /// What this machine lacks to run it, and how that is had.
    fn missing(&self) -> Option<(String, String)> {
        None
    }
    /// What there is to be looked at of the programs under test, where they are not this one.
    fn inspection(&self) -> Option<Inspection> {
        None
    }
    /// Commands that are run once when all nodes have started for the first time.
    fn once(&self, scene: &Scene<'_>) -> io::Result<Vec<Launch>> {
        let _ = scene;
        Ok(Vec::new())
    }
}

/// What can be done to the nodes of a system, and what has to be written about them.
#[derive(Clone, Debug)]
pub struct Means {
    /// Whether its nodes are ours: they tell what they hold, bend their clocks and sync where it can be seen.
    pub ours: bool,
    /// How long a node may take from its start until it is ready.
    pub ready_within: Duration,
    /// What must not be written.
    pub secrets: Arc<Secrets>,
}

impl Default for Means {
    fn default() -> Self {
        Means { ours: true, ready_within: Duration::from_secs(20), secrets: Arc::default() }
    }
}

/// Where a node runs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The node.
    pub node: NodeId,
    /// Its folder in the run folder.
    pub folder: &'a Path,
    /// The address of every node.
    pub hosts: &'a BTreeMap<NodeId, IpAddr>,
}

/// Where clients of a run are.
#[derive(Clone)]
pub struct Scene<'a> {
    /// The run.
    pub run: &'a str,
    /// The run folder.
    pub folder: &'a Path,
    /// Where its nodes listen.
    pub network: Arc<dyn Network>,
    /// The nodes.
    pub nodes: &'a [NodeId],
    /// Who wants to see each line that a client of one's own exchanges.
    pub tap: Option<Tap>,
}

/// Asks a node whether it leads.
#[async_trait]
pub trait AskLeader: Send + Sync {
    /// In which epoch it says so; nothing where it does not, or does not answer. Systems without epochs say 0.
    async fn leads(&self, node: NodeId) -> Option<u64>;
}

/// How a process is started. Its environment is cleared but for what is named here.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// What is told to it, and how it tells that it is ready.
    pub kind: LaunchKind,
}

/// What kind of a process it is.
#[derive(Clone, Debug)]
pub enum LaunchKind {
    /// A built-in node, which is told what to be on its control socket.
    Node {
        /// The protocol and its parameters.
        protocol: (String, BTreeMap<String, String>),
        /// How its stable storage is kept.
        storage: Storage,
    },
    /// Somebody else's server.
    Server(Box<Server>),
}

/// What the controller has to know of somebody else's server.
#[derive(Clone, Debug, Default)]
pub struct Server {
    /// Files in its folder, written before it starts.
    pub files: BTreeMap<String, String>,
    /// Commands in its folder while its data folder is empty.
    pub prepare: Vec<Vec<String>>,
    /// What shows that it has started.
    pub ready: Vec<Ready>,
    /// Where it listens, by the names of its ports.
    pub ports: BTreeMap<String, std::net::SocketAddr>,
    /// Texts that a healthy log does not have.
    pub failures: Vec<String>,
    /// The signal that asks it to end, by its name.
    pub stop: String,
    /// How long it may take to obey.
    pub stop_within: Duration,
    /// Whether it is to see itself as somebody without privileges.
    pub unprivileged: bool,
    /// What must not be written.
    pub secrets: Arc<Secrets>,
}
