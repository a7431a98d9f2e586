//! The note pipe: one line and one write(2) for each note, in order, with the machine's own time.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde::Serialize;

use super::clock;
use crate::id::{Incarnation, NodeId};
use crate::note::Note;

/// A note's line as it is written: [`crate::note::NoteLine`] without a copy of the note.
#[derive(Serialize)]
struct Line<'a> {
    node: NodeId,
    incarnation: Incarnation,
    seq: u64,
    time: u64,
    #[serde(flatten)]
    note: &'a Note,
}

/// The writing end of a node's note pipe. It waits for a reader that is behind: notes are evidence, and none may be lost.
#[derive(Debug)]
pub(super) struct Notes {
    pipe: std::io::PipeWriter,
    node: NodeId,
    incarnation: Incarnation,
    /// The number of the last line.
    seq: u64,
    line: Vec<u8>,
}

impl Notes {
    /// The notes of one life of a node.
    pub(super) fn new(pipe: OwnedFd, node: NodeId, incarnation: Incarnation) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(pipe.as_fd(), FcntlArg::F_GETFL)?);
        fcntl(pipe.as_fd(), FcntlArg::F_SETFL(flags.difference(OFlag::O_NONBLOCK)))?;
        Ok(Notes { pipe: pipe.into(), node, incarnation, seq: 0, line: Vec::new() })
    }

    /// Writes a note's line.
    pub(super) fn write(&mut self, note: &Note) -> io::Result<()> {
        self.seq += 1;
        let line =
            Line { node: self.node, incarnation: self.incarnation, seq: self.seq, time: clock::machine_now(), note };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line)?;
        self.line.push(b'\n');
        self.pipe.write_all(&self.line)
    }
}
