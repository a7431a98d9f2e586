//! What `show`, `report` and `check` take: a run by any of its names, an archive of one, a bare history in any format, Jepsen's
//! `store` folder, standard input.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schism_checker::formats::{self, NotPaired, ReadError};
use schism_checker::history::{History, Operation};
use tempfile::TempDir;

use crate::cli::args::OutArgs;
use crate::cli::problem::Problem;
use crate::cli::show;
use crate::folder::{RunFolder, archive, file};

/// Names that a history has in other tools' folders, in the order in which they are looked for.
const HISTORIES: [&str; 4] = [file::HISTORY, "history.edn", "history.json", "history"];
/// How much of what comes through a pipe is looked at before the rest is taken: as much as a format is recognised by.
const BEGINNING_BYTES: u64 = 64 << 10;
/// How deep below an archive's or a store's top a run is looked for.
const DEPTH_MAX: usize = 4;

/// Where something to be looked at is.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    /// As it was named.
    pub(crate) name: String,
    /// The run folder, where there is one.
    pub(crate) folder: Option<RunFolder>,
    /// The history.
    pub(crate) history: PathBuf,
    /// What was unpacked is gone when nobody looks at it any more.
    unpacked: Option<Arc<TempDir>>,
}

/// What a person named.
pub(crate) fn input(path: &Path, out: &OutArgs) -> Result<Input, Problem> {
    let wanted = &*path.display().to_string();
    if wanted == "-" || (path.exists() && !path.is_dir()) {
        let (path, unpacked) = plain(path)?;
        if path.is_dir() {
            return in_folder(&path, wanted, unpacked);
        }
        return Ok(Input { name: wanted.to_owned(), folder: None, history: path, unpacked });
    }
    if path.is_dir() && !path.join(file::RUN).is_file() {
        return in_folder(path, wanted, None);
    }
    show::found(wanted, out).map(|folder| of_run(wanted, folder, None)).map_err(|problem| {
        // What is a path is not looked for among the runs.
        if wanted.contains(std::path::MAIN_SEPARATOR) && !path.exists() {
            return Problem::new("there is no such file, and no such folder", wanted, problem.hint);
        }
        problem
    })
}

impl Input {
    /// The history, which errors call as it was named.
    pub(crate) fn read(&self) -> Result<History, ReadError> {
        formats::read_path(&self.history).map_err(|error| self.called(error))
    }

    /// Its operations; with `independent`, of a history whose values are `[key, value]`.
    pub(crate) fn read_operations(&self, independent: bool) -> Result<Vec<Operation>, NotPaired> {
        let paired = formats::read_paired_path(&self.history, independent).map_err(|error| match error {
            NotPaired::Read(error) => NotPaired::Read(self.called(error)),
            other => other,
        });
        Ok(paired?.operations)
    }

    /// An error about the history, which people know by the name that they gave where they do not know its path.
    pub(crate) fn called(&self, mut error: ReadError) -> ReadError {
        if self.unpacked.is_none() {
            return error;
        }
        match &mut error {
            ReadError::Io { name, .. }
            | ReadError::Unrecognised { name, .. }
            | ReadError::Newer { name, .. }
            | ReadError::Broken { name, .. } => name.clone_from(&self.name),
        }
        error
    }
}

/// A file that is no archive as it is; what cannot be read twice, such as standard input and pipes, as a file; an archive as the folder
/// into which it was unpacked.
pub(crate) fn plain(path: &Path) -> Result<(PathBuf, Option<Arc<TempDir>>), Problem> {
    let problem = |error: &dyn std::fmt::Display| {
        let hint = "a run folder, a history, or a zip or tar.gz of one";
        Problem::new(error.to_string(), path.display().to_string(), hint)
    };
    let mut folder = None;
    let mut file = path.to_owned();
    if path == Path::new("-") || !path.is_file() {
        let received = TempDir::new().map_err(|error| problem(&error))?;
        file = received.path().join("received");
        spool(path, &file).map_err(|error| problem(&error))?;
        folder = Some(Arc::new(received));
    }
    let Some(kind) = archive::kind(&file).map_err(|error| problem(&error))? else { return Ok((file, folder)) };
    let unpacked = TempDir::new().map_err(|error| problem(&error))?;
    archive::unpack(&file, kind, unpacked.path()).map_err(|error| problem(&error))?;
    let alone = unpacked.path().join("history");
    let path = if alone.is_file() { alone } else { unpacked.path().to_owned() };
    Ok((path, Some(Arc::new(unpacked))))
}

