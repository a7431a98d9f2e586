//! The driver from outside: nodes that run a toy protocol, with real sockets, pipes and files.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod clocks;
mod connections;
mod fixture;
mod requests;
mod storage;
mod toy;
mod traps;
