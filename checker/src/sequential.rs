//! Sequential consistency: whether the operations of all clients can be put into one order that the model allows, and in
//! which each client's own operations stand as it did them (Lamport, 1979). Real time does not count, so a stale read is
//! no violation; but the order is one for all keys together, so nothing is checked key by key.
//!
//! Of two operations of a process the first comes before the second if it ended ok before the second was invoked. A crashed
//! operation comes after what its process did before, at any place or never, and nothing has to come after it.
//!
//! What is linearizable is sequential too, and what is not even causally convergent is not sequential: both are decided first, since that
//! is cheap. Then a depth-first search looks for an order: a configuration is how far each process is, the state, and which crashed operations were used up; none is
//! looked at twice. Of the reductions of the search for linearizability those stay that need no real time:
//!
//! - **Greedy placing.** An operation that changes no state in which it is legal is placed as soon as it can be. Whatever
//!   order has it later, moving it here changes no state, and all that its process did before is already placed.
//! - **Classes.** Crashed operations with equal inputs are counted: nothing comes after any of them, so that all which may
//!   begin are interchangeable.
//! - **Dominance.** Of two configurations that differ in the crashed operations that were used, the one that used fewer of
//!   each class can do all that the other can. It was looked at without success, or the search would be over.

mod explain;
mod orders;
mod walk;

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::history::{History, Operation};
use crate::linearizability::{self, CheckError, Options};
use crate::meter::Meter;
use crate::model::Model;
use crate::models::each::WithModel;
use crate::models::{AssertingRegister, ModelSpec, asserting};
use crate::sequential::orders::Orders;
use crate::sequential::walk::{Ended, Walk};
use crate::verdict::{Outcome, Property};
use crate::weaker::causal;

/// Checks a history against one of our models. The property is named `sequential`.
pub fn check(
    history: &History,
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check_operations(&history.operations()?, model, options, budget)
}

/// Like [`check`], with the operations already paired, in any order. Those of one process must not overlap.
pub fn check_operations(
    operations: &[Operation],
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let stronger = linearizability::check_operations(operations, model, &stronger(options), budget)?;
    if stronger.outcome != Outcome::Invalid {
        return Ok(from_stronger(stronger, model.name()));
    }
    match model {
        ModelSpec::Register(model) if options.failed_cas_asserts && model.compare_and_set => {
            search(&asserting(operations), &AssertingRegister(model.clone()), options, budget)
        }
        model => model.with(Search { operations, options, budget }),
    }
}

/// Like [`check_operations`], with a model of the caller's own.
pub fn check_with<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let stronger = linearizability::check_with(operations, model, &stronger(options), budget)?;
    if stronger.outcome != Outcome::Invalid {
        return Ok(from_stronger(stronger, model.name()));
    }
    search(operations, model, options, budget)
}

/// Why a history is not linearizable is of no interest here.
fn stronger(options: &Options) -> Options {
    Options { core_effort: 0, states_shown: 0, ..*options }
}

/// What follows where linearizability was not refuted: all but the name.
fn from_stronger(stronger: Property, model: &str) -> Property {
    let name = "sequential".to_owned();
    let summary = match stronger.outcome {
        Outcome::Valid => format!("{model} is sequentially consistent ({})", stronger.summary),
        _ => stronger.summary,
    };
    Property { name, summary, ..stronger }
}

/// A search that waits for its model.
struct Search<'a> {
    operations: &'a [Operation],
    options: &'a Options,
    budget: &'a dyn Budget,
}

impl WithModel for Search<'_> {
    type Output = Result<Property, CheckError>;

    fn with<M: Model>(self, model: &M) -> Self::Output {
        search(self.operations, model, self.options, self.budget)
    }
}

fn search<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    if let Some(refuted) = not_even_causal(operations, model, options, budget) {
        return Ok(refuted);
    }
    let meter = Meter::new(budget);
    let mut share = meter.share(0);
    let orders = Orders::of(model, operations)?;
    let mut walk = Walk::new(model, &orders);
    let (outcome, summary, counterexample) = match walk.run(&mut share) {
        Ok(Ended::Ordered) => {
            (Outcome::Valid, format!("{} is sequentially consistent (sequential search)", model.name()), None)
        }
        Ok(Ended::NoOrder) => {
            let summary = format!("{} is not sequentially consistent (sequential search)", model.name());
            (Outcome::Invalid, summary, Some(explain::counterexample(model, &orders, &walk)))
        }
        Err(_) => {
            let ended = linearizability::ended(&meter);
            let (placed, all) = (walk.farthest(), orders.obliged());
            let summary =
                format!("{ended} before {} could be judged: {placed} of {all} operations placed", model.name());
            (Outcome::Unknown, summary, None)
        }
    };
    let mut figures = orders.figures();
    figures.insert("configurations".to_owned(), walk.configurations().into());
    Ok(Property {
        name: "sequential".to_owned(),
        judged: options.judged,
        outcome,
        summary,
        route: Some("sequential search".to_owned()),
        counterexample,
        suspects: Vec::new(),
        figures,
    })
}

/// What follows where one order of all writes, as a sequential history has it, contradicts what came before what. Registers whose values
/// name their writes alone can tell.
fn not_even_causal<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Option<Property> {
    // A session may hold more together than a process does, and the order here is that of processes.
    if operations.iter().any(|operation| operation.session.is_some()) {
        return None;
    }
    let options = Options { zones: false, core_effort: 0, ..*options };
    let causal = causal::convergence(operations, model, &options, budget).ok();
    causal.filter(|causal| causal.outcome == Outcome::Invalid).map(|causal| {
        let summary = format!("{} is not sequentially consistent: {}", model.name(), causal.summary);
        Property { name: "sequential".to_owned(), summary, ..causal }
    })
}

/// Figures by their names.
fn figures(figures: &[(&str, usize)]) -> Map<String, Value> {
    figures.iter().map(|&(name, figure)| (name.to_owned(), figure.into())).collect()
}
