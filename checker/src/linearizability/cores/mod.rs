//! Looks for the core of a violation: a few operations that contradict each other whatever else happened.
//!
//! The history is cut where it cannot go on, and then relaxed step by step: an operation that changes no state is dropped; one
//! that changes a register leaves behind that its value can be written at any moment, any number of times; one that changes any
//! other object can happen once at any moment, or never; and a strand of operations that the others cannot miss, all that was
//! done with one element of a queue, is left out as a whole ([`Strand`]). Each step only allows more: whatever order the history has, what is left
//! of it is an order of the core, with the free values written where their writers stood. So an invalid core means an invalid
//! history, and a step after which the core is not invalid any more, or not known to be, is not taken.
//!
//! A free value that no operation of the core saw need not be granted: between its write and the next operation that changes
//! the register there are only reads without an answer, so that it can be left out of any order.
//!
//! Two things keep this cheap on long histories. It begins with what the route showed, and else with the operations that are
//! nearest to the end, twice as many each time. And it relaxes many operations at once before it tries them one by one.

mod effort;
mod relaxed;
mod tried;

use crate::budget::Budget;
use crate::call::Call;
use crate::history::{Ending, Operation};
use crate::linearizability::cores::effort::Effort;
use crate::linearizability::cores::relaxed::{Cannot, Relaxed};
pub(super) use crate::linearizability::cores::tried::tried;
use crate::model::Model;
use crate::search::explain;
use crate::sorting;
use crate::verdict::{Core, Counterexample};
use crate::words;

/// The fewest operations that are tried first.
const FIRST_WINDOW: usize = 8;

/// Of an object that is no register, no more calls than this are kept or granted at the same time: nobody reads a core in which
/// so much may have happened, and the search for it would take longer than the verdict.
const CALLS_AT_MOST: usize = 1_000;

/// No core is larger than this: nobody reads it, and nobody can try all of its orders.
const CORE_AT_MOST: usize = 64;

/// So many free values and operations are named, and the others counted.
const GRANTS_NAMED: usize = 5;

/// The core of a violation, if one is found that is smaller than the history up to the cut. `effort_steps` bounds the work
/// on top of what `budget` does; a step is about what the search does with one operation in one configuration.
pub(super) fn core<M: Model>(
    operations: &[Operation],
    model: &M,
    counterexample: &Counterexample,
    effort_steps: u64,
    budget: &dyn Budget,
) -> Option<Core> {
    let object = Object::of(operations, model, counterexample)?;
    let relaxed = Relaxed::new(model, &object.calls);
    let mut effort = Effort::new(effort_steps.saturating_add(object.calls.len() as u64), budget);
    let kept = object.start(&relaxed, counterexample, &mut effort)?;
    let (kept, minimal) = shrink(&relaxed, kept, &mut effort);
    (kept.len() <= CORE_AT_MOST).then(|| object.tell(model, &relaxed, &kept, minimal))
}

/// The calls of one object up to the cut.
struct Object<'a, I> {
    /// By invocation; what ended after the cut has no end.
    calls: Vec<Call<'a, I>>,
    /// Their places in the history.
    numbers: Vec<usize>,
    cut: u64,
}

