//! A link to a peer: dialled, greeted, written to, and dialled again with growing pauses when it is lost. Messages go one
//! way on it, from here.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::lines::{Line, LineReader, OutQueue};
use super::{HELLO_BYTES, OUT_LIMIT, log};
use crate::id::NodeId;
use crate::wire::Hello;

/// How long a dialler waits after the first failure, and at most after many.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));
/// How long a connection may take until the other end has said who it is.
const GREETING_TIMEOUT: Duration = Duration::from_secs(5);

/// The link to one peer.
#[derive(Debug)]
pub(super) struct Link {
    /// Who is at the other end.
    peer: NodeId,
    /// Its name on the wire.
    name: String,
    address: SocketAddr,
    token: Token,
    /// The line with which we begin.
    greeting: Vec<u8>,
    /// What the other end has to say.
    expected: Hello,
    state: State,
    out: OutQueue,
    /// Messages that were dropped, and how many the log speaks of.
    dropped: u64,
    told: u64,
    pause: Duration,
}

#[derive(Debug)]
enum State {
    /// Dials when the machine's clock shows that.
    Down { dial_at: u64 },
    /// Dialled, not connected yet.
    Dialling { stream: TcpStream, until: u64 },
    /// Connected, and has greeted.
    Greeted { stream: TcpStream, until: u64, reader: LineReader },
    /// The other end is who was meant.
    Open { stream: TcpStream },
}

impl Link {
    /// A link that is to be dialled at once. `me` is what we say; the answer has to be its mirror image.
    pub(super) fn new(peer: NodeId, address: SocketAddr, token: Token, me: &Hello) -> Self {
        let mut greeting = serde_json::to_vec(me).expect("a hello can be written as JSON");
        greeting.push(b'\n');
        let expected = Hello { run: me.run.clone(), from: me.to.clone(), to: me.from.clone(), incarnation: None };
        let (name, out, state) = (me.to.clone(), OutQueue::new(OUT_LIMIT), State::Down { dial_at: 0 });
        Link { peer, name, address, token, greeting, expected, state, out, dropped: 0, told: 0, pause: BACKOFF.0 }
    }

    /// Queues a line for the peer; `write` gets its name.
    pub(super) fn send(&mut self, write: impl FnOnce(&str, &mut Vec<u8>) -> serde_json::Result<()>) {
        self.dropped += self.out.push(|bytes| write(&self.name, bytes));
        if self.dropped.is_power_of_two() && self.dropped > self.told {
            log::tell(format_args!(
                "{} takes too little: {} messages to it were dropped so far",
                self.peer, self.dropped
            ));
            self.told = self.dropped;
        }
    }

    /// Whether messages get through to whoever is there.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Whether something waits that may leave soon: for a link that is down nobody waits.
    pub(super) fn is_sending(&self) -> bool {
        !self.out.is_empty() && !matches!(self.state, State::Down { .. })
    }

    /// When [`Link::on_time`] has something to do, on the machine's clock.
    pub(super) fn wakes_at(&self) -> Option<u64> {
        match self.state {
            State::Down { dial_at } => Some(dial_at),
            State::Dialling { until, .. } | State::Greeted { until, .. } => Some(until),
            State::Open { .. } => None,
        }
    }

    /// Dials if it is time, and gives up a connection on which nobody answers.
    pub(super) fn on_time(&mut self, now: u64, registry: &Registry) {
        if self.wakes_at().is_none_or(|time| time > now) {
            return;
        }
        if !matches!(self.state, State::Down { .. }) {
            self.lost(now);
        } else if let Err(error) = self.dial(now, registry) {
            self.complain("cannot be dialled", &error);
            self.lost(now);
        }
    }

    /// The socket says that it may be read or written.
    pub(super) fn on_ready(&mut self, now: u64) {
        self.out.unblock();
        if let Err(error) = self.advance(now) {
            self.complain("is lost", &error);
            self.lost(now);
        }
    }

    /// Sends what the socket takes.
    pub(super) fn flush(&mut self, now: u64) {
        if let State::Open { stream } = &mut self.state
            && let Err(error) = self.out.write_to(stream)
        {
            self.complain("is lost", &error);
            self.lost(now);
        }
    }

    fn dial(&mut self, now: u64, registry: &Registry) -> io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        self.state = State::Dialling { stream, until: now + nanoseconds(GREETING_TIMEOUT) };
        Ok(())
    }

    /// Goes as far as the socket allows.
    fn advance(&mut self, now: u64) -> io::Result<()> {
        if let State::Dialling { stream, .. } = &mut self.state {
            if !is_connected(stream)? {
                return Ok(());
            }
            stream.set_nodelay(true)?;
            stream.write_all(&self.greeting)?; // A new socket has room for it.
            let State::Dialling { stream, .. } = std::mem::replace(&mut self.state, State::Down { dial_at: now })
            else {
                unreachable!("it was dialling a moment ago")
            };
            let until = now + nanoseconds(GREETING_TIMEOUT);
            self.state = State::Greeted { stream, until, reader: LineReader::new(HELLO_BYTES) };
        }
        self.read_answer(now)?;
        if let State::Open { stream } = &mut self.state {
            discard(stream)?;
            self.out.write_to(stream)?;
        }
        Ok(())
    }

    /// Waits for the other end's hello, and opens the link if it is the right one.
    fn read_answer(&mut self, now: u64) -> io::Result<()> {
        let State::Greeted { stream, reader, .. } = &mut self.state else { return Ok(()) };
        let mut bytes = [0; HELLO_BYTES];
        loop {
            match reader.next_line() {
                Some(Line::Whole(line)) => {
                    check_answer(&self.expected, line)?;
                    break;
                }
                Some(Line::TooLong) => return Err(io::Error::other("the answer is no hello")),
                None => {}
            }
            match stream.read(&mut bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => reader.feed(&bytes[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if let State::Greeted { stream, .. } = std::mem::replace(&mut self.state, State::Down { dial_at: now }) {
            self.state = State::Open { stream };
            self.pause = BACKOFF.0;
        }
        Ok(())
    }

    /// Dropping the stream closes and deregisters it; the next one is dialled after a pause.
    fn lost(&mut self, now: u64) {
        self.out.connection_lost();
        self.state = State::Down { dial_at: now + nanoseconds(self.pause) };
        self.pause = (self.pause * 2).min(BACKOFF.1);
    }

    /// Once for each outage: peers that are down stay so for many attempts.
    fn complain(&self, what: &str, error: &io::Error) {
        if self.pause == BACKOFF.0 {
            log::tell(format_args!(
                "the link to {} at {} {what}: {error}; it is dialled again",
                self.peer, self.address
            ));
        }
    }
}

/// Whether a socket that was dialled is connected by now.
fn is_connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

fn check_answer(expected: &Hello, line: &[u8]) -> io::Result<()> {
    let hello: Hello = serde_json::from_slice(line)?;
    if (&hello.run, &hello.from, &hello.to) == (&expected.run, &expected.from, &expected.to) {
        return Ok(());
    }
    let Hello { run, from, to, .. } = hello;
    Err(io::Error::other(format!("{from} of run {run} answered, who means {to}")))
}

/// Nothing is said in this direction; reading tells when the connection has ended.
fn discard(stream: &mut TcpStream) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).expect("seconds at most")
}
