//! The log of a node: what its process writes to standard error.

use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use fs_err as fs;

/// How much of the end of a log is looked at, in bytes, and how many lines of that are shown.
const TAIL_BYTES: u64 = 8 * 1024;
const TAIL_LINES: usize = 20;

/// Opens a log so that everything is appended, and says how long it is already.
pub(crate) fn open(path: &Path) -> io::Result<(std::fs::File, u64)> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    let length = file.metadata()?.len();
    Ok((file.into_parts().0, length))
}

/// The last lines of a log from byte `start` on, lossily decoded; or why they cannot be read.
pub(crate) fn tail(path: &Path, start: u64) -> String {
    read_tail(path, start).unwrap_or_else(|error| format!("(the log cannot be read: {error})"))
}

fn read_tail(path: &Path, start: u64) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL_BYTES).max(start);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_tail_is_bounded_lossy_and_of_this_life_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let (mut file, start) = open(&path).unwrap();
        assert_eq!(start, 0);
        writeln!(file, "an earlier life").unwrap();
        let (mut file, start) = open(&path).unwrap();
        file.write_all(b"bad byte \xff\n").unwrap();
        assert_eq!(tail(&path, start), "bad byte \u{fffd}");
        for number in 0..5_000 {
            writeln!(file, "line {number}").unwrap();
        }
        let text = tail(&path, start);
        assert_eq!(text.lines().count(), TAIL_LINES);
        assert!(text.starts_with("line 4980\n") && text.ends_with("line 4999"), "{text}");
    }

    #[test]
    fn a_missing_log_says_so() {
        assert!(tail(Path::new("/nowhere/log"), 0).contains("/nowhere/log"));
    }
}
