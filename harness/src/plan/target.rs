//! To whom something is done: roles, names, links, and how roles are resolved at the moment when it begins.

use std::collections::BTreeSet;
use std::fmt;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use schism_nodes::NodeId;

use crate::network::{Endpoint, Link};
use crate::plan::problem::Problem;

/// The words for roles, for suggestions.
pub const ROLES: [&str; 7] = ["leader", "one", "minority", "majority", "all", "that", "ackers"];

/// One target, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The leader of that moment; one drawn replica where there is none.
    Leader,
    /// One, drawn.
    One,
    /// ⌊(n−1)/2⌋, drawn.
    Minority,
    /// ⌊n/2⌋+1, drawn.
    Majority,
    /// Everyone.
    All,
    /// Who made the note at which the entry starts.
    That,
    /// Who stored the last write that was acknowledged, as its answer tells; nobody where answers do not tell.
    Ackers,
    /// A node by its name.
    Node(NodeId),
    /// A worker by its name, `c2`.
    Worker(String),
    /// A directed link.
    Link(Link),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Leader => f.write_str("leader"),
            Target::One => f.write_str("one"),
            Target::Minority => f.write_str("minority"),
            Target::Majority => f.write_str("majority"),
            Target::All => f.write_str("all"),
            Target::That => f.write_str("that"),
            Target::Ackers => f.write_str("ackers"),
            Target::Node(node) => node.fmt(f),
            Target::Worker(worker) => f.write_str(worker),
            Target::Link(link) => link.fmt(f),
        }
    }
}

/// Several targets: `n1,c2`, `leader`, `n1->n3,n3->n1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Targets(pub Vec<Target>);

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, target) in self.0.iter().enumerate() {
            write!(f, "{}{target}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl Targets {
    /// Reads targets separated by commas. Nodes must be of the universe.
    pub fn parse(text: &str, nodes: &[NodeId], at: &str) -> Result<Self, Problem> {
        text.split(',').map(|word| target(word.trim(), nodes, at)).collect::<Result<_, _>>().map(Targets)
    }

    /// Whether one of them is `that`.
    pub fn names_that(&self) -> bool {
        self.0.contains(&Target::That)
    }

    /// Whether all of them are links.
    pub fn are_links(&self) -> bool {
        self.0.iter().all(|target| matches!(target, Target::Link(_)))
    }

    /// Who they are now. Roles range over the nodes.
    pub fn resolve(&self, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Resolved {
        let mut resolved = Resolved::default();
        for target in &self.0 {
            match target {
                Target::Link(link) => drop(resolved.links.insert(link.clone())),
                Target::Worker(worker) => drop(resolved.workers.insert(worker.clone())),
                Target::Node(node) => drop(resolved.nodes.insert(*node)),
                Target::That => resolved.nodes.extend(scene.that),
                Target::Ackers => resolved.nodes.extend(scene.ackers),
                Target::Leader if scene.leader.is_some() => resolved.nodes.extend(scene.leader),
                role => resolved.nodes.extend(draw(role, scene.nodes, rng)),
            }
        }
        resolved
    }

    /// The one at which a request is made: a node, or for a worker the coordinator beside it.
    pub fn contact(&self, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<NodeId> {
        let resolved = self.resolve(scene, rng);
        let beside = resolved.workers.iter().filter_map(|worker| worker.parse().ok());
        resolved.nodes.iter().copied().chain(beside).next()
    }

    /// Which workers they are now. Roles range over the workers; nodes and links are nobody.
    pub fn resolve_workers(&self, scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> BTreeSet<String> {
        let mut workers = BTreeSet::new();
        for target in &self.0 {
            match target {
                Target::Worker(worker) => drop(workers.insert(worker.clone())),
                Target::Link(_) | Target::Node(_) | Target::That | Target::Ackers => {}
                role => workers.extend(draw(role, scene.workers, rng)),
            }
        }
        workers
    }
}

/// Who is there when roles are resolved.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The universe, in order.
    pub nodes: &'a [NodeId],
    /// The coordinators beside clients, in order, where there are such.
    pub coordinators: &'a [NodeId],
    /// The workers, in order.
    pub workers: &'a [String],
    /// The leader, if there is one.
    pub leader: Option<NodeId>,
    /// Who made the note at which the entry starts.
    pub that: Option<NodeId>,
    /// Who stored the last write that was acknowledged.
    pub ackers: &'a [NodeId],
}

/// Targets by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Nodes.
    pub nodes: BTreeSet<NodeId>,
    /// Workers.
    pub workers: BTreeSet<String>,
    /// Links.
    pub links: BTreeSet<Link>,
}

impl Resolved {
    /// Nobody at all.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.workers.is_empty() && self.links.is_empty()
    }

    /// Nodes and workers by their names as endpoints.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        self.nodes.iter().map(ToString::to_string).chain(self.workers.iter().cloned()).collect()
    }

    /// Everything by its name, for people.
    pub fn names(&self) -> Vec<String> {
        self.endpoints().into_iter().chain(self.links.iter().map(ToString::to_string)).collect()
    }

    /// The links that are meant: those that are named, all between a named node and the other nodes and the coordinators
    /// beside clients, and all between a named worker and the nodes.
    pub fn links(&self, scene: &Scene<'_>) -> BTreeSet<Link> {
        let mut links = self.links.clone();
        for endpoint in self.endpoints() {
            let beside = if is_worker(&endpoint) { &[] } else { scene.coordinators };
            let others = scene.nodes.iter().chain(beside).map(ToString::to_string);
            for other in others.filter(|other| *other != endpoint) {
                links.insert(Link { from: endpoint.clone(), to: other.clone() });
                links.insert(Link { from: other, to: endpoint.clone() });
            }
        }
        links
    }
}

