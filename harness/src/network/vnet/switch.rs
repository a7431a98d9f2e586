//! The switch: one thread that reads every frame between nodes, asks the table of rules what becomes of it, and writes it to
//! the link of its receiver.
//!
//! The table is locked from the question to the write. So when a change of rules returns, no frame is on its way any more
//! that was judged by the old ones: a cut is in force at once, and exactly.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use super::addresses::{self, Mac};
use super::capture::Capture;
use super::frame::{self, Offload, VIRTIO};
use super::packet_socket::PacketSocket;
use super::table::{Place, Table};

/// How many frames of one link are forwarded before the others have their turn.
const BATCH: usize = 64;
/// A frame below this is as a rule a request or an answer, with no other behind it: to ask the poll for the next one costs no
/// more than a read that finds nothing, and saves it.
const ALONE_BYTES: usize = 1024;
/// Room for the longest frame: 64 KiB of IP with its headers.
const FRAME_BYTES_MAX: usize = VIRTIO + 14 + (1 << 16);
/// What an event is about, where not one of the ports, by its number.
const WAKE: u64 = u64::MAX;
const TIMER: u64 = u64::MAX - 1;

/// The table of rules, between the thread of the switch and those who change them.
pub(super) struct Shared {
    table: Mutex<Table>,
    /// How many want to change rules. The switch has the lock again and again, and gives way to them.
    wanted: AtomicUsize,
    wake: EventFd,
    ended: AtomicBool,
    epoch: Instant,
}

/// A link of the switch.
pub(super) struct Port {
    /// Who is at its other end; of the controller, the address tells who of it.
    pub(super) owner: Place,
    pub(super) mac: Mac,
    pub(super) socket: PacketSocket,
}

/// The running switch. It ends when this is dropped.
pub(super) struct Switch {
    pub(super) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Shared {
    /// Changes rules, or asks about them. It is in force when this returns.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut Table, Duration) -> T) -> T {
        self.wanted.fetch_add(1, Ordering::SeqCst);
        let mut table = self.locked();
        self.wanted.fetch_sub(1, Ordering::SeqCst);
        let result = change(&mut table, self.epoch.elapsed());
        drop(table);
        self.wake();
        result
    }

    fn wake(&self) {
        // It is full only of calls that the switch has not answered yet.
        let _ = self.wake.write(1);
    }

    /// The table, once nobody else wants it.
    fn in_turn(&self) -> MutexGuard<'_, Table> {
        while self.wanted.load(Ordering::SeqCst) > 0 {
            thread::yield_now();
        }
        self.locked()
    }

    /// The table is whole after every statement, so that a panic elsewhere does it no harm.
    fn locked(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Switch {
    /// Starts forwarding between ports.
    pub(super) fn start(ports: Vec<Port>, table: Table, epoch: Instant, capture: Option<Capture>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            table: Mutex::new(table),
            wanted: AtomicUsize::new(0),
            wake: EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?,
            ended: AtomicBool::new(false),
            epoch,
        });
        let mut forwarder = Forwarder::new(ports, Arc::clone(&shared), capture)?;
        let thread = thread::Builder::new().name("switch".to_owned()).spawn(move || {
            if let Err(error) = forwarder.run() {
                tracing::error!("the switch has ended: {error}");
            }
        })?;
        Ok(Switch { shared, thread: Some(thread) })
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // A panic of its own has told itself.
            let _ = thread.join();
        }
    }
}

/// What the thread of the switch has.
struct Forwarder {
    shared: Arc<Shared>,
    ports: Vec<Port>,
    by_mac: BTreeMap<Mac, usize>,
    poll: Epoll,
    timer: TimerFd,
    capture: Option<Capture>,
}

