//! Causal delivery (`causal=vv`): every node has a copy of everything and answers reads from it; a write is applied where it
//! is made and delivered elsewhere after all that its maker had seen (Ladin, Liskov, Shrira and Ghemawat 1992; the causal
//! broadcast of Birman, Schiper and Stephenson 1991). Whoever stays with one node never sees an effect before its cause.
//!
//! A node numbers its writes. What a node has applied is a vector of such numbers, one for each node; a write carries the
//! vector of its maker, and waits until that is covered. Nodes keep the writes that somebody else may lack, offer them again
//! until they are acknowledged, and pass on those of others: a maker that dies in the middle does not stop its writes.
//!
//! Concurrent writes of one register are ordered by their tags, which respect causality, so that replicas converge.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Nwr;
use super::evidence;
use super::message::Message;
use super::record::{Record, Timer};
use super::replica::Cause;
use super::tag::Tag;
use super::version::Version;
use crate::cx::Cx;
use crate::id::{NodeId, RequestId, Time};
use crate::note::Note;
use crate::request::{Answer, ErrorCode, Outcome, Refusal, RequestKind};

/// How many writes of each node were applied.
pub type Vector = BTreeMap<NodeId, u64>;

/// A write on its way to all nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// Who made it.
    pub maker: NodeId,
    /// Its number there, from 1.
    pub number: u64,
    /// What its maker had applied before.
    pub after: Vector,
    /// The register.
    pub key: String,
    /// What was written.
    pub version: Version,
}

/// What a node knows of writes and of who has applied them.
#[derive(Debug, Default)]
pub(super) struct Causal {
    applied: Vector,
    /// Writes that somebody may lack, in the order in which they were applied here.
    log: Vec<Update>,
    /// What the other nodes have said that they have applied.
    heard: BTreeMap<NodeId, Vector>,
    /// The highest counter of all tags.
    counter: u64,
    /// Writes of clients that wait for W nodes, by their numbers.
    waiting: BTreeMap<u64, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    op: RequestId,
    key: String,
    version: Version,
    begun: Time,
}

impl Causal {
    /// Takes account of a write that was applied, in this life or an earlier one.
    pub(super) fn apply(&mut self, update: Update) {
        self.applied.insert(update.maker, update.number);
        self.counter = self.counter.max(update.version.tag().map_or(0, |tag| tag.0));
        self.log.push(update);
    }

    /// Whether a write is the next one of its maker, and all that it follows is here.
    fn may_apply(&self, update: &Update) -> bool {
        let next = self.applied(update.maker) + 1;
        update.number == next && update.after.iter().all(|(node, number)| self.applied(*node) >= *number)
    }

    fn applied(&self, node: NodeId) -> u64 {
        self.applied.get(&node).copied().unwrap_or(0)
    }

    /// Who is known to have applied a write of this node, itself included.
    fn has(&self, me: NodeId, number: u64) -> Vec<NodeId> {
        let others = self.heard.iter().filter(|(_, vector)| vector.get(&me) >= Some(&number)).map(|(node, _)| *node);
        [me].into_iter().chain(others).collect()
    }

    /// Forgets writes that every one of the others has.
    fn trim(&mut self, others: &[NodeId]) {
        let heard = &self.heard;
        let has = |node: &NodeId, update: &Update| {
            heard.get(node).is_some_and(|vector| vector.get(&update.maker) >= Some(&update.number))
        };
        self.log.retain(|update| !others.iter().all(|node| has(node, update)));
    }

    /// What another node lacks, as far as is known, in an order in which it can be applied.
    fn lacking(&self, node: NodeId) -> Vec<Update> {
        let heard = self.heard.get(&node);
        let lacks = |update: &&Update| heard.is_none_or(|vector| vector.get(&update.maker) < Some(&update.number));
        self.log.iter().filter(lacks).cloned().collect()
    }

    /// Records that make the same knowledge.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let applied =
            (!self.applied.is_empty()).then(|| Record::Applied { vector: self.applied.clone(), counter: self.counter });
        self.log.iter().map(|update| Record::Update { update: update.clone() }).chain(applied)
    }

    /// Takes account of a record that survived a crash.
    pub(super) fn recall(&mut self, record: &Record) {
        match record {
            Record::Update { update } => self.apply(update.clone()),
            Record::Applied { vector, counter } => {
                self.applied.clone_from(vector);
                self.counter = *counter;
            }
            _ => {}
        }
    }
}

