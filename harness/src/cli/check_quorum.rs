//! What `schism check` says of the quorums of a run: the rules that its notes are judged by, where its system has any.

use std::path::Path;

use schism_checker::verdict::{Outcome, Property};

use crate::cli::output;
use crate::exit::ExitCode;
use crate::folder::{RunFolder, file};
use crate::judge::quorum;
use crate::report::{terminal, words};

/// What became of the rules in the folder of this history; none where it is no run of such a system. What cannot be read is told: it
/// takes nothing away from what the history shows.
pub(super) fn of_run(history: &Path) -> Vec<Property> {
    let Some(folder) = history.parent().filter(|_| history.ends_with(file::HISTORY)) else { return Vec::new() };
    let folder = RunFolder::open(folder);
    let Ok(run) = folder.run_file() else { return Vec::new() };
    let Some(promises) = quorum::promises(&run.options.system, run.options.nodes, false) else { return Vec::new() };
    quorum::of_files(history, &folder.file(file::EVENTS), &promises).unwrap_or_else(|error| {
        output::tell(&format!("quorums are not judged: {}", words::printable(&error.to_string())));
        Vec::new()
    })
}

/// The worst that follows from those that the system promises.
pub(super) fn code(rules: &[Property]) -> ExitCode {
    let judged = rules.iter().filter(|rule| rule.judged && rule.outcome != Outcome::Vacuous);
    judged.map(|rule| ExitCode::of_outcome(rule.outcome)).fold(ExitCode::Done, ExitCode::worst)
}

/// What is promised and not kept in full, the rest by its names.
pub(super) fn as_text(rules: &[Property]) -> String {
    let (kept, others): (Vec<&Property>, Vec<&Property>) =
        rules.iter().filter(|rule| rule.judged).partition(|rule| rule.outcome == Outcome::Valid);
    let others = others.iter().map(|rule| terminal::property(rule, output::style(false)));
    let names: Vec<&str> = kept.iter().map(|rule| rule.name.as_str()).collect();
    let kept = (!names.is_empty()).then(|| format!("quorums  kept: {}\n", names.join(", ")));
    others.chain(kept).collect()
}
