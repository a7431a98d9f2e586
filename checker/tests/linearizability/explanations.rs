//! The words of some explanations, from histories written in a short notation.

use std::collections::BTreeMap;

use schism_checker::budget::Unlimited;
use schism_checker::history::{Event, EventKind, History, Process};
use schism_checker::linearizability::{Options, check};
use schism_checker::models::ModelSpec;
use serde_json::{Map, Value};

/// A history from lines of `process node type f value`, each an event; a line's number times 76 ms is its time.
fn history(lines: &str) -> History {
    let events = lines.lines().map(str::trim).filter(|line| !line.is_empty()).zip(0..).map(|(line, index)| {
        let [process, node, kind, f, value] = line.splitn(5, ' ').collect::<Vec<_>>()[..] else {
            panic!("five words: {line}");
        };
        let kind: EventKind = serde_json::from_value(kind.into()).unwrap();
        Event {
            index,
            time: Some(index * 76_000_000),
            process: Process::Client(process.parse().unwrap()),
            kind,
            f: f.into(),
            key: Some("x".into()),
            value: serde_json::from_str::<Value>(value).unwrap(),
            node: Some(node.into()),
            extra: Map::new(),
        }
    });
    History { header: None, events: events.collect(), cut: None }
}

fn explained(model: &str, lines: &str) -> String {
    let model = ModelSpec::parse(model, &BTreeMap::new()).unwrap();
    let property = check(&history(lines), &model, &Options::default(), &Unlimited).unwrap();
    let counterexample = property.counterexample.expect("it is invalid");
    let rows = counterexample
        .operations
        .iter()
        .map(|it| format!("  process {} {} at {}  {}", it.process, it.did, it.node.as_deref().unwrap_or("-"), it.role));
    let because = counterexample.because.iter().map(|line| format!("  because {line}"));
    let tried = counterexample.tried.iter().flat_map(|tried| {
        let placed = tried.placed.iter().map(|it| {
            format!("  {} of {}  process {} {}", it.place, tried.length, it.operation.process, it.operation.did)
        });
        let stopped = format!("  stopped  process {} {}: {}", tried.stopped.process, tried.stopped.did, tried.why);
        placed.chain([stopped])
    });
    std::iter::once(property.summary).chain(rows).chain(because).chain(tried).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_stale_read() {
    insta::assert_snapshot!(explained(
        "register",
        "2 n2 invoke write 4
         2 n2 ok write 4
         1 n1 invoke write 5
         1 n1 ok write 5
         7 n1 invoke write 9
         2 n1 invoke write 6
         3 n3 invoke read null
         3 n3 ok read 4
         2 n1 info write 6"
    ));
}

#[test]
fn two_readers_that_see_two_writes_in_different_orders() {
    insta::assert_snapshot!(explained(
        "register",
        "1 n1 invoke write 1
         2 n2 invoke write 2
         3 n3 invoke read null
         4 n4 invoke read null
         3 n3 ok read 1
         4 n4 ok read 2
         3 n3 invoke read null
         4 n4 invoke read null
         3 n3 ok read 2
         4 n4 ok read 1
         1 n1 info write 1
         2 n2 ok write 2"
    ));
}

#[test]
fn the_initial_value_comes_back() {
    insta::assert_snapshot!(explained(
        "register",
        "1 n1 invoke write 1
         2 n2 invoke read null
         2 n2 ok read 1
         1 n1 info write 1
         2 n3 invoke read null
         2 n3 ok read null"
    ));
}

#[test]
fn a_value_that_nobody_wrote() {
    insta::assert_snapshot!(explained("register", "1 n1 invoke read null\n1 n1 ok read 8"));
}

#[test]
fn a_value_from_the_future() {
    insta::assert_snapshot!(explained(
        "register",
        "1 n1 invoke read null
         1 n1 ok read 8
         1 n1 invoke write 8
         1 n1 ok write 8"
    ));
}

#[test]
fn a_compare_and_set_that_cannot_have_happened() {
    insta::assert_snapshot!(explained(
        "cas-register",
        "1 n1 invoke write 1
         1 n1 ok write 1
         2 n2 invoke write 2
         3 n3 invoke cas [1,3]
         2 n2 info write 2
         4 n1 invoke cas [4,5]
         3 n3 ok cas [1,3]
         4 n1 ok cas [4,5]"
    ));
}

#[test]
fn a_lock_that_two_hold() {
    insta::assert_snapshot!(explained(
        "mutex",
        "1 n1 invoke acquire null
         1 n1 ok acquire null
         2 n2 invoke acquire null
         2 n2 ok acquire null"
    ));
}

#[test]
fn an_append_that_was_lost() {
    insta::assert_snapshot!(explained(
        "kv",
        r#"1 n1 invoke append "a"
         2 n2 invoke append "b"
         1 n1 ok append "a"
         2 n2 ok append "b"
         1 n1 invoke get null
         1 n1 ok get "b""#
    ));
}
