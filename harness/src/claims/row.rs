//! A row: a claim of a seed document, what is true of it, and its demonstration. As it is written in `rows/`.

use serde::{Deserialize, Serialize};

use crate::plan::Entry;
use crate::sim::Weather;

/// A file of rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Plans that several of its runs play.
    #[serde(default, rename = "plan")]
    pub(super) plans: Vec<SharedPlan>,
    /// Its rows, in the order of their numbers.
    #[serde(rename = "row")]
    pub(super) rows: Vec<Row>,
}

/// A plan that several runs of a file play.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SharedPlan {
    /// Its name, by which runs refer to it.
    pub(super) name: String,
    /// Entry by entry.
    pub(super) entries: Vec<Entry>,
}

/// A claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its id, such as `N02`.
    pub id: String,
    /// The seed documents that claim it, by the first three digits of their names.
    pub seeds: Vec<String>,
    /// What is claimed.
    pub claim: String,
    /// What is true instead, where the claim is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<String>,
    /// What the claim leaves open, where that matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unclear: Option<String>,
    /// What would show it, or shows it.
    pub shows: String,
    /// What there has to be before it can be shown; absent where it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// The row whose demonstration is this one's as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Why its demonstration comes out otherwise than the reference predicts, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviates: Option<String>,
    /// Whether only real processes can show it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub real: bool,
    /// How the figures of its runs must compare, such as `slow.p50:write >= 5 * base.p50:write`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<String>,
    /// What is run.
    #[serde(default, rename = "run", skip_serializing_if = "Vec::is_empty")]
    pub runs: Vec<RowRun>,
}

/// A run of a demonstration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowRun {
    /// Its name in the row.
    pub name: String,
    /// The system: `NAME[:KEY=VALUE,…]`.
    pub system: String,
    /// On how many nodes.
    pub nodes: u16,
    /// The plan that it plays, one of its file; its entries stand in `entries` once the file was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The plan, entry by entry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// Whether the workload runs beside the plan.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub load: bool,
    /// Kinds of faults that a plan is drawn from, in place of `entries`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// How many seeds, from 0 on.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub seeds: u64,
    /// The main phase; the default of a simulation where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The deadline of an operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_timeout: Option<String>,
    /// Operations a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// How many keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<usize>,
    /// How many clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<usize>,
    /// Weights of operations: `read=50,write=50`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mix: Option<String>,
    /// In virtual time: what lies beneath the faults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weather: Option<Weather>,
    /// Between which two times operations must begin to count for figures; the whole main phase where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<[String; 2]>,
    /// Properties that every seed keeps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub valid: Vec<String>,
    /// Properties that every seed breaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// Properties that chance breaks in one seed or another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<String>,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its demonstration comes out as predicted.
    Holds,
    /// Its demonstration comes out otherwise; the row says why.
    Deviates,
    /// It has no demonstration yet.
    Waits,
}

impl Row {
    /// What is known of it.
    pub fn state(&self) -> State {
        match (self.waits.is_some(), self.deviates.is_some()) {
            (true, _) => State::Waits,
            (false, true) => State::Deviates,
            (false, false) => State::Holds,
        }
    }
}

fn one() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(seeds: &u64) -> bool {
    *seeds == 1
}
