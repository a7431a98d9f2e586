//! The properties weaker than linearizability against their definitions, on many small random histories, and what follows from what.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers too")]

mod brute_force;
mod brute_force_whole;
mod cas;
mod generator;
mod lattice;
#[path = "../linearizability/random.rs"]
mod random;
mod registers;
mod sets;
mod whole;
