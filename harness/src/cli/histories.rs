//! Which histories a command means: files as they are, run folders, runs by their ids, and all that lies in a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use crate::cli::input;
use crate::cli::problem::Problem;
use crate::folder::{self, file};

/// A file that may be a history.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) path: PathBuf,
    /// What it is called before people: where it came through a pipe or out of an archive, its path is nothing to them.
    pub(crate) name: String,
    /// It was found in a folder, so that it may as well be something else.
    pub(crate) found: bool,
    /// Where it was unpacked to, which is gone when nobody needs it any more.
    #[expect(dead_code, reason = "it is held, not read")]
    pub(crate) unpacked: Option<Arc<TempDir>>,
}

/// What was named, or found, and cannot be used.
#[derive(Clone, Debug)]
pub(crate) struct Unusable {
    pub(crate) name: String,
    pub(crate) problem: Problem,
}

impl Candidate {
    /// A file that somebody named.
    pub(crate) fn named(path: PathBuf) -> Candidate {
        Candidate { name: path.display().to_string(), path, found: false, unpacked: None }
    }
}

/// The file that is meant: as it is, the history of a run folder, or that of a run by its id.
pub(crate) fn one(results: &Path, name: &Path) -> Result<PathBuf, Problem> {
    if name.is_dir() {
        return Ok(name.join(file::HISTORY));
    }
    if name.exists() {
        return Ok(name.to_owned());
    }
    let folder = name.to_str().and_then(|id| folder::find(results, id).ok());
    folder.map(|folder| folder.file(file::HISTORY)).ok_or_else(|| {
        let hint = "the path of a history or of a run folder, or an id from schism list runs";
        Problem::new("there is no such file, and no such run", name.display().to_string(), hint)
    })
}

/// Like [`one`], and all files of a folder that is no run folder, with those of its folders. What of it cannot be used keeps nothing else
/// from being judged.
pub(crate) fn all(results: &Path, name: &Path) -> Vec<Result<Candidate, Unusable>> {
    let told = name.display().to_string();
    let unusable = |problem| vec![Err(Unusable { name: told.clone(), problem })];
    if !name.is_dir() && (name.exists() || name == Path::new("-")) {
        return match input::plain(name) {
            Ok((path, unpacked)) => in_place(&path, &told, unpacked),
            Err(problem) => unusable(problem),
        };
    }
    if name.is_dir() && !name.join(file::HISTORY).exists() {
        return in_place(name, &told, None);
    }
    match one(results, name) {
        Ok(path) => vec![Ok(Candidate::named(path))],
        Err(problem) => unusable(problem),
    }
}

/// What lies at a path that people call by a name: the file, the history of a run folder, or all files of another folder.
fn in_place(path: &Path, name: &str, unpacked: Option<Arc<TempDir>>) -> Vec<Result<Candidate, Unusable>> {
    if !path.is_dir() {
        return vec![Ok(Candidate { path: path.to_owned(), name: name.to_owned(), found: false, unpacked })];
    }
    let mut files = Vec::new();
    if path.join(file::HISTORY).exists() {
        files.push(Ok(Candidate::named(path.join(file::HISTORY))));
    } else {
        collect(path, &mut files);
    }
    if files.is_empty() {
        let hint = "a folder with histories, or the path of one";
        let problem = Problem::new("there is no file in this folder", name, hint);
        return vec![Err(Unusable { name: name.to_owned(), problem })];
    }
    let called = |found: &Path| Path::new(name).join(found.strip_prefix(path).unwrap_or(found)).display().to_string();
    let renamed = |file: Result<Candidate, Unusable>| match file {
        Ok(file) => Ok(Candidate { name: called(&file.path), unpacked: unpacked.clone(), ..file }),
        Err(unusable) => Err(unusable),
    };
    files.into_iter().map(renamed).collect()
}

/// Adds the files of a folder by their names, those of folders in it where the folder's name stands. Of a run folder only
/// its history counts. Links are not followed: what they lead to is found where it lies, or was not meant.
fn collect(folder: &Path, files: &mut Vec<Result<Candidate, Unusable>>) {
    let entries = fs_err::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let name = folder.display().to_string();
            let problem = Problem::new(error.to_string(), &name, "a folder that may be read");
            return files.push(Err(Unusable { name, problem }));
        }
    };
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // What has gone meanwhile is not there.
        let Ok(kind) = entry.file_type() else { continue };
        let run = path.join(file::HISTORY);
        if kind.is_dir() && run.is_file() {
            files.push(Ok(Candidate::named(run)));
        } else if kind.is_dir() {
            collect(&path, files);
        } else if kind.is_file() {
            files.push(Ok(Candidate { found: true, ..Candidate::named(path) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_read_keeps_nothing_else_from_being_found() {
        let folder = tempfile::tempdir().unwrap();
        let (first, gone) = (folder.path().join("first"), folder.path().join("gone"));
        fs_err::create_dir(&first).unwrap();
        fs_err::write(first.join("history"), "").unwrap();
        let mut files = Vec::new();
        for folder in [&gone, &first] {
            collect(folder, &mut files);
        }
        assert!(matches!(&files[..], [Err(_), Ok(_)]), "{files:?}");
        assert_eq!(files[0].as_ref().unwrap_err().name, gone.display().to_string());
    }
}
