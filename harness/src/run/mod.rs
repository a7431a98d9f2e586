//! A run: start the nodes, drive the workload, play the plan, heal, read finally, stop, judge, write the folder.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use schism_nodes::{NodeId, RequestKind};
use tokio::sync::watch;

use crate::client::Completion;
use crate::folder::RunFile;
use crate::options::RunOptions;
use crate::verdict::Verdict;

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
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Time since the start of the main phase.
    pub elapsed: Duration,
    /// Operations that ended ok.
    pub ok: u64,
    /// Operations that ended fail.
    pub fail: u64,
    /// Operations that ended info.
    pub info: u64,
    /// What is being done, for people: `partition {n1,n2 | n3}`, `waiting for the nodes`.
    pub doing: String,
}

/// How the caller follows a run, and ends it.
#[derive(Debug)]
pub struct Hooks {
    /// Where the run tells how far it is.
    pub progress: watch::Sender<Progress>,
    /// The signal that asks the run to end in order, once there was one.
    pub interrupt: watch::Receiver<Option<Signal>>,
}

/// A run that has a verdict.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its folder.
    pub folder: PathBuf,
    /// What was run.
    pub run: RunFile,
    /// What came of it.
    pub verdict: Verdict,
}

/// A run that could not be made, and of which there is no verdict.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HarnessError(pub String);

/// Makes a run.
pub async fn execute(_options: &RunOptions, _hooks: Hooks) -> Result<Finished, HarnessError> {
    Err(HarnessError("there is no run controller yet".to_owned()))
}
