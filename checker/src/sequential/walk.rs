//! The depth-first search for one order of all operations.

use rustc_hash::FxHashMap;

use crate::meter::{Share, Stop, units_of_state};
use crate::model::Model;
use crate::search::places::{table_bytes, vec_bytes};
use crate::sequential::orders::{Orders, Placed};

/// What an allocation takes besides what it holds, about.
const BYTES_OF_AN_ALLOCATION: usize = 16;

/// How things may stand after some operations.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// How many operations of each process have been placed.
    done: Box<[u32]>,
    /// The state of each object.
    states: Box<[u32]>,
}

/// How many crashed operations of each class were used.
type Used = Box<[u32]>;

/// How a search ended.
pub(super) enum Ended {
    /// An order was found.
    Ordered,
    /// There is none.
    NoOrder,
}

/// A search.
pub(super) struct Walk<'o, 'a, M: Model> {
    orders: &'o Orders<'a, M::Input>,
    states: States<'o, M>,
    /// What was looked at, with the smallest sets of crashed operations that were used on the way.
    seen: FxHashMap<Place, Vec<Used>>,
    seen_bytes: usize,
    configurations: usize,
    farthest: usize,
    farthest_place: Option<Place>,
}

impl<'o, 'a, M: Model> Walk<'o, 'a, M> {
    pub(super) fn new(model: &'o M, orders: &'o Orders<'a, M::Input>) -> Self {
        Walk {
            orders,
            states: States::new(model),
            seen: FxHashMap::default(),
            seen_bytes: 0,
            configurations: 0,
            farthest: 0,
            farthest_place: None,
        }
    }

    /// Looks for an order.
    pub(super) fn run(&mut self, share: &mut Share<'_>) -> Result<Ended, Stop> {
        share.ask(0)?;
        let initial = self.states.initial();
        let place = Place {
            done: vec![0; self.orders.processes.len()].into(),
            states: vec![initial; self.orders.keys.len()].into(),
        };
        let mut stack = vec![(place, Used::from(vec![0; self.orders.classes.len()]))];
        while let Some((mut place, used)) = stack.pop() {
            self.settle(&mut place);
            let placed = place.done.iter().map(|&done| done as usize).sum();
            if placed == self.orders.obliged() {
                return Ok(Ended::Ordered);
            }
            if !self.is_new(&place, &used) {
                continue;
            }
            if placed > self.farthest || self.farthest_place.is_none() {
                self.farthest = placed;
                self.farthest_place = Some(place.clone());
            }
            self.follow(&place, &used, &mut stack);
            share.weigh(std::mem::take(&mut self.states.copied_units));
            share.work(|| {
                let waiting = stack.len() * self.boxes_bytes()
                    + vec_bytes(stack.len(), stack.capacity(), size_of::<(Place, Used)>());
                self.bytes() + waiting
            })?;
        }
        Ok(Ended::NoOrder)
    }

    /// How many different configurations were looked at.
    pub(super) fn configurations(&self) -> usize {
        self.configurations
    }

    /// The most operations that were placed in any order that was tried.
    pub(super) fn farthest(&self) -> usize {
        self.farthest
    }

    /// For each process that has something left to do where the farthest order ends: its next operation, and the state of
    /// its object.
    pub(super) fn stuck(&self) -> impl Iterator<Item = (&Placed<'a, M::Input>, &M::State)> {
        self.farthest_place.iter().flat_map(|place| {
            let left = self.orders.processes.iter().zip(&place.done);
            left.filter_map(|(order, &done)| {
                let next = order.get(done as usize)?;
                Some((next, self.states.state(place.states[next.object])))
            })
        })
    }

    /// Places every operation that changes no state and is legal, until none is left that could be next.
    fn settle(&mut self, place: &mut Place) {
        for (order, done) in self.orders.processes.iter().zip(&mut place.done) {
            while let Some(next) = order.get(*done as usize)
                && self.states.is_pure(next)
                && self.states.step(place.states[next.object], next).is_some()
            {
                *done += 1;
            }
        }
    }

    /// Remembers that this was looked at; false if it was before, or something that can do as much.
    fn is_new(&mut self, place: &Place, used: &Used) -> bool {
        let within = |one: &Used, other: &Used| one.iter().zip(other).all(|(one, other)| one <= other);
        let bytes = self.boxes_bytes() + size_of::<Used>() + BYTES_OF_AN_ALLOCATION;
        if let Some(before) = self.seen.get_mut(place) {
            if before.iter().any(|known| within(known, used)) {
                return false;
            }
            before.retain(|known| !within(used, known));
            before.push(used.clone());
        } else {
            self.seen.insert(place.clone(), vec![used.clone()]);
        }
        self.seen_bytes += bytes;
        self.configurations += 1;
        true
    }

