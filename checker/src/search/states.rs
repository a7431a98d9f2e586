//! The states that a search has met, each stored once, and the transitions between them, each computed once.

use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::Model;

/// The number of a state within one search.
pub(super) type StateId = u32;
/// The number of an input within one search.
pub(super) type InputId = u32;

/// Fewer bytes than this are never worth collecting.
const COLLECT_FROM_BYTES: usize = 1 << 20;

/// States by number, with memoised steps.
pub(super) struct States<'m, M: Model> {
    model: &'m M,
    inputs: Vec<&'m M::Input>,
    numbers: FxHashMap<Rc<M::State>, StateId>,
    by_number: Vec<Rc<M::State>>,
    /// The state after an input; none where it is refused.
    steps: FxHashMap<(StateId, InputId), Option<StateId>>,
    state_bytes: usize,
    collect_at_bytes: usize,
}

impl<'m, M: Model> States<'m, M> {
    pub(super) fn new(model: &'m M, inputs: Vec<&'m M::Input>) -> States<'m, M> {
        States {
            model,
            inputs,
            numbers: FxHashMap::default(),
            by_number: Vec::new(),
            steps: FxHashMap::default(),
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
        self.state_bytes += self.model.state_bytes(&state);
        let state = Rc::new(state);
        self.by_number.push(Rc::clone(&state));
        self.numbers.insert(state, number);
        number
    }

    /// The state of this number.
    pub(super) fn state(&self, number: StateId) -> &M::State {
        &self.by_number[number as usize]
    }

    /// The state after `input` happened in `state`, if it can.
    pub(super) fn step(&mut self, state: StateId, input: InputId) -> Option<StateId> {
        if let Some(&known) = self.steps.get(&(state, input)) {
            return known;
        }
        let after = self.model.step(self.state(state), self.inputs[input as usize]).ok();
        let after = after.map(|after| self.number(after));
        self.steps.insert((state, input), after);
        after
    }

    /// About how many bytes all this takes.
    pub(super) fn bytes(&self) -> usize {
        let step = size_of::<((StateId, InputId), Option<StateId>)>() + 1;
        self.state_bytes + self.steps.capacity() * step + self.by_number.capacity() * 4 * size_of::<usize>()
    }

    /// Whether it is time to forget the states that are not needed any more.
    pub(super) fn wants_collection(&self) -> bool {
        self.bytes() > self.collect_at_bytes
    }

    /// Forgets all states but those in `alive`, and all steps. Returns the new number of each that stays.
    pub(super) fn collect(&mut self, alive: impl Iterator<Item = StateId>) -> FxHashMap<StateId, StateId> {
        let mut alive: Vec<StateId> = alive.collect::<FxHashSet<_>>().into_iter().collect();
        alive.sort_unstable();
        let old = std::mem::take(&mut self.by_number);
        self.numbers = FxHashMap::default();
        self.steps = FxHashMap::default();
        self.state_bytes = 0;
        let mut renamed = FxHashMap::default();
        for number in alive {
            let state = M::State::clone(&old[number as usize]);
            renamed.insert(number, self.number(state));
        }
        self.collect_at_bytes = COLLECT_FROM_BYTES.max(4 * self.bytes());
        renamed
    }
}
