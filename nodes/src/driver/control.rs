//! The node's end of the control socket: lines from the controller, lines to it.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::lines::{Line, LineReader, OutLimit, OutQueue};
use super::log;
use crate::control::{Boot, Down, Up, exit};

/// The version of the control protocol that this driver speaks.
const FORMAT: u32 = 1;
/// The longest line from the controller, in bytes.
const LINE_BYTES: usize = 16 << 20;
/// How long a node that ends waits for a controller that does not read.
const LAST_WORD_TIMEOUT: Duration = Duration::from_secs(5);
/// What may wait for a controller that does not read: dumps, mostly.
const OUT: OutLimit = OutLimit { lines: 1 << 20, bytes: 256 << 20 };

/// The control socket, before and while the node runs.
#[derive(Debug)]
pub struct Control {
    stream: UnixStream,
    reader: LineReader,
    out: OutQueue,
}

/// A node that cannot even be told what to run.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// The control socket failed or is none.
    #[error(
        "cannot use the control socket, which is the standard input of a node: {0}; nodes are started by the controller"
    )]
    Socket(#[from] io::Error),
    /// It ended before the first line.
    #[error("the control socket ended before its first line")]
    Ended,
    /// The first line is no boot line.
    #[error("the first line on the control socket is no boot line: {0}")]
    Line(String),
    /// It is one of another version.
    #[error("the boot line has format {0}, and this program knows format {FORMAT}")]
    Format(u32),
}

/// What came from the controller.
#[derive(Debug, PartialEq)]
pub(super) enum Command {
    /// An order.
    Down(Down),
    /// A line that is none.
    Unreadable(String),
    /// Nothing more for now.
    Nothing,
    /// The controller is gone, or says that the node shall end.
    Ended,
}

impl Control {
    /// Takes the node's end of a Unix stream socket pair.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        let stream = UnixStream::from(socket);
        stream.peer_addr()?; // Fails for anything that is no connected socket.
        stream.set_nonblocking(false)?;
        Ok(Control { stream, reader: LineReader::new(LINE_BYTES), out: OutQueue::new(OUT) })
    }

    /// Waits for the first line, which says what to run. Later lines are kept for the run.
    pub fn read_boot(&mut self) -> Result<Boot, BootError> {
        let mut bytes = [0; 4096];
        loop {
            match self.next_line() {
                Command::Down(Down::Boot(boot)) if boot.format == FORMAT => return Ok(*boot),
                Command::Down(Down::Boot(boot)) => return Err(BootError::Format(boot.format)),
                Command::Down(other) => return Err(BootError::Line(format!("{other:?}"))),
                Command::Unreadable(why) => return Err(BootError::Line(why)),
                Command::Nothing | Command::Ended => {}
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(BootError::Ended),
                Ok(count) => self.reader.feed(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Tells the controller why the node cannot start; the code with which the process then ends.
    pub fn refuse(mut self, why: impl Into<String>) -> i32 {
        self.last_word(&Up::Refused { id: 0, why: why.into() });
        exit::CANNOT_START
    }

    /// Says one thing more before the node ends, and waits until it is out. A controller that is gone misses it.
    pub(super) fn last_word(&mut self, word: &Up) {
        self.push(word);
        let sent = self.stream.set_nonblocking(false).and_then(|()| {
            self.stream.set_write_timeout(Some(LAST_WORD_TIMEOUT))?;
            self.out.unblock();
            self.out.write_to(&mut self.stream)
        });
        if let Err(error) = sent {
            log::tell(format_args!("the controller cannot be told {word:?}: {error}"));
        }
    }

    /// From now on nothing waits for the controller.
    pub(super) fn begin_run(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)
    }

    /// For the poll loop.
    pub(super) fn raw_fd(&self) -> RawFd {
        self.stream.as_fd().as_raw_fd()
    }

    /// The next command that has come, in the order of the lines.
    pub(super) fn next_command(&mut self) -> io::Result<Command> {
        let mut bytes = [0; 4096];
        loop {
            match self.next_line() {
                Command::Nothing => {}
                command => return Ok(command),
            }
            match self.stream.read(&mut bytes) {
                Ok(0) => return Ok(Command::Ended),
                Ok(count) => self.reader.feed(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Command::Nothing),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A controller that died with unread lines of ours resets the connection.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(Command::Ended),
                Err(error) => return Err(error),
            }
        }
    }

    /// Queues a line for the controller.
    pub(super) fn push(&mut self, up: &Up) {
        self.out.push(|bytes| serde_json::to_writer(bytes, up));
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.write_to(&mut self.stream)
    }

    /// The socket takes bytes again.
    pub(super) fn unblock(&mut self) {
        self.out.unblock();
    }

    fn next_line(&mut self) -> Command {
        match self.reader.next_line() {
            None => Command::Nothing,
            Some(Line::TooLong) => Command::Unreadable(format!("a line of more than {LINE_BYTES} bytes")),
            Some(Line::Whole(line)) => match serde_json::from_slice(line) {
                Ok(down) => Command::Down(down),
                Err(error) => Command::Unreadable(error.to_string()),
            },
        }
    }
}
