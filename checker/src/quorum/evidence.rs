//! Evidence: what coordinators and replicas told, typed and linked with what clients saw. See docs/protocols.md for the notes.
//!
//! Names are numbers here ([`Names`]), and what belongs together lies together: the events of a replica in its own order, the
//! phases of an operation behind each other. It holds what was said and judges nothing; what is wrong with the evidence itself is
//! in `defects`.

use std::collections::BTreeSet;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::Promises;
use super::faults::Faults;
use super::names::Names;
use super::tag::Tag;

/// What stands for a key or an operation that a note does not name.
pub(super) const NONE: u32 = u32::MAX;

/// The digest of null, which is what a tombstone stands for: 64-bit FNV-1a of its JSON.
pub(super) const DIGEST_OF_NULL: u64 = 0x5b9b_c4ba_5281_08e4;

/// Who, in which life, when, and at which place among all notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) node: u32,
    pub(super) life: u32,
    /// On the notes' clock, in nanoseconds.
    pub(super) time: u64,
    /// The place among the notes as they arrived: of one node, its own order.
    pub(super) order: u32,
}

/// Something that happened at a replica.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) at: At,
    pub(super) key: u32,
    pub(super) deed: Deed,
}

/// What happened at a replica.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Deed {
    Served { op: u32, tag: Option<Tag> },
    Stored { tag: Tag, digest: Option<u64>, old: Option<Tag>, origin: Origin, durable: bool },
    Acked { op: u32, tag: Option<Tag> },
    HintStored { hint: u32, durable: bool },
    HintEnded { hint: u32, end: HintEnd },
    Collected { tag: Tag },
    Recovered { tag: Tag },
    Restarted,
    Amnesia,
    CaughtUp,
    Held { tag: Option<Tag> },
    HintsPending { count: u64 },
}

/// Why a replica stored a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Write,
    WriteBack,
    ReadRepair,
    Hint,
    AntiEntropy,
    Recovery,
}

impl Origin {
    /// The origin of this word; a write for one that is not known.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "writeback" => Origin::WriteBack,
            "read-repair" | "repair" => Origin::ReadRepair,
            "hint" => Origin::Hint,
            "anti-entropy" => Origin::AntiEntropy,
            "recovery" => Origin::Recovery,
            _ => Origin::Write,
        }
    }

    /// In words, after `stored`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Origin::Write => "",
            Origin::WriteBack => " by a write-back",
            Origin::ReadRepair => " by read repair",
            Origin::Hint => " by a hint that was handed over",
            Origin::AntiEntropy => " by anti-entropy",
            Origin::Recovery => " when it recovered",
        }
    }

    /// Whether it is repair: nobody waits for it, and it may be late.
    pub(super) fn is_repair(self) -> bool {
        matches!(self, Origin::ReadRepair | Origin::Hint | Origin::AntiEntropy)
    }
}

/// How a hint ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HintEnd {
    Delivered,
    Expired,
    Superseded,
}

/// A phase of an operation that its coordinator took for decided.
#[derive(Clone, Debug)]
pub(super) struct Phase {
    pub(super) op: u32,
    pub(super) at: At,
    pub(super) kind: PhaseKind,
    pub(super) key: u32,
    /// A place in [`Evidence::homes`].
    pub(super) home: u32,
    pub(super) replies: Range<u32>,
    /// What was chosen, or stored.
    pub(super) tag: Option<Tag>,
    pub(super) digest: Option<u64>,
}

/// What a phase is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhaseKind {
    Query,
    Store,
    WriteBack,
    Repair,
}

impl PhaseKind {
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "query" => Some(PhaseKind::Query),
            "store" => Some(PhaseKind::Store),
            "writeback" => Some(PhaseKind::WriteBack),
            "repair" => Some(PhaseKind::Repair),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            PhaseKind::Query => "query",
            PhaseKind::Store => "store",
            PhaseKind::WriteBack => "write-back",
            PhaseKind::Repair => "repair",
        }
    }
}

/// A reply that a coordinator counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) replica: u32,
    pub(super) life: u32,
    pub(super) tag: Option<Tag>,
    /// For whom it answered, if it is not a home replica.
    pub(super) stands_for: Option<u32>,
}

/// A coordinator's answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) at: At,
    pub(super) tag: Option<Tag>,
    pub(super) digest: Option<u64>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Ok,
    Fail,
    Info,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Unknown,
    Read,
    Write,
    Delete,
}

