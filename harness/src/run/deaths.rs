//! Deaths of nodes that no fault caused, recorded in the history for the judge.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::cluster::ClusterEvent;
use crate::recorder::{Draft, Recorder};

/// Records each death as an event `died` of `cluster`, until the cluster is gone; whether none was missed.
pub(super) async fn record(mut events: broadcast::Receiver<ClusterEvent>, recorder: Arc<Recorder>) -> bool {
    let mut complete = true;
    loop {
        let (node, how) = match events.recv().await {
            Ok(ClusterEvent::Died { node, how }) => (node, how),
            Ok(_) => continue,
            Err(RecvError::Lagged(_)) => {
                complete = false;
                continue;
            }
            Err(RecvError::Closed) => return complete,
        };
        let value = json!({
            "node": node, "code": how.code, "signal": how.signal, "was_ready": how.was_ready, "log": how.log,
            "server": how.is_server,
        });
        // The recorder remembers its own failure.
        let _ = recorder.record(Draft::died(node, value));
    }
}
