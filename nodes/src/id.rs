//! Names of nodes, clients and requests, and the time that a protocol sees.

use std::fmt;
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A node of the fixed universe, members and spares alike, written `n1`, `n2`, … everywhere and never zero; or a coordinator
/// that runs beside a client, outside of the universe, written as that client is: `c1`. Nodes come before coordinators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

/// What the numbers of coordinators have in front of those of their clients.
const BESIDE_CLIENT: u16 = 1 << 15;

impl NodeId {
    /// The universe `n1 … n<count>`.
    pub fn universe(count: u16) -> Vec<Self> {
        (1..=count).map(NodeId).collect()
    }

    /// The coordinator beside client `c<number>`.
    pub fn beside(number: u16) -> Self {
        NodeId(BESIDE_CLIENT | number)
    }

    /// The number of the client beside which it runs, if it is a coordinator.
    pub fn client(self) -> Option<u16> {
        (self.0 & BESIDE_CLIENT != 0).then_some(self.0 & !BESIDE_CLIENT)
    }

    /// Whether it is a coordinator beside a client, and no node of the universe.
    pub fn is_coordinator(self) -> bool {
        self.client().is_some()
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client() {
            Some(number) => write!(f, "c{number}"),
            None => write!(f, "n{}", self.0),
        }
    }
}

/// A text that is no node name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a node: nodes are called n1, n2, …, and coordinators beside clients c1, c2, …")]
pub struct NotANode(pub String);

impl FromStr for NodeId {
    type Err = NotANode;

    fn from_str(text: &str) -> Result<Self, NotANode> {
        let number = |kind: char| -> Option<u16> {
            let digits = text.strip_prefix(kind).filter(|digits| !digits.starts_with(['0', '+']))?;
            digits.parse().ok().filter(|number| *number < BESIDE_CLIENT)
        };
        let node = number('n').map(NodeId).or_else(|| number('c').map(NodeId::beside));
        node.ok_or_else(|| NotANode(text.to_owned()))
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Who sent a request: the `src` of its envelope, such as `c3.17` (worker c3 in its process 17). Opaque to protocols; a
/// new writer gets a new one, so that (client, serial) names a request for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub String);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How often a node has been started, from 1; given by the controller at each start.
pub type Incarnation = u64;

/// A name that a node gives to something that it began: a request that waits for its reply, a round, a write. Unique
/// over restarts, since the incarnation is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// The node that the client contacted.
    pub node: NodeId,
    /// That node's incarnation.
    pub incarnation: Incarnation,
    /// Counts up from 1 within the incarnation.
    pub sequence: u64,
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.node, self.incarnation, self.sequence)
    }
}

/// A moment on one of a node's clocks, in nanoseconds. For [`Cx::now`](crate::Cx::now) the origin is arbitrary; for
/// [`Cx::wall`](crate::Cx::wall) it is the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(pub u64);

impl Time {
    /// The time that has passed since `earlier`; zero if that is in the future (wall clocks jump).
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, after: Duration) -> Time {
        Time(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_names_are_exact() {
        assert_eq!("n12".parse(), Ok(NodeId(12)));
        for wrong in ["", "n", "n0", "n01", "n+1", "x1", "n70000", "N1", "c0", "c1.4", "c32768", "n32768"] {
            assert_eq!(wrong.parse::<NodeId>(), Err(NotANode(wrong.to_owned())));
        }
    }

    #[test]
    fn a_coordinator_is_called_as_its_client_and_comes_after_all_nodes() {
        let coordinator: NodeId = "c3".parse().unwrap();
        assert_eq!((coordinator, coordinator.client()), (NodeId::beside(3), Some(3)));
        assert_eq!(coordinator.to_string(), "c3");
        assert!(coordinator.is_coordinator() && !NodeId(3).is_coordinator());
        assert!(NodeId(32_767) < NodeId::beside(1));
    }
}
