//! Each exit code at least once, by the shortest way there.

use std::fmt::Write as _;

use nix::sys::signal::Signal;

use crate::support::{Bench, json};

/// With so many operations on one key, `w=1,r=1` cannot be lucky.
const SHORT: [&str; 11] = ["--nodes", "3", "--time", "1s", "--rate", "3000", "--keys", "1", "--faults", "none", "-q"];

#[test]
fn valid_invalid_and_not_broken() {
    let bench = Bench::new();
    let run = |words: &[&str]| bench.schism(&[&["run"], words, &SHORT].concat()).code();
    assert_eq!(run(&["nwr:n=3,w=2,r=2,writeback=on"]), 0);
    assert_eq!(run(&["nwr:n=3,w=1,r=1"]), 1);
    assert_eq!(run(&["nwr:n=3,w=1,r=1", "--expect", "invalid"]), 0);
    assert_eq!(run(&["nwr:n=3,w=2,r=2,writeback=on", "--expect", "invalid"]), 5);
}

/// Writes of the same values by many at once, and reads between them: nothing but a search can judge it.
fn hard_history() -> String {
    let mut text = String::from("{\"schism\":\"history\",\"format\":1,\"model\":\"register\",\"initial\":null}\n");
    let mut line = |process: usize, kind: &str, f: &str, value: &str| {
        writeln!(text, r#"{{"process":{process},"type":"{kind}","f":"{f}","key":"x","value":{value}}}"#).unwrap();
    };
    for round in 0..40 {
        for process in 0..24 {
            let value = (process * 7 + round) % 5;
            line(process, "invoke", "write", &value.to_string());
        }
        line(30, "invoke", "read", "null");
        line(30, "ok", "read", &(round % 5).to_string());
        for process in 0..24 {
            let value = (process * 7 + round) % 5;
            line(process, "ok", "write", &value.to_string());
        }
    }
    text
}

#[test]
fn unknown_where_the_budget_ends() {
    let bench = Bench::new();
    fs_err::write(bench.folder().join("hard"), hard_history()).unwrap();
    for budget in ["--check-memory=1", "--check-time=1ns"] {
        let ended = bench.schism(&["check", "hard", budget]);
        ended.expect(2);
        assert!(ended.stdout.contains("UNKNOWN"), "{ended:?}");
    }
}

#[test]
fn vacuous_where_nothing_follows() {
    let bench = Bench::new();
    let header = r#"{"schism":"history","format":1,"model":"register","initial":null}"#;
    fs_err::write(bench.folder().join("empty"), format!("{header}\n")).unwrap();
    bench.schism(&["check", "empty"]).expect(3);
    // Nobody can pause a node that is dead.
    let plan = r#"{"kind":"plan","format":1,"nodes":3,"system":"nwr:n=3,w=2,r=2,writeback=on","workload":true,"entries":[
        {"id":1,"at":"0s","do":"kill","on":"n1","for":"1500ms"},
        {"id":2,"at":"700ms","do":"pause","on":"n1","for":"300ms"}]}"#;
    fs_err::write(bench.folder().join("plan.json"), plan).unwrap();
    let ended = bench.schism(&["run", "--plan", "plan.json", "--time", "2s", "-q"]);
    ended.expect(3);
    let verdict = json(&bench.run().join("verdict.json"));
    assert_eq!(verdict["outcome"], "vacuous", "{verdict:#}");
    assert_eq!(verdict["coverage"]["faults"]["pause"]["moot"], 1, "{verdict:#}");
}

#[test]
fn harness_failures_and_usage_errors() {
    let bench = Bench::new();
    let file = bench.folder().join("a-file");
    fs_err::write(&file, "").unwrap();
    let no_folder = bench.schism(&["run", "--out", file.to_str().unwrap(), "-q", "--seed", "1"]);
    no_folder.expect(4);
    no_folder.one_error();
    let wrong = bench.schism(&["run", "--nodes", "0"]);
    wrong.expect(64);
    wrong.one_error();
}

#[test]
fn interrupted() {
    for (signal, code) in [(Signal::SIGINT, 130), (Signal::SIGTERM, 143)] {
        let bench = Bench::new();
        let running = bench.start(&["run", "nwr:n=3,w=2,r=2,writeback=on", "--time", "5m", "--faults", "none", "-q"]);
        bench.recorded(50);
        running.signal(signal);
        running.end().expect(code);
    }
}

#[test]
fn replay_has_the_code_of_its_worst_run() {
    let bench = Bench::new();
    bench.schism(&[&["run", "nwr:n=3,w=1,r=1"], &SHORT[..]].concat()).expect(1);
    let again = bench.schism(&["replay", "latest", "--times", "2", "-q"]);
    again.expect(1);
    assert!(again.stdout.contains("(was: invalid)"), "{again:?}");
}
