//! Cores of long histories: what happened to a few elements contradicts itself, and the proof says no more than that.

use schism_checker::budget::{Budget, Exhausted, Unlimited};
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, check_operations, prove};
use schism_checker::proof::{Claim, Proof};
use schism_checker::verdict::{Core, Outcome};
use schism_checker::verify::{Verified, VerifyError, verify};

use crate::brute_force::{Object, recorded};
use crate::generator::{Kind, happened, model, mutate};
use crate::random::Random;

/// What has crashed may have taken anything, which can take a search without end.
struct Little;

impl Budget for Little {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        (bytes > 1 << 22).then_some(Exhausted::Memory)
    }
}

#[test]
fn violations_of_long_histories_have_small_cores() {
    let (mut invalid, mut small) = (0, 0);
    for object in [Object::Queue, Object::Stack, Object::SmallestFirst, Object::LargestFirst, Object::Bag, Object::Set]
    {
        for seed in 0..15 {
            let mut random = Random::new(11 << 32 | seed);
            let kind = Kind { object, distinct: true, operations: 1_200 };
            let mut ops = happened(kind, 1_200, (0, 6), &mut random);
            mutate(&mut ops, &mut random);
            let operations: Vec<Operation> = ops.iter().map(|op| recorded(object, op)).collect();
            let property = check_operations(&operations, &model(object), &Options::default(), &Little).unwrap();
            if property.outcome != Outcome::Invalid {
                continue;
            }
            invalid += 1;
            let Some(core) = &property.counterexample.as_ref().unwrap().core else { continue };
            let proof = prove(&operations, &model(object), &property, &Unlimited).unwrap();
            match verify(&operations, &model(object), &proof) {
                Ok(verified) => assert_eq!(verified, Verified::NotLinearizable { core: core.numbers.len() }),
                Err(VerifyError::TooLarge) => continue,
                Err(error) => panic!("{object:?}, seed {seed}: {error}: {core:#?}"),
            }
            small += usize::from(core.numbers.len() <= 10);
        }
    }
    assert!(invalid >= 20 && 3 * small >= 2 * invalid, "{small} small cores of {invalid} violations");
}

/// A history of a queue with something wrong in it, usually, and the proof of its verdict, if there is one.
fn proved_queue(seed: u64) -> Option<(Vec<Operation>, Proof)> {
    let kind = Kind { object: Object::Queue, distinct: true, operations: 50 };
    let mut random = Random::new(12 << 32 | seed);
    let mut ops = happened(kind, 50, (0, 6), &mut random);
    mutate(&mut ops, &mut random);
    let operations: Vec<Operation> = ops.iter().map(|op| recorded(Object::Queue, op)).collect();
    let model = model(Object::Queue);
    let property = check_operations(&operations, &model, &Options::default(), &Little).unwrap();
    let proof = prove(&operations, &model, &property, &Little).ok()?;
    Some((operations, proof))
}

/// A strand may be left out only as a whole.
#[test]
fn half_an_element_is_not_left_out() {
    let (mut refused, model) = (0, model(Object::Queue));
    for seed in 0..400 {
        let Some((operations, mut proof)) = proved_queue(seed) else { continue };
        let Claim::Invalid { core, .. } = &mut proof.claim else { continue };
        if core.optional.pop().is_none() {
            continue;
        }
        refused += 1;
        let verified = verify(&operations, &model, &proof);
        assert!(matches!(verified, Err(VerifyError::LeftOut { .. })), "seed {seed}: {verified:?}, {proof:?}");
    }
    assert!(refused > 10, "{refused} cores grant something");
}

/// What one process did with a lock, or what was done with one element, can be left out: no order of the whole is lost by that.
#[test]
fn no_part_of_a_history_that_is_linearizable_is_refuted() {
    let locks = [Object::OwnerLock, Object::ReentrantLock, Object::FencedLock];
    let elements =
        [Object::Queue, Object::Stack, Object::SmallestFirst, Object::LargestFirst, Object::Bag, Object::Set];
    for object in locks.into_iter().chain(elements) {
        let mut tried = 0;
        for seed in 0..200 {
            let mut random = Random::new(14 << 32 | seed);
            let ops = happened(Kind { object, distinct: true, operations: 30 }, 30, (5, 6), &mut random);
            let operations: Vec<Operation> = ops.iter().map(|op| recorded(object, op)).collect();
            let number = |operation: &Operation| match object {
                Object::OwnerLock | Object::ReentrantLock | Object::FencedLock => operation.process,
                _ => [&operation.input, operation.output.as_ref().unwrap_or(&operation.input)]
                    .into_iter()
                    .find_map(|value| value.as_u64().or_else(|| value[0].as_u64()))
                    .unwrap_or(u64::MAX),
            };
            let chosen = random.below(1 << 8);
            let is_kept =
                |operation: &Operation| operation.ending != Ending::Fail && chosen >> (number(operation) % 8) & 1 == 1;
            let numbers: Vec<usize> = (0..operations.len()).filter(|&it| is_kept(&operations[it])).collect();
            let core = Core { numbers, cut: u64::MAX - 1, ..Core::default() };
            let claim = Claim::Invalid { key: None, core };
            let proof = Proof { model: String::new(), operations: operations.len(), independent: false, claim };
            let verified = verify(&operations, &model(object), &proof);
            assert!(
                matches!(verified, Err(VerifyError::NoContradiction | VerifyError::LeftOut { .. })),
                "{object:?}, seed {seed}: {verified:?}"
            );
            tried += usize::from(verified == Err(VerifyError::NoContradiction));
        }
        assert!(tried > 20, "{object:?}: {tried} were tried");
    }
}

