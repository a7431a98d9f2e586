//! What runs there are, each in a line. Files that have not changed are not read again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use schism_checker::verdict::Outcome;

use crate::folder::{self, FolderError, RunFolder, file};
use crate::options::RunOptions;

/// A history that has grown so lately belongs to a run that goes on.
const LIVELY: Duration = Duration::from_secs(10);

/// A run in a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) id: String,
    pub(super) system: String,
    pub(super) workload: String,
    /// Kinds of faults, or the plan that was played.
    pub(super) faults: String,
    pub(super) seed: u64,
    pub(super) started: String,
    pub(super) state: State,
    /// Operations that ended `ok`.
    pub(super) ok: u64,
    /// Median and 99th percentile of the latency of what was done most, in microseconds.
    pub(super) latency_us: Option<(u64, u64)>,
    /// The properties that broke.
    pub(super) broken: Vec<String>,
}

/// What has become of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum State {
    /// It has a verdict.
    Judged(Outcome),
    /// It has a verdict which says that the harness failed.
    Failed,
    /// It goes on.
    Running,
    /// It was ended before it had a verdict.
    #[default]
    CutOff,
    /// Its files cannot be read, for this reason.
    Damaged(String),
}

impl State {
    /// In a word, by which it is filtered.
    pub(super) fn word(&self) -> &'static str {
        match self {
            State::Judged(outcome) => crate::report::words::outcome(*outcome),
            State::Failed => "failed",
            State::Running => "running",
            State::CutOff => "cut off",
            State::Damaged(_) => "damaged",
        }
    }
}

impl Entry {
    /// What is searched, in lower case.
    pub(super) fn hay(&self) -> String {
        let broken = self.broken.join(" ");
        let parts = [&self.id, &self.label, &self.system, &self.workload, &broken].map(|part| part.to_lowercase());
        format!("{} seed {} {}", parts.join(" "), self.seed, self.state.word())
    }
}

/// Remembers what it has read.
#[derive(Debug, Default)]
pub(super) struct Index {
    known: Mutex<HashMap<PathBuf, (SystemTime, Entry)>>,
}

impl Index {
    /// All runs below a results folder, by id.
    pub(super) fn all(&self, results: &Path) -> Vec<Entry> {
        folder::all(results).iter().map(|folder| self.entry(folder)).collect()
    }

    fn entry(&self, folder: &RunFolder) -> Entry {
        let changed = fs_err::metadata(folder.file(file::VERDICT)).and_then(|metadata| metadata.modified()).ok();
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let (Some(changed), Some((when, entry))) = (changed, known.get(&folder.path))
            && *when == changed
        {
            return entry.clone();
        }
        let entry = read(folder);
        if let Some(changed) = changed {
            known.insert(folder.path.clone(), (changed, entry.clone()));
        }
        entry
    }
}

/// Reads the line of a run; of a damaged one what can be read.
pub(super) fn read(folder: &RunFolder) -> Entry {
    let label = folder.path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let entry = Entry { label, id: folder.id.clone(), ..Entry::default() };
    let run = match folder.run_file() {
        Ok(run) => run,
        Err(error) => return Entry { state: State::Damaged(error.to_string()), ..entry },
    };
    let entry = Entry {
        system: run.options.system.to_string(),
        workload: run.options.workload.to_string(),
        faults: faults(&run.options),
        seed: run.seed,
        started: run.started,
        ..entry
    };
    match folder.verdict() {
        Ok(verdict) => {
            let failed = verdict.harness_failure.is_some() && verdict.outcome != Outcome::Invalid;
            let most = verdict.coverage.latency_us.values().max_by_key(|latency| latency.count);
            let broken = verdict.properties.iter().filter(|it| it.judged && it.outcome == Outcome::Invalid);
            Entry {
                state: if failed { State::Failed } else { State::Judged(verdict.outcome) },
                ok: verdict.coverage.total().ok,
                latency_us: most.map(|latency| (latency.p50, latency.p99)),
                broken: broken.map(|property| property.name.clone()).collect(),
                ..entry
            }
        }
        Err(FolderError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            Entry { state: if grows(folder) { State::Running } else { State::CutOff }, ..entry }
        }
        Err(error) => Entry { state: State::Damaged(error.to_string()), ..entry },
    }
}

/// What disturbed a run, as it is typed.
fn faults(options: &RunOptions) -> String {
    if let Some(plan) = &options.plan {
        let name = plan.file_name().unwrap_or_default().to_string_lossy();
        return format!("plan {name}");
    }
    if options.faults.is_empty() {
        return "none".to_owned();
    }
    options.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether the history of a run has grown a moment ago.
fn grows(folder: &RunFolder) -> bool {
    let modified = fs_err::metadata(folder.file(file::HISTORY)).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| modified.elapsed().is_ok_and(|since| since < LIVELY))
}
