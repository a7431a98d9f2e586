//! What a run is asked to do, with every default resolved: the `options` of `run.json`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use schism_nodes::config::parse_time;
use serde::{Deserialize, Serialize};

use crate::network::Rung;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::system::made::ManifestFile;

/// Everything that determines a run, but for the machine. Durations are stored in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RunOptions {
    /// The system under test.
    pub system: Spec,
    /// The workload: `register`, or another one with its parameters.
    pub workload: Spec,
    /// How many processes.
    pub nodes: u16,
    /// Which faults a random plan draws from, each with its parameters; empty for none.
    pub faults: Vec<Spec>,
    /// A plan to play as written, in place of a drawn one.
    pub plan: Option<PathBuf>,
    /// Faults a second, on average.
    pub fault_rate: f64,
    /// The main phase.
    pub time: Duration,
    /// Operations a second, all workers together; 0 for as fast as they go.
    pub rate: f64,
    /// Whether operations are due at their times even if earlier ones of their worker have not ended, and latency counts from there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open_loop: bool,
    /// How many workers.
    pub concurrency: usize,
    /// How many keys.
    pub keys: usize,
    /// Weights of what the workload does.
    pub mix: Vec<(String, u32)>,
    /// The deadline of an operation.
    pub op_timeout: Duration,
    /// Before the first fault.
    pub quiet: Duration,
    /// How long the system may take to come back after the last fault.
    pub recover: Duration,
    /// `linearizable`, or `declared`: what the configuration promises.
    pub consistency: String,
    /// The seed of all chance.
    pub seed: u64,
    /// The limit of the check.
    pub check_time: Duration,
    /// The limit of the check's memory, in bytes.
    pub check_memory: u64,
    /// The results folder.
    pub out: PathBuf,
    /// Keep the nodes' data folders of valid runs too.
    #[serde(default)]
    pub keep_data: bool,
    /// Check while the run goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_live: bool,
    /// Stay with the cluster after the run, until interrupted.
    pub leave_running: bool,
    /// The loopback address of the run; one that is free, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Ipv4Addr>,
    /// What lies between the nodes; what suits the system, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Rung>,
    /// On `vnet`: leave the kernel's limits of TCP as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stock_tcp: bool,
    /// On `vnet`: keep every frame that the switch sees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pcap: bool,
    /// The node executable; the running one where absent.
    pub node_program: Option<PathBuf>,
    /// The manifest of the system, where it is in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestFile>,
    /// The client of one's own that asks, in place of the manifest's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Vec<String>>,
    /// What the run is remembered by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl RunOptions {
    /// What lies between the nodes.
    pub fn rung(&self) -> Rung {
        self.net.unwrap_or_default()
    }

    /// These options with what a plan says of the run that it was written for, where it says something.
    #[must_use]
    pub fn of_plan(mut self, plan: &Plan) -> Self {
        let time = |text: &Option<String>| text.as_deref().and_then(parse_time);
        self.time = time(&plan.time).unwrap_or(self.time);
        self.op_timeout = time(&plan.op_timeout).unwrap_or(self.op_timeout);
        self.concurrency = plan.clients.unwrap_or(self.concurrency);
        self.seed = plan.seed.unwrap_or(self.seed);
        self
    }
}

/// What `--expect invalid[:PROPERTY]` expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The property that has to break; any judged one where absent.
    pub property: Option<String>,
}
