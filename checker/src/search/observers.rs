//! What is known of crashed operations on a register while it is searched: which of them somebody could still observe.
//!
//! A register's value is replaced as a whole. So a crashed write or compare-and-set that nothing observes before the next
//! change can be taken out of any order: what stands between are reads without an answer, and what follows is a write, which is
//! legal anyway. Whoever continues a configuration need therefore use only crashed operations that are observed, each by
//! another operation, which a read or a compare-and-set is. Three things follow.
//!
//! **Wanted values.** Operations are placed before one that is about to return; what is observed among them is observed by an
//! open operation that has no place yet, or by a crashed compare-and-set that is observed in turn. No other value is worth
//! using a crashed operation for.
//!
//! **Enough left.** Of the crashed operations that produce a value no more are needed than operations that observe it may
//! still be placed: those that have not returned, and those that crashed. Of each class no more count as left.
//!
//! **The weaker first.** Where a crashed compare-and-set leads from the present value to another, a crashed write of that
//! value need not be used: who keeps the write can do with it whatever could be done with the compare-and-set.

use crate::model::{Access, Model};
use crate::registers::{Numbers, ValueId};
use crate::search::frontier::Class;
use crate::search::states::InputId;
use crate::search::timeline::{Moment, Timeline};

/// With no more values than this, sets of them are words.
const VALUES_AT_MOST: usize = 64;

/// A set of values.
pub(super) type Values = u64;

/// What the inputs of a search do with a register, and who may still observe its values.
pub(super) struct Observers {
    /// By input.
    accesses: Vec<Access<ValueId>>,
    /// By class.
    of_class: Vec<Access<ValueId>>,
    /// For each value how many operations that observe it have not returned or have crashed.
    left: Vec<u32>,
    /// For each value the values from which crashed compare-and-sets may lead to it, itself included; none where there are
    /// too many values.
    leading_to: Vec<Values>,
}

impl Observers {
    /// None where the model is no register.
    pub(super) fn of<M: Model>(model: &M, timeline: &Timeline<'_, M::Input>) -> Option<Observers> {
        model.register_initial()?;
        let mut numbers = Numbers::with_small_below(2 * timeline.inputs.len());
        let accesses: Vec<_> = timeline
            .inputs
            .iter()
            .map(|input| Some(model.access(input)?.map(|value| numbers.get(value))))
            .collect::<Option<_>>()?;
        let values = numbers.count as usize;
        let of_class: Vec<_> = timeline.input_of_class.iter().map(|&input| accesses[input as usize]).collect();
        let mut left = vec![0; values];
        for moment in &timeline.moments {
            let access = match *moment {
                Moment::Begin { call } => accesses[timeline.input_of[call as usize] as usize],
                Moment::Crash { class } => of_class[class as usize],
                Moment::End { .. } => continue,
            };
            if let Some(value) = access.observed() {
                left[value as usize] += 1;
            }
        }
        let leading_to = if values <= VALUES_AT_MOST { vec![0; values] } else { Vec::new() };
        Some(Observers { accesses, of_class, left, leading_to })
    }
}

impl Observers {
    /// The values that are worth using crashed operations for, where these inputs are open without a place; all of them
    /// where that is not known.
    pub(super) fn wanted(&self, open: impl Iterator<Item = InputId>) -> Values {
        if self.leading_to.is_empty() {
            return Values::MAX;
        }
        let observed = open.filter_map(|input| self.accesses[input as usize].observed());
        observed.fold(0, |wanted, value| wanted | self.leading_to[value as usize])
    }

    /// Whether a crashed operation of this class leads to one of `values`.
    pub(super) fn leads_to(&self, class: Class, values: Values) -> bool {
        self.of_class[class as usize].produced().is_none_or(|value| values & one(value) != 0)
    }

    /// Whether a write of the same value can do all that an operation of this class can.
    pub(super) fn is_weak(&self, class: Class) -> bool {
        matches!(self.of_class[class as usize], Access::Cas { .. })
    }

    /// How many operations of this class can be of use at most.
    pub(super) fn of_use(&self, class: Class) -> u32 {
        self.of_class[class as usize].produced().map_or(0, |value| self.left[value as usize])
    }

    /// An operation with this input returned.
    pub(super) fn returned(&mut self, input: InputId) {
        if let Some(value) = self.accesses[input as usize].observed() {
            self.left[value as usize] -= 1;
        }
    }

    /// So many crashed operations of this class are over.
    pub(super) fn over(&mut self, class: Class, count: u32) {
        if let Some(value) = self.of_class[class as usize].observed() {
            self.left[value as usize] -= count;
        }
    }

    /// From here on these classes are available.
    pub(super) fn available(&mut self, classes: &[Class]) {
        for (value, leading) in (0..).zip(&mut self.leading_to) {
            *leading = one(value);
        }
        let mut grew = !self.leading_to.is_empty();
        while grew {
            grew = false;
            for &class in classes {
                let Access::Cas { from, to } = self.of_class[class as usize] else { continue };
                for leading in self.leading_to.iter_mut().filter(|leading| **leading & one(to) != 0) {
                    grew |= *leading & one(from) == 0;
                    *leading |= one(from);
                }
            }
        }
    }
}

/// The set of this value alone; of no value where there are too many, which is never asked for.
fn one(value: ValueId) -> Values {
    1_u64.checked_shl(value).unwrap_or(Values::MAX)
}
