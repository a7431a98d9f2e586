//! Where a key lives: on n nodes of the ring from its digest on, its home replicas; the nodes behind them, in order, are
//! those who stand in for them (Dynamo's preference list).

use super::Nwr;
use crate::digest::Digest;
use crate::id::NodeId;

impl Nwr {
    /// The nodes in the order of preference: the home replicas, then their fallbacks.
    fn preference_list(&self, key: &str) -> impl Iterator<Item = NodeId> {
        let count = self.nodes.len();
        let first = if self.config.n == count { 0 } else { Digest::of(&key).number() % count as u64 };
        let first = usize::try_from(first).expect("less than the number of nodes");
        self.nodes.iter().cycle().skip(first).take(count).copied()
    }

    /// The home replicas of a key, in the order of the ring.
    pub(super) fn home(&self, key: &str) -> Vec<NodeId> {
        self.preference_list(key).take(self.config.n).collect()
    }

    /// Who stands in for home replicas that are silent, in order of preference.
    pub(super) fn fallbacks(&self, key: &str) -> Vec<NodeId> {
        self.preference_list(key).skip(self.config.n).collect()
    }

    /// Whether a node is a home replica of a key.
    pub(super) fn is_home(&self, node: NodeId, key: &str) -> bool {
        self.preference_list(key).take(self.config.n).any(|home| home == node)
    }

    /// All nodes but this one.
    pub(super) fn others(&self) -> Vec<NodeId> {
        self.nodes.iter().copied().filter(|node| *node != self.me).collect()
    }

    /// The sets of home replicas to which this node belongs, without itself.
    pub(super) fn neighbourhoods(&self) -> Vec<Vec<NodeId>> {
        let (count, n) = (self.nodes.len(), self.config.n);
        let starts = if n == count { 1 } else { count };
        let set = |start: usize| self.nodes.iter().cycle().skip(start).take(n).copied().collect::<Vec<_>>();
        let own = (0..starts).map(set).filter(|set| set.contains(&self.me));
        own.map(|set| set.into_iter().filter(|node| *node != self.me).collect()).collect()
    }
}
