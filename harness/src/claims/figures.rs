//! Numbers from what the runs of a demonstration have left, by their names.
//!
//! | figure | |
//! |---|---|
//! | `ok`, `unknown`, `refused` | the share of operations that ended so |
//! | `p50`, `p99` | latency of `ok` operations, in milliseconds |
//! | `operations` | how many there were |
//! | `messages`, `bytes` | between nodes, for each operation of clients |
//! | `PROPERTY/FIGURE` | a figure of a property, such as `staleness/delta_ms`: the largest of all seeds |
//! | `invalid/PROPERTY` | the share of seeds that broke it |
//! | the others | from notes: see `note_figures` |
//!
//! Behind a colon stands the kind of operations that counts, behind an at sign the nodes where they were made: `ok:write@n1+n2`.

use schism_checker::budget::Budget;
use schism_checker::history::{Ending, Operation, Process};
use schism_checker::verdict::Outcome;
use serde_json::Value;

use super::evidence::Evidence;
use super::note_figures;
use super::prediction::Figure;

/// Between which moments of a history operations must begin, in nanoseconds.
pub type Window = (u64, u64);

/// All moments.
pub const ALWAYS: Window = (0, u64::MAX);

/// The names without slash.
pub const NAMES: [&str; 8] = ["ok", "unknown", "refused", "p50", "p99", "operations", "messages", "bytes"];

/// Whether there can be such a figure.
pub fn is_known(name: &str) -> bool {
    name.contains('/') || NAMES.contains(&name) || note_figures::NAMES.contains(&name)
}

/// A figure over all seeds of a run; `None` where nothing says it.
pub fn figure(figure: &Figure, all: &[Evidence], window: Window, budget: &dyn Budget) -> Option<f64> {
    let name = figure.name.as_str();
    if let Some(property) = name.strip_prefix("invalid/") {
        return share(all, |evidence| evidence.outcome(property, budget) == Outcome::Invalid);
    }
    if let Some((property, of)) = name.split_once('/') {
        let values = all.iter().filter_map(|evidence| evidence.property(property, budget)?.figures.get(of)?.as_f64());
        return values.reduce(f64::max);
    }
    if note_figures::NAMES.contains(&name) {
        return note_figures::figure(name, all, window);
    }
    let operations: Vec<Operation> = all.iter().flat_map(|evidence| counted(evidence, figure, window)).collect();
    match name {
        "ok" => share(&operations, |operation| operation.ending == Ending::Ok),
        "unknown" => share(&operations, |operation| operation.ending == Ending::Info),
        "refused" => share(&operations, |operation| operation.ending == Ending::Fail),
        "p50" => quantile(latencies_ms(&operations), 0.5),
        "p99" => quantile(latencies_ms(&operations), 0.99),
        "operations" => Some(number(operations.len())),
        "messages" => per_operation(all, |evidence| evidence.verdict.coverage.traffic.sent),
        "bytes" => per_operation(all, |evidence| evidence.verdict.coverage.traffic.bytes),
        _ => None,
    }
}

/// The operations of the main phase that a figure is about.
fn counted(evidence: &Evidence, figure: &Figure, (from, to): Window) -> Vec<Operation> {
    let is_final = |process: &Process| matches!(process, Process::Named(name) if &**name == "nemesis");
    let end = evidence.history.events.iter().find(|event| is_final(&event.process) && &*event.f == "final");
    let end = end.map_or(u64::MAX, |event| event.index);
    let mut operations = evidence.history.operations().unwrap_or_default();
    operations.retain(|operation| {
        let here = |node: &str| figure.at.is_empty() || figure.at.iter().any(|at| at == node);
        operation.invoked < end
            && operation.invoked_at.is_some_and(|at| (from..to).contains(&at))
            && figure.kind.as_deref().is_none_or(|kind| kind == &*operation.f)
            && operation.node.as_deref().map_or(figure.at.is_empty(), here)
    });
    operations
}

fn latencies_ms(operations: &[Operation]) -> Vec<f64> {
    let done = operations.iter().filter(|operation| operation.ending == Ending::Ok);
    done.filter_map(|operation| Some(milliseconds(operation.completed_at?.saturating_sub(operation.invoked_at?))))
        .collect()
}

/// How much of something there was for each operation of clients.
fn per_operation(all: &[Evidence], part: impl Fn(&Evidence) -> u64) -> Option<f64> {
    let operations: u64 =
        all.iter().map(|evidence| evidence.verdict.coverage.total()).map(|total| total.ok + total.info).sum();
    let parts: u64 = all.iter().map(part).sum();
    (operations > 0).then(|| float(parts) / float(operations))
}

/// The share of those for which something is so; `None` of none.
pub(super) fn share<T>(all: &[T], is_so: impl Fn(&T) -> bool) -> Option<f64> {
    let so = all.iter().filter(|one| is_so(one)).count();
    (!all.is_empty()).then(|| number(so) / number(all.len()))
}

/// The value that this share of the values does not exceed.
pub(super) fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let place = (share * number(values.len().checked_sub(1)?)).round() as usize;
    values.get(place).copied()
}

/// Nanoseconds as milliseconds.
pub(super) fn milliseconds(nanoseconds: u64) -> f64 {
    float(nanoseconds) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// A count as a figure.
pub(super) fn number(count: usize) -> f64 {
    float(count as u64)
}

/// A text of a note's field.
pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values = || vec![3.0, 1.0, 2.0];
        assert_eq!(quantile(values(), 0.5), Some(2.0));
        assert_eq!(quantile(values(), 0.99), Some(3.0));
        assert_eq!(quantile(Vec::new(), 0.5), None);
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        assert_eq!(share(&[1, 2, 3, 4], |number| *number > 3), Some(0.25));
        assert_eq!(share::<u8>(&[], |_| true), None);
    }
}
