//! Nodes that stand still and go on, as in a long collection of garbage or on a machine that is suspended.

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};

use crate::faults::{Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, Placed, Standing, each_node};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::pick;

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct PauseKind;

impl FaultKind for PauseKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "pause",
            about: "nodes are stopped by SIGSTOP and go on when it ends; proved by the process that is seen stopped",
            parameters: Vec::new(),
            on: "one",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, _: &mut Args<'_>) -> Box<dyn Fault> {
        Box::new(Pause)
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        Drawn { on: pick(&["one", "one", "minority", "majority"], rng), args: Map::new() }
    }
}

/// Nodes that stand still.
#[derive(Clone, Copy, Debug)]
pub struct Pause;

#[async_trait]
impl Fault for Pause {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Pause)
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        each_node(&placed.nodes, |node| act.force.pause(act.id, node)).await
    }
}
