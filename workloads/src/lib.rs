//! What clients ask, in which order, and which properties the answers must have.
//!
//! A workload is a pure state machine from seed and completions to invocations: it knows no clock, no socket and no
//! node, so the same one drives real processes and virtual time. Chance comes from the seed alone.

pub mod append;
mod draws;
pub mod durability;
pub mod load;
mod params;
pub mod queue;
pub mod register;
pub mod session;
pub mod set;
pub mod workload;

pub use append::Append;
pub use durability::Durability;
pub use load::Load;
pub use queue::Queue;
pub use register::Register;
pub use session::Session;
pub use set::Set;
pub use workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
    catalog, default_mix, make,
};
