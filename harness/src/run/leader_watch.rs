//! Who leads, where nodes do not note it by themselves: each node that runs is asked, again and again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::cluster::{Cluster as _, NodeState, Processes};
use crate::system::AskLeader;

/// The distance between two rounds of questions.
const ROUND: Duration = Duration::from_millis(100);

/// Asks until it is dropped.
#[derive(Debug)]
pub(super) struct LeaderWatch(JoinHandle<()>);

impl LeaderWatch {
    /// Begins to ask.
    pub(super) fn start(question: Arc<dyn AskLeader>, cluster: Arc<Processes>) -> Self {
        LeaderWatch(tokio::spawn(async move {
            loop {
                let nodes = cluster.nodes().into_iter().filter(|node| cluster.state(*node) == NodeState::Up);
                let asked = nodes.map(|node| {
                    let question = Arc::clone(&question);
                    async move { (node, question.leads(node).await) }
                });
                for (node, epoch) in join_all(asked).await {
                    cluster.told_leader(node, epoch);
                }
                sleep(ROUND).await;
            }
        }))
    }
}

impl Drop for LeaderWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}
