//! Nodes that lose power: what was not synced is gone, but for a prefix that is torn in the middle of a frame.

use async_trait::async_trait;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::cluster::Disk;
use crate::faults::{Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, Placed, Standing, each_node, parameter};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::{Scene, Targets, pick};

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct PowerlossKind;

impl FaultKind for PowerlossKind {
    fn info(&self) -> FaultInfo {
        let about = "the share of the unsynced bytes that survive, the last frame torn";
        FaultInfo {
            name: "powerloss",
            about: "nodes die and their logs are cut to what was synced, and start again when it ends; proved by the cut",
            parameters: vec![parameter("keep", "0..1", "drawn", about)],
            on: "one",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault> {
        Box::new(Powerloss { share: args.real("keep", 0.0..=1.0) })
    }

    fn refusal(&self, ground: &Ground) -> Option<String> {
        (!ground.ours)
            .then(|| "what somebody else's server has synced is not known; kill loses nothing that it wrote".to_owned())
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        Drawn { on: pick(&["one", "minority", "majority", "all"], rng), args: Map::new() }
    }
}

/// Nodes that lose power.
#[derive(Clone, Debug)]
pub struct Powerloss {
    /// Drawn when it begins, where absent.
    share: Option<f64>,
}

#[async_trait]
impl Fault for Powerloss {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Kill(Disk::Tear { share: self.share.unwrap_or(0.0) }))
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        let placed = Placed::on_nodes(targets.resolve(scene, rng))?;
        let share = *self.share.get_or_insert_with(|| f64::from(rng.random_range(0..=100_u8)) / 100.0);
        Ok(placed.with("keep", share))
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        let disk = Disk::Tear { share: self.share.unwrap_or(0.0) };
        each_node(&placed.nodes, |node| act.force.kill(act.id, node, disk)).await
    }
}
