//! Puts what was found for each key together to one property, in words.

use std::fmt;

use serde_json::{Map, Value};

use crate::budget::Exhausted;
use crate::linearizability::Options;
use crate::linearizability::keys::{Counts, Part};
use crate::meter::Meter;
use crate::model::Model;
use crate::verdict::{Counterexample, Outcome, Property};

/// So many keys are named in a summary at most.
const KEYS_NAMED: usize = 10;

/// Which algorithm decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Zones,
    /// One of [`routes`](crate::routes), by its name.
    Special(&'static str),
    Search,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Route::Zones => "zones",
            Route::Special(name) => name,
            Route::Search => "frontier search",
        })
    }
}

/// What is known of one object.
#[derive(Debug)]
pub(super) enum Finding {
    Linearizable,
    Invalid(Counterexample),
    /// The budget ended when so many of its operations had found a place.
    Unknown {
        placed: usize,
    },
    /// Not known, and not needed: another key is invalid.
    Needless,
    /// Not known yet: so many of its operations had found a place when it had to wait for the others.
    Paused {
        placed: usize,
    },
    /// Not known yet: the same when others held the memory.
    Crowded {
        placed: usize,
    },
}

impl Finding {
    /// How many operations had found a place, where the search did not come to its end.
    pub(super) fn placed(&self) -> usize {
        match *self {
            Finding::Unknown { placed } | Finding::Paused { placed } | Finding::Crowded { placed } => placed,
            Finding::Linearizable | Finding::Invalid(_) | Finding::Needless => 0,
        }
    }
}

/// What became of one object.
#[derive(Debug)]
pub(super) struct PartReport {
    pub(super) key: Option<Value>,
    /// How many operations took part.
    pub(super) operations: usize,
    pub(super) route: Route,
    pub(super) finding: Finding,
    pub(super) peak_configurations: usize,
}

impl PartReport {
    /// Before anything is known.
    pub(super) fn begin<I>(part: &Part<'_, I>) -> PartReport {
        PartReport {
            key: part.key.clone(),
            operations: part.calls.len(),
            route: Route::Search,
            finding: Finding::Paused { placed: 0 },
            peak_configurations: 0,
        }
    }
}

/// The property, from the reports in the order of their keys.
pub(super) fn property<M: Model>(
    model: &M,
    options: &Options,
    meter: &Meter<'_>,
    counts: &Counts,
    mut reports: Vec<PartReport>,
) -> Property {
    let name = model.name();
    let invalid = reports.iter().position(|report| matches!(report.finding, Finding::Invalid(_)));
    // What lies behind the smallest invalid key is known or not as chance has it, and must not be told.
    let keys = reports.len();
    reports.truncate(invalid.map_or(keys, |last| last + 1));
    let figures = figures(counts, keys, &reports);
    let base = Property { figures, ..base(options) };
    if invalid.is_some() {
        let broken = reports.pop().expect("the invalid key is the last one that is left");
        let Finding::Invalid(counterexample) = broken.finding else { unreachable!("it was found invalid") };
        let key = broken.key.as_ref().map_or_else(String::new, |key| format!("key {}; ", key_text(key)));
        let route = broken.route.to_string();
        let summary = format!("{name} is not linearizable ({key}{route})");
        let counterexample = Some(counterexample);
        return Property { outcome: Outcome::Invalid, summary, route: Some(route), counterexample, ..base };
    }
    let unknown: Vec<&PartReport> =
        reports.iter().filter(|report| !matches!(report.finding, Finding::Linearizable)).collect();
    if !unknown.is_empty() {
        let summary = unknown_summary(name, meter, &reports, &unknown);
        return Property { outcome: Outcome::Unknown, summary, route: routes(&reports), ..base };
    }
    if counts.refusable == 0 {
        let why = "no operation ended ok with an answer that could have been wrong";
        if options.trivially_valid && counts.ok + counts.failed + counts.crashed > 0 {
            let summary = format!("{name} is trivially linearizable: {why}");
            return Property { outcome: Outcome::Valid, summary, ..base };
        }
        let summary = format!("nothing follows for {name}: {why}");
        return Property { outcome: Outcome::Vacuous, summary, ..base };
    }
    let route = routes(&reports);
    let how = route.as_deref().unwrap_or_default();
    let keys = if keys > 1 { format!("{keys} keys; ") } else { String::new() };
    let summary = format!("{name} is linearizable ({keys}{how})");
    Property { outcome: Outcome::Valid, summary, route, ..base }
}