    /// Adds what can come next. What was invoked first is tried first, so it comes last onto the stack.
    fn follow(&mut self, place: &Place, used: &Used, stack: &mut Vec<(Place, Used)>) {
        for (number, class) in self.orders.classes.iter().enumerate() {
            let begun = class.after.iter().filter(|&&(process, after)| place.done[process] >= after).count();
            if used[number] as usize >= begun {
                continue;
            }
            let crashed = &self.orders.crashed[class.example];
            let before = place.states[crashed.object];
            // What changes nothing need not be used up, since it need not happen.
            if let Some(after) = self.states.step(before, crashed).filter(|&after| after != before) {
                let (mut next, mut more) = (place.clone(), used.clone());
                next.states[crashed.object] = after;
                more[number] += 1;
                stack.push((next, more));
            }
        }
        let mut choices: Vec<(u64, usize, u32)> = Vec::new();
        for (process, order) in self.orders.processes.iter().enumerate() {
            let Some(next) = order.get(place.done[process] as usize) else { continue };
            if let Some(after) = self.states.step(place.states[next.object], next) {
                choices.push((next.call.operation.invoked, process, after));
            }
        }
        choices.sort_unstable_by(|one, other| other.cmp(one));
        for (_, process, after) in choices {
            let object = self.orders.processes[process][place.done[process] as usize].object;
            let mut next = place.clone();
            next.done[process] += 1;
            next.states[object] = after;
            stack.push((next, used.clone()));
        }
    }

    /// About how many bytes all this takes, and will take while it grows next.
    fn bytes(&self) -> usize {
        let table = table_bytes(self.seen.len(), self.seen.capacity(), size_of::<(Place, Vec<Used>)>());
        table + self.seen_bytes + self.states.bytes()
    }

    /// About how many bytes the numbers of a configuration take.
    fn boxes_bytes(&self) -> usize {
        let orders = self.orders;
        let numbers = orders.processes.len() + orders.keys.len() + orders.classes.len();
        numbers * size_of::<u32>() + 3 * BYTES_OF_AN_ALLOCATION
    }
}

/// The states that were met, each once, and the steps between them, each computed once.
struct States<'m, M: Model> {
    model: &'m M,
    numbers: FxHashMap<M::State, u32>,
    by_number: Vec<M::State>,
    steps: FxHashMap<(u32, u32), Option<u32>>,
    state_bytes: usize,
    /// For each state the units of work that it is to copy it.
    units_of: Vec<u32>,
    /// Those of the copies since the last unit.
    copied_units: u32,
}

impl<'m, M: Model> States<'m, M> {
    fn new(model: &'m M) -> Self {
        let (numbers, by_number, steps) = (FxHashMap::default(), Vec::new(), FxHashMap::default());
        States { model, numbers, by_number, steps, state_bytes: 0, units_of: Vec::new(), copied_units: 0 }
    }

    fn initial(&mut self) -> u32 {
        self.number(self.model.initial())
    }

    fn number(&mut self, state: M::State) -> u32 {
        if let Some(&known) = self.numbers.get(&state) {
            return known;
        }
        let number = u32::try_from(self.by_number.len()).expect("four billion states do not fit in memory");
        let bytes = self.model.state_bytes(&state);
        // It is kept twice.
        self.state_bytes += 2 * bytes;
        self.units_of.push(units_of_state(bytes));
        self.by_number.push(state.clone());
        self.numbers.insert(state, number);
        number
    }

    fn state(&self, number: u32) -> &M::State {
        &self.by_number[number as usize]
    }

    fn is_pure(&self, placed: &Placed<'_, M::Input>) -> bool {
        self.model.is_pure(&placed.call.input)
    }

    fn step(&mut self, state: u32, placed: &Placed<'_, M::Input>) -> Option<u32> {
        if let Some(&known) = self.steps.get(&(state, placed.input)) {
            return known;
        }
        let after = self.model.step(self.state(state), &placed.call.input).ok().map(|after| self.number(after));
        self.steps.insert((state, placed.input), after);
        if after.is_some() {
            self.copied_units = self.copied_units.saturating_add(self.units_of[state as usize]);
        }
        after
    }

    fn bytes(&self) -> usize {
        let steps = table_bytes(self.steps.len(), self.steps.capacity(), size_of::<((u32, u32), Option<u32>)>());
        let numbers = table_bytes(self.numbers.len(), self.numbers.capacity(), size_of::<(M::State, u32)>());
        let listed = vec_bytes(self.by_number.len(), self.by_number.capacity(), size_of::<M::State>());
        self.state_bytes + steps + numbers + listed
    }
}
