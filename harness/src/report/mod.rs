//! Reports: pure functions from what a run folder holds to text.
//!
//! Each report can be made again later, by another version, without the code that ran the test. None of them asks a
//! clock, a terminal or the machine: what depends on those comes in as an argument.

pub mod availability;
pub mod html;
pub mod junit;
pub mod progress;
pub mod summary;
pub mod terminal;
pub mod words;

#[cfg(test)]
pub(crate) mod sample;

use schism_checker::history::History;

use crate::folder::{FolderError, RunFile, RunFolder, file};
use crate::verdict::Verdict;

/// Writes `verdict.json` and every report into a run folder, each beside its place and renamed; the verdict first, since
/// the others follow from it.
pub fn write_all(folder: &RunFolder, run: &RunFile, verdict: &Verdict, history: &History) -> Result<(), FolderError> {
    folder.write_json(file::VERDICT, verdict)?;
    folder.write(file::JUNIT, junit::junit(run, verdict).as_bytes())?;
    folder.write(file::SUMMARY, summary::summary(run, verdict).as_bytes())?;
    folder.write(file::REPORT, html::html(run, verdict, history).as_bytes())
}
