//! The checker and brute force agree, whichever way it takes.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::verdict::Outcome;

use crate::brute_force::{NULL, Object, Op, linearizable, recorded};
use crate::generator::{Kind, happened, history, model, mutate};
use crate::random::Random;

/// How many histories of each kind the normal tests look at, and how many of these the search decides too.
const HISTORIES: u64 = 100_000;
const SEARCHED: u64 = 15_000;

/// The objects that have an algorithm.
const DECIDED: [Object; 13] = [
    Object::CasRegister,
    Object::Queue,
    Object::Stack,
    Object::Bag,
    Object::SmallestFirst,
    Object::LargestFirst,
    Object::Set,
    Object::GrowOnlySet,
    Object::Counter,
    Object::OwnerLock,
    Object::ReentrantLock,
    Object::FencedLock,
    Object::Log,
];

/// Whether an algorithm of its own decides histories of this kind: always, now and then, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decides {
    Always(&'static str),
    Often(&'static str),
    Never,
}

macro_rules! kinds {
    ($($name:ident: $object:ident, $distinct:literal, $operations:literal, $decides:expr;)*) => {
        $(#[test]
        fn $name() {
            use Decides::{Always, Never, Often};
            let _ = (Always(""), Often(""), Never);
            agrees(Kind { object: Object::$object, distinct: $distinct, operations: $operations }, $decides, HISTORIES);
        })*

        #[test]
        #[ignore = "nightly: a million histories of each kind take minutes"]
        fn a_million_of_each() {
            use Decides::{Always, Never, Often};
            let _ = (Always(""), Often(""), Never);
            $(agrees(
                Kind { object: Object::$object, distinct: $distinct, operations: $operations },
                $decides,
                10 * HISTORIES,
            );)*
        }
    };
}

kinds! {
    compare_and_set_registers: CasRegister, true, 7, Often("chains");
    compare_and_set_registers_with_equal_values: CasRegister, false, 7, Never;
    queues: Queue, true, 8, Often("queue order");
    queues_of_equal_values: Queue, false, 7, Never;
    stacks: Stack, true, 8, Often("stack order");
    stacks_of_equal_values: Stack, false, 7, Never;
    bags: Bag, true, 7, Often("bag");
    bags_of_equal_values: Bag, false, 7, Never;
    priority_queues: SmallestFirst, true, 8, Often("priority order");
    priority_queues_largest_first: LargestFirst, true, 8, Often("priority order");
    priority_queues_of_equal_values: SmallestFirst, false, 7, Never;
    sets: Set, false, 7, Often("per element");
    sets_with_snapshots: Set, true, 7, Never;
    grow_only_sets: GrowOnlySet, true, 8, Often("snapshots");
    grow_only_sets_of_equal_values: GrowOnlySet, false, 7, Never;
    counters_of_equal_steps: Counter, true, 8, Always("counting");
    counters_of_any_steps: Counter, false, 7, Never;
    locks: OwnerLock, false, 8, Often("sections");
    reentrant_locks: ReentrantLock, false, 8, Often("sections");
    fenced_locks: FencedLock, false, 8, Often("sections");
    logs: Log, true, 8, Always("offsets");
    logs_of_equal_values: Log, false, 7, Never;
    semaphores: Semaphore, false, 7, Never;
    lists: List, true, 7, Never;
}

fn agrees(kind: Kind, decides: Decides, histories: u64) {
    let (mut valid, mut invalid, mut by_route, mut with_crashes) = (0, 0, 0, 0);
    let model = model(kind.object);
    // What only the search decides takes longer, and is the search's test as well.
    let histories = if decides == Decides::Never { histories / 5 } else { histories };
    for number in 0..histories {
        // Another stream for each kind.
        let seed = (kind.object as u64) << 40 | u64::from(kind.distinct) << 39 | number;
        let generated = history(kind, &mut Random::new(seed));
        let ops = &generated.ops;
        let truth = linearizable(kind.object, ops);
        let told = || format!("seed {seed}, {kind:?}: {:#?}", story(ops));
        assert!(truth || !generated.valid_by_construction, "brute force refuses what an object did: {}", told());
        *if truth { &mut valid } else { &mut invalid } += 1;
        with_crashes += u64::from(ops.iter().any(|op| op.ending == Ending::Info));
        let operations: Vec<Operation> = ops.iter().map(|op| recorded(kind.object, op)).collect();
        let property = check_operations(&operations, &model, &Options::default(), &Unlimited).unwrap();
        assert_eq!(property.outcome == Outcome::Invalid, !truth, "{}\n{property:#?}", told());
        let route = property.route.as_deref().unwrap_or("frontier search");
        by_route += u64::from(route != "frontier search");
        match decides {
            Decides::Always(name) if property.route.is_some() => assert_eq!(route, name, "{}", told()),
            Decides::Often(name) => {
                assert!([name, "zones", "per element", "frontier search"].contains(&route), "{route}: {}", told());
            }
            Decides::Always(_) | Decides::Never => {}
        }
        if let Some(counterexample) = &property.counterexample {
            assert!(!counterexample.because.is_empty() && !counterexample.operations.is_empty(), "{}", told());
            if !["frontier search", "per element", "longest read"].contains(&route) {
                proves(kind.object, ops, counterexample, &told);
            }
        }
        if number < SEARCHED && route != "frontier search" {
            let searched = Options { zones: false, ..Options::default() };
            let property = check_operations(&operations, &model, &searched, &Unlimited).unwrap();
            assert_eq!(property.outcome == Outcome::Invalid, !truth, "search: {}\n{property:#?}", told());
        }
    }
    assert!(valid > histories / 10 && invalid > histories / 20, "{valid} valid, {invalid} invalid: a poor mix");
    assert!(with_crashes > histories / 10, "{with_crashes} histories with crashed operations");
    match decides {
        Decides::Always(_) | Decides::Never => {}
        Decides::Often(_) => assert!(by_route > histories / 2, "decided {by_route} of {histories}"),
    }
}

/// Too long for brute force: here the algorithms and the search check each other.
#[test]
fn longer_histories() {
    for (stream, object) in DECIDED.into_iter().enumerate() {
        let (mut valid, mut invalid) = (0, 0);
        let kind = Kind { object, distinct: object != Object::Set, operations: 14 };
        let model = model(object);
        for number in 0..3_000 {
            let seed = 1 << 60 | (stream as u64) << 40 | number;
            let mut random = Random::new(seed);
            let (count, crashes, stretch) = (9 + random.below(6), *random.pick(&[0, 0, 10]), 2 + random.below(6));
            let mut ops = happened(kind, count, (crashes, stretch), &mut random);
            for _ in 0..random.below(4) {
                mutate(&mut ops, &mut random);
            }
            let operations: Vec<Operation> = ops.iter().map(|op| recorded(object, op)).collect();
            let outcome = |zones| {
                let options = Options { zones, ..Options::default() };
                check_operations(&operations, &model, &options, &Unlimited).unwrap().outcome == Outcome::Invalid
            };
            let searched = outcome(false);
            assert_eq!(outcome(true), searched, "seed {seed}, {object:?}, invalid: {searched}: {:#?}", story(&ops));
            *if searched { &mut invalid } else { &mut valid } += 1;
        }
        assert!(valid > 300 && invalid > 300, "{object:?}: {valid} valid, {invalid} invalid");
    }
}

/// So long that no search would come to an end of it if it were hard, and nothing quadratic either.
#[test]
fn long_histories_are_decided_without_a_search() {
    for object in DECIDED {
        // Each read of a whole set costs as much as the set is large.
        let count = if object == Object::GrowOnlySet { 2_000 } else { 20_000 };
        let kind = Kind { object, distinct: object != Object::Set, operations: count };
        let mut ops = happened(kind, count, (0, 40), &mut Random::new(7));
        if object == Object::GrowOnlySet {
            ops.iter_mut().filter(|op| op.f == "add").for_each(|op| op.answer.clear());
        }
        let checked = |ops: &[Op]| {
            let operations: Vec<Operation> = ops.iter().map(|op| recorded(object, op)).collect();
            check_operations(&operations, &model(object), &Options::default(), &Unlimited).unwrap()
        };
        let property = checked(&ops);
        assert_eq!(property.outcome, Outcome::Valid, "{object:?}: {}", property.summary);
        // A fence that is not known leaves it to the search.
        let searched = property.route.as_deref() == Some("frontier search");
        assert_eq!(searched, object == Object::FencedLock, "{object:?}");
        assert!(spoil(&mut ops), "{object:?}");
        let property = checked(&ops);
        assert_eq!(property.outcome, Outcome::Invalid, "{object:?}: {}", property.summary);
    }
}

/// An answer of the second half is given once more, at the end and alone: an element that was taken is taken again, an old
/// state is read, an offset is given twice; or two processes take a lock one after the other. Says whether there was one.
fn spoil(ops: &mut Vec<Op>) -> bool {
    let last = ops.iter().map(|op| op.completed).max().unwrap();
    let has_append = ops.iter().any(|op| op.f == "append");
    let answers = |op: &&Op| match op.f {
        "acquire" => true,
        "add" => false,
        f => {
            op.ending == Ending::Ok && op.answer.first().is_some_and(|&it| it != NULL) && (f == "append") == has_append
        }
    };
    let Some(mut again) = ops[ops.len() / 2..].iter().find(answers).cloned() else { return false };
    (again.invoked, again.completed) = (last + 1, last + 2);
    match again.f {
        "contains" => (again.input, again.answer) = (i64::MAX, vec![1]),
        "acquire" => {
            let (invoked, completed) = (last + 3, last + 4);
            ops.push(Op { process: 4, invoked, completed, answer: vec![i64::MAX], ..again.clone() });
            (again.process, again.answer) = (3, vec![i64::MAX - 1]);
        }
        _ => {}
    }
    ops.push(again);
    true
}

/// The operations that are shown contradict each other alone.
fn proves(
    object: Object,
    ops: &[Op],
    counterexample: &schism_checker::verdict::Counterexample,
    told: &dyn Fn() -> String,
) {
    let shown = |op: &&Op| {
        let at = (u64::try_from(op.process).unwrap(), op.invoked);
        op.ending != Ending::Fail && counterexample.operations.iter().any(|it| (it.process, it.invoked) == at)
    };
    let shown: Vec<Op> = ops.iter().filter(shown).cloned().collect();
    assert!(!linearizable(object, &shown), "the counterexample is linearizable: {}\n{counterexample:#?}", told());
}

/// The operations, one a line.
fn story(ops: &[Op]) -> Vec<String> {
    ops.iter()
        .map(|op| {
            let Op { process, f, input, to, answer, ending, invoked, completed } = op;
            format!("{process} {f} {input} {to} -> {answer:?} {ending:?} [{invoked}, {completed}]")
        })
        .collect()
}
