//! The checker and brute force agree, whatever is switched on.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, Reductions, check_operations, check_with};
use schism_checker::models::{ModelSpec, Whole};
use schism_checker::verdict::{Outcome, Property};
use serde_json::Value;

use crate::brute_force::{Object, linearizable};
use crate::cores::core_is_refuted;
use crate::generator::{Generated, Kind, history, model};
use crate::proofs::valid_is_proved;
use crate::random::Random;
use crate::tried::tried_goes_as_far_as_any;

const HISTORIES: u64 = 15_000;

#[test]
fn registers() {
    agrees(Kind { object: Object::Register, distinct: false, keys: 1, operations: 8 }, 1);
}

#[test]
fn registers_with_distinct_values() {
    agrees(Kind { object: Object::Register, distinct: true, keys: 1, operations: 8 }, 2);
}

#[test]
fn compare_and_set_registers() {
    agrees(Kind { object: Object::CasRegister, distinct: false, keys: 1, operations: 8 }, 3);
}

#[test]
fn compare_and_set_registers_with_distinct_values() {
    agrees(Kind { object: Object::CasRegister, distinct: true, keys: 1, operations: 8 }, 4);
}

#[test]
fn several_registers() {
    agrees(Kind { object: Object::CasRegister, distinct: false, keys: 3, operations: 8 }, 5);
}

#[test]
fn transactions_over_several_registers() {
    agrees(Kind { object: Object::MultiRegister, distinct: false, keys: 1, operations: 8 }, 6);
}

#[test]
fn maps() {
    agrees(Kind { object: Object::Kv, distinct: false, keys: 2, operations: 8 }, 7);
}

#[test]
fn locks() {
    agrees(Kind { object: Object::Mutex, distinct: false, keys: 1, operations: 8 }, 8);
}

/// Keys that are not taken apart are parts of one object: the order between them is searched, or not.
#[test]
fn all_keys_as_one_object() {
    let (mut valid, mut invalid) = (0, 0);
    for object in [Object::CasRegister, Object::Kv] {
        let kind = Kind { object, distinct: false, keys: 3, operations: 9 };
        for seed in 0..HISTORIES {
            let mut random = Random::new(10 << 32 | seed);
            let Generated { operations, initial, .. } = history(kind, &mut random);
            let truth = linearizable(object, &initial, &operations);
            *if truth { &mut valid } else { &mut invalid } += 1;
            let bits = random.next();
            for parts in [true, false] {
                let reductions = Reductions { parts, ..reductions(bits) };
                let options = Options { reductions, ..Options::default() };
                let property = match model(object, &initial) {
                    ModelSpec::Register(model) => check_with(&operations, &Whole(model), &options, &Unlimited),
                    ModelSpec::Kv(model) => check_with(&operations, &Whole(model), &options, &Unlimited),
                    other => panic!("{other} has no keys"),
                };
                let refused = property.unwrap().outcome == Outcome::Invalid;
                assert_eq!(refused, !truth, "seed {seed}, {kind:?}, {reductions:?}: {operations:#?}");
            }
        }
    }
    assert!(valid > 5_000 && invalid > 2_000, "{valid} valid, {invalid} invalid");
}

/// Long enough for states to be collected and used crashed operations to be forgotten, too long for brute force: here the
/// routes check each other.
#[test]
fn long_histories() {
    let kind = Kind { object: Object::Register, distinct: true, keys: 1, operations: 300 };
    let (mut valid, mut invalid, mut crashed) = (0, 0, 0);
    for seed in 0..400 {
        let mut random = Random::new(9 << 32 | seed);
        let generated = history(kind, &mut random);
        let model = model(kind.object, &generated.initial);
        let outcome =
            |options: &Options| check_operations(&generated.operations, &model, options, &Unlimited).unwrap().outcome;
        let by_zones = outcome(&Options::default());
        *if by_zones == Outcome::Invalid { &mut invalid } else { &mut valid } += 1;
        crashed += generated.operations.iter().filter(|operation| operation.ending == Ending::Info).count();
        let searched = Options { zones: false, ..Options::default() };
        let plain = Reductions { drop_unobserved: false, evidence: false, ..Reductions::default() };
        for options in [searched, Options { reductions: plain, ..searched }] {
            assert_eq!(outcome(&options), by_zones, "seed {seed}, {options:?}: {:#?}", generated.operations);
        }
    }
    assert!(valid > 50 && invalid > 50 && crashed > 1_000, "{valid} valid, {invalid} invalid, {crashed} crashed");
}

