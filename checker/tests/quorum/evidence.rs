//! Bad evidence is told as such, and what depends on it is unknown and never kept.

use schism_checker::history::EventKind;
use schism_checker::quorum::{Report, Rule, check, read};
use schism_checker::verdict::Outcome;
use serde_json::json;

use crate::record::{Noted, Record, promises};
use crate::script::honest;

fn judged(record: &Record) -> Report {
    record.check(&promises((3, 2, 2), true))
}

/// The evidence is told to be wrong in these words, and this rule is not kept.
fn wrong(record: &Record, words: &str, rule: Rule) {
    let report = judged(record);
    let (count, told) = &report.defects;
    assert!(*count > 0 && told.iter().any(|told| told.contains(words)), "{words}: {told:?}");
    let outcome = report.rule(rule).unwrap().outcome;
    assert!(outcome != Outcome::Valid, "{words}: {rule:?} is {outcome:?}");
    let properties = report.properties();
    let evidence = properties.iter().find(|property| property.name == "evidence").unwrap();
    assert_eq!((evidence.outcome, evidence.judged), (Outcome::Unknown, true), "{evidence:?}");
    assert!(properties.iter().all(|property| property.outcome != Outcome::Invalid), "{words}: {properties:#?}");
}

fn edited(edit: impl FnOnce(&mut Vec<Noted>)) -> Record {
    let mut record = honest();
    edit(&mut record.notes);
    record
}

fn find(notes: &[Noted], name: &str, nth: usize) -> usize {
    notes.iter().enumerate().filter(|(_, note)| note.name == name).nth(nth).unwrap().0
}

#[test]
fn sound_evidence_is_sound() {
    let report = judged(&honest());
    assert_eq!(report.defects, (0, Vec::new()));
    let evidence = &report.properties()[0];
    assert_eq!((evidence.name.as_str(), evidence.outcome), ("evidence", Outcome::Valid));
}

#[test]
fn a_missing_phase_leaves_its_rule_unknown() {
    let without = |phase: &str| {
        edited(|notes| {
            notes.retain(|note| note.name != "phase" || note.fields["phase"] != phase);
            let mut seqs = std::collections::BTreeMap::new();
            for note in notes {
                let seq: &mut u64 = seqs.entry((note.node.clone(), note.life)).or_default();
                *seq += 1;
                note.seq = *seq;
            }
        })
    };
    wrong(&without("store"), "no note tells of its store phase", Rule::WriteQuorum);
    wrong(&without("query"), "no note tells of its query phase", Rule::ReadQuorum);
}

#[test]
fn strangers_and_replies_from_nowhere_are_told() {
    let stranger = edited(|notes| {
        for note in notes.iter_mut().filter(|note| note.name == "phase" && note.fields["phase"] == "query") {
            let home = json!(["n1", "n2", "n3", "n7"]);
            note.fields["home"] = home;
        }
    });
    let report = judged(&stranger);
    assert!(report.defects.1.iter().any(|told| told.contains("n7, which is unknown")), "{:?}", report.defects);
    let nowhere = edited(|notes| {
        let place = find(notes, "acked", 0);
        let lost = notes[place].node.clone();
        notes.remove(place);
        for note in notes.iter_mut().filter(|note| note.node == lost) {
            note.seq = 0;
        }
    });
    wrong(&nowhere, "noted none", Rule::WriteQuorum);
    let other_life = edited(|notes| {
        let place = find(notes, "phase", 1);
        notes[place].fields["replies"][0]["incarnation"] = 4.into();
    });
    wrong(&other_life, "in its life 4", Rule::WriteQuorum);
    let misread = edited(|notes| {
        let place = find(notes, "phase", 2);
        notes[place].fields["replies"][1]["tag"] = json!([1, "n1", 9, 9]);
    });
    wrong(&misread, "and n3 noted one with nothing", Rule::ReadQuorum);
}

