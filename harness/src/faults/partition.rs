//! Links that carry nothing, in one of a few shapes.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use schism_nodes::NodeId;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::faults::{
    Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, PROBE_INTERVAL, Placed, Standing, no_yield, parameter,
};
use crate::network::{Link, Rule, Rung};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::shapes::{Cut, Direction, SHAPES, Shape, cut, named};
use crate::plan::target::{Scene, Target, Targets, pick};

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct PartitionKind;

impl FaultKind for PartitionKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "partition",
            about: "links carry nothing; proved by probes that do not arrive while others do",
            parameters: vec![
                parameter(
                    "shape",
                    "isolate|halves|majority|bridge|ring|one-way|chain|quorum-loss|clients",
                    "isolate",
                    "which links are cut",
                ),
                parameter("direction", "in|out", "drawn", "for shape=one-way: what the targets get, or what they send"),
            ],
            on: "one",
            aims: Aims::Links,
            lasts: true,
        }
    }

    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault> {
        let direction = args.word("direction", &["out", "in"]).map(|place| [Direction::Out, Direction::In][place]);
        let shape = match args.word("shape", &SHAPES) {
            None | Some(0) => Shape::Isolate,
            Some(1) => Shape::Halves,
            Some(2) => Shape::Majority,
            Some(3) => Shape::Bridge,
            Some(4) => Shape::Ring,
            Some(5) => Shape::OneWay(direction),
            Some(6) => Shape::Chain,
            Some(7) => Shape::QuorumLoss,
            Some(_) => Shape::Clients,
        };
        if direction.is_some() && !matches!(shape, Shape::OneWay(_)) {
            args.problem("direction is for shape=one-way alone", "add shape=one-way, or leave direction out");
        }
        Box::new(Partition { shape, given: args.has("shape") })
    }

    fn refusal(&self, ground: &Ground) -> Option<String> {
        no_yield(ground)
    }

    fn draw(&self, fixed: &Map<String, Value>, ground: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        if ground.beside_clients && !matches!(fixed.get("shape").and_then(Value::as_str), Some("bridge" | "ring")) {
            return draw_with_clients(fixed, rng);
        }
        let mut shapes = vec!["isolate", "isolate", "halves", "majority", "bridge", "ring", "one-way"];
        if ground.rung == Rung::Vnet {
            // There clients have addresses of their own, and foreign systems are tried with whatever is known to break them.
            shapes.extend(["chain", "quorum-loss", "clients"]);
        }
        let shape = pick(&shapes, rng);
        let on = pick(&["one", "one", "minority"], rng);
        let shape = if fixed.contains_key("direction") { "one-way" } else { shape };
        Drawn { on, args: Map::from_iter([("shape".to_owned(), shape.into())]) }
    }
}

/// Where clients coordinate, cuts between nodes alone hardly matter: some of the coordinators beside them are on a side as well.
fn draw_with_clients(fixed: &Map<String, Value>, rng: &mut ChaCha8Rng) -> Drawn {
    let shape = pick(&["isolate", "isolate", "halves", "majority", "one-way"], rng);
    let on = pick(&["one,c1", "one,c1,c2", "minority,c1", "minority,c2"], rng);
    let shape = if fixed.contains_key("direction") { "one-way" } else { shape };
    Drawn { on, args: Map::from_iter([("shape".to_owned(), shape.into())]) }
}

/// A partition.
#[derive(Clone, Debug)]
pub struct Partition {
    pub(super) shape: Shape,
    /// Whether the shape was asked for: links that are named have none.
    pub(super) given: bool,
}

