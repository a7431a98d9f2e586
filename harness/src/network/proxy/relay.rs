//! One relay's sockets: it accepts the sender, dials the receiver, and moves bytes between them and the link's state.
//!
//! One task a link, which takes as many lines as are there and writes them in one go. It judges nothing itself: what may
//! pass is [`LinkState`]'s to say, under the link's lock, with no await inside.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schism_nodes::Incarnation;
use schism_nodes::wire::Hello;
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use super::log::MessageLog;
use super::state::LinkState;
use crate::network::Link;
use crate::network::hello::{self, HelloError};

/// How long the other end may take to say hello. A paused node takes as long as it is paused.
const HELLO_PATIENCE: Duration = Duration::from_secs(10);
/// After a receiver could not be reached, messages are dropped for this long before it is dialled again.
const REDIAL_AFTER: Duration = Duration::from_millis(5);
/// How many senders may be in the middle of their hello at once.
const GREETING_MAX: usize = 16;
/// The most that is read at once, in bytes, so that a busy sender does not keep a link's lock for long.
const READ_BYTES: usize = 1 << 16;
/// What is kept of a read buffer that was large once, in bytes.
const KEPT_CAPACITY: usize = 1 << 20;

/// What a relay shares with the network that it belongs to.
#[derive(Debug)]
pub(super) struct Wire {
    /// Between whom.
    pub(super) link: Link,
    /// The run, for the hellos.
    pub(super) run: String,
    /// Where the receiver listens.
    pub(super) receiver: SocketAddr,
    /// Time 0 of all recorded times.
    pub(super) epoch: Instant,
    /// The longest line that is read, in bytes.
    pub(super) line_bytes_max: usize,
    /// Woken when messages may have become due.
    pub(super) changed: Notify,
    /// All that is decided here.
    state: Mutex<LinkState>,
    log: Arc<Mutex<MessageLog>>,
}

impl Wire {
    /// A wire without connections.
    pub(super) fn new(link: Link, options: WireOptions, state: LinkState, log: Arc<Mutex<MessageLog>>) -> Self {
        let WireOptions { run, receiver, epoch, line_bytes_max } = options;
        Wire { link, run, receiver, epoch, line_bytes_max, changed: Notify::new(), state: Mutex::new(state), log }
    }

    /// Does something with the link's state at the present time, and moves what was decided to the log.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut LinkState, Duration) -> T) -> T {
        let mut state = lock(&self.state);
        let result = act(&mut state, self.epoch.elapsed());
        if !state.records.is_empty() {
            lock(&self.log).append(&mut state.records);
        }
        result
    }

    fn hello(&self, from: &str, to: &str, incarnation: Option<Incarnation>) -> Hello {
        Hello { run: self.run.clone(), from: from.to_owned(), to: to.to_owned(), incarnation }
    }
}

/// What is the same for the whole life of a wire.
#[derive(Debug)]
pub(super) struct WireOptions {
    /// The run, for the hellos.
    pub(super) run: String,
    /// Where the receiver listens.
    pub(super) receiver: SocketAddr,
    /// Time 0 of all recorded times.
    pub(super) epoch: Instant,
    /// The longest line that is read, in bytes.
    pub(super) line_bytes_max: usize,
}

/// A lock whose holder cannot have left it half changed: a panic of another thread is that thread's affair.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection on which the sender's messages come.
#[derive(Debug)]
pub(super) struct Incoming {
    stream: TcpStream,
    buffer: Vec<u8>,
    incarnation: Incarnation,
}

/// Accepts senders for ever, and hands over those that are who was meant.
pub(super) async fn accept(wire: Arc<Wire>, listener: TcpListener, accepted: mpsc::Sender<Incoming>) {
    let mut greetings = JoinSet::new();
    loop {
        tokio::select! {
            connection = listener.accept(), if greetings.len() < GREETING_MAX => match connection {
                Ok((stream, _)) => {
                    greetings.spawn(greet(Arc::clone(&wire), stream, accepted.clone()));
                }
                Err(error) => {
                    // Out of descriptors, most likely: they come back when connections end, and so does the sender.
                    tracing::warn!(link = %wire.link, %error, "the relay could not accept a connection");
                    tokio::time::sleep(REDIAL_AFTER).await;
                }
            },
            Some(_) = greetings.join_next(), if !greetings.is_empty() => {}
        }
    }
}

