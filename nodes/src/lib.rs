//! Replication protocols as pure state machines, and the process that runs one.
//!
//! A protocol ([`Protocol`]) sees time, disk, network and chance only through its context ([`Cx`]): events in, effects
//! out. The same code runs in a real process ([`driver`]), in golden scripts and in virtual time.
//!
//! This crate knows nothing of checkers, workloads or the controller: it writes notes and answers requests, and does
//! not ask who reads them.

#![warn(clippy::print_stderr)] // it panics where the log's disk is full: `driver::tell` does not

pub mod catalog;
pub mod common;
pub mod config;
pub mod control;
pub mod cx;
pub mod digest;
pub mod driver;
pub mod id;
pub mod note;
pub mod nwr;
pub mod protocol;
pub mod raft;
pub mod request;
pub mod wire;

pub use config::{BugInfo, ConfigError, Consistency, LinkOrder, Parameter, Params, ProtocolInfo};
pub use cx::{Cx, Effect, Seed};
pub use id::{ClientId, Incarnation, NodeId, RequestId, Time};
pub use note::Note;
pub use protocol::{Dump, Event, Protocol, step};
pub use request::{Answer, ErrorCode, Outcome, Refusal, Request, RequestKind};
