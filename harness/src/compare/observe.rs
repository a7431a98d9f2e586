//! What a run showed, from what its folder holds.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::budget::Budget;
use schism_checker::formats::{self, ReadError};
use schism_checker::history::History;
use schism_checker::verdict::Outcome;
use serde_json::Value;

use super::Ran;
use crate::claims::evidence::Evidence;
use crate::folder::{FolderError, RunFile, RunFolder, file};
use crate::judge;
use crate::measure::{self, Availability, Outage, Phase, Row, Side};
use crate::verdict::Verdict;

/// The levels of consistency that are told apart, the strongest first.
pub const LEVELS: [&str; 9] = [
    "linearizable",
    "sequential",
    "causal-convergence",
    "causal",
    "regular",
    "read-your-writes",
    "monotonic-reads",
    "monotonic-writes",
    "writes-follow-reads",
];

/// The place in a row's deadlines of one second, the deadline of operations where nobody says another.
const ONE_SECOND: usize = 1;

/// A run folder of which nothing can be seen.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// What was run, or what came of it.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// What clients saw.
    #[error(transparent)]
    History(#[from] ReadError),
}

/// What a run showed, and what it was. `budget` is for levels that the run itself has not judged; one that it does not suffice for is
/// `unknown`.
pub fn observe(folder: &RunFolder, budget: &dyn Budget) -> Result<(RunFile, Ran), ObserveError> {
    let (run, verdict) = (folder.run_file()?, folder.verdict()?);
    let history = formats::read_path(&folder.file(file::HISTORY))?;
    let (lost, resurrected) = (judge::lost_writes(&history), judge::resurrected_writes(&history));
    let slow = measure::slow(&history);
    let nodes = run.options.nodes;
    let evidence = Evidence { history, notes: Vec::new(), verdict, nodes };
    let levels = levels(&evidence, budget);
    let mut figures = figures(&evidence.verdict);
    insert(&mut figures, "lost_writes", lost.map(float));
    insert(&mut figures, "resurrected_writes", resurrected.map(float));
    for (kind, pace) in slow {
        insert(&mut figures, &format!("{kind}_slow_p99_ms"), Some(pace.p99_ms));
    }
    insert(&mut figures, "stale_per_1000", stale_share(&evidence.verdict, &evidence.history));
    let Verdict { run: id, seed, outcome, harness_failure, .. } = evidence.verdict;
    Ok((run, Ran { run: id, seed, outcome, harness_failure, levels, figures }))
}

/// What became of each level. What is linearizable is all of the others.
fn levels(evidence: &Evidence, budget: &dyn Budget) -> BTreeMap<String, Outcome> {
    let linearizable = evidence.outcome(LEVELS[0], budget);
    let outcome = |level: &&str| match linearizable {
        Outcome::Valid => Some(Outcome::Valid),
        _ => evidence.property(level, budget).map(|property| property.outcome),
    };
    LEVELS.iter().filter_map(|level| Some(((*level).to_owned(), outcome(level)?))).collect()
}

/// The figures that the verdict says.
fn figures(verdict: &Verdict) -> BTreeMap<String, f64> {
    let mut figures = BTreeMap::new();
    let coverage = &verdict.coverage;
    let total = coverage.total();
    for (name, count) in [("ok", total.ok), ("fail", total.fail), ("info", total.info)] {
        insert(&mut figures, name, Some(float(count)));
    }
    let operations = float(total.ok + total.info);
    let each = |parts: u64| (operations > 0.0).then(|| float(parts) / operations);
    insert(&mut figures, "messages_per_op", each(coverage.traffic.sent));
    insert(&mut figures, "bytes_per_op", each(coverage.traffic.bytes));
    insert(&mut figures, "syncs_per_op", coverage.syncs.and_then(each));
    let all = float(total.ok + total.fail + total.info);
    insert(&mut figures, "rate_per_s", (coverage.seconds > 0.0).then(|| all / coverage.seconds));
    insert(&mut figures, "lag_ms", Some(coverage.strain.scheduler_lag_ms_max));
    insert(&mut figures, "faults", Some(float(coverage.faults.values().map(|count| count.proved).sum())));
    for (kind, latency) in &coverage.latency_us {
        insert(&mut figures, &format!("{kind}_p50_ms"), Some(float(latency.p50) / 1e3));
        insert(&mut figures, &format!("{kind}_p99_ms"), Some(float(latency.p99) / 1e3));
    }
    // Of a linearizable history these are not measured, since they are nothing.
    let fresh = verdict.properties.iter().any(|it| it.name == LEVELS[0] && it.outcome == Outcome::Valid).then_some(0.0);
    insert(&mut figures, "versions_behind", figure(verdict, "k-atomic", &["versions_behind", "max"]).or(fresh));
    insert(&mut figures, "stale_ms_p99", figure(verdict, "staleness", &["stale_ms", "p99"]).or(fresh));
    insert(&mut figures, "stale_ms_max", figure(verdict, "staleness", &["delta_ms"]));
    insert(&mut figures, "converge_ms", figure(verdict, "converges", &["converged_ms"]));
    if let Some(availability) = &verdict.availability {
        available(&mut figures, availability);
    }
    figures
}

