//! A million random small histories of all models against brute force: how many of each, which route decided, and how often
//! the two differ, which must be never. Every verdict is proved, and the proof verified.

#[expect(clippy::unwrap_used, reason = "what the tests share fails by panicking")]
mod objects;
#[expect(clippy::unwrap_used, reason = "what the tests share fails by panicking")]
mod registers;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{NoProof, Options, check_operations, prove};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;
use schism_checker::verify::verify;

use crate::MILLION;
use crate::random::Random;
use crate::small::objects::brute_force as object;
use crate::small::registers::brute_force as register;

/// Histories that are made in one way.
enum Kind {
    Register(registers::generator::Kind, FailedCas),
    Object(objects::generator::Kind),
}

/// What a compare-and-set says that failed because of a mismatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FailedCas {
    Nothing,
    Asserts,
}

/// What became of the histories of one kind.
#[derive(Default)]
struct Row {
    name: String,
    histories: usize,
    valid: usize,
    with_crashes: usize,
    with_failures: usize,
    differences: usize,
    /// Verdicts whose proof was verified, and those whose proof was refused.
    proved: usize,
    refused: usize,
    routes: BTreeMap<String, usize>,
}

pub(crate) fn rows() {
    let kinds = kinds();
    let each = MILLION.div_ceil(kinds.len());
    let (next, done) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((number, kind)) = next_of(&next, &kinds) {
                    let row = row(kind, number as u64, each);
                    done.lock().expect("no other worker panics while it holds this").insert(number, row);
                }
            });
        }
    });
    let rows = done.into_inner().expect("no worker panicked");
    println!(
        "{:<66} {:>9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>5}",
        "small histories", "histories", "valid", "invalid", "crashes", "failures", "proved", "refused", "wrong"
    );
    let mut total = Row { name: "all".to_owned(), ..Row::default() };
    for row in rows.values() {
        total.add(row);
        row.print();
    }
    total.print();
    assert_eq!((total.differences, total.refused), (0, 0), "the checker and brute force differ, or a proof is wrong");
}

fn next_of<'k>(next: &AtomicUsize, kinds: &'k [Kind]) -> Option<(usize, &'k Kind)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Some((number, kinds.get(number)?))
}

fn kinds() -> Vec<Kind> {
    use object::Object;
    use register::Object as Plain;
    let plain = |object, distinct, keys| registers::generator::Kind { object, distinct, keys, operations: 8 };
    let registers = [
        plain(Plain::Register, false, 1),
        plain(Plain::Register, true, 1),
        plain(Plain::CasRegister, false, 1),
        plain(Plain::CasRegister, true, 1),
        plain(Plain::CasRegister, false, 3),
        plain(Plain::MultiRegister, false, 1),
        plain(Plain::Kv, false, 1),
        plain(Plain::Kv, false, 2),
        plain(Plain::Mutex, false, 1),
    ];
    let asserting = [false, true].map(|distinct| (plain(Plain::CasRegister, distinct, 1), FailedCas::Asserts));
    let distinct = [
        Object::CasRegister,
        Object::Queue,
        Object::Bag,
        Object::Stack,
        Object::SmallestFirst,
        Object::LargestFirst,
        Object::Set,
        Object::GrowOnlySet,
        Object::Counter,
        Object::List,
        Object::Log,
    ];
    let others = [Object::Semaphore, Object::OwnerLock, Object::ReentrantLock, Object::FencedLock];
    let all = distinct.iter().flat_map(|&object| [(object, true), (object, false)]);
    let objects = all.chain(others.iter().map(|&object| (object, false)));
    let registers = registers.into_iter().map(|kind| (kind, FailedCas::Nothing)).chain(asserting);
    let objects = objects.map(|(object, distinct)| objects::generator::Kind { object, distinct, operations: 8 });
    registers.map(|(kind, failed)| Kind::Register(kind, failed)).chain(objects.map(Kind::Object)).collect()
}

fn row(kind: &Kind, stream: u64, histories: usize) -> Row {
    let mut row = Row { name: kind.name(), ..Row::default() };
    for number in 0..histories as u64 {
        let (operations, model, failed, truth) = kind.history(&mut Random::new(1 << 61 | stream << 40 | number));
        row.histories += 1;
        row.valid += usize::from(truth);
        let some = |ending| operations.iter().any(|operation| operation.ending == ending);
        row.with_crashes += usize::from(some(Ending::Info));
        row.with_failures += usize::from(some(Ending::Fail));
        row.check(&operations, &model, failed, truth);
    }
    row
}

