//! The shapes of a partition: which links are cut, and who then is on which side. Pure.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_nodes::NodeId;

use crate::network::{Endpoint, Link};
use crate::plan::target::{Resolved, majority, minority, shuffled};

/// The words for shapes, in the order of [`Shape`].
pub const SHAPES: [&str; 9] =
    ["isolate", "halves", "majority", "bridge", "ring", "one-way", "chain", "quorum-loss", "clients"];

/// A shape of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The targets from the rest.
    Isolate,
    /// Two halves, the targets in one of them; for an odd number of nodes the larger side is drawn.
    Halves,
    /// The largest minority, the targets in it, from the majority.
    Majority,
    /// Two halves that do not hear each other, and one node (a target) that hears both.
    Bridge,
    /// Every node hears a majority, itself included, and no two hear the same one.
    Ring,
    /// The targets are not heard by the rest (`out`), or do not hear it (`in`).
    OneWay(Option<Direction>),
    /// The nodes stand in a line, a target at its end, and hear their neighbours only (`OmniPaxos`, `EuroSys` 2023, §2).
    Chain,
    /// One node, no target if that is possible, hears all others, and these hear nobody else: it alone can reach a quorum
    /// (`OmniPaxos`, `EuroSys` 2023, §2).
    QuorumLoss,
    /// The targets and all clients do not hear each other; nodes hear each other as before.
    Clients,
}

/// Which way of a one-way cut is cut; drawn where absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// What the targets send is lost.
    Out,
    /// What is sent to the targets is lost.
    In,
}

/// A partition in all its detail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// Who is on which side, by the side's name.
    pub sides: BTreeMap<String, Vec<Endpoint>>,
    /// Which links are cut.
    pub links: BTreeSet<Link>,
}

/// Draws what a shape leaves open; `workers` are all of them. Workers among the targets are cut off together with the nodes on their side; no other
/// worker is. Where a shape is not possible among so few nodes, no link is cut.
pub fn cut(shape: Shape, nodes: &[NodeId], workers: &[Endpoint], targets: &Resolved, rng: &mut ChaCha8Rng) -> Cut {
    let (chosen, rest) = split(nodes, targets);
    match shape {
        Shape::Isolate => two_sides(nodes, &chosen, &rest, &targets.workers),
        Shape::Halves => {
            let smaller = nodes.len() / 2;
            let size = if nodes.len() % 2 == 1 && rng.random() { smaller + 1 } else { smaller };
            grown(nodes, &chosen, &rest, size, &targets.workers, rng)
        }
        Shape::Majority => grown(nodes, &chosen, &rest, minority(nodes.len()), &targets.workers, rng),
        Shape::Bridge => bridge(nodes, &chosen, rng),
        Shape::Ring => ring(nodes, rng),
        Shape::OneWay(direction) => {
            let drawn = if rng.random() { Direction::Out } else { Direction::In };
            one_way(direction.unwrap_or(drawn), &targets.endpoints(), &rest)
        }
        Shape::Chain => chain(&chosen, &rest, rng),
        Shape::QuorumLoss => quorum_loss(nodes, &rest, rng),
        Shape::Clients => clients(nodes, &chosen, workers, &targets.workers),
    }
}

/// The cut of links that were named one by one.
pub fn named(links: &BTreeSet<Link>) -> Cut {
    Cut { sides: BTreeMap::new(), links: links.clone() }
}

fn split(nodes: &[NodeId], targets: &Resolved) -> (Vec<NodeId>, Vec<NodeId>) {
    nodes.iter().partition(|node| targets.nodes.contains(node))
}

/// The targets, with drawn others until they are `size`, from the rest.
fn grown(
    nodes: &[NodeId],
    chosen: &[NodeId],
    rest: &[NodeId],
    size: usize,
    workers: &BTreeSet<String>,
    rng: &mut ChaCha8Rng,
) -> Cut {
    let others = shuffled(rest, rng);
    let joined = size.saturating_sub(chosen.len()).min(others.len());
    let (mut first, mut second) = ([chosen, &others[..joined]].concat(), others[joined..].to_vec());
    first.sort();
    second.sort();
    two_sides(nodes, &first, &second, workers)
}

