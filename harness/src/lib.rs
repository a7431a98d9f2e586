//! The controller: processes, network, faults, recording, judging, reports and the command line.
//!
//! A library with a thin `main`, so that someone's own crate can add a protocol, a workload, a model or a fault and get
//! every command. What is under test, who asks it and what lies between its nodes are traits ([`system::System`],
//! [`client::Client`], [`network::Network`]); nothing above them asks which case it is.

pub mod budget;
pub mod chance;
pub mod claims;
pub mod cli;
pub mod client;
pub mod cluster;
pub mod compare;
pub mod exit;
pub mod faults;
pub mod folder;
pub mod judge;
mod lines;
pub mod machine;
pub mod measure;
pub mod network;
pub mod node_main;
pub mod options;
pub mod plan;
pub mod recorder;
pub mod report;
pub mod run;
pub mod serve;
pub mod sim;
pub mod spec;
pub mod system;
mod tail;
pub mod verdict;
