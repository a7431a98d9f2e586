//! A run: start the nodes, drive the workload, play the plan, heal, read finally, stop, judge, write the folder.

pub mod beside;
mod conclude;
mod deaths;
mod dry_run;
mod error;
mod execute;
mod final_phase;
mod hooks;
mod leader_watch;
mod live;
mod live_check;
mod main_phase;
pub mod pool;
pub(crate) mod prepare;
mod ready;
pub mod translate;
pub mod worker;

use async_trait::async_trait;
use schism_nodes::{NodeId, RequestKind};

use crate::client::Completion;

pub use dry_run::dry_run;
pub use error::HarnessError;
pub use execute::{Finished, execute};
pub use hooks::{Hooks, Progress};

/// The workers of a run, as a plan sees them.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Their names, c1, c2, … in order.
    fn names(&self) -> Vec<String>;
    /// Has a worker make a request of its own at `node`, recorded like any other; a worker that is not of the workload
    /// (in a plan without one) is made when it is first named. Returns when it has ended.
    async fn request(&self, worker: &str, node: NodeId, request: RequestKind) -> Completion;
    /// Lets a worker's client die after the first send of its next operation; returns when it has, with the index of
    /// that operation's invocation, or `None` if the run ended before.
    async fn give_up(&self, worker: &str) -> Option<u64>;
    /// Which nodes stored the last write that was acknowledged, as far as its answer tells.
    fn ackers(&self) -> Vec<NodeId> {
        Vec::new()
    }
}
