//! The begins and ends of a search's calls in their order, with slots for those that are open at the same time and
//! classes for those that crashed.

use rustc_hash::FxHashMap;

use crate::call::Call;
use crate::history::Ending;
use crate::search::frontier::Class;
use crate::search::states::InputId;

/// Something that happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// A call begins that happened.
    Begin { call: usize },
    /// Such a call ends: from here on it must have been placed.
    End { call: usize },
    /// A call begins that crashed.
    Crash { class: Class },
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
        let mut events = Vec::with_capacity(2 * calls.len());
        for (index, (call, &input)) in calls.iter().zip(&input_of).enumerate() {
            let Some(end) = call.end else {
                let next =
                    Class::try_from(input_of_class.len()).expect("there are no more classes than inputs or calls");
                let class = if classes { *class_of_input.entry(input).or_insert(next) } else { next };
                if class == next {
                    input_of_class.push(input);
                }
                events.push((call.operation.invoked, 0, Moment::Crash { class }));
                continue;
            };
            events.push((call.operation.invoked, 0, Moment::Begin { call: index }));
            // An end that follows from what a read saw comes after that read's own end: so it is the read that fails.
            let derived = call.operation.ending != Ending::Ok;
            events.push((end, 1 + u8::from(derived), Moment::End { call: index }));
        }
        events.sort_by_key(|&(index, rank, _)| (index, rank));
        let moments: Vec<Moment> = events.into_iter().map(|(_, _, moment)| moment).collect();
        let width = width(&moments);
        let mut end_of = vec![0; calls.len()];
        for (place, moment) in (0..).zip(&moments) {
            if let Moment::End { call } = *moment {
                end_of[call] = place;
            }
        }
        Timeline { moments, inputs, input_of, input_of_class, end_of, width }
    }
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