async fn greet(wire: Arc<Wire>, stream: TcpStream, accepted: mpsc::Sender<Incoming>) {
    let mut buffer = Vec::new();
    match timeout(HELLO_PATIENCE, receive(&wire, &stream, &mut buffer)).await {
        // The relay ends only with the network, and then nobody waits for this connection.
        Ok(Ok(incarnation)) => drop(accepted.send(Incoming { stream, buffer, incarnation }).await),
        Ok(Err(error)) => tracing::warn!(link = %wire.link, %error, "the relay refused a connection"),
        Err(_) => tracing::warn!(link = %wire.link, "a connection to the relay said no hello"),
    }
}

/// Answers a sender as the receiver would.
async fn receive(wire: &Wire, stream: &TcpStream, buffer: &mut Vec<u8>) -> Result<Incarnation, HelloError> {
    stream.set_nodelay(true)?;
    let theirs = hello::listen(stream, buffer).await?;
    hello::expect(&theirs, &wire.run, &wire.link.from, &wire.link.to)?;
    let ours = wire.with(|state, _| state.incarnation());
    let Some(incarnation) = theirs.incarnation.filter(|incarnation| *incarnation >= ours) else {
        return Err(HelloError::Incarnation { theirs: theirs.incarnation, ours });
    };
    hello::say(stream, &wire.hello(&wire.link.to, &wire.link.from, None)).await?;
    Ok(incarnation)
}

/// Introduces itself to the receiver as the sender.
async fn dial(wire: Arc<Wire>, incarnation: Incarnation) -> Result<Outgoing, HelloError> {
    let connect = async {
        let stream = TcpStream::connect(wire.receiver).await?;
        stream.set_nodelay(true)?;
        let hello = wire.hello(&wire.link.from, &wire.link.to, Some(incarnation));
        hello::introduce(&stream, &hello, &mut Vec::new()).await?;
        Ok(Outgoing { stream, incarnation })
    };
    timeout(HELLO_PATIENCE, connect).await.unwrap_or(Err(HelloError::Closed))
}

/// The connection on which messages go to the receiver.
struct Outgoing {
    stream: TcpStream,
    incarnation: Incarnation,
}

type Dial = Pin<Box<dyn Future<Output = Result<Outgoing, HelloError>> + Send>>;

/// The task that moves a link's messages.
pub(super) struct Relay {
    wire: Arc<Wire>,
    accepted: mpsc::Receiver<Incoming>,
    incoming: Option<Incoming>,
    outgoing: Option<Outgoing>,
    dial: Option<Dial>,
    /// Not before this moment is the receiver dialled again.
    redial: Duration,
    next_due: Option<Duration>,
    has_mail: bool,
}

/// Why a relay woke up.
enum Wake {
    Accepted(Incoming),
    Readable,
    Receiver,
    Dialled(Result<Outgoing, HelloError>),
    Due,
}

impl Relay {
    /// A relay that has no connections yet.
    pub(super) fn new(wire: Arc<Wire>, accepted: mpsc::Receiver<Incoming>) -> Self {
        Relay {
            wire,
            accepted,
            incoming: None,
            outgoing: None,
            dial: None,
            redial: Duration::ZERO,
            next_due: None,
            has_mail: false,
        }
    }

    /// Moves messages for ever.
    pub(super) async fn run(mut self) {
        loop {
            match self.wake().await {
                Wake::Accepted(incoming) => self.adopt(incoming),
                Wake::Readable | Wake::Due => {}
                Wake::Receiver => self.listen_to_receiver(),
                Wake::Dialled(result) => self.dialled(result),
            }
            self.pump();
        }
    }

