//! The usual suspects: what often lies behind a violation, as hints for a person. The verdict does not depend on them.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::history::{Ending, History, Operation, Process};
use crate::model::Model;
use crate::verdict::Counterexample;

/// So many hints of each kind are given, and so many keys named in one.
const NAMED: usize = 3;

/// What may lie behind a violation of the object that `counterexample` names, a sentence each; often nothing.
pub(crate) fn of_object<M: Model>(operations: &[Operation], model: &M, counterexample: &Counterexample) -> Vec<String> {
    let of_key = |operation: &&Operation| {
        operation.key.as_ref().filter(|_| model.partitions_by_key()) == counterexample.key.as_ref()
    };
    let operations: Vec<&Operation> = operations.iter().filter(of_key).collect();
    let mut hints = Vec::new();
    if let Some(initial) = model.register_initial() {
        let values = Values::of(&operations, model, initial);
        hints.extend(values.unwritten().into_iter().take(NAMED));
        hints.extend(values.twice(counterexample));
    }
    hints.extend(out_of_order(&operations));
    hints
}

/// Who wrote and who saw each value of a register.
struct Values<'a> {
    initial: &'a Value,
    /// The operations that may have written it.
    written: FxHashMap<Value, Vec<&'a Operation>>,
    /// The operations that failed to write it.
    failed: FxHashMap<Value, &'a Operation>,
    /// What was seen by operations that ended ok, in their order.
    seen: Vec<(Value, &'a Operation)>,
    /// When the first operation that wrote something was over.
    first_write_ended: Option<u64>,
}

impl<'a> Values<'a> {
    fn of<M: Model>(operations: &[&'a Operation], model: &M, initial: &'a Value) -> Values<'a> {
        let mut values = Values {
            initial,
            written: FxHashMap::default(),
            failed: FxHashMap::default(),
            seen: Vec::new(),
            first_write_ended: None,
        };
        for &operation in operations {
            // A model is never asked about what failed; what it would have written is what it may have written.
            let asked = Operation { ending: Ending::Info, ..operation.clone() };
            let input = if operation.ending == Ending::Fail { model.input(&asked) } else { model.input(operation) };
            let Ok(input) = input else { continue };
            let Some(access) = model.access(&input) else { continue };
            if let Some(value) = access.produced().cloned() {
                if operation.ending == Ending::Fail {
                    values.failed.entry(value).or_insert(operation);
                } else {
                    values.written.entry(value).or_default().push(operation);
                    let end = operation.completed.filter(|_| operation.ending == Ending::Ok);
                    values.first_write_ended = [values.first_write_ended, end].into_iter().flatten().min();
                }
            }
            if let (Ending::Ok, Some(value)) = (operation.ending, access.observed()) {
                values.seen.push((value.clone(), operation));
            }
        }
        values
    }

    /// Values that were seen, and that no operation can have written.
    fn unwritten(&self) -> Vec<String> {
        let mut told = FxHashSet::default();
        let unwritten =
            self.seen.iter().filter(|(value, _)| value != self.initial && !self.written.contains_key(value));
        unwritten
            .filter(|(value, _)| told.insert(value))
            .map(|(value, saw)| {
                let who = format!("process {} saw {value} (event {})", saw.process, saw.invoked);
                if let Some(failed) = self.failed.get(value) {
                    return format!(
                        "{who}, which only an operation that failed wrote (process {}, event {}): the client reported \
                         failure, the write took effect: is a timeout mapped to fail?",
                        failed.process, failed.invoked
                    );
                }
                if self.first_write_ended.is_none_or(|ended| saw.invoked <= ended) {
                    return format!(
                        "{who} before any write was over, and nobody wrote it, but the model begins with {}: is the \
                         initial value another one (init={value})?",
                        self.initial
                    );
                }
                format!("{who}, which nobody wrote: are operations missing from the history?")
            })
            .collect()
    }

    /// A value of the counterexample that several operations wrote.
    fn twice(&self, counterexample: &Counterexample) -> Option<String> {
        let rows = counterexample.core.as_ref().map_or(&counterexample.operations, |core| &core.operations);
        let shown: BTreeSet<(u64, u64)> = rows.iter().map(|it| (it.process, it.invoked)).collect();
        let seen = self.seen.iter().filter(|(_, saw)| shown.contains(&(saw.process, saw.invoked)));
        let (value, writers) = seen
            .filter_map(|(value, _)| Some((value, self.written.get(value)?)))
            .find(|(value, writers)| writers.len() > 1 || *value == self.initial)?;
        let events: Vec<String> = writers.iter().take(NAMED).map(|it| it.invoked.to_string()).collect();
        let also = if value == self.initial { " and was there at the beginning" } else { "" };
        Some(format!(
            "{value} was written {} times (events {}{}){also}: where each write has a value of its own, a violation says \
             more, and is found faster",
            writers.len(),
            events.join(", "),
            if writers.len() > NAMED { ", …" } else { "" }
        ))
    }
}

