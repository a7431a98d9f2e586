//! Run folders: where they are, how they are named, what is in them, how one is written and read back.
//!
//! A folder's name is a label for people; the truth is in its `run.json`. Everything that is written when a run ends is
//! written beside and renamed, so that there is never half a verdict. A folder that is read is data from strangers:
//! nothing in it is executed or believed to be a path.

mod find;
mod label;
mod run_file;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::options::RunOptions;
use crate::verdict::Verdict;

pub use find::{FindError, all, find};
pub use label::{STANDARD, label, sanitised};
pub use run_file::{FORMAT, RunFile, Versions, argv};

/// The files of a run folder.
pub mod file {
    /// What was run: argv, seed, versions, machine, options, plan.
    pub const RUN: &str = "run.json";
    /// Operations and faults.
    pub const HISTORY: &str = "history.jsonl";
    /// Notes of nodes and network.
    pub const EVENTS: &str = "events.jsonl";
    /// Every property, its outcome, its counterexample, what was covered.
    pub const VERDICT: &str = "verdict.json";
    /// One self-contained page.
    pub const REPORT: &str = "report.html";
    /// For continuous integration.
    pub const JUNIT: &str = "junit.xml";
    /// For a pull request or a chat.
    pub const SUMMARY: &str = "summary.md";
    /// Messages between nodes, with their fates.
    pub const MESSAGES: &str = "messages.jsonl";
    /// What clients of one's own say on their standard errors.
    pub const CLIENTS: &str = "clients.log";
    /// Every frame that passed the switch of a virtual network.
    pub const CAPTURE: &str = "network.pcapng";
    /// Logs and data directories of the nodes.
    pub const NODES: &str = "nodes";
}

/// The longest part of a run folder's path, in bytes.
pub const PART_BYTES_MAX: usize = 80;

/// A run folder that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The machine said no; the message names the file.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A file does not say what it should.
    #[error("{path}: {why}", path = path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, with line and column.
        why: String,
    },
    /// A file is of a later version.
    #[error("{path} has format {found}, and this version reads up to {known}", path = path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that is known.
        known: u32,
    },
}

/// A run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    /// Where it is.
    pub path: PathBuf,
    /// Its id: the time and four hexadecimal digits.
    pub id: String,
}

