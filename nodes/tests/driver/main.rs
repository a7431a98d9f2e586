//! The driver from outside: nodes that run a toy protocol, with real sockets, pipes and files.

mod clocks;
mod connections;
mod fixture;
mod requests;
mod storage;
mod toy;
mod traps;
