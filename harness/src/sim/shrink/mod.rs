//! A run that breaks something, made as small as it can be: the same property breaks, with fewer nodes, clients, operations
//! and faults, in a shorter time.
//!
//! First the run is written out (`written`) as a plan, so that it is a function of data and no longer of what was drawn before.
//! Then passes (`passes`) leave out what they can, by delta debugging (`ddmin`), each candidate played (`trials`) as
//! `schism sim --plan` would; they are repeated until nothing changes, then with more seeds for each candidate. The result is
//! a plan file that needs nothing else. It depends on the run and the number of runs alone, unless time on the clock ends it.

mod account;
mod ddmin;
mod nodes;
mod passes;
mod tidy;
mod times;
mod trials;
mod witnesses;
mod written;

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crate::budget::CheckBudget;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::run::HarnessError;
use crate::sim::scenario::{Played, Scenario};
use crate::sim::watch::Watch;

pub use account::Account;
use passes::{Shrinker, passes};
use trials::Trials;

/// Runs where nothing else is said.
pub const RUNS: u64 = 10_000;
/// With how many seeds each candidate is tried: first its own alone, then more of them, when nothing changes any more.
const SEEDS: [u64; 3] = [1, 4, 16];
/// With how many seeds a run that was written out is tried.
const SEEDS_AT_FIRST: u64 = 64;

/// What is to be shrunk, and how long that may take.
#[derive(Clone, Debug)]
pub struct Shrink<'a> {
    /// The run.
    pub options: RunOptions,
    /// The property that has to stay broken; the first that is, where absent.
    pub property: Option<String>,
    /// The most runs.
    pub runs: u64,
    /// The most time on the clock.
    pub wall: Option<Duration>,
    /// Ends it from outside, with what was reached.
    pub cancelled: &'a AtomicBool,
}

/// What shrinking came to.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest plan that was found.
    pub plan: Plan,
    /// What playing that comes to.
    pub played: Played,
    /// The property that it breaks.
    pub property: String,
    /// What the run had, written out.
    pub before: Account,
    /// What the plan has.
    pub after: Account,
    /// How many runs it took.
    pub runs: u64,
    /// Whether it ended because nothing more could be left out, and not for want of runs or time.
    pub minimal: bool,
}

impl Shrink<'_> {
    /// Shrinks it; `told` hears of every pass that achieved something. None where the run does not break what it should.
    pub fn run(&self, mut told: impl FnMut(&str)) -> Result<Option<Shrunk>, HarnessError> {
        let deadline = self.wall.map(|wall| Instant::now() + wall);
        let budget = CheckBudget::new(self.options.check_time, self.options.check_memory);
        let scenario = Scenario::new(&self.options)?;
        let plan = scenario.plan().clone();
        let options = scenario.options().clone();
        let played = scenario.play(Watch::of(&options.system.name), false, &budget)?;
        let broken = played.broken().find(|name| self.property.as_deref().is_none_or(|wanted| wanted == *name));
        let Some(property) = broken.map(str::to_owned) else { return Ok(None) };
        let written = written::written(&played, &options, &plan);
        let before = Account::of(&written);
        told(&format!("{property}: {} written out", words(&before)));
        let mut trials = Trials::new(&self.options, &property, (self.runs, deadline), self.cancelled);
        let best = trials.broken(&written, SEEDS_AT_FIRST).ok_or_else(|| {
            let what = format!("the run, written out as a plan, does not break {property} with {} seeds", trials.runs);
            HarnessError::failed(what)
        })?;
        let mut shrinker = Shrinker { trials, best, seeds: SEEDS[0] };
        shrink(&mut shrinker, &mut told);
        let minimal = !shrinker.trials.over();
        let runs = shrinker.trials.runs;
        let plan = Plan { breaks: Some(property.clone()), about: Some(self.about(&property)), ..shrinker.best };
        let played = trials::play(&self.options, plan.clone(), false)?;
        let after = Account::of(&plan);
        Ok(Some(Shrunk { plan, played, property, before, after, runs, minimal }))
    }

    fn about(&self, property: &str) -> String {
        format!(
            "{property} breaks; shrunk from a run of {} in virtual time with seed {}",
            self.options.system, self.options.seed
        )
    }
}

/// Repeats the passes until nothing changes, with more and more seeds for each candidate.
fn shrink(shrinker: &mut Shrinker<'_>, told: &mut impl FnMut(&str)) {
    for seeds in SEEDS {
        shrinker.seeds = seeds;
        loop {
            let round = shrinker.best.clone();
            for (name, pass) in passes() {
                let before = shrinker.best.clone();
                pass(shrinker);
                if shrinker.best != before {
                    let account = words(&Account::of(&shrinker.best));
                    told(&format!("{name}: {account}, after {} runs", shrinker.trials.runs));
                }
                if shrinker.trials.over() {
                    return;
                }
            }
            if shrinker.best.entries.len() == round.entries.len() && shrinker.best.nodes == round.nodes {
                break;
            }
        }
    }
}

/// An account in a line.
fn words(account: &Account) -> String {
    let Account { nodes, clients, operations, .. } = account;
    let events = account.events();
    let faults = events - operations;
    let end = Duration::from_micros(account.end_us);
    format!("{events} events ({operations} operations, {faults} faults), {nodes} nodes, {clients} clients, {end:?}")
}
