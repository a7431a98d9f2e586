//! NWR's deliberate bugs: what each leaves out, and what then shows.

use crate::config::BugInfo;

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Reads promise to write back and do not.
    NoWriteback,
    /// Reads answer before their write-back is stored.
    AsyncWriteback,
    /// A tag is (counter, node) with nothing that tells two writes of one coordinator apart.
    TagReuse,
    /// The tag is the wall clock.
    WallClockTags,
    /// A tag is a counter alone: two coordinators can give out the same.
    NoTieBreak,
    /// Quorums are declared that meet, and reads wait for too few replicas to meet them.
    SmallReadQuorums,
    /// What a fallback node keeps counts as if a home replica had it.
    FallbacksCounted,
    /// A replica that has lost its disk serves at once.
    ServeAfterAmnesia,
    /// A replica says that it has stored a version before that is durable.
    AckBeforeFsync,
    /// A hint is replayed over whatever its replica has by then.
    BlindHints,
    /// A fallback keeps its hints in memory alone.
    VolatileHints,
    /// A read repairs a replica whatever that has by then.
    BlindRepair,
    /// A tombstone is dropped after its grace time, whoever has not heard of the deletion.
    EarlyCollection,
    /// Answers are counted, not who gave them.
    RepliesCounted,
}

impl Bug {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Bug; 14] = [
        Bug::NoWriteback,
        Bug::AsyncWriteback,
        Bug::TagReuse,
        Bug::WallClockTags,
        Bug::NoTieBreak,
        Bug::SmallReadQuorums,
        Bug::FallbacksCounted,
        Bug::ServeAfterAmnesia,
        Bug::AckBeforeFsync,
        Bug::BlindHints,
        Bug::VolatileHints,
        Bug::BlindRepair,
        Bug::EarlyCollection,
        Bug::RepliesCounted,
    ];

    /// Its names, what it does, and what finds it.
    pub fn info(self) -> BugInfo {
        let (_, [name, id, about, anomaly, faults, needs]) =
            ABOUT.into_iter().find(|(bug, _)| *bug == self).expect("the table has every bug");
        // Only what is deleted leaves a tombstone.
        let workload = if self == Bug::EarlyCollection { "set" } else { "" };
        BugInfo { name, id, about, anomaly, faults, needs, workload }
    }
}

/// The catalogue's NWR-B8 and NWR-B9 have two halves each; without a letter it is this one.
pub(super) const WHOLE_IDS: [(&str, &str); 2] = [("NWR-B8", "NWR-B8b"), ("NWR-B9", "NWR-B9a")];

/// Of each bug: its name, its id, what it does, what clients or rules then see, the faults that find it, and what it needs.
const ABOUT: [(Bug, [&str; 6]); 14] = [
    (
        Bug::NoWriteback,
        [
            "no-writeback",
            "NWR-B1",
            "a read that promises to write back answers without",
            "a read returns the new value and a later one the old",
            "delay,kill",
            "writeback=on",
        ],
    ),
    (
        Bug::AsyncWriteback,
        [
            "async-writeback",
            "NWR-B2",
            "a read answers before its write-back is stored",
            "a read returns the new value and a later one the old, more rarely",
            "delay,kill",
            "writeback=on",
        ],
    ),
    (
        Bug::TagReuse,
        [
            "tag-reuse",
            "NWR-B3",
            "two writes of one coordinator can take the same tag: it keeps no floor and no sequence number",
            "replicas stay apart for ever; reads flip between two values",
            "kill,client-kill",
            "writeback=on",
        ],
    ),
    (
        Bug::WallClockTags,
        [
            "wall-clock-tags",
            "NWR-B4",
            "a write takes its tag from the wall clock without asking the replicas",
            "acknowledged writes are lost to older ones",
            "clock",
            "writeback=on",
        ],
    ),
    (
        Bug::NoTieBreak,
        [
            "no-tie-break",
            "NWR-B5",
            "a tag is a counter alone, and a replica keeps the first of two versions with the same",
            "concurrent writes leave replicas apart for ever; reads flip between two values",
            "none",
            "writeback=on",
        ],
    ),
    (
        Bug::SmallReadQuorums,
        [
            "small-read-quorums",
            "NWR-B6",
            "W + R > N is declared, and queries wait for N − W replicas",
            "stale reads",
            "none",
            "writeback=on",
        ],
    ),
    (
        Bug::FallbacksCounted,
        [
            "fallbacks-counted",
            "NWR-B7",
            "a hint at a fallback node counts as if its home replica had the version (Dynamo's sloppy quorum, undeclared)",
            "a read of home replicas misses an acknowledged write",
            "partition",
            "n=3,hints=on,writeback=on",
        ],
    ),
    (
        Bug::ServeAfterAmnesia,
        [
            "serve-after-amnesia",
            "NWR-B8a",
            "a replica that has lost its disk serves at once, without asking a quorum what it had",
            "acknowledged writes cannot be read",
            "kill:disk=wipe,partition",
            "restart=amnesia,writeback=on",
        ],
    ),
    (
        Bug::AckBeforeFsync,
        [
            "ack-before-fsync",
            "NWR-B8b",
            "a replica says that it has stored a version before that is durable",
            "acknowledged writes are lost by a power loss",
            "powerloss,partition",
            "writeback=on",
        ],
    ),
    (
        Bug::BlindHints,
        [
            "blind-hints",
            "NWR-B9a",
            "a hint is replayed over whatever its replica has by then",
            "an old version replaces a newer one",
            "kill,partition",
            "n=3,hints=on,writeback=on",
        ],
    ),
    (
        Bug::VolatileHints,
        [
            "volatile-hints",
            "NWR-B9b",
            "a fallback keeps its hints in memory alone",
            "a version that a fallback had taken never reaches its replica",
            "kill,powerloss",
            "n=3,hints=on,sloppy=on",
        ],
    ),
    (
        Bug::BlindRepair,
        [
            "blind-repair",
            "NWR-B10",
            "a read repairs a replica whatever that has by then, not only what is older",
            "a newer version is overwritten by an older one",
            "delay,reorder",
            "repair=sync",
        ],
    ),
    (
        Bug::EarlyCollection,
        [
            "early-collection",
            "NWR-B11",
            "a tombstone is dropped after its grace time, whoever has not heard of the deletion",
            "what was deleted comes back",
            "partition",
            "anti_entropy=200ms,gc_grace=1s,give_up=500ms",
        ],
    ),
    (
        Bug::RepliesCounted,
        [
            "replies-counted",
            "NWR-B12",
            "answers are counted, not who gave them: one that comes twice is two",
            "an operation ends with fewer replicas than it needs; then stale reads",
            "duplicate",
            "writeback=on",
        ],
    ),
];
