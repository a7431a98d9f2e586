//! The rules about quorums and tags, each by an execution made by hand and by the same one with a single fact that breaks it.

use schism_checker::quorum::{Promises, Rule};
use schism_checker::verdict::Outcome;
use serde_json::{Value, json};

use crate::record::{Noted, broken, promises};
use crate::script::{A, B, Script, breaks, breaks_as, check, honest, note, tag};

#[test]
fn an_honest_execution_keeps_every_rule() {
    let report = check(&honest());
    for (rule, ruled) in &report.rules {
        let expected = match rule {
            // Nothing was repaired, and no link was cut.
            Rule::RepairKeepsNewer | Rule::ReachableQuorum => Outcome::Vacuous,
            _ => Outcome::Valid,
        };
        assert_eq!(ruled.outcome, expected, "{rule:?} {ruled:?}");
    }
    assert_eq!(report.statistics.intersections, [(1, 2)].into());
    assert_eq!(report.statistics.ack_sets, [("n1 and n2".to_owned(), 2)].into());
    assert_eq!((report.statistics.copies_min, report.statistics.intersection_predicted), (Some(2), 1));
}

#[test]
fn qw_an_acknowledgement_that_is_counted_twice_is_one() {
    let told = breaks(
        |notes| {
            let replies = &mut note(notes, "phase", &[("phase", "store")], 0).fields["replies"];
            replies[1] = replies[0].clone();
        },
        &["QW", "QI"],
    );
    assert_eq!(
        told[0],
        "the write n1.1.1 was answered with the replies of n1 to its store phase, and needs 2 home replicas"
    );
    assert!(told.iter().any(|told| told.ends_with("n1 acknowledged the tag 1.n1.1.1 of key x to n1.1.1")), "{told:#?}");
}

#[test]
fn qr_one_reply_is_no_read_quorum() {
    breaks(
        |notes| {
            let replies = note(notes, "phase", &[("phase", "query"), ("op", "n3.1.1")], 0).fields["replies"]
                .as_array_mut()
                .unwrap();
            replies.pop();
        },
        &["QR"],
    );
}

#[test]
fn qh_a_fallback_is_no_home_replica() {
    let edit = |notes: &mut Vec<Noted>| {
        let reply = &mut note(notes, "phase", &[("phase", "store")], 0).fields["replies"][1];
        *reply = json!({"replica": "n4", "incarnation": 1, "tag": tag(1), "for": "n2"});
    };
    let told = breaks(edit, &["QW", "QH", "QI"]);
    assert!(told[0].contains("replies of n1 to its store phase"), "{told:?}");
    let mut record = honest();
    edit(&mut record.notes);
    let report = check(&record);
    let finding = report.rule(Rule::HomeReplicas).unwrap().finding.as_ref().unwrap();
    assert_eq!(
        finding.what,
        "the write n1.1.1 counted n4 in place of n2, and the home replicas of key x are n1, n2 and n3"
    );
    let sloppy = Promises { sloppy: true, ..promises((3, 2, 2), true) };
    assert!(!record.check(&sloppy).rule(Rule::HomeReplicas).unwrap().promised);
}

#[test]
fn qd_what_is_acknowledged_is_durable() {
    let told =
        breaks(|notes| note(notes, "stored", &[("node", "n2")], 0).fields["durable"] = false.into(), &["QD", "QB"]);
    assert_eq!(told[0], "n2 acknowledged the tag 1.n1.1.1 of key x and had nothing on its stable storage");
}

#[test]
fn qi_quorums_that_do_not_meet() {
    let mut script = Script::default();
    let (none, one) = (Value::Null, tag(1));
    script.write("n1.1.1", &none, (&one, A));
    script.begun("n3", "n3.1.1", "read", 2).served("n3", "n3.1.1", &none);
    script.phase("n3", "n3.1.1", "query", &[("n3", &none)], &none).answered("n3", "n3.1.1", "read", (&none, 2));
    let weak = promises((3, 2, 1), false);
    let told = breaks_as(&script.record, &weak, &["QI", "QF"]);
    assert_eq!(told[0], "the write n1.1.1 was acknowledged by n1 and n2, and n3 replied to the later read n3.1.1");
    let report = script.record.check(&weak);
    assert!(!report.rule(Rule::QuorumsMeet).unwrap().promised && !report.rule(Rule::FreshReads).unwrap().promised);
    let stale = report.rule(Rule::FreshReads).unwrap().finding.as_ref().unwrap();
    assert!(
        stale.what.contains("NO_INTERSECTION: n1 and n2 acknowledged the write, and n3 replied to the read"),
        "{}",
        stale.what
    );
}

