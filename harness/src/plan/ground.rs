//! What a plan must know of the system that it is played on.

use std::time::Duration;

use schism_nodes::{LinkOrder, NodeId};

use crate::network::Rung;
use crate::system::System;

/// The facts about a cluster that decide which plans make sense on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// The system with its parameters, for messages.
    pub system: String,
    /// The universe, in order.
    pub nodes: Vec<NodeId>,
    /// Whether each client has a coordinator beside it, whom it asks where a plan names no node.
    pub beside_clients: bool,
    /// Whether the system has a leader that makes itself known.
    pub has_leader: bool,
    /// What it needs of its links.
    pub links: LinkOrder,
    /// The request types that it serves.
    pub requests: Vec<String>,
    /// What lies between the nodes, which decides what can be done to their messages.
    pub rung: Rung,
    /// How long it typically takes to serve again after a fault; lengths and distances of faults scale with it.
    pub recovery: Duration,
    /// Whether its nodes are ours: they bend their clocks, and sync where it can be seen.
    pub ours: bool,
}

impl Ground {
    /// The facts about `system` on nodes `n1 … n<count>`.
    pub fn of(system: &dyn System, count: u16, rung: Rung) -> Self {
        Ground {
            system: system.label(),
            nodes: NodeId::universe(count),
            beside_clients: system.beside_clients(),
            has_leader: system.has_leader(),
            links: system.links(),
            requests: system.requests(),
            rung,
            recovery: system.recovery(),
            ours: system.means().ours,
        }
    }

    /// Whether it is a node, or may be a coordinator beside a client.
    pub fn has(&self, node: NodeId) -> bool {
        self.nodes.contains(&node) || (self.beside_clients && node.is_coordinator())
    }

    /// By how much the lengths of faults and the distances between them are longer than for a system that recovers
    /// within half a second; never below 1/10, so that no fault is over before it can be seen.
    pub fn scale(&self) -> f64 {
        (self.recovery.as_secs_f64() / 0.5).max(0.1)
    }
}