/// Writes what comes from standard input, a pipe or a device to a file, so that it can be read more than once. Of what begins neither
/// like a history nor like an archive, the beginning is enough to say so; it may have no end.
fn spool(from: &Path, to: &Path) -> io::Result<()> {
    // The second name cannot be opened where a socket is behind it.
    let is_stdin = from == Path::new("-") || from == Path::new("/dev/stdin");
    let mut input: Box<dyn Read> =
        if is_stdin { Box::new(io::stdin().lock()) } else { Box::new(fs_err::File::open(from)?) };
    let mut beginning = Vec::new();
    (&mut input).take(BEGINNING_BYTES).read_to_end(&mut beginning)?;
    let mut file = fs_err::File::create(to)?;
    file.write_all(&beginning)?;
    if formats::recognise(&beginning).is_some() || archive::kind(to)?.is_some() {
        io::copy(&mut input, &mut file)?;
    }
    Ok(())
}

/// The run of a folder, or the newest of several.
fn in_folder(folder: &Path, wanted: &str, unpacked: Option<Arc<TempDir>>) -> Result<Input, Problem> {
    // Jepsen keeps a link to its newest run.
    let latest = folder.join("latest");
    let top = if latest.is_dir() { &latest } else { folder };
    let mut found = Vec::new();
    collect(top, DEPTH_MAX, &mut found);
    found.sort();
    let Some(history) = found.pop() else {
        let hint = "a run folder, a history, a zip or tar.gz of one, or Jepsen's store folder";
        return Err(Problem::new("there is no history in this folder", wanted, hint));
    };
    let run = history.parent().filter(|parent| parent.join(file::RUN).is_file());
    match run {
        Some(run) => Ok(of_run(wanted, RunFolder::open(run), unpacked)),
        None => Ok(Input { name: wanted.to_owned(), folder: None, history, unpacked }),
    }
}

/// Adds the histories in a folder and in those below it. Links below the top are not followed.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if let Some(history) = HISTORIES.iter().map(|name| folder.join(name)).find(|path| path.is_file()) {
        found.push(history);
        return;
    }
    let Ok(entries) = fs_err::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        if depth > 0 && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), depth - 1, found);
        }
    }
}

fn of_run(wanted: &str, folder: RunFolder, unpacked: Option<Arc<TempDir>>) -> Input {
    let history = folder.file(file::HISTORY);
    Input { name: wanted.to_owned(), folder: Some(folder), history, unpacked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &Path) -> Result<Input, Problem> {
        input(path, &OutArgs { out: Some(PathBuf::from("/nonexistent")) })
    }

    #[test]
    fn a_store_leads_to_its_newest_history() {
        let store = tempfile::tempdir().unwrap();
        for time in ["20260101T000000", "20260102T000000"] {
            let folder = store.path().join("etcd").join(time);
            fs_err::create_dir_all(&folder).unwrap();
            fs_err::write(folder.join("history.edn"), "{}").unwrap();
        }
        let newest = named(store.path()).unwrap();
        assert!(newest.folder.is_none() && newest.history.ends_with("etcd/20260102T000000/history.edn"));
        assert!(named(&store.path().join("etcd")).unwrap().history.ends_with("20260102T000000/history.edn"));
        let empty = tempfile::tempdir().unwrap();
        assert!(named(empty.path()).is_err());
    }

    #[test]
    fn what_was_unpacked_is_there_as_long_as_it_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl.gz");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut packed, b"{}").unwrap();
        fs_err::write(&path, packed.finish().unwrap()).unwrap();
        let input = named(&path).unwrap();
        let history = input.history.clone();
        assert_eq!(fs_err::read(&history).unwrap(), b"{}");
        drop(input);
        assert!(!history.exists());
    }
}
