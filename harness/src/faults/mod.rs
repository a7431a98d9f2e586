//! What can be done to a system: one file for each kind of fault, with its parameters, how it is drawn, applied, proved
//! and undone. Someone's own crate adds a kind by [`Faults::with`].
//!
//! A kind knows nothing of plans' timing: when a fault begins and how long it lasts is the executor's.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use schism_nodes::control::ClockFault;
use schism_nodes::{NodeId, Parameter};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::cluster::{Disk, NodeState};
use crate::network::{FaultId, Link, Rule, Rung};
use crate::plan::Entry;
use crate::plan::args::Args;
use crate::plan::force::InForce;
use crate::plan::ground::Ground;
use crate::plan::probes::Probes;
use crate::plan::stage::Stage;
use crate::plan::target::{Resolved, Scene, Target, Targets};

pub mod catalog;
pub mod client_kill;
pub mod clock;
pub mod kill;
pub mod messages;
pub mod partition;
pub mod pause;
pub mod powerloss;
pub mod swizzle;

pub use catalog::{Faults, catalog};

/// What a kind of fault says of itself, for `schism list faults` and for validation.
#[derive(Clone, Debug)]
pub struct FaultInfo {
    /// Its name: what an entry's `do` says.
    pub name: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// Its own parameters; `on` and `for` are common to all and not among them.
    pub parameters: Vec<Parameter>,
    /// The targets that it has when an entry names none.
    pub on: &'static str,
    /// What its targets may be.
    pub aims: Aims,
    /// Whether it is an interval; a client that is killed stays dead, and `for` is refused.
    pub lasts: bool,
}

/// What the targets of a fault may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aims {
    /// Nodes, by role or name.
    Nodes,
    /// Nodes, workers, and links between any of them.
    Links,
    /// Nodes, and links between nodes, coordinators beside clients among them: what lies between clients and nodes is neither
    /// duplicated nor reordered.
    NodeLinks,
    /// Workers, by role (of the workers) or name.
    Workers,
}

impl Aims {
    /// Whether a target is among them.
    pub fn accept(self, target: &Target, ground: &Ground) -> bool {
        match target {
            Target::Worker(_) => matches!(self, Aims::Links | Aims::Workers),
            Target::Link(link) => match self {
                Aims::Links => true,
                Aims::NodeLinks => [&link.from, &link.to].into_iter().all(|end| is_end(end, ground)),
                Aims::Nodes | Aims::Workers => false,
            },
            Target::Node(_) | Target::Leader | Target::That | Target::Ackers => self != Aims::Workers,
            Target::One | Target::Minority | Target::Majority | Target::All => true,
        }
    }

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Aims::Nodes => "nodes: leader, one, minority, majority, all, that, ackers, n1",
            Aims::Links => "nodes, workers or links: leader, one, minority, majority, all, that, n1, c1, n1->n2",
            Aims::NodeLinks => "nodes or links between them: leader, one, minority, majority, all, that, n1, n1->n2",
            Aims::Workers => "workers: one, minority, majority, all, c1",
        }
    }
}

/// A kind of fault.
pub trait FaultKind: Send + Sync {
    /// What it says of itself.
    fn info(&self) -> FaultInfo;

    /// Reads the parameters of an entry; what is wrong with them goes into `args`.
    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault>;

    /// Why it cannot be done to that system, if it cannot.
    fn refusal(&self, ground: &Ground) -> Option<String> {
        let _ = ground;
        None
    }

    /// The entries that a drawn one stands for: itself, unless the kind is made of several.
    fn spread(&self, whole: Entry, ground: &Ground, rng: &mut ChaCha8Rng) -> Vec<Entry> {
        let _ = (ground, rng);
        vec![whole]
    }

    /// Draws what a random plan leaves open: targets, and parameters that are not `fixed`. Times scale with
    /// [`Ground::scale`].
    fn draw(&self, fixed: &Map<String, Value>, ground: &Ground, rng: &mut ChaCha8Rng) -> Drawn;
}

/// What was drawn for an entry of a random plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Its targets when it is not the leader's turn.
    pub on: &'static str,
    /// Its parameters.
    pub args: Map<String, Value>,
}

/// What a fault does, as data: for a cluster in virtual time, where it is in force at once and needs no proof.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// Its nodes die, and start again at its end.
    Kill(Disk),
    /// Its nodes stand still.
    Pause,
    /// The clocks of its nodes go wrong.
    Clock(ClockFault),
    /// A rule on its links.
    Rule(Rule),
    /// The clients of its workers die after the first send of their next operation.
    GiveUp,
}

/// A fault with its parameters, about to happen, in force, or over.
#[async_trait]
pub trait Fault: fmt::Debug + Send + Sync {
    /// What it does, as data; `None` for a fault that can be done to real processes alone.
    fn deed(&self) -> Option<Deed> {
        None
    }

