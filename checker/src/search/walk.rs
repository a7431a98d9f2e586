//! The walk along a timeline with the set of all configurations.
//!
//! **Greedy placing.** An operation that changes no state in which it is legal (a read) is placed in a configuration as soon
//! as the state allows it. Whatever linearization places it later, moving it here changes no state and breaks no order: it has
//! begun, and it has not yet returned. This must not be done to an operation that merely happens to change nothing now, as a
//! write of the present value: its later place may be needed to overwrite something else.
//!
//! **Equal operations in their order.** Of open operations with equal inputs the one that ends first is placed first: where an
//! order has them the other way around, they can change places, since both have begun, and the later place comes before
//! either ends. For the same reason a crashed operation is not used while an open one with the same input has no place: it can
//! stand where that one would have stood later.
//!
//! **Parts.** Where every operation that could be placed before the one that returns touches a part of the object alone
//! ([`Model::part`]), only those of the same part are. Take the way to a configuration in which it is placed, and move
//! what touches other parts behind it, in the order in which it was: neighbours of different parts can change places, and no
//! two of one part do. All that was moved is still open or crashed, so it can as well be placed at a later return, the next
//! one of its own part. Greedy placing goes on in all parts, since it changes no state.

pub(crate) mod growing;

use std::borrow::Borrow;
use std::collections::BTreeMap;

use crate::meter::{Share, Stop};
use crate::model::Model;
use crate::search::Reductions;
use crate::search::available::Available;
use crate::search::frontier::{Class, Config, Frontier, Number, Rest};
use crate::search::mask::Mask;
use crate::search::states::{InputId, StateId, States};
use crate::search::timeline::{CallId, Timeline};
use crate::search::used::Used;

/// After so many returns the crashed operations that every configuration has used are looked for and forgotten.
const RETURNS_BETWEEN_FORGETTING: u64 = 64;

/// All configurations in which things may stand, at some moment of a timeline. `I` is how an input is held.
pub(super) struct Walk<'c, M: Model, I> {
    reductions: Reductions,
    states: States<'c, M, I>,
    frontier: Frontier,
    open: Vec<Open>,
    free_slots: Vec<usize>,
    /// For each input whether it is placed greedily.
    greedy: Vec<bool>,
    /// For each input the part of the object that it touches, if it is but one.
    part_of: Vec<Option<Part>>,
    /// The input of each class of crashed operations.
    input_of_class: Vec<InputId>,
    available: Available,
    peak: usize,
    returns: u64,
    /// For each state when things may have stood in it last, as far as they are told apart.
    last_seen: Vec<Tick>,
}

/// The end of a call whose end is not known yet.
const NOT_KNOWN: u32 = u32::MAX;

/// A part of the object, by its number.
type Part = u64;

/// A moment: the returns so far, twice, and one more from when the operation that returned has its place.
type Tick = u64;

/// An operation that has begun and not yet returned.
struct Open {
    call: CallId,
    slot: usize,
    input: InputId,
    greedy: bool,
    /// It began after the last return: no configuration has tried yet to place it greedily.
    fresh: bool,
    begun: Tick,
    /// The place of its end among the moments, `NOT_KNOWN` where the future is not.
    end: u32,
}

/// What became of an operation that returned.
pub(crate) enum Ended<S> {
    /// Some configuration has a place for it.
    Placed,
    /// None has; these are states in which things may have stood since it began, in the order in which they were first met.
    Stuck { states: Vec<S> },
}

/// The search for places for one operation that returns.
struct Exploration {
    /// The slot of that operation.
    slot: usize,
    /// Only operations on this part are placed, if it is given.
    part: Option<Part>,
    /// Configurations in which it is placed.
    placed: Frontier,
    /// Configurations in which it is not, and which may lead to some in which it is.
    before: Frontier,
    /// Those of them that were not yet followed, by how many crashed operations they used. The fewest come first, so that
    /// what they dominate is not followed at all.
    work: BTreeMap<u32, Vec<(Number, Config)>>,
}

impl<'c, M: Model> Walk<'c, M, &'c M::Input> {
    /// For what happens on this timeline.
    pub(super) fn new(
        model: &'c M,
        timeline: &Timeline<'c, M::Input>,
        reductions: Reductions,
    ) -> Walk<'c, M, &'c M::Input> {
        let states = States::new(model, timeline.inputs.clone());
        let available = Available::new(model, timeline, reductions);
        Walk {
            greedy: timeline.inputs.iter().map(|input| reductions.greedy && model.is_pure(input)).collect(),
            part_of: timeline
                .inputs
                .iter()
                .map(|input| reductions.parts.then(|| model.part(input)).flatten())
                .collect(),
            input_of_class: timeline.input_of_class.clone(),
            ..Walk::at_begin(model, states, available, timeline.width, reductions)
        }
    }
}

