//! Clients that die after their first send: their operation is open for ever, and may still take effect. A coordinator beside such
//! a client dies with it, in the middle of what it does for it.

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use tokio::time::timeout_at;

use crate::faults::{Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, Placed, Standing};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::{Resolved, Scene, Targets, pick};

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct ClientKillKind;

impl FaultKind for ClientKillKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "client-kill",
            about: "a worker's client dies after the first send of its next operation, and a coordinator beside it between its stores; proved by that operation",
            parameters: Vec::new(),
            on: "one",
            aims: Aims::Workers,
            lasts: false,
        }
    }

    fn read(&self, _: &mut Args<'_>) -> Box<dyn Fault> {
        Box::new(ClientKill)
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        Drawn { on: pick(&["one", "one", "minority"], rng), args: Map::new() }
    }
}

/// Clients that die.
#[derive(Clone, Copy, Debug)]
pub struct ClientKill;

#[async_trait]
impl Fault for ClientKill {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::GiveUp)
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        let workers = targets.resolve_workers(scene, rng);
        let strangers: Vec<&str> =
            workers.iter().filter(|worker| !scene.workers.contains(worker)).map(String::as_str).collect();
        if workers.is_empty() {
            return Err("its targets are no worker".to_owned());
        } else if !strangers.is_empty() {
            return Err(format!("there is no worker {}", strangers.join(", ")));
        }
        Ok(Placed::new(Resolved { workers, ..Resolved::default() }))
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        let mut operations = Map::new();
        for worker in &placed.workers {
            if let Ok(Some(index)) = timeout_at(act.deadline, act.stage.workers.give_up(worker)).await {
                operations.insert(worker.clone(), json!(index));
            }
        }
        if operations.is_empty() {
            return Standing::Moot("none of its workers began another operation".to_owned());
        }
        Standing::Proved(json!({ "operations": operations }))
    }
}
