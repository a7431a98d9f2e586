//! A stdout that nobody reads, that is closed or full, and a results folder without space.

use std::process::Command;

use crate::support::{Bench, Ended};

const RUN: &str = r#""$schism" run "$system" --nodes 3 --time 1s --rate 3000 --keys 1 --faults none --seed 1 -q"#;
const VALID: &str = "nwr:n=3,w=2,r=2,writeback=on";
const INVALID: &str = "nwr:n=3,w=1,r=1";

/// A line for the shell, which can do with streams and file systems what it likes.
fn shell(bench: &Bench, system: &str, line: &str) -> Ended {
    let mut shell = bench.in_folder(Command::new("sh"), &["-c", line]);
    shell.env("schism", assert_cmd::cargo::cargo_bin!("schism")).env("system", system);
    bench.end(shell)
}

#[test]
fn a_stdout_that_nobody_reads_keeps_the_code_of_the_verdict() {
    for (system, code) in [(VALID, 0), (INVALID, 1)] {
        let bench = Bench::new();
        // Whoever reads this pipe has ended before anything is written to it.
        let line = format!("mkfifo pipe; {{ true <pipe & exec 3>pipe; wait $!; }}; {RUN} >&3");
        let ended = shell(&bench, system, &line);
        ended.expect(code);
        assert_eq!(ended.stderr, "error: stdout was closed before the result was written\n");
        assert!(bench.run().join("verdict.json").exists());
    }
}

#[test]
fn a_run_without_any_stdout_keeps_the_code_too() {
    for (system, code) in [(VALID, 0), (INVALID, 1)] {
        let bench = Bench::new();
        shell(&bench, system, &format!("{RUN} >&-")).expect(code);
        assert!(bench.run().join("verdict.json").exists());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_stdout_is_a_failure_of_the_harness_but_hides_no_violation() {
    for (system, code) in [(VALID, 4), (INVALID, 1)] {
        let bench = Bench::new();
        let ended = shell(&bench, system, &format!("{RUN} >/dev/full"));
        ended.expect(code);
        assert!(ended.stderr.starts_with("error: the result cannot be written to stdout: "), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(bench.run().join("verdict.json").exists());
    }
}

/// Mounts a small file system as the results folder, in a name space of its own, which goes with the command.
#[cfg(target_os = "linux")]
fn small_results(bench: &Bench, system: &str, size: &str, line: &str) -> Option<Ended> {
    fs_err::create_dir(bench.results()).unwrap();
    let mount = format!("mount -t tmpfs -o size={size} none results");
    let unshare = if nix::unistd::geteuid().is_root() { "unshare -m" } else { "unshare -rm" };
    let possible = shell(bench, VALID, &format!("{unshare} sh -c '{mount}'"));
    if !possible.status.success() {
        eprintln!("skipped: this machine lets nobody mount a small file system: {}", possible.stderr.trim());
        return None;
    }
    Some(shell(bench, system, &format!("{unshare} sh -c '{mount} && {line}'")))
}

/// Records as much as it can.
const FAST: &str =
    "\"$schism\" run \"$system\" --nodes 3 --time 3s --rate 0 --concurrency 32 --faults none --seed 1 -q";

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_in_the_results_folder_is_a_failure_of_the_harness() {
    // Too small for the folder itself, for the nodes' logs, for what the run records.
    for size in ["4k", "64k", "1m"] {
        let bench = Bench::new();
        let line = format!("{FAST}; code=$?; find results -name \"*.part\" >&2; exit $code");
        let Some(ended) = small_results(&bench, VALID, size, &line) else { return };
        assert_eq!(ended.code(), 4, "{size}: {ended:?}");
        ended.one_error();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_hides_no_violation() {
    let bench = Bench::new();
    let Some(ended) = small_results(&bench, INVALID, "1m", FAST) else { return };
    ended.expect(1);
    assert!(ended.stdout.contains("INVALID") && ended.stdout.contains("No space left"), "{ended:?}");
}
