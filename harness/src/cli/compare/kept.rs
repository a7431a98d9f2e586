//! Where a comparison is kept, in all the forms in which it is read.

use std::path::{Path, PathBuf};

use crate::cli::problem::{Failure, Problem};
use crate::compare::Comparison;
use crate::compare::report::{csv, html, markdown};
use crate::folder::{self, FolderError, RunFolder};

/// Writes `comparison.json` and what follows from it into a folder of their own, which is returned.
pub(super) fn keep(comparison: &Comparison, results: &Path) -> Result<PathBuf, Failure> {
    let workload = comparison.workload.split(':').next().unwrap_or_default();
    let parent = results.join(folder::sanitised(&format!("compare-{workload}")));
    let failed = |error: FolderError| {
        let at = parent.display().to_string();
        Failure::harness(Problem::new(error.to_string(), at, "--out with a folder that has space"))
    };
    let folder = RunFolder::create_below(&parent, jiff::Timestamp::now()).map_err(failed)?;
    let written = folder
        .write_json("comparison.json", comparison)
        .and_then(|()| folder.write("comparison.md", markdown::markdown(comparison).as_bytes()))
        .and_then(|()| folder.write("comparison.csv", csv::csv(comparison).as_bytes()))
        .and_then(|()| folder.write("comparison.html", html::html(comparison).as_bytes()));
    written.map_err(failed)?;
    Ok(folder.path)
}

/// The command line of this process, to be typed again.
pub(super) fn again() -> String {
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=:,./+%@".contains(c));
    let quoted = |word: String| {
        if plain(&word) && !word.is_empty() { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    folder::argv().into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}