/// How many a minority of `n` has at most.
pub fn minority(n: usize) -> usize {
    n.saturating_sub(1) / 2
}

/// How many a majority of `n` has at least.
pub fn majority(n: usize) -> usize {
    n / 2 + 1
}

/// Whether a text is the name of a worker: `c1`, `c2`, …
pub fn is_worker(text: &str) -> bool {
    let number = text.strip_prefix('c').filter(|digits| !digits.starts_with(['0', '+']));
    number.is_some_and(|digits| digits.parse::<u32>().is_ok())
}

fn draw<T: Clone>(role: &Target, among: &[T], rng: &mut ChaCha8Rng) -> Vec<T> {
    let count = match role {
        Target::All => return among.to_vec(),
        Target::Minority => minority(among.len()),
        Target::Majority => majority(among.len()),
        _ => 1,
    };
    shuffled(among, rng).into_iter().take(count).collect()
}

/// The same in a drawn order.
pub fn shuffled<T: Clone>(items: &[T], rng: &mut ChaCha8Rng) -> Vec<T> {
    let mut items = items.to_vec();
    items.shuffle(rng);
    items
}

/// One of several, drawn; there must be one.
pub fn pick<T: Clone>(items: &[T], rng: &mut ChaCha8Rng) -> T {
    items[rng.random_range(0..items.len())].clone()
}

fn target(word: &str, nodes: &[NodeId], at: &str) -> Result<Target, Problem> {
    if let Some((from, to)) = word.split_once("->") {
        return link(from.trim(), to.trim(), nodes, at);
    }
    Ok(match word {
        "leader" => Target::Leader,
        "one" => Target::One,
        "minority" => Target::Minority,
        "majority" => Target::Majority,
        "all" => Target::All,
        "that" => Target::That,
        "ackers" => Target::Ackers,
        _ if is_worker(word) => Target::Worker(word.to_owned()),
        _ => match word.parse::<NodeId>() {
            Ok(node) if nodes.contains(&node) => Target::Node(node),
            Ok(node) => return Err(no_node(node, nodes, at)),
            Err(_) => return Err(Problem::unknown(at, "target", word, &ROLES).or_names(nodes)),
        },
    })
}

impl Problem {
    /// Says that names are possible as well.
    fn or_names(mut self, nodes: &[NodeId]) -> Self {
        let last = nodes.last().map_or_else(String::new, |last| format!(" to {last}"));
        let names = format!("or a node n1{last}, a worker c1, c2, …, a link n1->n2");
        self.hint = Some(self.hint.map_or_else(|| names.clone(), |hint| format!("{hint} {names}")));
        self
    }
}

/// A node that is not of the universe.
pub(crate) fn no_node(node: NodeId, nodes: &[NodeId], at: &str) -> Problem {
    let problem = Problem::new(at, format!("there is no node {node}: this cluster has {}", nodes.len()));
    problem.hint(format!("a node up to n{}, or --nodes {}", nodes.len(), node.0))
}

