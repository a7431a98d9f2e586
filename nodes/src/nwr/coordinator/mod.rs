//! A coordinator: it takes an operation through its query phase and its store phase, and counts replicas, never replies.
//!
//! | | |
//! |---|---|
//! | `query` | what R replicas have, and what follows from it |
//! | `store` | a version on its way to as many replicas as it needs |
//! | `answer` | what the client is told, and the evidence for it |
//!
//! Here is what an operation is, whom it asks, and whose answers count.

mod answer;
mod query;
mod store;

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::Versions;
use super::message::{Lives, Message, Phase, Step};
use super::record::Timer;
use super::tag::Tag;
use super::version::Version;
use super::{Bug, Nwr, evidence};
use crate::cx::Cx;
use crate::id::{Incarnation, NodeId, RequestId, Time};
use crate::note::Note;
use crate::request::RequestKind;

/// An operation under way.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) key: String,
    task: Task,
    pub(super) home: Vec<NodeId>,
    begun: Time,
    stage: Stage,
    /// The how-many-th time that this stage asks.
    pub(super) attempt: u32,
    /// Who was asked in this stage.
    pub(super) asked: BTreeSet<NodeId>,
    /// Whose answers count in this stage.
    pub(super) counted: Vec<Counted>,
    /// Whose answers counted in the query phase.
    queried: Vec<NodeId>,
    /// The highest counter that a replica has forgotten.
    floor: u64,
    /// The client has been told already; what is left is done for others.
    is_answered: bool,
    /// It has its quorum, and stays for those who have not answered yet: they may need a hint.
    is_trailing: bool,
}

/// What an operation is to do.
#[derive(Clone, Debug)]
enum Task {
    Read,
    Write(Value),
    Delete,
    Add(Value),
    Remove(Value),
}

/// What an operation is waiting for.
#[derive(Debug)]
enum Stage {
    /// Replicas are to say which version they have.
    Query {
        /// How many.
        need: usize,
    },
    /// Replicas are to store a version.
    Store {
        /// For what.
        phase: Phase,
        /// What is stored.
        version: Version,
        /// How many have to have it.
        need: usize,
    },
}

/// An answer that counts.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    pub(super) replica: NodeId,
    pub(super) incarnation: Incarnation,
    /// What it has: the answer to a query.
    pub(super) version: Option<Version>,
    /// What it has, where that is newer than what it was to store.
    pub(super) newer: Option<Tag>,
    /// For whom a fallback node stands.
    pub(super) stands_for: Option<NodeId>,
}

impl Counted {
    /// The home replica for which it counts.
    fn home(&self) -> NodeId {
        self.stands_for.unwrap_or(self.replica)
    }
}

impl Operation {
    /// Invariants: an operation that waits has reason to.
    pub(super) fn check(&self, op: RequestId) {
        assert!(!self.is_decided(), "{op} has its quorum and waits");
    }

    fn is_decided(&self) -> bool {
        let (Stage::Query { need } | Stage::Store { need, .. }) = &self.stage;
        let need = if self.is_trailing { self.home.len() } else { *need };
        self.counted.len() >= need
    }

    fn phase(&self) -> Phase {
        match &self.stage {
            Stage::Query { .. } => Phase::Query,
            Stage::Store { phase, .. } => *phase,
        }
    }

    fn step(&self, op: RequestId) -> Step {
        Step { op, phase: self.phase(), attempt: self.attempt, stands_for: None }
    }

    /// The home replicas that have not answered in this stage, and for whom nobody else has.
    fn silent(&self) -> Vec<NodeId> {
        let heard: BTreeSet<NodeId> = self.counted.iter().map(Counted::home).collect();
        self.home.iter().copied().filter(|home| !heard.contains(home)).collect()
    }

    /// What is asked in this stage.
    fn message(&self, step: Step) -> Message {
        let key = self.key.clone();
        match &self.stage {
            Stage::Query { .. } => Message::Query { step, key },
            Stage::Store { version, .. } => Message::Store { step, key, version: version.clone() },
        }
    }
}

impl Task {
    /// The name of the request.
    fn name(&self) -> &'static str {
        match self {
            Task::Read => "read",
            Task::Write(_) => "write",
            Task::Delete => "delete",
            Task::Add(_) => "add",
            Task::Remove(_) => "remove",
        }
    }

    fn value(&self) -> Option<&Value> {
        match self {
            Task::Write(value) | Task::Add(value) | Task::Remove(value) => Some(value),
            Task::Read | Task::Delete => None,
        }
    }

    /// What a request asks for, or why it cannot be had.
    fn of(request: RequestKind, versions: Versions) -> Result<(String, Task), &'static str> {
        match request {
            RequestKind::Read { key } | RequestKind::Peek { key } => Ok((key, Task::Read)),
            RequestKind::Write { key, value } => Ok((key, Task::Write(value))),
            RequestKind::Delete { key } => Ok((key, Task::Delete)),
            RequestKind::Add { key, value } if versions == Versions::Siblings => Ok((key, Task::Add(value))),
            RequestKind::Remove { key, value } if versions == Versions::Siblings => Ok((key, Task::Remove(value))),
            RequestKind::Add { .. } | RequestKind::Remove { .. } => {
                Err("sets need version=siblings: with tags, of two additions one would be lost")
            }
            RequestKind::Cas { .. } => Err("a quorum register has no compare-and-set: it would need consensus"),
            RequestKind::Append { .. }
            | RequestKind::List { .. }
            | RequestKind::Enqueue { .. }
            | RequestKind::Dequeue { .. } => {
                Err("quorum registers are no lists and no queues: these would need consensus")
            }
        }
    }
}

