//! Nodes that are cut off one after another and come back in another order, as in `FoundationDB`'s swizzle-clogging: what a
//! system has done for the first of them is wrong for the second.
//!
//! A random plan has an entry for each node, so that the order can be read, replayed and shortened. An entry alone isolates its
//! targets, as a partition does.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_nodes::NodeId;
use schism_nodes::config::parse_time;
use serde_json::{Map, Value};

use crate::faults::partition::Partition;
use crate::faults::{Aims, Drawn, Fault, FaultInfo, FaultKind, no_yield};
use crate::plan::Entry;
use crate::plan::args::Args;
use crate::plan::ground::Ground;
use crate::plan::shapes::Shape;
use crate::plan::target::shuffled;

/// See the module's head.
#[derive(Clone, Copy, Debug)]
pub struct SwizzleKind;

impl FaultKind for SwizzleKind {
    fn info(&self) -> FaultInfo {
        FaultInfo {
            name: "swizzle",
            about: "some nodes are cut off one after another and come back in another order; proved as partitions are",
            parameters: Vec::new(),
            on: "one",
            aims: Aims::Nodes,
            lasts: true,
        }
    }

    fn read(&self, _: &mut Args<'_>) -> Box<dyn Fault> {
        Box::new(Partition { shape: Shape::Isolate, given: false })
    }

    fn refusal(&self, ground: &Ground) -> Option<String> {
        no_yield(ground)
    }

    fn draw(&self, _: &Map<String, Value>, _: &Ground, _: &mut ChaCha8Rng) -> Drawn {
        Drawn { on: "one", args: Map::new() }
    }

    fn spread(&self, whole: Entry, ground: &Ground, rng: &mut ChaCha8Rng) -> Vec<Entry> {
        let time = |text: &Option<String>| parse_time(text.as_deref()?);
        let (Some(start), Some(length)) = (time(&whole.at), time(&whole.duration)) else { return vec![whole] };
        let nodes = chosen(&whole, ground, rng);
        let steps = u32::try_from(nodes.len()).unwrap_or(u32::MAX).max(1);
        // All are cut off within the first half, and all are back at the end.
        let step = length / (2 * steps);
        let back = shuffled(&(1..=steps).collect::<Vec<_>>(), rng);
        let entries = (0..).zip(nodes.iter().zip(back)).map(|(place, (node, back))| {
            let (from, to) = (start + step * place, start + step * (steps + back));
            let entry = whole.clone();
            Entry {
                at: Some(written(from)),
                on: Some(node.to_string()),
                duration: Some(written(to.saturating_sub(from))),
                ..entry
            }
        });
        entries.collect()
    }
}

/// The nodes that are named, in a drawn order; where none are, two or more that are drawn.
fn chosen(whole: &Entry, ground: &Ground, rng: &mut ChaCha8Rng) -> Vec<NodeId> {
    let named: Option<Vec<NodeId>> =
        whole.on.as_deref().and_then(|on| on.split(',').map(|name| name.trim().parse().ok()).collect());
    let mut nodes = shuffled(named.as_deref().unwrap_or(&ground.nodes), rng);
    if named.is_none() && nodes.len() > 2 {
        nodes.truncate(rng.random_range(2..=nodes.len()));
    }
    nodes
}

fn written(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schism_nodes::LinkOrder;

    use super::*;
    use crate::chance::stream;
    use crate::network::Rung;

    fn spread(on: &str, seed: u64) -> Vec<(String, u128, u128)> {
        let ground = Ground {
            system: "raft".to_owned(),
            nodes: NodeId::universe(5),
            beside_clients: false,
            has_leader: true,
            links: LinkOrder::Any,
            requests: Vec::new(),
            rung: Rung::Vnet,
            recovery: Duration::from_millis(500),
            ours: true,
        };
        let text = |text: &str| Some(text.to_owned());
        let whole = Entry {
            action: "swizzle".to_owned(),
            at: text("3s"),
            duration: text("1200ms"),
            on: text(on),
            ..Entry::default()
        };
        let entries = SwizzleKind.spread(whole, &ground, &mut stream(seed, "swizzle"));
        let time = |text: &Option<String>| parse_time(text.as_deref().unwrap()).unwrap().as_millis();
        let told = entries.iter().map(|entry| {
            assert_eq!(entry.action, "swizzle");
            let from = time(&entry.at);
            (entry.on.clone().unwrap(), from, from + time(&entry.duration))
        });
        told.collect()
    }

    #[test]
    fn nodes_are_cut_off_one_by_one_and_come_back_in_another_order() {
        let mut sizes = BTreeSet::new();
        let mut orders = BTreeSet::new();
        for seed in 0..100 {
            let cuts = spread("leader", seed);
            sizes.insert(cuts.len());
            let nodes: BTreeSet<&String> = cuts.iter().map(|(node, ..)| node).collect();
            assert_eq!(nodes.len(), cuts.len(), "each once");
            assert!(cuts.windows(2).all(|pair| pair[0].1 < pair[1].1), "one after another: {cuts:?}");
            let last_cut = cuts.iter().map(|(_, from, _)| *from).max().unwrap();
            assert!(cuts.iter().all(|(_, _, to)| (last_cut..=4_200).contains(to)), "all overlap: {cuts:?}");
            let ends: BTreeSet<u128> = cuts.iter().map(|(_, _, to)| *to).collect();
            assert_eq!(ends.len(), cuts.len(), "and back one after another: {cuts:?}");
            orders.insert(cuts.windows(2).all(|pair| pair[0].2 < pair[1].2));
        }
        assert_eq!(sizes, BTreeSet::from([2, 3, 4, 5]));
        assert_eq!(orders.len(), 2, "in the same order and in others");
    }

    #[test]
    fn nodes_that_are_named_are_those() {
        let nodes: BTreeSet<String> = spread("n2,n4", 1).into_iter().map(|(node, ..)| node).collect();
        assert_eq!(nodes, BTreeSet::from(["n2".to_owned(), "n4".to_owned()]));
    }
}
