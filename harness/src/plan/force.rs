//! What is in force, by fault: the union of all active faults on each node and link. The end of one takes away only its own
//! share, and nobody pauses or kills a dead node.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schism_nodes::NodeId;
use schism_nodes::control::ClockFault;

use crate::cluster::{Cluster, ClusterError, Disk, NodeState, Proof};
use crate::faults::Standing;
use crate::network::{FaultId, Link, Network, Rule};

/// The longest that one action on a node may take: a node that hangs must not hang the run.
const ACTION_LIMIT: Duration = Duration::from_secs(30);

/// See the module's head.
pub struct InForce {
    cluster: Arc<dyn Cluster>,
    network: Arc<dyn Network>,
    /// Actions on one node happen one after the other.
    nodes: BTreeMap<NodeId, tokio::sync::Mutex<Holds>>,
    rules: Mutex<BTreeMap<FaultId, BTreeSet<Link>>>,
    traps: Mutex<BTreeSet<u64>>,
}

/// Who holds a node in which state.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    pub(crate) paused: BTreeSet<FaultId>,
    pub(crate) killed: BTreeSet<FaultId>,
    /// The latest wins.
    pub(crate) clocks: Vec<(FaultId, ClockFault)>,
    /// Whether its clocks were ever bent.
    bent: bool,
    /// What its clocks were last told, if its process still is the one that was told.
    told: Option<ClockFault>,
}

impl Holds {
    /// What its clocks should be.
    pub(crate) fn clock(&self) -> ClockFault {
        self.clocks.last().map_or_else(ClockFault::default, |(_, fault)| *fault)
    }

    /// Takes away a fault's share; whether it had one.
    pub(crate) fn release(&mut self, fault: FaultId) -> bool {
        self.paused.remove(&fault)
            | self.killed.remove(&fault)
            | !self.clocks.extract_if(.., |(other, _)| *other == fault).collect::<Vec<_>>().is_empty()
    }

