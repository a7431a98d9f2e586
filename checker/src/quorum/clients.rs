//! Links the notes with what clients saw: an answer names its operation in `quorum.op`.
//!
//! Only operations that a client saw end `ok` have an order in real time that rules may rely on: by the indexes of the history, never
//! by times. Times of the history are brought onto the notes' clock for people alone: an answer left after its invocation and
//! before its completion, so that all answers together bound the offset between the two clocks from both sides.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::Value;

use super::evidence::{Client, Evidence, Kind};
use super::faults::Faults;
use super::tag::Tag;
use crate::history::{Event, EventKind, History, Process};

/// Puts what clients saw and what faults did into the evidence.
pub(super) fn link(evidence: &mut Evidence, history: &History) {
    evidence.faults = Faults::of(history);
    let mut open: FxHashMap<u64, &Event> = FxHashMap::default();
    for event in &history.events {
        let Process::Client(process) = event.process else { continue };
        if event.kind == EventKind::Invoke {
            open.insert(process, event);
        } else if let Some(invoked) = open.remove(&process)
            && event.kind == EventKind::Ok
            && Kind::of(&event.f) != Kind::Unknown
        {
            evidence.acknowledged += 1;
            acknowledged(evidence, process, invoked, event);
        }
    }
    evidence.history_offset = offset(evidence);
}

fn acknowledged(evidence: &mut Evidence, process: u64, invoked: &Event, completed: &Event) {
    let told = completed.extra.get("quorum");
    let shown = || format!("the {} that ended with event {} of the history", completed.f, completed.index);
    let Some(op) = told.and_then(|told| told.get("op")).and_then(Value::as_str) else {
        return evidence.defects.add(None, || format!("{} does not say which operation it was", shown()));
    };
    let number = evidence.ops.known(op).filter(|number| (*number as usize) < evidence.operations.len());
    let Some(operation) = number.and_then(|number| evidence.operations.get_mut(number as usize)) else {
        return evidence.defects.add(None, || format!("no note tells of {op}, {}", shown()));
    };
    let client = Client {
        process,
        invoked: invoked.index,
        completed: completed.index,
        invoked_at: invoked.time,
        completed_at: completed.time,
    };
    if operation.client.replace(client).is_some() {
        evidence.defects.add(None, || format!("{op} answered two operations of clients"));
        return;
    }
    let kind = Kind::of(&completed.f);
    if operation.kind == Kind::Unknown {
        operation.kind = kind;
    }
    // A history tells of a deletion as a write of null.
    if operation.kind.writes() != kind.writes() {
        evidence.defects.add(None, || format!("{op} was noted as another kind of operation than {}", shown()));
        return;
    }
    let version = told.and_then(|told| told.get("version")).filter(|version| !version.is_null());
    let answer = operation.answer;
    if let Some(answer) = answer
        && let Some(version) = version
        && Tag::deserialize(version).ok() != answer.tag
    {
        evidence.defects.add(Some(answer.at), || format!("{op} was answered with another version than was noted"));
    }
}

/// What to add to a time of the history to have it on the notes' clock: the middle of what all answers allow.
fn offset(evidence: &Evidence) -> Option<i128> {
    let (mut least, mut most) = (i128::MIN, i128::MAX);
    for operation in &evidence.operations {
        if let (Some(answer), Some(client)) = (operation.answer, operation.client)
            && let (Some(invoked), Some(completed)) = (client.invoked_at, client.completed_at)
        {
            least = least.max(i128::from(answer.at.time) - i128::from(completed));
            most = most.min(i128::from(answer.at.time) - i128::from(invoked));
        }
    }
    (least != i128::MIN).then(|| least.midpoint(most))
}
