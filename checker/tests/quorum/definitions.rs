//! The rules about operations against their definitions, each tried on all pairs, on small executions that lie a lot.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::{EventKind, Process};
use schism_checker::quorum::{Report, Rule};
use serde_json::Value;

use crate::random::{QUORUMS, kind};
use crate::record::{Record, promises, times};
use crate::world::{Kind, Lie, Writeback, run};

type Tag = (u64, u64, u64, u64);

/// An operation that was answered, as the notes tell it, and when a client saw it.
#[derive(Clone, Debug, Default)]
struct Operation {
    is_write: bool,
    key: String,
    tag: Option<Tag>,
    /// Who replied to its query, who acknowledged its store, and who had its tag after all phases.
    replied: BTreeSet<String>,
    acked: BTreeSet<String>,
    having: BTreeSet<String>,
    seen: Option<(u64, u64)>,
}

fn tag(value: &Value) -> Option<Tag> {
    let number = |place: usize| value[place].as_u64();
    Some((number(0)?, value[1].as_str()?.strip_prefix('n')?.parse().ok()?, number(2)?, number(3)?))
}

fn operations(record: &Record) -> Vec<Operation> {
    let mut answered: BTreeMap<String, Operation> = BTreeMap::new();
    let op = |fields: &Value| fields["op"].as_str().map(str::to_owned);
    for note in record.notes.iter().filter(|note| note.name == "answered" && note.fields["outcome"] == "ok") {
        let operation = answered.entry(op(&note.fields).unwrap()).or_default();
        operation.is_write = note.fields["f"] == "write";
        operation.key = note.fields["key"].to_string();
        operation.tag = tag(&note.fields["tag"]);
    }
    for note in record.notes.iter().filter(|note| note.name == "phase") {
        let Some(operation) = answered.get_mut(&op(&note.fields).unwrap()) else { continue };
        for reply in note.fields["replies"].as_array().unwrap() {
            let replica = reply["replica"].as_str().unwrap().to_owned();
            if tag(&reply["tag"]) >= operation.tag {
                operation.having.insert(replica.clone());
            }
            match note.fields["phase"].as_str().unwrap() {
                "query" => drop(operation.replied.insert(replica)),
                "store" => drop(operation.acked.insert(replica)),
                _ => {}
            }
        }
    }
    let mut open: BTreeMap<u64, u64> = BTreeMap::new();
    for event in &record.events {
        let Process::Client(process) = event.process else { continue };
        if event.kind == EventKind::Invoke {
            open.insert(process, event.index);
        } else if event.kind == EventKind::Ok {
            let op = event.extra["quorum"]["op"].as_str().unwrap();
            answered.get_mut(op).unwrap().seen = Some((open[&process], event.index));
        }
    }
    answered.into_values().collect()
}

/// What each rule's definition says, by its id: how often it is broken.
fn by_definition(record: &Record, (n, w, r): (u32, u32, u32)) -> BTreeMap<&'static str, u64> {
    let operations = operations(record);
    let count =
        |holds: &dyn Fn(&Operation) -> bool| operations.iter().filter(|operation| holds(operation)).count() as u64;
    let writes_before = |read: &Operation| {
        let begin = read.seen.map_or(0, |(begin, _)| begin);
        let same_key = operations.iter().filter(|write| write.is_write && write.key == read.key).collect::<Vec<_>>();
        same_key.into_iter().filter(move |write| write.seen.is_some_and(|(_, end)| end < begin)).collect::<Vec<_>>()
    };
    let stale = |read: &Operation| {
        let before = writes_before(read);
        let returned = operations.iter().find(|write| write.is_write && write.key == read.key && write.tag == read.tag);
        let end = returned.and_then(|write| write.seen).map_or(u64::MAX, |(_, end)| end);
        before.iter().any(|write| write.tag > read.tag || write.seen.is_some_and(|(begin, _)| begin > end))
    };
    let is_read = |operation: &Operation| !operation.is_write && operation.seen.is_some();
    BTreeMap::from([
        ("QW", count(&|one| one.is_write && one.acked.len() < w as usize)),
        ("QR", count(&|one| one.replied.len() < r as usize)),
        (
            "QI",
            count(&|one| is_read(one) && writes_before(one).iter().any(|write| write.acked.is_disjoint(&one.replied))),
        ),
        (
            "QO",
            count(&|one| {
                one.is_write && one.seen.is_some() && writes_before(one).iter().any(|write| write.tag >= one.tag)
            }),
        ),
        ("QB", count(&|one| !one.is_write && one.tag.is_some() && one.having.len() < (n - r + 1) as usize)),
        ("QF", count(&|one| is_read(one) && stale(one))),
        ("stale", count(&|one| is_read(one) && writes_before(one).iter().any(|write| write.tag > one.tag))),
    ])
}

fn by_checker(report: &Report) -> BTreeMap<&'static str, u64> {
    let rules =
        [Rule::WriteQuorum, Rule::ReadQuorum, Rule::QuorumsMeet, Rule::TagOrder, Rule::WrittenBack, Rule::FreshReads];
    let stale = report.statistics.staleness.versions.values().sum();
    rules.into_iter().map(|rule| (rule.id(), times(report, rule))).chain([("stale", stale)]).collect()
}

#[test]
fn the_rules_count_what_their_definitions_count() {
    // Lies that leave every tag to one write, so that the definitions need not say which write a read returned.
    let lies =
        [Lie::CountTwice, Lie::SmallQuery, Lie::IgnoreNewest, Lie::SkipWriteback, Lie::ServeNothing, Lie::BlindStore];
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in 0..1_200 {
        let lie = Some(lies[usize::try_from(seed % 6).unwrap()]);
        let mut quorums = QUORUMS[usize::try_from(seed / 6 % 9).unwrap()];
        if seed % 4 == 0 {
            quorums = (3, 1, 1);
        }
        let kind = Kind { lie, often: true, quorums, restarts: false, steps: 400, ..kind(seed) };
        let (record, _) = run(kind, seed);
        let report = record.check(&promises(quorums, kind.writeback != Writeback::Off));
        let expected = by_definition(&record, quorums);
        assert_eq!(by_checker(&report), expected, "seed {seed}, {kind:?}");
        for (rule, count) in expected {
            *totals.entry(rule).or_default() += count;
        }
    }
    assert!(totals.values().all(|total| *total > 100), "{totals:?}");
}
