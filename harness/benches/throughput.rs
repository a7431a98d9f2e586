//! How many operations a second the controller records, on a system that costs as little as one can: one node, no syncs,
//! no faults. Nodes and controller share the machine.
//!
//! `cargo bench -p schism --bench throughput` makes three runs in each of three ways, and prints the median of each.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use schism::verdict::Verdict;

/// How often each is run.
const RUNS: u64 = 3;
/// The main phase of a run, in seconds.
const SECONDS: u32 = 10;
/// What differs between the ways.
const WAYS: [&[&str]; 3] =
    [&["--rate", "0", "--concurrency", "16"], &["--rate", "0"], &["--rate", "50000", "--concurrency", "16"]];

/// What one run showed.
#[derive(Clone, Copy)]
struct Figures {
    operations_per_second: f64,
    /// Between the end of the main phase and that of the program: the wait for open operations, the final reads, the
    /// stop, the check, the reports.
    afterwards: Duration,
}

fn main() {
    // Test runners start this program as well, and expect it to be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<34} {:>14} {:>14}   load of the machine before", "", "operations/s", "afterwards");
    for way in WAYS {
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut figures: Vec<Figures> = (1..=RUNS).map(|seed| run(way, seed)).collect();
        figures.sort_by(|one, other| one.operations_per_second.total_cmp(&other.operations_per_second));
        let Figures { operations_per_second, afterwards } = figures[figures.len() / 2];
        let load = load.split(' ').next().unwrap_or_default();
        let (way, afterwards) = (way.join(" "), afterwards.as_secs_f64());
        println!("{way:<34} {operations_per_second:>14.0} {afterwards:>12.1} s   {load}");
    }
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| usage.max_rss());
    println!("peak memory of any process, the check included: {} MiB", peak / 1024);
}

fn run(way: &[&str], seed: u64) -> Figures {
    let out = tempfile::tempdir().expect("there is room for a run folder");
    let begin = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_schism"))
        .args(["run", "nwr:n=1,w=1,r=1,sync=off", "--faults", "none", "--keys", "5", "-q"])
        .args(["--time", &format!("{SECONDS}s"), "--seed", &seed.to_string()])
        .args(way)
        .arg("--out")
        .arg(out.path())
        .stdout(Stdio::null())
        .status()
        .expect("the program was built with this one");
    let taken = begin.elapsed();
    assert!(status.success(), "the run ended with {status}");
    let total = verdict(out.path()).coverage.total();
    // The few reads of the final phase are among them.
    #[expect(clippy::cast_precision_loss, reason = "a float is exact up to 2^53 operations")]
    let operations_per_second = (total.ok + total.fail + total.info) as f64 / f64::from(SECONDS);
    Figures { operations_per_second, afterwards: taken.saturating_sub(Duration::from_secs(SECONDS.into())) }
}

/// The verdict of the only run in a results folder.
fn verdict(results: &Path) -> Verdict {
    let latest = results.join("latest").join("verdict.json");
    let bytes = std::fs::read(&latest).unwrap_or_else(|error| panic!("{}: {error}", latest.display()));
    serde_json::from_slice(&bytes).expect("the program writes what it reads")
}
