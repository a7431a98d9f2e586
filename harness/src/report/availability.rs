//! Availability and latency as rows of text, for the page and the terminal.

use std::time::Duration;

use crate::measure::{Availability, Met, Outage, Row};
use crate::report::words;

/// What heads the columns of [`rows`].
pub const HEADS: [&str; 11] =
    ["phase", "side", "kind", "issued", "ok", "fail", "info", "in 0.1 s", "in 1 s", "in 5 s", "p50 / p99 / max"];

/// What heads the columns of [`outages`].
pub const OUTAGE_HEADS: [&str; 5] = ["fault", "side", "first write", "unavailable", "back after"];

/// A row of text for each row.
pub fn rows(availability: &Availability) -> Vec<Vec<String>> {
    availability.rows.iter().map(row).collect()
}

fn row(row: &Row) -> Vec<String> {
    let endings = row.endings;
    let counts = [endings.ok + endings.fail + endings.info, endings.ok, endings.fail, endings.info];
    let latency = [row.latency_us.p50, row.latency_us.p99, row.latency_us.max].map(words::latency);
    let latency = if row.latency_us.count == 0 { "-".to_owned() } else { latency.join(" / ") };
    let names = [row.phase.as_str().to_owned(), row.side.as_str().to_owned(), words::printable(&row.kind)];
    let names = names.into_iter().chain(counts.map(words::thousands));
    names.chain(row.deadlines.iter().map(|met| share(*met))).chain([latency]).collect()
}

/// `99.2 %`, or `-` where nothing had so much time.
fn share(met: Met) -> String {
    met.share().map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

/// A row of text for each kind of fault on each side: the median and the longest of its outages.
pub fn outages(availability: &Availability) -> Vec<Vec<String>> {
    let mut groups: std::collections::BTreeMap<_, Vec<&Outage>> = std::collections::BTreeMap::new();
    for outage in &availability.outages {
        groups.entry((&outage.kind, outage.side)).or_default().push(outage);
    }
    let line = |((kind, side), outages): ((&String, crate::measure::Side), Vec<&Outage>)| {
        let unavailable: Vec<&Outage> = outages.iter().copied().filter(|outage| outage.unavailable_ms > 0.0).collect();
        vec![
            format!("{} {}", outages.len(), words::printable(kind)),
            side.as_str().to_owned(),
            spread(outages.iter().map(|outage| outage.detect_ms)),
            spread(outages.iter().map(|outage| Some(outage.unavailable_ms))),
            spread(unavailable.iter().map(|outage| outage.recover_ms)),
        ]
    };
    groups.into_iter().map(line).collect()
}

/// `120 ms, at most 450 ms, 2 never`.
fn spread(times: impl Iterator<Item = Option<f64>>) -> String {
    let times: Vec<Option<f64>> = times.collect();
    let mut known: Vec<f64> = times.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let never = times.len() - known.len();
    let never = (never > 0).then(|| format!("{never} never"));
    let told = match (known.get(known.len() / 2), known.last()) {
        (Some(median), Some(longest)) if known.len() > 1 => {
            vec![milliseconds(*median), format!("at most {}", milliseconds(*longest))]
        }
        (Some(only), _) => vec![milliseconds(*only)],
        (None, _) => Vec::new(),
    };
    let told: Vec<String> = told.into_iter().chain(never).collect();
    if told.is_empty() { "-".to_owned() } else { told.join(", ") }
}

fn milliseconds(milliseconds: f64) -> String {
    let time = Duration::try_from_secs_f64(milliseconds / 1_000.0).unwrap_or_default();
    words::latency(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_the_median_the_longest_and_those_that_never_came() {
        assert_eq!(spread([Some(120.0)].into_iter()), "120.0 ms");
        assert_eq!(
            spread([Some(120.0), None, Some(450.0), Some(100.0)].into_iter()),
            "120.0 ms, at most 450.0 ms, 1 never"
        );
        assert_eq!(spread([None, None].into_iter()), "2 never");
        assert_eq!(spread(std::iter::empty()), "-");
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(share(Met { ms: 100, ok: 0, of: 0 }), "-");
        assert_eq!(share(Met { ms: 100, ok: 1, of: 8 }), "12.5 %");
    }
}