fn link(from: &str, to: &str, nodes: &[NodeId], at: &str) -> Result<Target, Problem> {
    for end in [from, to] {
        match end.parse::<NodeId>() {
            _ if is_worker(end) => {}
            Ok(node) if nodes.contains(&node) => {}
            Ok(node) => return Err(no_node(node, nodes, at)),
            Err(_) => {
                return Err(Problem::new(at, format!("{end:?} is no end of a link")).hint("write n1->n3 or c2->n1"));
            }
        }
    }
    if from == to || (is_worker(from) && is_worker(to)) {
        let problem = Problem::new(at, format!("there is no link {from}->{to}"));
        return Err(problem.hint("links lead between two nodes, or between a worker and a node"));
    }
    Ok(Target::Link(Link { from: from.to_owned(), to: to.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::stream;

    fn resolve(text: &str, n: u16, leader: Option<u16>) -> Resolved {
        let nodes = NodeId::universe(n);
        let workers = ["c1".to_owned(), "c2".to_owned()];
        let scene = Scene {
            nodes: &nodes,
            coordinators: &[],
            workers: &workers,
            leader: leader.map(NodeId),
            that: Some(NodeId(2)),
            ackers: &[NodeId(1), NodeId(3)],
        };
        Targets::parse(text, &nodes, "here").unwrap().resolve(&scene, &mut stream(3, text))
    }

    /// Nodes, and nobody else.
    fn nobody(nodes: &[NodeId]) -> Scene<'_> {
        Scene { nodes, coordinators: &[], workers: &[], leader: None, that: None, ackers: &[] }
    }

    #[test]
    fn roles_have_their_sizes() {
        for (n, minority, majority) in [(1, 0, 1), (2, 0, 2), (3, 1, 2), (4, 1, 3), (5, 2, 3), (6, 2, 4), (7, 3, 4)] {
            assert_eq!(resolve("minority", n, None).nodes.len(), minority, "minority of {n}");
            assert_eq!(resolve("majority", n, None).nodes.len(), majority, "majority of {n}");
            assert_eq!(resolve("one", n, None).nodes.len(), 1);
            assert_eq!(resolve("leader", n, None).nodes.len(), 1, "without a leader one is drawn");
            assert_eq!(resolve("all", n, None).nodes.len(), usize::from(n));
        }
    }

    #[test]
    fn names_are_themselves() {
        assert_eq!(resolve("leader", 5, Some(4)).names(), ["n4"]);
        assert_eq!(resolve("that", 5, Some(4)).names(), ["n2"]);
        assert_eq!(resolve("ackers", 5, Some(4)).names(), ["n1", "n3"]);
        assert_eq!(resolve("n3, c2,n1->n3 , c1->n2", 5, None).names(), ["n3", "c2", "c1->n2", "n1->n3"]);
    }

    #[test]
    fn a_drawn_one_is_not_always_the_same() {
        let nodes = NodeId::universe(5);
        let scene = nobody(&nodes);
        let one = Targets(vec![Target::One]);
        let drawn: BTreeSet<_> =
            (0..100).flat_map(|seed| one.resolve(&scene, &mut stream(seed, "one")).nodes).collect();
        assert_eq!(drawn.len(), 5);
    }

    #[test]
    fn roles_of_workers_range_over_workers() {
        let workers = ["c1".to_owned(), "c2".to_owned(), "c3".to_owned()];
        let nodes = NodeId::universe(5);
        let scene = Scene { leader: Some(NodeId(1)), workers: &workers, ..nobody(&nodes) };
        let drawn =
            Targets(vec![Target::Minority, Target::Node(NodeId(1))]).resolve_workers(&scene, &mut stream(1, ""));
        assert_eq!(drawn.len(), 1);
        assert!(drawn.iter().all(|worker| workers.contains(worker)));
    }

    #[test]
    fn wrong_targets_are_refused_with_a_hint() {
        let nodes = NodeId::universe(3);
        let refused = |text: &str| Targets::parse(text, &nodes, "on").unwrap_err();
        assert!(refused("laeder").hint.unwrap().contains("did you mean leader?"));
        assert!(refused("n4").what.contains("this cluster has 3"));
        assert!(refused("n1->n1").what.contains("no link"));
        assert!(refused("c1->c2").what.contains("no link"));
        assert!(refused("n1->x").what.contains("no end of a link"));
        assert!(refused("").hint.is_some());
        assert!(refused("n1,,n2").hint.is_some());
    }

    #[test]
    fn a_node_means_all_of_its_links() {
        let nodes = NodeId::universe(3);
        let scene = nobody(&nodes);
        let links = |text: &str, scene: &Scene<'_>| -> Vec<String> {
            resolve(text, 3, None).links(scene).iter().map(ToString::to_string).collect()
        };
        assert_eq!(links("n1", &scene), ["n1->n2", "n1->n3", "n2->n1", "n3->n1"]);
        assert_eq!(links("all", &scene).len(), 6);
        assert_eq!(links("c1", &scene).len(), 6);
        let beside = [NodeId::beside(1), NodeId::beside(2)];
        let scene = Scene { coordinators: &beside, ..scene };
        assert_eq!(links("n3", &scene).len(), 8, "with those to and from two coordinators");
        assert_eq!(links("c1", &scene).len(), 6, "coordinators have none between each other");
    }

    #[test]
    fn a_request_is_made_at_a_node_or_at_the_coordinator_beside_its_worker() {
        let nodes = NodeId::universe(3);
        let contact = |target| Targets(vec![target]).contact(&nobody(&nodes), &mut stream(1, ""));
        assert_eq!(contact(Target::Node(NodeId(2))), Some(NodeId(2)));
        assert_eq!(contact(Target::Worker("c2".to_owned())), Some(NodeId::beside(2)));
        assert_eq!(contact(Target::That), None);
    }
}
