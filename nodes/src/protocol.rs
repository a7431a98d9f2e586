//! The one trait of all protocols, and the one function that calls its handlers.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::cx::Cx;
use crate::id::{ClientId, NodeId, RequestId};
use crate::note::Note;
use crate::request::{Request, RequestKind};

/// What a replica holds, by key, for the final phase: two dumps are equal when the replica has come to rest.
pub type Dump = BTreeMap<String, Value>;

/// A distributed protocol, seen from one node: a deterministic state machine that reads like its paper.
///
/// Handlers return no `Result`: a broken disk is the driver's affair, a malformed message never gets here, and a broken
/// invariant panics with a message.
pub trait Protocol: Sized {
    /// Parameters, and the deliberate bug, if any.
    type Config: Clone + Debug;
    /// What peers send each other, in the paper's names. On the wire an object with its name as `type`:
    /// `#[serde(tag = "type")]`.
    type Message: Clone + Debug + PartialEq + Display + Serialize + DeserializeOwned;
    /// Named timers. `Display` and `FromStr` agree, so that plans and scripts can name them: `Election`.
    type Timer: Clone + Debug + Ord + Display + FromStr;
    /// One entry of stable storage, in the paper's terms.
    type Record: Clone + Debug + PartialEq + Display + Serialize + DeserializeOwned;

    /// What the protocol says of itself: name, parameters, bugs, what it serves and promises.
    fn info() -> ProtocolInfo;

    /// Reads the parameters of `NAME:KEY=VALUE,…` for a universe of `nodes` nodes.
    fn configure(params: &Params, nodes: u16) -> Result<Self::Config, ConfigError>;

    /// What a configuration promises, its deliberate bug apart; nothing unless the protocol says so.
    fn promise(config: &Self::Config) -> Consistency {
        let _ = config;
        Consistency::None
    }

    /// The request types that a configuration serves: all that the protocol knows unless it says so.
    fn serves(config: &Self::Config) -> Vec<&'static str> {
        let _ = config;
        Self::info().requests
    }

    /// Whether each client has a coordinator beside it, a process of its own, whom it asks: the same protocol, started as one that
    /// is no node of the universe ([`NodeId::is_coordinator`]).
    fn beside_clients(config: &Self::Config) -> bool {
        let _ = config;
        false
    }

    /// The note that a coordinator makes in the middle of such a request, when a part of what it sends is out: for faults that
    /// have it die there.
    fn midway(request: &RequestKind) -> Option<&'static str> {
        let _ = request;
        None
    }

    /// Starts, or starts again after a crash, from the records that survived.
    fn start(config: Self::Config, stable: Vec<Self::Record>, cx: &mut Cx<'_, Self>) -> Self;

    /// Upon receiving a message from a peer, or from oneself.
    fn on_message(&mut self, from: NodeId, message: Self::Message, cx: &mut Cx<'_, Self>);

    /// Upon expiry of a timer.
    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Cx<'_, Self>);

    /// Upon a client's request; it is answered by [`Cx::reply`] under `id`, now or later.
    fn on_request(&mut self, id: RequestId, client: ClientId, request: Request, cx: &mut Cx<'_, Self>);

    /// A client's connection ended.
    fn on_disconnect(&mut self, client: ClientId, cx: &mut Cx<'_, Self>) {
        let _ = (client, cx);
    }

    /// One line, for scripts and traces.
    fn status(&self) -> String;

    /// What this replica holds, by key.
    fn dump(&self) -> Dump;

    /// What this replica holds, as notes for the final phase: they tell of versions what the dump tells of values.
    fn held(&self) -> Vec<Note> {
        Vec::new()
    }

    /// Invariants of a single node, asserted after every step.
    fn check(&self) {}

    /// Records that rebuild the same stable state, if the log has grown beyond need.
    fn compact(&self) -> Option<Vec<Self::Record>> {
        None
    }
}

/// Something that happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<P: Protocol> {
    /// A message arrived.
    Message {
        /// Who sent it.
        from: NodeId,
        /// What it says.
        message: P::Message,
    },
    /// A timer expired.
    Timer(P::Timer),
    /// A client asks.
    Request {
        /// The id under which to reply.
        id: RequestId,
        /// Who asks.
        client: ClientId,
        /// What is asked.
        request: Request,
    },
    /// A client's connection ended.
    Disconnect {
        /// Whose.
        client: ClientId,
    },
}

/// One step: the only caller of the handlers. The node's own invariants are asserted after it.
pub fn step<P: Protocol>(node: &mut P, event: Event<P>, cx: &mut Cx<'_, P>) {
    match event {
        Event::Message { from, message } => node.on_message(from, message, cx),
        Event::Timer(timer) => node.on_timer(timer, cx),
        Event::Request { id, client, request } => node.on_request(id, client, request, cx),
        Event::Disconnect { client } => node.on_disconnect(client, cx),
    }
    node.check();
}