    /// What the parameters and the targets do not allow together, with what to try.
    fn mismatch(&self, targets: &Targets) -> Option<(String, String)> {
        let _ = targets;
        None
    }

    /// Decides whom it hits, now that roles can be resolved. An error is the reason why that is nobody.
    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        let _ = &self;
        Placed::on_nodes(targets.resolve(scene, rng))
    }

    /// Puts it in force and proves it. A proof that has to wait for something gives up at `act.deadline`, as
    /// [`Standing::Pending`].
    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing;

    /// The last chance for a proof, right before the end.
    async fn confirm(&self, act: &Act<'_>, placed: &Placed, begun: Standing) -> Standing {
        let _ = (act, placed);
        begun
    }

    /// Takes away its share of what is in force; what could not be undone.
    async fn end(&self, act: &Act<'_>, placed: &Placed) -> Vec<String> {
        let _ = placed;
        act.force.release(act.id).await
    }
}

/// Whom a fault hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    /// What the history says of it at its begin, `targets` among it.
    pub value: Map<String, Value>,
    /// The nodes that were targets.
    pub nodes: BTreeSet<NodeId>,
    /// The workers that were targets.
    pub workers: BTreeSet<String>,
    /// The links that it works on.
    pub links: BTreeSet<Link>,
}

impl Placed {
    /// Targets without links.
    pub fn new(resolved: Resolved) -> Self {
        let value = Map::from_iter([("targets".to_owned(), json!(resolved.names()))]);
        Placed { value, nodes: resolved.nodes, workers: resolved.workers, links: BTreeSet::new() }
    }

    /// Targets that must be nodes.
    pub fn on_nodes(resolved: Resolved) -> Result<Self, String> {
        if resolved.nodes.is_empty() { Err("its targets are nobody".to_owned()) } else { Ok(Placed::new(resolved)) }
    }

    /// With one more thing to say in the history.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.value.insert(name.to_owned(), value.into());
        self
    }
}

/// What is known of a fault's effect.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// It took effect; how that was seen.
    Proved(Value),
    /// It was applied, and its effect was not seen yet; what is missing.
    Pending(String),
    /// There was nothing that it could have an effect on.
    Moot(String),
    /// It was applied, and it certainly or finally has not been seen to take effect.
    Unproved(String),
}

/// What a fault acts with.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// The fault's number.
    pub id: FaultId,
    /// The cluster, its network, its workers.
    pub stage: &'a Stage,
    /// What is in force, by fault.
    pub force: &'a InForce,
    /// Probes that were sent and arrived.
    pub probes: &'a Probes,
    /// When an attempt to prove something gives up.
    pub deadline: Instant,
}

impl Act<'_> {
    /// Those of `links` whose both ends are nodes that run, or coordinators beside clients.
    pub fn running(&self, links: &BTreeSet<Link>) -> BTreeSet<Link> {
        let runs = |end: &str| end.parse().is_ok_and(|node| self.stage.cluster.state(node) == NodeState::Up);
        let relayed = links.iter().filter(|link| self.stage.network.relays(link));
        relayed.filter(|link| runs(&link.from) && runs(&link.to)).cloned().collect()
    }
}

/// The interval between two probes of a proof that waits.
pub(crate) const PROBE_INTERVAL: Duration = Duration::from_millis(20);

/// Why nothing can be done to links, where nothing can.
pub(crate) fn no_yield(ground: &Ground) -> Option<String> {
    let direct = ground.rung == Rung::Loopback;
    direct.then(|| "on loopback nodes speak directly with each other; --net vnet has links that can be cut".to_owned())
}

/// Whether an endpoint sends and takes messages of nodes.
fn is_end(endpoint: &str, ground: &Ground) -> bool {
    endpoint.parse().is_ok_and(|node| ground.has(node))
}

/// Does the same to each target node, and says of all together what is known.
pub(crate) async fn each_node<F, R>(nodes: &BTreeSet<NodeId>, mut effect: F) -> Standing
where
    F: FnMut(NodeId) -> R,
    R: Future<Output = Standing>,
{
    let (mut proofs, mut moot, mut failed) = (Map::new(), Vec::new(), Vec::new());
    for node in nodes {
        match effect(*node).await {
            Standing::Proved(proof) => drop(proofs.insert(node.to_string(), proof)),
            Standing::Moot(why) => moot.push(why),
            Standing::Pending(what) | Standing::Unproved(what) => failed.push(what),
        }
    }
    if !failed.is_empty() {
        Standing::Unproved(failed.join("; "))
    } else if proofs.is_empty() {
        Standing::Moot(moot.join("; "))
    } else {
        Standing::Proved(proofs.into())
    }
}

/// The parameter that a kind of fault documents.
pub(crate) fn parameter(
    name: &'static str,
    values: &'static str,
    default: &'static str,
    about: &'static str,
) -> Parameter {
    Parameter { name, values, default, about }
}

/// A shared kind of fault.
pub type Kind = Arc<dyn FaultKind>;
