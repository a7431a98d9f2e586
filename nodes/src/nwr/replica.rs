//! A replica: it keeps the newest version of each register that it has seen, and its versions never go back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::evidence::{about, with_version};
use super::message::{Lives, Message, Step};
use super::record::Record;
use super::tag::Tag;
use super::version::Version;
use super::{Bug, Nwr, Phase};
use crate::cx::Cx;
use crate::id::{Incarnation, NodeId, RequestId};
use crate::note::Note;
use crate::protocol::Dump;

/// What one node keeps.
#[derive(Debug, Default)]
pub(super) struct Replica {
    registers: BTreeMap<String, Version>,
    /// The highest counter of all tombstones that were forgotten.
    pub(super) floor: u64,
    /// Lives of replicas that began without a disk.
    pub(super) lives: Lives,
    /// Whether the disk has all that this replica ever said it has.
    pub(super) born: bool,
    /// How many of the disk's records are superseded.
    pub(super) wasted: usize,
}

/// Why a replica is to keep a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Store,
    Writeback,
    ReadRepair,
    Hint,
    AntiEntropy,
    Recovery,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Cause::Store => "store",
            Cause::Writeback => "writeback",
            Cause::ReadRepair => "read-repair",
            Cause::Hint => "hint",
            Cause::AntiEntropy => "anti-entropy",
            Cause::Recovery => "recovery",
        }
    }

    /// Of a version that a coordinator sends.
    fn of(phase: Phase) -> Self {
        match phase {
            Phase::Query | Phase::Store => Cause::Store,
            Phase::Writeback => Cause::Writeback,
            Phase::Repair => Cause::ReadRepair,
        }
    }
}

impl Replica {
    /// Takes account of a record that survived a crash.
    pub(super) fn recall(&mut self, record: Record) {
        match record {
            Record::Born => self.born = true,
            Record::Store { key, version } => self.keep(key, version),
            Record::Collected { key, tag } => self.forget(&key, tag),
            Record::Floor { counter } => self.floor = self.floor.max(counter),
            Record::Life { node, incarnation } => drop(self.lives.insert(node, incarnation)),
            // Others keep these.
            Record::Hint { .. } | Record::HintGone { .. } | Record::Update { .. } | Record::Applied { .. } => {}
        }
    }

    /// Notes what a restart has found: what was stored before a death was perhaps not noted.
    pub(super) fn note_recovered(&self, cx: &mut Cx<'_, Nwr>) {
        for (key, version) in &self.registers {
            cx.note(with_version(Note::new("recovered").with("key", key.clone()), Some(version)));
        }
        cx.note(Note::new("restarted").with("registers", self.registers.len()));
    }

    /// The newest version here.
    pub(super) fn version(&self, key: &str) -> Option<&Version> {
        self.registers.get(key)
    }

    /// All of them.
    pub(super) fn registers(&self) -> impl Iterator<Item = (&String, &Version)> {
        self.registers.iter()
    }

    fn keep(&mut self, key: String, version: Version) {
        if self.registers.insert(key, version).is_some() {
            self.wasted += 1;
        }
    }

    /// Drops a tombstone. Who writes the register again has to know how high its counters were.
    pub(super) fn forget(&mut self, key: &str, tag: Tag) {
        self.registers.remove(key);
        self.floor = self.floor.max(tag.0);
        self.wasted += 2;
    }

    /// The values by key.
    pub(super) fn dump(&self) -> Dump {
        self.registers.iter().map(|(key, version)| (key.clone(), version.value())).collect()
    }

    /// Each register with its version, as notes.
    pub(super) fn held(&self) -> impl Iterator<Item = Note> {
        let held = |key: &String| Note::new("held").with("key", key.clone());
        self.registers.iter().map(move |(key, version)| with_version(held(key), Some(version)))
    }

    /// How many registers it keeps.
    pub(super) fn len(&self) -> usize {
        self.registers.len()
    }

    /// Whether most of the disk's records say what others supersede.
    pub(super) fn is_wasteful(&self) -> bool {
        self.wasted > self.registers.len()
    }

    /// Records that make the same replica.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let registers = self.registers.iter();
        let store = |(key, version): (&String, &Version)| Record::Store { key: key.clone(), version: version.clone() };
        let life =
            |(node, incarnation): (&NodeId, &Incarnation)| Record::Life { node: *node, incarnation: *incarnation };
        let born = self.born.then_some(Record::Born);
        let floor = (self.floor > 0).then_some(Record::Floor { counter: self.floor });
        born.into_iter().chain(floor).chain(self.lives.iter().map(life)).chain(registers.map(store))
    }
}

