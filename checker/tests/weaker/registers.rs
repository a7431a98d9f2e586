//! What is checked key by key, against the definitions.

use std::cell::RefCell;
use std::collections::BTreeMap;

use schism_checker::budget::Unlimited;
use schism_checker::history::Operation;
use schism_checker::linearizability::Options;
use schism_checker::models::Register;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::weaker::{Level, check_with};

use super::brute_force::{self as brute, Op};
use super::generator::{Kind, history};
use super::random::Random;

/// So many histories of each kind, in the tests that always run and in those that run at night.
pub(crate) const ALWAYS: u64 = 100_000;
pub(crate) const AT_NIGHT: u64 = 1_000_000;

pub(crate) fn judge(operations: &[Operation], level: Level) -> Property {
    check_with(operations, &Register::new(), level, &Options::default(), &Unlimited).unwrap()
}

/// Whether it is kept, where it was decided.
pub(crate) fn kept(operations: &[Operation], level: Level) -> Option<bool> {
    let property = judge(operations, level);
    let shown = property.counterexample.as_ref().map_or(0, |it| it.operations.len());
    match property.outcome {
        Outcome::Valid | Outcome::Vacuous => Some(true),
        Outcome::Invalid => {
            assert!(shown > 0, "a violation shows its operations: {property:?}");
            Some(false)
        }
        Outcome::Unknown => None,
    }
}

pub(crate) fn each(kind: Kind, count: u64, check: impl Fn(&[Operation])) {
    for seed in 0..count {
        let operations = history(kind, &mut Random::new(seed));
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&operations)));
        assert!(checked.is_ok(), "seed {seed} of {kind:?}: {operations:#?}");
    }
}

const DISTINCT: Kind = Kind { distinct: true, keys: 1, operations: 8, sessions: false };
const EQUAL: Kind = Kind { distinct: false, keys: 1, operations: 8, sessions: false };
const KEYS: Kind = Kind { distinct: true, keys: 2, operations: 8, sessions: false };

fn all_keys(operations: &[Operation], holds: fn(&[&Op]) -> bool) -> bool {
    brute::by_key(&brute::ops(operations, false)).iter().all(|ops| holds(ops))
}

/// How often something was so: a test in which nothing is ever broken, or kept, says nothing.
#[derive(Default)]
pub(crate) struct Tally(RefCell<BTreeMap<String, u64>>);

impl Tally {
    pub(crate) fn count(&self, what: impl Into<String>) {
        *self.0.borrow_mut().entry(what.into()).or_default() += 1;
    }

    /// Each of these was so in one history of a thousand at least.
    pub(crate) fn assert_often(&self, all: &[&str], histories: u64) {
        let counts = self.0.borrow();
        for &what in all {
            let often = counts.get(what).is_some_and(|&count| count >= histories / 1_000);
            assert!(often, "{what} was too rare: {counts:?}");
        }
    }
}

fn regular_and_safe(count: u64) {
    let tally = Tally::default();
    for kind in [DISTINCT, EQUAL, KEYS] {
        each(kind, count / 3, |operations| {
            let (regular, safe) = (all_keys(operations, brute::is_regular), all_keys(operations, brute::is_safe));
            assert_eq!(kept(operations, Level::Regular), Some(regular), "regular");
            assert_eq!(kept(operations, Level::Safe), Some(safe), "safe");
            tally.count(format!("regular {regular}, safe {safe}"));
        });
    }
    tally.assert_often(&["regular true, safe true", "regular false, safe true", "regular false, safe false"], count);
}

fn per_process(count: u64) {
    let tally = Tally::default();
    for kind in [DISTINCT, Kind { sessions: true, ..KEYS }] {
        each(kind, count / 2, |operations| {
            let truth = all_keys(operations, brute::is_regular_per_process);
            assert_eq!(kept(operations, Level::RegularPerProcess), Some(truth));
            tally.count(format!("{truth}, each read {}", all_keys(operations, brute::is_regular)));
        });
    }
    tally.assert_often(&["true, each read true", "false, each read true", "false, each read false"], count);
}

