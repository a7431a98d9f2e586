//! Maelstrom's envelope, one JSON line a message, and the hello with which a connection begins.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{Incarnation, NodeId};

/// `{"src":"c1.4","dest":"n2","body":{"type":"read","msg_id":17,"key":"x"}}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<Body = Value> {
    /// Who sends.
    pub src: String,
    /// To whom.
    pub dest: String,
    /// The client request in whose course a peer's message is sent, as `src#msg_id`, where there is one. It is what
    /// faults, traces and message counts per operation go by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What is said; its `type` names it.
    pub body: Body,
}

/// The first line on every connection, from the dialler, and the acceptor's answer. A connection whose other end belongs
/// to another run, or is oneself, or is not who was meant, is refused: loopback ports are reused, and a dialler on a dead
/// ephemeral port can even reach itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The run: unguessable enough to tell runs apart.
    pub run: String,
    /// Who speaks: `n1`, or a client's `c3.17`.
    pub from: String,
    /// Who is meant.
    pub to: String,
    /// The speaker's incarnation, for nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<Incarnation>,
}

/// The numbered probe that proves a link open or cut: the body of an envelope between drivers, subject to the link's
/// faults like any message, never seen by a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "probe")]
pub struct Probe {
    /// The controller's number for it.
    pub number: u64,
    /// Who sent it.
    pub from: NodeId,
}
