//! Real servers, unmodified. Which of them have to be on the machine, `SCHISM_TEST_SYSTEMS` says; without it these tests
//! say that they were skipped.

use serde_json::Value;

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

/// Runs a system with these words and expects this code, if it is to be tested; its run.json and verdict.json.
fn run(system: &str, words: &[&str], code: i32) -> Option<(Value, Value)> {
    // A Cluster is made of the same servers.
    if !wanted(system.split([':', '-']).next().unwrap()) {
        return None;
    }
    let bench = Bench::new();
    bench.schism(&[&["run", system, "--seed", "1", "-q"], words].concat()).expect(code);
    let (run, verdict) = (json(&bench.run().join("run.json")), json(&bench.run().join("verdict.json")));
    assert_eq!(run["tested"]["programs"][0]["sha256"].as_str().unwrap().len(), 64, "{run}");
    assert!(run["tested"]["version"].is_string(), "{run}");
    Some((run, verdict))
}

const QUIET: [&str; 6] = ["--faults", "none", "--time", "3s", "--rate", "100"];

#[test]
fn etcd_keeps_its_promise_under_partitions_kills_and_pauses() {
    let Some((run, verdict)) = run("etcd", &["--time", "20s", "--rate", "200"], 0) else { return };
    assert_eq!(run["rung"], "vnet");
    for kind in ["partition", "kill", "pause"] {
        assert!(verdict["coverage"]["faults"][kind]["proved"].as_u64().unwrap() > 0, "{kind}: {verdict}");
    }
}

#[test]
fn etcd_whose_members_answer_reads_by_themselves_is_found_out() {
    let cut = ["--fault", "partition:shape=isolate,on=leader,for=4s", "--time", "20s", "--rate", "300"];
    run("etcd:reads=serializable", &cut, 1);
}

#[test]
fn redis_loses_what_a_master_acknowledged_that_was_cut_off() {
    let cut = ["--fault", "partition:shape=isolate,on=leader,for=6s", "--time", "30s", "--rate", "300"];
    let Some((_, verdict)) = run("redis", &[&cut[..], &["--workload", "set:elements=3000"]].concat(), 1) else {
        return;
    };
    let properties = verdict["properties"].as_array().unwrap();
    let durable = properties.iter().find(|property| property["name"] == "durable").unwrap();
    assert_eq!(durable["outcome"], "invalid", "{durable}");
}

#[test]
fn redis_serves_on_a_good_day_and_so_does_its_cluster() {
    run("redis", &[&QUIET[..], &["--workload", "append:elements=300"]].concat(), 0);
    let Some((_, verdict)) = run("redis-cluster", &[&QUIET[..], &["--workload", "queue:elements=300"]].concat(), 0)
    else {
        return;
    };
    assert!(verdict["properties"][0]["summary"].as_str().unwrap().starts_with("fifo-queue is"), "{verdict}");
    assert!(verdict["coverage"]["operations"]["dequeue"]["ok"].as_u64().unwrap() > 50, "{verdict}");
}

#[test]
fn lists_of_etcd_and_queues_of_postgres_keep_their_order() {
    run("etcd", &[&QUIET[..], &["--workload", "append:elements=200"]].concat(), 0);
    run("postgres", &[&QUIET[..], &["--workload", "queue:elements=200"]].concat(), 0);
}

#[test]
fn nothing_of_a_real_server_outlives_a_controller_that_is_killed() {
    if !wanted("etcd") {
        return;
    }
    let bench = Bench::new();
    let running = bench.start(&["run", "etcd", "--seed", "1", "--time", "30s", "--faults", "pause", "-q"]);
    bench.recorded(200);
    assert!(bench.nodes().len() >= 3, "{:?}", bench.nodes());
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running.end();
    bench.nothing_is_left();
}

#[test]
fn zookeeper_serves_on_a_good_day() {
    run("zookeeper", &QUIET, 0);
}

#[test]
fn nats_serves_on_a_good_day() {
    // Without comparisons: two at once may both succeed in 2.9 (nats-server issue 4320).
    run("nats", &[&QUIET[..], &["--mix", "read=50,write=50"]].concat(), 0);
}

#[test]
fn what_is_put_into_a_queue_of_nats_comes_out_once_until_it_is_empty() {
    let queue = [&QUIET[..], &["--workload", "queue:elements=100,order=any"]].concat();
    let Some((_, verdict)) = run("nats", &queue, 0) else { return };
    assert!(verdict["properties"][0]["summary"].as_str().unwrap().starts_with("bag is"), "{verdict}");
    assert!(verdict["coverage"]["operations"]["dequeue"]["ok"].as_u64().unwrap() > 50, "{verdict}");
}

#[test]
fn postgres_serves_on_a_good_day() {
    run("postgres", &QUIET, 0);
}
