//! Sequential consistency against a search that tries every order.

use std::collections::HashSet;

use schism_checker::budget::{Budget, Exhausted, Unlimited};
use schism_checker::formats::read_bytes;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{self, Options};
use schism_checker::sequential::{check, check_operations};
use schism_checker::verdict::Outcome;
use serde_json::Value;

use crate::brute_force::{Object, State, apply};
use crate::generator::{Kind, history, model};
use crate::random::Random;

const HISTORIES: u64 = 4_000;

#[test]
fn registers() {
    agrees(Kind { object: Object::Register, distinct: false, keys: 1, operations: 8 }, 31);
}

#[test]
fn several_registers_are_one_object() {
    agrees(Kind { object: Object::Register, distinct: true, keys: 2, operations: 8 }, 32);
    agrees(Kind { object: Object::CasRegister, distinct: false, keys: 3, operations: 7 }, 33);
}

#[test]
fn transactions_maps_and_locks() {
    agrees(Kind { object: Object::MultiRegister, distinct: false, keys: 1, operations: 7 }, 34);
    agrees(Kind { object: Object::Kv, distinct: false, keys: 2, operations: 7 }, 35);
    agrees(Kind { object: Object::Mutex, distinct: false, keys: 1, operations: 7 }, 36);
}

fn agrees(kind: Kind, stream: u64) {
    let (mut refused, mut only_sequential) = (0, 0);
    for number in 0..HISTORIES {
        let seed = stream << 32 | number;
        let mut random = Random::new(seed);
        let mut generated = history(kind, &mut random);
        if random.chance(60) {
            shift(&mut generated.operations, &mut random);
        }
        let operations = &generated.operations;
        if !single_threaded(operations) {
            continue;
        }
        let truth = sequential(kind.object, &generated.initial, operations);
        let model = model(kind.object, &generated.initial);
        let property = check_operations(operations, &model, &Options::default(), &Unlimited).unwrap();
        assert_eq!(
            property.outcome == Outcome::Invalid,
            !truth,
            "seed {seed}, {kind:?}: {operations:#?}\n{property:#?}"
        );
        assert_ne!(property.outcome, Outcome::Unknown);
        assert_eq!(property.name, "sequential");
        refused += u64::from(!truth);
        let stronger =
            linearizability::check_operations(operations, &model, &Options::default(), &Unlimited).unwrap().outcome;
        assert!(truth || stronger == Outcome::Invalid, "seed {seed}: linearizable but not sequential: {operations:#?}");
        only_sequential += u64::from(truth && stronger == Outcome::Invalid);
    }
    assert!(
        refused > HISTORIES / 50 && only_sequential > HISTORIES / 100,
        "{refused} and {only_sequential}: a poor mix"
    );
}

/// Moves what each process did to another time, all of it together.
fn shift(operations: &mut [Operation], random: &mut Random) {
    let by: Vec<u64> = (0..8).map(|_| 1_000 * random.below(4) as u64).collect();
    for operation in &mut *operations {
        let by = by[usize::try_from(operation.process % 8).unwrap()];
        operation.invoked += by;
        operation.completed = operation.completed.map(|completed| completed + by);
    }
    operations.sort_by_key(|operation| operation.invoked);
}

/// Whether each operation of a process ended before its next one began, in the recorded order.
fn single_threaded(operations: &[Operation]) -> bool {
    operations.iter().enumerate().all(|(number, later)| {
        operations[..number]
            .iter()
            .filter(|earlier| earlier.process == later.process)
            .all(|earlier| earlier.completed.is_some_and(|completed| completed < later.invoked))
    })
}

/// Tries every order.
fn sequential(object: Object, initial: &Value, operations: &[Operation]) -> bool {
    let all: Vec<&Operation> = operations.iter().filter(|operation| operation.ending != Ending::Fail).collect();
    finishes(object, initial, &all, 0, &State::new(), &mut HashSet::new())
}