/// Exact for 1 and 2, and bounds that hold for all others.
fn k_atomic(count: u64) {
    let tally = Tally::default();
    for kind in [DISTINCT, Kind { operations: 10, ..DISTINCT }, EQUAL, KEYS] {
        each(kind, count / 4, |operations| {
            let ops = brute::ops(operations, false);
            let truths: Option<Vec<usize>> = brute::by_key(&ops).iter().map(|ops| brute::smallest_k(ops)).collect();
            let truth = truths.map(|all| all.into_iter().max().unwrap_or(1));
            for k in 1..=5 {
                let told = kept(operations, Level::KAtomic { k });
                let expected = truth.is_some_and(|truth| truth <= k);
                if k == 1 || k == 2 && kind.distinct {
                    assert_eq!(told, Some(expected), "k = {k}, the smallest is {truth:?}");
                }
                assert!(told.is_none_or(|told| told == expected), "k = {k}, the smallest is {truth:?}, told {told:?}");
            }
            let figures = judge(operations, Level::KAtomic { k: 2 }).figures;
            if let (Some(truth), Some(least), Some(most)) = (truth, figures.get("k_at_least"), figures.get("k_at_most"))
                && kind.distinct
            {
                let truth = truth as u64;
                assert!(
                    least.as_u64() <= Some(truth) && Some(truth) <= most.as_u64(),
                    "{least} to {most}, not {truth}"
                );
                let behind = figures["versions_behind"]["max"].as_u64().unwrap();
                tally.count(format!("k is {truth}"));
                if truth > behind + 1 {
                    tally.count(format!("k is {truth}, and no read alone shows it"));
                }
            }
        });
    }
    tally.assert_often(&["k is 1", "k is 2", "k is 3"], count);
    let joint = ["k is 2, and no read alone shows it", "k is 3, and no read alone shows it"];
    tally.assert_often(&joint, count / 20);
}

fn staleness(count: u64) {
    let tally = Tally::default();
    for kind in [DISTINCT, KEYS] {
        each(kind, count / 2, |operations| {
            let ops = brute::ops(operations, true);
            let truths: Option<Vec<i64>> = brute::by_key(&ops).iter().map(|ops| brute::smallest_delta(ops)).collect();
            let truth = truths.map(|all| all.into_iter().max().unwrap_or(0));
            let property = judge(operations, Level::Staleness { bound_ms: None });
            let told = property.figures.get("delta_ms").and_then(serde_json::Value::as_f64);
            match truth {
                None => assert_eq!(property.outcome, Outcome::Invalid),
                Some(_) if operations.is_empty() => {}
                Some(truth) => {
                    #[expect(clippy::cast_precision_loss, reason = "it is a few nanoseconds")]
                    let expected = truth as f64 / 1e6;
                    assert!((told.unwrap_or(0.0) - expected).abs() < 1e-9, "{told:?} ms, not {truth} ns");
                    let atomic = kept(operations, Level::Staleness { bound_ms: Some(0) });
                    assert_eq!(atomic, Some(truth == 0));
                    tally.count(if truth == 0 { "fresh" } else { "stale" });
                    let most = property.figures.get("stale_ms").and_then(|all| all["max"].as_f64());
                    if most.is_some_and(|most| most < expected) {
                        tally.count("no read alone is as stale");
                    }
                }
            }
        });
    }
    tally.assert_often(&["fresh", "stale", "no read alone is as stale"], count);
}

#[test]
fn regular_and_safe_are_what_their_definitions_say() {
    regular_and_safe(ALWAYS);
}

#[test]
fn regular_per_process_is_what_its_definition_says() {
    per_process(ALWAYS);
}

#[test]
fn k_atomicity_is_exact_for_one_and_two_and_bounded_beyond() {
    k_atomic(ALWAYS);
}

#[test]
fn staleness_is_the_smallest_time_that_does() {
    staleness(ALWAYS);
}

#[test]
#[ignore = "a million histories of each, for the night"]
fn a_million_of_each() {
    regular_and_safe(AT_NIGHT);
    per_process(AT_NIGHT);
    k_atomic(AT_NIGHT);
    staleness(AT_NIGHT);
}
