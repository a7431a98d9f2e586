//! A run as a plan in which everything is written out: each request with its worker, node and time, each fault with those
//! whom it hit. What such a plan does depends on itself alone, not on what was drawn before.

use std::collections::BTreeMap;
use std::time::Duration;

use schism_checker::history::History;
use schism_nodes::RequestKind;
use serde_json::{Map, Value};

use crate::options::RunOptions;
use crate::plan::read::FORMAT;
use crate::plan::{Entry, EntryReport, Fate, Plan};
use crate::run::translate;
use crate::sim::scenario::Played;
use crate::sim::world::Asked;

/// The plan of a run that was played. `options` are those that it was played with, `plan` what it played.
pub(super) fn written(played: &Played, options: &RunOptions, plan: &Plan) -> Plan {
    let cuts = cuts(&played.history);
    let reports: BTreeMap<u64, &EntryReport> = played.report.entries.iter().map(|report| (report.id, report)).collect();
    let hit = |entry: &Entry| {
        let report = reports.get(&entry.id)?;
        let idle = matches!(report.fate, Fate::Skipped(_) | Fate::NotReached);
        (!idle).then(|| explicit(entry, report, cuts.get(&entry.id)))
    };
    let mut entries: Vec<Entry> = plan.entries.iter().filter_map(hit).collect();
    let first = plan.entries.iter().map(|entry| entry.id).max().unwrap_or_default() + 1;
    entries.extend((first..).zip(&played.asked).map(|(id, asked)| request(id, asked)));
    Plan {
        kind: "plan".to_owned(),
        format: FORMAT,
        about: None,
        system: Some(options.system.to_string()),
        nodes: Some(options.nodes),
        workload: false,
        weather: plan.weather,
        seed: Some(options.seed),
        time: Some(text(options.time)),
        op_timeout: Some(text(options.op_timeout)),
        clients: Some(options.concurrency),
        breaks: None,
        entries: whole(entries),
    }
}

/// An entry with those whom it hit in place of roles, and with the links that it cut in place of a shape.
fn explicit(entry: &Entry, report: &EntryReport, cut: Option<&Vec<String>>) -> Entry {
    let mut entry = entry.clone();
    if entry.action == "request" {
        if let Some(node) = report.targets.first() {
            entry.args.insert("node".to_owned(), node.as_str().into());
        }
    } else if let Some(links) = cut {
        entry.on = Some(links.join(","));
        entry.args = Map::new();
    } else if !report.targets.is_empty() {
        entry.on = Some(report.targets.join(","));
    }
    entry
}

/// The links that each partition has cut.
fn cuts(history: &History) -> BTreeMap<u64, Vec<String>> {
    let begun = history
        .events
        .iter()
        .filter(|event| &*event.f == "partition" && event.extra.get("phase") == Some(&"begin".into()));
    let cut = begun.filter_map(|event| {
        let links = event.value.get("cut")?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
        Some((event.extra.get("id")?.as_u64()?, links.collect()))
    });
    cut.collect()
}

/// The entry that makes a request again.
fn request(id: u64, asked: &Asked) -> Entry {
    let invocation = translate::invocation(&asked.request);
    let mut args = Map::from_iter([
        ("node".to_owned(), asked.node.to_string().into()),
        ("f".to_owned(), Value::from(asked.request.name())),
        ("key".to_owned(), invocation.key),
    ]);
    if !asked.request.is_read() && !matches!(asked.request, RequestKind::Delete { .. }) {
        args.insert("value".to_owned(), invocation.value);
    }
    Entry {
        id,
        at: Some(text(Duration::from_nanos(asked.time))),
        action: "request".to_owned(),
        on: Some(asked.worker.to_string()),
        args,
        ..Entry::default()
    }
}

/// Leaves out what refers to entries that are not there.
pub(super) fn whole(mut entries: Vec<Entry>) -> Vec<Entry> {
    loop {
        let ids: std::collections::BTreeSet<u64> = entries.iter().map(|entry| entry.id).collect();
        let refers = |entry: &Entry| [entry.after, entry.args.get("entry").and_then(Value::as_u64)];
        let before = entries.len();
        entries.retain(|entry| refers(entry).into_iter().flatten().all(|other| ids.contains(&other)));
        if entries.len() == before {
            return entries;
        }
    }
}

/// A time as plans have it: milliseconds, to the nanosecond.
pub(super) fn text(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    let text = format!("{}.{:06}", nanoseconds / 1_000_000, nanoseconds % 1_000_000);
    format!("{}ms", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use schism_nodes::config::parse_time;

    use super::*;

    #[test]
    fn a_written_time_is_read_as_itself() {
        for nanoseconds in [0, 1, 999_999, 1_000_000, 1_500_000, 14_999_999_999, 3_600_000_000_001, 123_456_789_012_345]
        {
            let time = Duration::from_nanos(nanoseconds);
            assert_eq!(parse_time(&text(time)), Some(time), "{}", text(time));
        }
        assert_eq!(text(Duration::from_micros(1_500)), "1.5ms");
    }

    #[test]
    fn what_refers_to_nothing_goes_with_it() {
        let entry = |id, after, of: Option<u64>| Entry {
            id,
            after,
            args: of.map(|of| ("entry".to_owned(), of.into())).into_iter().collect(),
            ..Entry::default()
        };
        let left = whole(vec![
            entry(1, None, None),
            entry(2, Some(1), None),
            entry(4, Some(3), None),
            entry(5, None, Some(4)),
        ]);
        assert_eq!(left.iter().map(|entry| entry.id).collect::<Vec<_>>(), [1, 2]);
    }
}
