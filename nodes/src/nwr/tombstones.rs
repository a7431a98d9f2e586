//! Tombstones: what a deletion leaves, so that a replica which missed it does not bring the old value back (Demers et al.
//! 1987: death certificates). One is kept for its grace time at least, and then until every home replica has said that it
//! has nothing older; whoever just waits trusts that nobody was away for longer.
//!
//! A replica says so when it has had nothing older for its own grace time: what it gave to others before is still on its way, and comes
//! to replicas that would have nothing left to hold against it.
//!
//! What is forgotten leaves a floor for counters, so that the key's next write has a higher one than the deletion. Messages
//! and operations that are older than the grace time are reckoned with nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::message::Message;
use super::record::{Record, Timer};
use super::tag::Tag;
use super::version::Version;
use super::{Bug, Nwr};
use crate::cx::Cx;
use crate::id::NodeId;
use crate::note::Note;

/// Who has nothing older than a tombstone of this node, by key.
pub(super) type Agreed = BTreeMap<String, (Tag, BTreeSet<NodeId>)>;

impl Nwr {
    /// A register has got a version: if that is a tombstone its grace time begins.
    pub(super) fn watch_tombstone(&self, key: &str, version: &Version, cx: &mut Cx<'_, Self>) {
        if version.tombstone_tag().is_some() {
            cx.set_timer(Timer::Collect { key: key.to_owned() }, self.config.gc_grace);
        }
    }

    /// After a restart every tombstone's grace time begins again.
    pub(super) fn watch_all_tombstones(&self, cx: &mut Cx<'_, Self>) {
        for (key, version) in self.replica.registers() {
            self.watch_tombstone(key, version, cx);
        }
    }

    /// The grace time of a tombstone is over: the other home replicas are asked, now and again after as long.
    pub(super) fn on_grace_over(&mut self, key: &str, cx: &mut Cx<'_, Self>) {
        let Some(tag) = self.replica.version(key).and_then(Version::tombstone_tag) else { return };
        if self.has(Bug::EarlyCollection) {
            self.acts(Bug::EarlyCollection, cx);
            return self.collect(key, tag, cx);
        }
        self.agreed.insert(key.to_owned(), (tag, BTreeSet::new()));
        for node in self.home(key).into_iter().filter(|node| *node != self.me) {
            cx.send(node, Message::MayCollect { key: key.to_owned(), tag });
        }
        cx.set_timer(Timer::Collect { key: key.to_owned() }, self.config.gc_grace);
        self.collect_if_agreed(key, cx);
    }

    /// Upon the question whether a tombstone may be forgotten.
    pub(super) fn on_may_collect(&self, from: NodeId, key: String, tag: Tag, cx: &mut Cx<'_, Self>) {
        let has_waited = || self.agreed.get(&key).is_some_and(|(waited_for, _)| *waited_for == tag);
        if (self.replica.version(&key).is_none() || has_waited()) && self.recovery.is_none() {
            cx.send(from, Message::NothingOlder { key, tag });
        }
    }

    /// Upon a replica's word that it has nothing older.
    pub(super) fn on_nothing_older(&mut self, from: NodeId, key: &str, tag: Tag, cx: &mut Cx<'_, Self>) {
        if let Some((_, nodes)) = self.agreed.get_mut(key).filter(|(asked, _)| *asked == tag) {
            nodes.insert(from);
            self.collect_if_agreed(key, cx);
        }
    }

    fn collect_if_agreed(&mut self, key: &str, cx: &mut Cx<'_, Self>) {
        let others: Vec<NodeId> = self.home(key).into_iter().filter(|node| *node != self.me).collect();
        let Some((tag, nodes)) = self.agreed.get(key) else { return };
        if !others.iter().all(|node| nodes.contains(node)) {
            return;
        }
        let tag = *tag;
        for node in others {
            cx.send(node, Message::Collect { key: key.to_owned(), tag });
        }
        self.collect(key, tag, cx);
    }

    /// Forgets a tombstone, if it still is what this replica has.
    pub(super) fn collect(&mut self, key: &str, tag: Tag, cx: &mut Cx<'_, Self>) {
        self.agreed.remove(key);
        if self.replica.version(key).and_then(Version::tombstone_tag) != Some(tag) {
            return;
        }
        self.replica.forget(key, tag);
        cx.cancel_timer(Timer::Collect { key: key.to_owned() });
        cx.persist(Record::Collected { key: key.to_owned(), tag });
        cx.note(Note::new("collected").with("key", key).with("tag", tag.json()));
    }
}
