//! Finds a run by what a person types: a path, an id, a unique prefix, `latest`, `latest:invalid`.

use std::path::{Path, PathBuf};

use fs_err as fs;
use schism_checker::verdict::Outcome;

use crate::folder::{RunFolder, file};

/// How many runs an error names.
const NAMED_MAX: usize = 5;

/// A run that cannot be found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No run has this name.
    #[error("no run {wanted:?} in {results}", results = results.display())]
    None {
        /// What was asked for.
        wanted: String,
        /// Where it was looked for.
        results: PathBuf,
    },
    /// Several begin, or end, with it.
    #[error("{wanted:?} may be any of {}", .ids.join(", "))]
    Several {
        /// What was asked for.
        wanted: String,
        /// Some of the runs that it may be.
        ids: Vec<String>,
    },
    /// It is a path, and there is no run in it.
    #[error("{path} is no run folder: it has no {}", file::RUN, path = path.display())]
    NoRun {
        /// Which path.
        path: PathBuf,
    },
}

/// The run folder that `wanted` names. A path is taken as it is; anything else is looked up in `results`.
pub fn find(results: &Path, wanted: &str) -> Result<RunFolder, FindError> {
    let path = Path::new(wanted);
    if wanted.contains(std::path::MAIN_SEPARATOR) || path.is_dir() {
        return opened(path);
    }
    match wanted {
        "latest" => latest(results),
        "latest:invalid" => newest_first(results).into_iter().find(is_invalid).ok_or_else(|| none(results, wanted)),
        _ => by_id(results, wanted),
    }
}

/// All runs of a results folder, by id, the oldest first. Folders without `run.json` are none.
pub fn all(results: &Path) -> Vec<RunFolder> {
    let mut runs: Vec<RunFolder> = folders_in(results)
        .iter()
        .flat_map(|label| folders_in(label))
        .filter(|path| path.join(file::RUN).is_file())
        .map(|path| RunFolder::open(&path))
        .collect();
    runs.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| a.path.cmp(&b.path)));
    runs
}

fn opened(path: &Path) -> Result<RunFolder, FindError> {
    if path.join(file::RUN).is_file() {
        // `latest` is a link: the run's own name is behind it.
        let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        return Ok(RunFolder { path: path.to_owned(), id: RunFolder::open(&own).id });
    }
    Err(FindError::NoRun { path: path.to_owned() })
}

fn latest(results: &Path) -> Result<RunFolder, FindError> {
    let link = results.join("latest");
    let target = fs::read_link(&link).ok().or_else(|| fs::read_to_string(&link).ok().map(PathBuf::from));
    let linked = target.map(|target| results.join(target)).filter(|path| path.join(file::RUN).is_file());
    // Where the link is gone, the newest run is meant.
    let newest = || newest_first(results).into_iter().next();
    linked.map(|path| RunFolder::open(&path)).or_else(newest).ok_or_else(|| none(results, "latest"))
}

fn by_id(results: &Path, wanted: &str) -> Result<RunFolder, FindError> {
    let runs = all(results);
    let digits = |id: &str| id.rsplit_once('-').is_some_and(|(_, digits)| digits == wanted);
    let mut found: Vec<RunFolder> = runs.iter().filter(|run| run.id == wanted).cloned().collect();
    if found.is_empty() && !wanted.is_empty() {
        found = runs.into_iter().filter(|run| run.id.starts_with(wanted) || digits(&run.id)).collect();
    }
    if found.len() > 1 {
        let ids = found.iter().take(NAMED_MAX).map(|run| run.id.clone()).collect();
        return Err(FindError::Several { wanted: wanted.to_owned(), ids });
    }
    found.pop().ok_or_else(|| none(results, wanted))
}

fn newest_first(results: &Path) -> Vec<RunFolder> {
    let mut runs = all(results);
    runs.reverse();
    runs
}

fn is_invalid(run: &RunFolder) -> bool {
    run.verdict().is_ok_and(|verdict| verdict.outcome == Outcome::Invalid)
}

fn none(results: &Path, wanted: &str) -> FindError {
    FindError::None { wanted: wanted.to_owned(), results: results.to_owned() }
}

/// The folders in a folder, links not followed; none where it cannot be read.
pub(crate) fn folders_in(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// A results folder with runs of these ids, the second one invalid.
    fn results() -> tempfile::TempDir {
        let results = tempfile::tempdir().unwrap();
        let ids = ["20260824T021700Z-7f3a", "20260825T021700Z-0001", "20260826T021700Z-7f3b"];
        for (place, id) in ids.iter().enumerate() {
            let path = results.path().join("raft-register-standard").join(id);
            fs::create_dir_all(&path).unwrap();
            let folder = RunFolder::open(&path);
            folder.write_json(file::RUN, &sample::run_file()).unwrap();
            let verdict = if place == 1 { sample::invalid() } else { sample::valid() };
            folder.write_json(file::VERDICT, &verdict).unwrap();
        }
        results
    }

    #[test]
    fn runs_are_found_by_any_of_their_names() {
        let results = results();
        let table = [
            ("20260824T021700Z-7f3a", "20260824T021700Z-7f3a"),
            ("7f3a", "20260824T021700Z-7f3a"),
            ("20260826", "20260826T021700Z-7f3b"),
            ("latest", "20260826T021700Z-7f3b"),
            ("latest:invalid", "20260825T021700Z-0001"),
        ];
        for (wanted, id) in table {
            assert_eq!(find(results.path(), wanted).unwrap().id, id, "{wanted}");
        }
        let path = results.path().join("raft-register-standard/20260825T021700Z-0001");
        assert_eq!(find(results.path(), path.to_str().unwrap()).unwrap().id, "20260825T021700Z-0001");
    }

    #[test]
    fn what_is_not_found_or_not_unique_is_told() {
        let results = results();
        let several = find(results.path(), "2026").unwrap_err();
        assert!(matches!(&several, FindError::Several { ids, .. } if ids.len() == 3), "{several}");
        assert!(matches!(find(results.path(), "ffff"), Err(FindError::None { .. })));
        assert!(matches!(find(results.path(), ""), Err(FindError::None { .. })));
        assert!(matches!(find(results.path(), "/proc"), Err(FindError::NoRun { .. })));
        assert!(matches!(find(Path::new("/nonexistent"), "latest"), Err(FindError::None { .. })));
    }
}
