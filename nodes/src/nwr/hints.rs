//! Hinted handoff (Dynamo 2007): a fallback node keeps what a silent home replica should have, offers it until that one
//! takes it, and gives it up after its time.
//!
//! A hint counts for a write only in sloppy quorums. Without them it is one copy more, for repair.

use std::collections::BTreeMap;

use super::evidence::with_version;
use super::message::Message;
use super::record::{Record, Timer};
use super::replica::Cause;
use super::version::Version;
use super::{Bug, Nwr};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId, Time};
use crate::note::Note;

/// The hints of one node.
#[derive(Debug, Default)]
pub(super) struct Hints {
    kept: BTreeMap<RequestId, Hint>,
}

/// What is kept for a replica.
#[derive(Debug)]
struct Hint {
    key: String,
    version: Version,
    stands_for: NodeId,
    /// Since when, in this life.
    since: Time,
}

impl Hints {
    /// Takes account of a record that survived a crash, at this time.
    pub(super) fn recall(&mut self, record: &Record, now: Time) {
        match record {
            Record::Hint { hint, key, version, stands_for } => {
                let kept = Hint { key: key.clone(), version: version.clone(), stands_for: *stands_for, since: now };
                self.kept.insert(*hint, kept);
            }
            Record::HintGone { hint } => drop(self.kept.remove(hint)),
            _ => {}
        }
    }

    /// Notes what a restart has found: what was kept before a death was perhaps not noted.
    pub(super) fn note_recovered(&self, cx: &mut Cx<'_, Nwr>) {
        for (hint, Hint { key, version, stands_for, .. }) in &self.kept {
            cx.note(stored(*hint, key, version, *stands_for));
        }
    }

    /// The newest version of a key that is kept for anybody.
    pub(super) fn newest(&self, key: &str) -> Option<&Version> {
        let versions = self.kept.values().filter(|hint| hint.key == key).map(|hint| &hint.version);
        versions.reduce(|newest, version| if newest.covers(version) { newest } else { version })
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Records that make the same hints.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        self.kept.iter().map(|(hint, Hint { key, version, stands_for, .. })| Record::Hint {
            hint: *hint,
            key: key.clone(),
            version: version.clone(),
            stands_for: *stands_for,
        })
    }

    fn of(&self, key: &str, home: NodeId) -> Option<(RequestId, &Hint)> {
        let mut kept = self.kept.iter();
        kept.find(|(_, hint)| hint.key == key && hint.stands_for == home).map(|(id, hint)| (*id, hint))
    }
}

fn stored(hint: RequestId, key: &str, version: &Version, stands_for: NodeId) -> Note {
    let note = Note::new("hint-stored").with("hint", hint.to_string()).with("key", key);
    with_version(note, Some(version)).with("for", stands_for.to_string())
}

// The fallback node.
impl Nwr {
    /// Keeps a version for a home replica, in place of an older one that is kept for it.
    pub(super) fn keep_hint(&mut self, home: NodeId, key: &str, version: &Version, cx: &mut Cx<'_, Self>) {
        if let Some((older, hint)) = self.hints.of(key, home) {
            if hint.version.covers(version) {
                return;
            }
            self.drop_hint(older, "hint-superseded", cx);
        }
        let hint = cx.fresh_id();
        let record = Record::Hint { hint, key: key.to_owned(), version: version.clone(), stands_for: home };
        let mut note = stored(hint, key, version, home);
        self.hints.recall(&record, cx.now());
        if self.has(Bug::VolatileHints) {
            self.acts(Bug::VolatileHints, cx);
            note = note.with("durable", false);
        } else {
            cx.persist(record);
        }
        cx.note(note);
        if self.hints.len() == 1 {
            self.plan_handoff(cx);
        }
    }

    /// Waits for the next offer, if there is anything to offer.
    pub(super) fn plan_handoff(&self, cx: &mut Cx<'_, Self>) {
        if self.hints.len() > 0 {
            cx.set_timer(Timer::Handoff, self.config.handoff);
        }
    }

    /// Offers each hint to its replica, and gives up those whose time is over.
    pub(super) fn hand_off(&mut self, cx: &mut Cx<'_, Self>) {
        let (now, ttl) = (cx.now(), self.config.hint_ttl);
        let is_over = |hint: &Hint| now.since(hint.since) >= ttl;
        let over: Vec<RequestId> =
            self.hints.kept.iter().filter(|(_, hint)| is_over(hint)).map(|(id, _)| *id).collect();
        for hint in over {
            self.drop_hint(hint, "hint-expired", cx);
        }
        for (hint, Hint { key, version, stands_for, .. }) in &self.hints.kept {
            cx.send(*stands_for, Message::Handoff { hint: *hint, key: key.clone(), version: version.clone() });
        }
        self.plan_handoff(cx);
    }

    /// Upon a replica's word that it has what was kept for it.
    pub(super) fn on_handoff_reply(&mut self, hint: RequestId, cx: &mut Cx<'_, Self>) {
        if self.hints.kept.contains_key(&hint) {
            self.drop_hint(hint, "hint-delivered", cx);
        }
    }

    fn drop_hint(&mut self, hint: RequestId, why: &'static str, cx: &mut Cx<'_, Self>) {
        self.hints.kept.remove(&hint);
        self.replica.wasted += 2;
        cx.persist(Record::HintGone { hint });
        cx.note(Note::new(why).with("hint", hint.to_string()));
    }
}

// The home replica.
impl Nwr {
    /// Upon an offer.
    pub(super) fn on_handoff(
        &mut self,
        from: NodeId,
        hint: RequestId,
        key: &str,
        version: &Version,
        cx: &mut Cx<'_, Self>,
    ) {
        self.store(key, version, Cause::Hint, None, cx);
        cx.send(from, Message::HandoffReply { hint });
    }
}
