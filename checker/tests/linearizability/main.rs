//! Linearizability against a checker that tries everything, on many small random histories, and the words of some
//! explanations.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod brute_force;
mod budgets;
mod cores;
mod edges;
mod explanations;
mod generator;
mod grown;
mod proofs;
mod random;
mod random_histories;
mod sequential;
mod streaming;
mod tried;
