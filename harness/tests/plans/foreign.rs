//! A kind of fault that somebody else has written.

use std::sync::Arc;

use async_trait::async_trait;
use rand_chacha::ChaCha8Rng;
use schism::cluster::NodeState;
use schism::faults::{Act, Aims, Drawn, Fault, FaultInfo, FaultKind, Faults, Placed, Standing};
use schism::plan::args::Args;
use schism::plan::{Ground, play};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::ready;
use crate::world::World;

/// It is proved by its own word.
struct Curse;

#[async_trait]
impl Fault for Cursed {
    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        for node in &placed.nodes {
            assert_eq!(act.stage.cluster.state(*node), NodeState::Up);
        }
        Standing::Proved(json!(self.0))
    }
}

#[derive(Debug)]
struct Cursed(String);

impl FaultKind for Curse {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "curse",
            about: "nodes are cursed",
            parameters: Vec::new(),
            on: "all",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, _: &mut Args<'_>) -> Box<dyn Fault> {
        Box::new(Cursed("abracadabra".to_owned()))
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, _: &mut ChaCha8Rng) -> Drawn {
        Drawn::default()
    }
}

#[tokio::test(start_paused = true)]
async fn someone_elses_fault_is_played_like_any_other() {
    let world = World::new(3);
    let entries = json!([{"id": 1, "at": "1s", "do": "curse", "for": "1s"}]);
    let (_sender, stop) = watch::channel(false);
    let steps = ready(&entries, 3, &Faults::default().with(Arc::new(Curse)));
    let report = play(steps, false, world.stage(), stop).await;
    assert_eq!(report.entries[0].proof, json!("abracadabra"));
    assert_eq!(report.faults["curse"].proved, 1);
}
