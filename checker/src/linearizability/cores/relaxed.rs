//! Whether some operations contradict each other when all others are relaxed.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::call::Call;
use crate::history::Operation;
use crate::linearizability::cores::effort::Effort;
use crate::meter::Meter;
use crate::model::{Access, Model, Strand};
use crate::registers::{RegisterCalls, ValueId};
use crate::routes::Guided;
use crate::search::{End, Reductions, search};

/// Why it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cannot {
    /// This try took more than its part of the effort.
    TooDear,
    /// Nothing is left to try anything.
    Exhausted,
}

/// The calls of one object up to a cut, any of which can be relaxed.
pub(super) struct Relaxed<'c, M: Model> {
    model: &'c M,
    calls: &'c [Call<'c, M::Input>],
    /// The calls that change the object; empty for a register.
    strands: BTreeMap<Strand, Vec<usize>>,
    register: Option<Register>,
}

/// What is known where the object is a register.
struct Register {
    calls: RegisterCalls,
    /// How many calls produce each value.
    producers: FxHashMap<ValueId, u32>,
}

impl<'c, M: Model> Relaxed<'c, M> {
    pub(super) fn new(model: &'c M, calls: &'c [Call<'c, M::Input>]) -> Relaxed<'c, M> {
        let register = RegisterCalls::of(model, calls).map(|calls| {
            let mut producers = FxHashMap::default();
            for value in calls.accesses.iter().filter_map(|access| access.produced()) {
                *producers.entry(value).or_default() += 1;
            }
            Register { calls, producers }
        });
        let mut strands: BTreeMap<Strand, Vec<usize>> = BTreeMap::new();
        let changes = |call: &&Call<'_, M::Input>| register.is_none() && !model.is_pure(&call.input);
        for (number, call) in calls.iter().enumerate().filter(|(_, call)| changes(call)) {
            strands.entry(model.strand(&call.input)).or_default().push(number);
        }
        Relaxed { model, calls, strands, register }
    }

    /// Whether relaxed operations leave only free values behind.
    pub(super) fn is_register(&self) -> bool {
        self.register.is_some()
    }

    /// Whether the calls of `kept` cannot be put in an order even if all others are relaxed.
    pub(super) fn contradicts(&self, kept: &[usize], effort: &mut Effort<'_>) -> Result<bool, Cannot> {
        // What a register knows of crashed calls does not hold where values are free.
        let reductions = Reductions { evidence: false, drop_unobserved: false, ..Reductions::default() };
        let optional = self.optional(kept);
        let grant = effort.grant(kept.len() + optional.len()).ok_or(Cannot::Exhausted)?;
        let meter = Meter::new(&grant);
        let mut share = meter.share(0);
        let linearizable = if let Some(register) = &self.register {
            let (model, calls) = self.with_free_values(register, kept);
            outcome(&search(&model, &calls, reductions, 0, &mut share).end)
        } else {
            // They may have begun before everything.
            let timeless = |&call: &usize| Operation { invoked: 0, ..self.calls[call].operation.clone() };
            let without_times: Vec<Operation> = optional.iter().map(timeless).collect();
            let mut calls: Vec<Call<'_, M::Input>> = kept.iter().map(|&call| self.calls[call].clone()).collect();
            calls.extend(without_times.iter().zip(&optional).map(|(operation, &call)| {
                let input = self.calls[call].input.clone();
                Call { operation, input, end: None }
            }));
            match Guided::of(self.model, &calls) {
                Some(guided) => outcome(&search(&guided.model, &guided.calls, reductions, 0, &mut share).end),
                None => outcome(&search(self.model, &calls, reductions, 0, &mut share).end),
            }
        };
        drop(share);
        match (linearizable, effort.settle(&grant)) {
            (Some(linearizable), _) => Ok(!linearizable),
            (None, true) => Err(Cannot::TooDear),
            (None, false) => Err(Cannot::Exhausted),
        }
    }

    /// The calls that may happen once at any moment, or never, where only `kept` are kept as they are.
    pub(super) fn optional(&self, kept: &[usize]) -> Vec<usize> {
        if self.register.is_some() {
            return Vec::new();
        }
        let kept: FxHashSet<usize> = kept.iter().copied().collect();
        let strands: BTreeSet<Strand> = kept.iter().map(|&call| self.strand(call)).chain([Strand::None]).collect();
        // What could notice that a strand is left out may happen or not, and for that the strand must be there.
        let all = strands.contains(&Strand::All) || self.strands.contains_key(&Strand::All);
        let strands = self.strands.iter().filter(|(strand, _)| all || strands.contains(strand));
        let mut calls: Vec<usize> = strands.flat_map(|(_, calls)| calls).copied().collect();
        calls.retain(|call| !kept.contains(call));
        calls.sort_unstable();
        calls
    }

    /// All calls of the strands that these are of.
    pub(super) fn strands_of(&self, calls: &[usize]) -> Vec<usize> {
        let strands: BTreeSet<Strand> = calls.iter().map(|&call| self.strand(call)).collect();
        let whole = strands.iter().filter(|strand| matches!(strand, Strand::Of(_)));
        let mut all: Vec<usize> = whole.filter_map(|strand| self.strands.get(strand)).flatten().copied().collect();
        all.extend(calls);
        all.sort_unstable();
        all.dedup();
        all
    }

    fn strand(&self, call: usize) -> Strand {
        self.model.strand(&self.calls[call].input)
    }

    /// The values that may be written at any moment, and that a call of `kept` saw.
    pub(super) fn free_and_seen(&self, kept: &[usize]) -> Vec<Value> {
        let Some(register) = &self.register else { return Vec::new() };
        let is_free = register.free(kept);
        let mut values: Vec<&Value> = kept
            .iter()
            .filter(|&&call| register.calls.accesses[call].observed().is_some_and(&is_free))
            .filter_map(|&call| self.model.access(&self.calls[call].input)?.observed())
            .collect();
        values.sort_by_key(ToString::to_string);
        values.dedup();
        values.into_iter().cloned().collect()
    }

    /// The kept calls of a register, all free values under one name.
    fn with_free_values(&self, register: &Register, kept: &[usize]) -> (FreeRegister, Vec<Call<'c, Named>>) {
        let is_free = register.free(kept);
        let name = |value: ValueId| (!is_free(value)).then_some(value);
        let named = kept.iter().map(|&place| {
            let Call { operation, end, .. } = self.calls[place];
            Call { operation, input: register.calls.accesses[place].map(name), end }
        });
        (FreeRegister { initial: name(register.calls.initial) }, named.collect())
    }
}

impl Register {
    /// Whether a value is free: whether a call that is not kept produces it.
    fn free(&self, kept: &[usize]) -> impl Fn(ValueId) -> bool + use<> {
        let mut left = FxHashMap::default();
        for value in kept.iter().filter_map(|&call| {
            let access = self.calls.accesses[call];
            access.produced()
        }) {
            *left.entry(value).or_insert_with(|| self.producers[&value]) -= 1;
        }
        let not_kept: FxHashSet<ValueId> = kept
            .iter()
            .flat_map(|&call| {
                let access = self.calls.accesses[call];
                [access.observed(), access.produced()].into_iter().flatten()
            })
            .chain([self.calls.initial])
            .filter(|value| left.get(value).or(self.producers.get(value)).is_some_and(|&producers| producers > 0))
            .collect();
        move |value| not_kept.contains(&value)
    }
}

fn outcome<S>(end: &End<S>) -> Option<bool> {
    match end {
        End::Linearizable => Some(true),
        End::Stuck(_) => Some(false),
        End::Stopped { .. } => None,
    }
}

/// What a call does, by the name of its value; free values have none.
type Named = Access<Option<ValueId>>;

/// A register some of whose values can be written at any moment.
///
/// Free values need not be told apart: from each of them any other can be reached at any moment. Nor need it be considered that
/// one is written before it is needed: nothing becomes possible by that which is not possible without.
struct FreeRegister {
    initial: Option<ValueId>,
}

impl Model for FreeRegister {
    /// None while it holds a free value.
    type State = Option<ValueId>;
    type Input = Named;

    fn name(&self) -> &'static str {
        "register with free values"
    }

    fn initial(&self) -> Option<ValueId> {
        self.initial
    }

    fn input(&self, _operation: &Operation) -> Result<Named, String> {
        Err("its calls are made from those of another model".to_owned())
    }

    fn step(&self, state: &Option<ValueId>, input: &Named) -> Result<Option<ValueId>, String> {
        match *input {
            Access::ReadAny => Ok(*state),
            Access::Write(value) => Ok(value),
            Access::Read(seen @ None) => Ok(seen),
            Access::Cas { from: None, to } => Ok(to),
            Access::Read(seen) | Access::Cas { from: seen, .. } if seen != *state => Err("another value".to_owned()),
            Access::Read(seen) => Ok(seen),
            Access::Cas { to, .. } => Ok(to),
        }
    }

    fn is_pure(&self, input: &Named) -> bool {
        match input {
            // A read of a free value has it written first.
            Access::Read(value) => value.is_some(),
            Access::ReadAny => true,
            Access::Write(_) => false,
            Access::Cas { from, to } => from.is_some() && from == to,
        }
    }
}