    /// Takes away every fault's share.
    pub(crate) fn release_all(&mut self) {
        self.paused.clear();
        self.killed.clear();
        self.clocks.clear();
    }
}

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InForce").field("nodes", &self.nodes).field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl InForce {
    /// Nothing is in force.
    pub fn new(cluster: Arc<dyn Cluster>, network: Arc<dyn Network>) -> Self {
        let everyone = cluster.nodes().into_iter().chain(cluster.coordinators());
        let nodes = everyone.map(|node| (node, tokio::sync::Mutex::default())).collect();
        InForce { cluster, network, nodes, rules: Mutex::default(), traps: Mutex::default() }
    }

    /// Kills a node, until the fault (and every other that keeps it down) is released.
    pub async fn kill(&self, fault: FaultId, node: NodeId, disk: Disk) -> Standing {
        let Some(mut holds) = self.lock(node).await else { return nobody(node) };
        if let Some(dead) = self.dead(node) {
            if dead == NodeState::Down {
                holds.killed.insert(fault);
            }
            return Standing::Moot(format!("{node} was {}", word(dead)));
        }
        holds.killed.insert(fault);
        let standing = limited(node, self.cluster.kill(node, disk)).await;
        if matches!(standing, Standing::Moot(_)) {
            holds.killed.remove(&fault);
        } else {
            holds.paused.clear();
            holds.told = None;
        }
        standing
    }

    /// Stops a node's process, until the fault (and every other that stopped it) is released.
    pub async fn pause(&self, fault: FaultId, node: NodeId) -> Standing {
        let Some(mut holds) = self.lock(node).await else { return nobody(node) };
        if let Some(dead) = self.dead(node) {
            return Standing::Moot(format!("{node} was {}", word(dead)));
        }
        if self.cluster.state(node) == NodeState::Paused && !holds.paused.is_empty() {
            holds.paused.insert(fault);
            return Standing::Proved(serde_json::json!({"already": "stopped"}));
        }
        holds.paused.insert(fault);
        let standing = limited(node, self.cluster.pause(node)).await;
        if matches!(standing, Standing::Moot(_)) {
            holds.paused.remove(&fault);
        }
        standing
    }

    /// Bends a node's clocks, until the fault is released; then they go as the latest other fault wants, or right.
    pub async fn clock(&self, fault: FaultId, node: NodeId, clock: ClockFault) -> Standing {
        let Some(mut holds) = self.lock(node).await else { return nobody(node) };
        if let Some(dead) = self.dead(node) {
            return Standing::Moot(format!("{node} was {}", word(dead)));
        }
        if self.cluster.state(node) == NodeState::Paused {
            return Standing::Moot(format!("{node} was stopped"));
        }
        holds.clocks.push((fault, clock));
        holds.bent = true;
        let standing = limited(node, self.cluster.clock(node, clock)).await;
        if matches!(standing, Standing::Moot(_)) {
            holds.clocks.retain(|(other, _)| *other != fault);
        } else {
            holds.told = Some(clock);
        }
        standing
    }

    /// Puts a rule in force on links, until the fault is released.
    pub fn apply(&self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        let cut = if *rule == Rule::Cut { links.clone() } else { BTreeSet::new() };
        locked(&self.rules).entry(fault).or_default().extend(cut);
        self.network.apply(fault, rule, links);
    }

    /// Whether any fault cuts a link.
    pub fn cuts(&self, link: &Link) -> bool {
        locked(&self.rules).values().any(|links| links.contains(link))
    }

    /// Remembers a trap that was armed.
    pub(crate) fn armed(&self, trap: u64) {
        locked(&self.traps).insert(trap);
    }

    /// Disarms a trap; a node that stands at it goes on.
    pub(crate) async fn disarm(&self, trap: u64) {
        let armed = locked(&self.traps).remove(&trap);
        if armed {
            self.cluster.disarm(trap).await;
        }
    }

    /// Ends a fault's share of everything; what could not be undone.
    pub async fn release(&self, fault: FaultId) -> Vec<String> {
        let rules = locked(&self.rules).remove(&fault);
        if rules.is_some() {
            self.network.lift(fault, true);
        }
        let mut failures = Vec::new();
        for (node, holds) in &self.nodes {
            let mut holds = holds.lock().await;
            if holds.release(fault) {
                failures.extend(self.settle(*node, &mut holds).await);
            }
        }
        failures
    }

    /// Ends everything, whoever began it: rules lifted, traps disarmed, stopped nodes resumed, killed ones restarted,
    /// clocks right. May be called at any time, and more than once; what could not be undone.
    pub async fn heal(&self) -> Vec<String> {
        let rules = std::mem::take(&mut *locked(&self.rules));
        for fault in rules.into_keys() {
            self.network.lift(fault, true);
        }
        let traps = std::mem::take(&mut *locked(&self.traps));
        for trap in traps {
            self.cluster.disarm(trap).await;
        }
        let mut failures = Vec::new();
        for (node, holds) in &self.nodes {
            let mut holds = holds.lock().await;
            holds.release_all();
            failures.extend(self.settle(*node, &mut holds).await);
        }
        failures
    }

    /// Brings a node into the state that the faults which still hold it want.
    async fn settle(&self, node: NodeId, holds: &mut Holds) -> Vec<String> {
        let mut failures = Vec::new();
        let mut attempt = |standing: Standing, what: &str| match standing {
            Standing::Proved(_) => {}
            Standing::Moot(why) | Standing::Pending(why) | Standing::Unproved(why) => {
                failures.push(format!("{node} could not be {what}: {why}"));
            }
        };
        if holds.paused.is_empty() && self.cluster.state(node) == NodeState::Paused {
            attempt(limited(node, self.cluster.resume(node)).await, "resumed");
        }
        if holds.killed.is_empty() && self.cluster.state(node) == NodeState::Down {
            match limited(node, self.cluster.restart(node)).await {
                // A coordinator whose client has died is started again by whoever replaces it.
                Standing::Moot(_) if node.is_coordinator() => {}
                restarted => attempt(restarted, "restarted"),
            }
            // A cluster may start the process with the clocks that the last one had.
            holds.told = None;
        }
        let wanted = holds.clock();
        if holds.bent && holds.told != Some(wanted) && self.cluster.state(node) == NodeState::Up {
            attempt(limited(node, self.cluster.clock(node, wanted)).await, "given the right clocks");
            holds.told = Some(wanted);
        }
        failures
    }

    /// Why a node cannot be acted on, if it is not alive.
    fn dead(&self, node: NodeId) -> Option<NodeState> {
        let state = self.cluster.state(node);
        matches!(state, NodeState::Down | NodeState::Crashed).then_some(state)
    }

    async fn lock(&self, node: NodeId) -> Option<tokio::sync::MutexGuard<'_, Holds>> {
        Some(self.nodes.get(&node)?.lock().await)
    }
}

fn nobody(node: NodeId) -> Standing {
    Standing::Moot(format!("{node} is not of this cluster"))
}

/// A state in words that fit after "was".
pub(crate) fn word(state: NodeState) -> &'static str {
    match state {
        NodeState::Starting => "still starting",
        NodeState::Up => "up",
        NodeState::Paused => "stopped",
        NodeState::Down => "down",
        NodeState::Crashed => "gone, since it ended by itself",
    }
}

/// Does an action on a node within a limit, and says what is then known.
pub(crate) async fn limited(node: NodeId, action: impl Future<Output = Result<Proof, ClusterError>>) -> Standing {
    match tokio::time::timeout(ACTION_LIMIT, action).await {
        Ok(Ok(proof)) => Standing::Proved(proof),
        Ok(Err(ClusterError::State { node, state })) => Standing::Moot(format!("{node} was {}", word(state))),
        Ok(Err(error)) => Standing::Unproved(error.to_string()),
        Err(_) => Standing::Unproved(format!("{node} did not come to it within {} s", ACTION_LIMIT.as_secs())),
    }
}

/// The data behind these locks is whole after every statement, so that a panic elsewhere does it no harm.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
