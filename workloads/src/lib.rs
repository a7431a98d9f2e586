//! What clients ask, in which order, and which properties the answers must have.
//!
//! A workload is a pure state machine from seed and completions to invocations: it knows no clock, no socket and no
//! node, so the same one drives real processes and virtual time. Chance comes from the seed alone.

pub mod register;
pub mod workload;

pub use register::{Register, RegisterOptions};
pub use workload::{Ended, Invocation, Next, Requirement, Workload, WorkloadError, WorkloadInfo, catalog};