impl RunFolder {
    /// Creates a folder of its own for a run, below the results folder of `options`. `started` is the wall clock; the id
    /// ends in the first four digits of a number that no other run of that second has.
    pub fn create(options: &RunOptions, started: jiff::Timestamp) -> Result<Self, FolderError> {
        let parent = options.out.join(label(options));
        fs::create_dir_all(&parent)?;
        let time = started.strftime("%Y%m%dT%H%M%SZ");
        // The digits come from the process and the instant, not from the seed: the same seed may run many times a second.
        let first = (started.subsec_nanosecond().unsigned_abs() >> 4) ^ std::process::id().wrapping_mul(40_503);
        for attempt in 0..=u32::from(u16::MAX) {
            let id = format!("{time}-{:04x}", first.wrapping_add(attempt) & 0xffff);
            let path = parent.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(RunFolder { path, id }),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error.into()),
            }
        }
        let why = "65,536 runs began in the same second".to_owned();
        Err(FolderError::Content { path: parent, why })
    }

    /// A folder that exists.
    pub fn open(path: &Path) -> Self {
        let id = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        RunFolder { path: path.to_owned(), id }
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file beside its place and renames it there.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), FolderError> {
        let beside = self.path.join(format!("{name}.part"));
        let written = write_synced(&beside, content).and_then(|()| fs::rename(&beside, self.path.join(name)));
        if written.is_err() {
            // What went wrong before is what is told; half a file is of no use.
            let _ = fs::remove_file(&beside);
        }
        Ok(written?)
    }

    /// Writes a JSON file, indented, beside its place and renames it there.
    pub fn write_json<T: Serialize>(&self, name: &str, content: &T) -> Result<(), FolderError> {
        let mut text = serde_json::to_vec_pretty(content)
            .map_err(|error| FolderError::Content { path: self.file(name), why: error.to_string() })?;
        text.push(b'\n');
        self.write(name, &text)
    }

    /// What was run.
    pub fn run_file(&self) -> Result<RunFile, FolderError> {
        self.read_json(file::RUN, run_file::FORMAT)
    }

    /// What came of it.
    pub fn verdict(&self) -> Result<Verdict, FolderError> {
        self.read_json(file::VERDICT, crate::verdict::FORMAT)
    }

    /// Points `latest` of the results folder to this run.
    pub fn make_latest(&self, results: &Path) -> Result<(), FolderError> {
        let target = self.path.strip_prefix(results).unwrap_or(&self.path);
        let beside = results.join(format!("latest.{}.part", self.id));
        #[cfg(unix)]
        fs_err::os::unix::fs::symlink(target, &beside)?;
        #[cfg(not(unix))]
        fs::write(&beside, target.to_string_lossy().as_bytes())?;
        fs::rename(&beside, results.join("latest"))?;
        Ok(())
    }

    /// Removes the data folders of so many nodes; their logs stay.
    pub fn remove_data(&self, nodes: u16) -> Result<(), FolderError> {
        for node in 1..=nodes {
            for part in ["data", "tmp"] {
                let path = self.path.join(file::NODES).join(format!("n{node}")).join(part);
                match fs::remove_dir_all(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn read_json<T: DeserializeOwned>(&self, name: &str, known: u32) -> Result<T, FolderError> {
        let path = self.file(name);
        let text = fs::read(&path)?;
        let content = |error: serde_json::Error| FolderError::Content { path: path.clone(), why: error.to_string() };
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(content)?;
        let found = value.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if found > u64::from(known) {
            return Err(FolderError::Newer { path, found, known });
        }
        serde_json::from_value(value).map_err(content)
    }
}

fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(content)?;
    file.sync_data()
}

/// The results folder where none is named: `results` of this repository where `here` lies in it, else
/// `./schism-results`.
pub fn default_results(here: &Path) -> PathBuf {
    let ours = |folder: &&Path| {
        ["checker", "nodes", "workloads", "harness"].iter().all(|part| folder.join(part).join("Cargo.toml").is_file())
    };
    match here.ancestors().find(ours) {
        Some(repository) => repository.join("results"),
        None => here.join("schism-results"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn created(results: &Path) -> RunFolder {
        let mut options = sample::options();
        options.out = results.to_owned();
        RunFolder::create(&options, "2026-08-24T02:17:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn each_run_has_a_folder_of_its_own() {
        let results = tempfile::tempdir().unwrap();
        let (one, two) = (created(results.path()), created(results.path()));
        assert_ne!(one.path, two.path);
        assert!(one.id.starts_with("20260824T021700Z-"), "{}", one.id);
        assert_eq!(one.path.parent().unwrap().file_name().unwrap(), "nwr-register-standard");
    }

    #[test]
    fn what_is_written_can_be_read_back_and_nothing_is_left_beside_it() {
        let results = tempfile::tempdir().unwrap();
        let folder = created(results.path());
        folder.write_json(file::RUN, &sample::run_file()).unwrap();
        folder.write_json(file::VERDICT, &sample::invalid()).unwrap();
        assert_eq!(folder.run_file().unwrap(), sample::run_file());
        assert_eq!(folder.verdict().unwrap(), sample::invalid());
        let names: Vec<_> = fs::read_dir(&folder.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_newer_format_is_refused_by_number_and_damage_by_place() {
        let results = tempfile::tempdir().unwrap();
        let folder = created(results.path());
        folder.write(file::VERDICT, br#"{"schism":"verdict","format":99}"#).unwrap();
        let newer = folder.verdict().unwrap_err().to_string();
        assert!(newer.contains("has format 99, and this version reads up to 1"), "{newer}");
        folder.write(file::VERDICT, b"{\"schism\":\n!").unwrap();
        let damaged = folder.verdict().unwrap_err().to_string();
        assert!(damaged.contains("line 2 column 1"), "{damaged}");
    }

    #[test]
    fn latest_moves_on() {
        let results = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let folder = created(results.path());
            folder.make_latest(results.path()).unwrap();
            let latest = fs::canonicalize(results.path().join("latest")).unwrap();
            assert_eq!(latest, fs::canonicalize(&folder.path).unwrap());
        }
    }

    #[test]
    fn results_go_into_this_repository_only_from_inside_of_it() {
        let inside = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(default_results(&inside.join("src")), inside.parent().unwrap().join("results"));
        let outside = tempfile::tempdir().unwrap();
        assert_eq!(default_results(outside.path()), outside.path().join("schism-results"));
    }
}
