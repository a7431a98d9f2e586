//! The times of a plan: read, cut, drawn together, rounded. Pure.

use std::collections::BTreeSet;
use std::time::Duration;

use schism_nodes::config::parse_time;

use crate::plan::{Entry, Plan};
use crate::sim::shrink::written::text;

/// What is too short to be worth shortening.
pub(super) const SHORT: Duration = Duration::from_millis(1);

/// When an entry starts, if that is at a time.
pub(super) fn start(entry: &Entry) -> Option<Duration> {
    entry.at.as_deref().and_then(parse_time)
}

/// How long an entry stays in force, if that is said.
pub(super) fn length(entry: &Entry) -> Option<Duration> {
    entry.duration.as_deref().and_then(parse_time)
}

/// When entries start, without doubles, in order.
pub(super) fn starts(plan: &Plan) -> Vec<Duration> {
    plan.entries.iter().filter_map(start).collect::<BTreeSet<_>>().into_iter().collect()
}

/// When the last thing of the plan is over that it says the time of.
pub(super) fn end(plan: &Plan) -> Duration {
    let ends = plan.entries.iter().filter_map(|entry| Some(start(entry)? + length(entry).unwrap_or_default()));
    ends.max().unwrap_or_default()
}

/// The entries that start by a time.
pub(super) fn until(plan: &Plan, time: Duration) -> Vec<Entry> {
    plan.entries.iter().filter(|entry| start(entry).is_none_or(|start| start <= time)).cloned().collect()
}

/// The distances between one start and the next; the first is from the beginning.
pub(super) fn gaps(plan: &Plan) -> Vec<Duration> {
    let starts = starts(plan);
    let before = std::iter::once(Duration::ZERO).chain(starts.iter().copied());
    starts.iter().zip(before).map(|(start, before)| start.saturating_sub(before)).collect()
}

/// The plan with other distances between its starts, as many as it has.
pub(super) fn with_gaps(plan: &Plan, gaps: &[Duration]) -> Plan {
    let starts = starts(plan);
    let moved: Vec<Duration> = gaps
        .iter()
        .scan(Duration::ZERO, |sum, gap| {
            *sum += *gap;
            Some(*sum)
        })
        .collect();
    let entry = |entry: &Entry| {
        let place = start(entry).and_then(|start| starts.binary_search(&start).ok());
        let at = place.map_or_else(|| entry.at.clone(), |place| Some(text(moved[place])));
        Entry { at, ..entry.clone() }
    };
    Plan { entries: plan.entries.iter().map(entry).collect(), ..plan.clone() }
}

/// The time as whole milliseconds, not earlier.
pub(super) fn rounded(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan() -> Plan {
        let entries = json!([
            {"id": 1, "at": "1s", "do": "kill", "on": "n1", "for": "3s"},
            {"id": 2, "at": "2.5s", "do": "pause", "on": "n1", "for": "100ms"},
            {"id": 3, "after": 2, "do": "pause", "on": "n1"},
            {"id": 4, "at": "1s", "do": "pause", "on": "n2"},
        ]);
        Plan { entries: serde_json::from_value(entries).unwrap(), ..Plan::default() }
    }

    #[test]
    fn distances_make_times_again() {
        let plan = plan();
        assert_eq!(gaps(&plan), [Duration::from_secs(1), Duration::from_millis(1500)]);
        assert_eq!(starts(&with_gaps(&plan, &gaps(&plan))), starts(&plan));
        let closer = with_gaps(&plan, &[Duration::ZERO, Duration::from_millis(2)]);
        let at: Vec<Option<&str>> = closer.entries.iter().map(|entry| entry.at.as_deref()).collect();
        assert_eq!(at, [Some("0ms"), Some("2ms"), None, Some("0ms")]);
    }

    #[test]
    fn the_end_is_that_of_what_lasts_longest() {
        assert_eq!(end(&plan()), Duration::from_secs(4));
        assert_eq!(until(&plan(), Duration::from_secs(1)).len(), 3);
        assert_eq!(rounded(Duration::from_nanos(1_000_001)), Duration::from_millis(2));
        assert_eq!(rounded(Duration::from_millis(7)), Duration::from_millis(7));
    }
}
