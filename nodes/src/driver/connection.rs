//! A connection that somebody made to this node: a peer, who only speaks, or a client, who asks and is answered.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::SocketAddr;

use mio::net::TcpStream;

use super::lines::{LineReader, OutQueue};
use super::{HELLO_BYTES, OUT_LIMIT};
use crate::id::{ClientId, Incarnation, NodeId};
use crate::wire::Hello;

/// An inbound connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    /// Cuts what comes into lines.
    pub(super) reader: LineReader,
    /// Who is at the other end.
    pub(super) party: Party,
    /// What waits to be sent.
    pub(super) out: OutQueue,
    /// What comes first was sent while this node stood still at a trap: probes among it prove nothing.
    pub(super) stale: bool,
    /// The other end says no more: the end has to be read, however little came before it.
    pub(super) ending: bool,
    /// Writing failed; it is to be closed.
    pub(super) broken: bool,
}

/// Who is at the other end of an inbound connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Party {
    /// Has not said it yet.
    Stranger,
    /// Another node, with its name.
    Peer(NodeId, String),
    /// A client.
    Client(ClientId),
}

/// What reading gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// All there was for now.
    All,
    /// There is more.
    More,
    /// All there will ever be.
    End,
}

impl Connection {
    /// A connection that was just accepted.
    pub(super) fn new(stream: TcpStream) -> Self {
        Connection {
            stream,
            reader: LineReader::new(HELLO_BYTES),
            party: Party::Stranger,
            out: OutQueue::new(OUT_LIMIT),
            stale: false,
            ending: false,
            broken: false,
        }
    }

    /// Reads once into `buffer` and hands it to the reader of lines.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Received {
        if self.broken {
            return Received::End;
        }
        match self.stream.read(buffer) {
            Ok(0) => Received::End,
            Ok(count) => {
                self.reader.feed(&buffer[..count]);
                // A socket that gave less than it could is empty, and says so when it no longer is.
                if count < buffer.len() && !self.ending { Received::All } else { Received::More }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::All,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Received::More,
            Err(_) => Received::End,
        }
    }

    /// Who says what `line` says, if it is a hello to `me` that is acceptable.
    pub(super) fn greeted(
        &mut self,
        line: &[u8],
        me: &Hello,
        peers: &BTreeMap<NodeId, SocketAddr>,
    ) -> Result<(), HelloError> {
        let hello: Hello = serde_json::from_slice(line)?;
        if hello.run != me.run {
            return Err(HelloError::Run { theirs: hello.run, ours: me.run.clone() });
        }
        if hello.to != me.from {
            return Err(HelloError::To { to: hello.to, me: me.from.clone() });
        }
        if hello.from == me.from {
            return Err(HelloError::Myself);
        }
        self.party = match hello.from.parse::<NodeId>() {
            Ok(node) if peers.contains_key(&node) => Party::Peer(node, hello.from),
            Ok(node) if !node.is_coordinator() => return Err(HelloError::From(hello.from)),
            Err(_) if hello.from.is_empty() || hello.from.contains('#') => return Err(HelloError::From(hello.from)),
            _ => Party::Client(ClientId(hello.from)),
        };
        let answer = Hello {
            run: hello.run,
            from: me.from.clone(),
            to: self.party.name().to_owned(),
            incarnation: me.incarnation,
        };
        self.out.push(|bytes| serde_json::to_writer(bytes, &answer));
        Ok(())
    }

    /// Queues a line; `write` gets the name of who is there.
    pub(super) fn push(&mut self, write: impl FnOnce(&str, &mut Vec<u8>) -> serde_json::Result<()>) {
        let name = self.party.name();
        self.out.push(|bytes| write(name, bytes));
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self) {
        self.broken |= self.out.write_to(&mut self.stream).is_err();
    }
}

impl Party {
    /// Its name on the wire.
    fn name(&self) -> &str {
        match self {
            Party::Stranger => "",
            Party::Peer(_, name) => name,
            Party::Client(client) => &client.0,
        }
    }
}

/// Our own hello, as the acceptor compares it: `to` is whoever comes.
pub(super) fn own_hello(run: &str, me: NodeId, incarnation: Incarnation) -> Hello {
    Hello { run: run.to_owned(), from: me.to_string(), to: String::new(), incarnation: Some(incarnation) }
}

/// Why a connection is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum HelloError {
    /// The first line is something else.
    #[error("its first line is no hello: {0}")]
    NoHello(#[from] serde_json::Error),
    /// It belongs to another run.
    #[error("it belongs to run {theirs:?}, and this is {ours:?}")]
    Run {
        /// The dialler's run.
        theirs: String,
        /// This node's.
        ours: String,
    },
    /// It means somebody else.
    #[error("it means {to:?}, and this is {me}")]
    To {
        /// Who is meant.
        to: String,
        /// This node.
        me: String,
    },
    /// A node that dials itself.
    #[error("it comes from this node itself")]
    Myself,
    /// A name that is none: a node outside the universe, or a client whose requests could not be named.
    #[error("nobody can be called {0:?}")]
    From(String),
}
