//! What is done to the system, and when: a list of entries, drawn from the seed or written by a person, the same file in
//! virtual time and on processes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use schism_nodes::note::NotePattern;

use crate::sim::Weather;

pub mod args;
pub mod draw;
pub mod entry;
mod entry_reader;
pub mod force;
pub mod ground;
pub(crate) mod perform;
pub mod play;
pub mod probes;
pub mod problem;
pub mod read;
pub mod report;
pub mod shapes;
pub mod stage;
pub mod target;

pub use draw::{Chance, draw};
pub use entry::{Action, Start, Step, steps};
pub use ground::Ground;
pub use play::{Player, play};
pub use problem::{Problem, Problems, nearest};
pub use read::{load, parse};
pub use report::{EntryReport, Fate, PlanReport};
pub use stage::Stage;

/// A plan: data that is drawn, printed, stored, edited, replayed and shrunk.
///
/// As a file it is either JSON (`{"kind":"plan","format":1,"entries":[…]}`) or TOML with the same keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Always `plan`.
    pub kind: String,
    /// Version of the format: 1.
    pub format: u32,
    /// What it shows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The system that it was written for, if it was written for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The number of nodes that it was written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u16>,
    /// Whether the workload runs beside it (`true`), or only the plan's own requests are made.
    #[serde(default)]
    pub workload: bool,
    /// In virtual time: what lies beneath the faults. Real processes bring their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weather: Option<Weather>,
    /// The seed of what it leaves open; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The longest that the main phase lasts, such as `3s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The deadline of an operation, such as `500ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_timeout: Option<String>,
    /// How many workers there are from the start; others are made when an entry first names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<usize>,
    /// The property that broke where it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// What is done.
    pub entries: Vec<Entry>,
}

/// One thing that is done: a fault, a client's request, a message held or dropped, a timer fired.
///
/// Exactly one of `at`, `after` and `when` says when it starts; `delay` adds to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, by which others refer to it; unique in the plan, from 1.
    pub id: u64,
    /// Time since the end of the start-up, such as `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The entry that must be over: a request answered or given up, an action carried out, a fault with a duration in
    /// force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The note at which it happens; its node stands still there until the effect is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<NotePattern>,
    /// Added to `after` or `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<String>,
    /// What is done: `partition`, `kill`, `powerloss`, `pause`, `clock`, `delay`, `loss`, `duplicate`, `reorder`,
    /// `client-kill`, `request`, `hold`, `deliver`, `drop`, `fire`, `end`.
    #[serde(rename = "do")]
    pub action: String,
    /// To whom: `leader`, `one`, `minority`, `majority`, `all`, `n3`, `c2`, `that` (who made the note), a link `n1->n3`,
    /// or several of these with commas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// How long it stays in force, such as `700ms`; to the end of the run, or an `end` entry, where absent.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// The rest: `{"shape":"isolate"}`, `{"f":"write","key":"x","value":5,"node":"n3"}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
}
