//! Who asks: a client makes one attempt on one connection with one deadline, and classifies exactly how it ended.

pub mod attempt;
pub mod drivers;
mod etcd;
mod http;
pub mod http1;
pub mod maelstrom;
mod nats;
pub mod own;
mod postgres;
mod redis;
mod reply;
mod scram;
pub mod wire;
mod zookeeper;

use std::time::Duration;

use async_trait::async_trait;
use schism_nodes::{NodeId, RequestKind};
use serde_json::{Map, Value};

/// Opens clients of one system.
pub trait Dialler: Send + Sync {
    /// A client for `worker` in its `process`, that talks to `node` and has not connected yet.
    fn client(&self, worker: &str, process: u64, node: NodeId) -> Box<dyn Client>;
}

/// One writer: a connection of its own, made when it is first needed. After an `info` it is dropped, and the worker goes
/// on with a new one under a new process number.
#[async_trait]
pub trait Client: Send {
    /// Makes one attempt.
    ///
    /// Not being able to connect is [`Completion::Fail`]; any error after the first byte was sent is
    /// [`Completion::Info`], unless the answer itself is a definite refusal. A late reply never answers a later request.
    async fn call(&mut self, request: &RequestKind, deadline: Duration) -> Completion;

    /// Sends the request and gives up at once, as a client does that dies after its first send.
    async fn abandon(&mut self, request: &RequestKind) -> Completion;
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion {
    /// It happened; with the value for a read, and evidence.
    Ok {
        /// The value read; null for a key that was never written.
        value: Option<Value>,
        /// What else the answer says, for the history.
        extra: Map<String, Value>,
    },
    /// It certainly had no effect and never will.
    Fail {
        /// For the history: `[22, "expected 4, found 5"]` or `"connection refused"`; `[11, "n2 is not the leader: n1 is", "n1"]`
        /// where the answer names a node to ask in place of the one that was asked.
        error: Value,
    },
    /// Nobody knows.
    Info {
        /// For the history.
        error: Value,
    },
}

impl Completion {
    /// Which of `nodes` to ask instead, where the one that was asked has refused and named it.
    pub fn redirect(&self, nodes: &[NodeId]) -> Option<NodeId> {
        let Completion::Fail { error } = self else { return None };
        let named = error.get(2)?.as_str()?.parse().ok()?;
        nodes.contains(&named).then_some(named)
    }
}