/// One side from the other, both ways. The workers are on the first.
fn two_sides(nodes: &[NodeId], first: &[NodeId], second: &[NodeId], workers: &BTreeSet<String>) -> Cut {
    let (large, small) = ("majority", "minority");
    let (first_name, second_name) = if first.len() >= majority(nodes.len()) {
        (large, small)
    } else if second.len() >= majority(nodes.len()) {
        (small, large)
    } else {
        ("left", "right")
    };
    let first: Vec<Endpoint> = names(first).into_iter().chain(workers.iter().cloned()).collect();
    let second = names(second);
    let mut links = between(&first, &second);
    links.extend(between(&second, &first));
    Cut { sides: BTreeMap::from([(first_name.to_owned(), first), (second_name.to_owned(), second)]), links }
}

fn bridge(nodes: &[NodeId], chosen: &[NodeId], rng: &mut ChaCha8Rng) -> Cut {
    let candidates = shuffled(if chosen.is_empty() { nodes } else { chosen }, rng);
    let Some(middle) = candidates.first() else { return Cut::default() };
    let others: Vec<NodeId> = nodes.iter().copied().filter(|node| node != middle).collect();
    let others = shuffled(&others, rng);
    let (left, right) = others.split_at(others.len() / 2);
    let (left, right) = (sorted(left), sorted(right));
    let mut links = between(&left, &right);
    links.extend(between(&right, &left));
    let sides = [("left", left), ("bridge", names(&[*middle])), ("right", right)];
    Cut { sides: sides.map(|(name, side)| (name.to_owned(), side)).into(), links }
}

/// The nodes stand in a drawn ring; each hears the window of a majority around itself. With one or two nodes each hears
/// everybody, and nothing is cut.
fn ring(nodes: &[NodeId], rng: &mut ChaCha8Rng) -> Cut {
    let circle = shuffled(nodes, rng);
    let window = majority(circle.len());
    let mut cut = Cut::default();
    for (place, node) in circle.iter().enumerate() {
        let first = place + circle.len() - window / 2;
        let heard: Vec<NodeId> = (0..window).map(|step| circle[(first + step) % circle.len()]).collect();
        let unheard = circle.iter().filter(|other| !heard.contains(other));
        cut.links.extend(unheard.map(|from| Link { from: from.to_string(), to: node.to_string() }));
        cut.sides.insert(format!("heard by {node}"), sorted(&heard));
    }
    cut
}

fn one_way(direction: Direction, chosen: &[Endpoint], rest: &[NodeId]) -> Cut {
    let (chosen, rest) = (chosen.to_vec(), names(rest));
    let (from, to) = match direction {
        Direction::Out => (chosen, rest),
        Direction::In => (rest, chosen),
    };
    let links = between(&from, &to);
    Cut { sides: BTreeMap::from([("from".to_owned(), from), ("to".to_owned(), to)]), links }
}

fn chain(chosen: &[NodeId], rest: &[NodeId], rng: &mut ChaCha8Rng) -> Cut {
    let (first, others) = (shuffled(chosen, rng), shuffled(rest, rng));
    let line = names(&[first, others].concat());
    let mut links = between(&line, &line);
    links.retain(|link| {
        let place = |end: &Endpoint| line.iter().position(|other| other == end).unwrap_or_default();
        place(&link.from).abs_diff(place(&link.to)) > 1
    });
    Cut { sides: BTreeMap::from([("line".to_owned(), line)]), links }
}

fn quorum_loss(nodes: &[NodeId], rest: &[NodeId], rng: &mut ChaCha8Rng) -> Cut {
    let candidates = shuffled(if rest.is_empty() { nodes } else { rest }, rng);
    let Some(hub) = candidates.first() else { return Cut::default() };
    let others = names(&nodes.iter().copied().filter(|node| node != hub).collect::<Vec<_>>());
    let mut links = between(&others, &others);
    links.retain(|link| link.from != link.to);
    Cut {
        sides: [("hub", names(&[*hub])), ("others", others)].map(|(name, side)| (name.to_owned(), side)).into(),
        links,
    }
}

/// The workers among the targets from all nodes, and the nodes among them from all workers.
fn clients(nodes: &[NodeId], chosen: &[NodeId], workers: &[Endpoint], named: &BTreeSet<String>) -> Cut {
    let named: Vec<Endpoint> = named.iter().cloned().collect();
    let pairs = [(names(chosen), workers.to_vec()), (names(nodes), named)];
    let links = pairs.iter().flat_map(|(nodes, workers)| {
        between(nodes, workers).into_iter().chain(between(workers, nodes)).collect::<Vec<_>>()
    });
    Cut { sides: BTreeMap::new(), links: links.collect() }
}

