//! The query phase: R replicas say which version they have. A write then knows which tag is above all that a finished write
//! can have; a read knows what to return, and who is behind.

use std::collections::BTreeSet;

use super::{Counted, Operation, Stage, Task};
use crate::cx::Cx;
use crate::id::RequestId;
use crate::note::Note;
use crate::nwr::config::{Repair, Versions, Writeback};
use crate::nwr::evidence;
use crate::nwr::message::Phase;
use crate::nwr::siblings::{Dot, Siblings};
use crate::nwr::tag::Tag;
use crate::nwr::version::{Version, covers, join};
use crate::nwr::{Bug, Nwr};
use crate::request::{ErrorCode, Outcome, Refusal, RequestKind};

impl Nwr {
    /// Upon a client's request.
    pub(in crate::nwr) fn begin(&mut self, op: RequestId, request: RequestKind, cx: &mut Cx<'_, Self>) {
        if matches!(request, RequestKind::Peek { .. }) && self.is_overloaded() {
            cx.note(evidence::about(Note::new("shed"), op, request.key()));
            let why = format!("{} operations are under way, and this one is optional", self.operations.len());
            return cx.reply(op, Outcome::Fail(Refusal::new(ErrorCode::TEMPORARILY_UNAVAILABLE, why)));
        }
        let (key, task) = match Task::of(request, self.config.version) {
            Ok(asked) => asked,
            Err(why) => return cx.reply(op, Outcome::Fail(Refusal::new(ErrorCode::NOT_SUPPORTED, why))),
        };
        cx.note(evidence::begun(op, &key, task.name(), task.value()));
        let operation = Operation {
            home: self.home(&key),
            key,
            task,
            begun: cx.now(),
            stage: Stage::Query { need: self.read_quorum(cx) },
            attempt: 1,
            asked: BTreeSet::new(),
            counted: Vec::new(),
            queried: Vec::new(),
            floor: 0,
            is_answered: false,
            is_trailing: false,
        };
        let is_read = matches!(operation.task, Task::Read);
        if !is_read && (self.config.version == Versions::Lww || self.has(Bug::WallClockTags)) {
            self.write_over(op, operation, None, cx);
        } else {
            self.query(op, operation, cx);
        }
    }

    /// Whether there is so much to do that what is optional has to wait for better times.
    fn is_overloaded(&self) -> bool {
        self.config.shed_above.is_some_and(|above| self.operations.len() > above)
    }

    /// How many answers a query waits for.
    fn read_quorum(&self, cx: &mut Cx<'_, Self>) -> usize {
        let apart = (self.config.n - self.config.w).max(1);
        if self.has(Bug::SmallReadQuorums) && apart < self.config.r {
            self.acts(Bug::SmallReadQuorums, cx);
            return apart;
        }
        self.config.r
    }

    /// This node's own replica answers first, without a message; where that is enough nobody else is asked.
    fn query(&mut self, op: RequestId, mut operation: Operation, cx: &mut Cx<'_, Self>) {
        if operation.home.contains(&self.me) && self.recovery.is_none() {
            operation.asked.insert(self.me);
            operation.floor = self.replica.floor;
            let version = self.serve(operation.step(op), &operation.key, cx);
            let (replica, incarnation) = (self.me, cx.incarnation());
            self.count(&mut operation, Counted { replica, incarnation, version, newer: None, stands_for: None }, cx);
        }
        if !operation.is_decided() {
            self.ask_the_silent(op, &mut operation, cx);
        }
        self.go_on(op, operation, cx);
    }

    /// A replica has forgotten tombstones with counters up to this one.
    pub(in crate::nwr) fn learn_floor(&mut self, op: RequestId, floor: u64) {
        if let Some(operation) = self.operations.get_mut(&op) {
            operation.floor = operation.floor.max(floor);
        }
    }

    /// A write now stores its value; a read stores what it returns, or just returns it.
    pub(super) fn end_query(&mut self, op: RequestId, mut operation: Operation, cx: &mut Cx<'_, Self>) {
        let newest = operation.counted.iter().fold(None, |newest, counted| join(newest, counted.version.clone()));
        cx.note(evidence::phase(op, &operation, Phase::Query, self.config.r, newest.as_ref()));
        let answers = std::mem::take(&mut operation.counted);
        operation.queried = answers.iter().map(|counted| counted.replica).collect();
        match (&operation.task, newest) {
            (Task::Read, Some(newest)) => self.end_read_query(op, operation, answers, &newest, cx),
            (Task::Read, None) => self.answer_read(op, &operation, None, 0, cx),
            (_, newest) => self.write_over(op, operation, newest, cx),
        }
    }

