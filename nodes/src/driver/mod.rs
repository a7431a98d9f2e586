//! The process that runs one [`Protocol`](crate::Protocol): its sockets, its disk, its clocks, its chance.
//!
//! A node gets three descriptors from the controller: its end of the control socket as standard input, the note pipe as
//! standard output, and its log as standard error ([`inherited`]). The first line on the control socket says what to run
//! ([`Control::read_boot`]); [`run`] then runs it to its end.
//!
//! # The duties of a driver
//!
//! Whoever runs a protocol, this process or another driver, owes it the following.
//!
//! 1. **One thing after another.** Handlers are called by [`step`](crate::step) alone, one event at a time, with clocks
//!    that are read for that step.
//! 2. **Output commit.** Whatever a step persists is durable before anything of that step leaves the node. Then its
//!    effects leave in the order in which they were made, notes among them: when a note can be read, all that was sent
//!    before it has been given to the kernel, as far as the sockets took it.
//! 3. **Group commit.** Events that wait are stepped together, at most `batch` of them; their records are written in one
//!    go and made durable by one sync, and only then are the effects of all of them released. A step that persists
//!    nothing, or lazily only, waits for no sync of its own.
//! 4. **Timers first.** When timers are due and messages wait, timers go first, the one that is due longest before the
//!    others. A timer runs on the node's own clock. Starting and stopping one takes effect with the step that does it:
//!    a timer that was stopped never expires.
//! 5. **Messages to oneself** are never lost, never overtake each other, and wait for the sync like all others.
//! 6. **Messages to others** may be lost, and those in a queue may be late; the protocol never waits for a socket. Queues
//!    are bounded, and the oldest message is dropped. A malformed message never reaches the protocol: it is dropped, and
//!    noted as `malformed`.
//! 7. **Requests.** Each gets an id that this node never gave out before. It is answered once, on the connection on which
//!    it came; later replies are dropped, and so are those whose connection is gone. What the protocol does not serve, or
//!    what cannot be read, is answered with a definite error and never seen by it. `Fail` goes out with a definite code
//!    and `Unknown` with an indefinite one, whatever the protocol chose.
//! 8. **Causes.** A message carries the client request in whose course it was sent, if there is one: requests set it,
//!    messages hand it on, timers have none.
//! 9. **Stable storage.** After a crash a protocol starts with what was persisted, in order, without the torn end of a
//!    write that nobody was told of. Storage that fails ends the node, which says so: no protocol handles a broken disk.
//!    Damage that no crash explains refuses the start.
//! 10. **Traps.** While one is armed, events are taken one at a time. Right after the note that springs it, all that was
//!     sent before is given to the kernel, nothing that comes later leaves, and the node stands still or ends.
//! 11. **The controller.** The end of its socket ends the node.
//!
//! What is pure here, clocks, timers, traps and the frames of the log, is open to a driver in virtual time as well.
//!
//! # How this one is built
//!
//! One thread and one poll loop, so that there is nothing to lock (`node_loop`): wait, obey the controller, read what
//! came, step a batch, commit, release, send. Only two things can stop the loop: a sync, since that is what a commit is,
//! and a note pipe that is full, since notes are evidence and may not be lost.

pub mod clock;
mod commands;
mod connection;
mod control;
mod envelope;
pub mod frame;
mod inherit;
mod intake;
mod lines;
mod link;
mod log;
mod node_loop;
mod notes;
mod sockets;
mod start;
mod steps;
pub mod timers;
pub mod traps;
mod wal;

pub use control::{BootError, Control};
pub use inherit::inherited;
pub use log::tell;
pub use start::run;

use lines::OutLimit;

/// The longest line on a connection, in bytes.
const LINE_BYTES: usize = 16 << 20;
/// The longest hello, in bytes.
const HELLO_BYTES: usize = 4 << 10;
/// How much may wait on one connection.
const OUT_LIMIT: OutLimit = OutLimit { lines: 100_000, bytes: 16 << 20 };
