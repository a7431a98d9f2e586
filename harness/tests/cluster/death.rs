//! Deaths that nobody here caused, nodes that cannot start, and ends of the whole cluster.

use std::net::TcpListener;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use schism::cluster::{Cluster, ClusterEvent, Disk, NodeState, NoteSink, Processes};
use schism::network::Network as _;
use schism_nodes::NodeId;

use crate::support::{Direct, ONE_AT_A_TIME, PATIENCE, Running, built_in, exists, options, started};

const N2: NodeId = NodeId(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_death_that_we_did_not_cause_is_told() {
    let mut running = Running::start("nwr", 3).await;
    let cluster = running.cluster.clone();
    let pid = i32::try_from(cluster.pid(N2).unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGABRT).unwrap();
    let (node, how) = running
        .event(|event| match event {
            ClusterEvent::Died { node, how } => Some((*node, how.clone())),
            _ => None,
        })
        .await;
    assert_eq!((node, how.code, how.signal, how.was_ready), (N2, None, Some(6), true));
    assert_eq!((cluster.state(N2), cluster.pid(N2)), (NodeState::Crashed, None));
    assert!(cluster.kill(N2, Disk::Keep).await.is_err());
    cluster.restart(N2).await.unwrap();
    assert_eq!(cluster.state(N2), NodeState::Up);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_told_in_the_nodes_words_and_leaves_nothing() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let network = Direct::new(3);
    let address = network.address(N2);
    let _taken = TcpListener::bind(address).unwrap();
    let error = Processes::start(options(folder.path(), 3, built_in("nwr", 3), network)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("n2 cannot start: n2 cannot listen on {address}")), "{text}");
    for pid in started(folder.path()) {
        assert!(!exists(pid), "process {pid} is left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_log_refuses_the_restart() {
    let running = Running::start("nwr:n=3,w=3,r=1", 3).await;
    for value in 1..=3 {
        running.write(N2, "x", value).await;
    }
    running.cluster.kill(N2, Disk::Keep).await.unwrap();
    let wal = running.folder.path().join("nodes/n2/data/wal");
    let mut bytes = fs_err::read(&wal).unwrap();
    bytes[12] ^= 1;
    fs_err::write(&wal, bytes).unwrap();
    let error = running.cluster.restart(N2).await.unwrap_err().to_string();
    assert!(error.contains("is damaged") && error.contains("n2/data/wal"), "{error}");
    assert_eq!(running.cluster.state(N2), NodeState::Crashed);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_dropped_ends() {
    let running = Running::start("nwr", 3).await;
    running.cluster.pause(N2).await.unwrap();
    let pids = started(running.folder.path());
    assert_eq!(pids.len(), 3);
    let Running { cluster, folder: _folder, .. } = running;
    drop(cluster);
    let gone = async {
        while pids.iter().any(|pid| exists(*pid)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("no process is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_events_is_told_and_ends_nothing() {
    let _one = ONE_AT_A_TIME.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path(), 1, built_in("nwr", 1), Direct::new(1));
    options.sink = Box::new(Full);
    let cluster = Processes::start(options).await.unwrap();
    assert_eq!(cluster.state(NodeId(1)), NodeState::Up);
    let tally = cluster.stop().await;
    assert!(tally.write_error.as_ref().is_some_and(|error| error.contains("No space left")), "{tally:?}");
    assert!(!tally.is_complete());
}

/// As a file on a disk that is full.
struct Full;

impl NoteSink for Full {
    fn append(&mut self, _line: &str) -> std::io::Result<()> {
        Err(nix::errno::Errno::ENOSPC.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
