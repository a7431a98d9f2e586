//! Servers that do what no server should: the history stays honest, or the error says what is wrong. Nothing is left.

use std::path::Path;

use crate::support::{Bench, Ended, json, json_lines};
use crate::systems::has;

const MANIFEST: &str = r#"
kind = "system"
name = "hostile"
nodes = 2
command = ["python3", "HERE/hostile.py", "${how}", "${address}", "${port.client}"]
ports = { client = 7100 }
ready = [{ tcp = "client" }]
failures = ["panic: "]
stop = { signal = "TERM", within = "500ms" }
requests = ["read", "write"]
promise = "linearizable"
recovery = "500ms"
parameters.how.default = "polite"

[client]
driver = "http"
http.read = { method = "GET", path = "/${key}", ok = [200], absent = [404] }
http.write = { method = "PUT", path = "/${key}", body = "${value}", ok = [200], fail = [409] }
"#;

/// What the controller needs for itself at most, whatever servers do: with honest ones it is some 40 MiB.
const MEMORY_MAX: u64 = 192 << 20;

/// Runs a hostile server for a moment. The controller's memory stays bounded.
fn hostile(bench: &Bench, how: &str) -> Ended {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/systems");
    fs_err::write(bench.folder().join("hostile.toml"), MANIFEST.replace("HERE", here.to_str().unwrap())).unwrap();
    let system = format!("hostile.toml:how={how}");
    let words = [
        "--net",
        "loopback",
        "--time",
        "2s",
        "--rate",
        "50",
        "--faults",
        "none",
        "--recover",
        "2s",
        "--op-timeout",
        "300ms",
        "-q",
    ];
    let running = bench.start(&[&["run", &system], &words[..]].concat());
    let memory = running.peak_memory();
    let ended = running.end();
    bench.nothing_is_left();
    assert!(memory > 0 && memory < MEMORY_MAX, "{how}: the controller took {} MiB", memory >> 20);
    ended
}

fn endings(bench: &Bench) -> (usize, usize, usize) {
    let events = json_lines(&bench.run().join("history.jsonl"));
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind && event["process"].is_u64()).count();
    (count("ok"), count("fail"), count("info"))
}

#[test]
fn what_is_no_answer_leaves_open_what_happened() {
    if !has("python3") {
        return;
    }
    for how in ["garbage", "flood", "silent", "half-close"] {
        let bench = Bench::new();
        hostile(&bench, how).expect(3);
        let (ok, _, info) = endings(&bench);
        assert!(ok == 0 && info > 0, "{how}: {ok} ok, {info} info");
    }
}

#[test]
fn a_gigabyte_of_log_takes_a_bounded_file() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let ended = hostile(&bench, "loud");
    assert!([0, 3].contains(&ended.code()), "{ended:?}");
    let (ok, fail, _) = endings(&bench);
    assert!(ok > 0 && fail > 0, "reads find nothing, writes are refused: {ok} ok, {fail} fail");
    let log = fs_err::metadata(bench.run().join("nodes/n1/log")).unwrap().len();
    assert!(log < 40 << 20, "{log} bytes");
}

#[test]
fn who_ignores_term_is_killed_and_who_forks_takes_its_children_along() {
    if !has("python3") {
        return;
    }
    for how in ["ignores-term", "forks"] {
        // That nothing is left, the bench sees after each command.
        let bench = Bench::new();
        let ended = hostile(&bench, how);
        assert!([0, 3].contains(&ended.code()), "{how}: {ended:?}");
    }
}

#[test]
fn who_does_not_stay_or_cannot_start_is_told_in_three_lines() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let ended = hostile(&bench, "dies");
    ended.expect(4);
    assert!(ended.one_error().contains("no licence"), "{ended:?}");
    let ended = hostile(&bench, "daemon");
    ended.expect(4);
    assert!(ended.one_error().contains("ended with exit code 0 before it was ready"), "{ended:?}");
}

#[test]
fn a_line_that_means_failure_breaks_no_crash() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    hostile(&bench, "panics").expect(1);
    let verdict = json(&bench.run().join("verdict.json"));
    let broken =
        verdict["properties"].as_array().unwrap().iter().find(|property| property["name"] == "no-crash").unwrap();
    assert_eq!(broken["outcome"], "invalid", "{verdict}");
    assert!(broken["summary"].as_str().unwrap().contains("index out of range"), "{broken}");
}
