//! What clients on either side of a partition got while it lasted, once its effects had been noticed: the measure of a CAP card.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::{Ending, Event, History};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::pace::{self, Pace};
use super::samples::{self, Sample};
use super::timeline::{Interval, Timeline};
use super::{Met, Side};

/// The deadline that counts, in milliseconds.
const DEADLINE_MS: u64 = 1_000;
/// Answers that come sooner after the begin show that nothing had to be noticed: 100 ms.
const AT_ONCE: u64 = 100_000_000;

/// A partition, and what each of its sides got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// When it was begun and ended, in nanoseconds since the start.
    pub from: u64,
    /// When it was ended.
    pub to: u64,
    /// How many operations of all nodes were answered in time before it: a machine or a system that cannot keep up anyway shows
    /// nothing when it is cut.
    pub before: Met,
    /// How many operations of all nodes were answered in time while it lasted, from its begin on.
    pub during: Met,
    /// How fast answers were before it …
    pub pace_before: BTreeMap<String, Pace>,
    /// … and while it lasted, those that came then.
    pub pace_during: BTreeMap<String, Pace>,
    /// Whether it was seen to be in force, by the probes that the controller sends.
    pub proved: bool,
    /// The sides.
    pub parts: Vec<Part>,
    /// Whether a value was written on one side and its key read on the other later, both while it lasted: without that, no history
    /// tells a partition from none.
    pub crossed: bool,
}

/// A side of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which it is.
    pub side: Side,
    /// Who was on it.
    pub nodes: BTreeSet<String>,
    /// By kind of operation.
    pub kinds: BTreeMap<String, Service>,
}

/// What clients of one side got of one kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// How long until the first was answered, in milliseconds; 0 where that took no longer than 100 ms, absent where none ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_ms: Option<f64>,
    /// How many were answered in time from then on, counted from when they were due.
    pub met: Met,
    /// The same, counted from when their clients came to them. Where these were in time and those were not, answers came, and it was
    /// the clients who fell behind: the machine, or the rate, and nothing that was cut.
    pub served: Met,
}

/// The first partition of a history; none where there was none.
pub fn split(history: &History) -> Option<Split> {
    let timeline = Timeline::of(history);
    let samples = samples::of(history);
    let fault = timeline.faults.iter().find(|fault| &*fault.kind == "partition")?;
    let parts: Vec<Part> = timeline
        .sides(fault)
        .into_iter()
        .filter(|(side, _)| *side != Side::Down)
        .map(|(side, nodes)| Part { side, kinds: kinds(fault, &nodes, &samples), nodes })
        .collect();
    // A compare-and-set that meets another value is refused by a healthy system as well.
    let asked = || samples.iter().filter(|sample| sample.kind.as_ref() != "cas");
    Some(Split {
        from: fault.from,
        to: fault.to,
        before: met(asked(), 0, fault.from),
        during: met(asked(), fault.from, fault.to),
        pace_before: pace::of(samples.iter().filter(|sample| sample.due < fault.from)),
        pace_during: pace::of(samples.iter().filter(|sample| (fault.from..fault.to).contains(&sample.due))),
        crossed: crossed(history, fault, &parts),
        proved: proved(history, fault),
        parts,
    })
}

/// Whether the history has the event that says so.
fn proved(history: &History, fault: &Interval) -> bool {
    let text = |event: &Event, name: &str| event.extra.get(name).and_then(Value::as_str).map(str::to_owned);
    history.events.iter().filter(|event| event.f == fault.kind).any(|event| {
        let is_it = event.extra.get("id").and_then(Value::as_u64) == Some(fault.id);
        is_it && text(event, "phase").is_some_and(|phase| phase == "in-force")
    })
}

