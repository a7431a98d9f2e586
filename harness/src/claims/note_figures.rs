//! Numbers from what replicas and coordinators told.
//!
//! | figure | |
//! |---|---|
//! | `stores` | how often a replica stored a version, for each write that was answered |
//! | `unequal` | the share of answered writes that some replica had not stored when the answer left |
//! | `window-p50`, `window-p99` | from the answer to a write until every replica had it or something newer: milliseconds, of the writes for which it came so far |
//! | `missing` | the share of answered writes that some replica never had, nor anything newer |
//! | `diverged` | how many keys replicas hold in different versions in the end |

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::note::Note;
use serde_json::Value;

use super::evidence::Evidence;
use super::figures::{Window, float, milliseconds, number, quantile, share, text};

/// See the module's head.
pub(super) const NAMES: [&str; 6] = ["stores", "unequal", "window-p50", "window-p99", "missing", "diverged"];

/// A write that was answered: how long after that all replicas had it, if they ever did.
#[derive(Clone, Copy, Debug)]
struct Spread {
    after_ns: Option<u64>,
}

/// See [`figures`](super::figures).
pub(super) fn figure(name: &str, all: &[Evidence], window: Window) -> Option<f64> {
    if name == "diverged" {
        return all.iter().map(|evidence| diverged(&evidence.notes, copies(evidence))).reduce(f64::max);
    }
    let spreads: Vec<Spread> = all.iter().flat_map(|evidence| spreads(evidence, window)).collect();
    let times = || spreads.iter().filter_map(|spread| spread.after_ns).map(milliseconds).collect();
    match name {
        "stores" => {
            let stored: usize = all.iter().map(|evidence| named(&evidence.notes, "stored").count()).sum();
            (!spreads.is_empty()).then(|| number(stored) / number(spreads.len()))
        }
        "unequal" => share(&spreads, |spread| spread.after_ns.is_none_or(|after| after > 0)),
        "missing" => share(&spreads, |spread| spread.after_ns.is_none()),
        "window-p50" => quantile(times(), 0.5),
        "window-p99" => quantile(times(), 0.99),
        _ => None,
    }
}

fn named<'a>(notes: &'a [Note], name: &'a str) -> impl Iterator<Item = &'a Note> {
    notes.iter().filter(move |note| &*note.name == name)
}

/// The tags that a replica stored of a key, and when.
type Kept = Vec<(u64, Tag)>;

/// The writes of a run that were answered.
fn spreads(evidence: &Evidence, (from, to): Window) -> Vec<Spread> {
    let mut stored: BTreeMap<&str, BTreeMap<&str, Kept>> = BTreeMap::new();
    for note in named(&evidence.notes, "stored") {
        let (Some(key), Some(tag)) = (text(note.fields.get("key")), Tag::of(note)) else { continue };
        stored.entry(key).or_default().entry(&note.node).or_default().push((note.time, tag));
    }
    let answered = named(&evidence.notes, "answered").filter(|note| {
        let is = |field: &str, value: &str| text(note.fields.get(field)) == Some(value);
        is("f", "write") && is("outcome", "ok") && (from..to).contains(&note.time)
    });
    answered
        .filter_map(|note| {
            let (key, tag) = (text(note.fields.get("key"))?, Tag::of(note)?);
            let replicas = stored.get(key)?;
            let first = |at: &Kept| at.iter().filter(|(_, kept)| *kept >= tag).map(|(time, _)| *time).min();
            // Who never stored anything of the key is no replica that anybody knows of, or one that never had it.
            let complete = replicas.len() >= copies(evidence);
            let last = replicas.values().map(first).try_fold(0, |last, time| Some(time?.max(last)));
            Some(Spread { after_ns: last.filter(|_| complete).map(|last| last.saturating_sub(note.time)) })
        })
        .collect()
}

/// On how many nodes a key is kept.
fn copies(evidence: &Evidence) -> usize {
    let system = evidence.verdict.system.parse::<crate::spec::Spec>().ok();
    let n = system.and_then(|system| system.params.get("n")?.parse().ok());
    n.unwrap_or_else(|| usize::from(evidence.nodes))
}

