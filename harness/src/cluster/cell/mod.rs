//! Cells: a process with all that it forks, in a PID namespace of its own. Linux only.
//!
//! ```text
//! controller ── keeper            init of the run's PID namespace: ends with the controller, and takes everything along
//!            └─ cell              waits for its init and ends as that did; nothing of the system under test runs in it
//!               └─ init           init of the cell's own PID namespace: reaps, and ends with the program
//!                  └─ program …   what is under test, with whatever it forks
//! ```
//!
//! The kernel ends all members of a PID namespace with its init, and its init is gone only after they are. So a cell that
//! has been reaped leaves nobody behind, however its members tried to hide: in sessions of their own, as daemons, stopped.
//! What runs in the three processes of ours is in [`inside`]; what the controller does to a cell in [`outside`].

pub mod inside;
pub mod outside;
