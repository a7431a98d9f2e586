//! A walk along a history that is not known to its end: inputs, classes and slots come as they are needed, and those that
//! nothing needs any more are forgotten. What it does with a call is what every walk does.
//!
//! **Idle classes.** On a register, a crashed operation is left alone at a return if no open operation and no crashed
//! compare-and-set observes the value that it would leave behind. Take the way from a configuration to one in which the returning
//! operation is placed, and in it the last crashed operation of that kind. It is not the last step of the way, which is the
//! returning operation. The next step does not observe its value, and so is legal in every state and replaces or leaves what is
//! there: without the crashed operation the way leads to the same state, or, where only reads without an answer follow, to
//! one in which the same are placed; and it has used less. The next returns can use it all the same, when somebody is open
//! who observes it. This is what can be had of dropping what nobody saw without knowing who will come.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::{Ended, NOT_KNOWN, Walk};
use crate::meter::{Share, Stop};
use crate::model::{Access, Model};
use crate::search::Reductions;
use crate::search::available::Available;
use crate::search::frontier::Class;
use crate::search::mask::Mask;
use crate::search::states::{InputId, States};
use crate::search::timeline::CallId;

/// How many slots there are at the beginning, and come at a time: as many as a word of a mask has.
const SLOTS_AT_A_TIME: usize = 64;

/// With fewer inputs than this it is not worth looking for those that nothing needs.
const INPUTS_KEPT: usize = 64;

/// See the module's head.
pub(crate) struct GrowingWalk<'m, M: Model> {
    model: &'m M,
    walk: Walk<'m, M, Rc<M::Input>>,
    numbers: FxHashMap<Rc<M::Input>, InputId>,
    width: usize,
    /// With so many inputs those that nothing needs are forgotten.
    tidy_at: usize,
}

