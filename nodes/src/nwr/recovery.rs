//! A replica that has lost its disk, and knows it (Michael, Ports, Sharma and Szekeres 2017). What it had acknowledged is
//! gone, so that it must not answer a query before it has heard what that may have been: from so many others that every
//! version which counted its copy is among theirs.
//!
//! That alone is not enough. A write under way may have counted the copy that is lost, and end after the others were
//! asked. So they remember, before they answer, that a new life has begun, and say so in every answer from then on: a write
//! that ends later hears it from one of them, and does not count what an earlier life has said.
//!
//! The disk is marked as one that knows all it has to know only when that has been heard: a replica that dies before is as
//! ignorant in its next life, and asks again.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Restart;
use super::message::{Lives, Message};
use super::record::{Record, Timer};
use super::replica::Cause;
use super::version::Version;
use super::{Bug, Nwr};
use crate::cx::Cx;
use crate::id::{Incarnation, NodeId};
use crate::note::Note;

/// Who has answered a replica without a disk.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    answered: BTreeSet<NodeId>,
}

// The one that has lost its disk.
impl Nwr {
    /// Upon a start: a disk without its mark has been lost, or was not made good before a death, unless this is the first
    /// life.
    pub(super) fn look_at_disk(&mut self, cx: &mut Cx<'_, Self>) {
        if self.config.restart == Restart::Durable || self.replica.born {
            return;
        }
        if cx.incarnation() == 1 {
            return self.mark_disk(cx);
        }
        cx.note(Note::new("amnesia"));
        if self.has(Bug::ServeAfterAmnesia) {
            self.mark_disk(cx);
            return self.acts(Bug::ServeAfterAmnesia, cx);
        }
        self.recovery = Some(Recovery::default());
        self.ask_what_was_lost(cx);
    }

    fn mark_disk(&mut self, cx: &mut Cx<'_, Self>) {
        self.replica.born = true;
        cx.persist(Record::Born);
    }

    /// Asks the others, now and again after a while.
    pub(super) fn ask_what_was_lost(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(recovery) = &self.recovery else { return };
        for node in self.others().into_iter().filter(|node| !recovery.answered.contains(node)) {
            cx.send(node, Message::Recover { incarnation: cx.incarnation() });
        }
        cx.set_timer(Timer::Recover, self.config.retry);
        self.end_recovery(cx);
    }

    /// Upon an answer: it is kept at once; when enough have come, this replica knows what it has to know.
    pub(super) fn on_recover_reply(
        &mut self,
        from: NodeId,
        versions: &[(String, Version)],
        floor: u64,
        lives: &Lives,
        cx: &mut Cx<'_, Self>,
    ) {
        self.learn_lives(lives);
        let Some(recovery) = &mut self.recovery else { return };
        recovery.answered.insert(from);
        if floor > self.replica.floor {
            self.replica.floor = floor;
            cx.persist(Record::Floor { counter: floor });
        }
        for (key, version) in versions {
            self.store(key, version, Cause::Recovery, None, cx);
        }
        self.end_recovery(cx);
    }

    /// Enough are enough in every set of home replicas to which this one belongs.
    fn end_recovery(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(Recovery { answered }) = &self.recovery else { return };
        let need = self.config.recovery_quorum();
        let heard = |set: &Vec<NodeId>| set.iter().filter(|node| answered.contains(node)).count();
        if self.neighbourhoods().iter().all(|set| heard(set) >= need) {
            let from: Vec<String> = answered.iter().map(ToString::to_string).collect();
            cx.note(Note::new("caught-up").with("from", from).with("need", need));
            cx.cancel_timer(Timer::Recover);
            self.recovery = None;
            self.mark_disk(cx);
        }
    }
}

// The others.
impl Nwr {
    /// Upon the question: from now on all that an earlier life of that replica said is void. One that is recovering itself
    /// knows too little to answer.
    pub(super) fn on_recover(&mut self, from: NodeId, incarnation: Incarnation, cx: &mut Cx<'_, Self>) {
        if self.replica.lives.get(&from) < Some(&incarnation) {
            self.replica.lives.insert(from, incarnation);
            cx.persist(Record::Life { node: from, incarnation });
        }
        if self.recovery.is_some() {
            return;
        }
        let shared = self.replica.registers().filter(|(key, _)| self.is_home(from, key));
        let versions = shared.map(|(key, version)| (key.clone(), version.clone())).collect();
        let (floor, lives) = (self.replica.floor, self.replica.lives.clone());
        cx.send(from, Message::RecoverReply { incarnation, versions, floor, lives });
    }

    /// Takes account of what another replica knows of lives without a disk.
    pub(super) fn learn_lives(&mut self, lives: &BTreeMap<NodeId, Incarnation>) {
        for (node, life) in lives {
            let known = self.replica.lives.entry(*node).or_default();
            *known = (*known).max(*life);
        }
    }
}
