//! Notes of nodes, between the run's own lines: both ways to read them agree, and whatever they say can be judged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use schism_checker::formats;
use schism_checker::invariants::{self, Noted};
use schism_checker::note::{self, Note, Notes};
use schism_checker::quorum::{self, Promises, Quorums};

/// What clients saw of the operations `n1.1.1`, a write, and `n2.1.1`, a read.
const HISTORY: &str = r#"{"type":"invoke","process":0,"f":"write","key":"x","value":1,"time":10}
{"type":"ok","process":0,"f":"write","key":"x","value":1,"time":20,"quorum":{"op":"n1.1.1","version":[1,"n1",1,1]}}
{"type":"info","process":"nemesis","f":"kill","value":["n3"],"time":30,"id":1,"phase":"in-force"}
{"type":"invoke","process":1,"f":"read","key":"x","value":null,"time":40}
{"type":"ok","process":1,"f":"read","key":"x","value":1,"time":50,"quorum":{"op":"n2.1.1","version":[1,"n1",1,1]}}
"#;

fuzz_target!(|bytes: &[u8]| {
    let notes = note::read(bytes, "fuzzed");
    let gathered = quorum::read(bytes, "fuzzed");
    let (notes, gathered) = match (notes, gathered) {
        (Ok(notes), Ok(gathered)) => (notes, gathered),
        (Err(_), Err(_)) => return,
        (Err(error), Ok(_)) => return assert!(no_value_holds(&error.to_string()), "{error}"),
        (Ok(notes), Err(error)) => panic!("{error} in place of {notes:?}"),
    };
    if let Some(cut) = &notes.cut {
        assert!(cut.offset <= bytes.len() as u64, "cut at {} of {}", cut.offset, bytes.len());
    }
    comes_back(&notes);
    obeys(&notes);
    let history = formats::read_bytes(HISTORY.as_bytes(), "history").expect("the history is sound");
    let nodes = ["n1", "n2", "n3"].map(str::to_owned).to_vec();
    let promises = Promises::plain(Quorums { n: 3, w: 2, r: 2 }, nodes, true);
    // What is promised and what was seen is the business of the checker's tests.
    let _ = quorum::check(gathered, &history, &promises);
});

/// Whether it is what evidence passes over in fields that no rule asks for: JSON by its grammar, and yet no number and no text.
fn no_value_holds(error: &str) -> bool {
    ["number out of range", "surrogate in hex escape", "end of hex escape"].iter().any(|reason| error.contains(reason))
}

/// What was read is written and read again as the same.
fn comes_back(notes: &Notes) {
    let lines = notes.notes.iter().map(|note| serde_json::to_string(note).expect("a note is plain JSON") + "\n");
    let written: String = lines.collect();
    let again = note::read(written.as_bytes(), "written").expect("what was written can be read");
    assert_eq!(again.notes, notes.notes);
}

/// No rule of a protocol panics at what nodes claim.
fn obeys(notes: &Notes) {
    let mut rules = invariants::of("raft");
    for Note { node, incarnation, time, name, fields, .. } in &notes.notes {
        let noted = Noted::new(node, *incarnation, *time, name, fields);
        rules.iter_mut().for_each(|rule| rule.note(&noted));
    }
    for rule in &rules {
        let _ = rule.property(notes.cut.is_none());
    }
}
