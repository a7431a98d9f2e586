//! One relay without its sockets: takes lines from the sender, applies the rules, writes to the receiver what may pass,
//! and keeps account. All of it happens under one lock, so that a rule is in force when [`super::ProxyNetwork`] says so.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use schism_nodes::{Incarnation, LinkOrder, Seed};

use super::log::{Fate, Record};
use super::outbox::{Outbox, Parcel};
use super::peek::peek;
use crate::network::link::{Header, LinkEngine, Offer, Waiting};
use crate::network::{FaultId, Traffic};

/// The type of the controller's probes.
const PROBE: &str = "probe";
/// Messages of further types than this, or with longer names, are logged as of unknown type: who is under test may send
/// anything.
const KINDS_MAX: usize = 256;
/// The longest name of a type or cause that is logged, in bytes.
const NAME_BYTES_MAX: usize = 80;

/// A message that a rule keeps.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    parcel: Parcel,
    line: Arc<[u8]>,
}

/// A relay's rules, messages and counts.
#[derive(Debug)]
pub(super) struct LinkState {
    /// The rules. Through [`LinkState::lift`] and [`LinkState::release`] where messages may be dropped.
    pub(super) engine: LinkEngine<Message>,
    /// Messages by their fate.
    pub(super) traffic: Traffic,
    /// The types of message that were seen, for the log.
    pub(super) kinds: Vec<Box<str>>,
    /// What has not been moved to the log yet.
    pub(super) records: Vec<Record>,
    outbox: Outbox,
    incarnation: Incarnation,
    place: u16,
    bytes_max: usize,
}

impl LinkState {
    /// A link without rules, at its `place` in the log's list, that keeps at most `bytes_max` bytes of messages.
    pub(super) fn new(place: u16, seed: Seed, order: LinkOrder, bytes_max: usize) -> Self {
        LinkState {
            engine: LinkEngine::new(seed, order),
            traffic: Traffic::default(),
            kinds: vec!["?".into()],
            records: Vec::new(),
            outbox: Outbox::default(),
            incarnation: 0,
            place,
            bytes_max,
        }
    }

