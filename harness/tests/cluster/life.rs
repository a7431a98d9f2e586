//! What is done to nodes that run: killed, restarted, paused, asked, and their clocks bent.

use std::time::Duration;

use schism::cluster::{Cluster, ClusterError, ClusterEvent, Disk, NodeState};
use schism_nodes::NodeId;
use schism_nodes::control::ClockFault;
use serde_json::json;

use crate::support::{PATIENCE, Running, events};

const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_leader_is_replaced_and_comes_back() {
    let mut running = Running::start("raft", 3).await;
    let cluster = running.cluster.clone();
    let first = running.leader_but(&[]).await;
    running.write(first, "x", 1).await;

    let proof = cluster.kill(first, Disk::Keep).await.unwrap();
    assert_eq!(proof, json!({ "signal": 9, "incarnation": 1 }));
    assert_eq!(cluster.state(first), NodeState::Down);
    assert_eq!(cluster.leader(), Some(first), "until another one says that it leads");
    let dead = cluster.kill(first, Disk::Keep).await.unwrap_err();
    assert!(matches!(dead, ClusterError::State { state: NodeState::Down, .. }), "{dead}");
    let second = running.leader_but(&[first]).await;
    assert_ne!(second, first);

    let proof = cluster.restart(first).await.unwrap();
    assert_eq!((&proof["incarnation"], &proof["torn"]), (&json!(2), &json!(0)));
    assert!(proof["records"].as_u64().unwrap() > 0, "it kept its log: {proof}");
    assert_eq!(cluster.state(first), NodeState::Up);
    let alive = cluster.restart(first).await.unwrap_err();
    assert!(matches!(alive, ClusterError::State { state: NodeState::Up, .. }), "{alive}");

    let folder = running.folder.path().to_owned();
    let tally = cluster.stop().await;
    assert!(tally.notes > 0 && tally.is_complete(), "{tally:?}");
    let lines = events(&folder);
    let zero = &lines[0]["zero"];
    assert!(zero.is_u64(), "notes have a place on the history's clock: {}", lines[0]);
    assert_eq!(lines[0], json!({ "schism": "events", "format": 1, "run": "test-run", "zero": zero }));
    let notes = u64::try_from(lines.iter().filter(|line| line.get("note").is_some()).count()).unwrap();
    assert_eq!(notes, tally.notes);
    assert!(cluster.restart(first).await.is_err(), "nothing starts after the end");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_or_torn_log_is_what_a_node_starts_with() {
    let running = Running::start("nwr:n=3,w=3,r=1", 3).await;
    let cluster = &running.cluster;
    for value in 1..=20 {
        running.write(N1, "x", value).await;
    }
    let whole = cluster.kill(N1, Disk::Tear { share: 1.0 }).await.unwrap();
    assert_eq!(whole["kept"], whole["written"], "{whole}");
    assert!(whole["synced"].as_u64().unwrap() > 0, "{whole}");
    let kept = cluster.restart(N1).await.unwrap()["records"].as_u64().unwrap();
    assert!(kept >= 20, "{kept} records of 20 acknowledged writes");

    let wiped = cluster.kill(N1, Disk::Wipe).await.unwrap();
    assert!(wiped["wiped"]["bytes"].as_u64().unwrap() > 0, "{wiped}");
    assert_eq!(cluster.restart(N1).await.unwrap()["records"], 0);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_syncs_a_loss_of_power_takes_what_was_acknowledged() {
    let running = Running::start("nwr:n=1,w=1,r=1,sync=off", 1).await;
    running.write(N1, "x", 1).await;
    let torn = running.cluster.kill(N1, Disk::Tear { share: 0.5 }).await.unwrap();
    assert!(torn["kept"].as_u64() < torn["written"].as_u64(), "{torn}");
    let proof = running.cluster.restart(N1).await.unwrap();
    assert_eq!(proof["records"], 0, "{proof}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_node_stands_still_until_it_is_resumed() {
    let running = Running::start("nwr:n=3,w=2,r=2", 3).await;
    let cluster = &running.cluster;
    assert_eq!(cluster.pause(N2).await.unwrap(), json!({ "seen": "stopped" }));
    assert_eq!(cluster.state(N2), NodeState::Paused);
    for refused in [cluster.pause(N2).await, cluster.fire(N2, "Retry").await, cluster.restart(N2).await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, ClusterError::State { state: NodeState::Paused, .. }), "{error}");
    }
    assert_eq!(cluster.clock(N2, ClockFault::default()).await.unwrap(), json!({ "right_from": "resume" }));
    assert_eq!(cluster.resume(N2).await.unwrap(), json!({ "seen": "running" }));
    assert!(cluster.dump(N2, false, PATIENCE).await.unwrap().is_empty());

    // A paused node can be killed, and a cluster with a paused node can be stopped.
    cluster.pause(N1).await.unwrap();
    assert_eq!(cluster.kill(N1, Disk::Keep).await.unwrap()["signal"], 9);
    cluster.pause(N3).await.unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bent_clocks_are_read_back() {
    let running = Running::start("nwr:n=1,w=1,r=1", 1).await;
    let cluster = &running.cluster;
    let fault = ClockFault { offset_ns: -3_600_000_000_000, rate: 2.0 };
    let proof = cluster.clock(N1, fault).await.unwrap();
    assert_eq!(proof["offset_ms"], -3_600_000);
    assert!((proof["rate"].as_f64().unwrap() - 2.0).abs() < 0.05, "{proof}");
    let proof = cluster.clock(N1, ClockFault { offset_ns: 250_000_000, rate: 0.5 }).await.unwrap();
    assert_eq!(proof["offset_ms"], 250);
    let impossible = cluster.clock(N1, ClockFault { offset_ns: 0, rate: -1.0 }).await.unwrap_err();
    assert!(matches!(impossible, ClusterError::Refused { .. }), "{impossible}");

    // A fault on a clock outlives its node, until it is healed.
    cluster.kill(N1, Disk::Keep).await.unwrap();
    let dead = cluster.clock(N1, fault).await.unwrap_err();
    assert!(matches!(dead, ClusterError::State { state: NodeState::Down, .. }), "{dead}");
    assert_eq!(cluster.clock(N1, ClockFault::default()).await.unwrap(), json!({ "right_from": "start" }));
    cluster.restart(N1).await.unwrap();
    assert_eq!(cluster.clock(N1, ClockFault::default()).await.unwrap(), json!({ "offset_ms": 0, "rate": 1.0 }));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_is_fired_by_its_name() {
    let mut running = Running::start("raft", 3).await;
    let follower = running.follower().await;
    assert_eq!(running.cluster.fire(follower, "Election").await.unwrap(), json!({ "fired": "Election" }));
    running.note(follower, "candidate").await;
    let unknown = running.cluster.fire(follower, "Lunch").await.unwrap_err();
    assert!(unknown.to_string().contains("no timer \"Lunch\""), "{unknown}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_in_a_dump() {
    let running = Running::start("nwr:n=3,w=3,r=1", 3).await;
    running.write(N1, "x", 7).await;
    for node in [N1, N2, N3] {
        let dump = running.cluster.dump(node, false, PATIENCE).await.unwrap();
        assert!(dump["x"].to_string().contains('7'), "{dump:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_arrive_from_everybody_at_everybody() {
    let mut running = Running::start("nwr", 3).await;
    let pairs = [(N1, N2), (N1, N3), (N2, N1), (N2, N3), (N3, N1), (N3, N2)];
    for (from, to) in pairs {
        // A link that is not up yet loses its probe, so that more than one may be needed.
        for number in 1_u64.. {
            running.cluster.probe(number).await;
            let arrived = running.event(|event| match event {
                ClusterEvent::Probe { from: by, to: at, .. } => ((*by, *at) == (from, to)).then_some(()),
                _ => None,
            });
            if tokio::time::timeout(Duration::from_millis(100), arrived).await.is_ok() {
                break;
            }
            assert!(number < 600, "no probe from {from} to {to}");
        }
    }
    running.stop().await;
}
