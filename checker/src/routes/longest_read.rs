//! Lists that grow at their end and are read as a whole: along the longest read.
//!
//! **Theorem.** Let `L` be the longest list that a completed read returned. A list only grows at its end, so wherever that read
//! has its moment, the list was a beginning of `L` at all moments before, and has more entries than `L` once anything
//! is appended behind. There no completed read is possible any more, since all are at most as long, and every append is.
//! So of a state it is enough to know how many entries of `L` there are, or that there are more: the history is linearizable if and
//! only if it is as one of this smaller object. Values need not be distinct.
//!
//! The smaller object is searched. Where values are distinct a state says which appends have happened, so that no more
//! configurations are held than operations are open.
//!
//! An append that crashed and put in what `L` has not need not have happened: nothing is possible behind it that is not
//! possible without.

use rustc_hash::FxHashMap;
use serde_json::Value;

use crate::call::Call;
use crate::history::Operation;
use crate::model::{Action, ListAction, Model};
use crate::search::{Stuck, explain};
use crate::verdict::Counterexample;
use crate::words;

/// What part the operation plays at which the search ended.
const NO_PLACE: &str = "has no place";

/// The number of a value among the entries of the longest read; none for what it has not.
type Entry = Option<u32>;

/// A list of which only this matters.
pub(crate) struct LongestRead {
    entries: Vec<Entry>,
}

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// This is added at the end.
    Append(Entry),
    /// There are so many entries; none where the answer was no beginning of the longest one.
    Read(Option<usize>),
    /// Nothing that could be checked.
    Nothing,
}

/// The calls of a list as those of the smaller object.
pub(crate) struct Guided<'c> {
    pub(crate) model: LongestRead,
    pub(crate) calls: Vec<Call<'c, Input>>,
    /// For each of them its place among the calls of the list.
    pub(crate) numbers: Vec<usize>,
    /// Which call of the list is the longest read; none where nobody read an entry.
    pub(crate) longest: Option<usize>,
}

impl<'c> Guided<'c> {
    /// None where this is no list.
    pub(crate) fn of<M: Model>(model: &M, calls: &[Call<'c, M::Input>]) -> Option<Guided<'c>> {
        let actions = calls.iter().map(|call| match model.action(&call.input) {
            Some(Action::List(action)) => Some(action),
            _ => None,
        });
        let actions: Vec<ListAction<'_>> = actions.collect::<Option<_>>()?;
        let length = |number: usize| match actions[number] {
            ListAction::Read(all) if !calls[number].crashed() => all.len(),
            _ => 0,
        };
        let longest = (0..calls.len()).rev().max_by_key(|&number| length(number)).filter(|&number| length(number) > 0);
        let read = match longest.map(|number| actions[number]) {
            Some(ListAction::Read(all)) => all,
            _ => &[],
        };
        let mut entry_of: FxHashMap<&Value, u32> = FxHashMap::default();
        let mut entries = Vec::with_capacity(read.len());
        for value in read {
            let next = u32::try_from(entry_of.len()).ok()?;
            entries.push(Some(*entry_of.entry(value).or_insert(next)));
        }
        let input = |action: ListAction<'_>| match action {
            ListAction::Append(value) => Input::Append(entry_of.get(value).copied()),
            ListAction::Read(all) => Input::Read(read.starts_with(all).then_some(all.len())),
            ListAction::Nonsense => Input::Read(None),
            ListAction::Nothing => Input::Nothing,
        };
        let mut guided = Guided { model: LongestRead { entries }, calls: Vec::new(), numbers: Vec::new(), longest };
        for (number, (call, action)) in calls.iter().zip(actions).enumerate() {
            let input = input(action);
            if call.end.is_some() || !matches!(input, Input::Append(None) | Input::Read(_) | Input::Nothing) {
                guided.calls.push(Call { operation: call.operation, input, end: call.end });
                guided.numbers.push(number);
            }
        }
        (!calls.is_empty()).then_some(guided)
    }

    /// Why the list cannot have been like this, in the words of its `model`.
    pub(crate) fn counterexample<M: Model>(
        &self,
        model: &M,
        calls: &[Call<'_, M::Input>],
        stuck: Stuck<usize>,
    ) -> Counterexample {
        let call = self.numbers[stuck.call];
        let refuses = |length: &usize| self.model.step(length, &self.calls[stuck.call].input).err();
        let stuck = Stuck { call, ..stuck };
        let mut shown = explain::tell(model, calls, &stuck, NO_PLACE, refuses);
        // It may have ended long after that.
        if let Some(longest) = self.longest.filter(|&longest| longest != call) {
            let witness = words::witness(model, &calls[longest], "the longest read".to_owned());
            shown.operations.retain(|it| (it.process, it.invoked) != (witness.process, witness.invoked));
            shown.operations.push(witness);
            shown.operations.sort_by_key(|it| it.invoked);
        }
        shown
    }
}

impl Model for LongestRead {
    /// How many entries there are; all numbers above those of the longest read are one.
    type State = usize;
    type Input = Input;

    fn name(&self) -> &'static str {
        "list of which only the longest read matters"
    }

    fn initial(&self) -> usize {
        0
    }

    fn input(&self, _operation: &Operation) -> Result<Input, String> {
        Err("its calls are made from those of another model".to_owned())
    }

    fn step(&self, &length: &usize, input: &Input) -> Result<usize, String> {
        match input {
            Input::Append(entry) => match self.entries.get(length) {
                Some(there) if there != entry => {
                    Err(format!("cannot append at place {length}: another entry was read there"))
                }
                Some(_) => Ok(length + 1),
                None => Ok(self.entries.len() + 1),
            },
            Input::Read(None) => {
                Err("cannot read this: it is no beginning of the longest list that was read".to_owned())
            }
            Input::Read(Some(read)) if *read == length => Ok(length),
            Input::Read(Some(read)) if length > self.entries.len() => {
                Err(format!("cannot read {read} entries: there are more than anybody read"))
            }
            Input::Read(Some(read)) => Err(format!("cannot read {read} entries: there are {length}")),
            Input::Nothing => Ok(length),
        }
    }

    fn is_pure(&self, input: &Input) -> bool {
        !matches!(input, Input::Append(_))
    }
}
