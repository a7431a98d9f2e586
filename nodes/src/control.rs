//! The control socket: what the controller tells a node, and what a node tells the controller, apart from its network.
//! One JSON line a message. End of file ends the node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::id::{Incarnation, NodeId};
use crate::note::{Note, NotePattern};
use crate::protocol::Dump;

/// How a node process ends by itself, for reasons that a protocol has no part in. A panic is 101, as always.
pub mod exit {
    /// The control socket ended: the controller is gone, or said so.
    pub const DONE: i32 = 0;
    /// The node's own storage failed for a reason that nobody injected: a harness failure.
    pub const DISK_FAILED: i32 = 74;
    /// The node could not start: its parameters, its log, its address. [`super::Up::Refused`] said why.
    pub const CANNOT_START: i32 = 78;
    /// A crash point was reached (`Trap` with [`super::TrapAction::Crash`]): the node aborted itself, as it was told to.
    pub const CRASH_POINT: i32 = 86;
}

/// Everything that a node needs to know to start; the first line down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Boot {
    /// Version of this protocol: 1.
    pub format: u32,
    /// The run, for the hellos.
    pub run: String,
    /// Which node this is: one of the universe, or the coordinator beside a client.
    pub node: NodeId,
    /// Which of its lives this is, from 1.
    pub incarnation: Incarnation,
    /// How many nodes the universe has: n1 … nN.
    pub nodes: u16,
    /// The system with its parameters: protocol name, and `KEY=VALUE`s.
    pub protocol: String,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to dial each other node, and each coordinator beside a client (a relay of the controller).
    pub peers: BTreeMap<NodeId, SocketAddr>,
    /// The seed of this incarnation's chance, 64 hexadecimal digits.
    pub seed: String,
    /// The folder of this node: `wal` and `wal.synced` live in it.
    pub data: PathBuf,
    /// How stable storage is kept.
    pub storage: Storage,
    /// Its clocks at the start.
    pub clock: ClockFault,
    /// Traps armed before its first step.
    #[serde(default)]
    pub traps: Vec<Trap>,
}

/// How stable storage is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// Whether a step waits for `fdatasync` (`sync=on`) or not (`sync=off`: nothing is claimed about power losses).
    pub sync: bool,
    /// The most events that are stepped before one sync releases them.
    pub batch: usize,
    /// After how many milliseconds lazily persisted records are synced at the latest.
    pub flush_ms: u64,
}

/// How a node's clocks differ from the machine's: both its `now` and its `wall` run at `rate`, and `wall` is ahead by
/// `offset_ns` more. `now` stays monotonic through every change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClockFault {
    /// Added to the wall clock, in nanoseconds.
    pub offset_ns: i64,
    /// How fast both clocks run; 1.0 is right.
    pub rate: f64,
}

impl Default for ClockFault {
    fn default() -> Self {
        ClockFault { offset_ns: 0, rate: 1.0 }
    }
}

/// A point at which the node stops: right after the note that matches, when all earlier effects have left its sockets
/// and no later one has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trap {
    /// The controller's number for it.
    pub id: u64,
    /// Which note.
    pub pattern: NotePattern,
    /// What happens there.
    pub action: TrapAction,
}

/// What happens at a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrapAction {
    /// The node stands still until it is told to go.
    Hold,
    /// The node ends at once, as by SIGKILL.
    Crash,
}

/// From the controller to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Down {
    /// The first line.
    Boot(Box<Boot>),
    /// Bend the clocks, and read them back.
    Clock {
        /// Answered by [`Up::ClockRead`] with the same id.
        id: u64,
        /// From now on.
        fault: ClockFault,
    },
    /// What do you hold?
    Dump {
        /// Answered by [`Up::Dumped`] with the same id.
        id: u64,
        /// Whether it is the last time that this is asked: then notes tell of it as well.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        last: bool,
    },
    /// Let a timer expire now, whether it runs or not.
    Fire {
        /// Answered by [`Up::Fired`] or [`Up::Refused`].
        id: u64,
        /// Its name, as the protocol displays it.
        timer: String,
    },
    /// Arm a trap.
    Arm(Trap),
    /// Disarm a trap; if the node stands at it, it goes on.
    Disarm {
        /// The trap's id.
        id: u64,
    },
    /// Go on from the trap at which the node stands.
    Go,
    /// Send a probe with this number to every other node.
    Probe {
        /// The number.
        number: u64,
    },
}

/// From a node to the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Up {
    /// It listens and has started its protocol.
    Ready {
        /// How many records survived.
        records: usize,
        /// Bytes of a torn last frame that were cut off at the start.
        torn: u64,
    },
    /// What it holds.
    Dumped {
        /// Of the request.
        id: u64,
        /// By key.
        dump: Dump,
    },
    /// Its clocks, after a change.
    ClockRead {
        /// Of the request.
        id: u64,
        /// Its own `now`, in nanoseconds.
        now: u64,
        /// Its own wall clock, in nanoseconds since the epoch.
        wall: u64,
        /// The machine's `CLOCK_MONOTONIC` at that moment, in nanoseconds.
        machine_now: u64,
        /// The machine's wall clock at that moment.
        machine_wall: u64,
    },
    /// A probe arrived.
    ProbeReceived {
        /// Its number.
        number: u64,
        /// Who sent it.
        from: NodeId,
    },
    /// It stands at a trap.
    Held {
        /// The trap.
        trap: u64,
        /// The note that was made there.
        note: Note,
    },
    /// The timer has been fired.
    Fired {
        /// Of the request.
        id: u64,
    },
    /// It cannot do what was asked, or cannot start.
    Refused {
        /// Of the request; 0 for the boot.
        id: u64,
        /// Why: what happened and where.
        why: String,
    },
    /// Its own storage failed; it ends with [`exit::DISK_FAILED`].
    DiskFailed {
        /// What happened, with the file.
        error: String,
    },
}
