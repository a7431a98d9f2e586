//! Cores: brute force refutes them, verification takes them, and no history that is linearizable has one.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, check_operations, prove};
use schism_checker::models::ModelSpec;
use schism_checker::proof::{self, Claim, Proof};
use schism_checker::verdict::{Core, Outcome, Property};
use schism_checker::verify::{Verified, VerifyError, verify};
use serde_json::Value;

use crate::brute_force::{Object, linearizable};
use crate::generator::{Kind, history, model};
use crate::random::Random;

/// More operations than this are too many to try all orders.
const BRUTE_FORCE: usize = 10;

/// The core of an invalid verdict contradicts itself whatever else happened.
pub(crate) fn core_is_refuted(
    object: Object,
    initial: &Value,
    operations: &[Operation],
    model: &ModelSpec,
    property: &Property,
    told: &str,
) {
    let counterexample = property.counterexample.as_ref().expect(told);
    let core = counterexample.core.as_ref().expect(told);
    assert_eq!(core.operations.len(), core.numbers.len(), "{told}");
    let proof = prove(operations, model, property, &Unlimited).expect(told);
    assert_eq!(proof::read(&proof::write(&proof)).unwrap(), proof, "{told}");
    let verified = verify(operations, model, &proof);
    assert_eq!(verified, Ok(Verified::NotLinearizable { core: core.numbers.len() }), "{told}");
    // The answers of transactions that end after the cut count for the core, and brute force knows none after a crash.
    if core.numbers.len() <= BRUTE_FORCE && object != Object::MultiRegister {
        assert!(!linearizable(object, initial, &granted(object, operations, core)), "the core is linearizable: {told}");
    }
    assert!(core.minimal, "little is left to try: {told}");
}

/// The core as a history: free values are crashed writes, as many as could be of use.
fn granted(object: Object, operations: &[Operation], core: &Core) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    for &number in &core.numbers {
        let mut operation = operations[number].clone();
        if operation.completed.is_some_and(|completed| completed > core.cut) {
            operation.ending = Ending::Info;
        }
        all.push(operation);
    }
    let timeless = |operation: Operation| Operation { invoked: 0, ending: Ending::Info, ..operation };
    all.extend(core.optional.iter().map(|&number| timeless(operations[number].clone())));
    for value in &core.free {
        let saw = |operation: &&Operation| {
            operation.output.as_deref() == Some(value) || operation.input.get(0) == Some(value)
        };
        let useful = core.numbers.iter().map(|&number| &operations[number]).filter(saw).count();
        let f = if object == Object::Kv { "put" } else { "write" };
        let write = Operation { f: f.into(), input: value.clone().into(), ..operations[core.numbers[0]].clone() };
        all.extend(std::iter::repeat_n(timeless(write), useful));
    }
    all
}

/// Whatever is left out of a linearizable history, as long as it may be, what remains contradicts nothing.
#[test]
fn relaxing_never_makes_a_valid_history_invalid() {
    let objects = [Object::Register, Object::CasRegister, Object::CasRegister, Object::Kv, Object::Mutex];
    let (mut valid, mut complete) = (0, 0);
    for seed in 0.. {
        let mut random = Random::new(77 << 32 | seed);
        let kind = Kind { object: *random.pick(&objects), distinct: random.chance(20), keys: 1, operations: 8 };
        let generated = history(kind, &mut random);
        let operations = &generated.operations;
        if !generated.valid_by_construction && !linearizable(kind.object, &generated.initial, operations) {
            continue;
        }
        let core = drawn_core(&generated.operations, &mut random);
        let claim = Claim::Invalid { key: None, core };
        let proof = Proof { model: String::new(), operations: operations.len(), independent: false, claim };
        let verified = verify(operations, &model(kind.object, &generated.initial), &proof);
        let refusal = verified.expect_err("a valid history is not proved invalid");
        complete += usize::from(refusal == VerifyError::NoContradiction);
        valid += 1;
        if valid == 100_000 {
            break;
        }
    }
    assert!(complete > 50_000, "{complete} drawn cores account for every operation: too few");
}

/// A core of some operations in which the others are granted, or once in a while not.
fn drawn_core(operations: &[Operation], random: &mut Random) -> Core {
    let last = operations.iter().filter_map(|operation| operation.completed).max().unwrap_or(0);
    let cut = if random.chance(50) { last } else { random.next() % (last + 1) };
    let mut core = Core { cut, minimal: true, ..Core::default() };
    let keep = *random.pick(&[30, 60, 90]);
    let counts = |operation: &Operation| operation.ending != Ending::Fail && operation.invoked <= cut;
    for (number, operation) in operations.iter().enumerate().filter(|(_, operation)| counts(operation)) {
        let written = match &*operation.f {
            "write" => Some(&*operation.input),
            "cas" => Some(&operation.input[1]),
            _ => None,
        };
        match (&*operation.f, written) {
            _ if random.chance(keep) => core.numbers.push(number),
            ("read" | "get", _) => {}
            (_, Some(value)) if random.chance(95) => core.free.push(value.clone()),
            (_, None) if random.chance(95) => core.optional.push(number),
            _ => {}
        }
    }
    core
}

/// How many operations are left of long invalid histories.
#[test]
#[expect(clippy::print_stderr, reason = "the distribution is to be looked at")]
fn cores_are_small() {
    let mut sizes = Vec::new();
    for (object, distinct) in [(Object::Register, false), (Object::CasRegister, false), (Object::CasRegister, true)] {
        for seed in 0..400 {
            let mut random = Random::new(78 << 32 | seed);
            let kind = Kind { object, distinct, keys: 1, operations: 300 };
            let generated = history(kind, &mut random);
            let model = model(object, &generated.initial);
            let property = check_operations(&generated.operations, &model, &Options::default(), &Unlimited).unwrap();
            if property.outcome != Outcome::Invalid {
                continue;
            }
            let core = property.counterexample.as_ref().unwrap().core.as_ref();
            sizes.push(core.map_or(usize::MAX, |core| core.numbers.len()));
            if core.is_some() {
                let proof = prove(&generated.operations, &model, &property, &Unlimited).unwrap();
                let verified = verify(&generated.operations, &model, &proof);
                assert!(matches!(verified, Ok(_) | Err(VerifyError::TooLarge)), "seed {seed}: {verified:?} {proof:#?}");
            }
        }
    }
    sizes.sort_unstable();
    eprintln!("sizes of the cores of {} random invalid histories: {sizes:?}", sizes.len());
    let small = sizes.iter().filter(|&&size| size <= 10).count();
    assert!(sizes.len() > 150, "{} invalid histories are too few", sizes.len());
    assert!(small * 10 >= sizes.len() * 9, "{small} of {} cores have at most ten operations: {sizes:?}", sizes.len());
    assert!(sizes[sizes.len() / 2] <= 6, "half of the cores are larger than six operations: {sizes:?}");
}
