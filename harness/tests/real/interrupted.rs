//! The first Ctrl-C or SIGTERM ends a run in order, with a verdict; the second one ends it at once.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{Bench, json};

/// Two seconds to stop the nodes, five to check, and a wide margin.
const ORDERLY: Duration = Duration::from_secs(30);
/// Far longer than any test waits.
const LONG: [&str; 6] = ["run", "--time", "5m", "--nodes", "3", "-q"];

#[test]
fn a_signal_ends_a_run_in_order() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let bench = Bench::new();
        let running = bench.start(&LONG);
        bench.recorded(500);
        let asked = Instant::now();
        running.signal(signal);
        let ended = running.end();
        assert!(asked.elapsed() < ORDERLY, "it took {:?}", asked.elapsed());
        ended.expect(code);
        bench.nothing_is_left();
        let run = bench.run();
        let verdict = json(&run.join("verdict.json"));
        assert_eq!(verdict["interrupted"], signal as i32, "{verdict:#}");
        assert_eq!(verdict["harness_failure"], serde_json::Value::Null, "{verdict:#}");
        for file in ["run.json", "history.jsonl", "junit.xml", "summary.md", "report.html"] {
            assert!(run.join(file).exists(), "{file} is missing");
        }
        // The verdict is about a whole history: everything that was begun has its end.
        let checked = bench.schism(&["check", run.to_str().unwrap()]);
        assert!(!checked.stdout.contains("in the middle of line"), "{checked:?}");
        checked.expect(0);
    }
}

#[test]
fn a_signal_while_the_nodes_start_ends_a_run_too() {
    let bench = Bench::new();
    // Nobody can lead: the controller waits until the system answers.
    let running = bench.start(&["run", "raft:election_min=60s,election_max=70s", "--nodes", "3", "-q"]);
    crate::support::until("the nodes run", || (bench.nodes().len() == 3).then_some(()));
    let asked = Instant::now();
    running.signal(Signal::SIGTERM);
    let ended = running.end();
    ended.expect(143);
    assert!(asked.elapsed() < ORDERLY, "it took {:?}", asked.elapsed());
    bench.nothing_is_left();
}

#[test]
fn the_second_signal_ends_at_once() {
    for (second, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let bench = Bench::new();
        let running = bench.start(&LONG);
        bench.recorded(500);
        running.signal(Signal::SIGINT);
        running.told("stopping: no new operations");
        running.signal(second);
        running.end().expect(code);
        bench.nothing_is_left();
        assert!(!bench.run().join("verdict.json").exists(), "it did not end at once");
    }
}

#[test]
fn a_violation_outlives_an_interruption() {
    let bench = Bench::new();
    let words = ["run", "nwr:n=3,w=1,r=1", "--keys", "1", "--time", "5m", "--fault", "partition", "--quiet", "0", "-q"];
    let running = bench.start(&words);
    bench.recorded(6_000);
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.expect(1);
    assert!(ended.stdout.contains("INVALID"), "{ended:?}");
    assert_eq!(json(&bench.run().join("verdict.json"))["interrupted"], Signal::SIGINT as i32);
    bench.nothing_is_left();
}

#[test]
fn no_further_seed_begins_after_a_signal() {
    let bench = Bench::new();
    let running = bench.start(&[&LONG[..], &["--seeds", "3"]].concat());
    bench.recorded(100);
    running.signal(Signal::SIGINT);
    running.end().expect(130);
    assert_eq!(bench.runs().len(), 1);
}
