//! **AVL, as available as its links**: an operation that ended `ok` reached as many home replicas as its phases need; one that failed or
//! is unknown although its coordinator reached so many of them for its whole time, with no fault in force besides, is a question of
//! liveness.
//!
//! Unreachable is a replica to which, or from which, nothing could pass at any moment of the operation. What a link kept back from before
//! the operation began is no message of it, so that messages that are delivered late do not count. A cut counts from the moment when it
//! was proved until it was about to be lifted; where the history does not tell that, as of runs before it was told, it is measured and
//! not judged.

use std::collections::BTreeSet;

use super::super::case::Case;
use super::super::evidence::Kind;
use super::super::faults::{Effect, Interval};
use super::super::tally::{Finding, Tally};
use super::super::{Missed, Told};
use crate::history::{Ending, Operation};

/// Judges all operations of clients.
pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, operations: &[Operation], missed: &mut Missed) {
    let faults = &case.evidence.faults.intervals;
    let mut begun = 0;
    let mut active: Vec<&Interval> = Vec::new();
    for operation in operations {
        let end = operation.completed.unwrap_or(u64::MAX);
        while let Some(interval) = faults.get(begun).filter(|interval| interval.begin < operation.invoked) {
            active.push(interval);
            begun += 1;
        }
        // Operations come in the order of their invocations, so that what is over stays over.
        active.retain(|interval| interval.end > operation.invoked);
        let later = faults[begun..].iter().take_while(|interval| interval.begin < end);
        let during: Vec<&Interval> = active.iter().copied().chain(later).collect();
        let Some(at) = operation.node.as_deref() else { continue };
        match operation.ending {
            Ending::Ok => done(tally, case, operation, at, &during),
            Ending::Fail | Ending::Info if during.is_empty() => missed.without_fault += 1,
            Ending::Fail | Ending::Info => {
                missed.reachable += u64::from(need(case, operation) <= always(case, operation, at, &during));
            }
        }
    }
}

/// How many home replicas an operation needs.
fn need(case: &Case<'_>, operation: &Operation) -> usize {
    let quorums = case.promises.quorums;
    let need = match Kind::of(&operation.f) {
        Kind::Read if case.promises.writeback => quorums.r.max(quorums.threshold()),
        Kind::Read | Kind::Unknown => quorums.r,
        Kind::Write | Kind::Delete => quorums.w.max(if case.promises.queries_before_writes { quorums.r } else { 1 }),
    };
    need as usize
}

fn done(tally: &mut Tally, case: &Case<'_>, operation: &Operation, at: &str, during: &[&Interval]) {
    let whole = |interval: &&&Interval| {
        interval.in_force.is_some_and(|begin| begin < operation.invoked)
            && operation.completed.is_some_and(|completed| completed < interval.lifting.unwrap_or(interval.end))
    };
    let home = home(case, operation);
    let cut: Vec<&Interval> = during.iter().filter(whole).copied().collect();
    if cut.is_empty() || home.is_empty() {
        return;
    }
    let mut apart = home.clone();
    apart.retain(|replica| cut.iter().any(|interval| interval.parts(at, replica)));
    // Read or write back: what a read needs besides its query is the business of other rules.
    let need = if operation.f.as_ref() == "read" { case.promises.quorums.r } else { case.promises.quorums.w } as usize;
    if home.len() - apart.len() >= need {
        return tally.kept();
    }
    if !case.evidence.tells_when_cuts_end(case.promises) {
        return tally.unsure(|| "the moments at which links were cut and healed are known only roughly".to_owned());
    }
    tally.broken(|| {
        let names: Vec<&str> = apart.iter().copied().collect();
        let time = operation.completed_at.unwrap_or_default();
        let who = format!("client {}", operation.process).into();
        let did = format!("was answered ok by {at}, which was cut off from {} all the while", names.join(", "));
        Finding {
            what: format!(
                "a {} at {at} ended ok although only {} of the {} home replicas could be reached, and it needs {need}",
                operation.f,
                home.len() - apart.len(),
                home.len()
            ),
            cause: None,
            key: operation.key.as_ref().map(|key| key.to_string().into()),
            events: vec![Told { who, incarnation: 0, time, did }],
        }
    });
}

/// How many home replicas could be reached at every moment of an operation; none where something else may have disturbed it.
fn always(case: &Case<'_>, operation: &Operation, at: &str, during: &[&Interval]) -> usize {
    if during.iter().any(|interval| matches!(interval.effect, Effect::Other) || interval.is_down(at)) {
        return 0;
    }
    let home = home(case, operation);
    home.iter()
        .filter(|replica| !during.iter().any(|interval| interval.parts(at, replica) || interval.is_down(replica)))
        .count()
}

/// The home replicas of an operation's key; all nodes, where each is one.
fn home<'c>(case: &Case<'c>, operation: &Operation) -> BTreeSet<&'c str> {
    let promises = case.promises;
    if promises.nodes.len() == promises.quorums.n as usize {
        return promises.nodes.iter().map(String::as_str).collect();
    }
    let key = operation.key.as_ref().map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
    let key = key.and_then(|key| case.evidence.keys.known(&key));
    let home = key.map_or(&[][..], |key| case.evidence.home_of(key));
    home.iter().map(|node| case.evidence.nodes.name(*node)).collect()
}

impl Interval {
    /// Whether it cuts a coordinator off from a replica, in one direction at least.
    fn parts(&self, at: &str, replica: &str) -> bool {
        let Effect::Cut(links) = &self.effect else { return false };
        links.iter().any(|(from, to)| (from == at && to == replica) || (from == replica && to == at))
    }

    fn is_down(&self, node: &str) -> bool {
        matches!(&self.effect, Effect::Down(nodes) if nodes.contains(node))
    }
}
