//! What is under test: how a node of it is started, what it serves, what it promises.

mod builtin;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{LinkOrder, NodeId, RequestKind};

use crate::client::Dialler;
use crate::network::Network;

pub use builtin::BuiltIn;

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
    fn launch(&self, node: NodeId) -> Launch;
    /// What it promises its clients, its deliberate bug apart.
    fn promise(&self) -> Consistency;
    /// How a client of a run speaks with it, over a network that knows where its nodes listen.
    fn dialler(&self, run: &str, network: Arc<dyn Network>) -> Box<dyn Dialler>;
}

/// How the process of a node is started. Its environment is cleared but for what is named here.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// For a built-in node: the protocol and its parameters, for the boot line of its control socket.
    pub protocol: (String, BTreeMap<String, String>),
    /// For a built-in node: how its stable storage is kept.
    pub storage: Storage,
}
