//! The loop of a node: wait, read, step, commit, release. One thread; everything that happens to the node passes here,
//! one thing after another.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use mio::Token;
use rand_chacha::ChaCha8Rng;

use super::clock::{Clock, machine_now};
use super::log;
use super::notes::Notes;
use super::sockets::Sockets;
use super::timers::Timers;
use super::traps::Traps;
use super::wal::Wal;
use crate::control::{Boot, Down};
use crate::cx::Effect;
use crate::id::{ClientId, NodeId};
use crate::protocol::{Event, Protocol};
use crate::wire::Hello;

/// How a node ends by itself.
#[derive(Debug)]
pub(super) enum End {
    /// The controller is gone, or said so.
    Done,
    /// Its storage failed; the message names the file.
    Disk(io::Error),
    /// A crash point was reached.
    CrashPoint,
    /// The machine took away what the loop stands on.
    Machine(io::Error),
}

/// An event that waits to be stepped, and the client request in whose course it happens.
#[derive(Debug)]
pub(super) struct Queued<P: Protocol> {
    pub(super) event: Event<P>,
    pub(super) cause: Option<Rc<str>>,
}

/// A request that was not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    /// On which connection it came.
    pub(super) token: Token,
    /// Its `msg_id`.
    pub(super) serial: u64,
    /// Its type.
    pub(super) kind: &'static str,
}

/// A running node.
pub(super) struct NodeLoop<P: Protocol> {
    pub(super) boot: Boot,
    /// Our name on the wire, and our run.
    pub(super) hello: Hello,
    pub(super) universe: Vec<NodeId>,
    /// The request types that the protocol serves.
    pub(super) served: Vec<&'static str>,
    pub(super) node: P,
    pub(super) rng: ChaCha8Rng,
    /// The last number that was given to a request, or by [`crate::Cx::fresh_id`].
    pub(super) sequence: u64,
    pub(super) clock: Clock,
    pub(super) timers: Timers<P::Timer>,
    pub(super) wal: Wal,
    /// When lazily persisted records have to be synced, on the machine's clock.
    pub(super) flush_at: Option<u64>,
    pub(super) notes: Notes,
    pub(super) traps: Traps,
    pub(super) sockets: Sockets,
    /// Commands that came while the node stood still.
    pub(super) deferred: VecDeque<Down>,
    /// Events that wait to be stepped.
    pub(super) queue: VecDeque<Queued<P>>,
    /// Effects of steps that are not released yet.
    pub(super) effects: Vec<Effect<P>>,
    /// For each of these steps where its effects end, and its cause.
    pub(super) causes: Vec<(usize, Option<Rc<str>>)>,
    /// Requests that were not answered yet, by the sequence number of their ids.
    pub(super) pending: BTreeMap<u64, Pending>,
    /// The latest connection of each client.
    pub(super) clients: BTreeMap<ClientId, Token>,
    /// What sockets are read into.
    pub(super) buffer: Vec<u8>,
}

impl<P: Protocol> NodeLoop<P> {
    /// Goes round until the node ends.
    pub(super) fn turn_until_end(&mut self) -> Result<Infallible, End> {
        loop {
            let timeout = self.timeout();
            self.sockets.wait(timeout).map_err(End::Machine)?;
            self.serve_control()?;
            let now = machine_now();
            self.sockets.on_time(now);
            self.sync_lazy_records(now)?;
            self.read_connections()?;
            self.step_batch()?;
            self.flush()?;
            self.compact_if_grown()?;
        }
    }

    /// Sends what the sockets take.
    pub(super) fn flush(&mut self) -> Result<(), End> {
        self.sockets.flush().map_err(controller_gone)
    }

    /// How long nothing will happen unless a socket is ready.
    fn timeout(&self) -> Option<Duration> {
        let is_busy = !self.queue.is_empty() || !self.deferred.is_empty() || self.sockets.is_busy();
        if is_busy {
            return Some(Duration::ZERO);
        }
        let now = machine_now();
        let timer = self.timers.next_deadline().and_then(|deadline| self.clock.wait_until(deadline, now));
        let own = self.sockets.wakes_at().into_iter().chain(self.flush_at).min();
        own.map(|time| Duration::from_nanos(time.saturating_sub(now))).into_iter().chain(timer).min()
    }

    fn sync_lazy_records(&mut self, now: u64) -> Result<(), End> {
        if self.flush_at.is_some_and(|time| time <= now) {
            self.wal.sync().map_err(End::Disk)?;
            self.flush_at = None;
        }
        Ok(())
    }

    fn compact_if_grown(&mut self) -> Result<(), End> {
        if !self.wal.wants_compaction() {
            return Ok(());
        }
        if self.boot.storage.sync && self.wal.is_unsynced() {
            self.wal.sync().map_err(End::Disk)?;
            self.flush_at = None;
        }
        if let Some(records) = self.node.compact() {
            return self.wal.compact(&records).map_err(End::Disk);
        }
        self.wal.keep_uncompacted();
        Ok(())
    }
}

/// The control socket cannot be used any more: there is no controller, or none that listens.
#[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
pub(super) fn controller_gone(error: io::Error) -> End {
    log::tell(format_args!("the controller is gone: {error}"));
    End::Done
}
