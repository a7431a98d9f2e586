//! The checker and brute force agree, whichever way it takes.

use std::collections::BTreeMap;

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;

use crate::brute_force::{Object, Op, linearizable, recorded};
use crate::generator::{Kind, history};
use crate::random::Random;

/// How many histories of each kind the normal tests look at, and how many of these the search decides too.
const HISTORIES: u64 = 100_000;
const SEARCHED: u64 = 15_000;

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
    let (mut valid, mut invalid, mut decided, mut crashed) = (0, 0, 0, 0);
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
        crashed += u64::from(ops.iter().any(|op| op.ending == Ending::Info));
        let operations: Vec<Operation> = ops.iter().map(|op| recorded(kind.object, op)).collect();
        let property = check_operations(&operations, &model, &Options::default(), &Unlimited).unwrap();
        assert_eq!(property.outcome == Outcome::Invalid, !truth, "{}\n{property:#?}", told());
        let route = property.route.as_deref().unwrap_or("frontier search");
        decided += u64::from(route != "frontier search");
        match decides {
            Decides::Always(name) if property.route.is_some() => assert_eq!(route, name, "{}", told()),
            Decides::Often(name) => {
                assert!([name, "zones", "per element", "frontier search"].contains(&route), "{route}: {}", told())
            }
            Decides::Always(_) | Decides::Never => {}
        }
        if let Some(counterexample) = &property.counterexample {
            assert!(!counterexample.because.is_empty() && !counterexample.operations.is_empty(), "{}", told());
            if !["frontier search", "per element"].contains(&route) {
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
    assert!(crashed > histories / 10, "{crashed} histories with crashed operations");
    match decides {
        Decides::Always(_) | Decides::Never => {}
        Decides::Often(_) => assert!(decided > histories / 2, "decided {decided} of {histories}"),
    }
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

fn model(object: Object) -> ModelSpec {
    let (name, parameter) = match object {
        Object::CasRegister => ("cas-register", None),
        Object::Queue => ("fifo-queue", None),
        Object::Bag => ("bag", None),
        Object::Stack => ("stack", None),
        Object::SmallestFirst => ("priority-queue", None),
        Object::LargestFirst => ("priority-queue", Some(("first", "largest"))),
        Object::Set => ("set", None),
        Object::GrowOnlySet => ("grow-only-set", None),
        Object::Counter => ("counter", None),
        Object::Semaphore => ("semaphore", Some(("permits", "2"))),
        Object::OwnerLock => ("mutex", None),
        Object::ReentrantLock => ("mutex", Some(("kind", "reentrant"))),
        Object::FencedLock => ("mutex", Some(("kind", "fenced"))),
        Object::List => ("append-list", None),
        Object::Log => ("log", None),
    };
    let parameters = parameter.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ModelSpec::parse(name, &parameters.into_iter().collect::<BTreeMap<_, _>>()).unwrap()
}
