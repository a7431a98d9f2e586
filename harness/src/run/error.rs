//! Why a run could not be carried out at all.

use std::path::PathBuf;

/// What the harness could not do: what happened, where, and what to try.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct HarnessError {
    /// What happened.
    pub what: String,
    /// Where: a file, an address, a node.
    pub place: Option<String>,
    /// A command or a value to try.
    pub advice: Option<String>,
    /// Whether what was asked makes no sense (exit code 64), or the harness could not do it (4).
    pub usage: bool,
    /// The run folder, if there is one already.
    pub folder: Option<PathBuf>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "errors are passed on by name, as in `map_err(HarnessError::failed)`"
)]
impl HarnessError {
    /// What was asked makes no sense.
    pub fn usage(what: impl ToString) -> Self {
        HarnessError { what: what.to_string(), place: None, advice: None, usage: true, folder: None }
    }

    /// The harness could not do it.
    pub fn failed(what: impl ToString) -> Self {
        HarnessError { usage: false, ..HarnessError::usage(what) }
    }

    /// With the place where it happened.
    #[must_use]
    pub fn at(mut self, place: impl ToString) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// With what to try.
    #[must_use]
    pub fn advise(mut self, advice: impl ToString) -> Self {
        self.advice = Some(advice.to_string());
        self
    }
}
