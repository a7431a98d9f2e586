//! The store phase: a version on its way to as many replicas as it needs, be it a write's, or what a read is going to return.

use super::{Counted, Operation, Stage, Task};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId};
use crate::nwr::message::{Message, Phase, Step};
use crate::nwr::record::Timer;
use crate::nwr::version::Version;
use crate::nwr::{Nwr, evidence};

impl Nwr {
    /// Sends the version to all home replicas, however few have to have it; a repair first asks those alone that answered
    /// with something older. The own copy is stored with this step: nothing leaves before that is durable.
    pub(super) fn begin_store(
        &mut self,
        op: RequestId,
        mut operation: Operation,
        phase: Phase,
        version: &Version,
        need: usize,
        cx: &mut Cx<'_, Self>,
    ) {
        let behind: Vec<NodeId> = operation.silent();
        let asked: Vec<NodeId> = match phase {
            Phase::Repair => behind.into_iter().filter(|replica| operation.queried.contains(replica)).collect(),
            _ => behind,
        };
        operation.attempt = 1;
        operation.asked.clear();
        operation.stage = Stage::Store { phase, version: version.clone(), need };
        if asked.contains(&self.me) {
            let newer = self.store_for(operation.step(op), &operation.key, version, cx);
            let (replica, incarnation) = (self.me, cx.incarnation());
            self.count(&mut operation, Counted { replica, incarnation, version: None, newer, stands_for: None }, cx);
        }
        self.ask(op, &mut operation, &asked, cx);
        self.go_on(op, operation, cx);
    }

    /// Enough replicas have it. A write stays for a while where there are hints: who is silent then gets one.
    pub(super) fn end_store(&mut self, op: RequestId, mut operation: Operation, cx: &mut Cx<'_, Self>) {
        cx.cancel_timer(Timer::Retry { op });
        let Stage::Store { phase, version, need } = &operation.stage else {
            unreachable!("only the store phase ends like this");
        };
        if operation.is_trailing {
            return;
        }
        cx.note(evidence::phase(op, &operation, *phase, *need, Some(version)));
        match operation.task {
            Task::Read if operation.is_answered => {}
            Task::Read => self.answer_read(op, &operation, Some(version), *need, cx),
            _ => self.answer_write(op, &operation, version, *need, cx),
        }
        operation.is_trailing = true;
        if self.config.hints && *phase == Phase::Store && !operation.is_decided() {
            cx.set_timer(Timer::Retry { op }, self.config.retry);
            self.operations.insert(op, operation);
        }
    }

    /// Sends a version to replicas that answered with something older, and waits for nobody.
    pub(super) fn repair(
        &mut self,
        op: RequestId,
        operation: &Operation,
        behind: &[Counted],
        newest: &Version,
        cx: &mut Cx<'_, Self>,
    ) {
        let step = Step { phase: Phase::Repair, ..operation.step(op) };
        for Counted { replica, .. } in behind {
            if *replica == self.me {
                self.store_for(step, &operation.key, newest, cx);
            } else {
                let (key, version) = (operation.key.clone(), newest.clone());
                cx.send(*replica, Message::Store { step, key, version });
            }
        }
    }
}
