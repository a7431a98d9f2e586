//! The calls of one register with small numbers for its values, and which of these values tell who wrote them.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::model::{Access, Model};

/// The number of a value within one register's history.
pub(crate) type ValueId = u32;

/// The numbers of values, in the order in which they were first named.
#[derive(Default)]
pub(crate) struct Names<'v> {
    numbers: FxHashMap<&'v Value, ValueId>,
}

impl<'v> Names<'v> {
    pub(crate) fn number(&mut self, value: &'v Value) -> ValueId {
        let next =
            ValueId::try_from(self.numbers.len()).expect("a history of four billion values does not fit in memory");
        *self.numbers.entry(value).or_insert(next)
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }
}

/// What each call does with a register.
pub(crate) struct RegisterCalls {
    /// In the order of the calls.
    pub(crate) accesses: Vec<Access<ValueId>>,
    /// The value at the beginning.
    pub(crate) initial: ValueId,
    /// For each value the only call that produced it: among all writes and targets of compare-and-set, those that
    /// crashed included, and no value that was there at the beginning.
    pub(crate) only_producer: Vec<Option<usize>>,
    /// For each value whether any call produced it.
    pub(crate) produced: Vec<bool>,
}

impl RegisterCalls {
    /// None unless the model calls itself a register and each of the calls an access to it.
    pub(crate) fn of<M: Model>(model: &M, calls: &[Call<'_, M::Input>]) -> Option<RegisterCalls> {
        let mut names = Names::default();
        let initial = names.number(model.register_initial()?);
        let accesses: Vec<_> = calls
            .iter()
            .map(|call| Some(model.access(&call.input)?.map(|value| names.number(value))))
            .collect::<Option<_>>()?;
        let mut only_producer = vec![None; names.len()];
        let mut produced = vec![false; names.len()];
        for (call, access) in accesses.iter().enumerate() {
            if let Some(value) = access.produced().map(|value| value as usize) {
                let first = !std::mem::replace(&mut produced[value], true);
                only_producer[value] = (first && value != initial as usize).then_some(call);
            }
        }
        Some(RegisterCalls { accesses, initial, only_producer, produced })
    }

    /// Whether each value names its one write: only reads and writes, no value produced twice, and the initial value
    /// never.
    pub(crate) fn values_are_distinct(&self) -> bool {
        self.accesses.iter().all(|access| !matches!(access, Access::Cas { .. }))
            && self.produced.iter().zip(&self.only_producer).all(|(&produced, only)| produced == only.is_some())
    }
}
