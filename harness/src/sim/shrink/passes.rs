//! What is tried to make a plan smaller, in this order: fewer nodes, clients, operations, faults, shorter time, then fewer
//! single events, then simpler ones. Each pass leaves a plan that breaks the property.

use std::collections::BTreeSet;
use std::time::Duration;

use schism_nodes::NodeId;
use serde_json::Value;

use crate::plan::{Entry, Plan};
use crate::sim::Spread;
use crate::sim::shrink::ddmin::reduced;
use crate::sim::shrink::nodes::without_node;
use crate::sim::shrink::tidy;
use crate::sim::shrink::times::{self, SHORT};
use crate::sim::shrink::trials::Trials;
use crate::sim::shrink::witnesses;
use crate::sim::shrink::written::{text, whole};
use crate::sim::weather::Weather;

/// A plan that breaks the property, on its way to a smaller one.
pub(super) struct Shrinker<'a> {
    pub(super) trials: Trials<'a>,
    pub(super) best: Plan,
    /// With how many seeds a plan is tried.
    pub(super) seeds: u64,
}

/// A pass, and what it is called.
pub(super) type Pass<'a> = (&'static str, fn(&mut Shrinker<'a>));

/// All passes, in their order.
pub(super) fn passes<'a>() -> [Pass<'a>; 11] {
    [
        ("fewer nodes", Shrinker::fewer_nodes),
        ("an earlier end", Shrinker::earlier_end),
        ("fewer clients", Shrinker::fewer_clients),
        ("fewer keys", Shrinker::fewer_keys),
        ("fewer operations", Shrinker::fewer_operations),
        ("fewer faults", Shrinker::fewer_faults),
        ("shorter time", Shrinker::shorter_time),
        ("the counterexample alone", Shrinker::counterexample_alone),
        ("fewer single events", Shrinker::fewer_events),
        ("narrower faults", Shrinker::narrower_faults),
        ("simpler events", Shrinker::simpler_events),
    ]
}

/// With how many seeds the operations of a counterexample are tried alone: they are few, and played in no time.
const SEEDS_OF_COUNTEREXAMPLE: u64 = 200;
/// With how many seeds a plan with one node less is tried at least: nothing in it happens as before.
const SEEDS_OF_NODES: u64 = 8;

