//! What follows from what: no history keeps a property and breaks one that is weaker.

use std::collections::BTreeMap;
use std::path::Path;

use schism_checker::budget::Unlimited;
use schism_checker::formats;
use schism_checker::linearizability::{CheckError, Options};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Outcome;
use schism_checker::weaker::{Level, check, check_operations};

use super::cas;
use super::generator::Kind;
use super::random::Random;
use super::registers::{ALWAYS, AT_NIGHT, each};

/// Each with what it implies at once.
const IMPLIES: [(Level, &[Level]); 10] = [
    (
        Level::Linearizable,
        &[Level::Sequential, Level::RegularPerProcess, Level::KAtomic { k: 1 }, Level::Staleness { bound_ms: Some(0) }],
    ),
    (Level::Sequential, &[Level::CausalMemory, Level::CausalConvergence]),
    (Level::CausalMemory, &[Level::Causal]),
    (
        Level::CausalConvergence,
        &[
            Level::Causal,
            Level::ReadYourWrites,
            Level::MonotonicReads,
            Level::MonotonicWrites,
            Level::WritesFollowReads,
        ],
    ),
    (Level::RegularPerProcess, &[Level::Regular]),
    (Level::Regular, &[Level::Safe]),
    (Level::KAtomic { k: 1 }, &[Level::Linearizable, Level::KAtomic { k: 2 }]),
    (Level::KAtomic { k: 2 }, &[Level::KAtomic { k: 3 }]),
    (Level::KAtomic { k: 3 }, &[Level::KAtomic { k: 4 }]),
    (Level::Staleness { bound_ms: Some(0) }, &[Level::Linearizable]),
];

/// A register's operations and its model, by every level.
struct Kept(BTreeMap<Level, Outcome>);

impl Kept {
    fn of(outcome: impl Fn(Level) -> Outcome) -> Kept {
        let named = IMPLIES.iter().flat_map(|(level, weaker)| [*level].into_iter().chain(weaker.iter().copied()));
        Kept(named.map(|level| (level, outcome(level))).collect())
    }

    /// That nothing that is implied is broken. What is `unknown` contradicts nothing.
    fn has_no_inversion(&self, passed_over: impl Fn(Level, Level) -> bool) {
        for (level, weaker) in IMPLIES {
            for &weaker in weaker.iter().filter(|&&weaker| !passed_over(level, weaker)) {
                let broken = self.0[&level] == Outcome::Valid && self.0[&weaker] == Outcome::Invalid;
                assert!(!broken, "{level} is kept, and {weaker} is broken, though it is weaker");
            }
        }
    }
}

fn registers(count: u64) {
    let kinds = [(true, 1, false), (true, 2, false), (true, 3, false), (false, 1, false), (true, 2, true)];
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    for (distinct, keys, sessions) in kinds {
        each(Kind { distinct, keys, operations: 8, sessions }, count / 5, |operations| {
            // What is weaker is decided by itself, or by what is stronger first.
            let zones = operations.len() % 2 == 0;
            let options = Options { zones, explain: false, core_effort: 0, ..Options::default() };
            let kept =
                Kept::of(|level| check_operations(operations, &model, level, &options, &Unlimited).unwrap().outcome);
            // Sequential consistency knows processes, and no sessions of several.
            kept.has_no_inversion(|level, _| sessions && level == Level::Sequential);
        });
    }
}

/// A compare-and-set is more than a read and a write: what is said of those follows from linearizability, and not the other way round.
fn with_compare_and_set(count: u64) {
    for seed in 0..count {
        let (operations, model) = cas::history(&mut Random::new(seed));
        let options = Options { explain: false, core_effort: 0, ..Options::default() };
        let kept =
            Kept::of(|level| check_operations(&operations, &model, level, &options, &Unlimited).unwrap().outcome);
        let reverse = |level, weaker| level != Level::Linearizable && weaker == Level::Linearizable;
        let checked = std::panic::catch_unwind(|| {
            kept.has_no_inversion(|level, weaker| reverse(level, weaker) && matches!(level, Level::Staleness { .. }));
        });
        assert!(checked.is_ok(), "seed {seed}: {operations:#?}");
    }
}

#[test]
fn nothing_that_is_implied_is_broken() {
    registers(ALWAYS);
    with_compare_and_set(ALWAYS / 5);
}

#[test]
#[ignore = "a million histories, for the night"]
fn nothing_that_is_implied_is_broken_in_a_million() {
    registers(AT_NIGHT);
    with_compare_and_set(AT_NIGHT);
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn real_histories_have_no_inversion() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    let Ok(table) = fs_err::read_to_string(folder.join("verdicts.tsv")) else {
        eprintln!("SKIPPED real_histories_have_no_inversion: there is no {}", folder.display());
        return;
    };
    let mut judged = 0;
    for line in table.lines().skip(1) {
        let [file, model, initial, verdict] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("verdicts.tsv has four columns: {line}");
        };
        let model = ModelSpec::parse(model, &BTreeMap::from([("init".to_owned(), initial.to_owned())])).unwrap();
        let history = formats::read_path(&folder.join(file)).unwrap();
        let options = Options { trivially_valid: true, explain: false, core_effort: 0, ..Options::default() };
        for level in [Level::Regular, Level::Safe, Level::RegularPerProcess, Level::KAtomic { k: 2 }, Level::Causal] {
            match check(&history, &model, level, &options, &Unlimited) {
                Ok(property) if verdict == "valid" => {
                    assert_ne!(property.outcome, Outcome::Invalid, "{file}: {}", property.summary);
                    judged += usize::from(property.outcome == Outcome::Valid);
                }
                Ok(_) => {}
                Err(CheckError::Level { .. }) => assert_eq!(model.name(), "kv", "{file}"),
                Err(error) => panic!("{file}: {error}"),
            }
        }
    }
    assert!(judged > 0, "no real history says anything");
}
