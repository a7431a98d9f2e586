//! Before the first operation: wait until the system answers at every node, so that slow starts are not taken for
//! unavailability. What is asked here is not part of the history.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use schism_nodes::{NodeId, RequestKind};
use tokio::time::Instant;

use crate::client::{Completion, Dialler};

/// The deadline of one attempt.
const ATTEMPT: Duration = Duration::from_millis(500);
/// The distance between attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The nodes that did not answer a read within `limit`; none if all is well.
pub(super) async fn silent_nodes(dialler: &Arc<dyn Dialler>, nodes: &[NodeId], limit: Duration) -> Vec<NodeId> {
    let deadline = Instant::now() + limit;
    let asked = nodes.iter().map(|node| async move { (*node, answers(&**dialler, nodes, *node, deadline).await) });
    join_all(asked).await.into_iter().filter(|(_, answers)| !answers).map(|(node, _)| node).collect()
}

/// Whether a node answers, or sends the client to one that does.
async fn answers(dialler: &dyn Dialler, nodes: &[NodeId], node: NodeId, deadline: Instant) -> bool {
    let read = RequestKind::Read { key: "ready".to_owned() };
    let (mut writer, mut asked) = (0, node);
    while Instant::now() < deadline {
        let mut client = dialler.client("ready", writer, asked);
        let completion = client.call(&read, ATTEMPT).await;
        if let Completion::Ok { .. } = completion {
            return true;
        }
        asked = completion.redirect(nodes).unwrap_or(node);
        writer += 1;
        tokio::time::sleep(PAUSE).await;
    }
    false
}
