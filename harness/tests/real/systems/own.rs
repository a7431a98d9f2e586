//! A system and a client of one's own, in Python, Go and Java.

use std::path::Path;
use std::process::Command;

use crate::support::{Bench, json, json_lines};
use crate::systems::{examples, has, kv};

/// Without faults, and soon over.
const SHORT: [&str; 10] = ["--net", "loopback", "--time", "2s", "--rate", "100", "--faults", "none", "--seed", "1"];

#[test]
fn a_manifest_and_a_client_in_python() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    bench.schism(&[&["run", &kv(), "--label", "release=1.4", "-q"], &SHORT[..]].concat()).expect(0);
    let run = json(&bench.run().join("run.json"));
    assert_eq!(run["rung"], "loopback");
    assert_eq!(run["options"]["labels"]["release"], "1.4");
    assert!(run["tested"]["manifest"].as_str().unwrap().contains("A system of one's own"));
    assert!(run["tested"]["version"].as_str().unwrap().starts_with("Python 3"));
    let programs: Vec<&str> =
        run["tested"]["programs"].as_array().unwrap().iter().map(|program| program["path"].as_str().unwrap()).collect();
    for name in ["server.py", "client.py", "python3"] {
        assert!(programs.iter().any(|path| path.contains(name)), "{name} is missing: {programs:?}");
    }
    let summary = fs_err::read_to_string(bench.run().join("summary.md")).unwrap();
    let first = summary.lines().next().unwrap();
    assert!(first.contains("Python 3") && summary.contains("release") && summary.contains("1.4"), "{summary}");
}

#[test]
fn kills_and_pauses_are_proved_on_processes_of_somebody_else() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let ended = bench.schism(&[
        "run",
        &kv(),
        "--net",
        "loopback",
        "--time",
        "8s",
        "--rate",
        "100",
        "--faults",
        "kill,pause",
        "--seed",
        "3",
        "-q",
    ]);
    ended.expect(0);
    let verdict = json(&bench.run().join("verdict.json"));
    for kind in ["kill", "pause"] {
        assert!(verdict["coverage"]["faults"][kind]["proved"].as_u64().unwrap() > 0, "{verdict}");
    }
}

#[test]
fn a_lie_is_found() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let ended = bench.schism(&[&["run", &format!("{}:stale=1", kv()), "-q"], &SHORT[..]].concat());
    ended.expect(1);
    assert!(ended.stdout.contains("not linearizable"), "{ended:?}");
}

#[test]
fn a_dry_run_shows_each_exchange() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let ended = bench.schism(&["run", &kv(), "--net", "loopback", "--dry-run", "10", "--seed", "1", "-q"]);
    ended.expect(0);
    let count = |part: &str| ended.stdout.lines().filter(|line| line.contains(part)).count();
    assert_eq!((count("-> {"), count("<- {")), (10, 10), "{}", ended.stdout);
    assert!(ended.stdout.contains(r#""deadline_ms":1000"#), "{}", ended.stdout);
}

/// Runs the example with this client.
fn run_with(client: &str) {
    let bench = Bench::new();
    let timeout = ["--op-timeout", "3s"];
    bench
        .schism(&[&["run", &kv(), "--client", client, "--concurrency", "3", "-q"], &timeout[..], &SHORT[..]].concat())
        .expect(0);
    let events = json_lines(&bench.run().join("history.jsonl"));
    assert!(events.iter().filter(|event| event["type"] == "ok").count() > 20, "{}", events.len());
}

#[test]
fn a_client_in_go() {
    if !has("python3") || !has("go") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let client = folder.path().join("client");
    let built =
        Command::new("go").args(["build", "-o"]).arg(&client).arg(examples().join("client.go")).status().unwrap();
    assert!(built.success());
    run_with(client.to_str().unwrap());
}

#[test]
fn a_client_in_java() {
    if !has("python3") || !has("javac") || !has("java") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let built =
        Command::new("javac").arg("-d").arg(folder.path()).arg(examples().join("Client.java")).status().unwrap();
    assert!(built.success());
    run_with(&format!("java -Xmx64m -XX:TieredStopAtLevel=1 -cp {} Client", folder.path().display()));
}

#[test]
fn the_examples_are_short() {
    for name in ["client.py", "client.go", "Client.java"] {
        let lines = fs_err::read_to_string(examples().join(name)).unwrap().lines().count();
        assert!(lines <= 40, "{name} has {lines} lines");
    }
}

/// A client that says that the system answers, and to all else does this.
fn client(folder: &Path, body: &str) -> String {
    let path = folder.join("client.py");
    let text = format!(
        "import json, os, sys, time\nfor line in sys.stdin:\n    asked = json.loads(line)\n    id = asked['id']\n    \
         if asked['key'] == 'ready':\n        print(json.dumps({{'id': id, 'type': 'ok', 'value': None}}))\n        \
         continue\n    {body}\n"
    );
    fs_err::write(&path, text).unwrap();
    format!("python3 -u {}", path.display())
}

#[test]
fn silence_garbage_and_death_leave_open_what_happened() {
    if !has("python3") {
        return;
    }
    let bodies = [
        ("time.sleep(60)", "timed out"),
        ("print('garbage')", "cannot be read"),
        ("print(json.dumps({'id': id + 1, 'type': 'ok'}))", "nobody asked for"),
        ("sys.exit(3)", "ended before it answered"),
        ("[os.write(1, b'x' * 65536) for _ in range(100_000)]", "timed out"),
    ];
    for (body, told) in bodies {
        let bench = Bench::new();
        let client = client(bench.folder(), body);
        let words =
            ["run", &kv(), "--net", "loopback", "--client", &client, "--dry-run", "3", "--op-timeout", "1s", "-q"];
        let ended = bench.schism(&words);
        ended.expect(3);
        let infos = ended.stdout.lines().filter(|line| line.contains("   info") && line.contains(told)).count();
        assert_eq!(infos, 3, "{body}: {}", ended.stdout.chars().take(2_000).collect::<String>());
    }
}

#[test]
fn a_secret_is_passed_on_and_written_nowhere() {
    if !has("python3") {
        return;
    }
    let bench = Bench::new();
    let text = fs_err::read_to_string(kv()).unwrap().replace("${here}", examples().to_str().unwrap());
    let text = text.replace("kind = \"system\"", "kind = \"system\"\nsecret = [\"KV_TOKEN\"]");
    fs_err::write(bench.folder().join("kv.toml"), text).unwrap();
    let client = client(
        bench.folder(),
        "t = os.environ['KV_TOKEN']; print(t, file=sys.stderr); print(json.dumps({'id': id, 'type': 'fail', 'error': t}))",
    );
    let words = [&["run", "kv.toml", "--client", &client, "-q"], &SHORT[..]].concat();
    let missing = bench.schism(&words);
    missing.expect(64);
    assert!(missing.one_error().contains("KV_TOKEN"));
    let mut command = bench.command(&words);
    command.env("KV_TOKEN", "hunter2secret");
    bench.end(command).expect(3);
    let written =
        std::process::Command::new("grep").args(["-r", "hunter2secret"]).arg(bench.results()).output().unwrap();
    assert!(written.stdout.is_empty(), "{}", String::from_utf8_lossy(&written.stdout));
    let masked = fs_err::read_to_string(bench.run().join("clients.log")).unwrap();
    assert!(masked.contains("***"), "{masked}");
}
