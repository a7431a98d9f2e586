//! Systems side by side: what runs of the same workload, seeds and faults showed of each.
//!
//! A comparison is data, made of run folders ([`observe`]) and kept as `comparison.json`; every table of it ([`report`]) is a
//! function of that file. Nothing here knows how a run is made, or which system is which.

mod base;
pub mod card;
mod measures;
mod observe;
pub mod report;
pub mod statistics;

use std::collections::BTreeMap;

use schism_checker::verdict::Outcome;
use serde::{Deserialize, Serialize};

pub use base::Base;
pub use card::{Card, Class};
pub use measures::{Better, MEASURES, Measure, Unit};
pub use observe::{LEVELS, ObserveError, observe};
use statistics::Estimate;

/// Version of the format of `comparison.json`.
pub const FORMAT: u32 = 1;
/// Systems whose rates differ by more were not asked the same.
const RATE_DIFFERENCE_MAX: f64 = 0.05;

/// What was compared, and what each run showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Always `comparison`.
    pub schism: String,
    /// Version of the format.
    pub format: u32,
    /// The version of the program that made it.
    pub version: String,
    /// The command that makes it again.
    pub again: String,
    /// The kind of network of all runs.
    pub rung: String,
    /// What clients asked.
    pub workload: String,
    /// Kinds of requests that clients made: those that all systems serve.
    pub requests: Vec<String>,
    /// The systems, in the order in which they were named.
    pub systems: Vec<Compared>,
}

/// What was seen of a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Its name and parameters.
    pub system: String,
    /// Its runs, in the order of their seeds.
    pub runs: Vec<Ran>,
    /// What it does when it is cut in two, for each shape of a partition that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<Card>,
}

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ran {
    /// The run's id.
    pub run: String,
    /// The seed of all chance.
    pub seed: u64,
    /// The verdict.
    pub outcome: Outcome,
    /// Why the harness could not do what it was asked, if it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness_failure: Option<String>,
    /// What became of each level of consistency; see [`LEVELS`].
    pub levels: BTreeMap<String, Outcome>,
    /// Figures by the names of [`MEASURES`]; what nothing in the run says is left out.
    pub figures: BTreeMap<String, f64>,
}

impl Comparison {
    /// The median of a figure over the runs of a system, with its interval.
    pub fn estimate(&self, system: &Compared, measure: &str) -> Option<Estimate> {
        let sample: Vec<f64> = system.runs.iter().filter_map(|run| run.figures.get(measure).copied()).collect();
        statistics::median(&sample, measure)
    }

    /// The median of the differences to the first system, seed by seed, with its interval; none of the first one.
    pub fn difference(&self, place: usize, measure: &str) -> Option<Estimate> {
        let (first, other) = (self.systems.first()?, self.systems.get(place).filter(|_| place > 0)?);
        let figure =
            |system: &Compared, seed| system.runs.iter().find(|run| run.seed == seed)?.figures.get(measure).copied();
        let paired = first.runs.iter().filter_map(|run| Some(figure(other, run.seed)? - figure(first, run.seed)?));
        statistics::median(&paired.collect::<Vec<_>>(), measure)
    }

    /// What makes the figures of the systems hard to compare, in sentences: systems that were not driven at the same rate,
    /// or on a machine that was busy with something else.
    pub fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        for (name, of) in
            [("rate_per_s", "operations a second"), ("lag_ms", "ms that the controller's timers were late")]
        {
            let medians = self.systems.iter().map(|system| self.estimate(system, name).map(|estimate| estimate.value));
            let medians: Vec<f64> = medians.flatten().collect();
            let (least, most) = (medians.iter().copied().reduce(f64::min), medians.iter().copied().reduce(f64::max));
            let (Some(least), Some(most)) = (least, most) else { continue };
            // Less than a millisecond of lag moves no figure of these.
            let matters = name != "lag_ms" || most >= 1.0;
            if matters && most - least > RATE_DIFFERENCE_MAX * most {
                doubts.push(format!("{of} differ by more than 5 %: from {least:.1} to {most:.1}"));
            }
        }
        doubts
    }
}

impl Compared {
    /// The worst outcome of its runs.
    pub fn outcome(&self) -> Option<Outcome> {
        self.runs.iter().map(|run| run.outcome).max()
    }

    /// The worst outcome of a level.
    pub fn level(&self, level: &str) -> Option<Outcome> {
        self.runs.iter().filter_map(|run| run.levels.get(level).copied()).max()
    }

    /// The seeds whose runs broke a promise.
    pub fn violating(&self) -> Vec<u64> {
        self.runs.iter().filter(|run| run.outcome == Outcome::Invalid).map(|run| run.seed).collect()
    }
}

#[cfg(test)]
pub(crate) mod sample;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_paired_by_seed() {
        let comparison = sample::comparison();
        // 9 − 4 and 12 − 5 messages, and a seed that only one of them ran.
        let difference = comparison.difference(1, "messages_per_op").unwrap();
        assert_eq!(difference, Estimate { value: 6.0, low: 5.0, high: 7.0 });
        assert_eq!(comparison.difference(0, "messages_per_op"), None);
        assert_eq!(comparison.difference(1, "no such figure"), None);
    }

    #[test]
    fn systems_that_were_not_driven_alike_are_named() {
        let mut comparison = sample::comparison();
        assert_eq!(comparison.doubts(), Vec::<String>::new());
        for run in &mut comparison.systems[1].runs {
            run.figures.insert("rate_per_s".to_owned(), 700.0);
        }
        assert_eq!(comparison.doubts(), ["operations a second differ by more than 5 %: from 700.0 to 996.0"]);
    }

    #[test]
    fn a_system_is_as_good_as_its_worst_run() {
        let comparison = sample::comparison();
        let [sound, broken] = &comparison.systems[..] else { panic!("there are two") };
        assert_eq!((sound.outcome(), broken.outcome()), (Some(Outcome::Valid), Some(Outcome::Invalid)));
        assert_eq!(
            (broken.level("regular"), broken.level("linearizable")),
            (Some(Outcome::Valid), Some(Outcome::Invalid))
        );
        assert_eq!(broken.violating(), [2]);
    }
}