/// A proof whose words say something else than its numbers does not hold.
#[test]
fn what_a_core_says_in_words_is_checked() {
    let (mut refused, model) = (0, model(Object::Queue));
    for seed in 0..60 {
        let Some((operations, mut proof)) = proved_queue(seed) else { continue };
        let Claim::Invalid { core, .. } = &mut proof.claim else { continue };
        core.operations[0].did = "enqueued a lie".to_owned();
        let verified = verify(&operations, &model, &proof);
        assert!(matches!(verified, Err(VerifyError::Told { .. } | VerifyError::TooLarge)), "seed {seed}: {verified:?}");
        refused += usize::from(verified != Err(VerifyError::TooLarge));
    }
    assert!(refused > 5, "{refused} were refused");
}

/// What a crashed removal took from a bag is left open by the model; an order that is shown leaves nothing open.
#[test]
fn the_order_of_a_bag_is_one_of_a_bag_whose_removals_take_at_once() {
    let mut took = 0;
    for seed in 0..400 {
        let kind = Kind { object: Object::Bag, distinct: false, operations: 16 };
        let ops = happened(kind, 16, (20, 6), &mut Random::new(15 << 32 | seed));
        let operations: Vec<Operation> = ops.iter().map(|op| recorded(Object::Bag, op)).collect();
        let property = check_operations(&operations, &model(Object::Bag), &Options::default(), &Unlimited).unwrap();
        let Ok(proof) = prove(&operations, &model(Object::Bag), &property, &Unlimited) else { continue };
        let verified = verify(&operations, &model(Object::Bag), &proof);
        assert!(verified.is_ok(), "seed {seed}: {verified:?}");
        let Claim::Valid { orders } = proof.claim else { panic!("it happened like this") };
        let (mut inside, mut taken) = (0, 0);
        for &number in orders.iter().flat_map(|order| &order.order) {
            let operation = &operations[number];
            match (&*operation.f, operation.ending, operation.answer().is_null()) {
                ("enqueue", ..) => inside += 1,
                (_, Ending::Info, _) => taken += 1,
                (_, _, true) => {
                    assert_eq!(inside, taken, "seed {seed}: they took what was left");
                    took += taken;
                    (inside, taken) = (0, 0);
                }
                (..) => inside -= 1,
            }
            assert!(taken == 0 || operation.ending == Ending::Info, "seed {seed}: they took it at once");
        }
        assert_eq!(taken, 0, "seed {seed}: what took nothing need not have happened");
    }
    assert!(took > 5, "{took} crashed removals took something");
}

/// The order of a long valid history is found, and replays.
#[test]
fn long_valid_histories_are_proved() {
    let objects = [
        Object::Queue,
        Object::Stack,
        Object::SmallestFirst,
        Object::Bag,
        Object::Set,
        Object::GrowOnlySet,
        Object::Counter,
        Object::OwnerLock,
        Object::Semaphore,
        Object::Log,
        Object::List,
    ];
    for object in objects {
        for seed in 0..5 {
            let kind = Kind { object, distinct: true, operations: 500 };
            let ops = happened(kind, 500, (0, 6), &mut Random::new(13 << 32 | seed));
            let operations: Vec<Operation> = ops.iter().map(|op| recorded(object, op)).collect();
            let property = check_operations(&operations, &model(object), &Options::default(), &Unlimited).unwrap();
            assert_eq!(property.outcome, Outcome::Valid, "{object:?}, seed {seed}");
            let proof = prove(&operations, &model(object), &property, &Unlimited).unwrap();
            let verified = verify(&operations, &model(object), &proof);
            assert!(
                matches!(verified, Ok(Verified::Linearizable { placed: 100.. })),
                "{object:?}, {seed}: {verified:?}"
            );
        }
    }
}