    /// Stores a new version above what was found.
    fn write_over(&mut self, op: RequestId, operation: Operation, found: Option<Version>, cx: &mut Cx<'_, Self>) {
        let version = if self.config.version == Versions::Siblings {
            self.write_beside(&operation, found, cx)
        } else {
            let seen = found.as_ref().and_then(Version::tag).map_or(0, |tag| tag.0).max(operation.floor);
            let tag = self.choose_tag(&operation.key, seen, op, cx);
            match &operation.task {
                Task::Write(value) => Version::written(tag, value.clone()),
                _ => Version::tombstone(tag),
            }
        };
        let note = evidence::about(Note::new("coordinated"), op, &operation.key);
        cx.note(evidence::with_version(note, Some(&version)).with("write", true));
        self.begin_store(op, operation, Phase::Store, &version, self.config.w, cx);
    }

    /// What was found, with this write in place of what it replaces.
    fn write_beside(&mut self, operation: &Operation, found: Option<Version>, cx: &Cx<'_, Self>) -> Version {
        let found = match found {
            Some(Version::Siblings(siblings)) => siblings,
            _ => Siblings::default(),
        };
        let number = self.floor.get(&operation.key).copied().unwrap_or(0) + 1;
        let dot = Dot(self.me, cx.incarnation(), number);
        let siblings = match operation.task.clone() {
            Task::Write(value) => found.write(dot, value),
            Task::Add(value) => found.add(dot, value),
            Task::Remove(value) => return Version::Siblings(found.remove(&value)),
            Task::Delete | Task::Read => return Version::Siblings(found.delete()),
        };
        self.floor.insert(operation.key.clone(), number);
        Version::Siblings(siblings)
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
        if self.has(Bug::NoTieBreak) {
            tag = Tag(tag.0, self.nodes[0], 1, 0);
        }
        if self.has(Bug::WallClockTags) {
            self.acts(Bug::WallClockTags, cx);
        }
        if self.has(Bug::WallClockTags) || self.config.version == Versions::Lww {
            tag.0 = cx.wall().0 / 1000;
        }
        self.floor.insert(key.to_owned(), tag.0.max(floor));
        tag
    }

    /// What a read does with the newest version before it returns it.
    fn end_read_query(
        &mut self,
        op: RequestId,
        mut operation: Operation,
        answers: Vec<Counted>,
        newest: &Version,
        cx: &mut Cx<'_, Self>,
    ) {
        let has_newest = |counted: &Counted| covers(counted.version.as_ref(), Some(newest));
        let (mut holders, behind): (Vec<_>, Vec<_>) = answers.into_iter().partition(has_newest);
        let (phase, need) = match (self.config.writeback, self.config.repair) {
            (Writeback::On, _) => {
                // Those who have it say so again: what counts is who has it now.
                holders.clear();
                (Phase::Writeback, self.config.w)
            }
            (Writeback::Fast, _) => (Phase::Writeback, self.config.enough_copies()),
            (Writeback::Off, Repair::Sync) => (Phase::Repair, self.config.r),
            (Writeback::Off, repair) => {
                if repair == Repair::Async {
                    self.repair(op, &operation, &behind, newest, cx);
                }
                return self.answer_read(op, &operation, Some(newest), 0, cx);
            }
        };
        if holders.len() >= need {
            return self.answer_read(op, &operation, Some(newest), need, cx);
        }
        if self.has(Bug::NoWriteback) {
            self.acts(Bug::NoWriteback, cx);
            return self.answer_read(op, &operation, Some(newest), need, cx);
        }
        if self.has(Bug::AsyncWriteback) {
            self.acts(Bug::AsyncWriteback, cx);
            self.answer_read(op, &operation, Some(newest), need, cx);
            operation.is_answered = true;
        }
        operation.counted = holders;
        self.begin_store(op, operation, phase, newest, need, cx);
    }
}
