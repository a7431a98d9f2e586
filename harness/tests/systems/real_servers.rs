//! Real servers, unmodified. Which of them have to be on the machine, `SCHISM_TEST_SYSTEMS` says; without it these tests
//! say that they were skipped.

use crate::support::{Bench, json};

/// Names with commas, such as `etcd,redis`.
const SYSTEMS: &str = "SCHISM_TEST_SYSTEMS";

/// Whether a system is to be tested. One that is asked for and missing fails in its run.
fn wanted(system: &str) -> bool {
    let systems = std::env::var(SYSTEMS).unwrap_or_default();
    let wanted = systems.split(',').any(|name| name.trim() == system);
    if !wanted {
        eprintln!("SKIPPED: {SYSTEMS} does not name {system}");
    }
    wanted
}

/// Runs a system for a while under these faults, and expects this code.
fn run(system: &str, faults: &str, code: i32) {
    let name = system.split(':').next().unwrap();
    if !wanted(name) {
        return;
    }
    let bench = Bench::new();
    bench
        .schism(&["run", system, "--faults", faults, "--time", "15s", "--rate", "200", "--seed", "1", "-q"])
        .expect(code);
    let run = json(&bench.run().join("run.json"));
    assert!(run["tested"]["programs"][0]["sha256"].as_str().unwrap().len() == 64, "{run}");
    assert!(run["tested"]["version"].is_string(), "{run}");
    let verdict = json(&bench.run().join("verdict.json"));
    assert!(verdict["coverage"]["ok"].as_u64().unwrap_or(1) > 0, "{verdict}");
}

#[test]
fn etcd_keeps_its_promise() {
    run("etcd", "kill,pause", 0);
}

#[test]
fn redis_serves() {
    run("redis", "none", 0);
}

#[test]
fn zookeeper_keeps_its_promise() {
    run("zookeeper", "none", 0);
}

#[test]
fn nats_serves() {
    run("nats", "none", 0);
}
