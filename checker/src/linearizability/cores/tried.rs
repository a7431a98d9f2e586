//! The order that was tried: one that has everything that ended before an operation which has no place in any order.
//!
//! The verdict does not come from it. A search decides with the set of all configurations and keeps no order; here one is found
//! again, depth first, for whoever wants to see how far things went well. Where the effort ends before one is found, none is shown.

use crate::budget::Budget;
use crate::call::Call;
use crate::history::Operation;
use crate::linearizability::cores::Object;
use crate::linearizability::cores::effort::Effort;
use crate::meter::Meter;
use crate::model::Model;
use crate::registers::RegisterCalls;
use crate::search::linearise::linearise;
use crate::search::{End, Reductions, crashed, explain, search};
use crate::verdict::{Counterexample, Placed, Tried};
use crate::words;

/// So many of the last operations of an order are shown, besides those of the counterexample.
const LAST_SHOWN: usize = 4;
/// No more than this are shown altogether, the last ones.
const SHOWN: usize = 12;

/// The order up to the operation of `counterexample` that has no place. Where the contradiction that is shown is not the first one of
/// the history, that of its own operations alone, if they are those of a register, where they have none by themselves. None where
/// the effort did not suffice.
pub(in crate::linearizability) fn tried<M: Model>(
    operations: &[Operation],
    model: &M,
    counterexample: &Counterexample,
    effort_steps: u64,
    budget: &dyn Budget,
) -> Option<Tried> {
    let Object { calls, .. } = Object::of(operations, model, counterexample)?;
    let mut effort = Effort::whole(effort_steps.saturating_add(calls.len() as u64), budget);
    let shown = |call: &Call<'_, M::Input>| {
        let it = call.operation;
        counterexample.operations.iter().any(|row| (row.process, row.invoked) == (it.process, it.invoked))
    };
    let searched = counterexample.operations.iter().any(|row| row.role == explain::STUCK);
    let of_all = order(model, calls.clone(), &shown, &mut effort);
    of_all.or_else(|| {
        let own: Vec<_> = calls.into_iter().filter(&shown).collect();
        let is_register = !searched && RegisterCalls::of(model, &own).is_some();
        let found = is_register.then(|| order(model, own, &shown, &mut effort)).flatten()?;
        Some(Tried { alone: true, ..found })
    })
}

/// An order of these calls up to the one that has no place, if that one is `shown`.
fn order<'a, M: Model>(
    model: &M,
    mut calls: Vec<Call<'a, M::Input>>,
    shown: &impl Fn(&Call<'a, M::Input>) -> bool,
    effort: &mut Effort<'_>,
) -> Option<Tried> {
    crashed::reduce(model, &mut calls, Reductions::default());
    let grant = effort.grant(calls.len())?;
    let found = search(model, &calls, Reductions::default(), 0, &mut Meter::new(&grant).share(0));
    effort.settle(&grant);
    let End::Stuck(stuck) = found.end else { return None };
    if !shown(&calls[stuck.call]) {
        return None;
    }
    let last = calls.swap_remove(stuck.call);
    let over = last.end?;
    // What was still open at that moment need not have happened.
    calls.retain(|call| call.operation.invoked <= over);
    for call in &mut calls {
        call.end = call.end.filter(|&end| end <= over);
    }
    calls.retain(|call| !call.crashed() || !model.is_pure(&call.input));
    let grant = effort.grant(calls.len())?;
    let order = linearise(model, &calls, &mut Meter::new(&grant).share(0)).ok()??;
    effort.settle(&grant);
    let state = order.iter().try_fold(model.initial(), |state, &call| model.step(&state, &calls[call].input)).ok()?;
    let why = model.step(&state, &last.input).err()?;
    let witness = |call| words::witness(model, call, String::new());
    let first_of_last = order.len().saturating_sub(LAST_SHOWN);
    let places = order.iter().enumerate().filter(|&(place, &call)| place >= first_of_last || shown(&calls[call]));
    let mut told: Vec<Placed> =
        places.map(|(place, &call)| Placed { place: place + 1, operation: witness(&calls[call]) }).collect();
    told.drain(..told.len().saturating_sub(SHOWN));
    Some(Tried { alone: false, length: order.len(), placed: told, stopped: witness(&last), why })
}