fn between(from: &[Endpoint], to: &[Endpoint]) -> BTreeSet<Link> {
    let link = |from: &Endpoint, to: &Endpoint| Link { from: from.clone(), to: to.clone() };
    from.iter().flat_map(|from| to.iter().map(move |to| link(from, to))).collect()
}

fn names(nodes: &[NodeId]) -> Vec<Endpoint> {
    nodes.iter().map(ToString::to_string).collect()
}

fn sorted(nodes: &[NodeId]) -> Vec<Endpoint> {
    names(&nodes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::stream;

    fn on(nodes: &[u16], workers: &[&str]) -> Resolved {
        Resolved {
            nodes: nodes.iter().copied().map(NodeId).collect(),
            workers: workers.iter().map(ToString::to_string).collect(),
            links: BTreeSet::new(),
        }
    }

    /// For each size and a few seeds.
    fn cuts(shape: Shape, targets: &Resolved) -> Vec<(u16, Cut)> {
        let draw = |n, seed| cut(shape, &NodeId::universe(n), &[], targets, &mut stream(seed, "cut"));
        (2..=7).flat_map(|n| (0..40).map(move |seed| (n, draw(n, seed)))).collect()
    }

    fn heard(n: u16, to: NodeId, cut: &Cut) -> BTreeSet<NodeId> {
        let link = |from: &NodeId| Link { from: from.to_string(), to: to.to_string() };
        NodeId::universe(n).into_iter().filter(|from| !cut.links.contains(&link(from))).collect()
    }

    fn symmetric(cut: &Cut) -> bool {
        cut.links.iter().all(|link| cut.links.contains(&Link { from: link.to.clone(), to: link.from.clone() }))
    }

    #[test]
    fn isolated_targets_hear_only_each_other() {
        for (n, cut) in cuts(Shape::Isolate, &on(&[1, 2], &[])) {
            assert_eq!(cut.links.len(), 2 * 2 * (usize::from(n) - 2));
            assert_eq!(heard(n, NodeId(1), &cut), [NodeId(1), NodeId(2)].into());
            assert!(symmetric(&cut));
        }
        let cut = cut(Shape::Isolate, &NodeId::universe(5), &[], &on(&[4, 5], &[]), &mut stream(0, ""));
        assert_eq!(cut.sides["majority"], ["n1", "n2", "n3"]);
        assert_eq!(cut.sides["minority"], ["n4", "n5"]);
    }

    #[test]
    fn halves_differ_by_at_most_one_and_the_larger_is_drawn() {
        let mut sizes: BTreeMap<u16, BTreeSet<usize>> = BTreeMap::new();
        for (n, cut) in cuts(Shape::Halves, &on(&[2], &[])) {
            let side = heard(n, NodeId(2), &cut).len();
            assert_eq!(cut.links.len(), 2 * side * (usize::from(n) - side));
            assert!(symmetric(&cut));
            sizes.entry(n).or_default().insert(side);
        }
        let expected = [(2, vec![1]), (3, vec![1, 2]), (4, vec![2]), (5, vec![2, 3]), (6, vec![3]), (7, vec![3, 4])];
        assert_eq!(sizes, expected.map(|(n, sizes)| (n, sizes.into_iter().collect())).into());
    }

    #[test]
    fn a_majority_stands_against_the_target() {
        for (n, cut) in cuts(Shape::Majority, &on(&[2], &[])) {
            assert_eq!(heard(n, NodeId(2), &cut).len(), minority(usize::from(n)).max(1), "of {n}");
            assert!(symmetric(&cut));
        }
    }

    #[test]
    fn one_node_hears_both_banks_of_a_bridge() {
        for (n, cut) in cuts(Shape::Bridge, &on(&[2], &[])) {
            assert_eq!(heard(n, NodeId(2), &cut).len(), usize::from(n), "the target is the bridge");
            let (left, right) = (usize::from(n - 1) / 2, usize::from(n - 1).div_ceil(2));
            assert_eq!(cut.links.len(), 2 * left * right, "of {n}");
            assert!(symmetric(&cut));
        }
    }

    #[test]
    fn in_a_ring_everyone_hears_a_majority_and_no_two_the_same() {
        for (n, cut) in cuts(Shape::Ring, &on(&[], &[])) {
            let views: Vec<_> = NodeId::universe(n).into_iter().map(|node| (node, heard(n, node, &cut))).collect();
            assert!(views.iter().all(|(node, view)| view.contains(node) && view.len() == majority(usize::from(n))));
            let different: BTreeSet<_> = views.iter().map(|(_, view)| view.clone()).collect();
            assert_eq!(different.len(), if n == 2 { 1 } else { usize::from(n) }, "of {n}");
        }
    }

    #[test]
    fn one_way_cuts_one_way() {
        let seen: BTreeSet<bool> = cuts(Shape::OneWay(None), &on(&[1], &[]))
            .into_iter()
            .map(|(n, cut)| {
                assert_eq!(cut.links.len(), usize::from(n) - 1);
                let out = cut.links.iter().all(|link| link.from == "n1");
                assert!(out || cut.links.iter().all(|link| link.to == "n1"));
                out
            })
            .collect();
        assert_eq!(seen.len(), 2, "both directions are drawn");
        for (_, cut) in cuts(Shape::OneWay(Some(Direction::In)), &on(&[1], &[])) {
            assert!(cut.links.iter().all(|link| link.to == "n1"));
        }
    }

    #[test]
    fn workers_are_cut_off_with_the_nodes_of_their_side() {
        let nodes = NodeId::universe(3);
        let links = |shape, targets| -> Vec<String> {
            let cut = cut(shape, &nodes, &[], &targets, &mut stream(0, ""));
            cut.links.iter().map(ToString::to_string).filter(|link| link.contains('c')).collect()
        };
        let both = ["c2->n1", "c2->n2", "c2->n3", "n1->c2", "n2->c2", "n3->c2"];
        assert_eq!(links(Shape::Isolate, on(&[], &["c2"])), both);
        assert_eq!(links(Shape::Isolate, on(&[1], &["c2"])), ["c2->n2", "c2->n3", "n2->c2", "n3->c2"]);
        assert_eq!(links(Shape::OneWay(Some(Direction::Out)), on(&[], &["c2"])), ["c2->n1", "c2->n2", "c2->n3"]);
    }

    #[test]
    fn in_a_chain_everyone_hears_its_neighbours_and_the_target_is_at_an_end() {
        for (n, cut) in cuts(Shape::Chain, &on(&[1], &[])) {
            let mut views: Vec<usize> =
                NodeId::universe(n).into_iter().map(|node| heard(n, node, &cut).len()).collect();
            assert_eq!(views[0], 2, "itself and one neighbour");
            views.sort_unstable();
            assert_eq!(views[..2], [2, 2], "a line has two ends");
            assert!(views[2..].iter().all(|heard| *heard == 3));
            assert!(symmetric(&cut));
        }
    }

    #[test]
    fn where_quorums_are_lost_one_node_that_is_no_target_hears_all() {
        for (n, cut) in cuts(Shape::QuorumLoss, &on(&[1], &[])) {
            let views: Vec<usize> = NodeId::universe(n).into_iter().map(|node| heard(n, node, &cut).len()).collect();
            let hubs = views.iter().filter(|heard| **heard == usize::from(n)).count();
            assert!(hubs == 1 || n == 2);
            assert!(views.iter().filter(|heard| **heard == 2).count() >= usize::from(n) - 1);
            assert_eq!(views[0], 2, "the target has lost its quorum");
            assert!(symmetric(&cut));
        }
    }

    #[test]
    fn clients_are_cut_off_from_targets_and_nodes_from_nobody() {
        let workers = ["c1".to_owned(), "c2".to_owned()];
        let links = |targets| -> Vec<String> {
            let cut = cut(Shape::Clients, &NodeId::universe(2), &workers, &targets, &mut stream(0, ""));
            cut.links.iter().map(ToString::to_string).collect()
        };
        assert_eq!(links(on(&[1], &[])), ["c1->n1", "c2->n1", "n1->c1", "n1->c2"]);
        assert_eq!(links(on(&[], &["c2"])), ["c2->n1", "c2->n2", "n1->c2", "n2->c2"]);
    }

    #[test]
    fn everybody_isolated_from_nobody_cuts_nothing() {
        assert!(cut(Shape::Isolate, &NodeId::universe(2), &[], &on(&[1, 2], &[]), &mut stream(0, "")).links.is_empty());
        assert!(cut(Shape::Isolate, &NodeId::universe(1), &[], &on(&[1], &[]), &mut stream(0, "")).links.is_empty());
    }
}
