//! Whole runs of a built-in system on a virtual network, through the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::LIMIT;

fn schism(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("schism"));
    command.args(words).current_dir(folder).env_remove("SCHISM_RESULTS").stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether the machine has virtual networks; if not, that is said, unless they are demanded.
fn works() -> bool {
    let told = schism(Path::new("."), &["doctor", "--require", "vnet"]).output().unwrap();
    let demanded = std::env::var_os("SCHISM_TEST_VNET").is_some_and(|demanded| demanded == "1");
    assert!(told.status.success() || !demanded, "SCHISM_TEST_VNET=1 demands a virtual network: {}", text(&told.stdout));
    if !told.status.success() {
        eprintln!("skipped: {}", text(&told.stdout));
    }
    told.status.success()
}

/// The one run folder in a results folder.
fn run_folder(results: &Path) -> Option<PathBuf> {
    let labels = fs_err::read_dir(results).ok()?.flatten().filter_map(|entry| fs_err::read_dir(entry.path()).ok());
    let mut runs = labels.flatten().flatten().map(|entry| entry.path());
    runs.find(|path| path.join("run.json").exists())
}

/// The processes whose folder is in a folder: those of its runs.
fn inside(folder: &Path) -> Vec<String> {
    let processes = fs_err::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let here = |process: &PathBuf| fs_err::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(folder));
    processes.filter(here).map(|process| process.display().to_string()).collect()
}

fn run(folder: &Path, words: &[&str]) -> Output {
    let mut all = vec!["run", "raft", "--nodes", "3", "--net", "vnet", "--out", "results", "-q"];
    all.extend(words);
    schism(folder, &all).output().unwrap()
}

#[test]
fn a_system_is_cut_killed_and_paused_and_keeps_its_promise() {
    if !works() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["--time", "6s", "--seed", "3", "--pcap"]);
    assert_eq!(ended.status.code(), Some(0), "{} {}", text(&ended.stdout), text(&ended.stderr));
    assert!(text(&ended.stdout).lines().next().unwrap().contains("  vnet  "), "{}", text(&ended.stdout));
    let run = run_folder(&folder.path().join("results")).unwrap();
    let verdict: Value = serde_json::from_slice(&fs_err::read(run.join("verdict.json")).unwrap()).unwrap();
    assert_eq!(verdict["rung"], "vnet");
    let capture = fs_err::read(run.join("network.pcapng")).unwrap();
    assert_eq!(capture[..4], [0x0A, 0x0D, 0x0D, 0x0A]);
    assert!(capture.len() > 10_000, "all that passed is in it");
    assert_eq!(inside(folder.path()), [""; 0], "nothing is left");
    let words = ["replay", "latest", "--out", "results", "--net", "proxy"];
    let mixed = schism(folder.path(), &words).output().unwrap();
    assert_eq!(mixed.status.code(), Some(64));
    assert!(text(&mixed.stderr).contains("--mixed-net"), "{}", text(&mixed.stderr));
}

#[test]
fn nothing_survives_a_controller_that_is_killed_while_nodes_stand_still() {
    if !works() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = r#"{"kind":"plan","format":1,"nodes":3,"system":"raft","workload":true,"entries":[
        {"id":1,"at":"0s","do":"pause","on":"all","for":"60s"}]}"#;
    fs_err::write(folder.path().join("plan.json"), plan).unwrap();
    let words = ["run", "--plan", "plan.json", "--net", "vnet", "--time", "60s", "--out", "results", "-q"];
    let mut controller = schism(folder.path(), &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + 3 * LIMIT;
    let history = || Some(run_folder(&folder.path().join("results"))?.join("history.jsonl"));
    let paused = || fs_err::read_to_string(history()?).ok().filter(|text| text.contains(r#""phase":"in-force""#));
    while paused().is_none() {
        assert!(Instant::now() < deadline, "the nodes were not paused");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(inside(folder.path()).len() > 9, "three cells with three processes each, a keeper and the controller");
    kill(Pid::from_raw(i32::try_from(controller.id()).unwrap()), Signal::SIGKILL).unwrap();
    controller.wait().unwrap();
    while !inside(folder.path()).is_empty() {
        assert!(Instant::now() < deadline + LIMIT, "left behind: {:?}", inside(folder.path()));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_a_network_cannot_express_is_refused_before_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let plan = r#"{"kind":"plan","format":1,"system":"raft","workload":true,"entries":[
        {"id":1,"at":"0s","do":"hold","on":"n1","for":"1s","args":{"type":"append_entries"}}]}"#;
    fs_err::write(folder.path().join("plan.json"), plan).unwrap();
    for (words, what) in [
        (vec!["run", "--fault", "corrupt"], "--net vnet"),
        (vec!["run", "--fault", "rate:kbit=64"], "--net vnet"),
        (vec!["run", "--stock-tcp"], "--net vnet --stock-tcp"),
        (vec!["run", "--pcap"], "--net vnet --pcap"),
        (vec!["run", "--net", "carrier-pigeon"], "auto, proxy, loopback or vnet"),
        (vec!["run", "--net", "vnet", "--plan", "plan.json"], "type"),
    ] {
        let refused = schism(folder.path(), &words).output().unwrap();
        assert_eq!(refused.status.code(), Some(64), "{words:?}: {refused:?}");
        assert!(text(&refused.stderr).contains(what), "{words:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn the_doctor_says_what_works() {
    let told = schism(Path::new("."), &["doctor"]).output().unwrap();
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    for line in ["namespaces as root", "namespaces without root", "proxy    works", "vnet  "] {
        assert!(text(&told.stdout).contains(line), "{line} is missing: {}", text(&told.stdout));
    }
    let refused = schism(Path::new("."), &["doctor", "--require", "tin-cans"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(64));
}
