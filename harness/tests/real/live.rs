//! A run that is checked while it goes on.

use nix::sys::signal::Signal;

use crate::support::{Bench, json};

#[test]
fn a_violation_is_told_before_the_run_ends() {
    let bench = Bench::new();
    let weak = ["run", "nwr:n=3,w=1,r=1", "--check-live", "--keys", "1", "--time", "5m", "--fault", "partition"];
    let running = bench.start(&[&weak[..], &["--quiet", "0", "-q"]].concat());
    running.told("violation at ");
    running.told("  because");
    running.signal(Signal::SIGINT);
    let ended = running.end();
    ended.expect(1);
    assert!(ended.stdout.contains("INVALID"), "{ended:?}");
    assert!(ended.stdout.contains("live     a violation was seen at "), "{ended:?}");
    let verdict = json(&bench.run().join("verdict.json"));
    assert!(verdict["live"]["event"].is_u64() && verdict["live"]["seen_at"].is_u64(), "{verdict:#}");
    assert_eq!(verdict["harness_failure"], serde_json::Value::Null, "{verdict:#}");
    assert_eq!(json(&bench.run().join("run.json"))["options"]["check_live"], true);
    bench.nothing_is_left();
}

#[test]
fn of_a_valid_run_nothing_is_told() {
    let bench = Bench::new();
    let faults = ["--nodes", "3", "--time", "4s", "--quiet", "300ms", "--fault-rate", "2", "-q"];
    let ended = bench.schism(&[&["run", "raft", "--check-live", "--seed", "1"], &faults[..]].concat());
    ended.expect(0);
    assert!(ended.stderr.is_empty(), "{ended:?}");
    assert!(!ended.stdout.contains("live "), "{ended:?}");
    assert_eq!(json(&bench.run().join("verdict.json"))["live"], serde_json::Value::Null);
}
