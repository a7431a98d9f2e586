//! What proves a verdict, as data that can be kept in a file and checked by [`verify`](mod@crate::verify): for a valid history
//! an order of its operations, for an invalid one a [`Core`].
//!
//! How a proof is found is not known here.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::verdict::Core;

/// The newest format of proofs that is understood.
pub const FORMAT: u32 = 1;

/// The proof of a verdict on one history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The model with its parameters, as it is named on the command line: `cas-register:init=0`.
    pub model: String,
    /// How many operations of clients the history has, failed ones included.
    pub operations: usize,
    /// The history's values were `[key, value]`, and were taken apart before it was checked (`check --independent`).
    #[serde(default)]
    pub independent: bool,
    /// What is proved.
    pub claim: Claim,
}

/// What a proof shows, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Claim {
    /// The history is linearizable.
    Valid {
        /// For each object an order.
        orders: Vec<Order>,
    },
    /// The history is not linearizable.
    Invalid {
        /// The object; none where there is only one.
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
        key: Option<Value>,
        /// The operations that contradict each other.
        core: Core,
    },
}

/// An order in which the operations of one object can have happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The object; none where there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub key: Option<Value>,
    /// Numbers of operations, those that crashed and took effect included. Operations are numbered from 0 in the order of
    /// their invocations, over the whole history.
    pub order: Vec<usize>,
}

/// Why a file is no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// It is not JSON, or not of the right form.
    #[error("this is no proof: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("this is no proof: it has no \"schism\":\"proof\"; schism check --proof writes one")]
    Kind,
    /// It was written by a newer version.
    #[error("the proof has format {found}; this version reads {FORMAT}: use a newer one")]
    Newer {
        /// Its number.
        found: u32,
    },
}

/// A proof with the head of its file.
#[derive(Serialize)]
struct Written<'a> {
    schism: &'static str,
    format: u32,
    model: &'a str,
    operations: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    independent: bool,
    claim: &'a Claim,
}

/// What is looked at first.
#[derive(Deserialize)]
struct Head {
    schism: Option<Value>,
    format: Option<u32>,
}

/// The proof as the text of a file: one JSON object and a line feed.
pub fn write(proof: &Proof) -> String {
    let &Proof { ref model, operations, independent, ref claim } = proof;
    let written = Written { schism: "proof", format: FORMAT, model, operations, independent, claim };
    serde_json::to_string(&written).expect("a proof has only strings as keys") + "\n"
}

/// The proof in the text of a file.
pub fn read(text: &str) -> Result<Proof, ProofError> {
    let head: Head = serde_json::from_str(text)?;
    if head.schism.as_ref().and_then(Value::as_str) != Some("proof") {
        return Err(ProofError::Kind);
    }
    match head.format {
        Some(found) if found > FORMAT => Err(ProofError::Newer { found }),
        _ => Ok(serde_json::from_str(text)?),
    }
}

/// A key that is there, null as well, is told from one that is absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
