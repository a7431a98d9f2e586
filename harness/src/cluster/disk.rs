//! What a fault does to the data of a node that is dead: nothing, tear what was not synced, or wipe.

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;
use serde_json::json;

use crate::cluster::{Disk, Proof};

/// The write-ahead log, in a node's data folder.
const LOG: &str = "wal";
/// How many bytes of it are synced, and how often it was: 8 bytes each, little endian, kept by the node as it runs.
const SYNCED: &str = "wal.synced";

/// Does to the data of a dead node what is asked, and says what was done.
pub(crate) fn damage(data: &Path, disk: Disk) -> io::Result<Proof> {
    match disk {
        Disk::Keep => Ok(json!({})),
        Disk::Tear { share } => tear(data, share),
        Disk::Wipe => wipe(data),
    }
}

/// Cuts the log to what was synced and a share of the rest.
fn tear(data: &Path, share: f64) -> io::Result<Proof> {
    let path = data.join(LOG);
    let file = match fs::OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(json!({ "synced": 0, "written": 0, "kept": 0 }));
        }
        Err(error) => return Err(error),
    };
    let written = file.metadata()?.len();
    let synced = synced(data)?.min(written);
    let kept = synced + share_of(written - synced, share);
    file.set_len(kept)?;
    file.sync_all()?;
    Ok(json!({ "synced": synced, "written": written, "kept": kept }))
}

/// How far the log was synced, as far as the node has told. A node that was killed before its first sync has told nothing.
fn synced(data: &Path) -> io::Result<u64> {
    match fs::read(data.join(SYNCED)) {
        Ok(bytes) => Ok(bytes.first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// How often the nodes with these data folders have synced their logs; none where none of them has told.
pub(crate) fn syncs(folders: impl Iterator<Item = PathBuf>) -> Option<u64> {
    let told = folders.filter_map(|data| fs::read(data.join(SYNCED)).ok());
    told.filter_map(|bytes| Some(u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?))).reduce(|all, one| all + one)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a file's length, which a float holds well enough, and at most that length"
)]
/// As many of `bytes` as the share says.
pub(crate) fn share_of(bytes: u64, share: f64) -> u64 {
    ((bytes as f64 * share.clamp(0.0, 1.0)) as u64).min(bytes)
}

/// Removes everything in the folder.
fn wipe(data: &Path) -> io::Result<Proof> {
    let (mut files, mut bytes) = (0_u64, 0_u64);
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            bytes += metadata.len();
            fs::remove_file(entry.path())?;
        }
        files += 1;
    }
    Ok(json!({ "wiped": { "files": files, "bytes": bytes } }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(log: &[u8], synced: Option<u64>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOG), log).unwrap();
        if let Some(synced) = synced {
            fs::write(folder.path().join(SYNCED), synced.to_le_bytes()).unwrap();
        }
        folder
    }

    #[test]
    fn a_tear_keeps_what_was_synced_and_the_share_of_the_rest() {
        for (synced, share, kept) in
            [(Some(60), 0.0, 60), (Some(60), 0.5, 80), (Some(60), 1.0, 100), (None, 0.25, 25), (Some(900), 0.5, 100)]
        {
            let folder = data(&[7; 100], synced);
            let proof = damage(folder.path(), Disk::Tear { share }).unwrap();
            assert_eq!(proof["kept"], kept, "synced {synced:?}, share {share}");
            assert_eq!(fs::metadata(folder.path().join(LOG)).unwrap().len(), kept);
        }
    }

    #[test]
    fn a_node_without_a_log_has_nothing_to_tear() {
        let folder = tempfile::tempdir().unwrap();
        let proof = damage(folder.path(), Disk::Tear { share: 0.5 }).unwrap();
        assert_eq!(proof, json!({ "synced": 0, "written": 0, "kept": 0 }));
    }

    #[test]
    fn a_wipe_leaves_an_empty_folder_and_says_how_much_is_gone() {
        let folder = data(&[7; 100], Some(10));
        let proof = damage(folder.path(), Disk::Wipe).unwrap();
        assert_eq!(proof, json!({ "wiped": { "files": 2, "bytes": 108 } }));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