// Requests.
impl Nwr {
    /// Upon a client's request: a read is answered from the own copy, a write applied to it and sent to all.
    pub(super) fn begin_causally(&mut self, op: RequestId, request: RequestKind, cx: &mut Cx<'_, Self>) {
        let (name, is_read) = (request.name(), request.is_read());
        let (key, value) = match request {
            RequestKind::Read { key } | RequestKind::Peek { key } => (key, None),
            RequestKind::Write { key, value } => (key, Some(value)),
            _ => {
                let why = format!("{name} is not served with causal=vv");
                return cx.reply(op, Outcome::Fail(Refusal::new(ErrorCode::NOT_SUPPORTED, why)));
            }
        };
        cx.note(evidence::begun(op, &key, name, value.as_ref()));
        if is_read {
            return self.read_own_copy(op, &key, cx);
        }
        let counter = self.causal.counter + 1;
        let version = Version::written(Tag(counter, self.me, cx.incarnation(), op.sequence), value.unwrap_or_default());
        let number = self.causal.applied(self.me) + 1;
        let after = self.causal.applied.clone();
        let update = Update { maker: self.me, number, after, key: key.clone(), version: version.clone() };
        self.apply(update, Some(op), cx);
        self.causal.waiting.insert(number, Waiting { op, key, version, begun: cx.now() });
        self.offer_updates(cx);
        self.answer_writes(cx);
    }

    fn read_own_copy(&mut self, op: RequestId, key: &str, cx: &mut Cx<'_, Self>) {
        let version = self.replica.version(key);
        let value = version.map_or(Value::Null, Version::value);
        let quorum = json!({"op": op.to_string(), "acks": [self.me], "version": version.and_then(Version::tag)});
        cx.note(evidence::answered(op, key, "read", version, 0, "ok"));
        cx.reply(op, Outcome::Ok(Answer::read(value).with("quorum", quorum)));
    }

    /// Answers the writes that W nodes have applied, and gives up those that have waited for too long.
    fn answer_writes(&mut self, cx: &mut Cx<'_, Self>) {
        let mut ended = Vec::new();
        for (number, Waiting { op, key, version, begun }) in &self.causal.waiting {
            let acks = self.causal.has(self.me, *number);
            let (name, outcome) = if acks.len() >= self.config.w {
                let quorum = json!({"op": op.to_string(), "acks": acks, "version": version.tag()});
                ("ok", Outcome::Ok(Answer::done().with("quorum", quorum)))
            } else if cx.now().since(*begun) >= self.config.give_up {
                let why = format!("applied at {} nodes so far, and it will spread", acks.len());
                ("info", Outcome::Unknown(Refusal::new(ErrorCode::TIMEOUT, why)))
            } else {
                continue;
            };
            cx.note(evidence::answered(*op, key, "write", Some(version), 0, name));
            cx.reply(*op, outcome);
            ended.push(*number);
        }
        self.causal.waiting.retain(|number, _| !ended.contains(number));
    }
}

// Delivery.
impl Nwr {
    fn apply(&mut self, update: Update, op: Option<RequestId>, cx: &mut Cx<'_, Self>) {
        cx.persist(Record::Update { update: update.clone() });
        let note = Note::new("delivered").with("maker", update.maker.to_string()).with("number", update.number);
        cx.note(note.with("key", update.key.clone()).with("after", json!(update.after)));
        self.store(&update.key, &update.version, Cause::Store, op, cx);
        self.causal.apply(update);
    }

    /// Sends to each of the others what it lacks, now and again after a while.
    pub(super) fn offer_updates(&self, cx: &mut Cx<'_, Self>) {
        let mut any = false;
        for node in self.others() {
            let updates = self.causal.lacking(node);
            if !updates.is_empty() {
                cx.send(node, Message::Updates { updates });
                any = true;
            }
        }
        if any {
            cx.set_timer(Timer::Offer, self.config.retry);
        }
    }

    /// Upon a long wait for acknowledgements.
    pub(super) fn on_offer(&mut self, cx: &mut Cx<'_, Self>) {
        self.answer_writes(cx);
        self.offer_updates(cx);
    }

    /// Upon writes that this node may lack, each after those that it follows.
    pub(super) fn on_updates(&mut self, from: NodeId, updates: Vec<Update>, cx: &mut Cx<'_, Self>) {
        for update in updates {
            if self.causal.may_apply(&update) {
                self.apply(update, None, cx);
            }
        }
        cx.send(from, Message::Applied { vector: self.causal.applied.clone() });
        // Who made one of them may be gone: then it is this node that passes it on, after a while.
        cx.set_timer(Timer::Offer, self.config.retry);
    }

    /// Upon another node's word of what it has applied.
    pub(super) fn on_applied(&mut self, from: NodeId, vector: Vector, cx: &mut Cx<'_, Self>) {
        let heard = self.causal.heard.entry(from).or_default();
        for (node, number) in vector {
            let known = heard.entry(node).or_default();
            *known = (*known).max(number);
        }
        self.causal.trim(&self.others());
        self.answer_writes(cx);
    }
}

impl fmt::Display for Update {
    /// `n1#3 x=5 tag=4.n1.1.3`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} {}={}", self.maker, self.number, self.key, self.version)
    }
}
