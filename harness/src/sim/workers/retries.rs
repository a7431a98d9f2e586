//! Clients that try again. What has failed for certain is done once more, at another node and as a new operation, if the
//! mixture of the run wants that.
//!
//! After an `info` nothing is tried again: the first attempt may still take effect, and a value would be written twice, which
//! histories of distinct values exclude. A second failure is not tried again either: where all nodes are down, a client would
//! ask for the same without end. Who has a coordinator beside it has no other node to ask. What belongs to a session, or is asked at its own time, is the workload's affair.

use rand::RngExt;
use rand::seq::IndexedRandom;
use schism_nodes::{ErrorCode, NodeId, Protocol};
use schism_workloads::Invocation;
use serde_json::Value;

use super::{Open, Purpose};
use crate::client::Completion;
use crate::sim::world::World;

/// An operation that is tried again.
#[derive(Debug)]
pub(super) struct Retry {
    pub(super) node: NodeId,
    pub(super) invocation: Invocation,
}

impl<P: Protocol> World<P> {
    /// An operation of the workload has ended: whether it is the next that its worker does, and where. A node that was named
    /// by the one that refused comes before those that are drawn.
    pub(super) fn plan_retry(&mut self, worker: usize, open: Open, completion: &Completion) {
        let Completion::Fail { error } = completion else { return };
        let again = open.purpose == Purpose::Work && !open.abandon && !open.is_settled && !is_answer(error);
        if self.beside(worker).is_some() {
            return;
        }
        let others: Vec<NodeId> = self.universe.iter().copied().filter(|node| *node != open.node).collect();
        let state = &mut self.workers[worker];
        if again && self.retries > 0.0 && state.retries.random_bool(self.retries) {
            let node = completion.redirect(&others).or_else(|| others.choose(&mut state.retries).copied());
            state.retry = node.map(|node| Retry { node, invocation: open.invocation });
        }
    }
}

/// Whether a compare-and-set was refused for what the register holds: every node would say the same.
fn is_answer(error: &Value) -> bool {
    let code = error.get(0).and_then(Value::as_u64);
    [ErrorCode::KEY_DOES_NOT_EXIST, ErrorCode::PRECONDITION_FAILED].iter().any(|answer| code == Some(answer.0.into()))
}
