//! Workloads on real processes.

use std::collections::BTreeSet;

use crate::support::{Bench, json, json_lines};

/// Short, and under faults.
const SHORT: [&str; 11] =
    ["--nodes", "3", "--time", "4s", "--quiet", "300ms", "--fault-rate", "2", "--rate", "300", "-q"];

#[test]
fn sessions_stand_in_the_history_of_a_real_run() {
    let bench = Bench::new();
    let words = ["run", "nwr:w=2,r=2,writeback=on", "--workload", "session:operations=10,roam=half", "--seed", "3"];
    bench.schism(&[&words[..], &SHORT].concat()).expect(0);
    let run = bench.run();
    let lines = json_lines(&run.join("history.jsonl"));
    let sessions: BTreeSet<&str> = lines.iter().filter_map(|line| line["session"].as_str()).collect();
    assert!(sessions.len() > 30, "{} sessions", sessions.len());
    let verdict = json(&run.join("verdict.json"));
    let properties = verdict["properties"].as_array().unwrap();
    for name in ["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"] {
        let property = properties.iter().find(|property| property["name"] == name).unwrap();
        assert_eq!((&property["outcome"], &property["judged"]), (&"valid".into(), &false.into()), "{property:#}");
    }
}

#[test]
fn availability_and_latency_are_measured_from_due_times() {
    let bench = Bench::new();
    let words = ["run", "nwr:w=2,r=2,writeback=on", "--open-loop", "--faults", "partition,kill", "--seed", "3"];
    bench.schism(&[&words[..], &SHORT].concat()).expect(0);
    let run = bench.run();
    let lines = json_lines(&run.join("history.jsonl"));
    assert!(lines.iter().filter(|line| line["due"].is_u64()).count() > 300);
    let verdict = json(&run.join("verdict.json"));
    let rows = verdict["availability"]["rows"].as_array().unwrap();
    let has = |phase: &str, side: &str| rows.iter().any(|row| row["phase"] == phase && row["side"] == side);
    assert!(has("healthy", "whole") && has("faulty", "minority") && has("faulty", "majority"), "{rows:#?}");
    assert!(!verdict["availability"]["outages"].as_array().unwrap().is_empty());
    let summary = fs_err::read_to_string(run.join("summary.md")).unwrap();
    assert!(summary.contains("| faulty | minority | write |"), "{summary}");
}

#[test]
fn acknowledged_writes_survive_the_death_of_all_who_acknowledged_them() {
    let bench = Bench::new();
    let words =
        ["run", "nwr:w=2,r=2,writeback=on", "--workload", "durability", "--fault", "kill:on=ackers", "--seed", "3"];
    bench.schism(&[&words[..], &SHORT].concat()).expect(0);
    let verdict = json(&bench.run().join("verdict.json"));
    let durable = verdict["properties"].as_array().unwrap().iter().find(|property| property["name"] == "durable");
    let durable = durable.unwrap();
    assert_eq!((&durable["outcome"], &durable["judged"]), (&"valid".into(), &true.into()), "{durable:#}");
    assert!(durable["figures"]["acknowledged"].as_u64().unwrap() > 100, "{durable:#}");
    assert!(verdict["coverage"]["faults"]["kill"]["proved"].as_u64().unwrap() > 0);
}