fn agrees(kind: Kind, stream: u64) {
    let (mut valid, mut invalid, mut tried) = (0, 0, 0);
    for number in 0..HISTORIES {
        let seed = stream << 32 | number;
        let mut random = Random::new(seed);
        let generated = history(kind, &mut random);
        let truth = linearizable(kind.object, &generated.initial, &generated.operations);
        assert!(
            truth || !generated.valid_by_construction,
            "seed {seed}: brute force refuses what an object did: {:#?}",
            generated.operations
        );
        *if truth { &mut valid } else { &mut invalid } += 1;
        let model = model(kind.object, &generated.initial);
        let drawn = drawn_options(&mut random);
        let none = Options { zones: false, reductions: reductions(0), ..Options::default() };
        let searched = Options { zones: false, ..Options::default() };
        for options in [Options::default(), searched, none, drawn] {
            let property = check_operations(&generated.operations, &model, &options, &Unlimited).unwrap();
            let told =
                format!("seed {seed}, {kind:?}, {model}, {options:?}: {:#?}\n{property:#?}", generated.operations);
            assert_eq!(property.outcome == Outcome::Invalid, !truth, "{told}");
            assert_ne!(property.outcome, Outcome::Unknown, "{told}");
            if truth {
                let Generated { operations, initial, .. } = &generated;
                valid_is_proved(kind.object, initial, operations, &model, &property, &mut random, &told);
            } else {
                core_is_refuted(kind.object, &generated.initial, &generated.operations, &model, &property, &told);
                proves(kind.object, &generated.initial, &generated.operations, &property, &told);
                // What the search leaves out makes no other order.
                if options == Options::default() || options == searched {
                    let Generated { operations, initial, .. } = &generated;
                    tried += u64::from(tried_goes_as_far_as_any(kind.object, initial, operations, &property, &told));
                }
            }
        }
    }
    assert!(tried >= invalid, "{tried} orders of {invalid} invalid histories, each judged twice");
    assert!(valid > HISTORIES / 10 && invalid > HISTORIES / 20, "{valid} valid and {invalid} invalid: a poor mix");
}

/// The operations of an algorithm contradict each other alone; the operation of a search is the first one that has no place.
fn proves(object: Object, initial: &Value, operations: &[Operation], property: &Property, told: &str) {
    let counterexample = property.counterexample.as_ref().expect(told);
    assert!(!counterexample.because.is_empty(), "nothing is said: {told}");
    let of_key: Vec<Operation> = operations
        .iter()
        .filter(|operation| counterexample.key.is_none() || operation.key.as_deref() == counterexample.key.as_ref())
        .cloned()
        .collect();
    if property.route.as_deref() != Some("frontier search") {
        let is_shown = |operation: &&Operation| {
            counterexample
                .operations
                .iter()
                .any(|it| (it.process, it.invoked) == (operation.process, operation.invoked))
        };
        let shown: Vec<Operation> = of_key.iter().filter(is_shown).cloned().collect();
        assert!(
            shown.len() <= 6 || property.route.as_deref() != Some("zones"),
            "the witness of zones is small: {told}"
        );
        assert!(!linearizable(object, initial, &shown), "the witness is linearizable: {told}");
        return;
    }
    let stuck = counterexample.operations.iter().find(|it| it.role.starts_with("cannot")).expect(told);
    let end = stuck.completed.expect(told);
    // The answers of transactions that end later count already, which is more than a prefix tells.
    if object == Object::MultiRegister {
        return;
    }
    // Where events share an index, other operations end with this one.
    let last: Vec<&Operation> = of_key.iter().filter(|it| it.completed == Some(end)).collect();
    assert!(!linearizable(object, initial, &cut(&of_key, end + 1)), "the prefix is linearizable: {told}");
    if last.len() == 1 {
        assert!(linearizable(object, initial, &cut(&of_key, end)), "a shorter prefix is not linearizable: {told}");
    }
}

/// The history as it was when the event before `end` had been recorded; what was open then may end as it likes.
fn cut(operations: &[Operation], end: u64) -> Vec<Operation> {
    let mut before: Vec<Operation> = operations.iter().filter(|operation| operation.invoked <= end).cloned().collect();
    for operation in &mut before {
        if operation.ending == Ending::Ok && operation.completed.is_some_and(|completed| completed >= end) {
            operation.ending = Ending::Info;
            operation.output = None;
        }
    }
    before
}

fn drawn_options(random: &mut Random) -> Options {
    Options { zones: random.chance(50), reductions: reductions(random.next()), ..Options::default() }
}

fn reductions(bits: u64) -> Reductions {
    let bit = |place: u32| bits >> place & 1 == 1;
    Reductions {
        dominance: bit(0),
        classes: bit(1),
        greedy: bit(2),
        drop_unobserved: bit(3),
        evidence: bit(4),
        parts: bit(5),
    }
}
