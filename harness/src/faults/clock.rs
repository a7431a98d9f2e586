//! Clocks that go wrong: a wall clock that is off, and clocks that run fast or slow.

use async_trait::async_trait;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_nodes::control::ClockFault;
use serde_json::{Map, Value, json};

use crate::faults::{Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, Placed, Standing, each_node, parameter};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::pick;

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct ClockKind;

impl FaultKind for ClockKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "clock",
            about: "nodes' clocks are off or run at another rate; proved by reading them back",
            parameters: vec![
                parameter("offset", "a time, or one with a minus", "0s", "how far the wall clock is ahead"),
                parameter("rate", "0.01..100", "1", "how fast both clocks run"),
            ],
            on: "one",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault> {
        let given = args.has("offset") || args.has("rate");
        let fault = ClockFault {
            offset_ns: args.signed_time("offset").unwrap_or(0),
            rate: args.real("rate", 0.01..=100.0).unwrap_or(1.0),
        };
        if !given {
            args.problem("nothing says how the clocks go wrong", "give offset=500ms, or rate=1.5, or both");
        }
        Box::new(Clock { fault })
    }

    fn refusal(&self, ground: &Ground) -> Option<String> {
        (!ground.ours).then(|| "the clocks of somebody else's server are not ours to bend".to_owned())
    }

    fn draw(&self, fixed: &Map<String, Value>, ground: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        let sign = if rng.random() { "-" } else { "" };
        let milliseconds = ground.scale() * f64::from(rng.random_range(50..=2000_u16));
        let rate = pick(&[0.5, 0.8, 0.95, 1.05, 1.25, 2.0], rng);
        let both = [("offset", json!(format!("{sign}{milliseconds:.0}ms"))), ("rate", json!(rate))];
        let (first, count) = pick(&[(0, 1), (1, 1), (0, 2)], rng);
        let on = pick(&["one", "one", "minority", "all"], rng);
        // Who fixes one of the two means that one alone.
        let count = if fixed.contains_key("offset") || fixed.contains_key("rate") { 0 } else { count };
        let args = both.into_iter().skip(first).take(count).map(|(name, value)| (name.to_owned(), value)).collect();
        Drawn { on, args }
    }
}

/// Clocks that go wrong.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    fault: ClockFault,
}

#[async_trait]
impl Fault for Clock {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Clock(self.fault))
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        each_node(&placed.nodes, |node| act.force.clock(act.id, node, self.fault)).await
    }
}
