//! What is checked of whole histories, against the definitions.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::Options;
use schism_checker::models::Register;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::weaker::{Level, check_with};
use serde_json::json;

use super::brute_force::{Op, ops};
use super::brute_force_whole::{Causal, Guarantee, Versions, can_keep, keeps, name, unwritten};
use super::generator::Kind;
use super::random::Random;
use super::registers::{ALWAYS, AT_NIGHT, Tally, each, kept};

const KINDS: [Kind; 4] = [
    Kind { distinct: true, keys: 1, operations: 7, sessions: false },
    Kind { distinct: true, keys: 2, operations: 8, sessions: false },
    Kind { distinct: true, keys: 2, operations: 7, sessions: true },
    Kind { distinct: true, keys: 3, operations: 8, sessions: false },
];

const GUARANTEES: [(Level, Guarantee); 4] = [
    (Level::ReadYourWrites, Guarantee::ReadYourWrites),
    (Level::MonotonicReads, Guarantee::MonotonicReads),
    (Level::MonotonicWrites, Guarantee::MonotonicWrites),
    (Level::WritesFollowReads, Guarantee::WritesFollowReads),
];

fn sessions_by_values(count: u64) {
    let tally = Tally::default();
    for kind in KINDS {
        each(kind, count / 4, |operations| {
            let ops = ops(operations, false);
            for (level, guarantee) in GUARANTEES {
                let truth = can_keep(&ops, guarantee);
                assert_eq!(kept(operations, level), Some(truth), "{level}");
                tally.count(format!("{guarantee:?} {truth}"));
            }
        });
    }
    assert_all_often(&tally, count);
}

/// Each guarantee was kept often, and broken often.
fn assert_all_often(tally: &Tally, count: u64) {
    for (_, guarantee) in GUARANTEES {
        tally.assert_often(&[&format!("{guarantee:?} true"), &format!("{guarantee:?} false")], count);
    }
}

/// Tells versions: any order of all writes, so that clients may or may not see that it is wrong.
fn with_versions(operations: &[Operation], random: &mut Random) -> (Vec<Operation>, Versions) {
    let all = ops(operations, false);
    let mut left: Vec<_> = all.iter().filter(|op| op.write).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        // Mostly as they were invoked, so that there are histories that keep it.
        let next = if random.chance(80) { 0 } else { random.below(left.len()) };
        order.push(left.remove(next));
    }
    let versions: Versions = order.iter().zip(1..).map(|(op, version)| (name(op), version)).collect();
    let told = operations.iter().cloned().map(|operation| {
        let value = if &*operation.f == "write" { operation.input.to_value() } else { operation.answer().clone() };
        let key = operation.key.as_deref().unwrap().to_string();
        let version = versions.get(&(key, value.to_string())).filter(|_| operation.ending == Ending::Ok);
        // Compared as texts, n10 would come before n9.
        Operation { version: version.map(|version| json!([1, format!("n{}", version + 7)]).into()), ..operation }
    });
    (told.collect(), versions)
}

fn sessions_by_versions(count: u64) {
    let tally = Tally::default();
    for kind in KINDS {
        each(kind, count / 4, |operations| {
            let mut random = Random::new(operations.len() as u64 + operations.last().map_or(0, |it| it.invoked));
            let (operations, versions) = with_versions(operations, &mut random);
            // Nobody told the version of a crashed write that nobody read: it can be any.
            let all = ops(&operations, false);
            let seen = |op: &Op| op.end.is_some() || all.iter().any(|read| !read.write && name(read) == name(op));
            let ops: Vec<Op> = all.iter().filter(|op| seen(op)).cloned().collect();
            for (level, guarantee) in GUARANTEES {
                let truth = !unwritten(&ops) && keeps(&ops, guarantee, &versions);
                assert_eq!(kept(&operations, level), Some(truth), "{level}");
                assert!(!truth || can_keep(&ops, guarantee), "what holds by versions holds by values");
                tally.count(format!("{guarantee:?} {truth}"));
            }
        });
    }
    assert_all_often(&tally, count);
}

/// The steps of a counterexample are between operations that are shown, one after the other, and the words say them. Whether there
/// are any.
fn steps_are_those_that_are_told(verdict: &Property) -> bool {
    let Some(counterexample) = &verdict.counterexample else { return false };
    for (step, told) in counterexample.steps.iter().zip(&counterexample.because) {
        let [before, after] = [step.before, step.after].map(|place| &counterexample.operations[place]);
        assert_ne!(step.before, step.after, "nothing comes before itself: {verdict:?}");
        assert!(told.ends_with(&step.why) && told.contains(&format!("process {} ", before.process)), "{verdict:?}");
        assert!(told.contains(&format!("process {} ", after.process)), "{verdict:?}");
    }
    let linked = counterexample.steps.windows(2).all(|two| two[0].after == two[1].before);
    assert!(linked, "a way has no gaps: {verdict:?}");
    !counterexample.steps.is_empty()
}

fn causal(count: u64) {
    let tally = Tally::default();
    // Else what is linearizable would not come to what is tested here.
    let options = Options { zones: false, ..Options::default() };
    for kind in KINDS {
        each(kind, count / 4, |operations| {
            let causal = Causal::of(&ops(operations, false));
            let holds = |what: fn(&Causal) -> bool| causal.as_ref().is_some_and(what);
            for (level, truth) in [
                (Level::Causal, holds(Causal::is_causal)),
                (Level::CausalConvergence, holds(Causal::is_convergent)),
                (Level::CausalMemory, holds(Causal::is_memory)),
            ] {
                let verdict = check_with(operations, &Register::new(), level, &options, &Unlimited).unwrap();
                assert_eq!(verdict.outcome == Outcome::Invalid, !truth, "{level}: {verdict:?}");
                assert_ne!(verdict.outcome, Outcome::Unknown);
                assert_eq!(kept(operations, level), Some(truth), "{level}, with what is stronger first");
                if steps_are_those_that_are_told(&verdict) {
                    tally.count("steps");
                }
            }
            let [weak, convergent, memory] = [Causal::is_causal, Causal::is_convergent, Causal::is_memory].map(holds);
            tally.count(format!("CC {weak}, CCv {convergent}, CM {memory}"));
        });
    }
    tally.assert_often(&["CC true, CCv true, CM true", "CC false, CCv false, CM false", "steps"], count);
    // That convergence holds and memory does not is too rare among so few operations to be asked for.
    let apart = ["CC true, CCv false, CM true", "CC true, CCv false, CM false"];
    tally.assert_often(&apart, count / 100);
}

#[test]
fn session_guarantees_by_values_are_what_their_definitions_say() {
    sessions_by_values(ALWAYS);
}

#[test]
fn session_guarantees_by_versions_are_what_their_definitions_say() {
    sessions_by_versions(ALWAYS);
}

#[test]
fn the_bad_patterns_of_causal_consistency_are_what_the_definitions_say() {
    causal(ALWAYS);
}

#[test]
#[ignore = "a million histories of each, for the night"]
fn a_million_of_each() {
    sessions_by_values(AT_NIGHT);
    sessions_by_versions(AT_NIGHT);
    causal(AT_NIGHT);
}
