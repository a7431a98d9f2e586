//! What must hold, from notes, records and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schism_nodes::cx::Effect;
use schism_nodes::nwr::{Nwr, Tag};
use schism_nodes::raft::{Command, Entry, Raft, Record};
use schism_nodes::{Answer, NodeId, Note, Protocol, RequestKind};
use serde_json::Value;

/// Orders the versions of a register; the first is "never written".
pub(crate) type Version = Option<Tag>;

/// Watches one protocol.
pub(crate) trait Oracle<P: Protocol>: Default {
    /// What a node does, before anyone hears of it.
    fn observe(&mut self, node: NodeId, effects: &[Effect<P>]);

    /// A node has started, with what its disk kept.
    fn restarted(&mut self, node: NodeId, disk: &[P::Record]);

    /// Which version an operation that ended well wrote or read.
    fn version(&self, kind: &RequestKind, answer: &Answer) -> Version;
}

/// Real time and versions: whoever begins after another has ended sees its version or a later one, and writes a later
/// one. With unique versions that is linearizability (Lynch 1996, Lemma 13.16).
#[derive(Debug, Default)]
pub(crate) struct Registers {
    /// By key: when an operation ended, and the highest version of all that had ended by then.
    ended: BTreeMap<String, Vec<(u64, Version)>>,
    /// Values that certainly never take effect, and values that were read.
    failed: BTreeSet<String>,
    read: BTreeSet<String>,
    /// Versions of deletions, by key: one that all replicas have forgotten is read as never written.
    deleted: BTreeSet<(String, Version)>,
}

impl Registers {
    pub(crate) fn ended(
        &mut self,
        kind: &RequestKind,
        version: Version,
        invoked: u64,
        ended: u64,
        value: Option<&Value>,
    ) {
        let before = self.ended.entry(kind.key().to_owned()).or_default();
        let place = before.partition_point(|(end, _)| *end < invoked);
        let floor = if place == 0 { None } else { before[place - 1].1 };
        let is_read = matches!(kind, RequestKind::Read { .. });
        let is_null = value.is_some_and(Value::is_null);
        if matches!(kind, RequestKind::Delete { .. }) || (is_null && version.is_some()) {
            self.deleted.insert((kind.key().to_owned(), version));
        }
        if is_read {
            let is_forgotten = version.is_none() && self.deleted.contains(&(kind.key().to_owned(), floor));
            assert!(version >= floor || is_forgotten, "stale: {kind:?} saw {version:?} after {floor:?} had ended");
        } else {
            assert!(version > floor, "inverted: {kind:?} wrote {version:?} after {floor:?} had ended");
        }
        let highest = before.last().and_then(|last| last.1).max(version);
        before.push((ended, highest));
        self.read.extend(value.map(ToString::to_string));
    }

    pub(crate) fn failed(&mut self, kind: &RequestKind) {
        if let RequestKind::Write { value, .. } | RequestKind::Cas { to: value, .. } = kind {
            self.failed.insert(value.to_string());
        }
    }

    pub(crate) fn check_failed(&self) {
        let both: Vec<_> = self.failed.intersection(&self.read).collect();
        assert!(both.is_empty(), "read though their writes had failed: {both:?}");
    }
}

/// Raft's safety properties (Figure 3).
#[derive(Debug, Default)]
pub(crate) struct RaftOracle {
    leaders: BTreeMap<u64, NodeId>,
    votes: BTreeMap<(NodeId, u64), String>,
    /// By index and term: the digest of the log up to there. "If two logs contain an entry with the same index and term,
    /// then the logs are identical in all entries up through the given index."
    prefixes: BTreeMap<(u64, u64), String>,
    committed: BTreeMap<u64, String>,
    /// Each node's log, from its records.
    logs: BTreeMap<NodeId, Vec<Arc<Entry>>>,
    /// At which index a value was first committed.
    versions: BTreeMap<String, u64>,
    /// Up to which index versions are known.
    known: usize,
}

