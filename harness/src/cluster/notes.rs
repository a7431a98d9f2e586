//! The note pipe of a node: created once, written by each of its lives, read to its end by one task.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Mutex;

use schism_nodes::note::NoteLine;
use schism_nodes::{Incarnation, NodeId};
use tokio::io::BufReader;
use tokio::net::unix::pipe;

use crate::cluster::life::lock;
use crate::lines::Lines;

/// The longest note line.
const NOTE_LINE_BYTES: usize = 1024 * 1024;
/// How much of a line that is no note is kept, in bytes.
const MALFORMED_BYTES: usize = 4 * 1024;
/// How much a pipe holds before its node waits for us, in bytes, where the machine allows it.
#[cfg(target_os = "linux")]
const PIPE_BYTES: i32 = 1024 * 1024;

/// The write end of a note pipe, kept open between the lives of its node.
#[derive(Debug)]
pub(crate) struct NotePipe {
    write: Mutex<Option<OwnedFd>>,
}

impl NotePipe {
    /// A pipe, and its read end.
    pub(crate) fn create() -> io::Result<(NotePipe, pipe::Receiver)> {
        let (read, write) = io::pipe()?;
        #[cfg(target_os = "linux")]
        // A machine that refuses gives a smaller pipe, which is slower and nothing else.
        let _ = nix::fcntl::fcntl(&write, nix::fcntl::FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
        let receiver = pipe::Receiver::from_owned_fd(OwnedFd::from(read))?;
        Ok((NotePipe { write: Mutex::new(Some(OwnedFd::from(write))) }, receiver))
    }

    /// A write end for a new life; an error after the pipe was closed.
    pub(crate) fn writer(&self) -> io::Result<OwnedFd> {
        match lock(&self.write).as_ref() {
            Some(write) => write.try_clone(),
            None => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the cluster is stopping")),
        }
    }

    /// No more lives: when those that there are have ended, the pipe has an end.
    pub(crate) fn close(&self) {
        lock(&self.write).take();
    }
}

/// A line of a note pipe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A note, as it came, how many are missing before it, and whether more lines are here already.
    Note { note: NoteLine, text: String, lost: u64, more: bool },
    /// Something else, bounded and lossily decoded.
    Malformed(String),
}

/// Reads a note pipe to its end.
pub(crate) async fn follow(node: NodeId, pipe: pipe::Receiver, mut take: impl FnMut(Line)) -> io::Result<()> {
    let mut lines = Lines::new(BufReader::with_capacity(64 * 1024, pipe), NOTE_LINE_BYTES);
    let mut numbers = Numbers::default();
    while let Some(line) = lines.next().await? {
        // The spawner ends a line that a killed node may have begun; mostly there is none.
        if line.is_empty() {
            continue;
        }
        let mut line = numbers.read(node, line);
        if let Line::Note { more, .. } = &mut line {
            *more = lines.has_next();
        }
        take(line);
    }
    Ok(())
}

/// The last number of each incarnation.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<Incarnation, u64>);

impl Numbers {
    fn read(&mut self, maker: NodeId, line: &[u8]) -> Line {
        let text = str::from_utf8(line).ok();
        let note = text.and_then(|text| serde_json::from_str::<NoteLine>(text).ok());
        match (text, note) {
            (Some(text), Some(note)) if note.node == maker => {
                let latest = self.0.entry(note.incarnation).or_default();
                let lost = note.seq.saturating_sub(latest.saturating_add(1));
                *latest = note.seq.max(*latest);
                Line::Note { note, text: text.to_owned(), lost, more: false }
            }
            _ => Line::Malformed(String::from_utf8_lossy(&line[..line.len().min(MALFORMED_BYTES)]).into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn line(node: &str, incarnation: u64, seq: u64) -> String {
        format!(r#"{{"node":"{node}","incarnation":{incarnation},"seq":{seq},"time":5,"note":"leader","fields":{{}}}}"#)
    }

    #[test]
    fn gaps_are_counted_within_each_incarnation() {
        let mut numbers = Numbers::default();
        let mut lost = |incarnation, seq| match numbers.read(NodeId(1), line("n1", incarnation, seq).as_bytes()) {
            Line::Note { lost, .. } => lost,
            Line::Malformed(text) => panic!("{text}"),
        };
        assert_eq!([lost(1, 1), lost(1, 2), lost(2, 1), lost(1, 5), lost(2, 2), lost(3, 2)], [0, 0, 0, 2, 0, 1]);
    }

    #[tokio::test]
    async fn a_pipe_has_its_end_when_it_is_closed_and_all_writers_are_gone() {
        let (notes, read) = NotePipe::create().unwrap();
        let mut writer = std::fs::File::from(notes.writer().unwrap());
        writeln!(writer, "{}", line("n1", 1, 1)).unwrap();
        writer.write_all(b"{\"node\":\"n1\",\"incar").unwrap();
        drop(writer);
        let mut writer = std::fs::File::from(notes.writer().unwrap());
        writeln!(writer, "\n{}\nno note\n{}", line("n1", 2, 1), line("n2", 1, 1)).unwrap();
        drop(writer);
        notes.close();
        assert!(notes.writer().is_err());
        let mut taken = Vec::new();
        follow(NodeId(1), read, |line| taken.push(line)).await.unwrap();
        let kinds: Vec<String> = taken
            .into_iter()
            .map(|line| match line {
                Line::Note { note, .. } => format!("note of {}", note.incarnation),
                Line::Malformed(text) => format!("malformed {}", &text[..text.len().min(12)]),
            })
            .collect();
        assert_eq!(
            kinds,
            ["note of 1", "malformed {\"node\":\"n1\"", "note of 2", "malformed no note", "malformed {\"node\":\"n2\""]
        );
    }
}
