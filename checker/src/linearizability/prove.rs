//! From a verdict to its proof: the orders of a valid history, the core of an invalid one.
//!
//! A proof is found after the verdict and apart from it, so that a verdict costs nothing for proofs that nobody asked for.

use std::collections::VecDeque;

use crate::budget::{Budget, Exhausted};
use crate::call::Call;
use crate::history::Operation;
use crate::linearizability::CheckError;
use crate::linearizability::keys::{Part, Parts};
use crate::meter::{Meter, Share, Stop};
use crate::model::{Action, CollectionAction, Discipline, Model};
use crate::models::ModelSpec;
use crate::models::each::WithModel;
use crate::parallel;
use crate::proof::{Claim, Order, Proof};
use crate::registers::RegisterCalls;
use crate::routes::Guided;
use crate::search::linearise::linearise;
use crate::search::{Reductions, crashed};
use crate::verdict::{Core, Outcome, Property};
use crate::zones;

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoProof {
    /// Nothing was decided.
    #[error("there is nothing to prove: the verdict is neither valid nor invalid")]
    Undecided,
    /// The budget ended before it was found.
    #[error("the proof was not found within the budget")]
    Exhausted(Exhausted),
    /// The counterexample has no core, because no effort was granted or none was found within it.
    #[error("the counterexample has no core; grant more effort to it")]
    NoCore,
    /// The history cannot be checked at all.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// No order was found although the verdict is valid: the model breaks one of its promises, or the verdict is not of
    /// this history.
    #[error(
        "there is no order of these operations, although the verdict is valid: is it of this history and this model?"
    )]
    Contradiction,
}

/// The proof of `property`, which must be the verdict on these operations under this model.
pub fn prove(
    operations: &[Operation],
    model: &ModelSpec,
    property: &Property,
    budget: &dyn Budget,
) -> Result<Proof, NoProof> {
    model.with(Prove { operations, name: model.to_string(), property, budget })
}

/// Like [`prove`], with a model of the caller's own, which [`verify_with`](crate::verify::verify_with) needs again.
pub fn prove_with<M: Model>(
    operations: &[Operation],
    model: &M,
    property: &Property,
    budget: &dyn Budget,
) -> Result<Proof, NoProof> {
    Prove { operations, name: model.name().to_owned(), property, budget }.with(model)
}

struct Prove<'a> {
    operations: &'a [Operation],
    name: String,
    property: &'a Property,
    budget: &'a dyn Budget,
}

impl WithModel for Prove<'_> {
    type Output = Result<Proof, NoProof>;

    fn with<M: Model>(self, model: &M) -> Result<Proof, NoProof> {
        let claim = match self.property.outcome {
            Outcome::Valid => Claim::Valid { orders: orders(self.operations, model, self.budget)? },
            Outcome::Invalid => {
                let counterexample = self.property.counterexample.as_ref().ok_or(NoProof::NoCore)?;
                let core = Core::clone(counterexample.core.as_deref().ok_or(NoProof::NoCore)?);
                Claim::Invalid { key: counterexample.key.clone(), core }
            }
            Outcome::Unknown | Outcome::Vacuous => return Err(NoProof::Undecided),
        };
        Ok(Proof { model: self.name, operations: self.operations.len(), independent: false, claim })
    }
}

fn orders<M: Model>(operations: &[Operation], model: &M, budget: &dyn Budget) -> Result<Vec<Order>, NoProof> {
    let meter = Meter::new(budget);
    let ended = || NoProof::Exhausted(meter.exhausted().unwrap_or(Exhausted::Cancelled));
    let parts = Parts::of(model, operations, &mut meter.share(0))?.ok_or_else(ended)?.parts;
    let one = |(number, part): (usize, Part<'_, M::Input>)| {
        let mut share = meter.share(number);
        let key = part.key.clone();
        let order = order(operations, model, part, &mut share).map_err(|_| {
            meter.give_up();
            ended()
        })?;
        Ok(Order { key, order: order.ok_or(NoProof::Contradiction)? })
    };
    parallel::each(parts, one).into_iter().collect()
}

/// An order of one object's calls, by the numbers of their operations.
fn order<M: Model>(
    operations: &[Operation],
    model: &M,
    part: Part<'_, M::Input>,
    share: &mut Share<'_>,
) -> Result<Option<Vec<usize>>, Stop> {
    let mut calls = part.calls;
    share.ask(size_of_val(&*calls))?;
    let registers = RegisterCalls::of(model, &calls).filter(RegisterCalls::values_are_distinct);
    let order = if let Some(registers) = registers {
        Some(zones::order::order(&registers, &calls))
    } else if let Some(guided) = Guided::of(model, &calls) {
        let order = linearise(&guided.model, &guided.calls, share)?;
        order.map(|order| order.into_iter().map(|call| guided.numbers[call]).collect())
    } else {
        crashed::reduce(model, &mut calls, Reductions::default());
        linearise(model, &calls, share)?.map(|order| of_a_bag(model, &calls, order))
    };
    Ok(order.map(|order| order.into_iter().map(|call| number(operations, calls[call].operation)).collect()))
}

/// The model of a bag leaves open what a crashed removal took until somebody finds the bag empty. In the order of a proof each of those
/// that took something stands directly before that, where it took what was left; the others need not have happened.
fn of_a_bag<M: Model>(model: &M, calls: &[Call<'_, M::Input>], order: Vec<usize>) -> Vec<usize> {
    let mut takers = VecDeque::new();
    let mut inside = 0;
    let mut placed = Vec::with_capacity(order.len());
    for call in order {
        match model.action(&calls[call].input) {
            Some(Action::Collection(Discipline::Any, CollectionAction::TakeUnknown)) => {
                takers.push_back(call);
                continue;
            }
            Some(Action::Collection(Discipline::Any, CollectionAction::TakeNothing)) => {
                placed.extend(takers.drain(..inside));
                inside = 0;
            }
            Some(Action::Collection(Discipline::Any, CollectionAction::Insert(_))) => inside += 1,
            Some(Action::Collection(Discipline::Any, CollectionAction::Take(_))) => inside -= 1,
            _ => {}
        }
        placed.push(call);
    }
    placed
}

/// The place of `operation` in `operations`, of which it is a part.
pub(super) fn number(operations: &[Operation], operation: &Operation) -> usize {
    // The operations of a part are borrowed from that slice, so where one lies says which it is.
    (std::ptr::from_ref(operation).addr() - operations.as_ptr().addr()) / size_of::<Operation>()
}
