//! `run.json`: everything that determined a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Machine;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::system::tested::Tested;

/// Version of the format of `run.json`.
pub const FORMAT: u32 = 1;

/// What was run, by what, and where. No host, user or home names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// Always `run`.
    pub schism: String,
    /// Version of the format.
    pub format: u32,
    /// The run folder's id.
    pub id: String,
    /// The wall clock at the start, RFC 3339.
    pub started: String,
    /// The command line, its first word being `schism`.
    pub argv: Vec<String>,
    /// What ran it.
    pub versions: Versions,
    /// The seed of all chance.
    pub seed: u64,
    /// Where it ran.
    pub machine: Machine,
    /// What was asked, with every default resolved.
    pub options: RunOptions,
    /// The kind of network: `proxy`.
    pub rung: String,
    /// The programs that were tested, where they were not this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// The plan that was drawn or given; playing it again needs nothing else.
    pub plan: Plan,
    /// What became of each entry of the plan.
    #[serde(default)]
    pub entries: Vec<Value>,
}

/// What ran a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This crate's version.
    pub schism: String,
    /// The commit that it was built from, where it was built in a checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Versions {
    /// This program's.
    pub fn current() -> Self {
        Versions {
            schism: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("SCHISM_COMMIT").map(ToOwned::to_owned),
        }
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.schism)?;
        match &self.commit {
            Some(commit) => write!(f, " ({commit})"),
            None => Ok(()),
        }
    }
}

/// The command line of this process for [`RunFile::argv`]: the program by its name alone, since its path may name a home.
pub fn argv() -> Vec<String> {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("schism".to_owned()).chain(words).collect()
}
