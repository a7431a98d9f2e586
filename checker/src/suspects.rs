//! The usual suspects: what often lies behind a violation, as hints for a person. The verdict does not depend on them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::history::{Ending, Operation, PairedHistory, SharedValue};
use crate::model::{Access, Action, Model};
use crate::verdict::Counterexample;

/// So many hints of each kind are given, and so many keys named in one.
const NAMED: usize = 3;

/// What may lie behind a violation of the object that `counterexample` names, a sentence each; often nothing. Only values that
/// operations of the counterexample saw are looked at.
pub(crate) fn of_object<M: Model>(operations: &[Operation], model: &M, counterexample: &Counterexample) -> Vec<String> {
    let of_key = |operation: &&Operation| {
        operation.key.as_deref().filter(|_| model.partitions_by_key()) == counterexample.key.as_ref()
    };
    let mut operations: Vec<&Operation> = operations.iter().filter(of_key).collect();
    // They are, unless a caller made them.
    operations.sort_by_key(|operation| operation.invoked);
    let mut hints = Vec::new();
    let initial = model.register_initial();
    let mut seen = seen(&operations, model, counterexample);
    let first_write_ended = add_writers(&mut seen, &operations, model);
    hints.extend(seen.values.iter().filter_map(|value| value.unwritten(initial, first_write_ended)).take(NAMED));
    if let Some(initial) = initial {
        hints.extend(seen.values.iter().find_map(|value| value.twice(initial)));
    }
    hints.extend(went_on(&operations));
    hints.extend(out_of_order(&operations));
    hints
}

/// The values that operations of a counterexample saw, in the order in which they are shown.
#[derive(Default)]
struct AllSeen<'a> {
    values: Vec<Seen<'a>>,
    place_of: FxHashMap<Value, usize>,
}

/// A value that an operation of the counterexample saw.
struct Seen<'a> {
    value: Value,
    by: &'a Operation,
    /// The operations that may have written it.
    writers: Vec<&'a Operation>,
    /// An operation that failed to write it.
    failed: Option<&'a Operation>,
}

fn seen<'a, M: Model>(operations: &[&'a Operation], model: &M, counterexample: &Counterexample) -> AllSeen<'a> {
    let core = counterexample.core.iter().flat_map(|core| &core.operations);
    let shown: FxHashSet<(u64, u64)> =
        counterexample.operations.iter().chain(core).map(|it| (it.process, it.invoked)).collect();
    let mut all = AllSeen::default();
    for &by in operations.iter().filter(|it| it.ending == Ending::Ok && shown.contains(&(it.process, it.invoked))) {
        let Ok(input) = model.input(by) else { continue };
        let found = model.action(&input).map(Action::observed).unwrap_or_default();
        for value in model.access(&input).and_then(Access::observed).into_iter().chain(found) {
            if !all.place_of.contains_key(value) {
                all.place_of.insert(value.clone(), all.values.len());
                all.values.push(Seen { value: value.clone(), by, writers: Vec::new(), failed: None });
            }
        }
    }
    all
}

/// Notes who wrote each value, and returns the index at which the first write of any value was over.
fn add_writers<'a, M: Model>(seen: &mut AllSeen<'a>, operations: &[&'a Operation], model: &M) -> Option<u64> {
    let mut first_write_ended: Option<u64> = None;
    // Where nothing was seen, as of a lock, nobody is looked for who put it there.
    let operations = if seen.values.is_empty() { &[] } else { operations };
    for &operation in operations {
        let failed = operation.ending == Ending::Fail;
        // A model is never asked about what failed; what it would have written is what it may have written.
        let asked = failed.then(|| Operation { ending: Ending::Info, ..operation.clone() });
        let Ok(input) = model.input(asked.as_ref().unwrap_or(operation)) else { continue };
        let put_in = || model.action(&input).and_then(Action::produced);
        let Some(value) = model.access(&input).and_then(Access::produced).or_else(put_in) else { continue };
        if operation.ending == Ending::Ok {
            first_write_ended = [first_write_ended, operation.completed].into_iter().flatten().min();
        }
        if let Some(&place) = seen.place_of.get(value) {
            let seen = &mut seen.values[place];
            if failed {
                seen.failed.get_or_insert(operation);
            } else {
                seen.writers.push(operation);
            }
        }
    }
    first_write_ended
}

