//! What the runs of a cell of N, W and R have left, in numbers: which level they kept, how stale reads were, how long operations took.

use std::collections::BTreeMap;

use schism_checker::budget::Budget;
use schism_checker::quorum::Level;
use schism_checker::verdict::Outcome;
use serde::Serialize;

use super::cells::{CALM, CHANCE, Cell, LEVELS};
use super::evidence::Evidence;
use super::figures::{self, ALWAYS};
use super::prediction::Figure;

/// See the module's head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// The strongest level that no run broke.
    pub level: Level,
    /// Whether it is certain that no run broke it.
    pub is_certain: bool,
    /// By chance alone.
    pub by_chance: ByChance,
    /// How stale reads were, by chance.
    pub stale: Stale,
    /// The median latency of reads without faults, in milliseconds.
    pub read_ms: Option<f64>,
    /// That of writes.
    pub write_ms: Option<f64>,
}

/// What faults that were drawn have broken of what is not promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByChance {
    /// How many runs broke the weakest level that is not promised.
    pub broken: usize,
    /// Of how many.
    pub runs: usize,
}

/// How stale reads were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stale {
    /// Finished reads.
    pub reads: u64,
    /// How many of them missed a version that was finished before they began.
    pub stale: u64,
    /// The most versions that one missed.
    pub versions_max: u64,
    /// The longest time before a read that the first version it missed was finished, in milliseconds.
    pub ms_max: f64,
}

impl Measured {
    /// From what each run of the cell has left, by its name.
    pub fn of(cell: Cell, left: &BTreeMap<String, Vec<Evidence>>, budget: &dyn Budget) -> Measured {
        let of = |name: &str| left.get(name).map(Vec::as_slice).unwrap_or_default();
        let outcomes = |level: Level| -> Vec<Outcome> {
            left.values().flatten().map(|evidence| evidence.outcome(level.as_str(), budget)).collect()
        };
        let is_kept = |level: &Level| !outcomes(*level).contains(&Outcome::Invalid);
        let level = LEVELS.into_iter().take_while(is_kept).last().unwrap_or(Level::None);
        let is_certain = level == Level::None || {
            let outcomes = outcomes(level);
            outcomes.contains(&Outcome::Valid) && !outcomes.contains(&Outcome::Unknown)
        };
        let unpromised = LEVELS.into_iter().find(|judged| *judged > cell.level());
        let is_broken = |evidence: &&Evidence| {
            unpromised.is_some_and(|level| evidence.outcome(level.as_str(), budget) == Outcome::Invalid)
        };
        let chance = of(CHANCE);
        let by_chance = ByChance { broken: chance.iter().filter(is_broken).count(), runs: chance.len() };
        let p50 = |kind: &str| {
            let (run, name, kind) = (CALM.to_owned(), "p50".to_owned(), Some(kind.to_owned()));
            figures::figure(&Figure { run, name, kind, at: Vec::new() }, of(CALM), ALWAYS, budget)
        };
        let stale = Stale::of(chance);
        Measured { level, is_certain, by_chance, stale, read_ms: p50("read"), write_ms: p50("write") }
    }
}

impl Stale {
    /// Of all reads of some runs, by what the checker of quorums counted.
    fn of(all: &[Evidence]) -> Stale {
        let mut stale = Stale::default();
        let properties = all.iter().flat_map(|evidence| &evidence.verdict.properties);
        for counted in
            properties.filter(|property| property.name == "evidence").filter_map(|it| it.figures.get("staleness"))
        {
            let by_versions = counted["stale_by_versions"].as_object().into_iter().flatten();
            for (versions, reads) in by_versions {
                stale.stale += reads.as_u64().unwrap_or(0);
                stale.versions_max = stale.versions_max.max(versions.parse().unwrap_or(0));
            }
            stale.reads += counted["reads"].as_u64().unwrap_or(0);
            stale.ms_max = stale.ms_max.max(counted["stale_ms_max"].as_f64().unwrap_or(0.0));
        }
        stale
    }

    /// The share of reads that were stale; `None` of none.
    pub fn share(&self) -> Option<f64> {
        (self.reads > 0).then(|| figures::float(self.stale) / figures::float(self.reads))
    }
}
