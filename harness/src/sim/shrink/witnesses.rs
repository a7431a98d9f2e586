//! From the operations of a counterexample to the entries of the plan that made them.

use std::collections::BTreeSet;
use std::time::Duration;

use schism_checker::history::{Event, History};
use schism_checker::verdict::Counterexample;
use serde_json::Value;

use crate::plan::{Entry, Plan};
use crate::sim::shrink::times;
use crate::sim::weather::{Spread, Weather};

/// The ids of the entries that made the operations of a counterexample; the final reads have none.
pub(super) fn entries(plan: &Plan, history: &History, counterexample: &Counterexample) -> BTreeSet<u64> {
    let core = counterexample.core.iter().flat_map(|core| &core.operations);
    let indices: BTreeSet<u64> = counterexample.operations.iter().chain(core).map(|witness| witness.invoked).collect();
    let invoked = history.events.iter().filter(|event| indices.contains(&event.index));
    invoked.filter_map(|event| made_by(plan, event)).collect()
}

/// The last entry that asks for this, by the time at which it was asked.
fn made_by(plan: &Plan, event: &Event) -> Option<u64> {
    let time = Duration::from_nanos(event.time?);
    let asks = |entry: &&Entry| {
        let arg = |name: &str| entry.args.get(name);
        entry.action == "request"
            && arg("f").and_then(Value::as_str) == Some(&event.f)
            && arg("key") == event.key.as_ref()
            && arg("value").unwrap_or(&Value::Null) == &event.value
            && arg("node").and_then(Value::as_str) == event.node.as_deref()
    };
    let before = plan.entries.iter().filter(asks).filter_map(|entry| Some((times::start(entry)?, entry.id)));
    before.filter(|(start, _)| *start <= time).max().map(|(_, id)| id)
}

/// The same weather with many more slow messages and syncs, where there were some.
pub(super) fn rougher(weather: Weather) -> Weather {
    let rougher = |spread: Spread| Spread { slow_per_mille: spread.slow_per_mille.min(1) * 300, ..spread };
    Weather { delay: rougher(weather.delay), sync: rougher(weather.sync), ..weather }
}

#[cfg(test)]
mod tests {
    use schism_checker::history::{EventKind, Process};
    use serde_json::{Map, json};

    use super::*;

    fn event(time: u64, f: &str, value: Value) -> Event {
        Event {
            index: 0,
            time: Some(time),
            process: Process::Client(0),
            kind: EventKind::Invoke,
            f: f.into(),
            key: Some("x".into()),
            value,
            node: Some("n1".into()),
            extra: Map::new(),
        }
    }

    #[test]
    fn an_operation_was_made_by_the_last_entry_before_it_that_asks_the_same() {
        let ask = |id: u64, at: &str, f: &str, value: Value| {
            let mut args = json!({"node": "n1", "f": f, "key": "x"});
            if !value.is_null() {
                args["value"] = value;
            }
            json!({"id": id, "at": at, "do": "request", "on": "c1", "args": args})
        };
        let entries = json!([
            ask(1, "1ms", "read", Value::Null),
            ask(2, "2ms", "write", json!(5)),
            ask(3, "3ms", "read", Value::Null),
            ask(4, "9ms", "read", Value::Null),
        ]);
        let plan = Plan { entries: serde_json::from_value(entries).unwrap(), ..Plan::default() };
        assert_eq!(made_by(&plan, &event(4_000_000, "read", Value::Null)), Some(3));
        assert_eq!(made_by(&plan, &event(2_000_000, "write", json!(5))), Some(2));
        assert_eq!(made_by(&plan, &event(2_000_000, "write", json!(6))), None);
        assert_eq!(made_by(&plan, &event(0, "read", Value::Null)), None);
    }

    #[test]
    fn rough_weather_has_slow_messages_only_where_calm_has_some() {
        assert_eq!(rougher(Weather::CALM), Weather::CALM);
        let some = Spread { slow_per_mille: 5, slow_us: 9_000, ..Spread::even(1, 2) };
        assert_eq!(rougher(Weather { delay: some, ..Weather::CALM }).delay.slow_per_mille, 300);
    }
}
