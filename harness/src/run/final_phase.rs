//! After the last fault: wait until the system has come to rest, then read every key at every node.
//!
//! Convergence and durability are judged from those reads alone, so nothing is read before each node's two successive
//! dumps equal each other (nodes need not equal one another), or the time to recover ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use schism_nodes::{Dump, NodeId};
use schism_workloads::Invocation;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Workers;
use super::translate;
use crate::client::Completion;
use crate::cluster::Cluster;
use crate::recorder::Recorder;

/// The distance between two dumps that are compared.
const REST: Duration = Duration::from_millis(200);
/// The distance between two attempts at a read that did not succeed.
const RETRY: Duration = Duration::from_millis(100);

/// What the final phase needs.
pub(super) struct FinalPhase<'a> {
    pub(super) cluster: &'a dyn Cluster,
    pub(super) workers: Arc<dyn Workers>,
    pub(super) recorder: &'a Recorder,
    pub(super) reads: Vec<Invocation>,
    /// How long the system may take to come back.
    pub(super) recover: Duration,
    /// How long nodes that do not tell what they hold are left alone in place of that.
    pub(super) settle: Option<Duration>,
}

impl FinalPhase<'_> {
    /// Carries it out, and records its beginning and what came of it as events of `final`, for the judge.
    pub(super) async fn run(&self) -> Result<(), crate::recorder::RecorderError> {
        let begun = Instant::now();
        let deadline = begun + self.recover;
        self.recorder.nemesis("final", 0, "begin", Value::Null)?;
        let rested = self.rest(deadline).await;
        for node in self.cluster.nodes() {
            // One that is dead or stuck has nothing to tell: its notes end without it.
            let _ = self.cluster.dump(node, true, REST * 5).await;
        }
        self.recorder.nemesis("final", 0, "in-force", json!({ "rested": rested }))?;
        let answered = self.read_everywhere(deadline).await;
        let seconds = begun.elapsed().as_secs_f64();
        self.recorder.nemesis("final", 0, "end", json!({ "answered": answered, "seconds": seconds }))?;
        Ok(())
    }

    /// Waits until all nodes have come to rest; which of them have.
    async fn rest(&self, deadline: Instant) -> BTreeMap<String, bool> {
        if let Some(settle) = self.settle {
            tokio::time::sleep_until(deadline.min(Instant::now() + settle)).await;
            return BTreeMap::new();
        }
        let mut before: BTreeMap<NodeId, Option<Dump>> = BTreeMap::new();
        loop {
            let mut rested = BTreeMap::new();
            for node in self.cluster.nodes() {
                let dump = self.cluster.dump(node, false, REST * 5).await.ok();
                let rests = dump.is_some() && before.get(&node) == Some(&dump);
                rested.insert(node.to_string(), rests);
                before.insert(node, dump);
            }
            if rested.values().all(|rests| *rests) || Instant::now() >= deadline {
                return rested;
            }
            tokio::time::sleep(REST).await;
        }
    }

    /// Reads every key at every node, again and again where that does not succeed; at which nodes all were answered.
    async fn read_everywhere(&self, deadline: Instant) -> BTreeMap<String, bool> {
        let nodes = self.cluster.nodes();
        let at_nodes = nodes.iter().enumerate().map(|(place, node)| async move {
            let worker = format!("c{}", place + 1);
            (node.to_string(), self.read_all(&worker, *node, deadline).await)
        });
        join_all(at_nodes).await.into_iter().collect()
    }

    /// Reads every key at a node, or where that sends the client: whether all were answered.
    async fn read_all(&self, worker: &str, node: NodeId, deadline: Instant) -> bool {
        let nodes = self.cluster.nodes();
        for read in &self.reads {
            let Ok(request) = translate::request(read) else { return false };
            let mut asked = node;
            loop {
                let completion = self.workers.request(worker, asked, request.clone()).await;
                if let Completion::Ok { .. } = completion {
                    break;
                }
                if Instant::now() + RETRY >= deadline {
                    return false;
                }
                // Nobody else is asked unasked: that would hide a node which does not serve.
                asked = completion.redirect(&nodes).unwrap_or(node);
                tokio::time::sleep(RETRY).await;
            }
        }
        true
    }
}