impl Kind {
    pub(super) fn of(word: &str) -> Self {
        match word {
            "read" | "peek" => Kind::Read,
            "write" | "add" | "remove" => Kind::Write,
            "delete" => Kind::Delete,
            _ => Kind::Unknown,
        }
    }

    /// Whether it makes a version.
    pub(super) fn writes(self) -> bool {
        matches!(self, Kind::Write | Kind::Delete)
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Unknown => "operation",
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::Delete => "delete",
        }
    }
}

/// What a client saw of an operation that ended `ok`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) process: u64,
    /// Indexes in the history: the order in real time.
    pub(super) invoked: u64,
    pub(super) completed: u64,
    /// On the history's clock, in nanoseconds.
    pub(super) invoked_at: Option<u64>,
    pub(super) completed_at: Option<u64>,
}

/// An operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) key: u32,
    pub(super) kind: Kind,
    /// Its phases, in the order in which they were decided.
    pub(super) phases: Range<u32>,
    pub(super) answer: Option<Answer>,
    pub(super) client: Option<Client>,
}

impl Default for Operation {
    fn default() -> Self {
        Operation { key: NONE, kind: Kind::Unknown, phases: 0..0, answer: None, client: None }
    }
}

/// What is wrong with the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Defect {
    pub(super) what: String,
    pub(super) at: Option<At>,
}

/// Defects, of which only the first are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Defects {
    pub(super) count: u64,
    pub(super) first: Vec<Defect>,
}

/// How many defects are told.
const DEFECTS_MAX: usize = 10;

impl Defects {
    pub(super) fn add(&mut self, at: Option<At>, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < DEFECTS_MAX {
            self.first.push(Defect { what: what(), at });
        }
    }
}

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(super) nodes: Names,
    pub(super) keys: Names,
    pub(super) ops: Names,
    pub(super) hints: Names,
    /// By the number of the node.
    pub(super) replicas: Vec<Vec<Event>>,
    /// By the number of the operation.
    pub(super) operations: Vec<Operation>,
    pub(super) phases: Vec<Phase>,
    pub(super) replies: Vec<Reply>,
    /// Tags as they were given to writes, by operation and key: those of writes that were never decided among them.
    pub(super) given: Vec<(u32, u32, Tag, At)>,
    /// Sets of home replicas, each in ascending order.
    pub(super) homes: Vec<Vec<u32>>,
    /// By the number of the key: its set of home replicas.
    pub(super) home_of: FxHashMap<u32, u32>,
    /// Lives of which a note is missing.
    pub(super) gaps: BTreeSet<(u32, u32)>,
    /// Whether the file of notes ended in the middle of a line.
    pub(super) cut: bool,
    pub(super) faults: Faults,
    /// The time of the first note, from which on times are told.
    pub(super) begin: u64,
    /// What to add to a time of the history to have it on the notes' clock.
    pub(super) history_offset: Option<i128>,
    /// Operations that ended `ok`.
    pub(super) acknowledged: u64,
    pub(super) notes: u64,
    pub(super) defects: Defects,
}

impl Evidence {
    /// The phases of an operation.
    pub(super) fn phases_of(&self, op: u32) -> &[Phase] {
        let Some(operation) = self.operations.get(op as usize) else { return &[] };
        &self.phases[operation.phases.start as usize..operation.phases.end as usize]
    }

    /// The replies that a phase counted.
    pub(super) fn replies_of(&self, phase: &Phase) -> &[Reply] {
        &self.replies[phase.replies.start as usize..phase.replies.end as usize]
    }

    /// The home replicas that a phase names.
    pub(super) fn home(&self, phase: &Phase) -> &[u32] {
        self.homes.get(phase.home as usize).map_or(&[], |home| home)
    }

    /// The home replicas of a key, as its phases name them.
    pub(super) fn home_of(&self, key: u32) -> &[u32] {
        let home = self.home_of.get(&key).and_then(|home| self.homes.get(*home as usize));
        home.map_or(&[], |home| home)
    }

    /// Whether it is known until when links were cut, to the event of the history.
    pub(super) fn tells_when_cuts_end(&self, promises: &Promises) -> bool {
        promises.exact_cuts || self.faults.tell_when_cuts_end()
    }

    /// Whether all that a node noted up to this life is here.
    pub(super) fn is_complete(&self, node: u32, life: u32) -> bool {
        !self.cut && self.gaps.range((node, 0)..=(node, life)).next().is_none()
    }

    /// Whether all notes of all nodes are here.
    pub(super) fn is_whole(&self) -> bool {
        !self.cut && self.gaps.is_empty()
    }
}
