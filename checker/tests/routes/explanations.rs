//! What is said of some contradictions, and the histories on which naive readings of the algorithms fail.

use schism_checker::budget::Unlimited;
use schism_checker::history::{Ending, Operation};
use schism_checker::linearizability::{Options, check_operations};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::{Outcome, Property};
use serde_json::json;

/// Operations from `process f input output begin end`; `?` for what is not known.
fn check(model: &str, lines: &[&str]) -> Property {
    let operations: Vec<Operation> = lines
        .iter()
        .map(|line| {
            let [process, f, input, output, begin, end] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("six words: {line}");
            };
            Operation {
                process: process.parse().unwrap(),
                f: f.into(),
                key: None,
                input: serde_json::from_str(input).unwrap(),
                output: serde_json::from_str(output).ok(),
                ending: if end == "?" { Ending::Info } else { Ending::Ok },
                node: None,
                invoked: begin.parse().unwrap(),
                completed: end.parse().ok(),
                invoked_at: None,
                completed_at: None,
                error: None,
                session: None,
                version: None,
            }
        })
        .collect();
    let model = ModelSpec::parse(model, &[].into()).unwrap();
    check_operations(&operations, &model, &Options::default(), &Unlimited).unwrap()
}

fn because(model: &str, route: &str, lines: &[&str]) -> String {
    let property = check(model, lines);
    assert_eq!((property.outcome, property.route.as_deref()), (Outcome::Invalid, Some(route)), "{}", property.summary);
    property.counterexample.unwrap().because.join("\n")
}

#[test]
fn an_element_overtakes_another_one() {
    let lines = ["1 enqueue 1 1 0 1", "1 enqueue 2 2 2 3", "2 dequeue null 2 4 5", "2 dequeue null 1 6 7"];
    assert_eq!(
        because("fifo-queue", "queue order", &lines),
        "process 1 enqueued 1, and that was over before process 1 enqueued 2\n\
         process 2 dequeued 2, and that was over before process 2 dequeued 1"
    );
}

#[test]
fn a_stack_gives_back_in_the_order_of_a_queue() {
    let lines = ["1 push 1 1 0 1", "1 push 2 2 2 3", "2 pop null 1 4 5", "2 pop null 2 6 7"];
    let said = because("stack", "stack order", &lines);
    assert!(said.contains("none of these elements can have been at the bottom"), "{said}");
    assert!(said.contains("process 1 pushed 1, and that was over before process 2 popped 1"), "{said}");
}

#[test]
fn the_wrong_one_comes_first() {
    let lines = ["1 insert 1 1 0 1", "1 insert 2 2 2 3", "2 delete-min null 2 4 5", "2 delete-min null 1 6 7"];
    let said = because("priority-queue", "priority order", &lines);
    assert!(said.starts_with("process 2 took out 2, and at each moment meanwhile one that comes before it"), "{said}");
}

#[test]
fn a_queue_is_found_empty_that_is_not() {
    let lines = ["1 enqueue 1 1 0 1", "2 dequeue null null 2 3"];
    for (model, route) in [("fifo-queue", "queue order"), ("bag", "bag")] {
        assert_eq!(
            because(model, route, &lines),
            "process 2 found it empty, and at each moment meanwhile something was inside\n\
             process 1 enqueued 1, and nobody took it"
        );
    }
}

#[test]
fn a_snapshot_lacks_what_was_added_before_what_it_has() {
    // For each element alone nothing is wrong.
    let lines = ["1 add \"x\" null 1 2", "2 add \"y\" null 3 4", "3 read null [\"y\"] 0 5"];
    assert_eq!(
        because("grow-only-set", "snapshots", &lines),
        "process 1 added \"x\", and that was over before process 2 added \"y\"\n\
         process 3 read {\"y\"} has \"y\" and lacks \"x\", which no read has"
    );
}

#[test]
fn a_counter_goes_back() {
    let lines = ["1 increment null null 0 9", "2 read null 1 1 2", "2 read null 0 3 4"];
    assert_eq!(
        because("counter", "counting", &lines),
        "process 2 read 1, and that was over before process 2 read 0\nyet the counter only moves in one direction"
    );
}

#[test]
fn a_lock_has_two_holders() {
    let lines =
        ["1 acquire null null 0 1", "2 acquire null null 2 3", "1 release null null 4 5", "2 release null null 6 7"];
    let said = because("mutex", "sections", &lines);
    assert!(said.ends_with("so both held the lock at the same time"), "{said}");
}