impl Seen<'_> {
    /// No operation can have written it.
    fn unwritten(&self, initial: Option<&Value>, first_write_ended: Option<u64>) -> Option<String> {
        let Seen { value, by, writers, failed } = self;
        if initial == Some(value) || !writers.is_empty() {
            return None;
        }
        let who = format!("process {} saw {value} (event {})", by.process, by.invoked);
        if let Some(failed) = failed {
            return Some(format!(
                "{who}, which only an operation that failed wrote (process {}, event {}): the client reported failure, \
                 the write took effect: is a timeout mapped to fail?",
                failed.process, failed.invoked
            ));
        }
        if let Some(initial) = initial.filter(|_| first_write_ended.is_none_or(|ended| by.invoked <= ended)) {
            return Some(format!(
                "{who} before any write was over, and nobody wrote it, but the model begins with {initial}: is the \
                 initial value another one (init={value})?"
            ));
        }
        Some(format!("{who}, which nobody wrote: are operations missing from the history?"))
    }

    /// Several operations wrote it.
    fn twice(&self, initial: &Value) -> Option<String> {
        let Seen { value, writers, .. } = self;
        let also = if value == initial { ", and was there at the beginning" } else { "" };
        let times = match writers.len() {
            0 => return None,
            1 if also.is_empty() => return None,
            1 => "once".to_owned(),
            times => format!("{times} times"),
        };
        let events: Vec<String> = writers.iter().take(NAMED).map(|it| it.invoked.to_string()).collect();
        let more = if writers.len() > NAMED { ", …" } else { "" };
        Some(format!(
            "{value} was written {times} (events {}{more}){also}: where each write has a value of its own, a violation \
             says more, and is found faster",
            events.join(", ")
        ))
    }
}

/// A process that did something else while nobody knew what had become of its last operation.
fn went_on(operations: &[&Operation]) -> Option<String> {
    let mut unknown: FxHashMap<u64, u64> = FxHashMap::default();
    operations.iter().find_map(|operation| {
        let Operation { process, invoked, .. } = **operation;
        if let Some(before) = unknown.get(&process) {
            return Some(format!(
                "process {process} went on (event {invoked}) after an operation whose end nobody knows (event {before}): are two \
                 clients recorded as one process, or is a timeout missing?"
            ));
        }
        if operation.ending == Ending::Info {
            unknown.insert(process, invoked);
        }
        None
    })
}

/// Whether the recorded times contradict the recorded order. `operations` are in the order of their invocations.
fn out_of_order(operations: &[&Operation]) -> Option<String> {
    // The next completions, by their places in the history: only those that are open at the same time are sorted.
    let mut open: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut latest = None;
    for operation in operations {
        while let Some(completion) = open.peek().filter(|completion| completion.0.0 < operation.invoked).copied() {
            open.pop();
            if let Some(hint) = goes_back(&mut latest, completion.0) {
                return Some(hint);
            }
        }
        let invocation = operation.invoked_at.map(|time| (operation.invoked, time));
        if let Some(hint) = invocation.and_then(|invocation| goes_back(&mut latest, invocation)) {
            return Some(hint);
        }
        open.extend(operation.completed.zip(operation.completed_at).map(Reverse));
    }
    std::iter::from_fn(|| open.pop()).find_map(|Reverse(completion)| goes_back(&mut latest, completion))
}

/// What there is to say if the time of this event is before that of the last one, each with its index.
fn goes_back(latest: &mut Option<(u64, u64)>, event: (u64, u64)) -> Option<String> {
    let (index, time) = event;
    let (before, _) = latest.replace(event).filter(|latest| time < latest.1)?;
    Some(format!(
        "the time of event {index} is before that of event {before}: events are taken in the order of the file, is that \
         the order in which they happened?"
    ))
}

/// Keys that nobody read after the last fault, where there were faults: what was lost there is not seen.
pub(crate) fn of_history(history: &PairedHistory) -> Option<String> {
    let healed = history.last_fault?;
    let is_read = |it: &&Operation| matches!(&*it.f, "read" | "get") && it.ending == Ending::Ok;
    let since = history.operations.iter().filter(|it| it.invoked > healed);
    let read: FxHashSet<&SharedValue> = since.filter(is_read).filter_map(|it| it.key.as_ref()).collect();
    let keys: FxHashSet<&SharedValue> = history.operations.iter().filter_map(|it| it.key.as_ref()).collect();
    let unread: BTreeSet<String> = keys.difference(&read).map(ToString::to_string).collect();
    let more = if unread.len() > NAMED { format!(" and {} more", unread.len() - NAMED) } else { String::new() };
    (!unread.is_empty()).then(|| {
        let named = unread.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        format!("nobody read {named}{more} after the last fault (event {healed}): what was lost there is not seen")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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

    #[test]
    fn what_a_failed_operation_put_in_was_taken_out() {
        let events = ["1 invoke enqueue 5", "1 fail enqueue 5", "2 invoke dequeue null", "2 ok dequeue 5"];
        let hints = hints("fifo-queue", &events);
        let expected = "process 2 saw 5 (event 2), which only an operation that failed wrote (process 1, event 0)";
        assert!(hints.len() == 1 && hints[0].starts_with(expected), "{hints:?}");
    }

    #[test]
    fn a_process_that_went_on_after_an_unknown_end() {
        let mut events = vec!["1 invoke write 5", "1 info write 5", "2 invoke write 6", "2 ok write 6"];
        events.extend(["2 invoke read null", "2 ok read null", "1 invoke read null", "1 ok read 6"]);
        let hints = hints("register", &events);
        assert!(
            hints[0].starts_with("process 1 went on (event 6) after an operation whose end nobody knows (event 0)")
        );
    }
}
