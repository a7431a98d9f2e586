//! A run from end to end, and what can be done with its folder afterwards.

use std::path::Path;

use serde_json::Value;

use crate::support::{Bench, Ended, json, json_lines};

/// Short, with one fault of each kind.
const SHORT: [&str; 9] = ["--nodes", "3", "--time", "4s", "--quiet", "300ms", "--fault-rate", "2", "-q"];

fn short(bench: &Bench, words: &[&str]) -> Ended {
    bench.schism(&[&["run"], words, &SHORT].concat())
}

#[test]
fn a_valid_run_leaves_a_whole_folder() {
    let bench = Bench::new();
    let ended = short(&bench, &["raft", "--seed", "1"]);
    ended.expect(0);
    assert!(ended.stdout.contains("VALID"), "{ended:?}");
    assert!(ended.stderr.is_empty(), "{ended:?}");
    let run = bench.run();
    let id = run.file_name().unwrap().to_str().unwrap();
    whole_folder(&run, id);
    assert_eq!(fs_err::canonicalize(bench.results().join("latest")).unwrap(), fs_err::canonicalize(&run).unwrap());
    judged_again(&bench, &run);
    shown_and_listed(&bench, id);
    let again = bench.schism(&["replay", id, "--times", "2", "-q"]);
    again.expect(0);
    assert_eq!(again.stdout, "invalid in 0 of 2 (was: valid)\n");
    let plans: Vec<Value> =
        bench.runs().iter().map(|run| json(&run.join("run.json"))["plan"]["entries"].clone()).collect();
    assert_eq!(plans.len(), 3);
    assert!(plans.iter().all(|plan| *plan == plans[0]), "a replay plays the same plan");
}

/// Every file is there and says what it should.
fn whole_folder(run: &Path, id: &str) {
    let kept = json(&run.join("run.json"));
    assert_eq!((&kept["schism"], &kept["id"], &kept["seed"]), (&"run".into(), &id.into(), &1.into()));
    let verdict = json(&run.join("verdict.json"));
    assert_eq!((&verdict["outcome"], &verdict["run"]), (&"valid".into(), &id.into()));
    for kind in ["partition", "kill", "pause"] {
        assert!(verdict["coverage"]["faults"][kind]["proved"].as_u64().unwrap() > 0, "{verdict:#}");
    }
    for (file, first) in [("history.jsonl", "history"), ("events.jsonl", "events")] {
        let lines = json_lines(&run.join(file));
        assert_eq!((&lines[0]["schism"], &lines[0]["run"]), (&first.into(), &id.into()));
        assert!(lines.len() > 100, "{file} has {} lines", lines.len());
    }
    let read = |file: &str| fs_err::read_to_string(run.join(file)).unwrap();
    let junit = read("junit.xml");
    assert!(
        junit.contains("<testsuites") && junit.contains("failures=\"0\"") && junit.contains("linearizable"),
        "{junit}"
    );
    let summary = read("summary.md");
    assert!(summary.contains(id) && summary.to_lowercase().contains("valid"), "{summary}");
    let report = read("report.html");
    assert!(report.starts_with("<!DOCTYPE html>") && report.contains("schism replay") && report.contains("</html>"));
    let left = fs_err::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let beside: Vec<String> = left.filter(|name| name.contains(".part")).collect();
    assert!(beside.is_empty(), "{beside:?}");
}

/// `check` says the same of the folder, of its history, of its id, and what the run itself said.
fn judged_again(bench: &Bench, run: &Path) {
    let history = run.join("history.jsonl");
    let judged = |name: &str| {
        let ended = bench.schism(&["check", name, "--json"]);
        ended.expect(0);
        serde_json::from_str::<Value>(&ended.stdout).unwrap()["property"].clone()
    };
    let in_folder = judged(run.to_str().unwrap());
    assert_eq!(in_folder, judged(history.to_str().unwrap()));
    assert_eq!(in_folder, judged(run.file_name().unwrap().to_str().unwrap()));
    assert_eq!(in_folder["outcome"], json(&run.join("verdict.json"))["properties"][0]["outcome"]);
}

fn shown_and_listed(bench: &Bench, id: &str) {
    let shown = bench.schism(&["show", "latest"]);
    shown.expect(0);
    assert!(shown.stdout.contains("VALID") && shown.stdout.contains(id), "{shown:?}");
    let listed = bench.schism(&["list", "runs"]);
    listed.expect(0);
    assert!(listed.stdout.contains(id) && listed.stdout.contains("valid"), "{listed:?}");
    let absent = bench.schism(&["show", "latest:invalid"]);
    absent.expect(64);
    absent.one_error();
    looked_at(bench);
}