// What coordinators ask of a replica.
impl Nwr {
    /// Upon a coordinator's question. One that is still recovering knows too little to answer.
    pub(super) fn on_query(&mut self, from: NodeId, step: Step, key: &str, cx: &mut Cx<'_, Self>) {
        let version = if step.stands_for.is_some() {
            self.hints.newest(key).cloned()
        } else if self.recovery.is_none() {
            self.serve(step, key, cx)
        } else {
            return;
        };
        let floor = if version.is_none() { self.replica.floor } else { 0 };
        let (incarnation, lives) = (cx.incarnation(), self.replica.lives.clone());
        cx.send(from, Message::QueryReply { step, incarnation, version, floor, lives });
    }

    /// What this replica answers to a question.
    pub(super) fn serve(&self, step: Step, key: &str, cx: &mut Cx<'_, Self>) -> Option<Version> {
        let version = self.replica.version(key);
        let note = with_version(about(Note::new("served"), step.op, key), version);
        cx.note(note.with("attempt", step.attempt));
        version.cloned()
    }

    /// Upon a coordinator's word to keep a version.
    pub(super) fn on_store(&mut self, from: NodeId, step: Step, key: &str, version: &Version, cx: &mut Cx<'_, Self>) {
        let newer = match step.stands_for {
            Some(home) => {
                self.keep_hint(home, key, version, cx);
                None
            }
            None => self.store_for(step, key, version, cx),
        };
        let (incarnation, lives) = (cx.incarnation(), self.replica.lives.clone());
        cx.send(from, Message::StoreReply { step, incarnation, newer, lives });
    }

    /// Stores a version for an operation and acknowledges it; the tag that is here, where that is newer.
    pub(super) fn store_for(&mut self, step: Step, key: &str, version: &Version, cx: &mut Cx<'_, Self>) -> Option<Tag> {
        self.store(key, version, Cause::of(step.phase), Some(step.op), cx);
        let kept = self.replica.version(key);
        let acked = with_tag(about(Note::new("acked"), step.op, key), kept);
        cx.note(acked.with("phase", step.phase.to_string()).with("attempt", step.attempt));
        kept.and_then(Version::tag).filter(|kept| version.tag().is_some_and(|tag| *kept > tag))
    }

    /// Keeps a version unless this replica has that or a newer one; durable before anyone is told.
    pub(super) fn store(
        &mut self,
        key: &str,
        version: &Version,
        cause: Cause,
        op: Option<RequestId>,
        cx: &mut Cx<'_, Self>,
    ) {
        let kept = self.replica.version(key);
        let covered = kept.is_some_and(|kept| kept.covers(version));
        if covered && !self.overwrites(key, version, cause, cx) {
            self.note_tie(key, version, cx);
            let ignored = with_cause(Note::new("ignored").with("key", key), cause, op);
            let kept = self.replica.version(key).and_then(Version::tag).map_or(Value::Null, Tag::json);
            return cx.note(with_tag(ignored, Some(version)).with("kept", kept));
        }
        let joined = if covered {
            version.clone()
        } else {
            super::version::join(kept.cloned(), Some(version.clone())).expect("there is one")
        };
        let old = kept.and_then(Version::tag).map_or(Value::Null, Tag::json);
        let record = Record::Store { key: key.to_owned(), version: joined.clone() };
        let mut note = with_cause(Note::new("stored").with("key", key), cause, op);
        note = with_version(note, Some(&joined)).with("old", old);
        if self.has(Bug::AckBeforeFsync) {
            cx.persist_lazily(record);
            note = note.with("durable", false);
            self.acts(Bug::AckBeforeFsync, cx);
        } else {
            cx.persist(record);
        }
        cx.note(note);
        self.watch_tombstone(key, &joined, cx);
        self.replica.keep(key.to_owned(), joined);
    }

    /// Whether a version that is no newer is kept all the same.
    fn overwrites(&self, key: &str, version: &Version, cause: Cause, cx: &mut Cx<'_, Self>) -> bool {
        let bug = match cause {
            Cause::Hint => Bug::BlindHints,
            Cause::ReadRepair => Bug::BlindRepair,
            _ => return false,
        };
        let overwrites = self.has(bug) && self.replica.version(key) != Some(version);
        if overwrites {
            self.acts(bug, cx);
        }
        overwrites
    }

    /// Where a tag is no more than a counter, two writes can have the same, and whichever came first stays.
    fn note_tie(&self, key: &str, version: &Version, cx: &mut Cx<'_, Self>) {
        let tie = |kept: &Version| kept.tag() == version.tag() && kept != version;
        if self.has(Bug::NoTieBreak) && self.replica.version(key).is_some_and(tie) {
            self.acts(Bug::NoTieBreak, cx);
        }
    }
}

/// Adds the tag alone.
fn with_tag(note: Note, version: Option<&Version>) -> Note {
    note.with("tag", version.and_then(Version::tag).map_or(Value::Null, Tag::json))
}

/// Adds why a version came, and in the course of which operation.
fn with_cause(note: Note, cause: Cause, op: Option<RequestId>) -> Note {
    let note = note.with("cause", cause.name());
    op.map_or_else(|| note.clone(), |op| note.clone().with("op", op.to_string()))
}
