//! The write-ahead log: a node's stable storage, one file of frames.
//!
//! Every frame is written at once, so that a SIGKILL loses nothing that was written. How far the file is synced stands
//! beside it in `wal.synced` (8 bytes, little endian, and 8 more with the number of syncs so far): after a SIGKILL the controller reads it and cuts the log as a
//! loss of power would have. That number is never too large for the file that it speaks of; readers take it or the
//! file's length, whichever is less. The log knows nothing of what its records mean.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::FileExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::frame::{self, Scan};

/// The log, in a node's data folder.
const LOG: &str = "wal";
/// How far it is synced.
const SYNCED: &str = "wal.synced";
/// A compacted log before it takes the log's place.
const COMPACTED: &str = "wal.compacted";
/// A log is compacted when it is larger than this …
const COMPACT_BYTES: u64 = 64 << 20;
/// … and that many times as large as it was after the last compaction.
const COMPACT_GROWTH: u64 = 4;

/// Stable storage that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalError {
    /// The machine said no; the message names the file.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A bad frame has good ones behind it: no crash does that.
    #[error(
        "{}: the frame at offset {offset} is damaged, and a good one follows at offset {next}; \
         a torn write has nothing behind it, so the file was changed: remove the data folder to start empty",
        path.display()
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// Where the bad frame begins.
        offset: usize,
        /// Where the next good one begins.
        next: usize,
    },
    /// A whole frame holds something that is no record of this protocol.
    #[error("{}: the record at offset {offset} is none of this protocol's: {error}; is this another protocol's folder?",
        path.display())]
    Foreign {
        /// The log.
        path: PathBuf,
        /// Where its frame begins.
        offset: usize,
        /// What the reader said.
        error: serde_json::Error,
    },
}

/// What an opened log held.
#[derive(Debug, PartialEq)]
pub(super) struct Recovered<R> {
    /// The records, oldest first.
    pub(super) records: Vec<R>,
    /// Bytes of a torn last write that were cut off.
    pub(super) torn: u64,
}

/// An open log.
#[derive(Debug)]
pub(super) struct Wal {
    folder: PathBuf,
    file: fs::File,
    synced_file: fs::File,
    /// Frames that wait for [`Wal::write`].
    frames: Vec<u8>,
    /// Bytes in the file.
    length: u64,
    /// Bytes of them that are synced.
    synced: u64,
    /// How often this log was synced, over all lives of the node.
    syncs: u64,
    /// The length from which compaction is tried.
    compact_at: u64,
}

