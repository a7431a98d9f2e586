//! The whole program from outside, on real processes: `schism run` and what belongs to it, as a person or a script meets
//! it.

#![expect(clippy::unwrap_used, reason = "what a test cannot do ends it")]

mod a_run;
mod bad_input;
mod controller_killed;
mod deliberate_bugs;
mod exit_codes;
mod interrupted;
mod limits;
mod live;
mod notes_agree;
mod output_lost;
mod quorums_again;
#[path = "../common/shown_by.rs"]
mod shown_by;
mod support;
mod systems;
mod workloads;
