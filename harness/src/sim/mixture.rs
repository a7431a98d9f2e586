//! What a seed is made of: which of the faults that were asked for it has, how many, in which weather, under which load.
//!
//! A swarm of different mixtures finds what no single one does: a fault that hides another is missing from half of them.

use std::fmt;

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::chance::stream;
use crate::options::RunOptions;
use crate::plan::Ground;
use crate::plan::draw::least_rate;
use crate::sim::{Spread, Weather};
use crate::spec::Spec;

/// See the module's head.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// The kinds of faults that this seed draws from.
    pub faults: Vec<Spec>,
    /// Faults a second, on average.
    pub fault_rate: f64,
    /// What lies beneath them.
    pub weather: Weather,
    /// Operations a second.
    pub rate: f64,
    /// How many keys.
    pub keys: usize,
    /// The share of operations that are tried again, once and at another node, when they have failed for certain.
    pub retries: f64,
}

impl Mixture {
    /// The mixture of the seed in `options`. Each part comes from a stream of its own.
    pub fn draw(options: &RunOptions, ground: &Ground) -> Self {
        let part = |name: &str| stream(options.seed, &format!("mixture/{name}"));
        let chosen = |spec: &&Spec| part(&format!("fault/{spec}")).random_bool(0.6);
        let mut faults: Vec<Spec> = options.faults.iter().filter(chosen).cloned().collect();
        if faults.is_empty() {
            faults.extend(options.faults.choose(&mut part("fault")).cloned());
        }
        let drawn = options.fault_rate * pick(&[0.5, 1.0, 2.0, 4.0], &mut part("fault-rate"));
        let least = least_rate(faults.len(), options.quiet, options.time, ground).unwrap_or(0.0);
        let share: f64 = *pick(&[0.25, 0.5, 1.0, 1.0], &mut part("rate"));
        Mixture {
            faults,
            // As much as it takes for one of each kind; a share more than that, against rounding.
            fault_rate: if drawn < least { least * 1.01 } else { drawn },
            weather: weather(&mut part("weather")),
            rate: options.rate * share,
            keys: part("keys").random_range(1..=options.keys),
            retries: *pick(&[0.0, 0.0, 0.5, 1.0], &mut part("retries")),
        }
    }

    /// The options of the run that this mixture makes of them.
    pub(crate) fn apply(&self, options: &RunOptions) -> RunOptions {
        RunOptions {
            faults: self.faults.clone(),
            fault_rate: self.fault_rate,
            rate: self.rate,
            keys: self.keys,
            ..options.clone()
        }
    }
}

fn pick<'a, T>(choices: &'a [T], rng: &mut ChaCha8Rng) -> &'a T {
    choices.choose(rng).expect("there are choices")
}

/// From a machine room to an ocean; disks from memory to one that is worn.
fn weather(rng: &mut ChaCha8Rng) -> Weather {
    let even = *pick(&[Spread::even(50, 150), Spread::even(200, 1_500), Spread::even(100, 8_000)], rng);
    let slow = *pick(&[(0, 0), (0, 0), (20, 40_000), (100, 60_000), (5, 400_000)], rng);
    let sync = *pick(&[Spread::even(0, 0), Spread::even(100, 300), Spread::even(500, 5_000)], rng);
    let worn = *pick(&[(0, 0), (0, 0), (20, 60_000)], rng);
    let boot = *pick(&[Spread::even(1_000, 3_000), Spread::even(5_000, 50_000)], rng);
    Weather { delay: with_tail(even, slow), sync: with_tail(sync, worn), boot }
}

fn with_tail(even: Spread, (slow_per_mille, slow_us): (u32, u32)) -> Spread {
    Spread { slow_per_mille, slow_us, ..even }
}

impl fmt::Display for Mixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        let faults = if faults.is_empty() {
            "no faults".to_owned()
        } else {
            format!("{} at {} a second", faults.join(", "), self.fault_rate)
        };
        write!(f, "{faults}; {}; {} operations a second on {} keys", self.weather, self.rate, self.keys)?;
        if self.retries > 0.0 { write!(f, ", {} of the failed tried again", self.retries) } else { Ok(()) }
    }
}