impl Forwarder {
    fn new(ports: Vec<Port>, shared: Arc<Shared>, capture: Option<Capture>) -> io::Result<Self> {
        let poll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        poll.add(&shared.wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        poll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;
        for (number, port) in (0..).zip(&ports) {
            poll.add(&port.socket, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        }
        let by_mac = ports.iter().enumerate().map(|(number, port)| (port.mac, number)).collect();
        Ok(Forwarder { shared, ports, by_mac, poll, timer, capture })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); 16];
        let mut buffer = vec![0; FRAME_BYTES_MAX];
        while !self.shared.ended.load(Ordering::SeqCst) {
            let ready = match self.poll.wait(&mut events, EpollTimeout::NONE) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..ready] {
                match event.data() {
                    // Both only wake; what is due is looked for after every event.
                    WAKE => drop(self.shared.wake.read()),
                    TIMER => drop(self.timer.wait()),
                    port => self.drain(usize::try_from(port).unwrap_or(usize::MAX), &mut buffer)?,
                }
            }
            self.send_what_is_due()?;
        }
        Ok(())
    }

    fn drain(&mut self, from: usize, buffer: &mut [u8]) -> io::Result<()> {
        for _ in 0..BATCH {
            let Some(port) = self.ports.get(from) else { return Ok(()) };
            let Some(length) = port.socket.read(buffer)? else { break };
            self.forward(from, &buffer[..length]);
            if length < ALONE_BYTES {
                break;
            }
        }
        Ok(())
    }

    /// A frame that came in, behind its virtio header.
    fn forward(&mut self, from: usize, bytes: &[u8]) {
        let Some((header, frame)) = bytes.split_first_chunk::<VIRTIO>() else { return };
        let Some(receiver) = frame::receiver(frame) else { return };
        if let Some(capture) = &mut self.capture {
            capture.frame(from, self.shared.epoch.elapsed(), frame);
        }
        let addresses = frame::addresses(frame);
        let sender = self.place(from, addresses.map(|(source, _)| source));
        let mut table = self.shared.in_turn();
        for to in self.receivers(from, receiver) {
            let pair = (sender, self.place(to, addresses.map(|(_, destination)| destination)));
            if table.is_open(pair) {
                table.count_passed(frame.len());
                self.write(&mut table, to, bytes);
            } else {
                let now = self.shared.epoch.elapsed();
                table.take(pair, now, Offload::read(*header), frame, to);
                self.write_due(&mut table, now);
            }
        }
    }

    /// The ports that a frame is for: one, or all others where it is for everybody.
    fn receivers(&self, from: usize, mac: Mac) -> impl Iterator<Item = usize> + use<> {
        let is_for_many = mac[0] & 1 == 1;
        let ports =
            if is_for_many { 0..self.ports.len() } else { self.by_mac.get(&mac).map_or(0..0, |to| *to..*to + 1) };
        ports.filter(move |to| *to != from)
    }

    fn place(&self, port: usize, address: Option<std::net::Ipv4Addr>) -> Place {
        let owner = self.ports[port].owner;
        let worker = address.filter(|_| owner == Place::Controller).and_then(addresses::worker_at);
        worker.map_or(owner, Place::Worker)
    }

    fn send_what_is_due(&self) -> io::Result<()> {
        let mut table = self.shared.in_turn();
        let now = self.shared.epoch.elapsed();
        self.write_due(&mut table, now);
        let Some(due) = table.next_due() else { return Ok(()) };
        drop(table);
        // A timer of zero would never fire.
        let wait = due.saturating_sub(self.shared.epoch.elapsed()).max(Duration::from_nanos(1));
        Ok(self.timer.set(Expiration::OneShot(TimeSpec::from_duration(wait)), TimerSetTimeFlags::empty())?)
    }

    fn write_due(&self, table: &mut Table, now: Duration) {
        for frame in table.due(now) {
            self.write(table, frame.port, &frame.bytes);
        }
    }

    fn write(&self, table: &mut Table, to: usize, bytes: &[u8]) {
        if self.ports[to].socket.write(bytes).is_err() {
            // Its queue is full, or its link is going away: the frame is lost, as on any network.
            table.count_unwritten();
        }
    }
}
