//! Coordinators beside clients: a client that dies takes its coordinator with it, in the middle of what that does for it.
//!
//! Between two stores a process is for microseconds only, so that nobody can aim at it from outside: the coordinator has a
//! crash point at the note that it makes there. Where it does not come to that, since the operation fails before, it is killed
//! when the operation has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use schism_nodes::control::TrapAction;
use schism_nodes::note::NotePattern;
use schism_nodes::{NodeId, RequestKind};

use crate::client::{Client, Completion};
use crate::cluster::{Cluster, Disk, NodeState};
use crate::system::System;

/// The numbers of crash points begin here: those of plans' entries are small.
const FIRST_TRAP: u64 = 1 << 48;

/// See the module's head.
#[expect(missing_debug_implementations, reason = "it holds traits of others")]
pub struct Beside {
    cluster: Arc<dyn Cluster>,
    system: Arc<dyn System>,
    traps: AtomicU64,
}

impl Beside {
    /// For the coordinators of a cluster.
    pub fn new(cluster: Arc<dyn Cluster>, system: Arc<dyn System>) -> Self {
        Beside { cluster, system, traps: AtomicU64::new(FIRST_TRAP) }
    }

    /// The one whom a worker asks, if there are such.
    pub(super) fn of(&self, worker: &str) -> Option<NodeId> {
        let own = worker.parse().ok()?;
        self.cluster.coordinators().contains(&own).then_some(own)
    }

    /// Makes a request of a client that dies meanwhile. When this returns the next client's coordinator is there.
    pub(super) async fn die(
        &self,
        coordinator: NodeId,
        client: &mut dyn Client,
        request: &RequestKind,
        deadline: Duration,
    ) -> Completion {
        let trap = self.traps.fetch_add(1, Ordering::Relaxed);
        if let Some(note) = self.system.midway(request) {
            let pattern =
                NotePattern { note: note.to_owned(), node: Some(coordinator), fields: serde_json::Map::new(), nth: 1 };
            if let Err(error) = self.cluster.arm(trap, &pattern, TrapAction::Crash).await {
                // It is killed after the operation then, as where it makes no such note.
                tracing::debug!(%error, "{coordinator} cannot be told where to die");
            }
        }
        let completion = client.call(request, deadline).await;
        // Its crash point may have ended it already, or be about to: then it is not this that does.
        let killed = self.cluster.kill(coordinator, Disk::Keep).await;
        self.cluster.disarm(trap).await;
        if self.cluster.state(coordinator) == NodeState::Down {
            if let Err(error) = self.cluster.restart(coordinator).await {
                tracing::error!(%error, "{coordinator} cannot be started again");
            }
        } else if let Err(error) = killed {
            tracing::error!(%error, "{coordinator} outlives its client");
        }
        completion
    }
}
