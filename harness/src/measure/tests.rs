use schism_checker::history::{Event, EventKind, Process};
use serde_json::{Map, Value, json};

use super::*;

/// A history, a line at a time; times are in milliseconds.
#[derive(Default)]
struct Told(History);

impl Told {
    #[expect(clippy::too_many_arguments, reason = "they are the fields of an event")]
    fn event(
        &mut self,
        time: u64,
        process: Process,
        kind: EventKind,
        f: &str,
        node: Option<&str>,
        value: Value,
        extra: Value,
    ) {
        let Value::Object(extra) = extra else { unreachable!("tests say more in objects") };
        let (index, time) = (self.0.events.len() as u64, Some(time * 1_000_000));
        let node = node.map(Into::into);
        self.0.events.push(Event {
            index,
            time,
            process,
            kind,
            f: f.into(),
            key: Some("x".into()),
            value,
            node,
            extra,
        });
    }

    fn fault(mut self, time: u64, f: &str, phase: &str, value: Value) -> Self {
        let extra = json!({"id": 1, "phase": phase});
        self.event(time, Process::Named("nemesis".into()), EventKind::Info, f, None, value, extra);
        self
    }

    /// An operation at a node from one time to another, due at a third.
    fn due(mut self, due: u64, from: u64, to: u64, f: &str, node: &str, end: EventKind) -> Self {
        let process = Process::Client(self.0.events.len() as u64);
        let extra = json!({"due": due * 1_000_000});
        self.event(from, process.clone(), EventKind::Invoke, f, Some(node), Value::Null, extra);
        self.event(to, process, end, f, Some(node), Value::Null, Value::Object(Map::new()));
        self
    }

    fn op(self, from: u64, to: u64, f: &str, node: &str, end: EventKind) -> Self {
        self.due(from, from, to, f, node, end)
    }

    fn measured(self) -> Availability {
        measure(&self.0).expect("it has operations with times")
    }
}

fn row<'a>(availability: &'a Availability, phase: Phase, side: Side, kind: &str) -> &'a Row {
    let mut rows = availability.rows.iter();
    rows.find(|row| (row.phase, row.side, row.kind.as_str()) == (phase, side, kind)).expect("there is such a row")
}

const CUT: [&str; 4] = ["n1->n3", "n3->n1", "n2->n3", "n3->n2"];

/// n3 is cut off from 1 s to 2 s.
fn cut() -> Told {
    let told = Told::default().op(0, 5, "write", "n1", EventKind::Ok).op(10, 20, "write", "n2", EventKind::Ok);
    told.op(20, 30, "write", "n3", EventKind::Ok).fault(1_000, "partition", "begin", json!({"cut": CUT}))
}

#[test]
fn phases_and_sides_are_those_of_the_link_matrix() {
    let told = cut()
        .op(1_100, 1_150, "write", "n1", EventKind::Ok)
        .op(1_100, 1_900, "write", "n3", EventKind::Fail)
        .fault(2_000, "partition", "end", Value::Null)
        .op(2_100, 2_110, "write", "n3", EventKind::Ok)
        .fault(3_000, "final", "begin", Value::Null)
        .op(3_100, 3_110, "write", "n3", EventKind::Ok);
    let measured = told.measured();
    assert_eq!(measured.rows.len(), 4, "the final phase is none: {:#?}", measured.rows);
    assert_eq!(row(&measured, Phase::Healthy, Side::Whole, "write").endings, Endings { ok: 3, fail: 0, info: 0 });
    assert_eq!(row(&measured, Phase::Faulty, Side::Majority, "write").endings.ok, 1);
    assert_eq!(row(&measured, Phase::Faulty, Side::Minority, "write").endings.fail, 1);
    assert_eq!(row(&measured, Phase::Healed, Side::Whole, "write").endings.ok, 1);
}

#[test]
fn a_link_that_is_cut_one_way_parts_a_node_and_a_dead_one_is_on_no_side() {
    for (f, value, side) in [
        ("partition", json!({"cut": ["n3->n1", "n3->n2"]}), Side::Minority),
        ("partition", json!({"cut": ["n3->n1"]}), Side::Whole),
        ("kill", json!({"targets": ["n3"]}), Side::Down),
        ("pause", json!({"targets": ["n3"]}), Side::Down),
        ("delay", json!({"targets": ["n3"]}), Side::Whole),
    ] {
        let healthy = Told::default().op(0, 1, "read", "n1", EventKind::Ok).op(0, 1, "read", "n2", EventKind::Ok);
        let told = healthy.fault(1_000, f, "begin", value).op(1_100, 1_200, "read", "n3", EventKind::Info);
        let measured = told.measured();
        assert_eq!(row(&measured, Phase::Faulty, side, "read").endings.info, 1, "{f}");
    }
}