impl Shrinker<'_> {
    /// Takes a plan if it breaks the property.
    fn attempt(&mut self, plan: &Plan) -> bool {
        let broken = self.trials.broken(plan, self.seeds);
        broken.map(|plan| self.best = plan).is_some()
    }

    /// Takes a plan if it is another one and breaks the property.
    fn change(&mut self, plan: &Plan) -> bool {
        *plan != self.best && self.attempt(plan)
    }

    /// Takes these entries alone, if they break the property.
    fn attempt_entries(&mut self, entries: Vec<Entry>) -> bool {
        let plan = Plan { entries: whole(entries), ..self.best.clone() };
        self.attempt(&plan)
    }

    /// Leaves out as many groups of entries as it can: those of which `group` says the same.
    fn fewer<G: Clone + Ord>(&mut self, group: impl Fn(&Entry) -> Option<G>) {
        let entries = self.best.entries.clone();
        let groups: BTreeSet<G> = entries.iter().filter_map(&group).collect();
        reduced(&groups.into_iter().collect::<Vec<_>>(), |left| {
            let stays = |entry: &&Entry| group(entry).is_none_or(|group| left.contains(&group));
            self.attempt_entries(entries.iter().filter(stays).cloned().collect())
        });
    }

    fn fewer_nodes(&mut self) {
        let seeds = self.seeds;
        self.seeds = seeds.max(SEEDS_OF_NODES);
        'fewer: loop {
            let nodes = self.best.nodes.unwrap_or_default();
            for node in (1..=nodes).rev() {
                let other = if node == 1 { 2 } else { node - 1 };
                for instead in [Some(NodeId(other)), None] {
                    let less = without_node(&self.best, NodeId(node), instead);
                    if less.is_some_and(|less| self.attempt(&less)) {
                        continue 'fewer;
                    }
                }
            }
            break;
        }
        self.seeds = seeds;
    }

    /// Looks for the first moment after which nothing more is needed. What happens before it is the same.
    fn earlier_end(&mut self) {
        let starts = times::starts(&self.best);
        let whole = self.best.clone();
        let (mut least, mut most) = (0, starts.len());
        while least < most {
            let middle = usize::midpoint(least, most);
            let entries = if middle == 0 { Vec::new() } else { times::until(&whole, starts[middle - 1]) };
            if self.attempt_entries(entries) {
                most = middle;
            } else {
                least = middle + 1;
            }
        }
    }

    fn fewer_clients(&mut self) {
        self.fewer(|entry| entry.on.clone().filter(|_| ["request", "client-kill"].contains(&entry.action.as_str())));
    }

    fn fewer_keys(&mut self) {
        self.fewer(|entry| entry.args.get("key").filter(|_| entry.action == "request").map(Value::to_string));
    }

    fn fewer_operations(&mut self) {
        self.fewer(|entry| (entry.action == "request").then_some(entry.id));
    }

    fn fewer_faults(&mut self) {
        self.fewer(|entry| (entry.action != "request").then_some(entry.id));
    }

    /// Keeps of the operations only those that contradict each other. What made them do so was chance, or another operation:
    /// it gets many seeds, with and without faults, and weather with more messages that are slow.
    fn counterexample_alone(&mut self) {
        let Some(played) = self.trials.judged(&self.best) else { return };
        let Some(counterexample) = self.trials.counterexample(&played) else { return };
        let named = witnesses::entries(&self.best, &played.history, counterexample);
        let (requests, faults): (Vec<Entry>, Vec<Entry>) =
            self.best.entries.iter().cloned().partition(|entry| entry.action == "request");
        let alone: Vec<Entry> = requests.iter().filter(|entry| named.contains(&entry.id)).cloned().collect();
        if alone.len() == requests.len() {
            return;
        }
        let seeds = std::mem::replace(&mut self.seeds, SEEDS_OF_COUNTEREXAMPLE);
        let rougher = self.best.weather.map(witnesses::rougher);
        for weather in [self.best.weather, rougher] {
            for faults in [&[][..], &faults] {
                let entries = whole(faults.iter().chain(&alone).cloned().collect());
                if self.attempt(&Plan { weather, entries, ..self.best.clone() }) {
                    self.seeds = seeds;
                    return;
                }
            }
        }
        self.seeds = seeds;
    }

    fn fewer_events(&mut self) {
        self.fewer(|entry| Some(entry.id));
    }

    /// Draws the entries together, shortens the faults, and ends with the last of them.
    fn shorter_time(&mut self) {
        let (plan, gaps) = (self.best.clone(), times::gaps(&self.best));
        let long: Vec<usize> = (0..gaps.len()).filter(|place| gaps[*place] > SHORT).collect();
        let shortened = |left: &[usize]| {
            let gap = |(place, gap): (usize, &Duration)| if left.contains(&place) { *gap } else { (*gap).min(SHORT) };
            gaps.iter().enumerate().map(gap).collect::<Vec<_>>()
        };
        reduced(&long, |left| {
            let seed = self.best.seed;
            self.attempt(&Plan { seed, ..times::with_gaps(&plan, &shortened(left)) })
        });
        for place in 0..times::gaps(&self.best).len() {
            self.halved(|plan| {
                let mut gaps = times::gaps(plan);
                let gap = gaps.get_mut(place).filter(|gap| **gap > SHORT)?;
                *gap /= 2;
                Some(times::with_gaps(plan, &gaps))
            });
        }
        for place in 0..self.best.entries.len() {
            self.halved(|plan| {
                let mut plan = plan.clone();
                let entry = plan.entries.get_mut(place)?;
                let length = times::length(entry).filter(|length| *length > SHORT)?;
                entry.duration = Some(text((length / 2).max(SHORT)));
                Some(plan)
            });
        }
        let end = times::end(&self.best) + SHORT;
        self.change(&Plan { time: Some(text(times::rounded(end))), ..self.best.clone() });
    }

    /// Halves something as often as that does no harm.
    fn halved(&mut self, half: impl Fn(&Plan) -> Option<Plan>) {
        while let Some(plan) = half(&self.best) {
            if !self.attempt(&plan) {
                break;
            }
        }
    }

    /// Leaves out targets: nodes, and links that need not be cut.
    fn narrower_faults(&mut self) {
        for place in 0..self.best.entries.len() {
            let plan = self.best.clone();
            let several = |entry: &&Entry| entry.on.as_deref().is_some_and(|on| on.contains(','));
            let Some(entry) = plan.entries.get(place).filter(several) else { continue };
            let targets: Vec<&str> = entry.on.as_deref().unwrap_or_default().split(',').collect();
            reduced(&targets, |left| {
                let mut narrower = Plan { seed: self.best.seed, ..plan.clone() };
                narrower.entries[place].on = Some(left.join(","));
                !left.is_empty() && self.attempt(&narrower)
            });
        }
    }

    /// Leaves less to chance, and makes what is left easier to read.
    fn simpler_events(&mut self) {
        for weather in [Some(STEADY), None] {
            if self.best.weather.is_none_or(|weather| weather == STEADY)
                || self.change(&Plan { weather, ..self.best.clone() })
            {
                break;
            }
        }
        for place in 0..self.best.entries.len() {
            let mut plan = self.best.clone();
            if plan.entries[place].args.get("share").is_some_and(|share| share.as_f64() != Some(1.0)) {
                plan.entries[place].args.insert("share".to_owned(), 1.into());
                self.change(&plan);
            }
        }
        let plan = self.best.clone();
        let broken: Vec<u64> = plan.entries.iter().filter(|entry| tidy::is_odd(entry)).map(|entry| entry.id).collect();
        reduced(&broken, |left| {
            let seed = self.best.seed;
            self.attempt(&Plan { seed, ..tidy::rounded(&plan, left) })
        });
        let tidied = tidy::renamed(&self.best);
        self.change(&tidied);
        let numbered = tidy::numbered(&self.best);
        self.change(&numbered);
    }
}

/// Weather in which nothing is left to chance.
const STEADY: Weather =
    Weather { delay: Spread::even(1_000, 1_000), sync: Spread::even(200, 200), boot: Spread::even(10_000, 10_000) };
