//! What proves that a property is broken: its operations, what must come before what, and which faults were in force meanwhile.

use schism_checker::history::Operation;
use schism_checker::verdict::{Counterexample, Moment, Outcome, Property, Step, Witness};
use serde::Serialize;

use super::Fault;
use crate::report::{inert, words};

const CHARACTERS_MAX: usize = 400;

/// See the module's head.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    property: String,
    judged: bool,
    invalid: bool,
    summary: String,
    key: Option<String>,
    operations: Vec<Row>,
    steps: Vec<Step>,
    moments: Vec<Moment>,
    because: Vec<String>,
    suspects: Vec<String>,
    core: Option<Core>,
    tried: Option<Tried>,
    meanwhile: Vec<String>,
}

/// An operation of a proof.
#[derive(Debug, Serialize)]
struct Row {
    process: u64,
    did: String,
    role: String,
    node: Option<String>,
    invoked: u64,
    completed: Option<u64>,
    /// Nanoseconds since the start.
    from: Option<u64>,
    to: Option<u64>,
    /// Its number in the run, if it is there.
    number: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Core {
    operations: Vec<Row>,
    even_if: Vec<String>,
    minimal: bool,
}

/// The order that was tried.
#[derive(Debug, Serialize)]
struct Tried {
    length: usize,
    /// Places in the order, from 1, with the operation there.
    placed: Vec<(usize, Row)>,
    stopped: Row,
    why: String,
}

impl Proof {
    /// What proves it, if anything is shown.
    pub(super) fn of(property: &Property, operations: &[Operation], faults: &[Fault]) -> Option<Self> {
        let counterexample = property.counterexample.as_ref()?;
        let texts = |texts: &[String]| texts.iter().map(|text| inert::short(text, 4 * CHARACTERS_MAX)).collect();
        let steps =
            counterexample.steps.iter().map(|step| Step { why: inert::short(&step.why, CHARACTERS_MAX), ..*step });
        let moments = counterexample.moments.iter().map(|moment| Moment {
            who: inert::short(&moment.who, CHARACTERS_MAX),
            at: moment.at,
            did: inert::short(&moment.did, CHARACTERS_MAX),
        });
        Some(Proof {
            property: inert::short(&property.name, CHARACTERS_MAX),
            judged: property.judged,
            invalid: property.outcome == Outcome::Invalid,
            summary: inert::short(&property.summary, 4 * CHARACTERS_MAX),
            key: counterexample.key.as_ref().map(|key| inert::value(key, CHARACTERS_MAX)),
            operations: rows(&counterexample.operations, operations),
            steps: steps.collect(),
            moments: moments.collect(),
            because: texts(&counterexample.because),
            suspects: texts(&property.suspects),
            core: counterexample.core.as_ref().map(|core| Core {
                operations: rows(&core.operations, operations),
                even_if: texts(&core.even_if),
                minimal: core.minimal,
            }),
            tried: counterexample.tried.as_ref().map(|tried| Tried {
                length: tried.length,
                placed: tried.placed.iter().map(|it| (it.place, row(&it.operation, operations))).collect(),
                stopped: row(&tried.stopped, operations),
                why: inert::short(&tried.why, CHARACTERS_MAX),
            }),
            meanwhile: meanwhile(counterexample, faults),
        })
    }
}

fn rows(witnesses: &[Witness], operations: &[Operation]) -> Vec<Row> {
    witnesses.iter().map(|witness| row(witness, operations)).collect()
}

fn row(witness: &Witness, operations: &[Operation]) -> Row {
    Row {
        process: witness.process,
        did: inert::short(&witness.did, CHARACTERS_MAX),
        role: inert::short(&witness.role, CHARACTERS_MAX),
        node: witness.node.as_ref().map(|node| inert::short(node, CHARACTERS_MAX)),
        invoked: witness.invoked,
        completed: witness.completed,
        from: witness.invoked_at,
        to: witness.completed_at,
        number: operations.binary_search_by_key(&witness.invoked, |operation| operation.invoked).ok(),
    }
}

/// Which faults were in force between the first and the last moment of a proof, in words.
pub fn meanwhile(counterexample: &Counterexample, faults: &[Fault]) -> Vec<String> {
    let of_operations = counterexample.operations.iter().flat_map(|witness| [witness.invoked_at, witness.completed_at]);
    let of_moments = counterexample.moments.iter().map(|moment| Some(moment.at));
    let times: Vec<u64> = of_operations.chain(of_moments).flatten().collect();
    let (Some(from), Some(to)) = (times.iter().min(), times.iter().max()) else { return Vec::new() };
    let during: Vec<String> = faults.iter().filter(|fault| fault.overlaps(*from, *to)).map(Fault::told).collect();
    if during.is_empty() {
        return vec![format!(
            "no fault was in force between {} s and {} s",
            words::seconds(*from),
            words::seconds(*to)
        )];
    }
    during
}
