//! The states that a search has met, each stored once, and the transitions between them, each computed once.

use std::borrow::Borrow;
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::meter::units_of_state;
use crate::model::Model;
use crate::search::places::{table_bytes, vec_bytes};

/// The number of a state within one search.
pub(super) type StateId = u32;
/// The number of an input within one search.
pub(super) type InputId = u32;

/// Fewer bytes than this are never worth collecting.
const COLLECT_FROM_BYTES: usize = 1 << 20;

/// With no more inputs than this, a state's steps stand in a row.
const INPUTS_IN_A_ROW: usize = 64;

/// What is known of an input in a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    #[default]
    NotComputed,
    Refused,
    To(StateId),
}

/// The steps that were computed.
enum Steps {
    /// One row for each state, by input.
    Rows { width: usize, rows: Vec<Step> },
    /// For many inputs, of which few meet each state.
    Sparse(FxHashMap<(StateId, InputId), Step>),
}

impl Steps {
    fn new(inputs: usize) -> Steps {
        if inputs <= INPUTS_IN_A_ROW {
            Steps::Rows { width: inputs, rows: Vec::new() }
        } else {
            Steps::Sparse(FxHashMap::default())
        }
    }

    /// None that were computed, for the same inputs.
    fn emptied(&self) -> Steps {
        match self {
            Steps::Rows { width, .. } => Steps::Rows { width: *width, rows: Vec::new() },
            Steps::Sparse(_) => Steps::Sparse(FxHashMap::default()),
        }
    }

    fn get(&self, state: StateId, input: InputId) -> Step {
        let known = match self {
            Steps::Rows { width, rows } => rows.get(state as usize * width + input as usize),
            Steps::Sparse(steps) => steps.get(&(state, input)),
        };
        known.copied().unwrap_or_default()
    }

    fn insert(&mut self, state: StateId, input: InputId, step: Step) {
        match self {
            Steps::Rows { width, rows } => {
                let end = (state as usize + 1) * *width;
                if rows.len() < end {
                    rows.resize(end, Step::NotComputed);
                }
                rows[end - *width + input as usize] = step;
            }
            Steps::Sparse(steps) => {
                steps.insert((state, input), step);
            }
        }
    }

    fn held_bytes(&self) -> usize {
        match self {
            Steps::Rows { rows, .. } => rows.capacity() * size_of::<Step>(),
            Steps::Sparse(steps) => steps.capacity() * (size_of::<((StateId, InputId), Step)>() + 1),
        }
    }

    /// With what it takes to grow.
    fn bytes(&self) -> usize {
        match self {
            Steps::Rows { rows, .. } => vec_bytes(rows.len(), rows.capacity(), size_of::<Step>()),
            Steps::Sparse(steps) => table_bytes(steps.len(), steps.capacity(), size_of::<((StateId, InputId), Step)>()),
        }
    }
}

/// States by number, with memoised steps. `I` is how an input is held: borrowed, where all are known beforehand.
pub(super) struct States<'m, M: Model, I> {
    model: &'m M,
    inputs: Vec<I>,
    numbers: FxHashMap<Rc<M::State>, StateId>,
    by_number: Vec<Rc<M::State>>,
    /// For each state the units of work that it is to copy it.
    units_of: Vec<u32>,
    /// Those of the copies that were made since somebody asked.
    copied_units: u32,
    steps: Steps,
    state_bytes: usize,
    collect_at_bytes: usize,
}

