//! All sockets of a node and the one poll that watches them. Readiness is remembered until it is used, so that the loop
//! may wait for one thing (a trap does) without forgetting another. Nothing here knows what is said.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpListener;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::clock::machine_now;
use super::connection::{Connection, own_hello};
use super::control::Control;
use super::link::Link;
use super::log;
use crate::control::Boot;
use crate::id::NodeId;
use crate::wire::Hello;

const CONTROL: Token = Token(0);
const LISTENER: Token = Token(1 << 16);
/// Tokens below the listener's are links, by the number of the peer; those above are inbound connections, and no token
/// is used twice.
const FIRST_CONNECTION: usize = (1 << 16) + 1;
/// How long nothing is accepted after the machine refused a descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that is polled.
#[derive(Debug)]
pub(super) struct Sockets {
    poll: Poll,
    events: Events,
    listener: TcpListener,
    /// The controller.
    pub(super) control: Control,
    /// The peers, to whom we speak.
    pub(super) links: BTreeMap<NodeId, Link>,
    /// Those who speak to us.
    connections: BTreeMap<Token, Connection>,
    next_connection: usize,
    /// When the listener may have somebody waiting: the machine's clock from which it is asked.
    accept_at: Option<u64>,
    /// Inbound connections that may have something to read.
    unread: BTreeSet<Token>,
    /// Inbound connections that have something to send.
    unsent: Vec<Token>,
    /// Whether the control socket may have something to read.
    pub(super) control_ready: bool,
}

/// A poll that watches the control socket and a listener: what may fail when a node starts.
#[derive(Debug)]
pub(super) struct Listening {
    poll: Poll,
    listener: TcpListener,
}

impl Listening {
    /// Listens where the boot line says.
    pub(super) fn open(address: SocketAddr, control: &mut Control) -> io::Result<Self> {
        control.begin_run()?;
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&control.raw_fd()), CONTROL, Interest::READABLE | Interest::WRITABLE)?;
        let mut listener = TcpListener::bind(address)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Listening { poll, listener })
    }
}

impl Sockets {
    /// Ready to accept and to dial.
    pub(super) fn new(boot: &Boot, control: Control, listening: Listening) -> Self {
        Sockets {
            poll: listening.poll,
            events: Events::with_capacity(256),
            listener: listening.listener,
            control,
            links: links(boot),
            connections: BTreeMap::new(),
            next_connection: FIRST_CONNECTION,
            accept_at: Some(0),
            unread: BTreeSet::new(),
            unsent: Vec::new(),
            control_ready: true,
        }
    }

    /// Waits until something is ready, at most so long, and remembers what.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, timeout)
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        let now = machine_now();
        for event in &self.events {
            match event.token() {
                CONTROL => {
                    self.control_ready = true;
                    self.control.unblock();
                }
                LISTENER => self.accept_at = Some(0),
                token if token < LISTENER => {
                    let peer = NodeId(u16::try_from(token.0).expect("a link's token is its peer's number"));
                    if let Some(link) = self.links.get_mut(&peer) {
                        link.on_ready(now);
                    }
                }
                token => {
                    let Some(connection) = self.connections.get_mut(&token) else { continue };
                    connection.ending |= event.is_read_closed() || event.is_error();
                    if event.is_readable() || event.is_read_closed() || event.is_error() {
                        self.unread.insert(token);
                    }
                    if event.is_writable() {
                        connection.out.unblock();
                        self.unsent.push(token);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes new connections and dials lost links, if it is time.
    pub(super) fn on_time(&mut self, now: u64) {
        for link in self.links.values_mut() {
            link.on_time(now, self.poll.registry());
        }
        if self.accept_at.is_some_and(|time| time <= now) {
            self.accept_at = None;
            self.accept(now);
        }
    }

    /// When [`Sockets::on_time`] has something to do, on the machine's clock.
    pub(super) fn wakes_at(&self) -> Option<u64> {
        self.links.values().filter_map(Link::wakes_at).chain(self.accept_at).min()
    }

    fn accept(&mut self, now: u64) {
        loop {
            let accepted = self.listener.accept().and_then(|(mut stream, _)| {
                stream.set_nodelay(true)?;
                let token = Token(self.next_connection);
                self.poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                Ok((token, Connection::new(stream)))
            });
            match accepted {
                Ok((token, connection)) => {
                    self.next_connection += 1;
                    self.connections.insert(token, connection);
                    self.unread.insert(token);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    // It may be that connection's fault or for want of descriptors: the others are asked for later.
                    log::tell(format_args!("a connection cannot be accepted: {error}"));
                    self.accept_at = Some(now + u64::try_from(ACCEPT_PAUSE.as_nanos()).expect("a tenth of a second"));
                    return;
                }
            }
        }
    }

    /// Whether something came that was not read yet.
    pub(super) fn is_busy(&self) -> bool {
        self.control_ready || !self.unread.is_empty()
    }

    /// The inbound connections that may have something to read.
    pub(super) fn take_unread(&mut self) -> BTreeSet<Token> {
        std::mem::take(&mut self.unread)
    }

    /// There may be more to read.
    pub(super) fn keep_unread(&mut self, token: Token) {
        self.unread.insert(token);
    }

    /// Takes a connection out, to work with it; it is closed unless it is put back.
    pub(super) fn take(&mut self, token: Token) -> Option<Connection> {
        self.connections.remove(&token)
    }

    /// Puts a connection back.
    pub(super) fn put_back(&mut self, token: Token, connection: Connection) {
        if !connection.out.is_empty() {
            self.unsent.push(token);
        }
        self.connections.insert(token, connection);
    }

    /// Queues a line on an inbound connection, if it is still there; `write` gets the name of who is there.
    pub(super) fn push(&mut self, token: Token, write: impl FnOnce(&str, &mut Vec<u8>) -> serde_json::Result<()>) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        if connection.out.is_empty() {
            self.unsent.push(token);
        }
        connection.push(write);
    }

    /// Sends what the sockets take, the controller's among them.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let now = machine_now();
        for link in self.links.values_mut() {
            link.flush(now);
        }
        for token in self.unsent.drain(..) {
            let Some(connection) = self.connections.get_mut(&token) else { continue };
            connection.flush();
            if connection.broken {
                self.unread.insert(token);
            }
        }
        self.control.flush()
    }

    /// Waits until the kernel has taken all that was sent, or `patience` ends: a receiver that reads nothing, or a link
    /// that does not come up, shall not stop a node for ever.
    pub(super) fn flush_to_kernel(&mut self, patience: Duration) -> io::Result<()> {
        let begin = machine_now();
        loop {
            self.flush()?;
            let is_sending = self.links.values().any(Link::is_sending)
                || self.connections.values().any(|connection| !connection.out.is_empty() && !connection.broken);
            let left = patience.saturating_sub(Duration::from_nanos(machine_now() - begin));
            if !is_sending || left.is_zero() {
                return Ok(());
            }
            self.wait(Some(left))?;
        }
    }

    /// What lies unread on all connections was sent to a node that stood still.
    pub(super) fn mark_stale(&mut self) {
        for (token, connection) in &mut self.connections {
            connection.stale = true;
            self.unread.insert(*token);
        }
    }
}

fn links(boot: &Boot) -> BTreeMap<NodeId, Link> {
    let mut links = BTreeMap::new();
    for (&peer, &address) in &boot.peers {
        let hello = Hello { to: peer.to_string(), ..own_hello(&boot.run, boot.node, boot.incarnation) };
        links.insert(peer, Link::new(peer, address, Token(usize::from(peer.0)), &hello));
    }
    links
}
