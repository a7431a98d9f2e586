//! Checks a proof against its history, with nothing of what finds proofs: only the history, the model and the rules of
//! linearizability are used here.
//!
//! **Valid.** Each order is replayed in linear time. Every operation that ended `ok` stands in the order of its object exactly
//! once, one that ended `info` at most once, a failed one never; none stands behind one that began after it had ended; and the
//! model allows each in the state that those before it left.
//!
//! **Invalid.** Every operation that the core leaves out has to be one that may be left out (see [`Core`]); then all orders of the
//! core are tried.

mod refute;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::call::Call;
use crate::history::{Ending, Operation};
use crate::model::{Model, Strand};
use crate::models::ModelSpec;
use crate::models::each::WithModel;
use crate::proof::{Claim, Order, Proof};
use crate::verdict::{Core, Witness};
use crate::words;

/// What a proof that holds has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The history is linearizable; so many operations were replayed.
    Linearizable {
        /// How many operations stand in the orders.
        placed: usize,
    },
    /// The history is not linearizable: so many of its operations contradict each other.
    NotLinearizable {
        /// How many operations the core has, those that may happen or not left out.
        core: usize,
    },
}

/// Why a proof does not hold. Numbers are those of operations, from 0 in the order of their invocations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It is of another history.
    #[error("the proof is of a history with {proof} operations; this one has {history}")]
    OtherHistory {
        /// Operations of its history.
        proof: usize,
        /// Operations of this one.
        history: usize,
    },
    /// It names an operation that cannot take part where it stands.
    #[error("operation {number} cannot stand in the proof: {why}")]
    Misplaced {
        /// The operation.
        number: usize,
        /// What is wrong with it.
        why: String,
    },
    /// It says nothing of an operation that it has to account for.
    #[error("the proof leaves out operation {number}: {why}")]
    LeftOut {
        /// The operation.
        number: usize,
        /// Why it must not.
        why: String,
    },
    /// The model refuses an operation where it stands.
    #[error("operation {number} cannot happen where it stands: {why}")]
    Refused {
        /// The operation.
        number: usize,
        /// The model's words.
        why: String,
    },
    /// It says something of an operation in words that is not so.
    #[error("the proof says that operation {number} is `{told}`; in the history it is `{is}`")]
    Told {
        /// The operation.
        number: usize,
        /// What the proof says.
        told: String,
        /// What there is to say.
        is: String,
    },
    /// The operations of the core can have happened.
    #[error("the operations of the core do not contradict each other: they can be put in an order")]
    NoContradiction,
    /// All orders of the core are too many to try.
    #[error("the core has too many orders to try them all; nothing is shown")]
    TooLarge,
}

/// Checks a proof of a history under one of our models: that which the caller means, whatever the proof was made with.
pub fn verify(operations: &[Operation], model: &ModelSpec, proof: &Proof) -> Result<Verified, VerifyError> {
    model.with(Verify { operations, proof })
}

/// Like [`verify`], with a model of the caller's own.
pub fn verify_with<M: Model>(operations: &[Operation], model: &M, proof: &Proof) -> Result<Verified, VerifyError> {
    Verify { operations, proof }.with(model)
}

struct Verify<'a> {
    operations: &'a [Operation],
    proof: &'a Proof,
}

impl WithModel for Verify<'_> {
    type Output = Result<Verified, VerifyError>;

    fn with<M: Model>(self, model: &M) -> Self::Output {
        if self.proof.operations != self.operations.len() {
            let (proof, history) = (self.proof.operations, self.operations.len());
            return Err(VerifyError::OtherHistory { proof, history });
        }
        match &self.proof.claim {
            Claim::Valid { orders } => valid(self.operations, model, orders),
            Claim::Invalid { key, core } => invalid(self.operations, model, key.as_ref(), core),
        }
    }
}

fn misplaced(number: usize, why: impl Into<String>) -> VerifyError {
    VerifyError::Misplaced { number, why: why.into() }
}

/// The object of an operation under this model.
fn object<'a, M: Model>(model: &M, operation: &'a Operation) -> Option<&'a Value> {
    operation.key.as_deref().filter(|_| model.partitions_by_key())
}

/// When an operation that happened was over.
fn end(operation: &Operation) -> Option<u64> {
    operation.completed.filter(|_| operation.ending == Ending::Ok)
}

fn valid<M: Model>(operations: &[Operation], model: &M, orders: &[Order]) -> Result<Verified, VerifyError> {
    let mut seen = vec![false; operations.len()];
    let mut keys = FxHashSet::default();
    for order in orders {
        if let (false, Some(&number)) = (keys.insert(order.key.as_ref()), order.order.first()) {
            return Err(misplaced(number, "its object has a second order"));
        }
        replay(operations, model, order, &mut seen)?;
    }
    let left_out = operations.iter().zip(&seen).position(|(operation, seen)| operation.ending == Ending::Ok && !seen);
    match left_out {
        Some(number) => Err(VerifyError::LeftOut { number, why: "it ended ok".to_owned() }),
        None => Ok(Verified::Linearizable { placed: seen.iter().filter(|&&seen| seen).count() }),
    }
}