fn kinds(fault: &Interval, nodes: &BTreeSet<String>, samples: &[Sample]) -> BTreeMap<String, Service> {
    let mut kinds: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
    let during = |sample: &&Sample| (fault.from..fault.to).contains(&sample.due) && nodes.contains(&*sample.node);
    for sample in samples.iter().filter(during) {
        kinds.entry(sample.kind.to_string()).or_default().push(sample);
    }
    kinds.into_iter().map(|(kind, samples)| (kind, service(fault, &samples))).collect()
}

/// What counts is what was due after the first answer, unless that took half of the time: then the side was not there.
fn service(fault: &Interval, samples: &[&Sample]) -> Service {
    let answers = samples.iter().filter(|sample| sample.ending == Ending::Ok).filter_map(|sample| sample.ended);
    let took = answers.filter(|ended| *ended < fault.to).min().map(|first| first - fault.from);
    let noticed = took.filter(|took| 2 * took < fault.to - fault.from).filter(|took| *took > AT_ONCE).unwrap_or(0);
    let since = fault.from + noticed;
    let met = met_from(|sample| sample.due, samples.iter().copied(), since, fault.to);
    let served = met_from(|sample| sample.invoked, samples.iter().copied(), since, fault.to);
    let detect_ms = took.map(|took| if took <= AT_ONCE { 0.0 } else { super::outages::milliseconds(took) });
    Service { detect_ms, met, served }
}

/// How many were answered in time of those that were due from `from` on and had a second until `to`.
fn met<'a>(samples: impl Iterator<Item = &'a Sample>, from: u64, to: u64) -> Met {
    met_from(|sample| sample.due, samples, from, to)
}

/// The same, where their time began at another moment.
fn met_from<'a>(begin: impl Fn(&Sample) -> u64, samples: impl Iterator<Item = &'a Sample>, from: u64, to: u64) -> Met {
    let deadline = DEADLINE_MS * 1_000_000;
    let mut met = Met { ms: DEADLINE_MS, ..Met::default() };
    for sample in samples.filter(|sample| begin(sample) >= from && begin(sample).saturating_add(deadline) <= to) {
        let latency = sample.ended.map(|ended| ended.saturating_sub(begin(sample)));
        met.of += 1;
        met.ok += u64::from(sample.ending == Ending::Ok && latency.is_some_and(|latency| latency <= deadline));
    }
    met
}

/// See [`Split::crossed`].
fn crossed(history: &History, fault: &Interval, parts: &[Part]) -> bool {
    let part = |node: &str| parts.iter().position(|part| part.nodes.contains(node));
    let during = |from: Option<u64>, to: Option<u64>| {
        from.is_some_and(|from| from >= fault.from) && to.is_some_and(|to| to < fault.to)
    };
    let operations = history.operations().unwrap_or_default();
    let done = operations
        .iter()
        .filter(|operation| operation.ending == Ending::Ok && during(operation.invoked_at, operation.completed_at));
    // For each key and side, the end of the first write there.
    let mut written: BTreeMap<String, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut reads = Vec::new();
    for operation in done {
        let (Some(key), Some(node)) = (&operation.key, operation.node.as_deref().and_then(part)) else { continue };
        if &*operation.f == "read" {
            reads.push((key.to_string(), node, operation.invoked));
        } else if let Some(completed) = operation.completed {
            let first = written.entry(key.to_string()).or_default().entry(node).or_insert(completed);
            *first = completed.min(*first);
        }
    }
    reads.iter().any(|(key, node, invoked)| {
        written.get(key).is_some_and(|ends| ends.iter().any(|(other, end)| other != node && end < invoked))
    })
}

#[cfg(test)]
mod tests {
    use schism_checker::formats;
    use serde_json::json;

    use super::*;

    /// One second of a cut between n1 and the others from 1 s to 4 s; operations as given: index comes by order.
    fn history(lines: &[&str]) -> History {
        let begin = r#"{"index":0,"time":1000000000,"process":"nemesis","type":"info","f":"partition","id":1,"phase":"begin","value":{"cut":["n1->n2","n2->n1","n1->n3","n3->n1"]}}"#;
        let text = [&[begin], lines].concat().join("\n") + "\n";
        formats::read_bytes(text.as_bytes(), "made").unwrap()
    }

