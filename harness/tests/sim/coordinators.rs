//! Coordinators beside clients: whom a worker asks, what dies with a client, and what is cut off with it.

use std::collections::BTreeSet;

use schism::budget::CheckBudget;
use schism::options::RunOptions;
use schism::plan;
use schism::sim::{Played, Scenario, Watch};
use schism_checker::history::Ending;
use schism_checker::verdict::Outcome;
use serde_json::{Value, json};

use crate::support::{options, play};

/// Plays entries on three nodes whose clients coordinate.
fn played(system: &str, entries: &Value) -> Played {
    let text = json!({"kind": "plan", "format": 1, "nodes": 3, "clients": 3, "entries": entries}).to_string();
    let plan = plan::parse(&text, "a test").unwrap();
    let scenario = Scenario::of_plan(&options(system, 3, 0), plan).unwrap();
    scenario
        .play(Watch::of("nwr").keeping(), false, &CheckBudget::new(std::time::Duration::from_mins(1), 1 << 30))
        .unwrap()
}

/// The operations as `f node ending`, those of the final phase left out.
fn operations(played: &Played) -> Vec<String> {
    let operations = played.history.operations().unwrap();
    let told = operations.iter().map(|operation| {
        let ending = match operation.ending {
            Ending::Ok => "ok",
            Ending::Fail => "fail",
            Ending::Info => "info",
        };
        format!("{} {} {ending}", operation.f, operation.node.as_deref().unwrap_or_default())
    });
    told.filter(|told| told.contains(" c")).collect()
}

#[test]
fn a_worker_asks_the_coordinator_beside_it_and_quorums_are_of_replicas() {
    let entries = json!([
        {"id": 1, "at": "0s", "do": "request", "on": "c2", "args": {"f": "write", "key": "x", "value": 1}},
        {"id": 2, "after": 1, "do": "request", "on": "c3", "args": {"node": "c3", "f": "read", "key": "x"}},
    ]);
    let played = played("nwr:n=3,coordinator=client", &entries);
    assert_eq!(operations(&played), ["write c2 ok", "read c3 ok"]);
    let makers = |name: &str| -> BTreeSet<&str> {
        played.notes.iter().filter(|note| &*note.name == name).map(|note| &*note.node).collect()
    };
    assert!(makers("stored").iter().all(|maker| maker.starts_with('n')), "coordinators have no copies");
    assert_eq!(makers("held").len(), 3);
    assert_eq!(played.verdict.outcome, Outcome::Valid, "{:#?}", played.verdict.properties);
}

#[test]
fn a_coordinator_dies_with_its_client_between_two_stores_and_another_takes_its_place() {
    let entries = json!([
        {"id": 1, "at": "0s", "do": "client-kill", "on": "c1"},
        {"id": 2, "at": "100ms", "do": "request", "on": "c1", "args": {"f": "write", "key": "x", "value": 1}},
        {"id": 3, "after": 2, "delay": "100ms", "do": "request", "on": "c1", "args": {"f": "read", "key": "x"}},
    ]);
    let played = played("nwr:n=3,coordinator=client,writeback=on", &entries);
    assert_eq!(operations(&played), ["write c1 info", "read c1 ok"]);
    let by_the_first = |note: &&schism_checker::note::Note| {
        let op = note.fields.get("op").and_then(Value::as_str);
        &*note.name == "stored" && op.is_some_and(|op| op.starts_with("c1.1."))
    };
    assert_eq!(played.notes.iter().filter(by_the_first).count(), 1, "of three stores one was out");
    let lives: BTreeSet<u64> =
        played.notes.iter().filter(|note| &*note.node == "c1").map(|note| note.incarnation).collect();
    assert_eq!(lives, BTreeSet::from([1, 2]));
    assert_eq!(played.verdict.outcome, Outcome::Valid, "{:#?}", played.verdict.properties);
}

#[test]
fn a_coordinator_is_cut_off_by_its_own_links_and_on_the_side_of_the_nodes_that_are_named_with_it() {
    let write = |id: u64, after: u64, worker: &str| json!({"id": id, "after": after, "do": "request", "on": worker, "args": {"f": "write", "key": "x", "value": id}});
    let entries = json!([
        {"id": 1, "at": "0s", "do": "partition", "on": "n1,c1", "args": {"shape": "isolate"}},
        write(2, 1, "c1"), write(3, 2, "c2"),
        {"id": 4, "after": 3, "do": "end", "args": {"entry": 1}},
        {"id": 5, "after": 4, "do": "partition", "on": "c2->n1,c2->n2"},
        write(6, 5, "c1"), write(7, 6, "c2"),
        {"id": 8, "after": 7, "do": "end", "args": {"entry": 5}},
        write(9, 8, "c2"),
    ]);
    let played = played("nwr:n=3,coordinator=client,give_up=500ms", &entries);
    let expected = ["write c1 fail", "write c2 ok", "write c1 ok", "write c2 fail", "write c2 ok"];
    assert_eq!(operations(&played), expected);
}

#[test]
fn what_clients_coordinate_keeps_its_promises_whatever_is_done_to_it() {
    for (system, seeds) in [
        ("nwr:n=3,coordinator=client,writeback=on,anti_entropy=200ms", 0..6),
        ("nwr:n=3,coordinator=client,writeback=fast,hints=on,restart=amnesia", 6..12),
    ] {
        for seed in seeds {
            let played =
                play(&RunOptions { time: std::time::Duration::from_secs(5), ..options(system, 4, seed) }, false);
            let broken: Vec<&str> = played.broken().collect();
            assert!(broken.is_empty(), "{system} with seed {seed} breaks {broken:?}");
        }
    }
}