impl RaftOracle {
    fn persisted(&mut self, node: NodeId, record: &Record) {
        let log = self.logs.entry(node).or_default();
        let place = |index: u64| usize::try_from(index - 1).expect("a short log");
        match record {
            Record::Append { index, entries } => {
                log.truncate(place(*index));
                log.extend(entries.iter().cloned());
            }
            Record::Truncate { from } => log.truncate(place(*from)),
            Record::Vote { .. } => {}
        }
    }

    fn noted(&mut self, maker: NodeId, note: &Note) {
        let number = |field: &str| note.fields[field].as_u64().expect("a number");
        let text = |field: &str| note.fields[field].as_str().expect("a text").to_owned();
        match &*note.name {
            "leader" => {
                let before = self.leaders.insert(number("epoch"), maker);
                assert!(before.is_none(), "election safety: {before:?} and {maker} lead term {}", number("epoch"));
            }
            "vote-granted" => {
                let candidate = text("candidate");
                let before = self.votes.insert((maker, number("term")), candidate.clone());
                assert!(before.is_none_or(|before| before == candidate), "{maker} voted twice in {}", number("term"));
            }
            "appended" | "committed" => {
                let (index, term, digest) = (number("index"), number("term"), text("digest"));
                let before = self.prefixes.insert((index, term), digest.clone());
                assert!(before.is_none_or(|before| before == digest), "log matching: two logs end in {index}@{term}");
                if note.name == "committed" {
                    let before = self.committed.insert(index, digest.clone());
                    assert!(before.is_none_or(|before| before == digest), "state machine safety: {index} differs");
                    self.learn_versions(maker, index);
                }
            }
            _ => {}
        }
    }

    fn learn_versions(&mut self, node: NodeId, index: u64) {
        let log = &self.logs[&node];
        let end = usize::try_from(index).expect("a short log");
        while self.known < end {
            if let Command::Client(request) = &log[self.known].command
                && let RequestKind::Write { value, .. } | RequestKind::Cas { to: value, .. } = &request.request
            {
                self.versions.entry(value.to_string()).or_insert(self.known as u64 + 1);
            }
            self.known += 1;
        }
    }
}

impl Oracle<Raft> for RaftOracle {
    fn observe(&mut self, maker: NodeId, effects: &[Effect<Raft>]) {
        for effect in effects {
            match effect {
                Effect::Persist(record) | Effect::PersistLazily(record) => self.persisted(maker, record),
                Effect::Note(note) => self.noted(maker, note),
                _ => {}
            }
        }
    }

    fn restarted(&mut self, node: NodeId, disk: &[Record]) {
        self.logs.insert(node, Vec::new());
        for record in disk {
            self.persisted(node, record);
        }
    }

    fn version(&self, kind: &RequestKind, answer: &Answer) -> Version {
        let value = match kind {
            RequestKind::Read { .. } => answer.value.as_ref().expect("a read answers with a value"),
            RequestKind::Write { value, .. } | RequestKind::Cas { to: value, .. } => value,
            other => unreachable!("raft does not serve {other:?}"),
        };
        if value.is_null() {
            return None;
        }
        let index = self.versions.get(&value.to_string());
        let index = index.unwrap_or_else(|| panic!("{kind:?} was answered {value} before that was committed"));
        Some(Tag(*index, NodeId(1), 1, 0))
    }
}

/// The quorum register's: one value for each tag, and tags that the answers carry.
#[derive(Debug, Default)]
pub(crate) struct NwrOracle {
    values: BTreeMap<(String, String), String>,
}

impl Oracle<Nwr> for NwrOracle {
    fn observe(&mut self, _node: NodeId, effects: &[Effect<Nwr>]) {
        for effect in effects {
            if let Effect::Note(note) = effect
                && note.name == "stored"
            {
                let tag = (note.fields["key"].to_string(), note.fields["tag"].to_string());
                let digest = note.fields["digest"].to_string();
                let before = self.values.insert(tag.clone(), digest.clone());
                assert!(before.is_none_or(|before| before == digest), "two values have the tag {tag:?}");
            }
        }
    }

    fn restarted(&mut self, _node: NodeId, _disk: &[<Nwr as Protocol>::Record]) {}

    fn version(&self, _kind: &RequestKind, answer: &Answer) -> Version {
        serde_json::from_value(answer.extra["quorum"]["version"].clone()).expect("a tag, or nothing")
    }
}
