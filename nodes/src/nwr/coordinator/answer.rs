//! What the client is told, with the evidence for it.

use serde_json::{Value, json};

use super::{Operation, Stage};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId};
use crate::nwr::message::Phase;
use crate::nwr::record::Timer;
use crate::nwr::version::Version;
use crate::nwr::{Nwr, evidence};
use crate::request::{Answer, ErrorCode, Outcome, Refusal};

impl Nwr {
    /// Answers a read, after a phase in which `need` replicas had to store what it returns.
    pub(super) fn answer_read(
        &self,
        op: RequestId,
        operation: &Operation,
        version: Option<&Version>,
        need: usize,
        cx: &mut Cx<'_, Self>,
    ) {
        let mut quorum = quorum(op, &operation.queried, version);
        if !operation.counted.is_empty() {
            quorum["stored"] = replicas(operation);
        }
        let answer = Answer::read(version.map_or(Value::Null, Version::value)).with("quorum", quorum);
        self.answer(op, operation, version, need, Outcome::Ok(answer), cx);
    }

    /// Answers a write.
    pub(super) fn answer_write(
        &self,
        op: RequestId,
        operation: &Operation,
        version: &Version,
        need: usize,
        cx: &mut Cx<'_, Self>,
    ) {
        let acks: Vec<NodeId> = operation.counted.iter().map(|counted| counted.replica).collect();
        let answer = Answer::done().with("quorum", quorum(op, &acks, Some(version)));
        self.answer(op, operation, Some(version), need, Outcome::Ok(answer), cx);
    }

    /// An operation has waited for too long.
    pub(super) fn give_up(&self, op: RequestId, operation: &Operation, cx: &mut Cx<'_, Self>) {
        let missing: Vec<String> = operation.silent().iter().map(ToString::to_string).collect();
        let missing = missing.join(", ");
        let (version, outcome) = match &operation.stage {
            // Some replica may have it, and a later read may spread it.
            Stage::Store { phase: Phase::Store, version, .. } => {
                let why = format!("not known to be stored at {missing}");
                (Some(version), Outcome::Unknown(Refusal::new(ErrorCode::TIMEOUT, why)))
            }
            Stage::Store { .. } | Stage::Query { .. } => {
                let why = format!("given up without effect: no answer from {missing}");
                (None, Outcome::Fail(Refusal::new(ErrorCode::TEMPORARILY_UNAVAILABLE, why)))
            }
        };
        if !operation.is_answered {
            self.answer(op, operation, version, 0, outcome, cx);
        }
    }

    fn answer(
        &self,
        op: RequestId,
        operation: &Operation,
        version: Option<&Version>,
        need: usize,
        outcome: Outcome,
        cx: &mut Cx<'_, Self>,
    ) {
        // A fallback node's copy is none of a home replica's: who counts them promises nothing.
        let need = if self.config.sloppy { 0 } else { need };
        let name = match outcome {
            Outcome::Ok(_) => "ok",
            Outcome::Fail(_) | Outcome::Redirect { .. } => "fail",
            Outcome::Unknown(_) => "info",
        };
        cx.note(evidence::answered(op, &operation.key, operation.task.name(), version, need, name));
        cx.cancel_timer(Timer::Retry { op });
        cx.reply(op, outcome);
    }
}

/// The evidence in an answer: by whose answers it came about, and with which version.
fn quorum(op: RequestId, acks: &[NodeId], version: Option<&Version>) -> Value {
    json!({"op": op.to_string(), "acks": acks, "version": version.and_then(Version::tag)})
}

/// Who has stored a read's version.
fn replicas(operation: &Operation) -> Value {
    operation.counted.iter().map(|counted| json!(counted.replica)).collect()
}
