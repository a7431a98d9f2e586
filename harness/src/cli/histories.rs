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
    /// It was found in a folder, so that it may as well be something else.
    pub(crate) found: bool,
    /// Where it was unpacked to, which is gone when nobody needs it any more.
    #[expect(dead_code, reason = "it is held, not read")]
    pub(crate) unpacked: Option<Arc<TempDir>>,
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

/// Like [`one`], and all files of a folder that is no run folder, with those of its folders.
pub(crate) fn all(results: &Path, name: &Path) -> Result<Vec<Candidate>, Problem> {
    let (unpacked_to, unpacked) = if name.is_dir() || !(name.exists() || name == Path::new("-")) {
        (name.to_owned(), None)
    } else {
        input::plain(name)?
    };
    let name = unpacked_to.as_path();
    if name.is_dir() && !name.join(file::HISTORY).exists() {
        let mut files = Vec::new();
        collect(name, &mut files)?;
        if files.is_empty() {
            let hint = "a folder with histories, or the path of one";
            return Err(Problem::new("there is no file in this folder", name.display().to_string(), hint));
        }
        return Ok(files.into_iter().map(|file| Candidate { unpacked: unpacked.clone(), ..file }).collect());
    }
    one(results, name).map(|path| vec![Candidate { path, found: false, unpacked }])
}

/// Adds the files of a folder by their names, those of folders in it where the folder's name stands. Of a run folder only
/// its history counts. Links are not followed: what they lead to is found where it lies, or was not meant.
fn collect(folder: &Path, files: &mut Vec<Candidate>) -> Result<(), Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::new(error.to_string(), folder.display().to_string(), "a folder that may be read")
    };
    let entries = fs_err::read_dir(folder).map_err(unreadable)?;
    let mut entries: Vec<_> = entries.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs_err::DirEntry::file_name);
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type().map_err(unreadable)?);
        let run = path.join(file::HISTORY);
        if kind.is_dir() && run.is_file() {
            files.push(Candidate { path: run, found: false, unpacked: None });
        } else if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() {
            files.push(Candidate { path, found: true, unpacked: None });
        }
    }
    Ok(())
}
