//! The nodes as processes: start, kill, pause, bend clocks, ask, and follow what they note.

mod actions;
mod beside;
mod body;
#[cfg(target_os = "linux")]
pub mod cell;
pub(crate) mod disk;
pub mod events;
mod life;

pub mod machine;
mod node_log;
mod notes;
mod process_state;
pub mod processes;
mod server;
mod server_log;
mod server_ready;
mod shared;
mod spawner;
mod strain;
mod world;

use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::control::{ClockFault, TrapAction};
use schism_nodes::note::{NoteLine, NotePattern};
use schism_nodes::{Dump, NodeId};
use tokio::sync::broadcast;

pub(crate) use beside::{Beside, ClientLog, ClientStart, run_to_end, start_client};
pub use events::{EventFile, NoteSink, NoteTally};
pub use processes::{Options, Processes, StartError};
pub(crate) use server_log::LogFile;
pub(crate) use server_ready::get;

/// The life of a node's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Started, has not said that it is ready.
    Starting,
    /// Runs and listens.
    Up,
    /// Stopped by a pause.
    Paused,
    /// Not running, because a fault ended it.
    Down,
    /// Ended by itself.
    Crashed,
}

/// What is kept of the log when a node dies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disk {
    /// Everything that was written (`kill`).
    Keep,
    /// What was synced, plus this share (0..=1) of the unsynced rest, torn in the middle of a frame (`powerloss`).
    Tear {
        /// The share of the unsynced bytes that survive.
        share: f64,
    },
    /// Nothing (amnesia).
    Wipe,
}

/// What was seen to prove that an action took effect, for the history: `{"signal":9}`, `{"cut":[4096,8120]}`.
pub type Proof = serde_json::Value;

/// An action that did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The node is not in a state in which that can happen.
    #[error("{node} is {state:?}")]
    State {
        /// Which node.
        node: NodeId,
        /// Its state.
        state: NodeState,
    },
    /// It was done and cannot be proved.
    #[error("{node}: {what}")]
    Unproved {
        /// Which node.
        node: NodeId,
        /// What was not seen.
        what: String,
    },
    /// The node said no.
    #[error("{node} refused: {why}")]
    Refused {
        /// Which node.
        node: NodeId,
        /// Its reason.
        why: String,
    },
    /// The machine said no.
    #[error("{node}: {what}")]
    Machine {
        /// Which node.
        node: NodeId,
        /// What was tried, on which file, and the error.
        what: String,
    },
}

/// Something that the rest of the controller may have to know.
#[derive(Clone, Debug)]
pub enum ClusterEvent {
    /// A node made a note.
    Note(NoteLine),
    /// A node stands at a trap.
    Held {
        /// Which node.
        node: NodeId,
        /// The trap's id.
        trap: u64,
    },
    /// A node ended by itself, or was killed by somebody else.
    Died {
        /// Which node.
        node: NodeId,
        /// How: an exit code or a signal, with the last lines of its log.
        how: Death,
    },
    /// A probe arrived.
    Probe {
        /// Its number.
        number: u64,
        /// Who sent it.
        from: NodeId,
        /// Who got it.
        to: NodeId,
    },
}

/// How a process ended that nobody of ours ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Its exit code, if it exited.
    pub code: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// Whether it had been ready before.
    pub was_ready: bool,
    /// Whether it was somebody else's server, whose exit codes mean nothing of ours.
    pub is_server: bool,
    /// The last lines of its log, lossily decoded.
    pub log: String,
}

/// The nodes under test. Actions return when their effect is proved.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// The universe, in order.
    fn nodes(&self) -> Vec<NodeId>;
    /// The coordinators beside clients, in order: what can be done to a node can be done to them.
    fn coordinators(&self) -> Vec<NodeId> {
        Vec::new()
    }
    /// What a node's process is doing.
    fn state(&self, node: NodeId) -> NodeState;
    /// The node with the highest epoch among notes `leader{epoch}`, if there was one.
    fn leader(&self) -> Option<NodeId>;
    /// What happens from now on.
    fn subscribe(&self) -> broadcast::Receiver<ClusterEvent>;

    /// Ends a process with SIGKILL, does to its log what is asked, and has seen it gone.
    async fn kill(&self, node: NodeId, disk: Disk) -> Result<Proof, ClusterError>;
    /// Starts a node that is down, and has heard that it is ready.
    async fn restart(&self, node: NodeId) -> Result<Proof, ClusterError>;
    /// Stops a process with SIGSTOP, and has seen it stopped.
    async fn pause(&self, node: NodeId) -> Result<Proof, ClusterError>;
    /// Lets a stopped process go on.
    async fn resume(&self, node: NodeId) -> Result<Proof, ClusterError>;
    /// Bends a node's clocks, and has read them back.
    async fn clock(&self, node: NodeId, fault: ClockFault) -> Result<Proof, ClusterError>;
    /// Lets a timer expire.
    async fn fire(&self, node: NodeId, timer: &str) -> Result<Proof, ClusterError>;
    /// Arms a trap at nodes (those that the pattern names, else all), those that are down included: it is theirs when
    /// they start.
    async fn arm(&self, trap: u64, pattern: &NotePattern, action: TrapAction) -> Result<(), ClusterError>;
    /// Disarms a trap everywhere; a node that stands at it goes on.
    async fn disarm(&self, trap: u64);
    /// What a node holds; an error after `deadline`. When it is asked for the `last` time it notes that as well.
    async fn dump(&self, node: NodeId, last: bool, deadline: Duration) -> Result<Dump, ClusterError>;
    /// Has every node that runs send a probe with this number to every other one.
    async fn probe(&self, number: u64);
}
