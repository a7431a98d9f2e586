//! What nodes send each other, what replicas keep, and the one timer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::tag::Tag;
use crate::id::{NodeId, RequestId};

/// A value with its tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// Which write made it.
    pub tag: Tag,
    /// What was written.
    pub value: Value,
}

/// A message between a coordinator and a replica. The operation's id and the kind of the message tell its phase, so that
/// an answer that comes late or twice counts for nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// Which version do you have?
    Query {
        /// The coordinator's operation.
        op: RequestId,
        /// The register.
        key: String,
    },
    /// This one.
    QueryReply {
        /// The coordinator's operation.
        op: RequestId,
        /// None if the key was never written there.
        version: Option<Version>,
    },
    /// Keep this version unless you have a newer one.
    Store {
        /// The coordinator's operation.
        op: RequestId,
        /// The register.
        key: String,
        /// What to keep.
        version: Version,
    },
    /// This version or a newer one is on stable storage here.
    StoreReply {
        /// The coordinator's operation.
        op: RequestId,
    },
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Query { op, key } => write!(f, "Query {op} {key}"),
            Message::QueryReply { op, version: Some(Version { tag, value }) } => {
                write!(f, "QueryReply {op} {value} tag={tag}")
            }
            Message::QueryReply { op, version: None } => write!(f, "QueryReply {op} nothing"),
            Message::Store { op, key, version } => write!(f, "Store {op} {key}={} tag={}", version.value, version.tag),
            Message::StoreReply { op } => write!(f, "StoreReply {op}"),
        }
    }
}

/// One entry of a replica's stable storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// The newest version of a register.
    Store {
        /// The register.
        key: String,
        /// Its version.
        version: Version,
    },
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record::Store { key, version } = self;
        write!(f, "store {key}={} tag={}", version.value, version.tag)
    }
}

/// A coordinator's timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// An operation has waited for long: who has not answered is asked again, or the operation is given up.
    Retry {
        /// The operation.
        op: RequestId,
    },
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timer::Retry { op } = self;
        write!(f, "Retry({op})")
    }
}

/// A text that names no timer of NWR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nwr has no timer {0:?}: its timers are Retry(NODE.INCARNATION.SEQUENCE), such as Retry(n1.1.17)")]
pub struct NotATimer(pub String);

impl FromStr for Timer {
    type Err = NotATimer;

    fn from_str(text: &str) -> Result<Self, NotATimer> {
        let op = text.strip_prefix("Retry(").and_then(|rest| rest.strip_suffix(')'));
        let op = op.and_then(|op| {
            let mut parts = op.split('.');
            let node: NodeId = parts.next()?.parse().ok()?;
            let (incarnation, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(RequestId { node, incarnation, sequence })
        });
        op.map(|op| Timer::Retry { op }).ok_or_else(|| NotATimer(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_read_as_it_is_written() {
        let timer = Timer::Retry { op: RequestId { node: NodeId(1), incarnation: 2, sequence: 17 } };
        assert_eq!(timer.to_string().parse(), Ok(timer));
        for wrong in ["Retry", "Retry()", "Retry(n1.2)", "Retry(n1.2.3.4)", "Retry(n0.1.1)", "Election"] {
            assert_eq!(wrong.parse::<Timer>(), Err(NotATimer(wrong.to_owned())));
        }
    }
}
