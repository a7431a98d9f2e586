//! One object of a stream: what has happened to it and waits, and the walk along what does not wait any more.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::budget::Budget;
use crate::call::Call;
use crate::history::{Ending, Event, Operation, complete};
use crate::linearizability::{CheckError, Counts, Options, input};
use crate::meter::Meter;
use crate::model::Model;
use crate::models::value_bytes;
use crate::search::CallId;
use crate::search::walk::Ended;
use crate::search::walk::growing::GrowingWalk;
use crate::search::{explain, stuck};
use crate::streaming::Tired;
use crate::streaming::leash::Leash;
use crate::verdict::Counterexample;

/// Something that happens to the operation of this number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Begin(usize),
    /// It ends `ok`: from here on it must have been placed.
    End(usize),
}

/// An operation that is not over.
#[derive(Debug)]
pub(super) struct Pending<I> {
    pub(super) operation: Operation,
    /// Whether its completion is known.
    pub(super) ended: bool,
    /// As the model understands it, once its begin was processed.
    input: Option<I>,
}

impl<I> Pending<I> {
    pub(super) fn new(operation: Operation) -> Pending<I> {
        Pending { operation, ended: false, input: None }
    }

    /// Its last event has come.
    pub(super) fn complete(&mut self, event: &Event, ending: Ending) {
        complete(&mut self.operation, event, ending, |value| value.clone().into());
        self.ended = true;
    }

    pub(super) fn bytes(&self) -> usize {
        let Operation { input, output, .. } = &self.operation;
        size_of::<Self>() + value_bytes(input) + output.as_ref().map_or(0, |output| value_bytes(output))
    }
}

/// What all objects of a stream share while one of them goes on.
pub(super) struct Setting<'a, M> {
    pub(super) model: &'a M,
    pub(super) options: &'a Options,
    pub(super) effort: u64,
    pub(super) budget: &'a dyn Budget,
    /// What the others hold.
    pub(super) other_bytes: usize,
}

/// Why an object is over.
pub(super) enum Over {
    Violated(Counterexample),
    Tired(Tired),
}

/// See the module's head.
pub(super) struct Object<'m, M: Model> {
    pub(super) key: Option<Value>,
    waiting: VecDeque<Moment>,
    calls: BTreeMap<usize, Pending<M::Input>>,
    calls_bytes: usize,
    /// None once the object is over: then nothing is kept of it.
    walk: Option<GrowingWalk<'m, M>>,
    /// How many operations take part.
    pub(super) operations: usize,
    /// The most configurations after an event.
    pub(super) peak: usize,
}

