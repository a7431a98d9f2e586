//! The clients that come with Schism, by the names that manifests give them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use schism_nodes::NodeId;

use super::attempt::{Attempts, Speaker};
use super::etcd::Etcd;
use super::http::Http;
use super::nats::Nats;
use super::postgres::Postgres;
use super::redis::Redis;
use super::zookeeper::ZooKeeper;
use super::{Client, Dialler};
use crate::network::Network;
use crate::system::manifest::HttpRequest;
use crate::system::secrets::Secrets;

/// What a driver is made with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// What the manifest tells it.
    pub options: BTreeMap<String, String>,
    /// For `http`: what each request is.
    pub http: BTreeMap<String, HttpRequest>,
    /// Where each node serves clients.
    pub homes: BTreeMap<NodeId, SocketAddr>,
    /// What must not be written, by its names.
    pub secrets: Arc<Secrets>,
}

/// A client that comes with Schism.
#[derive(Debug)]
pub struct Driver {
    /// Its name in manifests.
    pub name: &'static str,
    /// The request types that it knows; those of `http` are what the manifest says.
    requests: &'static [&'static str],
    /// Whether it can ask a server whether it leads.
    pub knows_leaders: bool,
    make: fn(&Setup, NodeId) -> Box<dyn Speaker>,
}

/// All of them.
static DRIVERS: [Driver; 6] = [
    Driver {
        name: "etcd",
        requests: &["read", "write", "cas", "delete", "append", "list", "enqueue", "dequeue"],
        knows_leaders: true,
        make: |setup, _| Box::new(Etcd::new(&setup.options)),
    },
    Driver {
        name: "redis",
        requests: &["read", "write", "cas", "delete", "append", "list", "enqueue", "dequeue"],
        knows_leaders: true,
        make: |setup, _| Box::new(Redis::new(setup)),
    },
    Driver {
        name: "zookeeper",
        requests: &["read", "write", "cas"],
        knows_leaders: true,
        make: |setup, _| Box::new(ZooKeeper::new(setup)),
    },
    Driver {
        name: "nats",
        requests: &["read", "write", "cas", "enqueue", "dequeue"],
        knows_leaders: true,
        make: |setup, _| Box::new(Nats::new(setup)),
    },
    Driver {
        name: "postgres",
        requests: &["read", "write", "cas", "delete", "append", "list", "enqueue", "dequeue"],
        knows_leaders: true,
        make: |setup, _| Box::new(Postgres::new(setup)),
    },
    Driver { name: "http", requests: &[], knows_leaders: false, make: |setup, _| Box::new(Http::new(setup)) },
];

/// The driver of that name.
pub fn find(name: &str) -> Option<&'static Driver> {
    DRIVERS.iter().find(|driver| driver.name == name)
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    DRIVERS.iter().map(|driver| driver.name).collect()
}

impl Driver {
    /// Whether it knows how to make a request.
    pub fn serves(&self, request: &str, http: &BTreeMap<String, HttpRequest>) -> bool {
        self.requests.contains(&request) || http.contains_key(request)
    }

    /// One that asks `node`.
    pub fn speaker(&self, setup: &Setup, node: NodeId) -> Box<dyn Speaker> {
        (self.make)(setup, node)
    }
}

/// Opens clients of a driver.
pub struct DriverDialler {
    /// Which one.
    pub driver: &'static Driver,
    /// What it is made with.
    pub setup: Setup,
    /// Whose links its clients meet.
    pub network: Arc<dyn Network>,
}

impl Dialler for DriverDialler {
    fn client(&self, worker: &str, _process: u64, node: NodeId) -> Box<dyn Client> {
        let home = self.setup.homes.get(&node).copied().unwrap_or_else(|| self.network.address(node));
        let speaker = self.driver.speaker(&self.setup, node);
        let secrets = Arc::clone(&self.setup.secrets);
        Box::new(Attempts::new(speaker, (worker, node), home, Arc::clone(&self.network), secrets))
    }
}
