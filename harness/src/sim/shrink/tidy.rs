//! What makes a plan easier to read and changes nothing that matters: whole milliseconds, workers and entries counted from
//! one, in the order of time. Each may matter all the same, and is tried like everything else.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::plan::target::is_worker;
use crate::plan::{Entry, Plan};
use crate::sim::shrink::times;
use crate::sim::shrink::written::text;

/// Whether a time of an entry is not one of whole milliseconds.
pub(super) fn is_odd(entry: &Entry) -> bool {
    [times::start(entry), times::length(entry)].into_iter().flatten().any(|time| times::rounded(time) != time)
}

/// The plan with whole milliseconds in all entries but those that stay as they are.
pub(super) fn rounded(plan: &Plan, stay: &[u64]) -> Plan {
    let entry = |entry: &Entry| {
        if stay.contains(&entry.id) {
            return entry.clone();
        }
        let whole = |time| text(times::rounded(time));
        let at = times::start(entry).map(whole).or_else(|| entry.at.clone());
        let duration = times::length(entry).map(whole).or_else(|| entry.duration.clone());
        Entry { at, duration, ..entry.clone() }
    };
    Plan { entries: plan.entries.iter().map(entry).collect(), ..plan.clone() }
}

/// The plan with workers c1, c2, … in the order in which they first ask.
pub(super) fn renamed(plan: &Plan) -> Plan {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut entries: Vec<&Entry> = plan.entries.iter().collect();
    entries.sort_by_key(|entry| times::start(entry));
    for entry in entries {
        for name in entry.on.iter().flat_map(|on| on.split([',', '-', '>'])).filter(|name| is_worker(name)) {
            let next = names.len() + 1;
            names.entry(name.to_owned()).or_insert_with(|| format!("c{next}"));
        }
    }
    let renamed = |on: &String| {
        let end = |end: &str| names.get(end).cloned().unwrap_or_else(|| end.to_owned());
        let target = |target: &str| match target.split_once("->") {
            Some((from, to)) => format!("{}->{}", end(from), end(to)),
            None => end(target),
        };
        on.split(',').map(target).collect::<Vec<_>>().join(",")
    };
    let entry = |entry: &Entry| Entry { on: entry.on.as_ref().map(renamed), ..entry.clone() };
    let clients = Some(names.len().max(1));
    Plan { clients, entries: plan.entries.iter().map(entry).collect(), ..plan.clone() }
}

/// The plan with entries 1, 2, … in the order of their times; those without one stay behind the one before them.
pub(super) fn numbered(plan: &Plan) -> Plan {
    let mut last = None;
    let mut entries: Vec<(_, Entry)> = Vec::new();
    for entry in &plan.entries {
        last = times::start(entry).or(last);
        entries.push((last, entry.clone()));
    }
    entries.sort_by_key(|(time, _)| *time);
    let numbers: BTreeMap<u64, u64> = entries.iter().map(|(_, entry)| entry.id).zip(1..).collect();
    let number = |id: u64| numbers.get(&id).copied().unwrap_or(id);
    let entry = |(_, mut entry): (_, Entry)| {
        entry.id = number(entry.id);
        entry.after = entry.after.map(number);
        if let Some(other) = entry.args.get_mut("entry")
            && let Some(id) = other.as_u64()
        {
            *other = Value::from(number(id));
        }
        entry
    };
    Plan { entries: entries.into_iter().map(entry).collect(), ..plan.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_and_workers_count_from_one_in_the_order_of_time() {
        let entries = json!([
            {"id": 9, "at": "2.0000001s", "do": "hold", "on": "n1->n2", "for": "1.5ms"},
            {"id": 4, "after": 9, "do": "deliver", "args": {"entry": 9}},
            {"id": 12, "at": "1s", "do": "request", "on": "c7", "args": {"node": "n1", "f": "read", "key": "x"}},
            {"id": 13, "at": "3s", "do": "partition", "on": "c7->n1,n1->c2"},
        ]);
        let plan = Plan { entries: serde_json::from_value(entries).unwrap(), clients: Some(10), ..Plan::default() };
        let tidied = numbered(&renamed(&rounded(&plan, &[])));
        let expected = json!([
            {"id": 1, "at": "1000ms", "do": "request", "on": "c1", "args": {"node": "n1", "f": "read", "key": "x"}},
            {"id": 2, "at": "2001ms", "do": "hold", "on": "n1->n2", "for": "2ms"},
            {"id": 3, "after": 2, "do": "deliver", "args": {"entry": 2}},
            {"id": 4, "at": "3000ms", "do": "partition", "on": "c1->n1,n1->c2"},
        ]);
        assert_eq!(serde_json::to_value(&tidied.entries).unwrap(), expected);
        assert_eq!(tidied.clients, Some(2));
        assert!(is_odd(&plan.entries[0]) && !is_odd(&plan.entries[1]));
        assert_eq!(rounded(&plan, &[9]).entries[0], plan.entries[0]);
    }
}
