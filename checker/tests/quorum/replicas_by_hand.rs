//! The rules about what replicas keep and readers see, each by an execution made by hand and by the same one with a single fact
//! that breaks it.

use schism_checker::quorum::{Promises, Report, Rule};
use schism_checker::verdict::Outcome;
use serde_json::{Value, json};

use crate::record::{broken, promises};
use crate::script::{A, B, Script, after_a_write, breaks, breaks_as, check, tag, written};

#[test]
fn qm_a_replica_never_goes_back() {
    let stored = |tag: Value, cause: &'static str| {
        move |script: &mut Script| {
            script.note("n2", 1, "stored", json!({"key": "x", "tag": tag, "digest": A, "cause": cause}));
        }
    };
    let told = after_a_write(stored(tag(1), "store"), &["QM"]);
    assert_eq!(told[0], "n2 went back from the tag 2.n1.1.2 of key x to 1.n1.1.1");
    after_a_write(stored(tag(1), "hint"), &["QM", "QS"]);
    let restart = |found: Value| {
        move |script: &mut Script| {
            script.note("n2", 2, "recovered", json!({"key": "x", "tag": found})).note(
                "n2",
                2,
                "restarted",
                json!({"registers": 1}),
            );
        }
    };
    let told = after_a_write(restart(tag(1)), &["QM"]);
    assert_eq!(told[0], "n2 had the tag 2.n1.1.2 of key x and found the tag 1.n1.1.1 when it started again");
    let mut kept = written();
    restart(tag(2))(&mut kept);
    assert_eq!(broken(&check(&kept.record)), Vec::<&str>::new());
    let told = after_a_write(
        |script| {
            script.served("n2", "n3.1.9", &Value::Null);
        },
        &["QM"],
    );
    assert_eq!(told[0], "n2 had the tag 2.n1.1.2 of key x and answered a query with nothing");
    // A tombstone that was collected counts as what it was.
    let mut collected = written();
    collected.note("n2", 1, "collected", json!({"key": "x", "tag": tag(2)})).served("n2", "n3.1.9", &Value::Null);
    assert_eq!(broken(&check(&collected.record)), Vec::<&str>::new());
    stored(tag(1), "anti-entropy")(&mut collected);
    assert_eq!(broken(&check(&collected.record)), ["QM", "QS"]);
}

#[test]
fn qm_a_tombstone_that_is_gone_after_a_restart_was_collected_whether_that_was_noted_or_not() {
    let served_after_restart = |digest: &str| {
        let mut script = Script::default();
        script.write("n1.1.1", &Value::Null, (&tag(2), digest));
        script.note("n2", 2, "restarted", json!({"registers": 0}));
        script.note("n2", 2, "served", json!({"op": "n3.1.9", "key": "x", "attempt": 1, "tag": null}));
        broken(&check(&script.record))
    };
    let digest_of_null = "5b9bc4ba528108e4";
    assert_eq!(served_after_restart(digest_of_null), Vec::<&str>::new());
    assert!(served_after_restart(A).contains(&"QM"));
}

#[test]
fn qm_a_wiped_disk_is_excused_until_it_serves_what_it_does_not_know() {
    let mut script = written();
    let proof = json!({"proof": {"n2": {"incarnation": 1, "signal": 9, "wiped": {}}}});
    script.record.nemesis("kill", 1, "begin", json!({"targets": ["n2"]}));
    script.record.nemesis("kill", 1, "in-force", proof);
    script.record.nemesis("kill", 1, "end", json!({}));
    script.note("n2", 2, "restarted", json!({"registers": 0}));
    assert_eq!(broken(&check(&script.record)), Vec::<&str>::new());
    script.note("n2", 2, "amnesia", json!({}));
    let serve = json!({"op": "n3.1.9", "key": "x", "tag": null});
    let mut early = Script { record: script.record.clone(), seqs: script.seqs.clone(), time: script.time };
    early.note("n2", 2, "served", serve.clone());
    let told = breaks_as(&early.record, &promises((3, 2, 2), true), &["QM"]);
    assert!(told[0].starts_with("AMNESIA_SERVED: n2 had lost its disk"), "{told:?}");
    assert_eq!(check(&early.record).statistics.served_forgetful, 1);
    script.note("n2", 2, "stored", json!({"key": "x", "tag": tag(2), "digest": A, "cause": "recovery"}));
    script.note("n2", 2, "caught-up", json!({})).note(
        "n2",
        2,
        "served",
        json!({"op": "n3.1.9", "key": "x", "tag": tag(2)}),
    );
    assert_eq!(broken(&check(&script.record)), Vec::<&str>::new());
}

