//! The walk along a timeline with the set of all configurations.
//!
//! **Greedy placing.** An operation that changes no state in which it is legal (a read) is placed in a configuration as soon
//! as the state allows it. Whatever linearization places it later, moving it here changes no state and breaks no order: it has
//! begun, and it has not yet returned. This must not be done to an operation that merely happens to change nothing now, as a
//! write of the present value: its later place may be needed to overwrite something else.

pub(crate) mod growing;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::search::Reductions;
use crate::search::frontier::{Class, Config, Frontier, Used};
use crate::search::mask::Mask;
use crate::search::states::{InputId, StateId, States};
use crate::search::timeline::{CallId, Timeline};

/// After so many returns the crashed operations that every configuration has used are looked for and forgotten.
const RETURNS_BETWEEN_FORGETTING: usize = 64;

/// All configurations in which things may stand, at some moment of a timeline. `I` is how an input is held.
pub(super) struct Walk<'c, M: Model, I> {
    reductions: Reductions,
    states: States<'c, M, I>,
    frontier: Frontier,
    open: Vec<Open>,
    free_slots: Vec<usize>,
    /// For each input whether it is placed greedily.
    greedy: Vec<bool>,
    /// The input of each class of crashed operations.
    input_of_class: Vec<InputId>,
    /// How many crashed operations of each class have begun and may still be used.
    available: Vec<u32>,
    /// The classes of which some are available.
    classes: Vec<Class>,
    /// For each class whether it cannot help at the return that is looked at; where it is too short, all can.
    idle: Vec<bool>,
    peak: usize,
    returns: usize,
    watch: Option<Watch>,
}

/// The states that are met while one operation is open.
struct Watch {
    call: CallId,
    begun: bool,
    states: FxHashSet<StateId>,
}

/// An operation that has begun and not yet returned.
struct Open {
    call: CallId,
    slot: usize,
    input: InputId,
    greedy: bool,
    /// It began after the last return: no configuration has tried yet to place it greedily.
    fresh: bool,
}

/// What became of an operation that returned.
pub(crate) enum Ended<S> {
    /// Some configuration has a place for it.
    Placed,
    /// None has; these are the states in which things may have stood at its end, all different.
    Stuck { states: Vec<S> },
}

/// The search for places for one operation that returns.
struct Exploration {
    /// The slot of that operation.
    slot: usize,
    /// Configurations in which it is placed.
    placed: Frontier,
    /// Configurations in which it is not, and which may lead to some in which it is.
    before: Frontier,
    /// Those of them that were not yet followed, by how many crashed operations they used. The fewest come first, so that
    /// what they dominate is not followed at all.
    work: BTreeMap<u32, Vec<Config>>,
}

impl<'c, M: Model> Walk<'c, M, &'c M::Input> {
    /// For what happens on this timeline.
    pub(super) fn new(
        model: &'c M,
        timeline: &Timeline<'c, M::Input>,
        reductions: Reductions,
    ) -> Walk<'c, M, &'c M::Input> {
        let states = States::new(model, timeline.inputs.clone());
        let greedy = timeline.inputs.iter().map(|input| reductions.greedy && model.is_pure(input)).collect();
        let classes = timeline.input_of_class.clone();
        Walk {
            greedy,
            available: vec![0; classes.len()],
            input_of_class: classes,
            ..Walk::at_begin(model, states, timeline.width, reductions)
        }
    }
}