/// A moment has messages and notes on the history's clock, and the page is made again.
fn looked_at(bench: &Bench) {
    let writes = bench.schism(&["show", "latest", "--ops", "kind=write outcome=ok", "--json"]);
    writes.expect(0);
    let writes: Value = serde_json::from_str(&writes.stdout).unwrap();
    let write = &writes[writes.as_array().unwrap().len() / 2];
    let around = bench.schism(&["show", "latest", "--around", &write["invoked"].to_string()]);
    around.expect(0);
    for told in ["AppendEntries delivered", "committed ", "(of this process)"] {
        assert!(around.stdout.contains(told), "{told}: {around:?}");
    }
    let page = bench.folder().join("page.html");
    bench.schism(&["report", "latest", "--output", page.to_str().unwrap()]).expect(0);
    let (made, kept) = (fs_err::read_to_string(page).unwrap(), bench.run().join("report.html"));
    assert_eq!(made, fs_err::read_to_string(kept).unwrap(), "a report is a function of what is kept");
}

#[test]
fn a_stale_read_is_shown_with_the_write_that_it_missed() {
    let bench = Bench::new();
    let ended = short(&bench, &["nwr:n=3,w=1,r=1", "--seed", "2"]);
    ended.expect(1);
    for part in ["INVALID", "wrote", "read", "because", "schism replay"] {
        assert!(ended.stdout.contains(part), "{part} is missing:\n{}", ended.stdout);
    }
    let run = bench.run();
    let junit = fs_err::read_to_string(run.join("junit.xml")).unwrap();
    assert!(junit.contains("failures=\"1\"") && junit.contains("<failure"), "{junit}");
    bench.schism(&["check", run.to_str().unwrap()]).expect(1);
    let shown = bench.schism(&["show", "latest:invalid"]);
    shown.expect(0);
    assert!(shown.stdout.contains("INVALID"), "{shown:?}");
}

#[test]
fn json_is_the_verdict_alone() {
    let bench = Bench::new();
    let ended = short(&bench, &["nwr:n=3,w=2,r=2,writeback=on", "--json", "--faults", "partition"]);
    ended.expect(0);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(printed, json(&bench.run().join("verdict.json")));
}

#[test]
fn of_several_seeds_the_worst_code_stands() {
    let bench = Bench::new();
    let words = [
        "run",
        "nwr:n=3,w=1,r=1",
        "--rate",
        "3000",
        "--keys",
        "1",
        "--faults",
        "none",
        "--time",
        "1s",
        "--seeds",
        "7..9",
        "-q",
    ];
    let ended = bench.schism(&words);
    ended.expect(1);
    assert!(ended.stdout.contains("2 runs: "), "{ended:?}");
    let seeds: Vec<Value> = bench.runs().iter().map(|run| json(&run.join("run.json"))["seed"].clone()).collect();
    assert_eq!(seeds.len(), 2, "{seeds:?}");
    assert!(seeds.contains(&7.into()) && seeds.contains(&8.into()), "{seeds:?}");
}

#[test]
fn systems_are_compared_side_by_side_and_their_runs_again() {
    let bench = Bench::new();
    let ended = bench
        .schism(&["compare", "raft", "nwr", "--seeds", "1", "--nodes", "3", "--time", "4s", "--fault", "kill", "-q"]);
    ended.expect(0);
    for part in ["A  raft", "B  nwr", "strongest level kept", "linearizable", "messages an operation"] {
        assert!(ended.stdout.contains(part), "{part} is missing: {ended:?}");
    }
    let runs = bench.runs();
    let plans: Vec<Value> = runs.iter().map(|run| json(&run.join("run.json"))["plan"]["entries"].clone()).collect();
    assert_eq!(plans.len(), 2, "the warm-up leaves no runs");
    assert_eq!(plans[0], plans[1], "both are played the same plan");
    assert!(plans[0].as_array().unwrap().iter().all(|entry| entry["on"] != "leader"), "nwr has none: {}", plans[0]);

    let paths: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
    let again = bench.schism(&[&["compare", "--json"], paths.as_slice()].concat());
    again.expect(0);
    let comparison: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(comparison["systems"].as_array().unwrap().len(), 2);
    for system in comparison["systems"].as_array().unwrap() {
        let figures = &system["runs"][0]["figures"];
        assert!(figures["syncs_per_op"].as_f64() > Some(0.0) && figures["ok"].as_f64() > Some(0.0), "{figures}");
    }
}

#[test]
fn a_card_says_on_which_side_of_the_theorem_a_system_stands() {
    let bench = Bench::new();
    let words = ["compare", "raft:n=3", "--seeds", "1", "--time", "2s", "--faults", "none", "--rate", "200", "--card"];
    let ended = bench.schism(&[words.as_slice(), &["--json", "-q"]].concat());
    ended.expect(0);
    let comparison: Value = serde_json::from_str(&ended.stdout).unwrap();
    let card = &comparison["systems"][0]["cards"][0];
    // On a machine that is busy with something else it says that it cannot tell.
    assert!(["cp", "inconclusive"].contains(&card["class"].as_str().unwrap()), "{card}");
    assert_eq!(card["cells"].as_array().unwrap().len(), 4, "{card}");
}
