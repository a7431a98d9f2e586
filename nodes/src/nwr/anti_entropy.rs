//! Anti-entropy (Demers et al. 1987): from time to time a node compares its versions with those of another that is drawn, by
//! a Merkle tree from the root down, and each takes from the other what is newer.
//!
//! A tombstone is not given to a replica that has nothing of the key: it would bring back what may be forgotten already.

use super::Nwr;
use super::merkle::{Place, Tree};
use super::message::Message;
use super::record::Timer;
use super::replica::Cause;
use super::version::Version;
use crate::cx::Cx;
use crate::id::NodeId;
use rand::seq::IndexedRandom;

impl Nwr {
    /// Waits for the next comparison, if there are any.
    pub(super) fn plan_anti_entropy(&self, cx: &mut Cx<'_, Self>) {
        if let Some(interval) = self.config.anti_entropy {
            cx.set_timer(Timer::AntiEntropy, interval);
        }
    }

    /// Sends the digest of all that is shared to one of those who share it.
    pub(super) fn compare(&self, cx: &mut Cx<'_, Self>) {
        self.plan_anti_entropy(cx);
        let mut partners: Vec<NodeId> = self.neighbourhoods().concat();
        partners.sort_unstable();
        partners.dedup();
        if let Some(partner) = partners.choose(cx.rng()) {
            let tree = self.tree_shared_with(*partner);
            cx.send(*partner, Message::Compare { digests: vec![(Place::ROOT, tree.digest(Place::ROOT))] });
        }
    }

    /// Upon another's digests: where they differ, one goes a level down, and at the leaves exchanges what is in them.
    pub(super) fn on_compare(&self, from: NodeId, digests: &[(Place, u64)], cx: &mut Cx<'_, Self>) {
        let tree = self.tree_shared_with(from);
        let (leaves, inner): (Vec<Place>, Vec<Place>) =
            tree.differing(digests).into_iter().partition(|place| place.is_leaf());
        if !inner.is_empty() {
            cx.send(from, Message::Compare { digests: tree.children(&inner) });
        }
        if !leaves.is_empty() {
            let versions = self.in_leaves(from, &leaves);
            cx.send(from, Message::Exchange { leaves, versions });
        }
    }

    /// Upon another's versions: takes what is newer, and gives back what is newer here.
    pub(super) fn on_exchange(
        &mut self,
        from: NodeId,
        leaves: &[Place],
        versions: &[(String, Version)],
        cx: &mut Cx<'_, Self>,
    ) {
        for (key, version) in versions {
            let is_news = version.tombstone_tag().is_none() || self.replica.version(key).is_some();
            let is_newer = self.replica.version(key).is_none_or(|kept| !kept.covers(version));
            if is_news && is_newer {
                self.store(key, version, Cause::AntiEntropy, None, cx);
            }
        }
        let has =
            |key: &String, kept: &Version| versions.iter().any(|(other, version)| other == key && version.covers(kept));
        let mut newer = self.in_leaves(from, leaves);
        newer.retain(|(key, kept)| !has(key, kept));
        if !newer.is_empty() {
            cx.send(from, Message::Exchange { leaves: Vec::new(), versions: newer });
        }
    }

    fn tree_shared_with(&self, other: NodeId) -> Tree {
        Tree::of(self.replica.registers().filter(|(key, _)| self.is_home(other, key)))
    }

    fn in_leaves(&self, other: NodeId, leaves: &[Place]) -> Vec<(String, Version)> {
        let shared = self.replica.registers().filter(|(key, _)| self.is_home(other, key));
        let inside = shared.filter(|(key, _)| leaves.contains(&Place::of(key)));
        inside.map(|(key, version)| (key.clone(), version.clone())).collect()
    }
}