impl Kind {
    fn name(&self) -> String {
        match self {
            Kind::Register(kind, failed) => {
                let values = if kind.distinct { "distinct values" } else { "equal values" };
                let failed = if *failed == FailedCas::Asserts { ", failed cas asserts" } else { "" };
                format!("{:?}, {values}, {} keys{failed}", kind.object, kind.keys)
            }
            Kind::Object(kind) => {
                let values = if kind.distinct { "distinct values" } else { "equal values" };
                format!("{:?}, {values}", kind.object)
            }
        }
    }

    /// A history, its model, and whether it is linearizable.
    fn history(&self, random: &mut Random) -> (Vec<Operation>, ModelSpec, FailedCas, bool) {
        match self {
            Kind::Register(kind, failed) => {
                let made = registers::generator::history(*kind, random);
                let mut operations = made.operations;
                if *failed == FailedCas::Asserts {
                    name_mismatches(&mut operations, random);
                }
                let truth = register::linearizable(kind.object, &made.initial, &with_assertions(&operations));
                assert!(truth || !made.valid_by_construction, "brute force refuses what an object did");
                (operations, registers::generator::model(kind.object, &made.initial), *failed, truth)
            }
            Kind::Object(kind) => {
                let made = objects::generator::history(*kind, random);
                let truth = object::linearizable(kind.object, &made.ops);
                assert!(truth || !made.valid_by_construction, "brute force refuses what an object did");
                let operations = made.ops.iter().map(|op| object::recorded(kind.object, op)).collect();
                (operations, objects::generator::model(kind.object), FailedCas::Nothing, truth)
            }
        }
    }
}

/// Most compare-and-sets that failed say that the value was another one.
fn name_mismatches(operations: &mut [Operation], random: &mut Random) {
    for operation in operations.iter_mut().filter(|it| it.ending == Ending::Fail && &*it.f == "cas") {
        if random.chance(80) {
            operation.error = Some("precondition-failed".into());
        }
    }
}

/// What brute force is given: a failure that names the mismatch as an operation that happened.
fn with_assertions(operations: &[Operation]) -> Vec<Operation> {
    let asserts = |operation: &Operation| operation.ending == Ending::Fail && operation.error.is_some();
    let changed = operations.iter().cloned().map(|operation| {
        if asserts(&operation) {
            Operation { f: register::MISMATCH.into(), ending: Ending::Ok, ..operation }
        } else {
            operation
        }
    });
    changed.collect()
}

impl Row {
    fn check(&mut self, operations: &[Operation], model: &ModelSpec, failed: FailedCas, truth: bool) {
        let failed_cas_asserts = failed == FailedCas::Asserts;
        let options = Options { failed_cas_asserts, ..Options::default() };
        let property = check_operations(operations, model, &options, &Unlimited).expect("the history is sound");
        let decided = match property.outcome {
            Outcome::Valid | Outcome::Vacuous => Some(true),
            Outcome::Invalid => Some(false),
            Outcome::Unknown => None,
        };
        self.differences += usize::from(decided != Some(truth));
        let route = property.route.as_deref().unwrap_or("nothing follows");
        *self.routes.entry(route.to_owned()).or_default() += 1;
        // A proof is of the operations as they are, which cannot say what a failure asserts.
        if failed_cas_asserts {
            return;
        }
        match prove(operations, model, &property, &Unlimited) {
            Ok(proof) => match verify(operations, model, &proof) {
                Ok(_) => self.proved += 1,
                Err(_) => self.refused += 1,
            },
            Err(NoProof::Undecided | NoProof::NoCore) => {}
            Err(_) => self.refused += 1,
        }
    }

    fn add(&mut self, row: &Row) {
        self.histories += row.histories;
        self.valid += row.valid;
        self.with_crashes += row.with_crashes;
        self.with_failures += row.with_failures;
        self.differences += row.differences;
        self.proved += row.proved;
        self.refused += row.refused;
        for (route, count) in &row.routes {
            *self.routes.entry(route.clone()).or_default() += count;
        }
    }

    fn print(&self) {
        let Row { name, histories, valid, with_crashes, with_failures, differences, proved, refused, routes } = self;
        let invalid = histories - valid;
        println!(
            "{name:<66} {histories:>9} {valid:>8} {invalid:>8} {with_crashes:>8} {with_failures:>8} {proved:>8} \
             {refused:>8} {differences:>5}"
        );
        let routes: Vec<String> = routes.iter().map(|(route, count)| format!("{route} {count}")).collect();
        println!("  decided by: {}", routes.join(", "));
    }
}