/// Whether the recorded times contradict the recorded order.
fn out_of_order(operations: &[&Operation]) -> Option<String> {
    let mut times: Vec<(u64, u64)> = operations
        .iter()
        .flat_map(|it| [Some(it.invoked).zip(it.invoked_at), it.completed.zip(it.completed_at)])
        .flatten()
        .collect();
    times.sort_unstable();
    let back = times.windows(2).find(|pair| pair[0].0 < pair[1].0 && pair[1].1 < pair[0].1)?;
    Some(format!(
        "the time of event {} is before that of event {}: events are taken in the order of the file, is that the order \
         in which they happened?",
        back[1].0, back[0].0
    ))
}

/// Keys that nobody read after the last fault, where there were faults: what was lost there is not seen.
pub(crate) fn of_history(history: &History) -> Option<String> {
    let is_fault = |process: &Process, f: &str| matches!(process, Process::Named(_)) && f != "final";
    let healed = history.events.iter().rev().find(|event| is_fault(&event.process, &event.f))?.index;
    let mut read_since: BTreeMap<String, bool> = BTreeMap::new();
    for operation in history.operations().ok()? {
        let Some(key) = operation.key else { continue };
        let read = matches!(&*operation.f, "read" | "get") && operation.ending == Ending::Ok;
        *read_since.entry(key.to_string()).or_default() |= read && operation.invoked > healed;
    }
    let unread: Vec<&str> = read_since.iter().filter(|(_, read)| !**read).map(|(key, _)| key.as_str()).collect();
    let more = if unread.len() > NAMED { format!(" and {} more", unread.len() - NAMED) } else { String::new() };
    (!unread.is_empty()).then(|| {
        let named = unread[..unread.len().min(NAMED)].join(", ");
        format!("nobody read {named}{more} after the last fault (event {healed}): what was lost there is not seen")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Unlimited;
    use crate::formats::read_bytes;
    use crate::linearizability::{Options, check};
    use crate::models::ModelSpec;

    /// The hints for a history of `process type f value` words, one event each.
    fn hints(model: &str, events: &[&str]) -> Vec<String> {
        let lines: Vec<String> = events
            .iter()
            .enumerate()
            .map(|(index, event)| {
                let [process, kind, f, value] = event.splitn(4, ' ').collect::<Vec<_>>()[..] else {
                    panic!("four words: {event}");
                };
                let process = if process == "nemesis" { "\"nemesis\"" } else { process };
                format!(
                    "{{\"index\":{index},\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"key\":\"x\",\"value\":{value}}}\n"
                )
            })
            .collect();
        let history = read_bytes(lines.concat().as_bytes(), "test").unwrap();
        let model = ModelSpec::parse(model, &BTreeMap::new()).unwrap();
        check(&history, &model, &Options::default(), &Unlimited).unwrap().suspects
    }

    #[test]
    fn a_failed_write_that_was_read() {
        let events = ["1 invoke write 5", "1 fail write 5", "2 invoke read null", "2 ok read 5"];
        let hints = hints("register", &events);
        assert_eq!(hints.len(), 1, "{hints:?}");
        assert!(
            hints[0].starts_with("process 2 saw 5 (event 2), which only an operation that failed wrote"),
            "{hints:?}"
        );
        assert!(hints[0].ends_with("is a timeout mapped to fail?"), "{hints:?}");
    }

    #[test]
    fn another_initial_value() {
        let hints = hints("register", &["2 invoke read null", "2 ok read 0", "1 invoke write 5", "1 ok write 5"]);
        assert!(hints[0].contains("(init=0)"), "{hints:?}");
    }

    #[test]
    fn a_value_that_nobody_wrote() {
        let hints = hints("register", &["1 invoke write 5", "1 ok write 5", "2 invoke read null", "2 ok read 6"]);
        assert_eq!(hints, ["process 2 saw 6 (event 2), which nobody wrote: are operations missing from the history?"]);
    }

    #[test]
    fn a_value_that_two_wrote_and_a_key_that_nobody_read_again() {
        let mut events = vec![];
        for value in ["4", "4", "5"] {
            events.extend([format!("1 invoke write {value}"), format!("1 ok write {value}")]);
        }
        events.extend(["2 invoke read null".to_owned(), "2 ok read 4".to_owned(), "nemesis info cut null".to_owned()]);
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let hints = hints("register", &events);
        assert_eq!(hints.len(), 2, "{hints:?}");
        assert!(hints[0].starts_with("4 was written 2 times (events 0, 2)"), "{hints:?}");
        assert!(hints[1].starts_with("nobody read \"x\" after the last fault (event 8)"), "{hints:?}");
    }

    #[test]
    fn a_violation_without_suspects_has_none() {
        let events = ["1 invoke write 5", "1 ok write 5", "2 invoke read null", "2 ok read null"];
        assert_eq!(hints("register", &events), Vec::<String>::new());
    }
}