#[test]
fn qb_a_read_writes_back_before_it_returns() {
    let told = breaks(
        |notes| {
            let place = notes
                .iter()
                .position(|note| {
                    note.name == "phase" && note.fields["op"] == "n3.1.1" && note.fields["phase"] == "writeback"
                })
                .unwrap();
            // It is decided only after the answer.
            let answer =
                notes.iter().position(|note| note.name == "answered" && note.fields["op"] == "n3.1.1").unwrap();
            notes.swap(place, answer);
            let (one, other) = (notes[place].seq, notes[answer].seq);
            (notes[place].seq, notes[answer].seq) = (other, one);
        },
        &["QB"],
    );
    assert_eq!(
        told[0],
        "the read n3.1.1 returned the tag 1.n1.1.1 of key x when it was known to be on n2, and 2 replicas need it"
    );
}

#[test]
fn qf_says_why_a_read_was_stale() {
    let stale = |between: &dyn Fn(&mut Script), at_n2: &Value, chosen: &Value| {
        let mut script = written();
        between(&mut script);
        let none = Value::Null;
        let life = script.record.notes.last().unwrap().life;
        let op = "n3.1.1";
        script.begun("n3", op, "read", 2);
        script.note("n2", life, "served", json!({"op": op, "key": "x", "tag": at_n2})).served("n3", op, &none);
        script.phase("n3", op, "query", &[("n2", at_n2), ("n3", &none)], chosen);
        script.record.notes.last_mut().unwrap().fields["replies"][0]["incarnation"] = life.into();
        script.answered("n3", op, "read", (chosen, 2));
        let report = check(&script.record);
        let finding = report.rule(Rule::FreshReads).unwrap().finding.clone().unwrap();
        assert!(finding.events.len() <= 10, "{finding:#?}");
        (
            finding.what.split("; ").last().unwrap().to_owned(),
            finding.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        )
    };
    let store = |cause: &'static str| {
        move |script: &mut Script| {
            script.note("n2", 1, "stored", json!({"key": "x", "tag": tag(1), "digest": B, "cause": cause}));
        }
    };
    let nothing = |_: &mut Script| {};
    let lied = "n2 acknowledged the write and answered with something older";
    let (why, events) = stale(&store("read-repair"), &tag(1), &tag(1));
    assert_eq!(why, format!("WITNESS_LIED (repair race): {lied}"));
    assert!(
        events.iter().any(|told| told.ends_with("n2 stored the tag 1.n1.1.1 of key x by read repair")),
        "{events:#?}"
    );
    assert_eq!(stale(&store("store"), &tag(1), &tag(1)).0, format!("WITNESS_LIED (regress): {lied}"));
    assert_eq!(stale(&nothing, &Value::Null, &Value::Null).0, format!("WITNESS_LIED (regress): {lied}"));
    let restart = |script: &mut Script| {
        script.note("n2", 2, "restarted", json!({"registers": 0}));
    };
    assert_eq!(stale(&restart, &Value::Null, &Value::Null).0, format!("WITNESS_LIED (lost write): {lied}"));
    let wipe = |script: &mut Script| {
        script.record.nemesis("kill", 1, "in-force", json!({"proof": {"n2": {"incarnation": 1, "wiped": {}}}}));
        script.note("n2", 2, "restarted", json!({"registers": 0}));
    };
    assert_eq!(stale(&wipe, &Value::Null, &Value::Null).0, format!("WITNESS_LIED (amnesia): {lied}"));
    let (why, events) = stale(&nothing, &tag(2), &Value::Null);
    assert_eq!(why, "COORDINATOR_LIED: the reply of n2 was new enough and was ignored");
    assert!(events.iter().any(|told| told.ends_with("n3 chose nothing for n3.1.1")), "{events:#?}");
}