    async fn wake(&mut self) -> Wake {
        let Relay { wire, accepted, incoming, outgoing, dial, next_due, has_mail, .. } = self;
        let interest = if *has_mail { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        tokio::select! {
            Some(incoming) = accepted.recv() => Wake::Accepted(incoming),
            () = readable(incoming.as_ref().map(|incoming| &incoming.stream)) => Wake::Readable,
            () = ready(outgoing.as_ref().map(|outgoing| &outgoing.stream), interest) => Wake::Receiver,
            result = dialling(dial.as_mut()) => Wake::Dialled(result),
            () = wire.changed.notified() => Wake::Due,
            () = due(wire.epoch, *next_due) => Wake::Due,
        }
    }

    /// A sender has a new connection. What it had sent on the old one comes first.
    fn adopt(&mut self, incoming: Incoming) {
        while self.incoming.is_some() && self.pump() {}
        self.wire.with(|state, now| state.started(now, incoming.incarnation));
        self.incoming = Some(incoming);
    }

    fn dialled(&mut self, result: Result<Outgoing, HelloError>) {
        self.dial = None;
        match result {
            Ok(outgoing) => self.outgoing = Some(outgoing),
            Err(error) => {
                tracing::debug!(link = %self.wire.link, address = %self.wire.receiver, %error, "no connection to the receiver");
                self.wire.with(|state, now| {
                    self.redial = now + REDIAL_AFTER;
                    state.receiver_is_down(now);
                });
            }
        }
    }

    /// The receiver says nothing after its hello: what can be read is the end of the connection.
    fn listen_to_receiver(&mut self) {
        let mut scrap = [0; 256];
        let read = self.outgoing.as_ref().map(|outgoing| outgoing.stream.try_read(&mut scrap));
        let lost = match read {
            Some(Ok(read)) => read == 0,
            Some(Err(error)) => error.kind() != io::ErrorKind::WouldBlock,
            None => false,
        };
        if lost {
            self.outgoing = None;
            self.wire.with(LinkState::disconnected);
        }
    }

    /// Reads what the sender has sent, applies the rules, writes what may pass. Whether anything was read.
    fn pump(&mut self) -> bool {
        let Relay { wire, incoming, outgoing, dial, redial, next_due, has_mail, .. } = self;
        let read = incoming.as_mut().map_or(Ok(0), |incoming| incoming.read(wire.line_bytes_max));
        wire.with(|state, now| {
            if let Some(incoming) = incoming {
                incoming.lines(|incarnation, line| state.take(now, incarnation, line));
            }
            *next_due = state.advance(now);
            if outgoing.as_ref().is_some_and(|outgoing| outgoing.incarnation != state.incarnation()) {
                // The hello on it names a life of the sender that has ended.
                *outgoing = None;
                state.disconnected(now);
            }
            if let Some(open) = outgoing
                && let Err(error) = state.write(now, |bytes| open.stream.try_write(bytes))
            {
                tracing::debug!(link = %wire.link, %error, "the connection to the receiver broke");
                *outgoing = None;
                state.disconnected(now);
            }
            if outgoing.is_none() && dial.is_none() && state.has_mail() {
                if now < *redial {
                    state.receiver_is_down(now);
                } else {
                    *dial = Some(Box::pin(self::dial(Arc::clone(wire), state.incarnation())));
                }
            }
            *has_mail = state.has_mail();
        });
        if let Err(error) = &read {
            tracing::debug!(link = %wire.link, %error, "the sender's connection ended");
            *incoming = None;
        }
        read.is_ok_and(|bytes| bytes > 0)
    }
}

impl Incoming {
    /// Reads what is there, at most [`READ_BYTES`]; 0 if nothing is. An error, or the end, ends the connection.
    fn read(&mut self, line_bytes_max: usize) -> io::Result<usize> {
        if self.buffer.len() > line_bytes_max {
            return Err(io::Error::other(format!("a line is longer than {line_bytes_max} bytes")));
        }
        self.buffer.reserve(READ_BYTES);
        match self.stream.try_read_buf(&mut self.buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            other => other,
        }
    }

    /// Takes all whole lines out of the buffer.
    fn lines(&mut self, mut take: impl FnMut(Incarnation, &[u8])) {
        let mut begin = 0;
        while let Some(length) = self.buffer[begin..].iter().position(|byte| *byte == b'\n') {
            take(self.incarnation, &self.buffer[begin..=begin + length]);
            begin += length + 1;
        }
        self.buffer.drain(..begin);
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_CAPACITY {
            self.buffer = Vec::new();
        }
    }
}

async fn readable(stream: Option<&TcpStream>) {
    match stream {
        // An error is found again by the read that follows.
        Some(stream) => drop(stream.readable().await),
        None => pending().await,
    }
}

async fn ready(stream: Option<&TcpStream>, interest: Interest) {
    match stream {
        Some(stream) => drop(stream.ready(interest).await),
        None => pending().await,
    }
}

async fn dialling(dial: Option<&mut Dial>) -> Result<Outgoing, HelloError> {
    match dial {
        Some(dial) => dial.await,
        None => pending().await,
    }
}

async fn due(epoch: Instant, due: Option<Duration>) {
    match due {
        Some(due) => sleep_until((epoch + due).into()).await,
        None => pending().await,
    }
}
