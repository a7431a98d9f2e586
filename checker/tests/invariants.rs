//! Each rule about a whole cluster, by notes made by hand: a case that holds and cases that do not, which differ from it by
//! one fact.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use schism_checker::invariants::{EVIDENCE_MAX, Invariant, Noted, of};
use schism_checker::verdict::{Outcome, Property};
use serde_json::{Value, json};

/// A note: whose, in which life, its name, its fields. The place in the list is its time, in seconds.
type Made = (&'static str, u64, &'static str, Value);

fn rule(name: &str) -> Invariant {
    of("raft").into_iter().find(|rule| rule.property(true).name == name).expect("there is such a rule")
}

fn fold(rule: &mut Invariant, notes: &[Made]) {
    for (second, (node, incarnation, name, fields)) in (1..).zip(notes) {
        let node: Arc<str> = Arc::from(*node);
        let fields = fields.as_object().expect("fields are an object");
        rule.note(&Noted::new(&node, *incarnation, second * 1_000_000_000, name, fields));
    }
}

fn judged(name: &str, notes: &[Made]) -> Property {
    let mut rule = rule(name);
    fold(&mut rule, notes);
    let property = rule.property(true);
    assert_eq!(rule.is_broken(), property.outcome == Outcome::Invalid);
    let because = property.counterexample.as_ref().map_or(0, |counterexample| counterexample.because.len());
    assert!(because <= EVIDENCE_MAX + 1, "{property:#?}");
    property
}

fn holds(name: &str, notes: &[Made]) {
    let property = judged(name, notes);
    assert_eq!(property.outcome, Outcome::Valid, "{property:#?}");
}

/// The notes with one of them replaced break the rule; its first reasons.
fn breaks(name: &str, notes: &[Made], place: usize, other: Made) -> Vec<String> {
    let mut notes = notes.to_vec();
    notes[place] = other;
    let property = judged(name, &notes);
    assert_eq!(property.outcome, Outcome::Invalid, "{property:#?}");
    property.counterexample.expect("what is broken is proved").because
}

fn leader(node: &'static str, epoch: u64, index: u64, terms: impl Into<Value>) -> Made {
    let terms = terms.into();
    (node, 1, "leader", json!({ "epoch": epoch, "index": index, "terms": terms }))
}

fn prefix(node: &'static str, name: &'static str, index: u64, term: u64, digest: &str) -> Made {
    (node, 1, name, json!({ "index": index, "term": term, "digest": digest }))
}

fn committed(node: &'static str, (first, index): (u64, u64), term: u64, current_term: u64, digest: &str) -> Made {
    let fields =
        json!({ "first": first, "index": index, "term": term, "current_term": current_term, "digest": digest });
    (node, 1, "committed", fields)
}

#[test]
fn a_rule_that_no_note_concerns_is_vacuous_and_one_without_all_notes_is_not_valid() {
    for mut rule in of("raft") {
        assert_eq!(rule.property(true).outcome, Outcome::Vacuous);
        fold(&mut rule, &[("n1", 1, "leader", json!({})), ("n1", 1, "committed", json!({ "index": "1" }))]);
        fold(
            &mut rule,
            &[("n1", 1, "stored", json!({ "key": "x", "tag": [1, 2] })), ("n1", 1, "term", json!({ "term": 1 }))],
        );
        assert_eq!(rule.property(true).outcome, Outcome::Vacuous, "damaged notes say nothing");
    }
    assert!(of("paxos").is_empty());
    let mut rule = rule("election-safety");
    fold(&mut rule, &[leader("n1", 1, 0, json!([]))]);
    assert_eq!(rule.property(false).outcome, Outcome::Unknown);
    fold(&mut rule, &[leader("n2", 1, 0, json!([]))]);
    assert_eq!(rule.property(false).outcome, Outcome::Invalid, "two leaders are two, whatever else there was");
    let mut rule = self::rule("leader-append-only");
    fold(&mut rule, &[leader("n1", 1, 3, json!([[1, 1]])), ("n1", 1, "truncated", json!({ "from": 2 }))]);
    assert_eq!((rule.property(true).outcome, rule.property(false).outcome), (Outcome::Invalid, Outcome::Unknown));
}

#[test]
fn election_safety() {
    let vote =
        |voter, candidate: &str, term: u64| (voter, 1, "vote-granted", json!({ "term": term, "candidate": candidate }));
    let notes = [
        vote("n2", "n1", 1),
        leader("n1", 1, 0, json!([])),
        vote("n2", "n3", 2),
        leader("n3", 2, 0, json!([])),
        leader("n1", 3, 0, json!([])),
    ];
    holds("election-safety", &notes);
    let because = breaks("election-safety", &notes, 3, leader("n3", 1, 0, json!([])));
    let expected = ["1.000000 s n2 voted for n1 in term 1", "2.000000 s n1 became the leader of term 1"];
    assert_eq!(because[..2], expected);
    assert_eq!(because[2], "4.000000 s n3 became the leader of term 1");
}

