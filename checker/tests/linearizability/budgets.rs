//! Budgets end checks, and what is said then.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use schism_checker::budget::{Budget, Exhausted, Unlimited};
use schism_checker::history::{Ending, Operation, SharedValue};
use schism_checker::linearizability::{CheckError, Options, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::{Outcome, Property};
use serde_json::{Value, json};

/// Ends at the given question, or when this many bytes are held.
struct Limited {
    questions: usize,
    bytes: usize,
    asked: AtomicUsize,
    asked_after_the_end: AtomicUsize,
}

impl Limited {
    fn new(questions: usize, bytes: usize) -> Limited {
        Limited { questions, bytes, asked: AtomicUsize::new(0), asked_after_the_end: AtomicUsize::new(0) }
    }
}

impl Budget for Limited {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked > self.questions {
            self.asked_after_the_end.fetch_add(1, Ordering::Relaxed);
        }
        if bytes > self.bytes { Some(Exhausted::Memory) } else { (asked >= self.questions).then_some(Exhausted::Time) }
    }
}

fn operation(process: u64, f: &str, input: impl Into<SharedValue>, invoked: u64, completed: u64) -> Operation {
    let input = input.into();
    Operation {
        process,
        f: f.into(),
        key: None,
        output: Some(input.clone()),
        input,
        ending: Ending::Ok,
        node: None,
        invoked,
        completed: Some(completed),
        invoked_at: None,
        completed_at: None,
        error: None,
        session: None,
        version: None,
    }
}

/// Eighteen writes of different values at once, each value written twice, then a read: 2^18 configurations.
fn hard(key: &str) -> Vec<Operation> {
    with_writes(18, key)
}

fn with_writes(count: u64, key: &str) -> Vec<Operation> {
    let mut all: Vec<Operation> =
        (0..count).map(|process| operation(process, "write", json!(process / 2), process, 100 + process)).collect();
    all.push(operation(50, "read", json!(3), 50, 99));
    for operation in &mut all {
        operation.key = Some(key.into());
    }
    all
}

fn easy(key: &str) -> Vec<Operation> {
    let mut all = vec![operation(90, "write", json!(1), 200, 201), operation(90, "read", json!(1), 202, 203)];
    for operation in &mut all {
        operation.key = Some(key.into());
    }
    all
}

fn check(operations: &[Operation], budget: &dyn Budget) -> Property {
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    check_operations(operations, &model, &Options::default(), budget).unwrap()
}

#[test]
fn time_that_is_up_leaves_it_unknown_and_says_how_far_it_got() {
    // Three questions are asked by the easy key's zones and the hard key's begin.
    let operations = [easy("a"), hard("b")].concat();
    let budget = Limited::new(30, usize::MAX);
    let property = check(&operations, &budget);
    assert_eq!(property.outcome, Outcome::Unknown);
    assert!(property.summary.starts_with("the time was up before register could be judged"), "{}", property.summary);
    assert!(property.summary.contains("1 of 2 keys are linearizable: a; key b: "), "{}", property.summary);
    assert!(property.summary.contains(" of 19 operations placed, in up to "), "{}", property.summary);
    assert!(property.summary.ends_with(" ways at a time"), "{}", property.summary);
    // Whoever is told to stop asks no more than a few times again: each worker once.
    assert!(budget.asked_after_the_end.load(Ordering::Relaxed) <= rayon_workers());
}

fn rayon_workers() -> usize {
    std::thread::available_parallelism().map_or(64, Into::into)
}

#[test]
fn memory_that_is_used_up_leaves_it_unknown() {
    let property = check(&hard("x"), &Limited::new(usize::MAX, 1 << 20));
    assert_eq!(property.outcome, Outcome::Unknown);
    assert!(property.summary.starts_with("the memory was used up before register"), "{}", property.summary);
    assert_eq!(check(&hard("x"), &Unlimited).outcome, Outcome::Valid);
}

/// It read what nobody wrote.
fn wrong(key: &str) -> Vec<Operation> {
    let mut all = easy(key);
    all[1].output = Some(json!(7).into());
    all
}

#[test]
fn hard_keys_do_not_hide_a_key_that_is_wrong() {
    let operations = [hard("a"), hard("b"), hard("c"), hard("d"), wrong("z")].concat();
    // Each of the hard ones takes thousands of questions.
    for budget in [Limited::new(1_000, usize::MAX), Limited::new(usize::MAX, 1 << 20)] {
        let property = check(&operations, &budget);
        assert_eq!(property.outcome, Outcome::Invalid, "{}", property.summary);
        assert_eq!(property.counterexample.unwrap().key, Some(json!("z")));
    }
    let all = check(&operations, &Unlimited);
    assert_eq!(all.counterexample.unwrap().key, Some(json!("z")));
}

#[test]
fn a_key_that_uses_up_the_memory_leaves_it_to_the_others() {
    let operations = [hard("a"), with_writes(12, "b"), hard("c"), with_writes(12, "d")].concat();
    let property = check(&operations, &Limited::new(usize::MAX, 2 << 20));
    assert_eq!(property.outcome, Outcome::Unknown);
    assert!(property.summary.contains("2 of 4 keys are linearizable: b, d; key a: "), "{}", property.summary);
}

