//! `schism sim` as it is typed.

use assert_cmd::Command;

struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn schism(words: &[&str]) -> Ended {
    let output = Command::cargo_bin("schism").unwrap().arg("sim").args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[test]
fn a_sweep_of_a_correct_system_is_valid() {
    let ended = schism(&["raft", "--seeds", "20", "-q"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    assert!(ended.stdout.starts_with("raft  sim  20 runs from seed 0: "), "{}", ended.stdout);
}

#[test]
fn a_failing_seed_comes_with_its_proof_and_a_command_that_repeats_it() {
    let ended = schism(&["nwr:w=1,r=1", "--nodes", "3", "--seeds", "50", "--stop-at-first", "-q"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    let again = ended.stdout.lines().find_map(|line| line.strip_prefix("again    schism sim ")).unwrap().to_owned();
    assert!(ended.stdout.contains("INVALID") && ended.stdout.contains("because"), "{}", ended.stdout);
    let words: Vec<&str> = again.split(' ').collect();
    let (one, other) = (schism(&words), schism(&words));
    assert_eq!((one.code, other.code), (1, 1), "{again}: {}", one.stderr);
    assert_eq!(one.stdout, other.stdout);
    assert!(one.stdout.ends_with("# invalid\n") && one.stdout.lines().count() > 100);
    let seed = words[words.iter().position(|word| *word == "--seed").unwrap() + 1];
    let single = schism(&["nwr:w=1,r=1", "--nodes", "3", "--seed", seed, "-q"]);
    assert_eq!(single.code, 1, "{}", single.stdout);
}

#[test]
fn an_expected_violation_is_done_and_its_absence_is_told() {
    let expecting = |system, what| schism(&[system, "--nodes", "3", "--seeds", "10", "-q", "--expect", what]).code;
    assert_eq!(expecting("nwr:w=1,r=1", "invalid:linearizable"), 0);
    assert_eq!(expecting("nwr:w=1,r=1", "invalid:no-crash"), 1);
    assert_eq!(expecting("nwr:writeback=on", "invalid"), 5);
}

#[test]
fn the_summary_is_json_where_that_is_asked_for() {
    let ended = schism(&["raft", "--seeds", "5..8", "--json"]);
    let tally: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &tally["runs"]), (0, &serde_json::json!(3)), "{tally}");
    assert!(tally["steps"].as_u64().unwrap() > 1000 && tally["faults"].is_object());
}

#[test]
fn all_usage_errors_come_at_once() {
    let ended = schism(&["rafd", "--jobs", "0", "--for", "never", "--faults", "kil"]);
    assert_eq!(ended.code, 64);
    assert!(ended.stderr.matches("error:").count() >= 4, "{}", ended.stderr);
    let ended = schism(&["raft", "--trace"]);
    assert_eq!(ended.code, 64, "{}", ended.stderr);
}

#[test]
fn a_seed_is_shrunk_to_a_plan_that_breaks_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.json");
    let file = file.to_str().unwrap();
    let words = ["nwr:n=3,w=1,r=1", "--nodes", "3", "--faults", "none", "--time", "5s"];
    let found = schism(&[&words[..], &["--seeds", "50", "--stop-at-first", "--json"]].concat());
    let tally: serde_json::Value = serde_json::from_str(&found.stdout).unwrap();
    let seed = tally["violations"]["linearizable"]["first_seed"].to_string();
    let words = [&words[..], &["--seed", &seed, "--shrink"]].concat();
    let ended = schism(&[&words[..], &["--output", file]].concat());
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stdout.contains("operations") && ended.stdout.contains("INVALID"), "{}", ended.stdout);
    assert!(ended.stderr.contains("fewer operations: "), "{}", ended.stderr);
    let again = ended.stdout.lines().find_map(|line| line.strip_prefix("again    schism sim ")).unwrap();
    let (one, other) = (schism(&again.split(' ').collect::<Vec<_>>()), schism(&again.split(' ').collect::<Vec<_>>()));
    assert_eq!((one.code, &one.stdout), (1, &other.stdout), "{}", one.stderr);
    let played = schism(&["--plan", file, "-q"]);
    assert!(played.stdout.contains("plan     linearizable breaks, as the plan says\n"), "{}", played.stdout);
    let piped = schism(&[&words[..], &["-q", "--expect", "invalid:linearizable"]].concat());
    assert_eq!((piped.code, piped.stdout), (0, fs_err::read_to_string(file).unwrap()));
}

#[test]
fn what_is_to_be_shrunk_has_to_be_one_run_that_breaks_something() {
    assert_eq!(schism(&["raft", "--shrink"]).code, 64);
    assert_eq!(schism(&["raft", "--seed", "1", "--for", "5s"]).code, 64);
    let ended = schism(&["raft", "--seed", "1", "--time", "5s", "--shrink", "-q"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""), "{}", ended.stderr);
}