fn finishes(
    object: Object,
    initial: &Value,
    all: &[&Operation],
    done: u32,
    state: &State,
    dead: &mut HashSet<(u32, State)>,
) -> bool {
    let is_done = |number: usize| done >> number & 1 == 1;
    if (0..all.len()).all(|number| is_done(number) || all[number].ending == Ending::Info) {
        return true;
    }
    if dead.contains(&(done, state.clone())) {
        return false;
    }
    for number in (0..all.len()).filter(|&number| !is_done(number)) {
        let waits = (0..number).any(|earlier| {
            !is_done(earlier) && all[earlier].ending == Ending::Ok && all[earlier].process == all[number].process
        });
        if !waits
            && let Some(after) = apply(object, initial, state, all[number])
            && finishes(object, initial, all, done | 1 << number, &after, dead)
        {
            return true;
        }
    }
    dead.insert((done, state.clone()));
    false
}

/// A read by one process that a crashed write of another explains, though the read was over before the write began.
#[test]
fn a_crashed_write_may_stand_before_what_was_over() {
    let text = r#"{"process":1,"type":"invoke","f":"read","value":null}
        {"process":1,"type":"ok","f":"read","value":1}
        {"process":2,"type":"invoke","f":"write","value":1}"#;
    let history = read_bytes(text.as_bytes(), "h").unwrap();
    let model = model(Object::Register, &Value::Null);
    let outcome = check(&history, &model, &Options::default(), &Unlimited).unwrap().outcome;
    assert_eq!(outcome, Outcome::Valid);
    let stronger = linearizability::check(&history, &model, &Options::default(), &Unlimited).unwrap().outcome;
    assert_eq!(stronger, Outcome::Invalid);
}

/// Each register alone is sequential: the two writers see each other's write missing.
const TWO_KEYS: &str = r#"
    {"process":1,"type":"invoke","f":"write","key":"x","value":1}
    {"process":1,"type":"ok","f":"write","key":"x","value":1}
    {"process":2,"type":"invoke","f":"write","key":"y","value":1}
    {"process":2,"type":"ok","f":"write","key":"y","value":1}
    {"process":1,"type":"invoke","f":"read","key":"y","value":null}
    {"process":1,"type":"ok","f":"read","key":"y","value":null}
    {"process":2,"type":"invoke","f":"read","key":"x","value":null}
    {"process":2,"type":"ok","f":"read","key":"x","value":null}
"#;

#[test]
fn keys_are_not_checked_one_by_one() {
    let history = read_bytes(TWO_KEYS.as_bytes(), "h").unwrap();
    let model = model(Object::Register, &Value::Null);
    let property = check(&history, &model, &Options::default(), &Unlimited).unwrap();
    assert_eq!(property.outcome, Outcome::Invalid);
    assert_eq!(property.summary, "register is not sequentially consistent (sequential search)");
    let said = property.counterexample.unwrap().because.join("\n");
    assert!(said.contains("no order has all of the 4 operations; the longest one found has 3"), "{said}");
    assert!(said.contains("process 2 read null (key \"x\"): cannot read null from register 1"), "{said}");
    for key in ["x", "y"] {
        let alone = history.of_key(&key.into()).unwrap();
        assert_eq!(check(&alone, &model, &Options::default(), &Unlimited).unwrap().outcome, Outcome::Valid);
    }
}

/// Lets linearizability be judged, and nothing more.
struct Short(std::sync::atomic::AtomicUsize);

impl Budget for Short {
    fn exhausted(&self, _bytes: usize) -> Option<Exhausted> {
        let questions = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        (questions >= 100).then_some(Exhausted::Time)
    }
}

#[test]
fn the_budget_holds() {
    // Eight writers of many values, each written twice so that none names its write, and a reader who saw what nobody wrote.
    let line = |process: usize, kind: &str, f: &str, value: &str| {
        format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
    };
    let write = |number: usize| ["invoke", "ok"].map(|kind| line(number % 8, kind, "write", &(number / 2).to_string()));
    let mut lines: Vec<String> = (0..400).flat_map(write).collect();
    lines.extend([line(9, "invoke", "read", "null"), line(9, "ok", "read", "-1")]);
    let lines = lines.concat();
    let history = read_bytes(lines.as_bytes(), "h").unwrap();
    let model = model(Object::Register, &Value::Null);
    let property = check(&history, &model, &Options::default(), &Short(0.into())).unwrap();
    assert_eq!(property.outcome, Outcome::Unknown);
    assert!(property.summary.starts_with("the time was up before register could be judged: "), "{}", property.summary);
}
