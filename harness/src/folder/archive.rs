//! Run folders and histories that come as archives: zip, tar and gzip.
//!
//! An archive is data from strangers: only plain files are taken out, to places inside one folder and nowhere else, and no more of
//! them than a limit allows, however small the archive is.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use fs_err as fs;

/// What all files together may have, in bytes.
const BYTES_MAX: u64 = 4 << 30;
/// How many files there may be.
const FILES_MAX: usize = 20_000;
/// How deep a run lies in an archive at most: what packed it may have kept the folders around it.
const DEPTH_MAX: usize = 8;

/// An archive that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read, or what is in it cannot be written.
    #[error("the archive cannot be unpacked: {0}")]
    Io(#[from] io::Error),
    /// It is damaged.
    #[error("the archive cannot be unpacked: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// It has more in it than anybody records.
    #[error("the archive has more than {FILES_MAX} files or {} GiB in it", BYTES_MAX >> 30)]
    TooLarge,
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A zip archive.
    Zip,
    /// A tar archive, or a single file, compressed with gzip.
    Gzip,
    /// A tar archive.
    Tar,
}

/// Which kind of archive a file is; none if it is none.
pub fn kind(path: &Path) -> io::Result<Option<Kind>> {
    let mut beginning = Vec::new();
    fs::File::open(path)?.take(512).read_to_end(&mut beginning)?;
    Ok(match beginning.as_slice() {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some(Kind::Zip),
        [0x1f, 0x8b, ..] => Some(Kind::Gzip),
        tar if tar.get(257..262) == Some(b"ustar".as_slice()) => Some(Kind::Tar),
        _ => None,
    })
}

/// Unpacks an archive into a folder. A file alone that was compressed becomes `history`.
pub fn unpack(path: &Path, kind: Kind, into: &Path) -> Result<(), ArchiveError> {
    let file = io::BufReader::new(fs::File::open(path)?);
    let mut room = Room { into, bytes: BYTES_MAX, files: FILES_MAX };
    match kind {
        Kind::Zip => room.zip(zip::ZipArchive::new(file)?),
        Kind::Tar => room.tar(file),
        Kind::Gzip => {
            // Whether a tar is inside shows only when it is unpacked.
            let inside = into.join("history");
            room.take(Path::new("history"), &mut flate2::bufread::MultiGzDecoder::new(file))?;
            if self::kind(&inside)? == Some(Kind::Tar) {
                room.bytes = BYTES_MAX;
                room.tar(io::BufReader::new(fs::File::open(&inside)?))?;
                fs::remove_file(&inside)?;
            }
            Ok(())
        }
    }
}

/// Where files go, and how much more may come.
struct Room<'a> {
    into: &'a Path,
    bytes: u64,
    files: usize,
}

impl Room<'_> {
    fn zip(&mut self, mut archive: zip::ZipArchive<impl Read + io::Seek>) -> Result<(), ArchiveError> {
        for place in 0..archive.len() {
            let mut file = archive.by_index(place)?;
            let name = PathBuf::from(file.name());
            if file.is_file() {
                self.take(&name, &mut file)?;
            }
        }
        Ok(())
    }

    fn tar(&mut self, archive: impl Read) -> Result<(), ArchiveError> {
        for entry in tar::Archive::new(archive).entries()? {
            let mut entry = entry?;
            let name = entry.path()?.into_owned();
            // Links and devices are no part of a run.
            if entry.header().entry_type().is_file() {
                self.take(&name, &mut entry)?;
            }
        }
        Ok(())
    }

    /// Writes one file, if its name stays inside.
    fn take(&mut self, name: &Path, content: &mut impl Read) -> Result<(), ArchiveError> {
        let Some(inside) = inside(name) else { return Ok(()) };
        self.files = self.files.checked_sub(1).ok_or(ArchiveError::TooLarge)?;
        let path = self.into.join(inside);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        let written = io::copy(&mut content.take(self.bytes + 1), &mut file)?;
        self.bytes = self.bytes.checked_sub(written).ok_or(ArchiveError::TooLarge)?;
        Ok(())
    }
}

/// A name as a path that cannot lead out of a folder; none if it would.
fn inside(name: &Path) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) if !part.to_string_lossy().contains(['\\', ':']) => path.push(part),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (1..=DEPTH_MAX).contains(&path.components().count()).then_some(path)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, content) in files {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["../evil", "/etc/passwd", "a/../../evil", "", "..", "c:\\evil", "1/2/3/4/5/6/7/8/9"] {
            assert_eq!(inside(Path::new(name)), None, "{name}");
        }
        assert_eq!(inside(Path::new("./run/history.jsonl")), Some(PathBuf::from("run/history.jsonl")));
        let folder = tempfile::tempdir().unwrap();
        let (archive, into) = (folder.path().join("a.zip"), folder.path().join("into"));
        fs::write(&archive, zipped(&[("../evil", b"x"), ("run.json", b"{}")])).unwrap();
        fs::create_dir(&into).unwrap();
        unpack(&archive, Kind::Zip, &into).unwrap();
        assert_eq!(
            (names(folder.path()), names(&into)),
            (vec!["a.zip".into(), "into".into()], vec!["run.json".into()])
        );
    }

    #[test]
    fn links_are_left_out_and_a_compressed_tar_is_unpacked() {
        let folder = tempfile::tempdir().unwrap();
        let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        archive.append_link(&mut header, "run/link", "/etc/passwd").unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_size(2);
        archive.append_data(&mut header, "run/run.json", b"{}".as_slice()).unwrap();
        let path = folder.path().join("a.tar.gz");
        fs::write(&path, archive.into_inner().unwrap().finish().unwrap()).unwrap();
        let into = folder.path().join("into");
        fs::create_dir(&into).unwrap();
        assert_eq!(kind(&path).unwrap(), Some(Kind::Gzip));
        unpack(&path, Kind::Gzip, &into).unwrap();
        assert_eq!((names(&into), names(&into.join("run"))), (vec!["run".into()], vec!["run.json".into()]));
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut room = Room { into: folder.path(), bytes: 10, files: 2 };
        room.take(Path::new("a"), &mut [0; 6].as_slice()).unwrap();
        assert!(matches!(room.take(Path::new("b"), &mut [0; 6].as_slice()), Err(ArchiveError::TooLarge)));
        assert!(matches!(room.take(Path::new("c"), &mut [0; 1].as_slice()), Err(ArchiveError::TooLarge)));
        assert_eq!(kind(&folder.path().join("a")).unwrap(), None);
    }
}