impl<'c, M: Model, I: Borrow<M::Input>> Walk<'c, M, I> {
    /// Before anything happened, with as many slots.
    fn at_begin(
        model: &M,
        mut states: States<'c, M, I>,
        available: Available,
        width: usize,
        reductions: Reductions,
    ) -> Walk<'c, M, I> {
        let mut frontier = Frontier::new(available.packing, reductions.dominance);
        let state = states.number(model.initial());
        let none = Mask::empty(width);
        let rest = Rest { used: Used::default(), settled: none.clone() };
        frontier.insert(Config { state, placed: none, rest });
        Walk {
            reductions,
            states,
            frontier,
            open: Vec::new(),
            free_slots: (0..width).rev().collect(),
            greedy: Vec::new(),
            part_of: Vec::new(),
            input_of_class: Vec::new(),
            available,
            peak: 1,
            returns: 0,
            last_seen: vec![0],
        }
    }

    /// The most configurations that were held at the same time.
    pub(super) fn peak(&self) -> usize {
        self.peak
    }

    /// A call with this input begins that will end, at that place among the moments.
    pub(super) fn begin(&mut self, call: CallId, input: InputId, end: u32) {
        let slot = self.free_slots.pop().expect("there are as many slots as calls are open at the same time");
        let greedy = self.greedy[input as usize];
        // The states that the last return left behind were seen just before this tick ended.
        let begun = (2 * self.returns).saturating_sub(1);
        self.open.push(Open { call, slot, input, greedy, fresh: true, begun, end });
    }

    /// A call of this class begins and crashes.
    pub(super) fn crash(&mut self, class: Class) {
        self.available.begin(class);
    }

    /// A call returns: only configurations in which it has a place stay.
    pub(super) fn end(&mut self, call: CallId, share: &mut Share<'_>) -> Result<Ended<M::State>, Stop> {
        let place = self.open.iter().position(|open| open.call == call).expect("a call ends once, after it began");
        let new = || Frontier::new(self.available.packing, self.reductions.dominance);
        let (slot, part) = (self.open[place].slot, self.part_to_follow(place));
        let mut exploration = Exploration { slot, part, placed: new(), before: new(), work: BTreeMap::new() };
        let frontier = std::mem::replace(&mut self.frontier, new());
        self.available.prepare();
        for mut config in frontier.into_configs() {
            let fresh = self.open.iter().filter(|open| open.fresh);
            settle(&mut self.states, fresh, config.state, &mut config.rest.settled);
            self.available.leave_what_is_of_use(&mut config.rest.used);
            exploration.arrive(config);
            work(&mut self.states, &exploration, share)?;
        }
        while let Some(config) = exploration.next() {
            self.follow(&config, &mut exploration, share)?;
            self.peak = self.peak.max(exploration.placed.len() + exploration.before.len());
        }
        let Exploration { placed, before, .. } = exploration;
        self.see(before.states(), 2 * self.returns);
        self.see(placed.states(), 2 * self.returns + 1);
        if placed.len() == 0 {
            let begun = self.open[place].begun;
            let seen = (0..).zip(&self.last_seen).filter(|(_, seen)| **seen >= begun);
            return Ok(Ended::Stuck { states: seen.map(|(number, _)| self.states.state(number).clone()).collect() });
        }
        self.frontier = placed;
        self.close(place);
        Ok(Ended::Placed)
    }

    /// The part of the operation that returns, if nothing that could be placed before it touches more than one part.
    fn part_to_follow(&self, place: usize) -> Option<Part> {
        let part_of = |input: InputId| self.part_of[input as usize];
        let crashed = self.available.classes().iter().map(|&class| self.input_of_class[class as usize]);
        let mut inputs = self.open.iter().map(|open| open.input).chain(crashed);
        part_of(self.open[place].input).filter(|_| inputs.all(|input| part_of(input).is_some()))
    }

    /// Adds everything that can stand one step after `config`.
    fn follow(&mut self, config: &Config, exploration: &mut Exploration, share: &mut Share<'_>) -> Result<(), Stop> {
        let Config { state: from, placed, rest } = config;
        let part = exploration.part;
        let is_followed = |input: InputId| part.is_none() || self.part_of[input as usize] == part;
        for open in self.open.iter().filter(|open| !open.greedy && !placed.contains(open.slot)) {
            if !is_followed(open.input) {
                continue;
            }
            let earlier = |other: &Open| other.input == open.input && other.end < open.end;
            if self.reductions.classes && self.waits(earlier, placed) {
                continue;
            }
            work(&mut self.states, exploration, share)?;
            if let Some(state) = self.states.step(*from, open.input) {
                let mut config = Config { state, ..config.clone() };
                config.placed.insert(open.slot);
                settle(&mut self.states, self.open.iter(), state, &mut config.rest.settled);
                exploration.arrive(config);
            }
        }
        let waiting = self.open.iter().filter(|open| !placed.contains(open.slot) && !rest.settled.contains(open.slot));
        let wanted = self.available.wanted(waiting.map(|open| open.input));
        let mut reached: Vec<StateId> = Vec::new();
        for class in self.available.worth_using(&rest.used, wanted) {
            work(&mut self.states, exploration, share)?;
            let input = self.input_of_class[class as usize];
            if !is_followed(input) {
                continue;
            }
            if self.reductions.classes && self.waits(|open| open.input == input, placed) {
                continue;
            }
            // What changes nothing need not be used up, since it need not happen.
            if let Some(state) = self.states.step(*from, input).filter(|state| state != from) {
                if self.available.is_strong(class) {
                    if reached.contains(&state) {
                        continue;
                    }
                } else {
                    reached.push(state);
                }
                let mut config = Config { state, ..config.clone() };
                self.available.use_one(class, &mut config.rest.used);
                settle(&mut self.states, self.open.iter(), state, &mut config.rest.settled);
                exploration.arrive(config);
            }
        }
        Ok(())
    }

    /// Whether such an open operation has no place yet.
    fn waits(&self, is_such: impl Fn(&Open) -> bool, placed: &Mask) -> bool {
        self.open.iter().any(|open| is_such(open) && !placed.contains(open.slot))
    }

    /// Things may stand in these states at this tick.
    fn see(&mut self, states: impl Iterator<Item = StateId>, tick: Tick) {
        self.last_seen.resize(self.states.len(), 0);
        for state in states {
            self.last_seen[state as usize] = tick;
        }
    }

    /// After a return: frees its slot and tidies up.
    fn close(&mut self, place: usize) {
        let closed = self.open.remove(place);
        self.free_slots.push(closed.slot);
        for open in &mut self.open {
            open.fresh = false;
        }
        self.available.returned(closed.input);
        self.returns += 1;
        if self.frontier.len() == 1 || self.returns.is_multiple_of(RETURNS_BETWEEN_FORGETTING) {
            let forgotten = self.available.forget_used_by_all(&self.frontier);
            if !forgotten.is_empty() {
                let packing = self.available.packing;
                self.rebuild_frontier(|config| {
                    for &(lane, count) in &forgotten {
                        config.rest.used.remove(lane, count, packing);
                    }
                });
            }
        }
        if self.states.wants_collection() {
            self.collect_states();
        }
    }

    /// Forgets the states that are not needed any more.
    fn collect_states(&mut self) {
        let renamed = self.states.collect(self.frontier.states());
        self.rebuild_frontier(|config| config.state = renamed[&config.state]);
        let before = std::mem::take(&mut self.last_seen);
        self.last_seen = vec![0; self.states.len()];
        for (old, new) in renamed {
            self.last_seen[new as usize] = before[old as usize];
        }
    }

    fn rebuild_frontier(&mut self, change: impl Fn(&mut Config)) {
        let old =
            std::mem::replace(&mut self.frontier, Frontier::new(self.available.packing, self.reductions.dominance));
        for mut config in old.into_configs() {
            change(&mut config);
            self.frontier.insert(config);
        }
    }
}

/// Counts a unit of work, and what it was to copy states since the last one.
fn work<M: Model, I: Borrow<M::Input>>(
    states: &mut States<'_, M, I>,
    exploration: &Exploration,
    share: &mut Share<'_>,
) -> Result<(), Stop> {
    share.weigh(states.take_copied_units());
    share.work(|| exploration.bytes() + states.bytes())
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
        // The slot is free from here on.
        if config.placed.remove(self.slot) | config.rest.settled.remove(self.slot) {
            self.placed.insert(config);
        } else if let Some(number) = self.before.insert(config.clone()) {
            self.work.entry(config.rest.used.total()).or_default().push((number, config));
        }
    }

    /// A configuration that is still to be followed.
    fn next(&mut self) -> Option<Config> {
        loop {
            let mut fewest = self.work.first_entry()?;
            let config = fewest.get_mut().pop();
            if fewest.get().is_empty() {
                fewest.remove();
            }
            if let Some((number, config)) = config
                && !self.before.has_forgotten(number)
            {
                return Some(config);
            }
        }
    }

    fn bytes(&self) -> usize {
        // What is still to be followed is there a second time; counting it as if all were is near enough.
        self.placed.bytes() + 2 * self.before.bytes()
    }
}
