//! The order that was tried: brute force finds one as long, and none that goes on.

use schism_checker::history::{Ending, Operation};
use schism_checker::verdict::{Property, Tried, Witness};
use serde_json::Value;

use crate::brute_force::{Object, linearizable};

/// Everything up to the operation that has no place has an order, and with that operation it has none; what is shown of the order
/// breaks no real time.
pub(crate) fn tried_goes_as_far_as_any(
    object: Object,
    initial: &Value,
    operations: &[Operation],
    property: &Property,
    told: &str,
) -> bool {
    let counterexample = property.counterexample.as_ref().expect(told);
    let Some(tried) = &counterexample.tried else { return false };
    breaks_no_real_time(tried, told);
    let over = tried.stopped.completed.expect(told);
    let is_stopped = |it: &Operation| (it.process, it.invoked) == (tried.stopped.process, tried.stopped.invoked);
    let of_object = |operation: &&Operation| {
        counterexample.key.is_none() || operation.key.as_deref() == counterexample.key.as_ref()
    };
    let open = |operation: &Operation| {
        let ends_later = operation.completed.is_some_and(|end| end > over) && !is_stopped(operation);
        Operation { ending: if ends_later { Ending::Info } else { operation.ending }, ..operation.clone() }
    };
    let counts = |it: &&Operation| {
        let is_it = |row: &Witness| (row.process, row.invoked) == (it.process, it.invoked);
        !tried.alone || counterexample.operations.iter().any(is_it)
    };
    let begun =
        operations.iter().filter(of_object).filter(counts).filter(|it| it.invoked <= over && it.ending != Ending::Fail);
    let with: Vec<Operation> = begun.map(open).collect();
    let without: Vec<Operation> = with.iter().filter(|it| !is_stopped(it)).cloned().collect();
    // The answers of transactions that end after the cut count for brute force, which knows none after a crash.
    if object != Object::MultiRegister {
        assert!(linearizable(object, initial, &without), "no order goes that far: {told}");
        assert!(!linearizable(object, initial, &with), "an order goes on: {told}");
    }
    assert!(tried.length <= without.len(), "{told}");
    true
}

fn breaks_no_real_time(tried: &Tried, told: &str) {
    let places: Vec<usize> = tried.placed.iter().map(|placed| placed.place).collect();
    assert!(places.is_sorted_by(|one, other| one < other), "{told}");
    assert_eq!(places.last().copied().unwrap_or(0), tried.length, "the end of the order is shown: {told}");
    let all: Vec<&Witness> = tried.placed.iter().map(|placed| &placed.operation).chain([&tried.stopped]).collect();
    for (place, earlier) in all.iter().enumerate() {
        for later in &all[place + 1..] {
            let turned = later.completed.is_some_and(|end| end < earlier.invoked);
            assert!(!turned || later.did.contains("unknown"), "{later:?} was over before {earlier:?}: {told}");
        }
    }
}