/// How many keys replicas held in different versions, or fewer than so many of them, when they were asked last.
fn diverged(notes: &[Note], copies: usize) -> f64 {
    let mut held: BTreeMap<&str, BTreeMap<&str, (u64, String)>> = BTreeMap::new();
    for note in named(notes, "held") {
        let Some(key) = text(note.fields.get("key")) else { continue };
        let version = format!("{:?} {:?}", note.fields.get("tag"), note.fields.get("digest"));
        let at = held.entry(key).or_default().entry(&note.node).or_insert((0, String::new()));
        if note.time >= at.0 {
            *at = (note.time, version);
        }
    }
    let differ = held
        .values()
        .filter(|at| at.len() < copies || at.values().map(|(_, version)| version).collect::<BTreeSet<_>>().len() > 1);
    float(differ.count() as u64)
}

/// A tag as notes write it: a counter or time, the node, its life, the number of the write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tag(u64, String, u64, u64);

impl Tag {
    fn of(note: &Note) -> Option<Tag> {
        let Value::Array(parts) = note.fields.get("tag")? else { return None };
        let [counter, maker, incarnation, sequence] = parts.as_slice() else { return None };
        // n10 comes after n9: the number counts, not the text.
        let maker = format!("{:0>8}", maker.as_str()?.trim_start_matches('n'));
        Some(Tag(counter.as_u64()?, maker, incarnation.as_u64()?, sequence.as_u64()?))
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::history::History;
    use serde_json::json;

    use super::*;
    use crate::verdict::Verdict;

    fn note(node: &str, time: u64, name: &str, fields: &Value) -> Note {
        serde_json::from_value(json!({"node": node, "time": time, "note": name, "fields": fields})).unwrap()
    }

    fn evidence(notes: Vec<Note>) -> Evidence {
        let verdict = Verdict { system: "nwr:n=2".to_owned(), ..crate::report::sample::valid() };
        Evidence { history: History::default(), notes, verdict, nodes: 2 }
    }

    fn told() -> Vec<Note> {
        let (old, new) = (json!({"key": "x", "tag": [1, "n1", 1, 1]}), json!({"key": "x", "tag": [2, "n1", 1, 2]}));
        let answer = |tag: Value| json!({"key": "x", "f": "write", "outcome": "ok", "tag": tag});
        vec![
            note("n1", 1_000_000, "stored", &old),
            note("n1", 1_000_000, "answered", &answer(json!([1, "n1", 1, 1]))),
            note("n1", 2_000_000, "stored", &new),
            note("n2", 5_000_000, "stored", &new),
            note("n1", 6_000_000, "answered", &answer(json!([2, "n1", 1, 2]))),
        ]
    }

    #[test]
    fn a_write_is_everywhere_when_every_replica_has_it_or_something_newer() {
        let all = [evidence(told())];
        let figure = |name: &str| figure(name, &all, (0, u64::MAX));
        assert_eq!(figure("unequal"), Some(0.5));
        assert_eq!(figure("window-p99"), Some(4.0));
        assert_eq!(figure("missing"), Some(0.0));
        assert_eq!(figure("stores"), Some(1.5));
    }

    #[test]
    fn a_write_that_one_replica_never_had_is_missing() {
        let mut notes = told();
        notes.remove(3);
        assert_eq!(figure("missing", &[evidence(notes)], (0, u64::MAX)), Some(1.0));
    }

    #[test]
    fn replicas_diverge_on_the_keys_of_which_they_hold_different_versions() {
        let held = |node, key, tag| note(node, 9, "held", &json!({"key": key, "tag": [tag, "n1", 1, 1]}));
        let equal = vec![held("n1", "x", 1), held("n2", "x", 1)];
        assert!(diverged(&equal, 2) < 0.5);
        let unequal = vec![held("n1", "y", 1), held("n2", "y", 2), held("n1", "z", 1)];
        assert!((diverged(&[equal, unequal].concat(), 2) - 2.0).abs() < 0.5);
    }
}
