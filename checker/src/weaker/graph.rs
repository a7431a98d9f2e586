//! A large graph of constraints: which nodes lie on a cycle, and the shortest one through some of them.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

/// A node.
pub(super) type Node = u32;

/// From one node to another, with what it is there for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge<L> {
    pub(super) from: Node,
    pub(super) to: Node,
    pub(super) label: L,
}

/// Edges by where they come from.
pub(super) struct Graph<L> {
    edges: Vec<Edge<L>>,
    /// Where those of each node begin.
    first: Vec<u32>,
}

impl<L: Copy> Graph<L> {
    pub(super) fn new(nodes: usize, mut edges: Vec<Edge<L>>) -> Graph<L> {
        edges.sort_by_key(|edge| edge.from);
        let mut first = vec![0; nodes + 1];
        for edge in &edges {
            first[edge.from as usize + 1] += 1;
        }
        for node in 0..nodes {
            first[node + 1] += first[node];
        }
        Graph { edges, first }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.edges) + size_of_val(&*self.first)
    }

    pub(super) fn out(&self, node: Node) -> &[Edge<L>] {
        &self.edges[self.first[node as usize] as usize..self.first[node as usize + 1] as usize]
    }

    fn nodes(&self) -> usize {
        self.first.len() - 1
    }

    /// For each node the number of its strongly connected component (Tarjan's algorithm, without recursion).
    pub(super) fn components(&self) -> Vec<u32> {
        const NEW: u32 = u32::MAX;
        let nodes = self.nodes();
        let (mut number, mut low) = (vec![NEW; nodes], vec![0; nodes]);
        let mut component = vec![NEW; nodes];
        let (mut open, mut path): (Vec<Node>, Vec<(Node, usize)>) = (Vec::new(), Vec::new());
        let (mut numbers, mut components) = (0, 0);
        for root in (0..).take(nodes) {
            if number[root as usize] != NEW {
                continue;
            }
            path.push((root, 0));
            while let Some(&mut (node, ref mut next)) = path.last_mut() {
                let at = node as usize;
                if *next == 0 {
                    (number[at], low[at]) = (numbers, numbers);
                    numbers += 1;
                    open.push(node);
                }
                if let Some(edge) = self.out(node).get(*next) {
                    *next += 1;
                    let to = edge.to as usize;
                    if number[to] == NEW {
                        path.push((edge.to, 0));
                    } else if component[to] == NEW {
                        low[at] = low[at].min(number[to]);
                    }
                    continue;
                }
                path.pop();
                if let Some(&(before, _)) = path.last() {
                    low[before as usize] = low[before as usize].min(low[at]);
                }
                if low[at] == number[at] {
                    while let Some(member) = open.pop() {
                        component[member as usize] = components;
                        if member == node {
                            break;
                        }
                    }
                    components += 1;
                }
            }
        }
        component
    }

    /// The edges of a shortest way from a node to one that `ends` it, by at least one edge, over nodes that `may` be passed.
    pub(super) fn way(
        &self,
        from: Node,
        ends: impl Fn(Node) -> bool,
        may: impl Fn(Node) -> bool,
    ) -> Option<Vec<Edge<L>>> {
        let mut came: FxHashMap<Node, Edge<L>> = FxHashMap::default();
        let mut waiting = VecDeque::from([from]);
        while let Some(node) = waiting.pop_front() {
            for edge in self.out(node).iter().filter(|edge| may(edge.to)) {
                if came.contains_key(&edge.to) {
                    continue;
                }
                came.insert(edge.to, *edge);
                if ends(edge.to) {
                    let mut way = vec![*edge];
                    while way.last().is_some_and(|edge| edge.from != from) {
                        let last = way.last().expect("it has an edge").from;
                        way.push(came[&last]);
                    }
                    way.reverse();
                    return Some(way);
                }
                waiting.push_back(edge.to);
            }
        }
        None
    }
}
