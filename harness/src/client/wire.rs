//! One TCP connection of a client: bounded reads, and the knowledge whether anything that may have an effect has been sent.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use crate::network;

/// The longest answer that is read, in bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Why an exchange came to no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The machine said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The other end closed before the answer was whole.
    #[error("the connection ended before the answer")]
    Ended,
    /// The answer is none.
    #[error("the answer cannot be read: {0}")]
    Garbage(String),
    /// The server refused the client before it asked anything.
    #[error("{0}")]
    Refused(String),
}

impl WireError {
    /// An answer that is none, with the beginning of what came in its place.
    pub fn garbage(what: &str, found: &[u8]) -> Self {
        let shown: String = String::from_utf8_lossy(found).chars().take(120).collect();
        WireError::Garbage(format!("{what} in {shown:?}"))
    }
}

/// How a client connects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dial {
    /// The address of its own, where it has one.
    pub source: Option<IpAddr>,
}

impl Dial {
    /// Connects.
    pub async fn connect(self, address: SocketAddr) -> Result<Wire, WireError> {
        let stream = network::connect(self.source, address).await?;
        stream.set_nodelay(true)?;
        Ok(Wire { dial: self, stream, buffer: Vec::new(), begin: 0, committed: false })
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Wire {
    dial: Dial,
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Up to here `buffer` has been used.
    begin: usize,
    /// Whether a byte has left that may have an effect.
    committed: bool,
}

impl Wire {
    /// Connects, from wherever the machine likes.
    pub async fn connect(address: SocketAddr) -> Result<Self, WireError> {
        Dial::default().connect(address).await
    }

    /// How it was connected.
    pub fn dial(&self) -> Dial {
        self.dial
    }

    /// A new attempt begins, of which nothing has been sent.
    pub(crate) fn begin(&mut self) {
        self.committed = false;
    }

    /// Whether the attempt may have had an effect.
    pub(crate) fn is_committed(&self) -> bool {
        self.committed
    }

    /// Whether the other end has not closed, as far as can be known now. What came unasked is kept.
    pub(crate) fn is_open(&mut self) -> bool {
        match self.stream.try_read_buf(&mut self.buffer) {
            Ok(read) => read > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Sends what asks for an effect: from its first byte on, an error leaves open whether it took place.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.write(bytes, true).await
    }

    /// Sends what has no effect, such as a greeting or a question before a write.
    pub async fn send_harmless(&mut self, bytes: &[u8]) -> Result<(), WireError> {
        self.write(bytes, false).await
    }

    async fn write(&mut self, mut rest: &[u8], commits: bool) -> Result<(), WireError> {
        while !rest.is_empty() {
            match self.stream.try_write(rest) {
                Ok(written) => {
                    self.committed |= commits && written > 0;
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The next line, without `\n` and a `\r` before it.
    pub async fn line(&mut self) -> Result<Vec<u8>, WireError> {
        let mut searched = self.begin;
        loop {
            if let Some(length) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let line = &self.buffer[self.begin..searched + length];
                let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
                self.begin = searched + length + 1;
                return Ok(line);
            }
            searched = self.buffer.len();
            let used = self.begin;
            self.more().await?;
            searched -= used - self.begin;
        }
    }

    /// The next `count` bytes.
    pub async fn exactly(&mut self, count: usize) -> Result<Vec<u8>, WireError> {
        if count > ANSWER_BYTES_MAX {
            return Err(WireError::Garbage(format!("{count} bytes are announced, more than {ANSWER_BYTES_MAX}")));
        }
        while self.buffer.len() - self.begin < count {
            self.more().await?;
        }
        let bytes = self.buffer[self.begin..self.begin + count].to_vec();
        self.begin += count;
        Ok(bytes)
    }

    /// All that comes until the other end closes.
    pub async fn to_end(&mut self) -> Result<Vec<u8>, WireError> {
        loop {
            match self.more().await {
                Ok(()) => {}
                Err(WireError::Ended) => {
                    let bytes = self.buffer.split_off(self.begin);
                    self.buffer.clear();
                    self.begin = 0;
                    return Ok(bytes);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what is there, at least a byte.
    async fn more(&mut self) -> Result<(), WireError> {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        if self.buffer.len() > ANSWER_BYTES_MAX {
            return Err(WireError::Garbage(format!("it is longer than {ANSWER_BYTES_MAX} bytes")));
        }
        self.buffer.reserve(4096);
        loop {
            match self.stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Err(WireError::Ended),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.readable().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
