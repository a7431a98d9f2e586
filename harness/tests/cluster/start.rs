//! Starting a cluster: all nodes or none, with one clear error; what a node inherits, and what not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use schism::cluster::{Processes, StartError};
use schism_nodes::NodeId;

use crate::support::{Direct, ONE_AT_A_TIME, Program, exists, log, options, started};

/// Ends when its control socket ends, and never says a word.
const SILENT: &[&str] = &["/bin/cat"];

/// Why a cluster could not be started; it has left no process.
async fn failure(folder: &tempfile::TempDir, nodes: u16, system: Arc<Program>, patience_ms: u64) -> StartError {
    let mut options = options(folder.path(), nodes, system, Direct::new(nodes));
    options.ready_timeout = Duration::from_millis(patience_ms);
    let error = Processes::start(options).await.expect_err("this cannot become a cluster");
    for pid in started(folder.path()) {
        assert!(!exists(pid), "process {pid} is left");
    }
    error
}

#[tokio::test]
async fn a_missing_executable_is_named() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let error = failure(&folder, 3, Program::first_and_others(SILENT, &["/nowhere/schism"]), 30_000).await;
    assert_eq!(error.to_string(), "n2 could not be started: /nowhere/schism: No such file or directory (os error 2)");
    assert_eq!(started(folder.path()).len(), 1, "n1 had been started, and was ended again");
}

#[tokio::test]
async fn a_node_that_ends_at_the_start_is_told_with_its_log() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let broken = &["/bin/sh", "-c", "echo the lock is taken >&2; exit 3"];
    let error = failure(&folder, 3, Program::first_and_others(broken, SILENT), 30_000).await;
    let told = "n1 ended with exit code 3 before it was ready; its log ends with\nthe lock is taken";
    assert_eq!(error.to_string(), told);
    assert_eq!(started(folder.path()).len(), 3);
}

#[tokio::test]
async fn a_node_that_is_never_ready_is_given_up() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let error = failure(&folder, 1, Program::all(SILENT), 50).await;
    assert_eq!(error.to_string(), "n1 was not ready within 50 ms");
}

#[tokio::test]
async fn a_refusal_is_told_in_the_nodes_words() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    // Standard input is the control socket, and a socket can be written as well.
    let refuses = &["/bin/sh", "-c", r#"echo '{"type":"refused","id":0,"why":"no room"}' >&0; exit 78"#];
    let error = failure(&folder, 1, Program::all(refuses), 30_000).await;
    assert!(matches!(&error, StartError::NotReady { node: NodeId(1), .. }), "{error:?}");
    assert_eq!(error.to_string(), "n1 cannot start: no room");
}

#[tokio::test]
async fn a_node_inherits_a_clear_environment_and_three_descriptors() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let script = "env >&2; pwd >&2; ls -l /proc/$$/fd >&2; exit 1";
    let inherited_by_us = descriptors();
    let system = Program::first_and_others(SILENT, &["/bin/sh", "-c", script]);
    failure(&folder, 3, system, 30_000).await;
    let log = log(folder.path(), 2);
    let home = folder.path().canonicalize().unwrap().join("nodes/n2");
    let mut variables: Vec<&str> = log.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    // The shell sets these two itself.
    variables.retain(|name| !["PWD", "_", "SHLVL", "OLDPWD", "LANG"].contains(name));
    variables.sort_unstable();
    assert_eq!(variables, ["HOME", "NAMED", "PATH", "TMPDIR"], "{log}");
    assert!(log.contains(&format!("HOME={}\n", home.display())), "{log}");
    assert!(log.lines().any(|line| line == home.to_str().unwrap()), "it does not run in its folder: {log}");
    // What the process that runs the tests has inherited itself is not ours to close.
    let fds: BTreeSet<PathBuf> =
        log.lines().filter_map(|line| line.split_once(" -> ").map(|(_, to)| PathBuf::from(to))).collect();
    let ours: Vec<&PathBuf> = fds.difference(&inherited_by_us).collect();
    assert_eq!(ours.len(), 3, "a control socket, a note pipe and a log: {ours:?}");
}

/// Where the descriptors of this process lead.
fn descriptors() -> BTreeSet<PathBuf> {
    let entries = fs_err::read_dir("/proc/self/fd").expect("Linux tells what is open");
    // The descriptor of this listing is closed again before it can be looked at.
    entries.filter_map(|entry| fs_err::read_link(entry.ok()?.path()).ok()).collect()
}
