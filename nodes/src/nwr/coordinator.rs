//! A coordinator: it takes an operation through its query phase and its store phase, and counts replicas, never replies.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::message::{Message, Timer, Version};
use super::tag::Tag;
use super::{Bug, Config, Nwr};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId, Time};
use crate::note::Note;
use crate::request::{Answer, ErrorCode, Outcome, Refusal, RequestKind};

/// An operation under way.
#[derive(Debug)]
pub(super) struct Operation {
    key: String,
    replicas: Vec<NodeId>,
    begun: Time,
    phase: Phase,
}

/// What an operation is waiting for. Whoever answers is in a set: an answer that arrives twice is one.
#[derive(Debug)]
enum Phase {
    /// R replicas are to say which version they have.
    Query {
        /// What is to be written; nothing for a read.
        write: Option<Value>,
        /// Who has answered.
        answered: BTreeSet<NodeId>,
        /// The newest version among the answers.
        newest: Option<Version>,
    },
    /// W replicas are to store a version.
    Store {
        /// Whether it is a write, or else the write-back of a read.
        is_write: bool,
        /// Who answered the query.
        answered: BTreeSet<NodeId>,
        /// What is stored.
        version: Version,
        /// Who has it on stable storage.
        stored: BTreeSet<NodeId>,
    },
}

impl Operation {
    /// Invariants: an operation that waits has reason to.
    pub(super) fn check(&self, op: RequestId, config: &Config) {
        match &self.phase {
            Phase::Query { answered, .. } => assert!(answered.len() < config.r, "{op} has its read quorum and waits"),
            Phase::Store { stored, .. } => assert!(stored.len() < config.w, "{op} has its write quorum and waits"),
        }
    }

    /// What a replica is asked in this phase.
    fn message(&self, op: RequestId) -> Message {
        match &self.phase {
            Phase::Query { .. } => Message::Query { op, key: self.key.clone() },
            Phase::Store { version, .. } => Message::Store { op, key: self.key.clone(), version: version.clone() },
        }
    }

    /// Who has not answered in this phase.
    fn silent(&self) -> Vec<NodeId> {
        let (Phase::Query { answered: heard, .. } | Phase::Store { stored: heard, .. }) = &self.phase;
        self.replicas.iter().filter(|replica| !heard.contains(replica)).copied().collect()
    }
}

// The query phase.
impl Nwr {
    /// Upon a client's request.
    pub(super) fn begin(&mut self, op: RequestId, request: RequestKind, cx: &mut Cx<'_, Self>) {
        let (key, write) = match request {
            RequestKind::Read { key } => (key, None),
            RequestKind::Write { key, value } => (key, Some(value)),
            RequestKind::Cas { .. } => {
                let why = "a quorum register has no compare-and-set: it would need consensus";
                return cx.reply(op, Outcome::Fail(Refusal::new(ErrorCode::NOT_SUPPORTED, why)));
            }
        };
        let replicas = self.replicas(&key);
        let clock_is_tag = write.is_some() && self.has(Bug::WallClockTags);
        let phase = Phase::Query { write, answered: BTreeSet::new(), newest: None };
        let mut operation = Operation { key, replicas, begun: cx.now(), phase };
        let own = operation.replicas.contains(&self.me);
        if clock_is_tag || (own && self.count_version(self.me, self.replica.query(&operation.key), &mut operation)) {
            self.end_query(op, operation, cx);
        } else {
            self.operations.insert(op, operation);
            self.ask_the_silent(op, cx);
        }
    }

    /// Upon receiving a replica's version.
    pub(super) fn on_query_reply(
        &mut self,
        from: NodeId,
        op: RequestId,
        version: Option<Version>,
        cx: &mut Cx<'_, Self>,
    ) {
        let Some(mut operation) = self.operations.remove(&op) else { return };
        if self.count_version(from, version, &mut operation) {
            self.end_query(op, operation, cx);
        } else {
            self.operations.insert(op, operation);
        }
    }

    /// Takes note of a replica's version; whether that was the last answer needed.
    fn count_version(&self, from: NodeId, version: Option<Version>, operation: &mut Operation) -> bool {
        let Phase::Query { answered, newest, .. } = &mut operation.phase else { return false };
        if !operation.replicas.contains(&from) || !answered.insert(from) {
            return false;
        }
        if version.as_ref().map(|version| version.tag) > newest.as_ref().map(|newest| newest.tag) {
            *newest = version;
        }
        answered.len() >= self.config.r
    }

    /// A write now stores its value; a read stores what it returns, or just returns it.
    fn end_query(&mut self, op: RequestId, mut operation: Operation, cx: &mut Cx<'_, Self>) {
        let Phase::Query { write, answered, newest } = operation.phase else {
            unreachable!("only the query phase ends like this");
        };
        let is_write = write.is_some();
        let version = match (write, newest) {
            (Some(value), newest) => {
                let seen = newest.map_or(0, |version| version.tag.0);
                Version { tag: self.choose_tag(&operation.key, seen, op, cx), value }
            }
            (None, Some(version)) if self.config.writeback && !self.skips_writeback(cx) => version,
            (None, newest) => return self.answer_read(op, &operation.key, newest, &answered, None, cx),
        };
        if !is_write && self.has(Bug::AsyncWriteback) {
            self.acts(Bug::AsyncWriteback, cx);
            self.answer_read(op, &operation.key, Some(version.clone()), &answered, None, cx);
        }
        operation.phase = Phase::Store { is_write, answered, version, stored: BTreeSet::new() };
        self.begin_store(op, operation, cx);
    }

    fn skips_writeback(&self, cx: &mut Cx<'_, Self>) -> bool {
        let skips = self.has(Bug::NoWriteback);
        if skips {
            self.acts(Bug::NoWriteback, cx);
        }
        skips
    }

