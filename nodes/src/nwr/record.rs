//! What nodes keep on stable storage, and their timers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::causal::{Update, Vector};
use super::tag::Tag;
use super::version::Version;
use crate::id::{Incarnation, NodeId, RequestId};

/// One entry of a node's stable storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// The node has begun its first life, or has heard what its lost disk may have held: a disk without this was lost.
    Born,
    /// A register has this version.
    Store {
        /// The register.
        key: String,
        /// Its version.
        version: Version,
    },
    /// A tombstone was forgotten.
    Collected {
        /// The register.
        key: String,
        /// The deletion.
        tag: Tag,
    },
    /// The highest counter of all tombstones that were forgotten.
    Floor {
        /// The counter.
        counter: u64,
    },
    /// A replica began a life without a disk.
    Life {
        /// Which replica.
        node: NodeId,
        /// Which life.
        incarnation: Incarnation,
    },
    /// A version is kept for a replica that was silent.
    Hint {
        /// The hint.
        hint: RequestId,
        /// The register.
        key: String,
        /// What is kept.
        version: Version,
        /// The replica.
        #[serde(rename = "for")]
        stands_for: NodeId,
    },
    /// A write was applied that somebody may lack.
    Update {
        /// The write.
        update: Update,
    },
    /// So many writes of each node were applied.
    Applied {
        /// How many.
        vector: Vector,
        /// The highest counter of their tags.
        counter: u64,
    },
    /// A hint is not kept any more.
    HintGone {
        /// The hint.
        hint: RequestId,
    },
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Born => f.write_str("born"),
            Record::Store { key, version } => write!(f, "store {key}={version}"),
            Record::Collected { key, tag } => write!(f, "collected {key} tag={tag}"),
            Record::Floor { counter } => write!(f, "floor {counter}"),
            Record::Life { node, incarnation } => write!(f, "life {incarnation} of {node}"),
            Record::Hint { hint, key, version, stands_for } => {
                write!(f, "hint {hint} {key}={version} for={stands_for}")
            }
            Record::HintGone { hint } => write!(f, "hint-gone {hint}"),
            Record::Update { update } => write!(f, "update {update}"),
            Record::Applied { vector, counter } => write!(f, "applied {vector:?} counter={counter}"),
        }
    }
}

/// A node's timer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// An operation has waited for long: who has not answered is asked again, or the operation is given up.
    Retry {
        /// The operation.
        op: RequestId,
    },
    /// Hints are offered to their replicas.
    Handoff,
    /// The versions are compared with another node's.
    AntiEntropy,
    /// Writes that other nodes may lack are offered to them.
    Offer,
    /// The others are asked again what was on the disk that was lost.
    Recover,
    /// A tombstone's grace time is over.
    Collect {
        /// The register.
        key: String,
    },
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Timer::Retry { op } => write!(f, "Retry({op})"),
            Timer::Handoff => f.write_str("Handoff"),
            Timer::AntiEntropy => f.write_str("AntiEntropy"),
            Timer::Offer => f.write_str("Offer"),
            Timer::Recover => f.write_str("Recover"),
            Timer::Collect { key } => write!(f, "Collect({key})"),
        }
    }
}

/// A text that names no timer of NWR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "nwr has no timer {0:?}: its timers are Retry(NODE.INCARNATION.SEQUENCE), such as Retry(n1.1.17), Collect(KEY), \
     Handoff, AntiEntropy, Offer and Recover"
)]
pub struct NotATimer(pub String);

impl FromStr for Timer {
    type Err = NotATimer;

    fn from_str(text: &str) -> Result<Self, NotATimer> {
        let argument = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let timer = match text {
            "Handoff" => Some(Timer::Handoff),
            "AntiEntropy" => Some(Timer::AntiEntropy),
            "Offer" => Some(Timer::Offer),
            "Recover" => Some(Timer::Recover),
            _ => None,
        };
        let retry = || Some(Timer::Retry { op: operation(argument("Retry")?)? });
        let collect = || argument("Collect").map(|key| Timer::Collect { key: key.to_owned() });
        timer.or_else(retry).or_else(collect).ok_or_else(|| NotATimer(text.to_owned()))
    }
}

/// `n1.1.17`
fn operation(text: &str) -> Option<RequestId> {
    let mut parts = text.split('.');
    let node: NodeId = parts.next()?.parse().ok()?;
    let (incarnation, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(RequestId { node, incarnation, sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_read_as_it_is_written() {
        let op = RequestId { node: NodeId(1), incarnation: 2, sequence: 17 };
        let collect = Timer::Collect { key: "x".to_owned() };
        for timer in [Timer::Retry { op }, Timer::Handoff, Timer::AntiEntropy, Timer::Offer, Timer::Recover, collect] {
            assert_eq!(timer.to_string().parse(), Ok(timer));
        }
        for wrong in ["Retry", "Retry()", "Retry(n1.2)", "Retry(n1.2.3.4)", "Retry(n0.1.1)", "Collect", "Election"] {
            assert_eq!(wrong.parse::<Timer>(), Err(NotATimer(wrong.to_owned())));
        }
    }
}
