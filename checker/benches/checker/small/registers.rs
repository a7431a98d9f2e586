//! The generator and the brute force of the tests of registers, maps and locks.

#[path = "../../../tests/linearizability/brute_force.rs"]
pub(crate) mod brute_force;
#[path = "../../../tests/linearizability/generator.rs"]
pub(crate) mod generator;

pub(crate) use crate::random;
