//! Whether a plan still breaks the property: by playing it, as `schism sim --plan` would.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use schism_checker::verdict::Counterexample;

use crate::budget::CheckBudget;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::run::HarnessError;
use crate::sim::scenario::{Played, Scenario};
use crate::sim::watch::Watch;

/// See the module's head.
pub(super) struct Trials<'a> {
    options: RunOptions,
    property: String,
    /// How many more runs there may be.
    left: u64,
    deadline: Option<Instant>,
    cancelled: &'a AtomicBool,
    /// How many runs there were.
    pub(super) runs: u64,
    /// Plans that did not break it, and with how many seeds.
    failed: BTreeMap<u64, u64>,
}

impl<'a> Trials<'a> {
    pub(super) fn new(
        options: &RunOptions,
        property: &str,
        (runs, deadline): (u64, Option<Instant>),
        cancelled: &'a AtomicBool,
    ) -> Self {
        let (options, property) = (options.clone(), property.to_owned());
        Trials { options, property, left: runs, deadline, cancelled, runs: 0, failed: BTreeMap::new() }
    }

    /// Whether there may be no more runs.
    pub(super) fn over(&self) -> bool {
        self.left == 0
            || self.cancelled.load(Ordering::Relaxed)
            || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// The plan with the first seed with which it breaks the property: its own, or one of the first `seeds`.
    ///
    /// What was left out moves all that was drawn after it, so that what hangs on chance is given a few chances.
    pub(super) fn broken(&mut self, plan: &Plan, seeds: u64) -> Option<Plan> {
        let own = plan.seed.unwrap_or_default();
        let key = key(plan);
        let tried = self.failed.get(&key).copied();
        let untried = tried.is_none().then_some(own).into_iter();
        for seed in untried.chain((tried.unwrap_or_default()..seeds).filter(|seed| *seed != own)) {
            if self.over() {
                return None;
            }
            let seeded = Plan { seed: Some(seed), ..plan.clone() };
            match self.breaks(&seeded) {
                Ok(true) => return Some(seeded),
                Ok(false) => {}
                // A plan that makes no sense, such as one with fewer nodes than the system needs.
                Err(_) => return None,
            }
        }
        self.failed.insert(key, seeds.max(tried.unwrap_or_default()));
        None
    }

    /// What the judge says of a plan that breaks the property.
    pub(super) fn judged(&mut self, plan: &Plan) -> Option<Played> {
        self.left = self.left.saturating_sub(1);
        self.runs += 1;
        play(&self.options, plan.clone(), false).ok()
    }

    /// The counterexample of the property, in a run that was played.
    pub(super) fn counterexample<'p>(&self, played: &'p Played) -> Option<&'p Counterexample> {
        let broken = played.verdict.properties.iter().find(|property| property.name == self.property);
        broken?.counterexample.as_ref()
    }

    fn breaks(&mut self, plan: &Plan) -> Result<bool, HarnessError> {
        self.left = self.left.saturating_sub(1);
        self.runs += 1;
        let played = play(&self.options, plan.clone(), false)?;
        Ok(played.broken().any(|name| name == self.property))
    }
}

/// Plays a plan as `schism sim --plan` does.
pub(super) fn play(options: &RunOptions, plan: Plan, trace: bool) -> Result<Played, HarnessError> {
    let budget = CheckBudget::new(options.check_time, options.check_memory);
    let scenario = Scenario::of_plan(options, plan)?;
    let watch = Watch::of(&scenario.options().system.name);
    scenario.play(watch, trace, &budget)
}

/// What tells a plan from another, but for the seed.
fn key(plan: &Plan) -> u64 {
    let mut hasher = DefaultHasher::new();
    Plan { seed: None, ..plan.clone() }.to_json().hash(&mut hasher);
    hasher.finish()
}
