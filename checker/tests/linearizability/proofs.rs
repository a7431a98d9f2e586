//! Proofs are found for every verdict, and verification takes those that hold and no other.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::prove;
use schism_checker::models::ModelSpec;
use schism_checker::proof::{self, Claim, Order, Proof};
use schism_checker::verdict::{Outcome, Property};
use schism_checker::verify::{Verified, verify};
use serde_json::Value;

use crate::brute_force::{Object, State, apply};
use crate::random::Random;

/// A linearizable history has an order that verification takes; of changed ones it takes those that hold as well.
pub(crate) fn valid_is_proved(
    object: Object,
    initial: &Value,
    operations: &[Operation],
    model: &ModelSpec,
    property: &Property,
    random: &mut Random,
    told: &str,
) {
    // Vacuous or not, it can be proved.
    let property = Property { outcome: Outcome::Valid, ..property.clone() };
    let proof = prove(operations, model, &property, &Unlimited).expect(told);
    assert_eq!(proof::read(&proof::write(&proof)).unwrap(), proof, "{told}");
    let verified = verify(operations, model, &proof);
    assert!(matches!(verified, Ok(Verified::Linearizable { .. })), "{verified:?}: {proof:#?}\n{told}");
    assert!(holds(object, initial, operations, model, &proof), "{proof:#?}\n{told}");
    for _ in 0..3 {
        let changed = changed(proof.clone(), operations.len(), random);
        let verified = verify(operations, model, &changed);
        let holds = holds(object, initial, operations, model, &changed);
        assert_eq!(verified.is_ok(), holds, "{verified:?}: {changed:#?}\n{told}");
    }
}

/// The proof with something wrong, usually.
fn changed(mut proof: Proof, operations: usize, random: &mut Random) -> Proof {
    let Claim::Valid { orders } = &mut proof.claim else { panic!("it proves that a history is valid") };
    if orders.is_empty() {
        orders.push(Order { key: None, order: Vec::new() });
    }
    let which = random.below(orders.len());
    if random.chance(5) {
        orders.remove(which);
        return proof;
    }
    if random.chance(5) {
        let twice = orders[which].clone();
        orders.push(twice);
        return proof;
    }
    let order = &mut orders[which].order;
    let place = |random: &mut Random, order: &Vec<usize>| random.below(order.len().max(1));
    match random.below(4) {
        0 if order.len() > 1 => {
            let place = random.below(order.len() - 1);
            order.swap(place, place + 1);
        }
        1 if !order.is_empty() => {
            order.remove(place(random, order));
        }
        2 if !order.is_empty() => {
            let moved = order.remove(place(random, order));
            order.insert(random.below(order.len() + 1), moved);
        }
        _ => order.insert(random.below(order.len() + 1), random.below(operations + 1)),
    }
    proof
}

/// Whether the proof holds, checked in the plainest way.
fn holds(object: Object, initial: &Value, operations: &[Operation], model: &ModelSpec, proof: &Proof) -> bool {
    let Claim::Valid { orders } = &proof.claim else { return false };
    let by_key = !matches!(model, ModelSpec::MultiRegister(_));
    let key = |number: usize| operations[number].key.as_deref().filter(|_| by_key);
    let all: Vec<usize> = orders.iter().flat_map(|order| order.order.iter().copied()).collect();
    let known = all.iter().all(|&number| number < operations.len() && operations[number].ending != Ending::Fail);
    let complete = (0..operations.len()).all(|number| {
        let times = all.iter().filter(|&&it| it == number).count();
        if operations[number].ending == Ending::Ok { times == 1 } else { times <= 1 }
    });
    let keys_differ = orders.iter().enumerate().all(|(place, one)| {
        orders[..place].iter().all(|other| one.key != other.key || one.order.is_empty() && other.order.is_empty())
    });
    if !known || !complete || !keys_differ {
        return false;
    }
    orders.iter().all(|Order { key: of, order }| {
        let ended = |number: usize| operations[number].completed.filter(|_| operations[number].ending == Ending::Ok);
        let in_time = order.iter().enumerate().all(|(place, &number)| {
            order[..place].iter().all(|&before| ended(number).is_none_or(|end| end >= operations[before].invoked))
        });
        let mut state = Some(State::new());
        for &number in order {
            state = state.and_then(|state| apply(object, initial, &state, &operations[number]));
        }
        in_time && state.is_some() && order.iter().all(|&number| key(number) == of.as_ref())
    })
}
