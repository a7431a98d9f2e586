//! What happens to messages on their way: delayed, lost, delivered twice, overtaken; and by a plan's own word, held or
//! dropped by type.

use std::time::Duration;

use async_trait::async_trait;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_nodes::{LinkOrder, Parameter};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

use crate::faults::{
    Act, Aims, Deed, Drawn, Fault, FaultInfo, FaultKind, PROBE_INTERVAL, Placed, Standing, no_yield, parameter,
};
use crate::network::{Rule, Rung};
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::target::{Scene, Targets, pick};

/// Which kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Each message is delayed.
    Delay,
    /// A share of the messages is lost.
    Loss,
    /// A share of the messages is delivered twice.
    Duplicate,
    /// A share of the messages waits, so that later ones overtake it.
    Reorder,
    /// A bit of a share of the messages is flipped.
    Corrupt,
    /// Links carry so much and no more.
    Rate,
}

const SHARE: &str = "the share of the messages that it happens to";

impl MessageKind {
    fn about(self) -> (&'static str, &'static str, Vec<Parameter>) {
        let share = |default| parameter("share", "above 0, up to 1", default, SHARE);
        match self {
            MessageKind::Delay => (
                "delay",
                "messages are late; proved by messages that were",
                vec![
                    parameter("base", "a time", "50ms", "each message is at least that late"),
                    parameter("tail", "a time", "50ms", "the mean of an exponential tail that comes on top"),
                    share("1"),
                ],
            ),
            MessageKind::Loss => ("loss", "messages are lost; proved by messages that were", vec![share("0.1")]),
            MessageKind::Duplicate => {
                ("duplicate", "messages are delivered twice; proved by messages that were", vec![share("0.1")])
            }
            MessageKind::Reorder => (
                "reorder",
                "messages wait so that later ones overtake them; proved by messages that did",
                vec![share("0.5"), parameter("window", "a time", "50ms", "the longest wait")],
            ),
            MessageKind::Corrupt => {
                ("corrupt", "bits flip on the wire (vnet); proved by frames with flipped bits", vec![share("0.01")])
            }
            MessageKind::Rate => (
                "rate",
                "links are slow (vnet); proved by frames that had to pass there",
                vec![parameter("kbit", "from 1", "1000", "how many thousand bits a second each link carries")],
            ),
        }
    }

    fn rule(self, args: &mut Args<'_>) -> Rule {
        let time = |args: &mut Args<'_>, name| args.time(name).unwrap_or(Duration::from_millis(50));
        let share = |args: &mut Args<'_>, default| args.share("share").unwrap_or(default);
        match self {
            MessageKind::Delay => {
                Rule::Delay { base: time(args, "base"), tail: time(args, "tail"), share: share(args, 1.0) }
            }
            MessageKind::Loss => Rule::Lose { share: share(args, 0.1) },
            MessageKind::Duplicate => Rule::Duplicate { share: share(args, 0.1) },
            MessageKind::Reorder => Rule::Reorder { share: share(args, 0.5), window: time(args, "window") },
            MessageKind::Corrupt => Rule::Corrupt { share: share(args, 0.01) },
            MessageKind::Rate => {
                Rule::Limit { bits_per_second: args.count("kbit").unwrap_or(1000).saturating_mul(1000) }
            }
        }
    }

    fn draw_args(self, ground: &Ground, rng: &mut ChaCha8Rng) -> Vec<(&'static str, Value)> {
        let mut time = |most: u32| json!(format!("{:.0}ms", ground.scale() * f64::from(rng.random_range(5..=most))));
        match self {
            MessageKind::Delay => vec![("base", time(100)), ("tail", time(100))],
            MessageKind::Loss => vec![("share", json!(pick(&[0.05, 0.1, 0.2, 0.5], rng)))],
            MessageKind::Duplicate => vec![("share", json!(pick(&[0.05, 0.1, 0.5, 1.0], rng)))],
            MessageKind::Reorder => {
                let window = time(100);
                vec![("window", window), ("share", json!(pick(&[0.1, 0.5, 1.0], rng)))]
            }
            MessageKind::Corrupt => vec![("share", json!(pick(&[0.001, 0.01, 0.1], rng)))],
            MessageKind::Rate => vec![("kbit", json!(pick(&[64, 256, 1000, 10_000], rng)))],
        }
    }
}

