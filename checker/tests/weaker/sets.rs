//! What becomes of the elements of sets, against the definition as it is told.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::Options;
use schism_checker::models::Set;
use schism_checker::verdict::Outcome;
use schism_checker::weaker::set_full;
use serde_json::{Value, json};

use super::random::Random;
use super::registers::ALWAYS;

fn history(random: &mut Random) -> Vec<Operation> {
    let count = 2 + random.below(9);
    let mut index = 0;
    let mut next = |random: &mut Random| {
        index += 1 + random.below(2) as u64;
        index
    };
    let operations = (0..count as u64).map(|process| {
        let f = *random.pick(&["add", "add", "read", "read", "remove"]);
        let f = if f == "remove" && random.chance(70) { "read" } else { f };
        let mut elements: Vec<u64> = (0..4).filter(|_| random.chance(60)).collect();
        if random.chance(5) {
            elements.push(0);
        }
        let ending = *random.pick(&[Ending::Ok, Ending::Ok, Ending::Ok, Ending::Fail, Ending::Info]);
        let input = if f == "read" { Value::Null } else { json!(random.below(4)) };
        let output = if f == "read" { json!(elements) } else { input.clone() };
        let invoked = next(random);
        // Some overlap with what is invoked after them.
        let completed = invoked + 1 + random.below(6) as u64 * 100 % 7;
        Operation {
            process,
            f: f.into(),
            key: Some(random.below(2).into()),
            input: input.into(),
            output: (ending == Ending::Ok).then(|| output.into()),
            ending,
            node: None,
            invoked,
            completed: Some(completed),
            invoked_at: None,
            completed_at: None,
            error: None,
            session: None,
            version: None,
        }
    });
    operations.collect()
}

/// Lost, stale, never read, stable, duplicated and unexpected elements.
fn counted(operations: &[Operation]) -> [u64; 6] {
    let mut counts = [0; 6];
    for (key, element) in (0..2_u64).flat_map(|key| (0..4_u64).map(move |element| (key, element))) {
        let its: Vec<&Operation> = operations.iter().filter(|it| it.key.as_deref() == Some(&json!(key))).collect();
        let of = |f: &str, ending: &dyn Fn(Ending) -> bool| -> Vec<&Operation> {
            let own = its.iter().filter(|it| &*it.f == f && it.input.as_u64() == Some(element) && ending(it.ending));
            own.copied().collect()
        };
        let reads: Vec<&&Operation> = its.iter().filter(|it| &*it.f == "read" && it.ending == Ending::Ok).collect();
        let times =
            |read: &Operation| read.answer().as_array().unwrap().iter().filter(|it| **it == json!(element)).count();
        let having: Vec<_> = reads.iter().filter(|read| times(read) > 0).collect();
        let lacking: Vec<_> = reads.iter().filter(|read| times(read) == 0).collect();
        let tried = of("add", &|ending| ending != Ending::Fail);
        if its.iter().all(|it| it.input.as_u64() != Some(element)) && having.is_empty() {
            continue;
        }
        counts[4] += u64::from(reads.iter().any(|read| times(read) > 1));
        if tried.is_empty() && !having.is_empty() {
            counts[5] += 1;
            continue;
        }
        if !of("remove", &|ending| ending != Ending::Fail).is_empty() {
            continue;
        }
        let known = of("add", &|ending| ending == Ending::Ok).iter().map(|it| it.completed.unwrap()).min();
        let known = known.into_iter().chain(having.iter().map(|it| it.completed.unwrap())).min();
        let last_had = having.iter().map(|it| it.invoked).max();
        let missed: Vec<u64> =
            lacking.iter().map(|it| it.invoked).filter(|&it| known.is_some_and(|known| it > known)).collect();
        let last_lacked = lacking.iter().map(|it| it.invoked).max();
        if last_had.is_some() && last_had > last_lacked {
            counts[3] += 1;
            counts[1] += u64::from(!missed.is_empty());
        } else if missed.iter().any(|&it| Some(it) > last_had) {
            counts[0] += 1;
        } else {
            counts[2] += 1;
        }
    }
    counts
}

#[test]
fn elements_are_counted_as_the_definition_says() {
    for seed in 0..ALWAYS {
        let operations = history(&mut Random::new(seed));
        let verdict = set_full::check(&operations, &Set { removals: true }, &Options::default(), &Unlimited).unwrap();
        let names = ["lost", "stale", "never_read", "stable", "duplicated", "unexpected"];
        let told = names.map(|name| verdict.figures[name].as_u64().unwrap());
        let expected = counted(&operations);
        assert_eq!(told, expected, "seed {seed}: {operations:#?}");
        let [lost, _, _, stable, duplicated, unexpected] = expected;
        let outcome = match (lost + duplicated + unexpected, stable) {
            (1.., _) => Outcome::Invalid,
            (0, 0) => Outcome::Vacuous,
            (0, _) => Outcome::Valid,
        };
        assert_eq!(verdict.outcome, outcome, "seed {seed}");
        assert_eq!(verdict.counterexample.is_some(), outcome == Outcome::Invalid, "seed {seed}");
    }
}