    /// A tag above all that the query has seen and all that this coordinator has given out.
    fn choose_tag(&mut self, key: &str, seen: u64, op: RequestId, cx: &mut Cx<'_, Self>) -> Tag {
        let floor = self.floor.get(key).copied().unwrap_or(0);
        let mut tag = Tag(seen.max(floor).saturating_add(1), self.me, cx.incarnation(), op.sequence);
        if self.has(Bug::TagReuse) {
            tag = Tag(seen.saturating_add(1), self.me, 1, 0);
            if tag.0 <= floor {
                self.acts(Bug::TagReuse, cx);
            }
        }
        if self.has(Bug::WallClockTags) {
            self.acts(Bug::WallClockTags, cx);
            tag.0 = cx.wall().0 / 1000;
        }
        self.floor.insert(key.to_owned(), tag.0.max(floor));
        tag
    }
}

// The store phase.
impl Nwr {
    /// Sends the version to all replicas, however few have to answer; the own copy is stored with this step.
    fn begin_store(&mut self, op: RequestId, operation: Operation, cx: &mut Cx<'_, Self>) {
        let Phase::Store { version, is_write, .. } = &operation.phase else {
            unreachable!("the store phase begins with its version");
        };
        let note = Note::new("coordinated").with("op", op.to_string()).with("key", operation.key.clone());
        cx.note(note.with("tag", version.tag.json()).with("write", *is_write));
        let own = operation.replicas.contains(&self.me);
        if own {
            self.store(&operation.key, version, cx);
        }
        self.operations.insert(op, operation);
        self.ask_the_silent(op, cx);
        if own {
            self.on_store_reply(self.me, op, cx);
        }
    }

    /// Upon receiving a replica's word that it has stored the version.
    pub(super) fn on_store_reply(&mut self, from: NodeId, op: RequestId, cx: &mut Cx<'_, Self>) {
        let Some(operation) = self.operations.get_mut(&op) else { return };
        let Phase::Store { stored, .. } = &mut operation.phase else { return };
        if operation.replicas.contains(&from) {
            stored.insert(from);
        }
        if stored.len() >= self.config.w {
            self.finish(op, cx);
        }
    }

    fn finish(&mut self, op: RequestId, cx: &mut Cx<'_, Self>) {
        cx.cancel_timer(Timer::Retry { op });
        let operation = self.operations.remove(&op).expect("only a running operation is finished");
        let Phase::Store { is_write, answered, version, stored } = operation.phase else {
            unreachable!("only the store phase ends like this");
        };
        if is_write {
            cx.note(answered_note(op, &operation.key, version.tag, self.config.w));
            let quorum = json!({"acks": stored, "version": version.tag});
            cx.reply(op, Outcome::Ok(Answer::done().with("quorum", quorum)));
        } else if !self.has(Bug::AsyncWriteback) {
            self.answer_read(op, &operation.key, Some(version), &answered, Some(&stored), cx);
        }
    }

    /// Answers a read, with the evidence of its quorums.
    fn answer_read(
        &self,
        op: RequestId,
        key: &str,
        version: Option<Version>,
        answered: &BTreeSet<NodeId>,
        stored: Option<&BTreeSet<NodeId>>,
        cx: &mut Cx<'_, Self>,
    ) {
        let mut quorum = json!({"acks": answered, "version": version.as_ref().map(|version| version.tag)});
        if let Some(stored) = stored {
            quorum["stored"] = json!(stored);
        }
        cx.cancel_timer(Timer::Retry { op });
        if let Some(version) = &version {
            let need = if self.config.writeback { self.config.w } else { 0 };
            cx.note(answered_note(op, key, version.tag, need));
        }
        let value = version.map_or(Value::Null, |version| version.value);
        cx.reply(op, Outcome::Ok(Answer::read(value).with("quorum", quorum)));
    }
}

/// Noted before the answer leaves: `need` replicas have stored this version, or a newer one.
fn answered_note(op: RequestId, key: &str, tag: Tag, need: usize) -> Note {
    Note::new("answered").with("op", op.to_string()).with("key", key).with("tag", tag.json()).with("need", need)
}

// Both phases.
impl Nwr {
    /// Asks the other replicas that have not answered in the operation's phase, now and again after a while.
    fn ask_the_silent(&self, op: RequestId, cx: &mut Cx<'_, Self>) {
        let Some(operation) = self.operations.get(&op) else { return };
        let message = operation.message(op);
        for replica in operation.silent() {
            if replica != self.me {
                cx.send(replica, message.clone());
            }
        }
        cx.set_timer(Timer::Retry { op }, self.config.retry);
    }

    /// Upon a long wait.
    pub(super) fn on_retry(&mut self, op: RequestId, cx: &mut Cx<'_, Self>) {
        let Some(operation) = self.operations.get(&op) else { return };
        if cx.now().since(operation.begun) < self.config.give_up {
            return self.ask_the_silent(op, cx);
        }
        let missing: Vec<String> = operation.silent().iter().map(ToString::to_string).collect();
        let missing = missing.join(", ");
        let outcome = match operation.phase {
            // Some replica may have it, and a later read may spread it.
            Phase::Store { is_write: true, .. } => {
                Outcome::Unknown(Refusal::new(ErrorCode::TIMEOUT, format!("not known to be stored at {missing}")))
            }
            Phase::Store { .. } | Phase::Query { .. } => {
                let why = format!("given up without effect: no answer from {missing}");
                Outcome::Fail(Refusal::new(ErrorCode::TEMPORARILY_UNAVAILABLE, why))
            }
        };
        self.operations.remove(&op);
        cx.reply(op, outcome);
    }
}
