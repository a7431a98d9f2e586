//! Points at which a node stops: it stands still, or ends as it was told to.

use schism::cluster::{Cluster, ClusterEvent, NodeState};
use schism_nodes::NodeId;
use schism_nodes::control::TrapAction;
use schism_nodes::note::NotePattern;

use crate::support::{PATIENCE, Running};

const N2: NodeId = NodeId(2);

fn candidate(node: Option<NodeId>) -> NotePattern {
    NotePattern { note: "candidate".to_owned(), node, fields: serde_json::Map::new(), nth: 1 }
}

fn held(event: &ClusterEvent) -> Option<(NodeId, u64)> {
    match event {
        ClusterEvent::Held { node, trap } => Some((*node, *trap)),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_stands_at_a_trap_until_it_is_disarmed() {
    let mut running = Running::start("raft", 3).await;
    let node = running.follower().await;
    let cluster = running.cluster.clone();
    cluster.arm(5, &candidate(Some(node)), TrapAction::Hold).await.unwrap();
    cluster.fire(node, "Election").await.unwrap();
    assert_eq!(running.event(held).await, (node, 5));
    let late = cluster.dump(node, false, std::time::Duration::from_millis(50)).await.unwrap_err();
    assert!(late.to_string().contains("did not answer within 50 ms"), "{late}");
    // Arming another one does not wait for a node that stands still.
    cluster.arm(6, &candidate(None), TrapAction::Hold).await.unwrap();
    cluster.disarm(6).await;
    assert_eq!(cluster.fire(node, "Election").await.unwrap()["when"], "it goes on");
    cluster.disarm(5).await;
    running.note(node, "candidate").await;
    cluster.dump(node, false, PATIENCE).await.unwrap();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_waits_for_a_node_that_is_down() {
    let mut running = Running::start("raft", 3).await;
    let cluster = running.cluster.clone();
    cluster.kill(N2, schism::cluster::Disk::Keep).await.unwrap();
    cluster.arm(7, &candidate(Some(N2)), TrapAction::Hold).await.unwrap();
    cluster.restart(N2).await.unwrap();
    cluster.fire(N2, "Election").await.unwrap();
    assert_eq!(running.event(held).await, (N2, 7));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_point_ends_a_node_once_and_is_no_crash() {
    let mut running = Running::start("raft", 3).await;
    let node = running.follower().await;
    let cluster = running.cluster.clone();
    cluster.arm(8, &candidate(Some(node)), TrapAction::Crash).await.unwrap();
    // Whether its answer is still heard is open: it may be gone before.
    let _ = cluster.fire(node, "Election").await;
    running.note(node, "candidate").await;
    let gone = async {
        while cluster.state(node) != NodeState::Down {
            assert_ne!(cluster.state(node), NodeState::Crashed);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    cluster.restart(node).await.unwrap();
    cluster.fire(node, "Election").await.unwrap();
    running.note(node, "candidate").await;
    cluster.dump(node, false, PATIENCE).await.unwrap();
    assert_eq!(cluster.state(node), NodeState::Up);
    running.stop().await;
}