/// Of all that a process did, the two that contradict each other are shown.
#[test]
fn a_lock_is_taken_twice_or_given_back_twice() {
    let turns = ["1 acquire null null 0 1", "1 release null null 2 3", "1 acquire null null 4 5"];
    let twice = [&turns[..], &["1 acquire null null 6 7", "1 release null null 8 9"]].concat();
    let shown = |lines: &[&str]| {
        let counterexample = check("mutex", lines).counterexample.unwrap();
        counterexample.operations.iter().map(|it| it.invoked).collect::<Vec<_>>()
    };
    assert_eq!(because("mutex", "sections", &twice), "process 1 acquired the lock, and held the lock already");
    assert_eq!(shown(&twice), [4, 6]);
    let back = [&turns[..2], &["1 release null null 6 7"]].concat();
    assert_eq!(because("mutex", "sections", &back), "process 1 released the lock, and did not hold the lock");
    assert_eq!(shown(&back), [2, 6]);
}

/// What other processes did with the lock is left out of the core.
#[test]
fn a_lock_that_nobody_took_is_given_back_among_many_who_do() {
    let turn = |n: u64| {
        let (process, at) = (n % 5, 4 * n);
        [
            format!("{process} acquire null null {at} {}", at + 1),
            format!("{process} release null null {} {}", at + 2, at + 3),
        ]
    };
    let mut lines: Vec<String> = (0..2_000).flat_map(turn).collect();
    lines.push("7 release null null 4001 4005".to_owned());
    lines.sort_by_key(|line| line.split(' ').nth(4).unwrap().parse::<u64>().unwrap());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let core = check("mutex", &lines).counterexample.unwrap().core.unwrap();
    assert_eq!((core.operations.len(), core.even_if.len()), (1, 0), "{core:?}");
}

#[test]
fn an_offset_is_given_twice() {
    let lines = ["1 append 1 0 0 1", "2 append 2 0 2 3"];
    assert_eq!(
        because("log", "offsets", &lines),
        "process 1 appended 1 at offset 0, process 2 appended 2 at offset 0: at offset 0 it was 1 and 2"
    );
}

#[test]
fn a_value_is_replaced_twice() {
    let lines = ["1 write 1 1 0 1", "1 cas [1,2] [1,2] 2 9", "2 cas [1,3] [1,3] 2 9"];
    let said = because("cas-register", "chains", &lines);
    assert!(said.ends_with("and the value that they found was there once"), "{said}");
}

/// Nothing that would need it: one value is the initial one, one is written by two, one crashed removal may have taken it.
#[test]
fn assumptions_are_kept() {
    let searched = |model, lines: &[&str]| assert_eq!(check(model, lines).route.as_deref(), Some("frontier search"));
    searched("cas-register", &["1 cas [null,1] null 0 1", "1 write null null 2 3", "1 read null null 4 5"]);
    searched("fifo-queue", &["1 enqueue 1 1 0 1", "1 enqueue 1 1 2 3", "2 dequeue null 1 4 5"]);
    let taken = ["1 enqueue 1 1 0 1", "3 dequeue null ? 2 ?", "2 dequeue null null 4 5"];
    searched("fifo-queue", &taken);
    assert_eq!(check("fifo-queue", &taken).outcome, Outcome::Valid);
    searched("counter", &["1 add 1 1 0 1", "1 add 2 2 2 3", "1 read null 3 4 5"]);
    searched("set", &["1 add 1 1 0 1", "1 remove 1 1 2 3", "1 read null [] 4 5"]);
    // What a crashed removal did matters to nobody here, and so it does not keep the algorithm from deciding.
    let decided = check("fifo-queue", &["1 enqueue 1 1 0 1", "3 dequeue null ? 2 ?", "2 dequeue null 1 4 5"]);
    assert_eq!((decided.outcome, decided.route.as_deref()), (Outcome::Valid, Some("queue order")));
}

#[test]
fn long_proofs_are_cut() {
    let mut lines: Vec<String> = (0..100).map(|n| format!("1 append {n} {n} {} {}", 2 * n, 2 * n + 1)).collect();
    lines.push("2 read 900 5 300 301".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let property = check("log", &lines);
    let counterexample = property.counterexample.unwrap();
    assert_eq!((property.outcome, counterexample.operations.len()), (Outcome::Invalid, 40));
    assert_eq!(json!(counterexample.because[1]), "61 more operations are not shown");
}
