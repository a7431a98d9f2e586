//! What nodes send each other.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::causal::{Update, Vector};
use super::merkle::Place;
use super::tag::Tag;
use super::version::Version;
use crate::id::{Incarnation, NodeId, RequestId};

/// Which of an operation's phases a message belongs to: an answer that comes late counts for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// R replicas say what they have.
    Query,
    /// A write is stored.
    Store,
    /// A read stores what it is going to return.
    Writeback,
    /// A read stores what it returns at replicas that were behind.
    Repair,
}

/// Where in an operation a message belongs. An answer has the place of its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The coordinator's operation.
    pub op: RequestId,
    /// Its phase.
    pub phase: Phase,
    /// The how-many-th time that was asked, from 1.
    pub attempt: u32,
    /// The home replica in whose place a fallback node is asked.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<NodeId>,
}

/// Lives of replicas that began without a disk, as far as a node knows: what an earlier life said has become void.
pub type Lives = BTreeMap<NodeId, Incarnation>;

/// A message between nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// Which version do you have?
    Query {
        /// For what.
        step: Step,
        /// The register.
        key: String,
    },
    /// This one.
    QueryReply {
        /// Of the question.
        step: Step,
        /// The replica's life.
        incarnation: Incarnation,
        /// None if the key was never written there, or deleted and forgotten.
        version: Option<Version>,
        /// The highest counter of a tombstone that was forgotten here; a write gets a higher one.
        #[serde(default, skip_serializing_if = "is_zero")]
        floor: u64,
        /// What this replica knows of lives without a disk.
        #[serde(default, skip_serializing_if = "Lives::is_empty")]
        lives: Lives,
    },
    /// Keep this version unless you have a newer one.
    Store {
        /// For what.
        step: Step,
        /// The register.
        key: String,
        /// What to keep.
        version: Version,
    },
    /// This version or a newer one is on stable storage here.
    StoreReply {
        /// Of the request.
        step: Step,
        /// The replica's life.
        incarnation: Incarnation,
        /// What it has, where that is newer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        newer: Option<Tag>,
        /// What this replica knows of lives without a disk.
        #[serde(default, skip_serializing_if = "Lives::is_empty")]
        lives: Lives,
    },
    /// I have kept this for you.
    Handoff {
        /// The hint.
        hint: RequestId,
        /// The register.
        key: String,
        /// What to keep.
        version: Version,
    },
    /// I have it now.
    HandoffReply {
        /// The hint.
        hint: RequestId,
    },
    /// These are the digests of my versions; which of yours differ?
    Compare {
        /// Places of one level of the tree, with their digests.
        digests: Vec<(Place, u64)>,
    },
    /// These versions are in leaves that differ.
    Exchange {
        /// The leaves; none where this is the answer.
        leaves: Vec<Place>,
        /// What the sender has in them.
        versions: Vec<(String, Version)>,
    },
    /// I have lost my disk: what have you that I may have had?
    Recover {
        /// The life that asks.
        incarnation: Incarnation,
    },
    /// All this.
    RecoverReply {
        /// The life that asked.
        incarnation: Incarnation,
        /// Whatever the one that asked has a copy of.
        versions: Vec<(String, Version)>,
        /// The highest counter of a tombstone that was forgotten here.
        floor: u64,
        /// What this replica knows of lives without a disk.
        lives: Lives,
    },
    /// These writes you may lack.
    Updates {
        /// Each after those that it follows.
        updates: Vec<Update>,
    },
    /// So many writes of each node I have applied.
    Applied {
        /// How many.
        vector: Vector,
    },
    /// May this tombstone be forgotten?
    MayCollect {
        /// The register.
        key: String,
        /// The deletion.
        tag: Tag,
    },
    /// I have nothing older.
    NothingOlder {
        /// The register.
        key: String,
        /// The deletion.
        tag: Tag,
    },
    /// Nobody has anything older: forget this tombstone.
    Collect {
        /// The register.
        key: String,
        /// The deletion.
        tag: Tag,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phase::Query => "query",
            Phase::Store => "store",
            Phase::Writeback => "writeback",
            Phase::Repair => "repair",
        })
    }
}

impl fmt::Display for Step {
    /// `n1.1.17`, with what is not as usual.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.op)?;
        if let Phase::Writeback | Phase::Repair = self.phase {
            write!(f, " {}", self.phase)?;
        }
        if self.attempt > 1 {
            write!(f, " attempt={}", self.attempt)?;
        }
        self.stands_for.map_or(Ok(()), |home| write!(f, " for={home}"))
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Query { step, key } => write!(f, "Query {step} {key}"),
            Message::QueryReply { step, version, floor, lives, .. } => {
                write!(f, "QueryReply {step} {}", shown(version.as_ref()))?;
                if *floor > 0 {
                    write!(f, " floor={floor}")?;
                }
                show_lives(lives, f)
            }
            Message::Store { step, key, version } => write!(f, "Store {step} {key}={version}"),
            Message::StoreReply { step, newer, lives, .. } => {
                write!(f, "StoreReply {step}")?;
                if let Some(newer) = newer {
                    write!(f, " newer={newer}")?;
                }
                show_lives(lives, f)
            }
            Message::Handoff { hint, key, version } => write!(f, "Handoff {hint} {key}={version}"),
            Message::HandoffReply { hint } => write!(f, "HandoffReply {hint}"),
            Message::Compare { digests } => {
                // Places come sixteen at a time, all children of one: the first tells which.
                let places: Vec<String> = digests.iter().step_by(16).map(|(place, _)| place.to_string()).collect();
                write!(f, "Compare {}", places.join(" "))
            }
            Message::Exchange { leaves, versions } => {
                f.write_str(if leaves.is_empty() { "Exchange back" } else { "Exchange" })?;
                show_versions(versions, f)
            }
            Message::Recover { incarnation } => write!(f, "Recover {incarnation}"),
            Message::RecoverReply { incarnation, versions, lives, .. } => {
                write!(f, "RecoverReply {incarnation}")?;
                show_versions(versions, f)?;
                show_lives(lives, f)
            }
            Message::Updates { updates } => {
                let updates: Vec<String> = updates.iter().map(ToString::to_string).collect();
                write!(f, "Updates {}", updates.join(", "))
            }
            Message::Applied { vector } => {
                f.write_str("Applied")?;
                vector.iter().try_for_each(|(node, number)| write!(f, " {node}#{number}"))
            }
            Message::MayCollect { key, tag } => write!(f, "MayCollect {key} tag={tag}"),
            Message::NothingOlder { key, tag } => write!(f, "NothingOlder {key} tag={tag}"),
            Message::Collect { key, tag } => write!(f, "Collect {key} tag={tag}"),
        }
    }
}

fn shown(version: Option<&Version>) -> String {
    version.map_or_else(|| "nothing".to_owned(), Version::to_string)
}

fn show_versions(versions: &[(String, Version)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    versions.iter().try_for_each(|(key, version)| write!(f, " {key}={version}"))
}

fn show_lives(lives: &Lives, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    lives.iter().try_for_each(|(node, life)| write!(f, " {node}:life={life}"))
}
