//! The one trait of all workloads.

use std::sync::Arc;
use std::time::Duration;

use schism_checker::history::Ending;
use serde_json::Value;

/// A pure state machine from seed and completions to invocations.
///
/// Operation k of a worker depends on the seed, the worker and k alone, and for a compare-and-set on the last value
/// seen: taking a worker or a fault away leaves the others as they were.
pub trait Workload: Send {
    /// What a worker does next, `now` after the start of the main phase. Asked again after each completion of that
    /// worker, and after each [`Next::Wait`].
    fn next(&mut self, worker: usize, now: Duration) -> Next;

    /// An operation of a worker ended.
    fn update(&mut self, worker: usize, ended: &Ended<'_>);

    /// What is read, at every node, when the system has come to rest after the last fault.
    fn final_reads(&self) -> Vec<Invocation>;

    /// What the answers must be.
    fn requirement(&self) -> Requirement;
}

/// What a worker does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// An operation, at a time since the start of the main phase, or at once if that is past.
    Operation {
        /// What is asked.
        invocation: Invocation,
        /// When.
        due: Duration,
    },
    /// Nothing before this time since the start.
    Wait {
        /// When to ask again.
        until: Duration,
    },
    /// Nothing any more.
    Done,
}

/// What is asked, in the terms of a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Invocation {
    /// What is done: `read`, `write`, `cas`.
    pub f: Arc<str>,
    /// To which object.
    pub key: Value,
    /// The value written; `[from, to]` for a compare-and-set; null for a read.
    pub value: Value,
}

/// An operation that ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// What was asked.
    pub invocation: &'a Invocation,
    /// How it ended.
    pub ending: Ending,
    /// The value read, for a read that ended `ok`.
    pub value: Option<&'a Value>,
}

/// What the answers to a workload must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// The model that they are judged by, as `--model` names it.
    pub model: String,
    /// The value of a key that was never written.
    pub initial: Value,
}

/// What a workload says of itself, for `schism list`.
#[derive(Clone, Debug)]
pub struct WorkloadInfo {
    /// Its name.
    pub name: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// The request types that it may make; the first ones that a system must serve are told by its error.
    pub requests: &'static [&'static str],
}

/// The workloads that there are.
pub fn catalog() -> Vec<WorkloadInfo> {
    vec![crate::register::info()]
}

/// A workload that cannot be made as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// The system does not serve what the workload needs.
    #[error("workload {workload} needs requests of type {needs:?}; the system serves {serves:?}")]
    NotServed {
        /// The workload.
        workload: &'static str,
        /// What it needs.
        needs: String,
        /// What there is.
        serves: Vec<String>,
    },
    /// The mix names something that the workload does not do.
    #[error("the mix names {given:?}; workload {workload} does {known:?}")]
    Mix {
        /// The workload.
        workload: &'static str,
        /// What was given.
        given: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A number is out of its range.
    #[error("{what} must be {expected}")]
    Range {
        /// Which.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}