#[test]
fn leader_append_only() {
    let truncated = |life| ("n1", life, "truncated", json!({ "from": 3 }));
    let notes = [
        leader("n1", 2, 4, json!([[1, 1]])),
        prefix("n1", "appended", 5, 2, "a"),
        prefix("n1", "appended", 6, 2, "b"),
        ("n1", 1, "stepped-down", json!({ "term": 2 })),
        truncated(1),
        leader("n1", 5, 2, json!([[1, 1]])),
        prefix("n1", "appended", 3, 5, "c"),
        truncated(2),
    ];
    holds("leader-append-only", &notes);
    let because = breaks("leader-append-only", &notes, 3, ("n2", 1, "stepped-down", json!({ "term": 2 })));
    assert_eq!(because[1], "5.000000 s n1 deleted its entries from 3 on");
    breaks("leader-append-only", &notes, 7, truncated(1));
    let because = breaks("leader-append-only", &notes, 2, prefix("n1", "appended", 5, 2, "b"));
    let expected = ["2.000000 s n1 had a log that ended with entry 5", "3.000000 s n1 put entry 5 into its log"];
    assert_eq!(because[1..3], expected);
    breaks("leader-append-only", &notes, 0, leader("n1", 2, 3, json!([[1, 1]])));
}

#[test]
fn log_matching() {
    let notes = [
        prefix("n1", "appended", 1, 1, "a"),
        prefix("n2", "accepted", 1, 1, "a"),
        prefix("n3", "appended", 1, 2, "b"),
        prefix("n2", "appended", 2, 2, "c"),
        committed("n3", (1, 1), 1, 3, "a"),
    ];
    holds("log-matching", &notes);
    let because = breaks("log-matching", &notes, 1, prefix("n2", "accepted", 1, 1, "d"));
    assert_eq!(because[1], "2.000000 s n2 had a log with the digest 000000000000000d up to entry 1 of term 1");
    breaks("log-matching", &notes, 2, prefix("n3", "appended", 1, 1, "b"));
    breaks("log-matching", &notes, 4, committed("n3", (1, 1), 1, 3, "b"));
}

#[test]
fn leader_completeness() {
    let name = "leader-completeness";
    let notes = [
        leader("n1", 1, 0, json!([])),
        committed("n1", (1, 4), 1, 1, "a"),
        leader("n2", 2, 5, json!([[1, 1]])),
        // A follower that is late says so in its own term: that accuses nobody.
        leader("n4", 4, 5, json!([[1, 1]])),
        committed("n4", (5, 6), 4, 4, "b"),
        leader("n3", 3, 4, json!([[1, 1]])),
        leader("n1", 5, 7, json!([[3, 1], [6, 4]])),
    ];
    holds(name, &notes);
    let because = breaks(name, &notes, 2, leader("n2", 2, 3, json!([[1, 1]])));
    let expected = [
        "2.000000 s n1 knew entry 4 of term 1 to be committed, in term 1",
        "3.000000 s n2 became the leader of term 2 with a log that ended with entry 3",
    ];
    assert_eq!(because[..2], expected);
    breaks(name, &notes, 2, leader("n2", 2, 0, json!([])));
    let because = breaks(name, &notes, 6, leader("n1", 5, 7, json!([[3, 1], [6, 2]])));
    assert!(because[1].ends_with("n1 became the leader of term 5 with another entry 6, of term 2"), "{because:?}");
    // The commit is noted after the election of the leader that lacks the entry.
    breaks(name, &notes, 4, committed("n4", (5, 6), 2, 2, "b"));
    // What a leader has left out of its note is not held against it.
    holds(name, &[committed("n1", (1, 4), 1, 1, "a"), leader("n2", 9, 30, json!([[5, 8]]))]);
}

#[test]
fn state_machine_safety() {
    let name = "state-machine-safety";
    let notes = [
        committed("n1", (1, 3), 1, 1, "a"),
        committed("n1", (4, 4), 1, 1, "b"),
        committed("n2", (1, 4), 1, 2, "b"),
        committed("n1", (7, 9), 2, 2, "d"),
        committed("n2", (5, 8), 2, 2, "c"),
        committed("n3", (5, 9), 2, 2, "d"),
        committed("n3", (10, u64::MAX), 3, 3, "e"),
    ];
    holds(name, &notes);
    let because = breaks(name, &notes, 4, committed("n2", (5, 8), 3, 3, "c"));
    let expected =
        ["4.000000 s n1 applied the entries 7 to 9 of term 2", "5.000000 s n2 applied the entries 5 to 8 of term 3"];
    assert_eq!(because[..2], expected);
    breaks(name, &notes, 2, committed("n2", (1, 4), 1, 2, "c"));
    // Only the piece between what was known is new, and it counts.
    breaks(name, &notes, 5, committed("n3", (4, 4), 2, 2, "b"));
    breaks(name, &notes, 6, committed("n3", (6, 6), 1, 3, "e"));
}

/// First and last index, term and digest of a `committed` note: one in ten says another term than most, one in ten another
/// digest.
fn run() -> impl Strategy<Value = ((u64, u64), u64, &'static str)> {
    let term = prop_oneof![9 => Just(1), 1 => Just(2)];
    let digest = prop_oneof![9 => Just("a"), 1 => Just("b")];
    (1..12_u64, 0..5_u64, term, digest).prop_map(|(first, more, term, digest)| ((first, first + more), term, digest))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn state_machine_safety_is_what_a_table_of_all_indices_says(runs in proptest::collection::vec(run(), 0..12)) {
        let (mut terms, mut digests) = (BTreeMap::new(), BTreeMap::new());
        let (mut rule, mut broken) = (rule("state-machine-safety"), false);
        for ((first, last), term, digest) in runs {
            broken |= (first..=last).any(|index| *terms.entry(index).or_insert(term) != term);
            broken |= *digests.entry(last).or_insert(digest) != digest;
            fold(&mut rule, &[committed("n1", (first, last), term, 9, digest)]);
            prop_assert_eq!(rule.is_broken(), broken);
        }
    }
}
