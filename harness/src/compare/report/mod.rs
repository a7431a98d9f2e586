//! A comparison as people and programs read it: pure functions from `comparison.json` to text.

pub mod csv;
pub mod html;
pub mod markdown;
pub mod terminal;

use schism_checker::verdict::Outcome;

use super::base::{Base, pacelc};
use super::card::{Card, strongest};
use super::measures::{MEASURES, Measure};
use super::statistics::{self, Estimate};
use super::{Compared, Comparison, LEVELS};
use crate::report::words;

/// A row of the table: what it is about, and a cell for each system.
#[derive(Clone, Debug, PartialEq)]
struct Line {
    title: String,
    cells: Vec<String>,
}

/// All rows. With `intervals` a figure stands with the interval around it, where there are runs enough for one.
fn lines(comparison: &Comparison, intervals: bool) -> Vec<Line> {
    let line = |title: &str, cell: &dyn Fn(&Compared) -> String| Line {
        title: title.to_owned(),
        cells: comparison.systems.iter().map(cell).collect(),
    };
    let mut lines = vec![
        line("verdict", &|system| system.outcome().map_or_else(none, |outcome| words::outcome(outcome).to_owned())),
        line("violating seeds", &violating),
        line("strongest level kept", &kept),
    ];
    for level in ["regular", "read-your-writes", "monotonic-reads"] {
        lines.push(line(level, &|system| system.level(level).map_or_else(none, |it| words::outcome(it).to_owned())));
    }
    for (place, shape) in shapes(comparison).into_iter().enumerate() {
        let card = |system: &Compared| system.cards.iter().find(|card| card.shape == shape).cloned();
        let title = format!("card, {shape}");
        lines.insert(3 + place, line(&title, &|system| card(system).map_or_else(none, |card| card.class.to_string())));
    }
    for measure in MEASURES {
        let estimates = comparison.systems.iter().map(|system| comparison.estimate(system, measure.name));
        let estimates: Vec<Option<Estimate>> = estimates.collect();
        if estimates.iter().any(Option::is_some) {
            let cell = |estimate: Option<Estimate>| estimate.map_or_else(none, |it| shown(measure, it, intervals));
            lines.push(Line { title: measure.title.to_owned(), cells: estimates.into_iter().map(cell).collect() });
        }
    }
    lines
}

fn none() -> String {
    "-".to_owned()
}

/// `312.0 ms`, or `312.0 ms (298.0 ms to 330.0 ms)`.
fn shown(measure: Measure, estimate: Estimate, intervals: bool) -> String {
    let [value, low, high] = [estimate.value, estimate.low, estimate.high].map(|figure| measure.unit.shown(figure));
    if intervals && low != high { format!("{value} ({low} to {high})") } else { value }
}

/// `1 of 2 (9 to 91 %): 3`.
fn violating(system: &Compared) -> String {
    let seeds = system.violating();
    let Some(share) = statistics::share(seeds.len(), system.runs.len()) else { return none() };
    let counted =
        format!("{} of {} ({:.0} to {:.0} %)", seeds.len(), system.runs.len(), 100.0 * share.low, 100.0 * share.high);
    let named: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    if named.is_empty() { counted } else { format!("{counted}: {}", named.join(", ")) }
}

/// The strongest level that all runs have kept.
fn kept(system: &Compared) -> String {
    let levels = LEVELS.iter().filter_map(|level| Some(((*level).to_owned(), system.level(level)?))).collect();
    let unknown = LEVELS.iter().any(|level| system.level(level) == Some(Outcome::Unknown));
    match strongest(&levels) {
        Some(level) => level.to_owned(),
        None if unknown => "unknown".to_owned(),
        None => "none".to_owned(),
    }
}

/// The shapes for which there is a card, in the order in which they were asked for.
fn shapes(comparison: &Comparison) -> Vec<String> {
    let mut shapes: Vec<String> = Vec::new();
    for card in comparison.systems.iter().flat_map(|system| &system.cards) {
        if !shapes.contains(&card.shape) {
            shapes.push(card.shape.clone());
        }
    }
    shapes
}

/// A card in words: its cells, and what it comes to in the words of BASE and PACELC.
fn told(comparison: &Comparison, card: &Card) -> Vec<String> {
    let base = card.base.as_ref().map(Base::told);
    let rate = card.rate.map(|rate| format!("asked for {rate} operations a second"));
    rate.into_iter().chain(cells(card)).chain(base).chain(pacelc(comparison, card)).collect()
}

/// Each cell of a card in words: `majority: write 100.0 % of 1,391 (99.7 to 100.0 %), first after 312 ms`.
fn cells(card: &Card) -> Vec<String> {
    let cell = |cell: &super::card::Cell| {
        let share = cell.share().map_or_else(none, |share| {
            let [value, low, high] = [share.value, share.low, share.high].map(|part| 100.0 * part);
            format!("{value:.1} % of {} ({low:.1} to {high:.1} %)", words::thousands(cell.of))
        });
        let first = match cell.detect_ms {
            None => ", never answered".to_owned(),
            Some(0.0) => String::new(),
            Some(ms) => format!(", first after {ms:.0} ms"),
        };
        let thin = if cell.is_thin() { ", too few to tell" } else { "" };
        format!("{}: {} {share}{first}{thin}", cell.side.as_str(), words::printable(&cell.kind))
    };
    card.cells.iter().map(cell).collect()
}

/// What is said below the table, in sentences.
fn remarks(comparison: &Comparison) -> Vec<String> {
    let mut remarks = comparison.doubts();
    for system in &comparison.systems {
        for run in &system.runs {
            if let Some(failure) = &run.harness_failure {
                remarks.push(format!("{}, seed {}: the harness failed: {failure}", system.system, run.seed));
            }
        }
        for card in &system.cards {
            remarks.push(format!("{}, cut by {}: {}", system.system, card.shape, card.because));
        }
    }
    remarks
}