impl<'a, I: Clone> Object<'a, I> {
    fn of<M: Model<Input = I>>(
        operations: &'a [Operation],
        model: &M,
        counterexample: &Counterexample,
    ) -> Option<Object<'a, I>> {
        // The search names the operation at whose end it got stuck; where a route shows a contradiction, it is over with the
        // last of its operations.
        let stuck = counterexample.operations.iter().find(|it| it.role == explain::STUCK);
        let ends = || counterexample.operations.iter().filter_map(|it| it.completed).max();
        let cut = stuck.and_then(|it| it.completed).or_else(ends)?;
        let mut object = Object { calls: Vec::new(), numbers: Vec::new(), cut };
        for (number, operation) in operations.iter().enumerate() {
            let key = operation.key.as_deref().filter(|_| model.partitions_by_key());
            if operation.ending == Ending::Fail || operation.invoked > cut || key != counterexample.key.as_ref() {
                continue;
            }
            let mut call = Call::new(operation, model.input(operation).ok()?);
            call.end = call.end.filter(|&end| end <= cut);
            if call.end.is_some() || !model.is_pure(&call.input) {
                object.calls.push(call);
                object.numbers.push(number);
            }
        }
        Some(object)
    }

    /// Operations that contradict each other, to begin with.
    fn start<M: Model<Input = I>>(
        &self,
        relaxed: &Relaxed<'_, M>,
        counterexample: &Counterexample,
        effort: &mut Effort<'_>,
    ) -> Option<Vec<usize>> {
        let shown = |call: usize| {
            let operation = self.calls[call].operation;
            counterexample
                .operations
                .iter()
                .any(|it| (it.process, it.invoked) == (operation.process, operation.invoked))
        };
        let all = 0..self.calls.len();
        let shown: Vec<usize> = all.clone().filter(|&call| shown(call)).collect();
        let mut nearest: Vec<usize> = all.clone().collect();
        let last_seen = |call: usize| self.calls[call].end.unwrap_or(self.calls[call].operation.invoked);
        sorting::sort_by_key(&mut nearest, &|call| std::cmp::Reverse(last_seen(call)));
        let mut windows = vec![shown];
        if relaxed.is_register() {
            let sizes = std::iter::successors(Some(FIRST_WINDOW), |size| Some(2 * size));
            windows.extend(sizes.take_while(|&size| size < nearest.len()).map(|size| nearest[..size].to_vec()));
        } else {
            windows.push(relaxed.strands_of(&windows[0]));
        }
        windows.push(nearest);
        let small = |window: &Vec<usize>| {
            relaxed.is_register() || window.len() + relaxed.optional(window).len() <= CALLS_AT_MOST
        };
        let mut windows = windows.into_iter().filter(small);
        let found = windows.find(|window| relaxed.contradicts(window, effort) == Ok(true));
        found.map(|mut window| {
            window.sort_unstable();
            window
        })
    }

    fn tell<M: Model<Input = I>>(&self, model: &M, relaxed: &Relaxed<'_, M>, kept: &[usize], minimal: bool) -> Core {
        let mut rows = kept.to_vec();
        sorting::sort_by_key(&mut rows, &|call| (self.calls[call].operation.invoked, call));
        let witness = |&call: &usize| {
            let call = &self.calls[call];
            let role = if call.crashed() { "may have happened at any time since" } else { "" };
            words::witness(model, call, role.to_owned())
        };
        let free = relaxed.free_and_seen(kept);
        let optional = relaxed.optional(kept);
        let mut even_if: Vec<String> =
            free.iter().map(|value| format!("even if {value} could be written at any moment")).collect();
        let did = |call: &Call<'_, I>| {
            format!("even if process {} {}", call.operation.process, model.describe(&call.input, Ending::Ok))
        };
        even_if.extend(grants(optional.iter().map(|&call| did(&self.calls[call]))));
        Core {
            operations: rows.iter().map(witness).collect(),
            even_if,
            minimal,
            cut: self.cut,
            numbers: rows.iter().map(|&call| self.numbers[call]).collect(),
            free,
            optional: optional.into_iter().map(|call| self.numbers[call]).collect(),
        }
    }
}

/// What may happen at any moment, a sentence for each different thing that was done, with how often.
fn grants(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut times: Vec<(String, usize)> = Vec::new();
    let mut more = 0;
    for did in all {
        match times.iter().position(|(known, _)| *known == did) {
            Some(place) => times[place].1 += 1,
            None if times.len() < GRANTS_NAMED => times.push((did, 1)),
            None => more += 1,
        }
    }
    let told = times.into_iter().map(|(did, times)| match times {
        1 => format!("{did} at any moment, or never"),
        times => format!("{did} at any moments, up to {times} times"),
    });
    let more =
        (more > 0).then(|| format!("even if {more} more operations could have happened at any moment, or never"));
    told.chain(more).collect()
}

/// Relaxes as many of `kept` as can be, and says whether all that is left was tried in vain.
fn shrink<M: Model>(relaxed: &Relaxed<'_, M>, mut kept: Vec<usize>, effort: &mut Effort<'_>) -> (Vec<usize>, bool) {
    let mut size = kept.len().div_ceil(2);
    loop {
        let before = kept.len();
        let mut all_tried = true;
        // The oldest first: what is nearest to the cut matters most.
        let mut begin = 0;
        while begin < kept.len() && kept.len() > 1 {
            let end = (begin + size).min(kept.len());
            let rest: Vec<usize> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
            match relaxed.contradicts(&rest, effort) {
                Ok(true) => kept = rest,
                Ok(false) => begin = end,
                Err(Cannot::TooDear) => {
                    all_tried = false;
                    begin = end;
                }
                Err(Cannot::Exhausted) => return (kept, false),
            }
        }
        if size > 1 {
            size = size.div_ceil(2).min(kept.len().max(1));
        } else if kept.len() == before {
            return (kept, all_tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_often_is_told_once() {
        let did = |what: &[&str]| grants(what.iter().map(|what| format!("even if {what}")));
        let two = did(&["a", "b", "a"]);
        assert_eq!(two, ["even if a at any moments, up to 2 times", "even if b at any moment, or never"]);
        let many = did(&["a", "b", "c", "d", "e", "f", "a", "g"]);
        assert_eq!(many.len(), GRANTS_NAMED + 1);
        assert_eq!(many[GRANTS_NAMED], "even if 2 more operations could have happened at any moment, or never");
    }
}
