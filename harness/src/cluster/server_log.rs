//! The log of somebody else's process: what it writes is read to the end, so that it never waits for us, and kept up to a
//! bound, without secrets.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::BufReader;
use tokio::net::unix::pipe::Receiver;

use crate::cluster::life::lock;
use crate::cluster::node_log;
use crate::lines::Lines;
use crate::system::secrets::Secrets;

/// How much is kept of one log, in bytes; after that, what came last.
const KEPT_MAX: u64 = 32 * 1024 * 1024;
/// How much of one line is kept, in bytes.
const LINE_MAX: usize = 16 * 1024;
/// How many of the last lines are kept of a log that became too long.
const LAST_LINES: usize = 200;

/// A log file that does not become too long.
#[derive(Debug)]
pub(crate) struct LogFile {
    inner: Mutex<Inner>,
    secrets: Arc<Secrets>,
    /// Where this part of the log began.
    pub(crate) start: u64,
}

#[derive(Debug)]
struct Inner {
    file: std::fs::File,
    written: u64,
    left_out: u64,
    last: std::collections::VecDeque<String>,
}

impl LogFile {
    /// Opens a log, to which is appended.
    pub(crate) fn open(path: &Path, secrets: Arc<Secrets>) -> io::Result<Self> {
        let (file, start) = node_log::open(path)?;
        let inner = Inner { file, written: start, left_out: 0, last: std::collections::VecDeque::new() };
        Ok(LogFile { inner: Mutex::new(inner), secrets, start })
    }

    /// Reads what a process writes to its end, keeps it, and shows each line.
    pub(crate) async fn copy(self: Arc<Self>, output: Receiver, mut show: impl FnMut(&str) + Send) {
        let mut lines = Lines::new(BufReader::with_capacity(64 * 1024, output), LINE_MAX);
        while let Ok(Some(line)) = lines.next().await {
            let line = String::from_utf8_lossy(line);
            let line = self.secrets.mask(&line);
            show(&line);
            lock(&self.inner).keep(&line);
        }
        lock(&self.inner).finish();
    }
}

impl Inner {
    fn keep(&mut self, line: &str) {
        if self.written < KEPT_MAX {
            // A log that cannot be written is no reason to end a run: the history has what counts.
            let _ = writeln!(self.file, "{line}");
            self.written += line.len() as u64 + 1;
            return;
        }
        self.left_out += 1;
        self.last.push_back(line.to_owned());
        if self.last.len() > LAST_LINES {
            self.last.pop_front();
        }
    }

    /// Writes the last lines of a log that became too long, and how many are missing before them.
    fn finish(&mut self) {
        let missing = self.left_out - self.last.len() as u64;
        if missing > 0 {
            let _ = writeln!(self.file, "({missing} lines were left out here)");
        }
        for line in std::mem::take(&mut self.last) {
            let _ = writeln!(self.file, "{line}");
        }
        self.left_out = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_has_a_bound_and_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let log = Arc::new(LogFile::open(&path, Arc::default()).unwrap());
        let (read, mut write) = io::pipe().unwrap();
        let writer = std::thread::spawn(move || {
            let line = format!("{}\n", "x".repeat(4095));
            for _ in 0..KEPT_MAX / 4096 + 1000 {
                write.write_all(line.as_bytes()).unwrap();
            }
            write.write_all(b"the end").unwrap();
        });
        let mut lines = 0_u64;
        log.copy(Receiver::from_owned_fd(read.into()).unwrap(), |_| lines += 1).await;
        writer.join().unwrap();
        assert_eq!(lines, KEPT_MAX / 4096 + 1001);
        assert!(fs_err::metadata(&path).unwrap().len() < KEPT_MAX + 1024 * 1024);
        let tail = node_log::tail(&path, 0);
        assert!(tail.ends_with("the end"), "{tail}");
        assert!(fs_err::read_to_string(&path).unwrap().contains("(801 lines were left out here)"));
    }
}