#[test]
fn qs_no_hint_is_lost() {
    let hint = |more: &dyn Fn(&mut Script), pending: u64| {
        let mut script = written();
        script.note("n3", 1, "hint-stored", json!({"hint": "n3.1.7", "key": "x", "tag": tag(2), "for": "n2"}));
        more(&mut script);
        script.note("n3", 1, "hints-pending", json!({"count": pending}));
        script.record
    };
    let ended = |name: &'static str| {
        move |script: &mut Script| {
            script.note("n3", 1, name, json!({"hint": "n3.1.7"}));
        }
    };
    for (record, expected) in [
        (hint(&ended("hint-delivered"), 0), Outcome::Valid),
        (hint(&ended("hint-superseded"), 0), Outcome::Valid),
        (hint(&|_| {}, 1), Outcome::Valid),
        (hint(&|_| {}, 0), Outcome::Invalid),
        (hint(&ended("hint-expired"), 0), Outcome::Invalid),
    ] {
        let report = check(&record);
        assert_eq!(report.rule(Rule::RepairKeepsNewer).unwrap().outcome, expected, "{:#?}", report.rules);
    }
    let expiring = Promises { keeps_hints: false, ..promises((3, 2, 2), true) };
    let report = hint(&ended("hint-expired"), 0).check(&expiring);
    assert_eq!(report.rule(Rule::RepairKeepsNewer).unwrap().outcome, Outcome::Valid);
    assert_eq!(report.statistics.hints, [1, 0, 1, 0, 0]);
    // Without the final count nothing is known of a hint without an end.
    let mut record = hint(&|_| {}, 0);
    record.notes.pop();
    assert_eq!(check(&record).rule(Rule::RepairKeepsNewer).unwrap().outcome, Outcome::Unknown);
}

#[test]
fn dur_a_write_outlives_w_minus_one_losses_and_no_more() {
    let wiped = |nodes: &[&str]| {
        let mut script = written();
        let proofs: serde_json::Map<String, Value> =
            nodes.iter().map(|node| ((*node).to_owned(), json!({"incarnation": 1, "wiped": {}}))).collect();
        script.record.nemesis("kill", 1, "in-force", json!({"proof": proofs}));
        for node in nodes {
            script.note(node, 2, "restarted", json!({"registers": 0}));
        }
        check(&script.record)
    };
    let outcome = |report: &Report| report.rule(Rule::CopiesSurvive).unwrap().outcome;
    let one = wiped(&["n1"]);
    assert_eq!((outcome(&one), one.statistics.copies_min), (Outcome::Valid, Some(1)));
    let both = wiped(&["n1", "n2"]);
    assert_eq!((outcome(&both), both.statistics.copies_min), (Outcome::Vacuous, Some(0)));
    let mut forgetful = written();
    for node in ["n1", "n2"] {
        forgetful.note(node, 2, "restarted", json!({"registers": 0}));
    }
    assert_eq!(broken(&check(&forgetful.record)), ["QM", "DUR"]);
    // What replicas say in the end counts.
    let mut lost = written();
    lost.held([&Value::Null, &tag(1), &Value::Null]);
    let told = breaks_as(&lost.record, &promises((3, 2, 2), true), &["DUR"]);
    assert_eq!(told[0], "no home replica of key x has the finished write n1.1.1 with the tag 2.n1.1.2 or a newer one");
}

#[test]
fn avl_nobody_is_answered_through_a_cut() {
    let both = json!(["n1->n2", "n3->n1"]);
    let cut = |links: &Value, lifting: [bool; 2], exact: bool| {
        let mut script = Script::default();
        script.record.nemesis("partition", 1, "begin", json!({ "cut": links }));
        script.record.nemesis("partition", 1, "in-force", json!({"proof": {}}));
        let [before, after] = lifting;
        if before {
            script.record.nemesis("partition", 1, "lifting", Value::Null);
        }
        script.write("n1.1.1", &Value::Null, (&tag(1), A));
        if after {
            script.record.nemesis("partition", 1, "lifting", Value::Null);
        }
        script.record.nemesis("partition", 1, "end", json!({}));
        let report = script.record.check(&Promises { exact_cuts: exact, ..promises((3, 2, 2), true) });
        let ruled = report.rule(Rule::ReachableQuorum).unwrap();
        (ruled.outcome, ruled.promised)
    };
    let untold = [false, false];
    assert_eq!(cut(&json!(["n1->n2"]), untold, true), (Outcome::Valid, true));
    assert_eq!(cut(&both, untold, true), (Outcome::Invalid, true));
    assert_eq!(cut(&both, untold, false), (Outcome::Unknown, false), "it may have been lifted before its end was told");
    assert_eq!(cut(&both, [false, true], false), (Outcome::Invalid, true), "it was in force all the while");
    assert_eq!(cut(&both, [true, false], false), (Outcome::Vacuous, true), "it was about to be lifted");
}