impl<'m, M: Model, I: Borrow<M::Input>> States<'m, M, I> {
    pub(super) fn new(model: &'m M, inputs: Vec<I>) -> States<'m, M, I> {
        let steps = Steps::new(inputs.len());
        States::with(model, inputs, steps)
    }

    /// For inputs that come one after the other.
    pub(super) fn growing(model: &'m M) -> States<'m, M, I> {
        States::with(model, Vec::new(), Steps::Sparse(FxHashMap::default()))
    }

    fn with(model: &'m M, inputs: Vec<I>, steps: Steps) -> States<'m, M, I> {
        States {
            model,
            inputs,
            numbers: FxHashMap::default(),
            by_number: Vec::new(),
            units_of: Vec::new(),
            copied_units: 0,
            steps,
            state_bytes: 0,
            collect_at_bytes: COLLECT_FROM_BYTES,
        }
    }

    /// The number of this state.
    pub(super) fn number(&mut self, state: M::State) -> StateId {
        if let Some(&known) = self.numbers.get(&state) {
            return known;
        }
        let number = StateId::try_from(self.by_number.len()).expect("four billion states do not fit in memory");
        let bytes = self.model.state_bytes(&state);
        self.state_bytes += bytes;
        self.units_of.push(units_of_state(bytes));
        let state = Rc::new(state);
        self.by_number.push(Rc::clone(&state));
        self.numbers.insert(state, number);
        number
    }

    /// How many numbers were given.
    pub(super) fn len(&self) -> usize {
        self.by_number.len()
    }

    /// Another input, in a search that began with none.
    pub(super) fn add_input(&mut self, input: I) -> InputId {
        self.inputs.push(input);
        InputId::try_from(self.inputs.len() - 1).expect("four billion inputs do not fit in memory")
    }

    /// The inputs by their numbers.
    pub(super) fn inputs(&self) -> &[I] {
        &self.inputs
    }

    /// Puts these inputs in the place of those that were there, and forgets all steps.
    pub(super) fn replace_inputs(&mut self, inputs: Vec<I>) {
        self.inputs = inputs;
        self.steps = self.steps.emptied();
    }

    /// The state of this number.
    pub(super) fn state(&self, number: StateId) -> &M::State {
        &self.by_number[number as usize]
    }

    /// The state after `input` happened in `state`, if it can.
    pub(super) fn step(&mut self, state: StateId, input: InputId) -> Option<StateId> {
        match self.steps.get(state, input) {
            Step::To(after) => return Some(after),
            Step::Refused => return None,
            Step::NotComputed => {}
        }
        let after = self.model.step(self.state(state), self.inputs[input as usize].borrow()).ok();
        let after = after.map(|after| self.number(after));
        self.steps.insert(state, input, after.map_or(Step::Refused, Step::To));
        if after.is_some() {
            self.copied_units = self.copied_units.saturating_add(self.units_of[state as usize]);
        }
        after
    }

    /// The units of work that it was to copy states, since this was asked last.
    pub(super) fn take_copied_units(&mut self) -> u32 {
        std::mem::take(&mut self.copied_units)
    }

    /// About how many bytes all this takes, and will take while it grows next.
    pub(super) fn bytes(&self) -> usize {
        let numbered = table_bytes(self.numbers.len(), self.numbers.capacity(), size_of::<(Rc<M::State>, StateId)>());
        let per_state = size_of::<Rc<M::State>>() + size_of::<u32>();
        let listed = vec_bytes(self.by_number.len(), self.by_number.capacity(), per_state);
        // A count of owners stands before each state, and another one of those that do not own it.
        let counts = 2 * size_of::<usize>() * self.by_number.len();
        self.state_bytes + self.steps.bytes() + numbered + listed + counts
    }

    /// Whether it is time to forget the states that are not needed any more.
    pub(super) fn wants_collection(&self) -> bool {
        self.held_bytes() > self.collect_at_bytes
    }

    /// About how many bytes all this takes now.
    fn held_bytes(&self) -> usize {
        self.state_bytes + self.steps.held_bytes() + self.by_number.capacity() * 4 * size_of::<usize>()
    }

    /// Forgets all states but those in `alive`, and all steps. Returns the new number of each that stays.
    pub(super) fn collect(&mut self, alive: impl Iterator<Item = StateId>) -> FxHashMap<StateId, StateId> {
        let mut alive: Vec<StateId> = alive.collect::<FxHashSet<_>>().into_iter().collect();
        alive.sort_unstable();
        let old = std::mem::take(&mut self.by_number);
        self.numbers = FxHashMap::default();
        self.steps = self.steps.emptied();
        self.units_of = Vec::new();
        self.state_bytes = 0;
        let mut renamed = FxHashMap::default();
        for number in alive {
            let state = M::State::clone(&old[number as usize]);
            renamed.insert(number, self.number(state));
        }
        self.collect_at_bytes = COLLECT_FROM_BYTES.max(4 * self.held_bytes());
        renamed
    }
}
