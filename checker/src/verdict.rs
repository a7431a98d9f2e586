//! What a check says: an outcome, what was covered, and for a violation the few operations that prove it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What is known of a property.
///
/// The order is that of exit codes, worst last: `valid < unknown < vacuous < invalid`; of several outcomes the worst
/// one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Checked and kept.
    Valid,
    /// The budget ended; the summary says what was verified up to there.
    Unknown,
    /// Nothing follows from this run.
    Vacuous,
    /// Broken, with a counterexample.
    Invalid,
}

/// One property of a run and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Property {
    /// Its name: `linearizable`, `no-crash`, `recovers`, …
    pub name: String,
    /// Whether it counts for the exit code, or was only measured.
    pub judged: bool,
    /// What is known of it.
    pub outcome: Outcome,
    /// A sentence: `register is not linearizable (key x; zones)`, or why it is unknown or vacuous.
    pub summary: String,
    /// The method that decided: `zones`, `frontier search`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// For a violation: what proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterexample: Option<Counterexample>,
    /// For a violation: what often lies behind one like it, a sentence each. The outcome does not depend on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<String>,
    /// Figures: operations, keys, states, …
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub figures: Map<String, Value>,
}

/// The few operations that prove a violation, in words and as data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// The object, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value>,
    /// The operations, in the order of their invocations.
    pub operations: Vec<Witness>,
    /// Why they contradict each other, a sentence a line: each step of a cycle, or each state's refusal.
    pub because: Vec<String>,
    /// What must come before what among [`operations`](Counterexample::operations), in the order of a cycle, where there is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// For a rule about nodes: what they and their clients did, as data; the same is told in words in `because`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moments: Vec<Moment>,
    /// Fewer operations that contradict each other by themselves, where they were looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<Box<Core>>,
    /// An order that goes as far as any does, where it was looked for: what was tried, and where it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tried: Option<Box<Tried>>,
}

/// One order of all operations of an object (or of those of a counterexample alone) that ended before one that has no place in any order.
///
/// There may be others; none of them goes on beyond that operation either.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Whether it is of the operations of the counterexample alone, without the others of the object.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// How many operations the order has.
    pub length: usize,
    /// The last ones of it, and those before that are operations of the counterexample, in this order.
    pub placed: Vec<Placed>,
    /// The operation that cannot follow.
    pub stopped: Witness,
    /// Why it cannot follow here: `it was 5 then`.
    pub why: String,
}

/// An operation with its place in an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Placed {
    /// Its place, from 1.
    pub place: usize,
    /// What it did.
    pub operation: Witness,
}

/// One operation has to come before another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The one that comes first, by its place among the operations.
    pub before: usize,
    /// The one that comes after it.
    pub after: usize,
    /// Why.
    pub why: String,
}

/// Somebody did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The node, or `client 3`.
    pub who: String,
    /// Nanoseconds, on the same clock as the words: since the start of the history where that is known.
    pub at: u64,
    /// What: `stored the tag 4.n2.1.17 of key x`.
    pub did: String,
}

/// A few operations of one object that cannot all have happened, and what of the rest was granted meanwhile.
///
/// All other operations up to [`cut`](Core::cut) are taken into account in the way that is the most generous to the system: what
/// changes no state is left out, a value in `free` can be written at any moment and any number of times, and each operation in
/// `optional` can happen once, at any moment, or never. What writes a value that none of `numbers` saw is left out as well
/// (registers only), and so are whole strands of which nothing is in either list ([`Model::strand`](crate::model::Model::strand)): all
/// that was done with one element of a queue. If not even so the operations can be put in an order, then the history cannot either.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Core {
    /// The operations, in the order of their invocations.
    pub operations: Vec<Witness>,
    /// What is granted, a sentence a line: `even if 3 could be written at any moment`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub even_if: Vec<String>,
    /// Whether nothing more can be taken away in the ways that were tried; if not, the effort ended before.
    pub minimal: bool,
    /// Only what happened up to the event of this index counts.
    pub cut: u64,
    /// The numbers of the operations, from 0 in the order of invocations over the whole history.
    pub numbers: Vec<usize>,
    /// Values that may be written at any moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub free: Vec<Value>,
    /// The numbers of operations that may happen once at any moment, or never.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<usize>,
}

/// An operation of a counterexample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// Its process.
    pub process: u64,
    /// What it did, in words with its outcome: `wrote 5`, `read 4`, `tried to write 7 (unknown)`.
    pub did: String,
    /// What part it plays: `acknowledged`, `began 228 ms after that`, `concurrent`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The node that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Index of its invocation.
    pub invoked: u64,
    /// Index of its completion, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// Nanoseconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoked_at: Option<u64>,
    /// Nanoseconds since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<u64>,
}