impl<'c, M: Model, I: Borrow<M::Input>> Walk<'c, M, I> {
    /// Before anything happened, with as many slots.
    fn at_begin(model: &M, mut states: States<'c, M, I>, width: usize, reductions: Reductions) -> Walk<'c, M, I> {
        let mut frontier = Frontier::new(reductions.dominance);
        let state = states.number(model.initial());
        frontier.insert(Config { state, placed: Mask::empty(width), used: Used::default() });
        Walk {
            reductions,
            states,
            frontier,
            open: Vec::new(),
            free_slots: (0..width).rev().collect(),
            greedy: Vec::new(),
            input_of_class: Vec::new(),
            available: Vec::new(),
            classes: Vec::new(),
            idle: Vec::new(),
            peak: 1,
            returns: 0,
            watch: None,
        }
    }

    /// Remembers all states in which things may stand while this call is open.
    pub(super) fn watch(&mut self, call: CallId) {
        self.watch = Some(Watch { call, begun: false, states: FxHashSet::default() });
    }

    /// These states, in the order in which they were first met.
    pub(super) fn watched(&self) -> impl Iterator<Item = M::State> + '_ {
        let mut numbers: Vec<StateId> = self.watch.iter().flat_map(|watch| &watch.states).copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.states.state(number).clone())
    }

    /// The most configurations that were held at the same time.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// A call with this input begins that will end.
    pub(super) fn begin(&mut self, call: CallId, input: InputId) {
        let slot = self.free_slots.pop().expect("there are as many slots as calls are open at the same time");
        self.open.push(Open { call, slot, input, greedy: self.greedy[input as usize], fresh: true });
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.call == call) {
            watch.begun = true;
            watch.states.extend(self.frontier.states());
        }
    }

    /// A call of this class begins and crashes.
    pub(super) fn crash(&mut self, class: Class) {
        let available = &mut self.available[class as usize];
        *available += 1;
        if *available == 1 {
            self.classes.push(class);
        }
    }

    /// A call returns: only configurations in which it has a place stay.
    pub(super) fn end(&mut self, call: CallId, share: &mut Share<'_>) -> Result<Ended<M::State>, Stop> {
        let place = self.open.iter().position(|open| open.call == call).expect("a call ends once, after it began");
        let new = || Frontier::new(self.reductions.dominance);
        let mut exploration =
            Exploration { slot: self.open[place].slot, placed: new(), before: new(), work: BTreeMap::new() };
        let frontier = std::mem::replace(&mut self.frontier, new());
        for mut config in frontier.into_configs() {
            settle(&mut self.states, self.open.iter().filter(|open| open.fresh), config.state, &mut config.placed);
            exploration.arrive(config);
            share.work(|| exploration.bytes() + self.states.bytes())?;
        }
        while let Some(config) = exploration.next() {
            if exploration.before.contains(&config) {
                self.follow(&config, &mut exploration, share)?;
                self.peak = self.peak.max(exploration.placed.len() + exploration.before.len());
            }
        }
        let Exploration { placed, before, .. } = exploration;
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.begun) {
            watch.states.extend(before.states().chain(placed.states()));
        }
        if placed.len() == 0 {
            let mut numbers: Vec<StateId> = before.states().collect();
            numbers.sort_unstable();
            numbers.dedup();
            let states = numbers.into_iter().map(|number| self.states.state(number).clone()).collect();
            return Ok(Ended::Stuck { states });
        }
        self.frontier = placed;
        self.close(place);
        Ok(Ended::Placed)
    }

    /// Adds everything that can stand one step after `config`.
    fn follow(&mut self, config: &Config, exploration: &mut Exploration, share: &mut Share<'_>) -> Result<(), Stop> {
        for open in self.open.iter().filter(|open| !open.greedy && !config.placed.contains(open.slot)) {
            share.work(|| exploration.bytes() + self.states.bytes())?;
            if let Some(state) = self.states.step(config.state, open.input) {
                let mut placed = config.placed.clone();
                placed.insert(open.slot);
                settle(&mut self.states, self.open.iter(), state, &mut placed);
                exploration.arrive(Config { state, placed, used: config.used.clone() });
            }
        }
        for &class in &self.classes {
            share.work(|| exploration.bytes() + self.states.bytes())?;
            let is_idle = self.idle.get(class as usize).is_some_and(|&idle| idle);
            if is_idle || config.used.count(class) == self.available[class as usize] {
                continue;
            }
            let input = self.input_of_class[class as usize];
            // What changes nothing need not be used up, since it need not happen.
            if let Some(state) = self.states.step(config.state, input).filter(|&state| state != config.state) {
                let mut placed = config.placed.clone();
                settle(&mut self.states, self.open.iter(), state, &mut placed);
                if !exploration.before.dominates(state, &placed, &config.used, class) {
                    let mut used = config.used.clone();
                    used.add(class);
                    exploration.arrive(Config { state, placed, used });
                }
            }
        }
        Ok(())
    }

    /// After a return: frees its slot and tidies up.
    fn close(&mut self, place: usize) {
        let closed = self.open.remove(place);
        self.free_slots.push(closed.slot);
        for open in &mut self.open {
            open.fresh = false;
        }
        self.returns += 1;
        if self.frontier.len() == 1 || self.returns.is_multiple_of(RETURNS_BETWEEN_FORGETTING) {
            self.forget_used_by_all();
        }
        // What is watched keeps its number.
        if self.watch.is_none() && self.states.wants_collection() {
            let renamed = self.states.collect(self.frontier.states());
            self.rebuild_frontier(|config| config.state = renamed[&config.state]);
        }
    }

    /// A crashed operation that every configuration has used is over like any other.
    fn forget_used_by_all(&mut self) {
        let common = self.frontier.used_by_all();
        if common.is_empty() {
            return;
        }
        for (class, count) in common.iter() {
            self.available[class as usize] -= count;
        }
        let available = &self.available;
        self.classes.retain(|&class| available[class as usize] > 0);
        self.rebuild_frontier(|config| config.used = config.used.without(&common));
    }

    fn rebuild_frontier(&mut self, change: impl Fn(&mut Config)) {
        let old = std::mem::replace(&mut self.frontier, Frontier::new(self.reductions.dominance));
        for mut config in old.into_configs() {
            change(&mut config);
            self.frontier.insert(config);
        }
    }
}

/// Places every greedy operation among `open` that is legal in this state.
fn settle<'o, M: Model, I: Borrow<M::Input>>(
    states: &mut States<'_, M, I>,
    open: impl Iterator<Item = &'o Open>,
    state: StateId,
    placed: &mut Mask,
) {
    for open in open.filter(|open| open.greedy) {
        if !placed.contains(open.slot)
            && let Some(after) = states.step(state, open.input)
        {
            assert!(after == state, "the model calls an operation pure that changes a state");
            placed.insert(open.slot);
        }
    }
}

impl Exploration {
    /// Adds a configuration to those in which the operation is placed, or to those that are still to be followed.
    fn arrive(&mut self, mut config: Config) {
        if config.placed.contains(self.slot) {
            // The slot is free from here on.
            config.placed.remove(self.slot);
            self.placed.insert(config);
        } else if self.before.insert(config.clone()) {
            self.work.entry(config.used.total()).or_default().push(config);
        }
    }

    /// A configuration that is still to be followed.
    fn next(&mut self) -> Option<Config> {
        let mut fewest = self.work.first_entry()?;
        let config = fewest.get_mut().pop();
        if fewest.get().is_empty() {
            fewest.remove();
        }
        config
    }

    fn bytes(&self) -> usize {
        // What is still to be followed is there a second time; counting it as if all were is near enough.
        self.placed.bytes() + 2 * self.before.bytes()
    }
}
