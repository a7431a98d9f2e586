//! The rules about the whole cluster, from the notes of its nodes in `events.jsonl`.

use std::collections::BTreeMap;

use schism_checker::invariants::{self, Invariant, Noted};
use schism_checker::note::{Note, Notes};
use schism_checker::verdict::Property;

/// What became of the rules for a protocol. Between nodes, notes are ordered by their times, which are of one clock; those
/// of one node stand in its own order. Times are told from the history's time 0 on, or from the first note where it is not known.
pub fn invariants(protocol: &str, notes: &Notes) -> Vec<Property> {
    let mut rules = invariants::of(protocol);
    if rules.is_empty() {
        return Vec::new();
    }
    let mut ordered: Vec<&Note> = notes.notes.iter().filter(|note| note.incarnation > 0).collect();
    ordered.sort_by_key(|note| note.time);
    let first = ordered.first().map_or(0, |note| note.time);
    let zero = notes.header.as_ref().and_then(|header| header.extra.get("zero")?.as_u64());
    let begin = zero.filter(|zero| *zero <= first).unwrap_or(first);
    for note in &ordered {
        let Note { node, incarnation, name, fields, .. } = note;
        let heard = Noted::new(node, *incarnation, note.time - begin, name, fields);
        for rule in &mut rules {
            rule.note(&heard);
        }
    }
    let complete = notes.cut.is_none() && without_gaps(notes);
    rules.iter().map(|rule: &Invariant| rule.property(complete)).collect()
}

/// Whether the numbers of each life's notes count up from 1 without a gap.
fn without_gaps(notes: &Notes) -> bool {
    let mut last: BTreeMap<(&str, u64), u64> = BTreeMap::new();
    notes.notes.iter().filter(|note| note.incarnation > 0).all(|note| {
        let last = last.entry((&note.node, note.incarnation)).or_default();
        let next = last.checked_add(1);
        *last = note.seq;
        next == Some(note.seq)
    })
}

#[cfg(test)]
mod tests {
    use schism_checker::verdict::Outcome;
    use serde_json::{Value, json};

    use super::*;

    fn note(node: &str, (incarnation, seq): (u64, u64), time: u64, name: &str, fields: &Value) -> Note {
        let line = json!({ "node": node, "incarnation": incarnation, "seq": seq, "time": time, "note": name, "fields": fields });
        serde_json::from_value(line).unwrap()
    }

    fn leader(node: &str, seq: u64, time: u64, epoch: u64) -> Note {
        note(node, (1, seq), time, "leader", &json!({ "epoch": epoch, "index": 0, "terms": [] }))
    }

    fn outcome(name: &str, notes: Vec<Note>) -> Property {
        let notes = Notes { notes, ..Notes::default() };
        invariants("raft", &notes).into_iter().find(|property| property.name == name).unwrap()
    }

    #[test]
    fn notes_of_different_nodes_are_ordered_by_their_times() {
        let stepped_down = note("n1", (1, 2), 2_000, "stepped-down", &json!({ "term": 1 }));
        let truncated = note("n1", (1, 3), 3_000, "truncated", &json!({ "from": 1 }));
        // Another node's lines come first and were made later.
        let notes = vec![leader("n2", 1, 2_500, 2), leader("n1", 1, 1_000, 1), stepped_down, truncated];
        for name in ["election-safety", "leader-append-only"] {
            let property = outcome(name, notes.clone());
            assert_eq!(property.outcome, Outcome::Valid, "{property:?}");
        }
        let notes = vec![leader("n2", 1, 1_500_000_000, 1), leader("n1", 1, 500_000_000, 1)];
        let property = outcome("election-safety", notes);
        let because = property.counterexample.unwrap().because;
        assert_eq!(
            because[..2],
            ["0.000000 s n1 became the leader of term 1", "1.000000 s n2 became the leader of term 1"]
        );
    }

    #[test]
    fn nothing_is_valid_where_notes_are_missing() {
        let complete = vec![leader("n1", 1, 1, 1)];
        let gap = vec![leader("n1", 2, 1, 1)];
        for (notes, expected) in [(complete, Outcome::Valid), (gap, Outcome::Unknown), (Vec::new(), Outcome::Vacuous)] {
            assert_eq!(outcome("election-safety", notes).outcome, expected);
        }
    }
}
