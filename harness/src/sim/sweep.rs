//! Many seeds: on several threads, told in the order of the seeds, whoever is ready first.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use schism_checker::verdict::Outcome;
use serde::Serialize;

use crate::budget::CheckBudget;
use crate::options::RunOptions;
use crate::run::HarnessError;
use crate::sim::{Scenario, Watch};
use crate::verdict::{Endings, FaultCount, Verdict};

/// What a sweep is asked to do.
#[derive(Clone, Debug)]
pub struct Sweep {
    /// The run of each seed, but for the seed.
    pub options: RunOptions,
    /// Which seeds.
    pub seeds: Range<u64>,
    /// How many at the same time; at least 1.
    pub jobs: usize,
    /// No seed begins after this time on the clock.
    pub wall: Option<Duration>,
    /// End with the first seed that is invalid.
    pub stop_at_first: bool,
}

/// One seed.
#[derive(Clone, Debug)]
pub struct SeedResult {
    /// Which.
    pub seed: u64,
    /// What came of it.
    pub verdict: Verdict,
    /// What it was made of.
    pub mixture: Option<String>,
    /// How often each deliberate bug has acted.
    pub acted: BTreeMap<String, u64>,
    /// Steps of protocols.
    pub steps: u64,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
}

/// What a sweep came to so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// How many seeds were run.
    pub runs: u64,
    /// Runs by outcome.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Broken properties: in how many runs, and the first of those seeds.
    pub violations: BTreeMap<String, Violation>,
    /// Runs of which the harness itself failed at something, by seed.
    pub failures: BTreeMap<u64, String>,
    /// Operations by how they ended.
    pub operations: Endings,
    /// Faults by kind.
    pub faults: BTreeMap<String, FaultCount>,
    /// In how many runs each deliberate bug has acted.
    pub acted: BTreeMap<String, u64>,
    /// Steps of protocols.
    pub steps: u64,
    /// Virtual time, in nanoseconds.
    pub virtual_ns: u64,
}

/// How often a property was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// In how many runs.
    pub runs: u64,
    /// The first of them.
    pub first_seed: u64,
}

impl Tally {
    /// Takes account of one more seed.
    pub fn count(&mut self, result: &SeedResult) {
        let verdict = &result.verdict;
        self.runs += 1;
        *self.outcomes.entry(crate::report::words::outcome(verdict.outcome)).or_default() += 1;
        for property in verdict.properties.iter().filter(|property| property.judged) {
            if property.outcome == Outcome::Invalid {
                let first = Violation { runs: 0, first_seed: result.seed };
                self.violations.entry(property.name.clone()).or_insert(first).runs += 1;
            }
        }
        if let Some(failure) = &verdict.harness_failure {
            self.failures.insert(result.seed, failure.clone());
        }
        let Endings { ok, fail, info } = verdict.coverage.total();
        self.operations.ok += ok;
        self.operations.fail += fail;
        self.operations.info += info;
        for (kind, count) in &verdict.coverage.faults {
            let sum = self.faults.entry(kind.clone()).or_default();
            sum.planned += count.planned;
            sum.proved += count.proved;
            sum.skipped += count.skipped;
            sum.moot += count.moot;
            sum.unproved += count.unproved;
            sum.not_reached += count.not_reached;
        }
        for bug in result.acted.keys() {
            *self.acted.entry(bug.clone()).or_default() += 1;
        }
        self.steps += result.steps;
        self.virtual_ns += result.virtual_ns;
    }

    /// The outcome of all seeds together: the worst, but that a seed of which nothing follows takes nothing away from
    /// those that show something.
    pub fn outcome(&self) -> Outcome {
        let any = |outcome| self.outcomes.contains_key(crate::report::words::outcome(outcome));
        [Outcome::Invalid, Outcome::Unknown, Outcome::Valid]
            .into_iter()
            .find(|outcome| any(*outcome))
            .unwrap_or(Outcome::Vacuous)
    }
}

impl Sweep {
    /// Runs the seeds; `told` gets each in order, and says whether to go on. `cancelled` ends the sweep from outside.
    pub fn run(
        &self,
        cancelled: &AtomicBool,
        mut told: impl FnMut(&SeedResult) -> bool,
    ) -> Result<Tally, HarnessError> {
        let begun = Instant::now();
        let (next, stop) = (AtomicU64::new(self.seeds.start), AtomicBool::new(false));
        let may_begin = || {
            let in_time = self.wall.is_none_or(|wall| begun.elapsed() < wall);
            in_time && !stop.load(Ordering::Relaxed) && !cancelled.load(Ordering::Relaxed)
        };
        let (sender, results) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let sender = sender.clone();
                scope.spawn(|| {
                    let sender = sender;
                    while may_begin() {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= self.seeds.end || sender.send((seed, self.seed(seed))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut tally = Tally::default();
            let end = in_order(self.seeds.start, &results, |result| {
                let result = result?;
                tally.count(&result);
                let go_on = told(&result) && !(self.stop_at_first && result.verdict.outcome == Outcome::Invalid);
                Ok(go_on)
            });
            stop.store(true, Ordering::Relaxed);
            end.map(|()| tally)
        })
    }

    /// Runs one seed.
    pub fn seed(&self, seed: u64) -> Result<SeedResult, HarnessError> {
        let options = RunOptions { seed, ..self.options.clone() };
        let scenario = Scenario::new(&options)?;
        let mixture = scenario.mixture().map(ToString::to_string);
        let budget = CheckBudget::new(options.check_time, options.check_memory);
        let played = scenario.play(Watch::of(&options.system.name), false, &budget)?;
        Ok(SeedResult {
            seed,
            verdict: played.verdict,
            mixture,
            acted: played.acted,
            steps: played.steps,
            virtual_ns: played.virtual_ns,
        })
    }
}

/// Hands on results in the order of their numbers, as soon as all before them are there, until one says that it is enough.
fn in_order<T>(
    first: u64,
    results: &mpsc::Receiver<(u64, Result<T, HarnessError>)>,
    mut take: impl FnMut(Result<T, HarnessError>) -> Result<bool, HarnessError>,
) -> Result<(), HarnessError> {
    let (mut next, mut waiting) = (first, BTreeMap::new());
    for (number, result) in results {
        waiting.insert(number, result);
        while let Some(result) = waiting.remove(&next) {
            next += 1;
            if !take(result)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_told_in_the_order_of_their_seeds_up_to_the_one_that_ends_it() {
        let (sender, results) = mpsc::channel();
        for number in [2_u64, 0, 3, 1, 4] {
            sender.send((number, Ok(number))).unwrap();
        }
        drop(sender);
        let mut told = Vec::new();
        let ended = in_order(0, &results, |number| {
            told.push(number?);
            Ok(told.len() < 4)
        });
        assert!(ended.is_ok());
        assert_eq!(told, [0, 1, 2, 3]);
    }
}