impl<'m, M: Model> Object<'m, M> {
    pub(super) fn new(key: Option<Value>, model: &'m M, options: &Options) -> Object<'m, M> {
        let walk = Some(GrowingWalk::new(model, options.reductions));
        let (waiting, calls) = (VecDeque::new(), BTreeMap::new());
        Object { key, waiting, calls, calls_bytes: 0, walk, operations: 0, peak: 1 }
    }

    /// Whether it was given up or violated.
    pub(super) fn is_over(&self) -> bool {
        self.walk.is_none()
    }

    /// Forgets all but that it is over.
    pub(super) fn give_up(&mut self) {
        self.walk = None;
        self.waiting = VecDeque::new();
        self.calls = BTreeMap::new();
        self.calls_bytes = 0;
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn configurations(&self) -> usize {
        self.walk.as_ref().map_or(0, GrowingWalk::configurations)
    }

    /// About how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let walk = self.walk.as_ref().map_or(0, GrowingWalk::bytes);
        walk + self.calls_bytes + self.waiting.capacity() * size_of::<Moment>()
    }

    /// An operation begins.
    pub(super) fn begin(&mut self, number: usize, pending: Pending<M::Input>) {
        if !self.is_over() {
            self.waiting.push_back(Moment::Begin(number));
            self.calls_bytes += pending.bytes();
            self.calls.insert(number, pending);
        }
    }

    /// The completion of an operation is known.
    pub(super) fn complete(&mut self, number: usize, event: &Event, ending: Ending) {
        if let Some(pending) = self.calls.get_mut(&number) {
            self.calls_bytes -= pending.bytes();
            pending.complete(event, ending);
            self.calls_bytes += pending.bytes();
        }
    }

    /// An operation ends `ok`, after all that has arrived.
    pub(super) fn end(&mut self, number: usize) {
        if !self.is_over() {
            self.waiting.push_back(Moment::End(number));
        }
    }

    /// There are no more events: what has no completion has crashed.
    pub(super) fn finish(&mut self) {
        for pending in self.calls.values_mut() {
            pending.ended = true;
        }
    }

    /// Processes what does not wait any more.
    pub(super) fn advance(
        &mut self,
        setting: &Setting<'_, M>,
        counts: &mut Counts,
    ) -> Result<Option<Over>, CheckError> {
        while let Some(&moment) = self.waiting.front() {
            match moment {
                Moment::Begin(number) if !self.calls[&number].ended => break,
                Moment::Begin(number) => self.process_begin(number, setting.model, counts)?,
                Moment::End(number) => {
                    if let Some(over) = self.process_end(number, setting) {
                        self.give_up();
                        return Ok(Some(over));
                    }
                }
            }
            self.waiting.pop_front();
        }
        Ok(None)
    }

    fn process_begin(&mut self, number: usize, model: &M, counts: &mut Counts) -> Result<(), CheckError> {
        let pending = self.calls.get_mut(&number).expect("what waits is kept");
        let ending = pending.operation.ending;
        let input = input(model, &pending.operation)?;
        counts.count(model, ending, input.as_ref());
        self.operations += usize::from(input.is_some());
        if let (Some(walk), Some(input)) = (&mut self.walk, input) {
            if ending == Ending::Ok {
                walk.begin(name(number), input.clone());
                pending.input = Some(input);
                return Ok(());
            }
            walk.crash(input);
        }
        self.forget(number);
        Ok(())
    }

    fn process_end(&mut self, number: usize, setting: &Setting<'_, M>) -> Option<Over> {
        let walk = self.walk.as_mut()?;
        let leash = Leash::new(setting.budget, setting.effort, setting.other_bytes);
        let meter = Meter::new(&leash);
        let ended = walk.end(name(number), &mut meter.share(0));
        match ended {
            Ok(Ended::Placed) => {
                self.peak = self.peak.max(walk.configurations());
                self.forget(number);
                None
            }
            Ok(Ended::Stuck { states }) => Some(Over::Violated(self.counterexample(number, states, setting))),
            Err(_) => Some(Over::Tired(leash.tired(meter.exhausted()))),
        }
    }

    fn forget(&mut self, number: usize) {
        if let Some(pending) = self.calls.remove(&number) {
            self.calls_bytes -= pending.bytes();
        }
    }

    /// Why this operation has no place, as far as what is kept tells.
    fn counterexample(&self, number: usize, states: Vec<M::State>, setting: &Setting<'_, M>) -> Counterexample {
        let begun = self.calls.iter().filter_map(|(number, pending)| Some((number, pending, pending.input.clone()?)));
        let (numbers, calls): (Vec<usize>, Vec<Call<'_, M::Input>>) =
            begun.map(|(&number, pending, input)| (number, Call::new(&pending.operation, input))).unzip();
        let call = numbers.binary_search(&number).expect("an operation ends after it began");
        let stuck = stuck(setting.model, &calls, call, states.into_iter(), setting.options.states_shown);
        let explained = explain::counterexample(setting.model, &calls, &stuck);
        Counterexample { key: self.key.clone(), ..explained }
    }
}

/// The number of an operation as the walk takes it: those that are open at the same time lie nearer to each other than that.
fn name(number: usize) -> CallId {
    CallId::try_from(number & CallId::MAX as usize).expect("higher bits are gone")
}
