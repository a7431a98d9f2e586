//! The models of collections, sets, counters, locks and logs, and the algorithms for them, against a checker that tries
//! everything, on many small random histories.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod brute_force;
mod cores;
mod explanations;
mod generator;
#[path = "../linearizability/grown.rs"]
mod grown;
#[path = "../linearizability/random.rs"]
mod random;
mod random_histories;
mod streaming;