    /// The sender's newest incarnation; 0 before its first.
    pub(super) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Whether messages wait for the receiver's socket.
    pub(super) fn has_mail(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// A line has come from an incarnation of the sender; `line` ends with its end of line.
    pub(super) fn take(&mut self, now: Duration, incarnation: Incarnation, line: &[u8]) {
        let peeked = peek(&line[..line.len() - 1]);
        let kind = self.kind(&peeked.kind);
        let cause = peeked.cause.filter(|cause| cause.len() <= NAME_BYTES_MAX).map(|cause| cause.into_owned().into());
        let probe = peeked.kind == PROBE;
        let parcel = Parcel { sent: now, kind, cause, probe, copy: false, incarnation, length: line.len() };
        if !probe {
            self.traffic.sent += 1;
            self.traffic.bytes += line.len() as u64;
        }
        if incarnation < self.incarnation {
            return self.settle(parcel, now, Fate::DeadSender);
        }
        if self.engine.bytes() + self.outbox.rest().len() + line.len() > self.bytes_max {
            return self.settle(parcel, now, Fate::Overflow);
        }
        let header = Header { kind: &peeked.kind, probe, incarnation, bytes: line.len() };
        match self.engine.offer(now, &header, || Message { parcel: parcel.clone(), line: line.into() }) {
            Offer::Pass => self.outbox.push(parcel, line),
            Offer::Kept => {}
            Offer::Lost => self.settle(parcel, now, Fate::Lost),
            Offer::Dropped => self.settle(parcel, now, Fate::Dropped),
        }
    }

    /// Moves what is due to the outbox, and discards what is cut there. When the next message is due is returned.
    pub(super) fn advance(&mut self, now: Duration) -> Option<Duration> {
        while let Some(Waiting { message, copy, .. }) = self.engine.next(now) {
            self.outbox.push(Parcel { copy, ..message.parcel }, &message.line);
        }
        if self.engine.is_cut() {
            for parcel in self.outbox.take_whole() {
                self.engine.count_cut(parcel.probe);
                self.settle(parcel, now, Fate::Cut);
            }
        }
        self.engine.next_due()
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn write(
        &mut self,
        now: Duration,
        mut try_write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while !self.outbox.is_empty() {
            let written = match try_write(self.outbox.rest()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            for parcel in self.outbox.advance(written) {
                let fate = if parcel.copy { Fate::Duplicated } else { Fate::Delivered };
                self.settle(parcel, now, fate);
            }
        }
        Ok(())
    }

    /// The sender has a new incarnation: what is under way of earlier ones is dropped.
    pub(super) fn started(&mut self, now: Duration, incarnation: Incarnation) {
        if incarnation <= self.incarnation {
            return;
        }
        self.incarnation = incarnation;
        for dead in self.engine.forget_before(incarnation) {
            self.settle_waiting(dead, now, Fate::DeadSender);
        }
        self.settle_all(Outbox::take_all, now, Fate::DeadSender);
    }

    /// The connection to the receiver is gone, perhaps in the middle of a message.
    pub(super) fn disconnected(&mut self, now: Duration) {
        self.settle_all(|outbox| outbox.take_head().into_iter().collect(), now, Fate::DeadReceiver);
    }

    /// The receiver does not run: what waits for its socket is dropped.
    pub(super) fn receiver_is_down(&mut self, now: Duration) {
        self.settle_all(Outbox::take_all, now, Fate::DeadReceiver);
    }

    /// Ends a fault's rules.
    pub(super) fn lift(&mut self, now: Duration, fault: FaultId, deliver: bool) {
        for dropped in self.engine.lift(fault, deliver, now) {
            self.settle_waiting(dropped, now, Fate::Dropped);
        }
    }

    /// Delivers or drops the oldest messages that a fault holds.
    pub(super) fn release(&mut self, now: Duration, fault: FaultId, count: usize, deliver: bool) -> u64 {
        let (number, dropped) = self.engine.release(fault, count, deliver, now);
        for dropped in dropped {
            self.settle_waiting(dropped, now, Fate::Dropped);
        }
        number
    }

    fn settle_all(&mut self, take: impl FnOnce(&mut Outbox) -> VecDeque<Parcel>, now: Duration, fate: Fate) {
        for parcel in take(&mut self.outbox) {
            self.settle(parcel, now, fate);
        }
    }

    fn settle_waiting(&mut self, waiting: Waiting<Message>, now: Duration, fate: Fate) {
        self.settle(Parcel { copy: waiting.copy, ..waiting.message.parcel }, now, fate);
    }

    /// The fate of a message is decided. Each message that was sent gets one fate in the counts: second copies count
    /// only when they are delivered, and probes never.
    fn settle(&mut self, parcel: Parcel, now: Duration, fate: Fate) {
        if !parcel.probe {
            let traffic = &mut self.traffic;
            match (fate, parcel.copy) {
                (Fate::Duplicated, _) => traffic.duplicated += 1,
                (_, true) => {}
                (Fate::Delivered, _) => traffic.delivered += 1,
                (Fate::Cut, _) => traffic.cut += 1,
                (Fate::Lost, _) => traffic.lost += 1,
                (Fate::Dropped | Fate::Overflow | Fate::DeadSender | Fate::DeadReceiver, _) => traffic.dropped += 1,
            }
        }
        let Parcel { sent, kind, cause, .. } = parcel;
        self.records.push(Record { link: self.place, kind, fate, sent, ended: now, cause });
    }

    fn kind(&mut self, name: &str) -> u16 {
        let known = self.kinds.iter().position(|kind| **kind == *name);
        let place = known.unwrap_or_else(|| {
            if name.len() > NAME_BYTES_MAX || self.kinds.len() == KINDS_MAX {
                return 0;
            }
            self.kinds.push(name.into());
            self.kinds.len() - 1
        });
        u16::try_from(place).expect("there are at most KINDS_MAX kinds")
    }
}