impl Wal {
    /// Opens the log in `folder`, which it makes if there is none, and cuts off a torn last write. With `sync`, what it
    /// found is synced before it is handed out, since the protocol is going to rely on it.
    pub(super) fn open<R: DeserializeOwned>(folder: &Path, sync: bool) -> Result<(Self, Recovered<R>), WalError> {
        fs::create_dir_all(folder)?;
        let path = folder.join(LOG);
        let file = open_for_append(&path)?;
        let log = fs::read(&path)?;
        let (records, end) = read_records(&path, &log)?;
        let (length, torn) = (end as u64, (log.len() - end) as u64);
        if torn > 0 {
            file.set_len(length)?;
        }
        let synced_file =
            fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(SYNCED))?;
        sync_folder(folder)?;
        let [synced, syncs] = read_synced(&synced_file)?;
        let mut wal = Wal {
            folder: folder.to_owned(),
            synced: synced.min(length),
            syncs,
            file,
            synced_file,
            frames: Vec::new(),
            length,
            compact_at: COMPACT_BYTES.max(length.saturating_mul(COMPACT_GROWTH)),
        };
        if sync {
            wal.sync()?;
        } else {
            wal.tell_synced()?;
        }
        Ok((wal, Recovered { records, torn }))
    }

    /// Takes a record, to be written by the next [`Wal::write`].
    pub(super) fn append<R: Serialize>(&mut self, record: &R) {
        frame::append(&mut self.frames, |buffer| serde_json::to_writer(buffer, record))
            .expect("a protocol's records can be written as JSON");
    }

    /// Writes what was appended, in one go.
    pub(super) fn write(&mut self) -> io::Result<()> {
        if !self.frames.is_empty() {
            self.file.write_all(&self.frames)?;
            self.length += self.frames.len() as u64;
            self.frames.clear();
        }
        Ok(())
    }

    /// Makes all that was written durable, and then says so beside the log.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced = self.length;
        self.syncs += 1;
        self.tell_synced()
    }

    /// Whether the log has grown enough that [`Wal::compact`] may be worth it. All of it has to be synced (or nothing
    /// ever is): while the compacted log takes the old one's place, the number beside it speaks of either.
    pub(super) fn wants_compaction(&self) -> bool {
        self.length >= self.compact_at && self.frames.is_empty()
    }

    /// Replaces the log by these records, or keeps it if they are not smaller.
    ///
    /// A crash at any point leaves either log whole. The synced offset beside it is right in between as well: it stands
    /// at or behind the end of the new file, all of which is synced before it appears.
    pub(super) fn compact<R: Serialize>(&mut self, records: &[R]) -> io::Result<()> {
        let mut frames = Vec::new();
        for record in records {
            frame::append(&mut frames, |buffer| serde_json::to_writer(buffer, record))
                .expect("a protocol's records can be written as JSON");
        }
        let length = frames.len() as u64;
        self.compact_at = COMPACT_BYTES.max(length.saturating_mul(COMPACT_GROWTH));
        if length >= self.length {
            self.keep_uncompacted();
            return Ok(());
        }
        let compacted = self.folder.join(COMPACTED);
        fs::remove_file(&compacted).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })?;
        let mut file = open_for_append(&compacted)?;
        file.write_all(&frames)?;
        file.sync_data()?;
        fs::rename(&compacted, self.folder.join(LOG))?;
        sync_folder(&self.folder)?;
        (self.file, self.length, self.synced) = (file, length, length);
        self.tell_synced()
    }

    /// The protocol has nothing smaller: not to be asked again before the log has grown much more.
    pub(super) fn keep_uncompacted(&mut self) {
        self.compact_at = self.length.saturating_mul(COMPACT_GROWTH);
    }

    /// Whether something was written that is not synced yet.
    pub(super) fn is_unsynced(&self) -> bool {
        self.synced < self.length
    }

    fn tell_synced(&self) -> io::Result<()> {
        let mut told = [0; 16];
        told[..8].copy_from_slice(&self.synced.to_le_bytes());
        told[8..].copy_from_slice(&self.syncs.to_le_bytes());
        self.synced_file.write_all_at(&told, 0)
    }
}

fn open_for_append(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().read(true).append(true).create(true).open(path)
}

/// The records in a log's bytes, and where the last of them ends.
fn read_records<R: DeserializeOwned>(path: &Path, log: &[u8]) -> Result<(Vec<R>, usize), WalError> {
    match frame::scan(log) {
        Scan::Damaged { offset, next } => Err(WalError::Damaged { path: path.to_owned(), offset, next }),
        Scan::Sound { payloads, end } => {
            let read = |payload: std::ops::Range<usize>| {
                let offset = payload.start - frame::HEADER;
                serde_json::from_slice(&log[payload]).map_err(|error| WalError::Foreign {
                    path: path.to_owned(),
                    offset,
                    error,
                })
            };
            Ok((payloads.into_iter().map(read).collect::<Result<_, _>>()?, end))
        }
    }
}