    fn operation(index: u64, process: u64, node: &str, f: &str, from_ms: u64, to_ms: u64, kind: &str) -> [String; 2] {
        let value = if f == "write" || kind == "ok" { index.to_string() } else { "null".to_owned() };
        let line = |index, time: u64, kind| {
            format!(
                r#"{{"index":{index},"time":{},"process":{process},"type":"{kind}","f":"{f}","key":"x","value":{value},"node":"{node}"}}"#,
                time * 1_000_000
            )
        };
        [line(index, from_ms, "invoke"), line(index + 1, to_ms, kind)]
    }

    fn split_of(operations: &[[String; 2]]) -> Split {
        let end =
            r#"{"index":90,"time":4000000000,"process":"nemesis","type":"info","f":"partition","id":1,"phase":"end"}"#;
        let mut lines: Vec<&str> = operations.iter().flatten().map(String::as_str).collect();
        lines.push(end);
        split(&history(&lines)).unwrap()
    }

    #[test]
    fn a_side_counts_from_its_first_answer_on() {
        let found = split_of(&[
            operation(1, 1, "n2", "write", 1_100, 1_300, "fail"),
            operation(3, 2, "n3", "write", 1_200, 1_500, "ok"),
            operation(5, 3, "n3", "write", 1_600, 1_700, "ok"),
            operation(7, 4, "n1", "write", 1_600, 2_600, "info"),
            operation(9, 5, "n2", "write", 3_500, 3_600, "ok"),
        ]);
        let side = |side| found.parts.iter().find(|part| part.side == side).unwrap().kinds["write"];
        let majority = side(Side::Majority);
        assert_eq!(majority.detect_ms, Some(500.0));
        // Those before the first answer do not count, nor the one that had less than a second.
        assert_eq!((majority.met.ok, majority.met.of), (1, 1));
        let minority = side(Side::Minority);
        assert_eq!((minority.detect_ms, minority.met.ok, minority.met.of), (None, 0, 1));
    }

    #[test]
    fn an_operation_that_waited_for_its_client_was_served_in_time() {
        // It was due at 1.1 s, its client came to it at 2.3 s.
        let mut late = operation(3, 2, "n2", "write", 2_300, 2_350, "ok");
        late[0] = late[0].replace("\"process\"", "\"due\":1100000000,\"process\"");
        let found = split_of(&[operation(1, 1, "n3", "write", 1_010, 1_050, "ok"), late]);
        let majority = found.parts.iter().find(|part| part.side == Side::Majority).unwrap().kinds["write"];
        assert_eq!((majority.met.ok, majority.met.of), (1, 2));
        assert_eq!((majority.served.ok, majority.served.of), (2, 2));
    }

    #[test]
    fn a_cut_is_proved_where_the_history_says_that_it_is_in_force() {
        assert!(!split_of(&[]).proved);
        let in_force = |id| {
            let event = json!({
                "index": 1, "time": 1_010_000_000, "process": "nemesis", "type": "info", "f": "partition", "id": id,
                "phase": "in-force",
            });
            split(&history(&[&event.to_string()])).unwrap().proved
        };
        assert!(in_force(1) && !in_force(2), "another one proves nothing");
    }

    #[test]
    fn sides_meet_in_a_key_that_one_writes_and_the_other_reads_later() {
        let write = operation(1, 1, "n2", "write", 1_100, 1_200, "ok");
        let other_side = split_of(&[write.clone(), operation(3, 2, "n1", "read", 1_300, 1_400, "ok")]);
        let same_side = split_of(&[write.clone(), operation(3, 2, "n3", "read", 1_300, 1_400, "ok")]);
        let unanswered = split_of(&[write, operation(3, 2, "n1", "read", 1_300, 1_400, "fail")]);
        assert_eq!([other_side, same_side, unanswered].map(|split| split.crossed), [true, false, false]);
    }
}