/// The property where the budget ended before the operations were understood.
pub(super) fn nothing_checked<M: Model>(model: &M, options: &Options, meter: &Meter<'_>) -> Property {
    let summary = format!("{} before the operations of {} were read; no key is settled", ended(meter), model.name());
    Property { outcome: Outcome::Unknown, summary, ..base(options) }
}

fn base(options: &Options) -> Property {
    Property {
        name: "linearizable".to_owned(),
        judged: options.judged,
        outcome: Outcome::Unknown,
        summary: String::new(),
        route: None,
        counterexample: None,
        suspects: Vec::new(),
        figures: Map::new(),
    }
}

fn figures(counts: &Counts, keys: usize, reports: &[PartReport]) -> Map<String, Value> {
    let peak = reports.iter().map(|report| report.peak_configurations).max().unwrap_or(0);
    let figures = [
        ("operations", counts.ok + counts.crashed),
        ("crashed", counts.crashed),
        ("failed", counts.failed),
        ("keys", keys),
        ("peak_configurations", peak),
    ];
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure.into())).collect()
}

/// The routes that were taken, if any was.
fn routes(reports: &[PartReport]) -> Option<String> {
    let mut routes: Vec<String> = Vec::new();
    let searched = |report: &&PartReport| report.route == Route::Search;
    for report in reports.iter().filter(|report| !searched(report)).chain(reports.iter().filter(searched)) {
        let route = report.route.to_string();
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
    (!routes.is_empty()).then(|| routes.join(" and "))
}

fn unknown_summary(name: &str, meter: &Meter<'_>, reports: &[PartReport], unknown: &[&PartReport]) -> String {
    let settled: Vec<&PartReport> =
        reports.iter().filter(|report| matches!(report.finding, Finding::Linearizable)).collect();
    let mut parts = vec![format!("{} before {name} could be judged", ended(meter))];
    if reports.iter().any(|report| report.key.is_some()) {
        let names = named(&settled, |report| report.key.as_ref().map_or_else(|| "none".to_owned(), key_text));
        let names = if names.is_empty() { String::new() } else { format!(": {names}") };
        parts.push(format!("{} of {} keys are linearizable{names}", settled.len(), reports.len()));
    }
    let progress = |report: &PartReport| {
        let key = report.key.as_ref().map_or_else(String::new, |key| format!("key {}: ", key_text(key)));
        match report.finding {
            Finding::Unknown { placed } => {
                let placed = if placed == 0 { "none".to_owned() } else { placed.to_string() };
                let ways = match report.peak_configurations {
                    0 => String::new(),
                    peak => format!(", in up to {peak} ways at a time"),
                };
                format!("{key}{placed} of {} operations placed{ways}", report.operations)
            }
            _ => format!("{key}not begun"),
        }
    };
    parts.push(named(unknown, progress));
    parts.join("; ")
}

/// The first of these in words, and how many more there are.
fn named(reports: &[&PartReport], words: impl Fn(&PartReport) -> String) -> String {
    let mut names: Vec<String> = reports.iter().take(KEYS_NAMED).map(|report| words(report)).collect();
    if reports.len() > KEYS_NAMED {
        names.push(format!("and {} more", reports.len() - KEYS_NAMED));
    }
    names.join(", ")
}

/// Why the budget ended, as the beginning of a sentence.
pub(crate) fn ended(meter: &Meter<'_>) -> &'static str {
    match meter.exhausted() {
        Some(Exhausted::Time) => "the time was up",
        Some(Exhausted::Memory) => "the memory was used up",
        Some(Exhausted::Cancelled) | None => "the check was cancelled",
    }
}

pub(crate) fn key_text(key: &Value) -> String {
    match key {
        Value::String(key) => key.clone(),
        other => other.to_string(),
    }
}
