//! Each rule by an execution made by hand, and by the same one with a single fact that breaks it.

use schism_checker::history::{EventKind, Process};
use schism_checker::quorum::{Promises, Report, Rule};
use schism_checker::verdict::Outcome;
use serde_json::{Value, json};

use crate::record::{Noted, Record, broken, promises};

const A: &str = "000000000000000a";
const B: &str = "000000000000000b";

/// Writes notes and events as they come.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) record: Record,
    seqs: std::collections::BTreeMap<(String, u64), u64>,
    time: u64,
}

impl Script {
    pub(crate) fn note(&mut self, node: &str, life: u64, name: &str, fields: Value) -> &mut Self {
        let seq = self.seqs.entry((node.to_owned(), life)).or_default();
        *seq += 1;
        self.time += 1_000_000;
        let (node, name) = (node.to_owned(), name.to_owned());
        self.record.notes.push(Noted { node, life, seq: *seq, time: self.time, name, fields });
        self
    }

    fn client(&mut self, process: u64, kind: EventKind, f: &str, extra: Value) -> &mut Self {
        self.record.event(Process::Client(process), kind, f, (Some("x"), Value::Null), extra);
        self
    }

    /// A replica's answer to a query.
    pub(crate) fn served(&mut self, node: &str, op: &str, tag: &Value) -> &mut Self {
        self.note(node, 1, "served", json!({"op": op, "key": "x", "tag": tag}))
    }

    /// A replica stores a version and acknowledges it.
    fn stores(&mut self, node: &str, op: &str, (tag, digest): (&Value, &str), phase: &str) -> &mut Self {
        self.note(node, 1, "stored", json!({"key": "x", "tag": tag, "digest": digest, "cause": phase}));
        self.acked(node, op, tag, phase)
    }

    fn acked(&mut self, node: &str, op: &str, tag: &Value, phase: &str) -> &mut Self {
        self.note(node, 1, "acked", json!({"op": op, "key": "x", "tag": tag, "phase": phase}))
    }

    fn phase(&mut self, node: &str, op: &str, phase: &str, replies: &[(&str, &Value)], tag: &Value) -> &mut Self {
        let replies: Vec<Value> =
            replies.iter().map(|(replica, tag)| json!({"replica": replica, "incarnation": 1, "tag": tag})).collect();
        let fields =
            json!({"op": op, "key": "x", "phase": phase, "home": ["n1", "n2", "n3"], "replies": replies, "tag": tag});
        self.note(node, 1, "phase", fields)
    }

    fn begun(&mut self, node: &str, op: &str, f: &str, process: u64) -> &mut Self {
        self.client(process, EventKind::Invoke, f, json!({"node": node}));
        self.note(node, 1, "begun", json!({"op": op, "key": "x", "f": f}))
    }

    fn answered(&mut self, node: &str, op: &str, f: &str, (tag, process): (&Value, u64)) -> &mut Self {
        self.note(node, 1, "answered", json!({"op": op, "key": "x", "f": f, "tag": tag, "outcome": "ok"}));
        self.client(process, EventKind::Ok, f, json!({"node": node, "quorum": {"op": op, "version": tag}}))
    }

    /// A write at n1 with the acknowledgements of n1 and n2.
    fn write(&mut self, op: &str, before: &Value, (tag, digest): (&Value, &str)) -> &mut Self {
        self.begun("n1", op, "write", 1).served("n1", op, before).served("n2", op, before);
        self.phase("n1", op, "query", &[("n1", before), ("n2", before)], before);
        self.stores("n1", op, (tag, digest), "store").stores("n2", op, (tag, digest), "store");
        self.phase("n1", op, "store", &[("n1", tag), ("n2", tag)], tag).answered("n1", op, "write", (tag, 1))
    }

    /// A read at n3 with the replies of n2 and n3, which writes back to n3.
    fn read(&mut self, op: &str, (tag, digest): (&Value, &str), at_n3: &Value) -> &mut Self {
        self.begun("n3", op, "read", 2).served("n2", op, tag).served("n3", op, at_n3);
        self.phase("n3", op, "query", &[("n2", tag), ("n3", at_n3)], tag);
        self.stores("n3", op, (tag, digest), "writeback").acked("n2", op, tag, "writeback");
        self.phase("n3", op, "writeback", &[("n3", tag), ("n2", tag)], tag).answered("n3", op, "read", (tag, 2))
    }

    /// What everybody holds in the end.
    fn held(&mut self, held: [&Value; 3]) -> &mut Self {
        for (node, tag) in ["n1", "n2", "n3"].into_iter().zip(held) {
            self.note(node, 1, "held", json!({"key": "x", "tag": tag}));
            self.note(node, 1, "hints-pending", json!({"count": 0}));
        }
        self
    }
}

fn tag(counter: u64) -> Value {
    json!([counter, "n1", 1, counter])
}

/// Two writes by n1 and n2, each read by n2 and n3 and written back.
pub(crate) fn honest() -> Record {
    let mut script = Script::default();
    let (none, one, two) = (Value::Null, tag(1), tag(2));
    script.write("n1.1.1", &none, (&one, A)).read("n3.1.1", (&one, A), &none);
    script.write("n1.1.2", &one, (&two, B)).read("n3.1.2", (&two, B), &one);
    script.held([&two, &two, &two]);
    script.record
}

fn check(record: &Record) -> Report {
    record.check(&promises((3, 2, 2), true))
}

/// The execution with one note changed breaks these rules and no other; what is told of the first.
fn breaks(edit: impl FnOnce(&mut Vec<Noted>), rules: &[&str]) -> Vec<String> {
    let mut record = honest();
    edit(&mut record.notes);
    breaks_as(&record, &promises((3, 2, 2), true), rules)
}

fn breaks_as(record: &Record, promises: &Promises, rules: &[&str]) -> Vec<String> {
    let report = record.check(promises);
    assert_eq!(broken(&report), rules, "{:#?} {:?}", report.rules, report.defects);
    let rule = Rule::ALL.into_iter().find(|rule| rule.id() == rules[0]).unwrap();
    let finding = report.rule(rule).unwrap().finding.clone().unwrap();
    assert!(!finding.events.is_empty() && finding.events.len() <= 10, "{finding:#?}");
    [vec![finding.what], finding.events.iter().map(ToString::to_string).collect()].concat()
}

/// The note of this name whose fields are like this.
fn note<'n>(notes: &'n mut [Noted], name: &str, like: &[(&str, &str)], nth: usize) -> &'n mut Noted {
    let is_like = |note: &&mut Noted| {
        let field = |field: &str| if field == "node" { Some(note.node.as_str()) } else { note.fields[field].as_str() };
        note.name == name && like.iter().all(|(name, value)| field(name) == Some(value))
    };
    notes.iter_mut().filter(is_like).nth(nth).unwrap()
}

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

/// One write with the tag 2.
fn written() -> Script {
    let mut script = Script::default();
    script.write("n1.1.1", &Value::Null, (&tag(2), A));
    script
}

fn after_a_write(more: impl FnOnce(&mut Script), rules: &[&str]) -> Vec<String> {
    let mut script = written();
    more(&mut script);
    breaks_as(&script.record, &promises((3, 2, 2), true), rules)
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