impl FaultKind for MessageKind {
    fn info(&self) -> FaultInfo {
        let (name, about, parameters) = self.about();
        let aims = match self {
            MessageKind::Duplicate | MessageKind::Reorder => Aims::NodeLinks,
            MessageKind::Delay | MessageKind::Loss | MessageKind::Corrupt | MessageKind::Rate => Aims::Links,
        };
        FaultInfo { name, about, parameters, on: "all", aims, lasts: true }
    }

    fn read(&self, args: &mut Args<'_>) -> Box<dyn Fault> {
        let rule = self.rule(args);
        if let Rule::Delay { base: Duration::ZERO, tail: Duration::ZERO, .. }
        | Rule::Reorder { window: Duration::ZERO, .. } = rule
        {
            args.problem("no message would wait", "give a time above 0");
        }
        Box::new(Messages { rule })
    }

    fn refusal(&self, ground: &Ground) -> Option<String> {
        if let Some(why) = no_yield(ground) {
            return Some(why);
        }
        if matches!(self, MessageKind::Corrupt | MessageKind::Rate) && ground.rung != Rung::Vnet {
            return Some(format!("{} knows whole messages and no bits; --net vnet has them", ground.rung));
        }
        let breaks_order = matches!(self, MessageKind::Duplicate | MessageKind::Reorder);
        (breaks_order && ground.links == LinkOrder::Fifo)
            .then(|| format!("{} needs links that deliver once and in order", ground.system))
    }

    fn draw(&self, _: &Map<String, Value>, ground: &Ground, rng: &mut ChaCha8Rng) -> Drawn {
        let args = self.draw_args(ground, rng).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Drawn { on: pick(&["all", "all", "one", "minority"], rng), args }
    }
}

/// Messages to which something happens.
#[derive(Clone, Debug)]
pub struct Messages {
    /// What.
    rule: Rule,
}

#[async_trait]
impl Fault for Messages {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Rule(self.rule.clone()))
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        place_on_links(targets, scene, rng)
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        act.force.apply(act.id, &self.rule, &placed.links);
        until_touched(act, placed).await
    }

    async fn confirm(&self, act: &Act<'_>, placed: &Placed, begun: Standing) -> Standing {
        match begun {
            Standing::Proved(_) => Standing::Proved(json!({ "touched": act.stage.network.touched(act.id) })),
            _ => until_touched(act, placed).await,
        }
    }
}

/// Messages of a type that are held or dropped, by a plan's own word.
#[derive(Clone, Debug)]
pub struct ByType {
    /// [`Rule::Hold`] or [`Rule::Drop`].
    pub rule: Rule,
}

#[async_trait]
impl Fault for ByType {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::Rule(self.rule.clone()))
    }

    fn place(&mut self, targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
        place_on_links(targets, scene, rng)
    }

    async fn begin(&self, act: &Act<'_>, placed: &Placed) -> Standing {
        act.force.apply(act.id, &self.rule, &placed.links);
        Standing::Proved(json!({ "links": placed.links.len() }))
    }

    async fn confirm(&self, act: &Act<'_>, _: &Placed, _: Standing) -> Standing {
        match act.stage.network.touched(act.id) {
            0 => Standing::Moot("no such message came".to_owned()),
            touched => Standing::Proved(json!({ "touched": touched })),
        }
    }
}

fn place_on_links(targets: &Targets, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Result<Placed, String> {
    let resolved = targets.resolve(scene, rng);
    let links = resolved.links(scene);
    if links.is_empty() {
        return Err("its targets have no links".to_owned());
    }
    Ok(Placed { links, ..Placed::new(resolved) })
}

/// Sends probes until the fault has touched a message.
async fn until_touched(act: &Act<'_>, placed: &Placed) -> Standing {
    loop {
        match act.stage.network.touched(act.id) {
            0 => {}
            touched => return Standing::Proved(json!({ "touched": touched })),
        }
        let carry = act.running(&placed.links).iter().any(|link| !act.force.cuts(link));
        let clients = placed.links.iter().any(|link| !act.stage.network.relays(link));
        if !carry && !clients {
            return Standing::Moot("none of its links was open between running nodes".to_owned());
        } else if Instant::now() >= act.deadline {
            return if carry {
                Standing::Pending("no message was touched".to_owned())
            } else {
                Standing::Moot("no request or answer passed".to_owned())
            };
        }
        act.probes.send(&*act.stage.cluster).await;
        sleep(PROBE_INTERVAL).await;
    }
}
