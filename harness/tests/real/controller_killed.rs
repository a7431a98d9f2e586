//! A controller that is killed leaves no process behind, and a history that can be judged.

use std::time::Duration;

use nix::sys::signal::Signal;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::support::Bench;

/// What stops and dies and comes back all the time, so that a kill meets nodes in every state.
const RUN: [&str; 10] =
    ["run", "--time", "30s", "--quiet", "0", "--fault-rate", "4", "--faults", "partition,kill,pause,powerloss", "-q"];
/// The issue allows a second. More is allowed here to a machine that does much else.
const LIMIT: Duration = Duration::from_secs(5);

#[test]
fn nothing_is_left_and_the_cut_history_is_judged() {
    let seed = 20_260_824;
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    for turn in 0..8 {
        // Half of them while the nodes start.
        let longest = if turn % 2 == 0 { 400 } else { 6_000 };
        let moment = Duration::from_millis(u64::from(chance.next_u32()) % longest);
        eprintln!("seed {seed}, turn {turn}: SIGKILL after {moment:?}");
        killed_after(moment);
    }
}

fn killed_after(moment: Duration) {
    let bench = Bench::new();
    let running = bench.start(&RUN);
    // What moment it is does not matter, and waiting for an event would choose it.
    std::thread::sleep(moment);
    running.signal(Signal::SIGKILL);
    let ended = running.end();
    assert_eq!(ended.status.code(), None, "it was killed: {ended:?}");
    bench.gone_within(LIMIT);
    // A process that was just being started may have shown itself only now.
    bench.gone_within(LIMIT);
    let Some(run) = bench.runs().pop() else { return };
    let history = run.join("history.jsonl");
    if !history.exists() {
        return;
    }
    let checked = bench.schism(&["check", history.to_str().unwrap()]);
    assert!([0, 3].contains(&checked.code()), "raft keeps its promise: {checked:?}");
    let whole = fs_err::read(&history).unwrap().ends_with(b"\n");
    assert_eq!(checked.stdout.contains("ends in the middle of line"), !whole, "{checked:?}");
    assert!(!run.join("verdict.json").exists(), "there is no verdict on half a run");
}

#[test]
fn a_node_that_was_paused_ends_with_the_controller() {
    let bench = Bench::new();
    let plan = r#"{"kind":"plan","format":1,"nodes":3,"system":"raft","workload":true,"entries":[
        {"id":1,"at":"0s","do":"pause","on":"all","for":"20s"}]}"#;
    fs_err::write(bench.folder().join("plan.json"), plan).unwrap();
    let running = bench.start(&["run", "--plan", "plan.json", "--time", "30s", "-q"]);
    crate::support::until("all nodes are paused", || {
        let text = fs_err::read_to_string(bench.runs().first()?.join("history.jsonl")).ok()?;
        text.contains(r#""phase":"in-force""#).then_some(())
    });
    assert_eq!(bench.nodes().len(), 3);
    running.signal(Signal::SIGKILL);
    running.end();
    bench.gone_within(LIMIT);
}
