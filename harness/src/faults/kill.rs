//! Nodes that die and come back: with all that they wrote, or with nothing.

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::cluster::Disk;
use crate::faults::{Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, Placed, Standing, each_node, parameter};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::{Scene, Targets, pick};

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct KillKind;

impl FaultKind for KillKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "kill",
            about: "nodes die by SIGKILL and start again when it ends; proved by the process that is gone",
            parameters: vec![parameter("disk", "keep|wipe", "keep", "whether a node finds again what it had written")],
            on: "one",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault> {
        let disk = if args.word("disk", &["keep", "wipe"]) == Some(1) { Disk::Wipe } else { Disk::Keep };
        Box::new(Kill { disk })
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        Drawn { on: pick(&["one", "one", "minority", "majority", "all"], rng), args: Map::new() }
    }
}

/// Nodes that die.
#[derive(Clone, Debug)]
pub struct Kill {
    disk: Disk,
}

#[async_trait]
impl Fault for Kill {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Kill(self.disk))
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        let placed = Placed::on_nodes(targets.resolve(scene, rng))?;
        // What was taken tells later what may be lost.
        Ok(if self.disk == Disk::Wipe { placed.with("disk", "wipe") } else { placed })
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        each_node(&placed.nodes, |node| act.force.kill(act.id, node, self.disk)).await
    }
}