impl<'m, M: Model> GrowingWalk<'m, M> {
    /// Before anything happened. Of the reductions those that need the future are not used.
    pub(crate) fn new(model: &'m M, reductions: Reductions) -> GrowingWalk<'m, M> {
        let walk = Walk::at_begin(model, States::growing(model), Available::growing(), SLOTS_AT_A_TIME, reductions);
        GrowingWalk { model, walk, numbers: FxHashMap::default(), width: SLOTS_AT_A_TIME, tidy_at: INPUTS_KEPT }
    }

    /// A call begins that will end. `call` is no other open call's number.
    pub(crate) fn begin(&mut self, call: CallId, input: M::Input) {
        if self.walk.free_slots.is_empty() {
            self.widen();
        }
        let input = self.number(input);
        self.walk.begin(call, input, NOT_KNOWN);
    }

    /// A call begins and crashes.
    pub(crate) fn crash(&mut self, input: M::Input) {
        let input = self.number(input);
        let class = self.class(input);
        self.walk.crash(class);
    }

    /// A call returns: only configurations in which it has a place stay. After an error, and where it is stuck, there are
    /// none any more.
    pub(crate) fn end(&mut self, call: CallId, share: &mut Share<'_>) -> Result<Ended<M::State>, Stop> {
        let idle = self.idle_classes();
        self.walk.available.leave_alone(idle);
        let ended = self.walk.end(call, share)?;
        if matches!(ended, Ended::Placed) && self.numbers.len() >= self.tidy_at {
            self.tidy();
        }
        Ok(ended)
    }

    /// How many configurations there are.
    pub(crate) fn configurations(&self) -> usize {
        self.walk.frontier.len()
    }

    /// About how many bytes it takes, the heap of inputs apart.
    pub(crate) fn bytes(&self) -> usize {
        let per_input = size_of::<M::Input>() + 4 * size_of::<usize>();
        self.walk.frontier.bytes() + self.walk.states.bytes() + self.numbers.len() * per_input
    }

    /// See the module's head; nothing where this is no register.
    fn idle_classes(&self) -> Vec<bool> {
        let walk = &self.walk;
        if !walk.reductions.drop_unobserved
            || walk.available.classes().is_empty()
            || self.model.register_initial().is_none()
        {
            return Vec::new();
        }
        let access = |input: InputId| self.model.access(&walk.states.inputs()[input as usize]);
        let crashed = || walk.available.classes().iter().map(|&class| walk.input_of_class[class as usize]);
        let may_see: Option<Vec<_>> = walk.open.iter().map(|open| open.input).chain(crashed()).map(access).collect();
        let Some(may_see) = may_see else { return Vec::new() };
        let observed: FxHashSet<&Value> = may_see.into_iter().filter_map(Access::observed).collect();
        let mut idle = vec![false; walk.input_of_class.len()];
        for (&class, input) in walk.available.classes().iter().zip(crashed()) {
            let left_behind = access(input).and_then(Access::produced);
            idle[class as usize] = left_behind.is_some_and(|value| !observed.contains(value));
        }
        idle
    }

    fn number(&mut self, input: M::Input) -> InputId {
        if let Some(&known) = self.numbers.get(&input) {
            return known;
        }
        let input = Rc::new(input);
        self.walk.greedy.push(self.walk.reductions.greedy && self.model.is_pure(&input));
        self.walk.part_of.push(self.walk.reductions.parts.then(|| self.model.part(&input)).flatten());
        let number = self.walk.states.add_input(Rc::clone(&input));
        self.numbers.insert(input, number);
        number
    }

    /// The class of crashed calls with this input. One of which none may still be used is over, and its number is free: no
    /// configuration counts any of it.
    fn class(&mut self, input: InputId) -> Class {
        let walk = &mut self.walk;
        let same = |class: &Class| walk.input_of_class[*class as usize] == input;
        if walk.reductions.classes
            && let Some(class) = walk.available.classes().iter().copied().find(same)
        {
            return class;
        }
        let class = walk.available.free_class();
        let place = class as usize;
        walk.input_of_class.resize(walk.input_of_class.len().max(place + 1), input);
        walk.input_of_class[place] = input;
        class
    }

    fn widen(&mut self) {
        let width = self.width + SLOTS_AT_A_TIME;
        self.walk.free_slots.extend((self.width..width).rev());
        self.width = width;
        self.walk.rebuild_frontier(|config| {
            for mask in [&mut config.placed, &mut config.rest.settled] {
                *mask = std::mem::replace(mask, Mask::empty(0)).widened(width);
            }
        });
    }

    /// Forgets the inputs of calls that are over, and the states in which things cannot stand any more.
    fn tidy(&mut self) {
        let walk = &mut self.walk;
        let mut alive: Vec<InputId> = walk.open.iter().map(|open| open.input).collect();
        alive.extend(walk.available.classes().iter().map(|&class| walk.input_of_class[class as usize]));
        alive.sort_unstable();
        alive.dedup();
        let renumbered = |old: InputId| alive.binary_search(&old).ok().and_then(|place| InputId::try_from(place).ok());
        let inputs: Vec<Rc<M::Input>> =
            alive.iter().map(|&number| Rc::clone(&walk.states.inputs()[number as usize])).collect();
        walk.greedy = alive.iter().map(|&number| walk.greedy[number as usize]).collect();
        walk.part_of = alive.iter().map(|&number| walk.part_of[number as usize]).collect();
        for open in &mut walk.open {
            open.input = renumbered(open.input).expect("the input of an open call is alive");
        }
        for input in &mut walk.input_of_class {
            // Where a class is over its number is free, and so it does not matter which input it had.
            *input = renumbered(*input).unwrap_or_default();
        }
        self.numbers = inputs.iter().cloned().zip(0..).collect();
        walk.states.replace_inputs(inputs);
        walk.collect_states();
        self.tidy_at = INPUTS_KEPT.max(2 * self.numbers.len());
    }
}