#[test]
fn of_a_deadline_count_those_that_had_the_time() {
    let told = cut()
        .op(1_100, 1_150, "read", "n3", EventKind::Ok) // in time for 100 ms; for 1 s the fault is too short
        .op(1_200, 1_350, "read", "n3", EventKind::Ok) // too late for 100 ms
        .op(1_300, 2_300, "read", "n3", EventKind::Info) // never
        .op(1_950, 1_960, "read", "n3", EventKind::Ok) // had not 100 ms
        .fault(2_000, "partition", "end", Value::Null);
    let measured = told.measured();
    let row = row(&measured, Phase::Faulty, Side::Minority, "read");
    assert_eq!(row.endings, Endings { ok: 3, fail: 0, info: 1 });
    let counts: Vec<(u64, u64)> = row.deadlines.iter().map(|met| (met.ok, met.of)).collect();
    assert_eq!(counts, [(1, 3), (0, 0), (0, 0)]);
    assert_eq!(row.deadlines[1].share(), None);
}

#[test]
fn latency_counts_from_the_due_time() {
    // A client that was held up for 900 ms and then was served within 10.
    let told =
        cut().due(1_050, 1_950, 1_960, "write", "n3", EventKind::Ok).fault(2_000, "partition", "end", Value::Null);
    let measured = told.measured();
    let row = row(&measured, Phase::Faulty, Side::Minority, "write");
    assert_eq!(row.latency_us.max / 1_000, 910);
    assert_eq!((row.deadlines[0].ok, row.deadlines[0].of), (0, 1));
}

#[test]
fn outages_are_told_by_side() {
    let mut told = cut();
    for at in (1_000..2_000).step_by(50) {
        told = told.op(at, at + 10, "write", "n1", EventKind::Ok);
    }
    told = told.op(1_010, 2_010, "write", "n3", EventKind::Info).op(1_020, 2_020, "write", "n3", EventKind::Info);
    told.0.events.sort_by_key(|event| event.time);
    for (index, event) in (0..).zip(&mut told.0.events) {
        event.index = index;
    }
    told = told.fault(2_000, "partition", "end", Value::Null);
    for at in 0..25 {
        told = told.op(2_200 + 10 * at, 2_205 + 10 * at, "write", "n3", EventKind::Ok);
    }
    let measured = told.measured();
    let [majority, minority] = measured.outages.as_slice() else { panic!("{:#?}", measured.outages) };
    assert_eq!((majority.side, majority.detect_ms, majority.unavailable_ms), (Side::Majority, Some(0.0), 0.0));
    assert_eq!(majority.recover_ms, None, "it was never away");
    assert_eq!((minority.side, minority.detect_ms, minority.unavailable_ms), (Side::Minority, None, 1_000.0));
    assert_eq!(minority.recover_ms, Some(205.0));
    assert_eq!(minority.nodes, std::collections::BTreeSet::from(["n3".to_owned()]));
}

#[test]
fn without_operations_or_times_nothing_is_measured() {
    assert_eq!(measure(&History::default()), None);
    let mut told = cut();
    for event in &mut told.0.events {
        event.time = None;
    }
    assert_eq!(measure(&told.0), None);
}

#[test]
fn what_was_due_while_messages_were_delayed_is_told_apart() {
    let told = Told::default()
        .op(100, 105, "write", "n1", EventKind::Ok)
        .fault(1_000, "delay", "begin", json!({"targets": ["n2"]}))
        .op(1_100, 1_140, "write", "n1", EventKind::Ok)
        .op(1_200, 1_900, "write", "n1", EventKind::Info)
        .due(1_300, 1_350, 1_380, "write", "n1", EventKind::Ok)
        .fault(2_000, "delay", "end", Value::Null)
        .op(2_100, 2_105, "write", "n1", EventKind::Ok);
    let slow = slow(&told.0);
    assert_eq!(slow["write"], Pace { count: 2, p50_ms: 40.0, p99_ms: 80.0 });
    assert!(super::slow(&cut().0).is_empty(), "a cut is no delay");
}