#[test]
fn gaps_cuts_and_malformed_notes_leave_nothing_kept() {
    let gap = edited(|notes| {
        let place = find(notes, "begun", 0);
        notes.remove(place);
    });
    wrong(&gap, "comes note", Rule::TagsNeverGoBack);
    let malformed = edited(|notes| {
        let place = find(notes, "stored", 1);
        notes[place].fields["tag"] = json!("seven");
    });
    let report = judged(&malformed);
    assert!(
        report.defects.1.iter().any(|told| told.contains("a note stored lacks a field that can be read")),
        "{:?}",
        report.defects
    );
    for ruled in report.rules.iter().filter(|(rule, _)| **rule != Rule::ReachableQuorum).map(|(_, ruled)| ruled) {
        assert!(ruled.outcome != Outcome::Valid, "{ruled:?}");
    }
    let lines = honest().lines();
    let promises = promises((3, 2, 2), true);
    let cut = &lines.as_bytes()[..lines.len() - 20];
    let report = check(read(cut, "cut").unwrap(), &honest().history(), &promises);
    assert!(report.defects.1.iter().any(|told| told.contains("in the middle of one")), "{:?}", report.defects);
    assert!(report.rules.values().all(|ruled| ruled.outcome != Outcome::Valid));
    assert!(read("{\"note\": 7,\n{}\n".as_bytes(), "broken").is_err());
}

#[test]
fn answers_that_nobody_noted_are_told() {
    let mut record = honest();
    for event in record.events.iter_mut().filter(|event| event.kind == EventKind::Ok) {
        event.extra.clear();
    }
    let report = judged(&record);
    assert!(report.defects.1[0].contains("does not say which operation it was"), "{:?}", report.defects);
    let mut record = honest();
    record.notes.clear();
    let report = judged(&record);
    assert!(report.defects.1[0].contains("no note tells of n1.1.1"), "{:?}", report.defects);
    assert_eq!(report.properties().len(), 1, "nothing is said of rules that nothing tells of");
    let twice = edited(|notes| {
        let again = notes[find(notes, "answered", 0)].clone();
        notes.push(Noted { seq: 0, ..again });
    });
    assert!(judged(&twice).defects.1.iter().any(|told| told.contains("was answered twice")));
}

#[test]
fn a_file_says_what_memory_says() {
    let record = honest();
    let promises = promises((3, 2, 2), true);
    let read = check(read(record.lines().as_bytes(), "lines").unwrap(), &record.history(), &promises);
    let kept = record.check(&promises);
    assert_eq!(read.rules, kept.rules);
    assert_eq!(read.statistics, kept.statistics);
    assert_eq!(read.properties(), kept.properties());
}

/// Both were found by fuzzing. Whole notes cannot hold them; evidence does not look.
#[test]
fn what_no_value_holds_is_passed_over_where_no_rule_asks_for_it() {
    for strange in ["1e999", r#""\ud800""#] {
        let note = |field: &str| format!("{{\"time\":1,\"node\":\"n1\",\"note\":\"begun\",\"{field}\":{strange}}}\n");
        assert!(read(note("remark").as_bytes(), "notes").is_ok(), "{strange}");
        assert!(schism_checker::note::read(note("remark").as_bytes(), "notes").is_err(), "{strange}");
        assert!(read(note("seq").as_bytes(), "notes").is_err(), "{strange}");
    }
}

/// Found by fuzzing: the fields' values in their order, without their names, are no note.
#[test]
fn a_list_is_no_note_and_none_of_its_parts() {
    for list in [r#"["n1",1,1,5,"begun"]"#, r#"{"node":"n1","time":5,"note":"begun","fields":["n1.1.1","x"]}"#] {
        assert!(read(list.as_bytes(), "notes").is_err(), "{list}");
        assert!(schism_checker::note::read(list.as_bytes(), "notes").is_err(), "{list}");
    }
    let record = edited(|notes| {
        let place = find(notes, "phase", 0);
        let replies = &mut notes[place].fields["replies"];
        let reply = &replies[0];
        replies[0] = json!([reply["replica"], reply["incarnation"], reply["tag"], null]);
    });
    let lines = check(read(record.lines().as_bytes(), "lines").unwrap(), &record.history(), &promises((3, 2, 2), true));
    for report in [&judged(&record), &lines] {
        let (_, told) = &report.defects;
        assert!(told.iter().any(|told| told.contains("a note phase lacks a field that can be read")), "{told:?}");
    }
}