/// The numbers beside the log, as far as they were written: the synced offset, and the number of syncs.
fn read_synced(file: &fs::File) -> io::Result<[u64; 2]> {
    let mut numbers = [0; 2];
    for (number, offset) in numbers.iter_mut().zip([0, 8]) {
        let mut bytes = [0; 8];
        match file.read_exact_at(&mut bytes, offset) {
            Ok(()) => *number = u64::from_le_bytes(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(error),
        }
    }
    Ok(numbers)
}

/// Makes the names in a folder durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Log = (Wal, Recovered<String>);

    fn synced(folder: &Path) -> u64 {
        u64::from_le_bytes(*fs::read(folder.join(SYNCED)).unwrap().first_chunk().unwrap())
    }

    fn syncs(folder: &Path) -> u64 {
        u64::from_le_bytes(*fs::read(folder.join(SYNCED)).unwrap().last_chunk().unwrap())
    }

    fn written(folder: &Path) -> u64 {
        fs::metadata(folder.join(LOG)).unwrap().len()
    }

    fn fill(folder: &Path, records: &[&str]) {
        let (mut wal, _): Log = Wal::open(folder, true).unwrap();
        for record in records {
            wal.append(record);
        }
        wal.write().unwrap();
        wal.sync().unwrap();
    }

    #[test]
    fn records_survive_and_the_synced_offset_follows_syncs_only() {
        let folder = tempfile::tempdir().unwrap();
        let (mut wal, found): Log = Wal::open(folder.path(), true).unwrap();
        assert_eq!(found, Recovered { records: vec![], torn: 0 });
        wal.append(&"a");
        wal.append(&"b");
        assert_eq!(written(folder.path()), 0, "frames wait for the write");
        wal.write().unwrap();
        assert_eq!((written(folder.path()), synced(folder.path())), (22, 0));
        assert!(wal.is_unsynced());
        wal.sync().unwrap();
        assert_eq!((written(folder.path()), synced(folder.path())), (22, 22));
        assert_eq!(syncs(folder.path()), 2, "what was found at the start is synced as well");
        drop(wal);
        let (_, found): Log = Wal::open(folder.path(), true).unwrap();
        assert_eq!(found, Recovered { records: vec!["a".into(), "b".into()], torn: 0 });
    }

    #[test]
    fn a_torn_write_is_cut_off_and_counted_wherever_it_was_torn() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &["a", "bc", "def"]);
        let whole = fs::read(folder.path().join(LOG)).unwrap();
        let ends = [0, 11, 23, 36];
        for cut in 0..whole.len() {
            fs::write(folder.path().join(LOG), &whole[..cut]).unwrap();
            let survivors = ends.iter().filter(|&&end| end > 0 && end <= cut).count();
            let (mut wal, found): Log = Wal::open(folder.path(), true).unwrap();
            assert_eq!(found.records, ["a", "bc", "def"][..survivors], "cut at {cut}");
            assert_eq!(found.torn, (cut - ends[survivors]) as u64, "cut at {cut}");
            assert_eq!(synced(folder.path()), ends[survivors] as u64, "cut at {cut}");
            wal.append(&"next");
            wal.write().unwrap();
            drop(wal);
            let (_, found): Log = Wal::open(folder.path(), true).unwrap();
            assert_eq!(found.records.last().unwrap(), "next", "cut at {cut}");
            assert_eq!((found.records.len(), found.torn), (survivors + 1, 0), "cut at {cut}");
        }
    }

    #[test]
    fn damage_is_refused_with_file_and_offset() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &["a", "bc", "def"]);
        let path = folder.path().join(LOG);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        let error = Wal::open::<String>(folder.path(), true).unwrap_err().to_string();
        assert!(error.contains(&format!("{}: the frame at offset 11 is damaged", path.display())), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "a damaged log is left as it is");
    }

    #[test]
    fn another_protocols_record_is_refused_with_file_and_offset() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &["a"]);
        let error = Wal::open::<u64>(folder.path(), true).unwrap_err();
        assert!(matches!(error, WalError::Foreign { offset: 0, .. }), "{error}");
    }

    #[test]
    fn without_syncs_nothing_is_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut wal, _): Log = Wal::open(folder.path(), false).unwrap();
        wal.append(&"a");
        wal.write().unwrap();
        drop(wal);
        let (_, found): Log = Wal::open(folder.path(), false).unwrap();
        assert_eq!((found.records.len(), synced(folder.path())), (1, 0));
    }

    #[test]
    fn compaction_replaces_the_log_and_its_synced_offset_stays_right() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &["a", "b", "c", "d"]);
        fs::write(folder.path().join(COMPACTED), "left by a crash").unwrap();
        let (mut wal, _): Log = Wal::open(folder.path(), true).unwrap();
        wal.compact(&["abcd"]).unwrap();
        assert_eq!((written(folder.path()), synced(folder.path())), (14, 14));
        wal.append(&"e");
        wal.write().unwrap();
        assert_eq!((written(folder.path()), synced(folder.path())), (25, 14));
        drop(wal);
        let (_, found): Log = Wal::open(folder.path(), true).unwrap();
        assert_eq!(found.records, ["abcd", "e"]);
    }

    #[test]
    fn compaction_to_something_larger_keeps_the_log() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &["a"]);
        let (mut wal, _): Log = Wal::open(folder.path(), true).unwrap();
        wal.compact(&["a", "b"]).unwrap();
        drop(wal);
        let (_, found): Log = Wal::open(folder.path(), true).unwrap();
        assert_eq!(found.records, ["a"]);
    }

    #[test]
    fn a_full_disk_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::os::unix::fs::symlink("/dev/full", folder.path().join(SYNCED)).unwrap();
        let error = Wal::open::<String>(folder.path(), true).unwrap_err().to_string();
        assert!(error.contains(SYNCED), "{error}");
    }
}
