//! Made-up runs and verdicts for the tests of reports and exit codes.

use std::collections::BTreeMap;
use std::time::Duration;

use schism_checker::history::{Event, EventKind, History, Process};
use schism_checker::verdict::{Counterexample, Outcome, Placed, Property, Step, Tried, Witness};
use serde_json::{Map, json};

use crate::folder::{RunFile, STANDARD, Versions};
use crate::machine::{Machine, Strain};
use crate::network::Traffic;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::verdict::{Coverage, Endings, FaultCount, Quantiles, Verdict};

const RUN: &str = "20260824T021700Z-7f3a";

pub(crate) fn spec(name: &str) -> Spec {
    Spec { name: name.to_owned(), params: BTreeMap::new() }
}

pub(crate) fn options() -> RunOptions {
    let mut system = spec("nwr");
    system.params = [("n", "3"), ("w", "1"), ("r", "1")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    RunOptions {
        system,
        workload: spec("register"),
        nodes: 3,
        faults: STANDARD.map(spec).to_vec(),
        plan: None,
        fault_rate: 1.0,
        time: Duration::from_secs(10),
        rate: 1000.0,
        open_loop: false,
        concurrency: 6,
        keys: 5,
        mix: vec![("read".to_owned(), 50), ("write".to_owned(), 40)],
        op_timeout: Duration::from_secs(1),
        quiet: Duration::from_secs(1),
        recover: Duration::from_secs(30),
        consistency: "linearizable".to_owned(),
        seed: 7,
        check_time: Duration::from_mins(1),
        check_memory: 1 << 30,
        out: "results".into(),
        keep_data: false,
        leave_running: false,
        check_live: false,
        address: None,
        net: None,
        stock_tcp: false,
        pcap: false,
        node_program: None,
        manifest: None,
        client: None,
        labels: BTreeMap::new(),
    }
}

pub(crate) fn run_file() -> RunFile {
    RunFile {
        schism: "run".to_owned(),
        format: crate::folder::FORMAT,
        id: RUN.to_owned(),
        started: "2026-08-24T02:17:00.123456789Z".to_owned(),
        argv: ["schism", "run", "nwr:n=3,w=1,r=1", "--seed", "7"].map(ToOwned::to_owned).to_vec(),
        versions: Versions { schism: "0.1.0".to_owned(), commit: Some("3f2c1ab".to_owned()) },
        seed: 7,
        machine: Machine { platform: "linux x86_64".to_owned(), cores: 2, ..Machine::default() },
        options: options(),
        rung: "proxy".to_owned(),
        tested: None,
        plan: Plan { kind: "plan".to_owned(), format: 1, ..Plan::default() },
        entries: Vec::new(),
    }
}

/// A run with a stale read.
pub(crate) fn invalid() -> Verdict {
    let mut verdict = valid();
    verdict.outcome = Outcome::Invalid;
    let property = &mut verdict.properties[0];
    property.outcome = Outcome::Invalid;
    property.summary = "register is not linearizable (key x; zones, 12 ms)".to_owned();
    property.counterexample = Some(stale_read());
    verdict
}

/// A run in which nothing was wrong.
pub(crate) fn valid() -> Verdict {
    Verdict {
        schism: "verdict".to_owned(),
        format: crate::verdict::FORMAT,
        run: RUN.to_owned(),
        system: "nwr:n=3,r=1,w=1".to_owned(),
        workload: "register".to_owned(),
        seed: 7,
        rung: "proxy".to_owned(),
        outcome: Outcome::Valid,
        harness_failure: None,
        interrupted: None,
        live: None,
        properties: vec![
            property("linearizable", true, "register is linearizable (5 keys; zones, 9 ms)"),
            property("recovers", true, "answered 0.4 s after the last fault"),
            property("converges", false, "all replicas hold the same"),
        ],
        coverage: coverage(),
        availability: None,
        again: format!("schism replay {RUN} --times 10"),
    }
}

/// A history with one fault that was proved.
pub(crate) fn history() -> History {
    let fault = |index, time, phase: &str, value| Event {
        index,
        time: Some(time),
        process: Process::Named("nemesis".into()),
        kind: EventKind::Info,
        f: "partition".into(),
        key: None,
        value,
        node: None,
        extra: Map::from_iter([("id".to_owned(), json!(4)), ("phase".to_owned(), json!(phase))]),
    };
    let events = vec![
        fault(10, 5_200_000_000, "begin", json!({"majority": ["n1", "n2"], "minority": ["n3"]})),
        fault(11, 5_201_000_000, "in force", json!({"probes": {"n1->n3": "lost"}})),
        fault(19, 6_300_000_000, "end", json!(null)),
    ];
    History { events, ..History::default() }
}

fn property(name: &str, judged: bool, summary: &str) -> Property {
    Property {
        name: name.to_owned(),
        judged,
        outcome: Outcome::Valid,
        summary: summary.to_owned(),
        route: None,
        counterexample: None,
        suspects: Vec::new(),
        figures: Map::new(),
    }
}

fn stale_read() -> Counterexample {
    let witness = |process, did: &str, role: &str, node: &str, [from, to]: [u64; 2]| Witness {
        process,
        did: did.to_owned(),
        role: role.to_owned(),
        node: Some(node.to_owned()),
        invoked: from / 1_000_000,
        completed: Some(to / 1_000_000),
        invoked_at: Some(from),
        completed_at: Some(to),
    };
    Counterexample {
        key: Some(json!("x")),
        operations: vec![
            witness(1, "wrote 5", "acknowledged", "n1", [5_870_123_456, 5_873_000_000]),
            witness(3, "read 4", "began 228 ms after that", "n3", [6_101_000_000, 6_102_999_999]),
        ],
        because: vec![
            "the write was stored at {n1}, the read asked {n3}: W+R = 2, N = 3; n1-n3 cut since 5.2 s".to_owned(),
        ],
        steps: vec![
            Step { before: 1, after: 0, why: "5 replaced 4".to_owned() },
            Step { before: 0, after: 1, why: "the first ended 228 ms before the second began".to_owned() },
        ],
        tried: Some(Box::new(Tried {
            alone: false,
            length: 1_203,
            placed: vec![Placed {
                place: 1_203,
                operation: witness(1, "wrote 5", "", "n1", [5_870_123_456, 5_873_000_000]),
            }],
            stopped: witness(3, "read 4", "", "n3", [6_101_000_000, 6_102_999_999]),
            why: "cannot read 4 where 5 is stored".to_owned(),
        })),
        ..Counterexample::default()
    }
}

fn coverage() -> Coverage {
    let operations = BTreeMap::from([
        ("read".to_owned(), Endings { ok: 4790, fail: 0, info: 0 }),
        ("write".to_owned(), Endings { ok: 4820, fail: 0, info: 31 }),
    ]);
    let fault = |number| FaultCount { planned: number, proved: number, ..FaultCount::default() };
    Coverage {
        operations,
        seconds: 9.6,
        faults: BTreeMap::from([
            ("kill".to_owned(), fault(2)),
            ("partition".to_owned(), fault(3)),
            ("pause".to_owned(), fault(2)),
        ]),
        leader_faults: 0,
        latency_us: BTreeMap::from([(
            "read".to_owned(),
            Quantiles { count: 4790, p50: 870, p95: 1900, p99: 3210, max: 1_050_000 },
        )]),
        traffic: Traffic { sent: 30_000, delivered: 29_000, cut: 1000, ..Traffic::default() },
        syncs: None,
        strain: Strain { scheduler_lag_ms_max: 4.2, scheduler_lag_ms_p50: 0.1, stolen_cpu: 0.01 },
    }
}
