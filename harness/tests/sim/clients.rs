//! What simulated clients do with a failure, and that none of them moves another.

use std::collections::BTreeMap;

use schism::budget::CheckBudget;
use schism::plan;
use schism::sim::{Played, Scenario, Watch};
use schism_checker::history::Ending;
use serde_json::{Value, json};

use crate::support::{options, play};

/// What a worker did last, from the lines of a trace.
#[derive(Default)]
struct Last<'a> {
    /// The word of its last attempt: `invoke` or `retries`.
    began: &'a str,
    /// What was asked.
    request: [&'a str; 2],
    node: &'a str,
    ended: &'a str,
}

/// How often a run's workers tried something again; that they may is asserted.
fn retries(trace: &str) -> usize {
    let (mut workers, mut count) = (BTreeMap::<&str, Last<'_>>::new(), 0);
    for line in trace.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let worker = workers.entry(words[1]).or_default();
        match (words[2], &words[3..]) {
            (began @ ("invoke" | "retries"), [f, key, "as", _, "at", node]) => {
                if began == "retries" {
                    count += 1;
                    assert_eq!((worker.began, worker.ended), ("invoke", "fail"), "{line}");
                    assert_eq!(worker.request, [*f, *key], "{line}");
                    assert_ne!(worker.node, *node, "{line}");
                }
                *worker = Last { began, request: [f, key], node, ended: "" };
            }
            (ended @ ("ok" | "fail" | "info"), _) => worker.ended = ended,
            _ => {}
        }
    }
    count
}

#[test]
fn what_has_failed_is_tried_again_once_and_elsewhere_and_nothing_else_is() {
    let mut seeds = (0..12).map(|seed| {
        let played = play(&options("raft", 5, seed), true);
        let mut written: BTreeMap<(String, String), [u64; 2]> = BTreeMap::new();
        for operation in played.history.operations().unwrap() {
            let value = match &*operation.f {
                "write" => operation.input.to_value(),
                "cas" => operation.input[1].clone(),
                _ => continue,
            };
            let attempts = written.entry((operation.key.unwrap().to_string(), value.to_string())).or_default();
            attempts[usize::from(operation.ending != Ending::Fail)] += 1;
        }
        assert!(written.values().all(|[_, perhaps]| *perhaps <= 1), "seed {seed}: a value may be there twice");
        let again = written.values().filter(|[failed, perhaps]| failed + perhaps > 1).count();
        let retries = retries(played.trace.as_deref().unwrap());
        assert!(again <= retries, "seed {seed}: {again} values were written again, and there were {retries} retries");
        retries
    });
    let (some, none): (Vec<usize>, Vec<usize>) = seeds.by_ref().partition(|retries| *retries > 0);
    assert!(some.len() >= 3 && none.len() >= 3, "some mixtures try again and some do not: {some:?}, {none:?}");
}

/// Two clients, one after the other, or the second alone.
fn played(requests: &[Value]) -> Played {
    let plan = json!({ "kind": "plan", "format": 1, "system": "nwr", "nodes": 3, "clients": 2, "entries": requests });
    let scenario = Scenario::of_plan(&options("nwr", 3, 7), plan::parse(&plan.to_string(), "a plan").unwrap()).unwrap();
    scenario.play(Watch::of("nwr"), true, &CheckBudget::new(std::time::Duration::from_mins(1), 1 << 30)).unwrap()
}

#[test]
fn a_client_does_not_move_another() {
    let request = |id: u64, worker: &str, at: &str| json!({ "id": id, "at": at, "do": "request", "on": worker, "args": { "node": "n1", "f": "read", "key": "x" } });
    let (first, second) = (request(1, "c1", "100ms"), request(2, "c2", "200ms"));
    let arrival = |played: &Played| {
        let trace = played.trace.as_deref().unwrap();
        let line = trace.lines().find(|line| line.contains(" step     c2.1#1 read x")).expect("it came to its node");
        line.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(arrival(&played(&[first, second.clone()])), arrival(&played(&[second])));
}
