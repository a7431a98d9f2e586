//! Histories of compare-and-set registers, as the tests of linearizability make them.

#[expect(dead_code, reason = "other tests try every order with it")]
#[path = "../linearizability/brute_force.rs"]
mod brute_force;
#[expect(dead_code, reason = "other tests make other kinds of histories with it")]
#[path = "../linearizability/generator.rs"]
mod generator;

use schism_checker::history::Operation;
use schism_checker::models::ModelSpec;

use super::random::{self, Random};

/// A history in which values name their writes, or do not.
pub(crate) fn history(random: &mut Random) -> (Vec<Operation>, ModelSpec) {
    let object = brute_force::Object::CasRegister;
    let (distinct, keys) = (random.chance(80), 1 + random.below(2));
    let made = generator::history(generator::Kind { object, distinct, keys, operations: 8 }, random);
    (made.operations, generator::model(object, &made.initial))
}
