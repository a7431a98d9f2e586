//! The generator and the brute force of the tests of collections, sets, counters, locks and logs.

#[path = "../../../tests/routes/brute_force.rs"]
pub(crate) mod brute_force;
#[path = "../../../tests/routes/generator.rs"]
pub(crate) mod generator;

pub(crate) use crate::random;
