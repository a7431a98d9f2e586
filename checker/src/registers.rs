//! The calls of one register with small numbers for its values, and which of these values tell who wrote them.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::model::{Access, Model};

/// The number of a value within one register's history.
pub(crate) type ValueId = u32;

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
        let initial = model.register_initial()?;
        let mut numbers = Numbers::with_small_below(2 * calls.len());
        let mut number = |value| numbers.get(value);
        let initial = number(initial);
        let accesses: Vec<_> =
            calls.iter().map(|call| Some(model.access(&call.input)?.map(&mut number))).collect::<Option<_>>()?;
        let values = numbers.count as usize;
        drop(numbers);
        let mut only_producer = vec![None; values];
        let mut produced = vec![false; values];
        for (call, access) in accesses.iter().enumerate() {
            if let Some(value) = access.produced().map(|value| value as usize) {
                let first = !std::mem::replace(&mut produced[value], true);
                only_producer[value] = (first && value != initial as usize).then_some(call);
            }
        }
        Some(RegisterCalls { accesses, initial, only_producer, produced })
    }

    /// How many bytes all this takes, and took while it was made.
    pub(crate) fn bytes(&self) -> usize {
        let made_of = size_of::<(&Value, ValueId)>() + size_of::<Option<usize>>();
        size_of_val(&*self.accesses) + self.produced.len() * made_of
    }

    /// Whether each value names its one write: only reads and writes, no value produced twice, and the initial value
    /// never.
    pub(crate) fn values_are_distinct(&self) -> bool {
        self.accesses.iter().all(|access| !matches!(access, Access::Cas { .. }))
            && self.produced.iter().zip(&self.only_producer).all(|(&produced, only)| produced == only.is_some())
    }
}

/// Gives numbers to values, in the order in which they come. Tests mostly write 0, 1, 2, and so on: those are looked up in a
/// table, where neighbours lie side by side, which in a long history takes a tenth of the time.
pub(crate) struct Numbers<'v> {
    /// The number of each small whole number; `NONE` where it has none yet.
    small: Vec<ValueId>,
    small_below: usize,
    others: FxHashMap<&'v Value, ValueId>,
    /// How many numbers were given.
    pub(crate) count: ValueId,
}

impl<'v> Numbers<'v> {
    const NONE: ValueId = ValueId::MAX;

    pub(crate) fn with_small_below(small_below: usize) -> Numbers<'v> {
        Numbers { small: Vec::new(), small_below, others: FxHashMap::default(), count: 0 }
    }

    pub(crate) fn get(&mut self, value: &'v Value) -> ValueId {
        let small = value.as_u64().and_then(|value| usize::try_from(value).ok()).filter(|&it| it < self.small_below);
        let number = if let Some(small) = small {
            if self.small.len() <= small {
                self.small.resize(small + 1, Self::NONE);
            }
            &mut self.small[small]
        } else {
            self.others.entry(value).or_insert(Self::NONE)
        };
        if *number == Self::NONE {
            *number = self.count;
            self.count = self.count.checked_add(1).expect("a history of four billion values does not fit in memory");
        }
        *number
    }
}