/// A figure of a property, such as the largest of a distribution.
fn figure(verdict: &Verdict, property: &str, path: &[&str]) -> Option<f64> {
    let found = verdict.properties.iter().find(|found| found.name == property)?;
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(found.figures.get(*first)?, |value: &Value, part| value.get(*part))?.as_f64()
}

/// Of a thousand reads that were answered, how many were stale.
fn stale_share(verdict: &Verdict, history: &History) -> Option<f64> {
    let stale = figure(verdict, "staleness", &["stale_reads"])?;
    let reads = figure(verdict, "staleness", &["reads"]).or_else(|| {
        // A linearizable history has none, whatever their number.
        (stale == 0.0 && !history.events.is_empty()).then_some(1.0)
    })?;
    (reads > 0.0).then(|| 1_000.0 * stale / reads)
}

/// What clients got while faults were in force, by side, and how long the larger side was without answers.
fn available(figures: &mut BTreeMap<String, f64>, availability: &Availability) {
    for kind in ["read", "write"] {
        for (side, name) in [(Side::Majority, "majority"), (Side::Minority, "minority")] {
            let here = |row: &&Row| row.phase == Phase::Faulty && row.side == side && row.kind == kind;
            let met = availability.rows.iter().filter(here).filter_map(|row| row.deadlines.get(ONE_SECOND));
            let (ok, of) = met.fold((0, 0), |(ok, of), met| (ok + met.ok, of + met.of));
            insert(figures, &format!("{kind}_{name}"), (of > 0).then(|| float(ok) / float(of)));
        }
    }
    let larger: Vec<&Outage> = availability.outages.iter().filter(|outage| outage.side != Side::Minority).collect();
    insert(figures, "detect_ms", median(larger.iter().filter_map(|outage| outage.detect_ms)));
    let kinds: BTreeSet<&str> = larger.iter().map(|outage| outage.kind.as_str()).collect();
    for kind in kinds {
        let of_kind = larger.iter().filter(|outage| outage.kind == kind).filter_map(|outage| outage.detect_ms);
        insert(figures, &format!("detect_{kind}_ms"), median(of_kind));
    }
    insert(figures, "unavailable_ms", median(larger.iter().map(|outage| outage.unavailable_ms)));
    insert(figures, "recover_ms", median(availability.outages.iter().filter_map(|outage| outage.recover_ms)));
}

fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

fn insert(figures: &mut BTreeMap<String, f64>, name: &str, figure: Option<f64>) {
    if let Some(figure) = figure {
        figures.insert(name.to_owned(), figure);
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn figures_are_those_of_the_verdict() {
        let mut verdict = sample::valid();
        verdict.coverage.syncs = Some(verdict.coverage.total().ok + verdict.coverage.total().info);
        let figures = figures(&verdict);
        assert_eq!(figures.get("ok").copied(), Some(float(verdict.coverage.total().ok)));
        assert_eq!(figures.get("syncs_per_op").copied(), Some(1.0));
        assert!(figures.contains_key("read_p50_ms"), "{figures:?}");
        assert!(!figures.contains_key("converge_ms"), "nothing says it");
    }

    #[test]
    fn what_is_linearizable_is_everything_else() {
        let evidence = |verdict| Evidence { history: History::default(), notes: Vec::new(), verdict, nodes: 3 };
        let all = levels(&evidence(sample::valid()), &schism_checker::budget::Unlimited);
        assert!(LEVELS.iter().all(|level| all.get(*level) == Some(&Outcome::Valid)), "{all:?}");
        let broken = levels(&evidence(sample::invalid()), &schism_checker::budget::Unlimited);
        assert_eq!(broken.get("linearizable"), Some(&Outcome::Invalid));
    }
}
