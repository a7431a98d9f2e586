//! Writes that came back: a value that is there in the end, although somebody had read what replaced it.
//!
//! A value is **resurrected** if a final read returned it, and before the final phase a read had returned another value of that key
//! whose write was invoked only after the write of this one had ended. The initial value comes before all writes: what was deleted by a
//! write and is there again counts as well, and a deletion writes null. Values that were written twice, or that a compare-and-set may have set, are left out, since
//! nobody can tell which writing is seen. In a linearizable history there are none.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::history::{Ending, History, Operation};

use super::{durable, events_of};

/// How many values came back; none where nothing was looked for in the end.
pub fn resurrected_writes(history: &History) -> Option<u64> {
    let finale = events_of(history, "nemesis", "final").find(|event| durable::phase(event) == Some("in-force"))?.index;
    let operations = history.operations().ok()?;
    let mut keys: BTreeMap<String, Key<'_>> = BTreeMap::new();
    for operation in &operations {
        if let Some(name) = operation.key.as_ref() {
            keys.entry(name.to_string()).or_default().add(operation, finale);
        }
    }
    let looked_for = keys.values().any(|key| !key.finally.is_empty() && !key.writes.is_empty());
    looked_for.then(|| keys.values().map(Key::resurrected).sum())
}

/// What happened to a key.
#[derive(Default)]
struct Key<'a> {
    /// Who wrote a value; none where that is not one write alone.
    writes: BTreeMap<String, Option<&'a Operation>>,
    /// Values that were read before the final phase.
    seen: BTreeSet<String>,
    /// Values that were read in it.
    finally: BTreeSet<String>,
}

impl<'a> Key<'a> {
    fn add(&mut self, operation: &'a Operation, finale: u64) {
        match (&*operation.f, operation.ending) {
            (_, Ending::Fail) | ("read", Ending::Info) => {}
            ("read", Ending::Ok) => {
                let values = if operation.invoked > finale { &mut self.finally } else { &mut self.seen };
                values.insert(operation.answer().to_string());
            }
            ("write" | "delete", _) => {
                // What is deleted is null again.
                let value = if &*operation.f == "delete" { "null".to_owned() } else { operation.input.to_string() };
                let known = self.writes.entry(value);
                known.and_modify(|write| *write = None).or_insert(Some(operation));
            }
            // A compare-and-set, or whatever else sets values: those that it names are told by nobody.
            _ => {
                for value in operation.input.as_array().into_iter().flatten() {
                    self.writes.insert(value.to_string(), None);
                }
            }
        }
    }

    fn resurrected(&self) -> u64 {
        self.finally.iter().filter(|value| self.seen.iter().any(|other| self.replaces(other, value))).count() as u64
    }

    /// Whether the write of `other` was invoked after that of `value` had ended.
    fn replaces(&self, other: &str, value: &str) -> bool {
        let Some(Some(later)) = self.writes.get(other) else { return false };
        match self.writes.get(value) {
            Some(Some(earlier)) => {
                earlier.ending == Ending::Ok && earlier.completed.is_some_and(|end| end < later.invoked)
            }
            Some(None) => false,
            // Nobody wrote it, so it was there at the beginning.
            None => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::formats;

    use super::*;

    /// A history from lines of `process type f value`, the final phase after `---`.
    fn resurrected(lines: &str) -> Option<u64> {
        let mut text = String::new();
        for (index, line) in lines.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
            let event = match line.split(' ').collect::<Vec<_>>()[..] {
                ["---"] => {
                    serde_json::json!({"index": index, "process": "nemesis", "type": "info", "f": "final", "phase": "in-force"})
                }
                [process, kind, f, value] => serde_json::json!({
                    "index": index, "process": process.parse::<u64>().unwrap(), "type": kind, "f": f, "key": "x",
                    "value": serde_json::from_str::<serde_json::Value>(value).unwrap(),
                }),
                _ => panic!("four words: {line}"),
            };
            text.push_str(&event.to_string());
            text.push('\n');
        }
        resurrected_writes(&formats::read_bytes(text.as_bytes(), "made").unwrap())
    }

    const TWO_WRITES: &str = "1 invoke write 4\n1 ok write 4\n1 invoke write 5\n1 ok write 5\n";

    #[test]
    fn a_value_comes_back_if_what_replaced_it_had_been_read() {
        let seen = "2 invoke read null\n2 ok read 5\n";
        let finally = |value: &str| format!("---\n3 invoke read null\n3 ok read {value}");
        assert_eq!(resurrected(&format!("{TWO_WRITES}{seen}{}", finally("4"))), Some(1));
        assert_eq!(resurrected(&format!("{TWO_WRITES}{seen}{}", finally("null"))), Some(1), "the initial value");
        assert_eq!(resurrected(&format!("{TWO_WRITES}{seen}{}", finally("5"))), Some(0));
        // Nobody had seen that it was replaced: it is lost, and did not come back.
        assert_eq!(resurrected(&format!("{TWO_WRITES}{}", finally("4"))), Some(0));
        // Somebody may have set it again.
        let again = "4 invoke cas [5,4]\n4 info cas [5,4]\n";
        assert_eq!(resurrected(&format!("{TWO_WRITES}{seen}{again}{}", finally("4"))), Some(0));
        assert_eq!(resurrected(TWO_WRITES), None, "nothing was looked for");
    }

    #[test]
    fn what_was_deleted_may_come_back_and_may_be_gone() {
        let deleted = "1 invoke write 4\n1 ok write 4\n1 invoke delete null\n1 ok delete null\n2 invoke read null\n2 ok read null\n";
        let finally = |value: &str| format!("{deleted}---\n3 invoke read null\n3 ok read {value}");
        assert_eq!(resurrected(&finally("4")), Some(1));
        assert_eq!(resurrected(&finally("null")), Some(0), "that it is null is no initial value that came back");
    }

    #[test]
    fn concurrent_writes_have_no_order() {
        let concurrent =
            "1 invoke write 4\n2 invoke write 5\n1 ok write 4\n2 ok write 5\n3 invoke read null\n3 ok read 5\n";
        assert_eq!(resurrected(&format!("{concurrent}---\n3 invoke read null\n3 ok read 4")), Some(0));
    }
}
