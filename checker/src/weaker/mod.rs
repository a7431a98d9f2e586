//! Properties weaker than linearizability, each in a file of its own with its theorem, where it is from and what it costs.
//!
//! [`Level`] names them all, as the command line does, and [`check`] judges any of them:
//!
//! ```
//! use schism_checker::budget::Unlimited;
//! use schism_checker::linearizability::Options;
//! use schism_checker::models::ModelSpec;
//! use schism_checker::recorder::{Read, Recorder, Write};
//! use schism_checker::verdict::Outcome;
//! use schism_checker::weaker::{self, Level};
//!
//! let recorder = Recorder::new();
//! recorder.invoke(1, Write("x", 5)).ok(());
//! recorder.invoke(2, Read("x")).ok(None::<u8>); // another client does not see it
//! let (history, model) = (recorder.history(), ModelSpec::parse("register", &Default::default()).unwrap());
//! let outcome = |level: &str| {
//!     let level = Level::parse(level).unwrap()[0];
//!     weaker::check(&history, &model, level, &Options::default(), &Unlimited).unwrap().outcome
//! };
//! assert_eq!(outcome("linearizable"), Outcome::Invalid);
//! assert_eq!(outcome("regular"), Outcome::Invalid);
//! assert_eq!(outcome("k-atomic:k=2"), Outcome::Valid);
//! assert_eq!(outcome("read-your-writes"), Outcome::Valid);
//! assert_eq!(outcome("sequential"), Outcome::Valid);
//! ```
//!
//! **What follows from what**, over histories whose values name their writes (a test holds it):
//!
//! ```text
//! linearizable => sequential => causal-memory => causal
//!                 sequential => causal-convergence => causal
//!                               causal-convergence => each session guarantee (by values)
//! linearizable => regular-per-process => regular => safe
//! linearizable <=> 1-atomic <=> staleness 0;   k-atomic => (k+1)-atomic
//! ```
//!
//! Causal consistency alone does not give the session guarantees in the form in which they are checked here, with one order of versions for
//! all sessions: two sessions may see two writes in different orders. What is kept of them is said in [`sessions`].

mod behind;
mod by_key;
pub mod causal;
mod clusters;
mod graph;
mod intervals;
pub mod k_atomic;
mod level;
mod pairs;
pub mod regular;
pub mod regular_per_process;
pub mod safe;
pub mod sessions;
pub mod set_full;
pub mod staleness;
mod two_atomic;
mod two_atomic_core;
mod whole;

use crate::budget::Budget;
use crate::history::{History, Operation};
use crate::linearizability::{self, CheckError, Options};
use crate::model::Model;
use crate::models::ModelSpec;
use crate::models::each::WithModel;
use crate::sequential;
use crate::verdict::Property;

pub use level::{Level, NoLevel};

/// What every check is given.
pub(crate) struct Case<'a, M> {
    pub(crate) operations: &'a [Operation],
    pub(crate) model: &'a M,
    pub(crate) options: &'a Options,
    pub(crate) budget: &'a dyn Budget,
}

/// Checks whether a history is as consistent as `level` says.
pub fn check(
    history: &History,
    model: &ModelSpec,
    level: Level,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check_operations(&history.operations()?, model, level, options, budget)
}

/// Like [`check`], with the operations already paired.
pub fn check_operations(
    operations: &[Operation],
    model: &ModelSpec,
    level: Level,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    match level {
        Level::Linearizable => linearizability::check_operations(operations, model, options, budget),
        Level::Sequential => sequential::check_operations(operations, model, options, budget),
        _ => model.with(Check { operations, level, options, budget }),
    }
}

/// Like [`check_operations`], with a model of the caller's own.
pub fn check_with<M: Model>(
    operations: &[Operation],
    model: &M,
    level: Level,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    match level {
        Level::Linearizable => linearizability::check_with(operations, model, options, budget),
        Level::Sequential => sequential::check_with(operations, model, options, budget),
        Level::CausalMemory => causal::memory(operations, model, options, budget),
        Level::CausalConvergence => causal::convergence(operations, model, options, budget),
        Level::Causal => causal::check(operations, model, options, budget),
        Level::ReadYourWrites => sessions::read_your_writes(operations, model, options, budget),
        Level::MonotonicReads => sessions::monotonic_reads(operations, model, options, budget),
        Level::MonotonicWrites => sessions::monotonic_writes(operations, model, options, budget),
        Level::WritesFollowReads => sessions::writes_follow_reads(operations, model, options, budget),
        Level::SetFull => set_full::check(operations, model, options, budget),
        Level::RegularPerProcess => regular_per_process::check(operations, model, options, budget),
        Level::Regular => regular::check(operations, model, options, budget),
        Level::Safe => safe::check(operations, model, options, budget),
        Level::KAtomic { k } => k_atomic::check(operations, model, k, options, budget),
        Level::Staleness { bound_ms } => staleness::check(operations, model, bound_ms, options, budget),
    }
}

/// A check that waits for its model.
struct Check<'a> {
    operations: &'a [Operation],
    level: Level,
    options: &'a Options,
    budget: &'a dyn Budget,
}

impl WithModel for Check<'_> {
    type Output = Result<Property, CheckError>;

    fn with<M: Model>(self, model: &M) -> Self::Output {
        check_with(self.operations, model, self.level, self.options, self.budget)
    }
}

impl<M> Clone for Case<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Case<'_, M> {}