#[test]
fn qww_writes_that_nobody_shares() {
    let mut record = honest();
    // The second write is acknowledged by n3 alone, and the first by n1 and n2.
    let place = record
        .notes
        .iter()
        .position(|note| note.name == "phase" && note.fields["op"] == "n1.1.2" && note.fields["phase"] == "store")
        .unwrap();
    record.notes[place].fields["replies"] = json!([{"replica": "n3", "incarnation": 1, "tag": tag(2)}]);
    let report = check(&record);
    assert!(broken(&report).contains(&"QWW"), "{:?}", broken(&report));
    let finding = report.rule(Rule::WritesMeet).unwrap().finding.as_ref().unwrap();
    assert_eq!(
        finding.what,
        "n1 and n2 acknowledged the write n1.1.1, and n3 the write n1.1.2: none acknowledged both"
    );
}

#[test]
fn qt_a_tag_stands_for_one_value_and_one_write() {
    let told = breaks(|notes| note(notes, "stored", &[("node", "n2")], 0).fields["digest"] = B.into(), &["QT"]);
    assert_eq!(told[0], "two values of key x have the tag 1.n1.1.1");
    let mut script = Script::default();
    let (none, one) = (Value::Null, tag(1));
    script.write("n1.1.1", &none, (&one, A));
    script.begun("n1", "n1.1.2", "write", 1).phase("n1", "n1.1.2", "store", &[("n1", &one)], &one);
    let told = breaks_as(&script.record, &promises((3, 2, 2), true), &["QT"]);
    assert_eq!(told[0], "two writes of key x have the tag 1.n1.1.1");
    assert!(told[2].ends_with("n1 gave the write n1.1.2 of key x the tag 1.n1.1.1"), "{told:#?}");
    // A write that nobody stored has its tag as well.
    let mut script = Script::default();
    script.write("n1.1.1", &none, (&one, A)).note(
        "n1",
        1,
        "coordinated",
        json!({"op": "n1.1.2", "key": "x", "tag": one}),
    );
    breaks_as(&script.record, &promises((3, 2, 2), true), &["QT"]);
}

#[test]
fn qo_a_later_write_has_the_higher_tag() {
    let mut script = Script::default();
    let (none, one, two) = (Value::Null, tag(1), tag(2));
    script.write("n1.1.1", &none, (&two, A));
    // The clock of the second coordinator is behind, and nobody keeps what it writes.
    script.begun("n1", "n1.1.2", "write", 1).served("n1", "n1.1.2", &two).served("n2", "n1.1.2", &two);
    script.phase("n1", "n1.1.2", "query", &[("n1", &two), ("n2", &two)], &two);
    script.acked("n1", "n1.1.2", &two, "store").acked("n2", "n1.1.2", &two, "store");
    script.phase("n1", "n1.1.2", "store", &[("n1", &two), ("n2", &two)], &one).answered(
        "n1",
        "n1.1.2",
        "write",
        (&one, 1),
    );
    script.begun("n3", "n3.1.1", "read", 2).served("n1", "n3.1.1", &two).served("n2", "n3.1.1", &two);
    script.phase("n3", "n3.1.1", "query", &[("n1", &two), ("n2", &two)], &two).answered(
        "n3",
        "n3.1.1",
        "read",
        (&two, 2),
    );
    let told = breaks_as(&script.record, &promises((3, 2, 2), true), &["QO", "QF"]);
    assert!(told[0].ends_with("and has the tag 2.n1.1.2 where that has 1.n1.1.1"), "{told:?}");
    let report = check(&script.record);
    let stale = report.rule(Rule::FreshReads).unwrap().finding.as_ref().unwrap();
    assert!(stale.what.ends_with("TAG_INVERTED: that write has the tag 1.n1.1.1, which is lower"), "{}", stale.what);
}