#[async_trait]
impl Fault for Partition {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Rule(Rule::Cut))
    }

    fn mismatch(&self, targets: &Targets) -> Option<(String, String)> {
        let link = targets.0.iter().any(|target| matches!(target, Target::Link(_)));
        let worker = targets.0.iter().any(|target| matches!(target, Target::Worker(_)));
        let refused = |what: &str, hint: &str| Some((what.to_owned(), hint.to_owned()));
        if link && !targets.are_links() {
            return refused("links and other targets do not go together", "name links only, or none");
        }
        if link && self.given {
            return refused("links that are named one by one have no shape", "leave shape out");
        }
        if worker && matches!(self.shape, Shape::Bridge | Shape::Ring | Shape::Chain | Shape::QuorumLoss) {
            return refused("this shape is made of nodes", "name nodes, or use shape=isolate");
        }
        None
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        let resolved = targets.resolve(scene, rng);
        if resolved.is_empty() {
            return Err("its targets are nobody".to_owned());
        }
        let (shape, Cut { sides, links }) = if targets.are_links() {
            ("links", named(&resolved.links))
        } else {
            (self.word(), cut(self.shape, scene.nodes, scene.workers, &resolved, rng))
        };
        if links.is_empty() {
            return Err(format!("shape={shape} cuts no link among {} nodes with these targets", scene.nodes.len()));
        }
        let cut: Vec<String> = links.iter().map(ToString::to_string).collect();
        let mut placed = Placed::new(resolved).with("shape", shape).with("sides", json!(sides)).with("cut", cut);
        placed.links = links;
        Ok(placed)
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        if open(act, &placed.links).is_empty() {
            try_before(act, &placed.links).await;
        }
        act.force.apply(act.id, &Rule::Cut, &placed.links);
        act.probes.watch(act.id, placed.links.clone());
        prove(act, &placed.links).await
    }

    async fn confirm(&self, act: &Act<'_>, placed: &Placed, begun: Standing) -> Standing {
        let last = match begun {
            // What is proved must only not leak until the end, and is not prolonged for a second proof.
            Standing::Proved(_) => {
                let deadline = act.deadline.min(Instant::now() + PROBE_INTERVAL);
                let again = prove(&Act { deadline, ..*act }, &placed.links).await;
                if matches!(again, Standing::Unproved(_)) { again } else { begun }
            }
            Standing::Pending(_) | Standing::Moot(_) => {
                let again = prove(act, &placed.links).await;
                if matches!((&begun, &again), (Standing::Pending(_), Standing::Moot(_))) { begun } else { again }
            }
            unproved @ Standing::Unproved(_) => unproved,
        };
        // What came through at any time since the begin counts; what is under way when the cut ends does not.
        act.probes.unwatch(act.id).map_or(last, Standing::Unproved)
    }
}

impl Partition {
    fn word(&self) -> &'static str {
        match self.shape {
            Shape::Isolate => "isolate",
            Shape::Halves => "halves",
            Shape::Majority => "majority",
            Shape::Bridge => "bridge",
            Shape::Ring => "ring",
            Shape::OneWay(_) => "one-way",
            Shape::Chain => "chain",
            Shape::QuorumLoss => "quorum-loss",
            Shape::Clients => "clients",
        }
    }
}

/// Sends probes until one arrives on a link that is open, while none may on one that is cut. Where no link is open, it
/// is enough that one of them has carried a probe before.
async fn prove(act: &Act<'_>, links: &BTreeSet<Link>) -> Standing {
    let clients: Vec<&Link> = links.iter().filter(|link| !act.stage.network.relays(link)).collect();
    if let Some(passes) = clients.iter().find(|link| !act.stage.network.is_cut(link)) {
        return Standing::Unproved(format!("requests and answers pass on {passes}"));
    }
    let mut first = None;
    loop {
        let cut = act.running(links);
        if cut.is_empty() && clients.is_empty() {
            return Standing::Moot("no link that it cuts had a running node at both ends".to_owned());
        } else if cut.is_empty() {
            return Standing::Proved(json!({ "clients": clients.len() }));
        }
        let open = open(act, links);
        let number = act.probes.send(&*act.stage.cluster).await;
        let first = *first.get_or_insert(number);
        let patience = (Instant::now() + PROBE_INTERVAL).min(act.deadline);
        let mut heard = act.probes.arrived(first, &open, patience).await;
        if open.is_empty() {
            heard = act.probes.ever(&cut);
        }
        if let Some(leak) = act.probes.leak(act.id) {
            return Standing::Unproved(leak);
        } else if !heard.is_empty() {
            let heard: Vec<String> = heard.iter().map(ToString::to_string).collect();
            let when = if open.is_empty() { "heard_before" } else { "heard" };
            return Standing::Proved(json!({ "probe": number, "silent": cut.len(), when: heard }));
        } else if Instant::now() >= act.deadline {
            return Standing::Pending("no probe arrived on any link, cut or not".to_owned());
        }
    }
}

/// The links between running nodes that neither these nor any other fault cuts.
fn open(act: &Act<'_>, links: &BTreeSet<Link>) -> BTreeSet<Link> {
    let nodes = act.stage.cluster.nodes();
    let link = |from: &NodeId, to: &NodeId| Link { from: from.to_string(), to: to.to_string() };
    let all = nodes.iter().flat_map(|from| nodes.iter().filter(move |to| *to != from).map(move |to| link(from, to)));
    act.running(&all.filter(|link| !links.contains(link) && !act.force.cuts(link)).collect())
}

/// Has these links carry a probe before they are cut, as far as they can.
async fn try_before(act: &Act<'_>, links: &BTreeSet<Link>) {
    let uncut = act.running(&links.iter().filter(|link| !act.force.cuts(link)).cloned().collect());
    if !uncut.is_empty() {
        let number = act.probes.send(&*act.stage.cluster).await;
        let patience = (Instant::now() + 5 * PROBE_INTERVAL).min(act.deadline);
        act.probes.arrived(number, &uncut, patience).await;
    }
}