// Whose answers count.
impl Nwr {
    /// Upon an answer: it counts if it is for this stage, from somebody who has not answered, and not void.
    pub(super) fn on_reply(&mut self, step: Step, counted: Counted, lives: &Lives, cx: &mut Cx<'_, Self>) {
        self.learn_lives(lives);
        let Some(mut operation) = self.operations.remove(&step.op) else { return };
        if operation.phase() == step.phase {
            self.count(&mut operation, counted, cx);
        }
        self.go_on(step.op, operation, cx);
    }

    /// Ends the stage of an operation if it has what it needs, or else lets it wait.
    fn go_on(&mut self, op: RequestId, operation: Operation, cx: &mut Cx<'_, Self>) {
        if !operation.is_decided() {
            self.operations.insert(op, operation);
            return;
        }
        match operation.stage {
            Stage::Query { .. } => self.end_query(op, operation, cx),
            Stage::Store { .. } => self.end_store(op, operation, cx),
        }
    }

    /// Counts an answer, and no longer counts what has become void: a replica that began again without its disk has
    /// forgotten what an earlier life of it said (Michael et al. 2017).
    fn count(&self, operation: &mut Operation, counted: Counted, cx: &mut Cx<'_, Self>) {
        let lives = &self.replica.lives;
        let is_void = |counted: &Counted| lives.get(&counted.replica).is_some_and(|life| counted.incarnation < *life);
        operation.counted.retain(|counted| !is_void(counted));
        if is_void(&counted) || !self.may_count(operation, &counted) {
            return;
        }
        let same = |other: &Counted| other.replica == counted.replica || other.home() == counted.home();
        if operation.counted.iter().any(same) {
            if !self.has(Bug::RepliesCounted) {
                return;
            }
            self.acts(Bug::RepliesCounted, cx);
        }
        if counted.stands_for.is_some() && self.has(Bug::FallbacksCounted) {
            self.acts(Bug::FallbacksCounted, cx);
        }
        operation.counted.push(counted);
    }

    /// Home replicas count; those who stand in for them only in sloppy quorums.
    fn may_count(&self, operation: &Operation, counted: &Counted) -> bool {
        let is_home = |node: &NodeId| operation.home.contains(node);
        match counted.stands_for {
            None => is_home(&counted.replica),
            Some(home) => self.counts_fallbacks() && is_home(&home) && !is_home(&counted.replica),
        }
    }

    fn counts_fallbacks(&self) -> bool {
        self.config.sloppy || self.has(Bug::FallbacksCounted)
    }
}

// Whom an operation asks.
impl Nwr {
    /// Asks the home replicas that are silent, all at once: the first answers count. From the second attempt on a fallback
    /// node is asked for each of them as well, where there are hints.
    fn ask_the_silent(&self, op: RequestId, operation: &mut Operation, cx: &mut Cx<'_, Self>) {
        let silent = operation.silent();
        self.ask(op, operation, &silent, cx);
        let with_fallbacks = match operation.stage {
            Stage::Query { .. } => self.counts_fallbacks(),
            Stage::Store { .. } => self.config.hints,
        };
        if with_fallbacks && operation.attempt > 1 {
            self.ask_fallbacks(op, operation, cx);
        }
    }

    /// Asks a fallback node for each home replica that is silent, as far as there are such nodes.
    fn ask_fallbacks(&self, op: RequestId, operation: &mut Operation, cx: &mut Cx<'_, Self>) {
        for (home, fallback) in operation.silent().into_iter().zip(self.fallbacks(&operation.key)) {
            let step = Step { stands_for: Some(home), ..operation.step(op) };
            operation.asked.insert(fallback);
            cx.send(fallback, operation.message(step));
        }
    }

    /// Asks replicas other than this node's own.
    fn ask(&self, op: RequestId, operation: &mut Operation, replicas: &[NodeId], cx: &mut Cx<'_, Self>) {
        let step = operation.step(op);
        operation.asked.extend(replicas);
        for (place, replica) in replicas.iter().filter(|replica| **replica != self.me).enumerate() {
            cx.send(*replica, operation.message(step));
            if place == 0 && step.phase == Phase::Store && step.attempt == 1 {
                cx.note(evidence::about(Note::new("store-sent"), op, &operation.key).with("to", replica.to_string()));
            }
        }
        cx.set_timer(Timer::Retry { op }, self.config.retry);
    }

    /// Upon a long wait.
    pub(super) fn on_retry(&mut self, op: RequestId, cx: &mut Cx<'_, Self>) {
        let Some(mut operation) = self.operations.remove(&op) else { return };
        if operation.is_trailing {
            return self.ask_fallbacks(op, &mut operation, cx);
        }
        if cx.now().since(operation.begun) >= self.config.give_up {
            return self.give_up(op, &operation, cx);
        }
        operation.attempt += 1;
        self.ask_the_silent(op, &mut operation, cx);
        self.operations.insert(op, operation);
    }
}