/// A log whose entries all stand in each of its states: to copy one is much more work than to step from it.
#[test]
fn a_long_explanation_stays_within_its_effort() {
    let append = |number: u64, offset: u64| Operation {
        output: Some(json!(offset).into()),
        ..operation(0, "append", json!(number), 2 * number, 2 * number + 1)
    };
    let operations: Vec<Operation> = (0..20_000).map(|number| append(number, number.min(19_000))).collect();
    let model = ModelSpec::parse("log", &BTreeMap::new()).unwrap();
    let asked = |core_effort| {
        let options = Options { core_effort, ..Options::default() };
        let budget = Limited::new(usize::MAX, usize::MAX);
        let property = check_operations(&operations, &model, &options, &budget).unwrap();
        assert_eq!(property.outcome, Outcome::Invalid);
        budget.asked.load(Ordering::Relaxed)
    };
    // There are 512 units between two questions; a core and an order may each take an operation's unit besides.
    let effort = 100_000;
    let (verdict, whole) = (asked(0), asked(effort));
    let allowed = 2 * (usize::try_from(effort).unwrap() + operations.len()) / 512;
    assert!(whole - verdict <= allowed + allowed / 8, "{verdict}, {whole}, {allowed}");
}

#[test]
fn a_budget_that_ends_at_once_settles_nothing() {
    let property = check(&[easy("a"), easy("b")].concat(), &Limited::new(0, usize::MAX));
    assert_eq!(property.outcome, Outcome::Unknown);
    assert!(property.summary.contains("0 of 2 keys are linearizable; key a: none of 2"), "{}", property.summary);
}

#[test]
fn states_that_are_over_take_no_memory() {
    // All states together would take 2000 * 2000 * 10 / 2 bytes, ten times what is allowed.
    let mut text = String::new();
    let mut all: Vec<Operation> = (0..2_000)
        .map(|number| {
            let part = format!("{number:010}");
            text.push_str(&part);
            operation(0, "append", json!(part), 2 * number, 2 * number + 1)
        })
        .collect();
    all.push(operation(0, "get", json!(text), 5_000, 5_001));
    let model = ModelSpec::parse("kv", &BTreeMap::new()).unwrap();
    let budget = Limited::new(usize::MAX, 2 << 20);
    let property = check_operations(&all, &model, &Options::default(), &budget).unwrap();
    assert_eq!(property.outcome, Outcome::Valid, "{}", property.summary);
    all.push(operation(0, "get", json!("0"), 5_002, 5_003));
    let property = check_operations(&all, &model, &Options::default(), &Unlimited).unwrap();
    assert_eq!(property.outcome, Outcome::Invalid, "{}", property.summary);
}

#[test]
fn the_smallest_invalid_key_is_shown_each_time() {
    let broken = |key: &str| {
        let mut all = easy(key);
        all[1].output = Some(Value::Null.into());
        all
    };
    let operations = [broken("k7"), hard("k3"), broken("k10"), broken("k5"), easy("k1")].concat();
    let first = check(&operations, &Unlimited);
    assert_eq!(first.summary, "register is not linearizable (key k10; zones)");
    for _ in 0..20 {
        assert_eq!(check(&operations, &Unlimited), first);
    }
}

#[test]
fn an_answer_that_no_state_could_refuse_shows_nothing() {
    let mut crashed = operation(1, "read", Value::Null, 2, 3);
    crashed.ending = Ending::Info;
    for operations in [vec![], vec![operation(0, "write", json!(1), 0, 1), crashed]] {
        let property = check(&operations, &Unlimited);
        assert_eq!(property.outcome, Outcome::Vacuous, "{}", property.summary);
    }
}

#[test]
fn what_the_model_does_not_know_is_named() {
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    let error = |operation: Operation| {
        check_operations(&[operation], &model, &Options::default(), &Unlimited).unwrap_err().to_string()
    };
    assert_eq!(
        error(operation(3, "enqueue", json!(1), 17, 18)),
        "model register cannot take enqueue of process 3 (event 17): it knows read and write, not enqueue"
    );
    assert_eq!(
        error(operation(3, "read", json!(1), 17, 16)),
        "read of process 3 (event 17) ended ok, but at no event after its invocation"
    );
    let mut endless = operation(3, "read", json!(1), 17, 18);
    endless.completed = None;
    assert!(matches!(
        check_operations(&[endless], &model, &Options::default(), &Unlimited),
        Err(CheckError::Completion { .. })
    ));
}

#[test]
fn more_than_64_operations_may_be_open() {
    let mut all: Vec<Operation> = (0..150)
        .map(|process| operation(process, "read", json!(i32::from(process >= 75)), process, 1000 + process))
        .collect();
    all.push(operation(900, "write", json!(0), 300, 2000));
    all.push(operation(901, "write", json!(1), 301, 2001));
    all.push(operation(902, "write", json!(1), 302, 2002));
    let property = check(&all, &Unlimited);
    assert_eq!((property.outcome, property.route.as_deref()), (Outcome::Valid, Some("frontier search")));
    // A read that begins after all of them can return what was written last, and nothing else.
    all.push(operation(903, "read", json!(7), 3000, 3001));
    assert_eq!(check(&all, &Unlimited).outcome, Outcome::Invalid);
}
