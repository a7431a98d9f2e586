//! Whole runs in virtual time: the same bytes each time, correct systems that hold, deliberate bugs that do not, plans of
//! real runs, and the command line.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

mod bugs;
mod clients;
mod command;
mod coordinators;
mod correct;
mod determinism;
mod limits;
mod plans;
mod quorum;
#[path = "../common/shown_by.rs"]
mod shown_by;
mod shrinking;
mod support;
mod workloads;
