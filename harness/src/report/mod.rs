//! Reports: pure functions from what a run folder holds to text.
//!
//! Each report can be made again later, by another version, without the code that ran the test. None of them asks a
//! clock, a terminal or the machine: what depends on those comes in as an argument.

pub mod availability;
pub mod beside;
pub mod clock;
pub mod data;
pub mod html;
pub mod inert;
pub mod junit;
pub mod moment;
mod page;
pub mod progress;
pub mod slices;
pub mod summary;
pub mod terminal;
mod tested;
pub mod words;

#[cfg(test)]
pub(crate) mod sample;

use std::path::Path;

use schism_checker::history::History;

use crate::folder::{FolderError, RunFile, RunFolder, file};
use crate::report::beside::Beside;
use crate::verdict::Verdict;

/// Writes `verdict.json` and every report into a run folder, each beside its place and renamed; the verdict first, since
/// the others follow from it.
pub fn write_all(folder: &RunFolder, run: &RunFile, verdict: &Verdict, history: &History) -> Result<(), FolderError> {
    folder.write_json(file::VERDICT, verdict)?;
    folder.write(file::JUNIT, junit::junit(run, verdict).as_bytes())?;
    folder.write(file::SUMMARY, summary::summary(run, verdict).as_bytes())?;
    folder.write(file::REPORT, page_of(&folder.path, Some(run), verdict, history).as_bytes())
}

/// `report.html` from what is kept in a folder; what is missing there is said in the page.
pub fn page_of(folder: &Path, run: Option<&RunFile>, verdict: &Verdict, history: &History) -> String {
    let start = history.header.as_ref().and_then(|header| header.start.as_deref());
    let beside = Beside::read(folder, &html::windows(verdict), start);
    html::html(run, verdict, history, &beside)
}