fn replay<M: Model>(operations: &[Operation], model: &M, order: &Order, seen: &mut [bool]) -> Result<(), VerifyError> {
    let mut state = model.initial();
    // An operation needs a moment that is not before the begin of any that stands before it.
    let mut moment = 0;
    for &number in &order.order {
        let operation = operations.get(number).ok_or_else(|| misplaced(number, "there is no such operation"))?;
        if operation.ending == Ending::Fail {
            return Err(misplaced(number, "it failed"));
        }
        if object(model, operation) != order.key.as_ref() {
            return Err(misplaced(number, "it is of another object"));
        }
        if std::mem::replace(&mut seen[number], true) {
            return Err(misplaced(number, "it stands there twice"));
        }
        moment = operation.invoked.max(moment);
        if end(operation).is_some_and(|end| end < moment) {
            return Err(misplaced(number, "one that began after its end stands before it"));
        }
        let refused = |why| VerifyError::Refused { number, why };
        state = model.step(&state, &model.input(operation).map_err(refused)?).map_err(refused)?;
    }
    Ok(())
}

fn invalid<M: Model>(
    operations: &[Operation],
    model: &M,
    key: Option<&Value>,
    core: &Core,
) -> Result<Verified, VerifyError> {
    let mut inputs: FxHashMap<usize, M::Input> = FxHashMap::default();
    for &number in core.numbers.iter().chain(&core.optional) {
        let operation = operations.get(number).ok_or_else(|| misplaced(number, "there is no such operation"))?;
        if operation.ending == Ending::Fail || operation.invoked > core.cut || object(model, operation) != key {
            return Err(misplaced(number, "it failed, began after the cut, or is of another object"));
        }
        let input = model.input(operation).map_err(|why| VerifyError::Refused { number, why })?;
        if inputs.insert(number, input).is_some() {
            return Err(misplaced(number, "it stands there twice"));
        }
    }
    for (number, operation) in operations.iter().enumerate() {
        let counts = operation.ending != Ending::Fail && operation.invoked <= core.cut;
        if counts && object(model, operation) == key && !inputs.contains_key(&number) {
            may_be_left_out(number, operation, model, core, &inputs)?;
        }
    }
    // What a register's core grants holds where all of its operations are those of a register.
    if !core.free.is_empty() && !is_register(model, &inputs) {
        return Err(misplaced(
            core.numbers.first().copied().unwrap_or(0),
            "values are free, and the object is no register",
        ));
    }
    if refute::possible(operations, model, core, &inputs)? {
        return Err(VerifyError::NoContradiction);
    }
    told_as_it_is(operations, core, &inputs, model)?;
    Ok(Verified::NotLinearizable { core: core.numbers.len() })
}

/// Whether what people read of a core is what its numbers say; it may say nothing.
fn told_as_it_is<M: Model>(
    operations: &[Operation],
    core: &Core,
    inputs: &FxHashMap<usize, M::Input>,
    model: &M,
) -> Result<(), VerifyError> {
    let told = |witness: &Witness| {
        let end = witness.completed.map_or_else(|| "?".to_owned(), |end| end.to_string());
        format!("process {} {} (events {}..{end})", witness.process, witness.did, witness.invoked)
    };
    let is_told = !core.operations.is_empty();
    for (place, &number) in core.numbers.iter().enumerate().filter(|_| is_told) {
        let is = told(&words::witness(model, &Call::new(&operations[number], inputs[&number].clone()), String::new()));
        let told = core.operations.get(place).map_or_else(String::new, told);
        if told != is {
            return Err(VerifyError::Told { number, told, is });
        }
    }
    match core.operations.get(core.numbers.len()) {
        Some(more) => Err(misplaced(core.numbers.len(), format!("`{}` has no number", told(more)))),
        None => Ok(()),
    }
}

/// Whether all operations of a core are those of a register, so that it is known what each of them needs to find.
fn is_register<M: Model>(model: &M, inputs: &FxHashMap<usize, M::Input>) -> bool {
    model.register_initial().is_some() && inputs.values().all(|input| model.access(input).is_some())
}

/// Whether the core says enough of this operation, which is none of it.
fn may_be_left_out<M: Model>(
    number: usize,
    operation: &Operation,
    model: &M,
    core: &Core,
    inputs: &FxHashMap<usize, M::Input>,
) -> Result<(), VerifyError> {
    let input = model.input(operation).map_err(|why| VerifyError::Refused { number, why })?;
    if model.is_pure(&input) {
        return Ok(());
    }
    // A strand is left out as a whole, where nobody who could notice is there.
    let strand = model.strand(&input);
    let minds = |it: &M::Input| matches!(model.strand(it), it if it == Strand::All || it == strand);
    if matches!(strand, Strand::Of(_)) && !inputs.values().any(minds) {
        return Ok(());
    }
    let left_out = |why: &str| VerifyError::LeftOut { number, why: why.to_owned() };
    let access = model.access(&input).filter(|_| is_register(model, inputs));
    let access = access.ok_or_else(|| left_out("it may have changed the state"))?;
    let Some(value) = access.produced() else { return Ok(()) };
    let saw = |input| model.access(input).and_then(crate::model::Access::observed) == Some(value);
    if !core.free.contains(value) && inputs.values().any(saw) {
        return Err(left_out("it may have written what the core saw"));
    }
    Ok(())
}
