//! The begins and ends of a search's calls in their order, with slots for those that are open at the same time and
//! classes for those that crashed.

use rustc_hash::FxHashMap;

use crate::call::Call;
use crate::history::Ending;
use crate::search::frontier::Class;
use crate::search::states::InputId;
use crate::sorting;

/// A call by its place.
pub(crate) type CallId = u32;

/// Something that happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A call begins that happened.
    Begin { call: CallId },
    /// Such a call ends: from here on it must have been placed.
    End { call: CallId },
    /// A call begins that crashed.
    Crash { class: Class },
}

/// When a call ends. At one event those ends come last that follow from what a read saw: so it is the read that fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Ended {
    at: u64,
    derived: bool,
    call: CallId,
}

/// What a search walks along.
pub(super) struct Timeline<'c, I> {
    /// In their order; what ends and what begins at the same event are concurrent.
    pub(super) moments: Vec<Moment>,
    /// The different inputs.
    pub(super) inputs: Vec<&'c I>,
    /// The number of each call's input.
    pub(super) input_of: Vec<InputId>,
    /// The input of each class of crashed calls.
    pub(super) input_of_class: Vec<InputId>,
    /// For each call that ends the place of its end among the moments.
    pub(super) end_of: Vec<u32>,
    /// How many calls are open at the same time at most, crashed ones not counted.
    pub(super) width: usize,
}

impl<'c, I: Eq + std::hash::Hash> Timeline<'c, I> {
    /// `classes`: count crashed calls with equal inputs instead of telling them apart. They are interchangeable: whatever
    /// one of them does at some place, any other that was invoked by then does as well, and of those that were invoked
    /// earlier more moments are left to the rest.
    pub(super) fn new(calls: &'c [Call<'_, I>], classes: bool) -> Timeline<'c, I> {
        let mut inputs = Vec::new();
        let mut numbers = FxHashMap::default();
        let input_of: Vec<InputId> = calls
            .iter()
            .map(|call| {
                *numbers.entry(&call.input).or_insert_with(|| {
                    inputs.push(&call.input);
                    InputId::try_from(inputs.len() - 1).expect("four billion inputs do not fit in memory")
                })
            })
            .collect();
        let mut class_of_input: FxHashMap<InputId, Class> = FxHashMap::default();
        let mut input_of_class = Vec::new();
        let mut class_of = |input: InputId| {
            let next = Class::try_from(input_of_class.len()).expect("there are no more classes than inputs or calls");
            let class = if classes { *class_of_input.entry(input).or_insert(next) } else { next };
            if class == next {
                input_of_class.push(input);
            }
            class
        };
        let begins = by_begin(calls);
        let mut ends = by_end(calls).into_iter().peekable();
        let mut moments = Vec::with_capacity(begins.len() + ends.len());
        for call in begins {
            let Call { operation, end, .. } = &calls[call as usize];
            while let Some(ended) = ends.next_if(|ended| ended.at < operation.invoked) {
                moments.push(Moment::End { call: ended.call });
            }
            moments.push(match end {
                Some(_) => Moment::Begin { call },
                None => Moment::Crash { class: class_of(input_of[call as usize]) },
            });
        }
        moments.extend(ends.map(|ended| Moment::End { call: ended.call }));
        let width = width(&moments);
        let mut end_of = vec![0; calls.len()];
        for (place, moment) in (0..).zip(&moments) {
            if let Moment::End { call } = *moment {
                end_of[call as usize] = place;
            }
        }
        Timeline { moments, inputs, input_of, input_of_class, end_of, width }
    }

    /// How many bytes all this takes, and took while it was made.
    pub(super) fn bytes(&self) -> usize {
        let made_of = self.input_of.len() * (size_of::<CallId>() + size_of::<Ended>());
        let made_of = made_of + size_of_val(&*self.end_of);
        let inputs = self.inputs.len() * (size_of::<&I>() + size_of::<(&I, InputId)>());
        made_of + 2 * inputs + size_of_val(&*self.moments) + size_of_val(&*self.input_of)
    }
}

/// The calls in the order of their invocations, which is mostly the one in which they are.
fn by_begin<I>(calls: &[Call<'_, I>]) -> Vec<CallId> {
    let mut begins: Vec<CallId> = (0..).take(calls.len()).collect();
    sorting::sort_by_key(&mut begins, &|call| calls[call as usize].operation.invoked);
    begins
}

/// The ends of those that have one, in their order.
fn by_end<I>(calls: &[Call<'_, I>]) -> Vec<Ended> {
    let ended = |(call, it): (CallId, &Call<'_, I>)| {
        it.end.map(|at| Ended { at, derived: it.operation.ending != Ending::Ok, call })
    };
    let mut ends: Vec<Ended> = (0..).zip(calls).filter_map(ended).collect();
    ends.sort_unstable();
    ends
}

fn width(moments: &[Moment]) -> usize {
    let mut open = 0_usize;
    let mut most = 0;
    for moment in moments {
        match moment {
            Moment::Begin { .. } => open += 1,
            Moment::End { .. } => open -= 1,
            Moment::Crash { .. } => {}
        }
        most = most.max(open);
    }
    most
}
