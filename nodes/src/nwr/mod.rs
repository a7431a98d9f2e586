//! Replicated registers with quorums: N copies of each key, W of which have to store a write, R of which are asked by a
//! read (Gifford 1979; Dynamo's N, W and R). With W + R > N and write-back it is the atomic register of Attiya, Bar-Noy
//! and Dolev (1995) with many writers (Lynch and Shvartsman 1997).
//!
//! Any node takes requests and coordinates them; it need not have a copy itself. An operation has two phases:
//!
//! 1. *Query*: R replicas say which version they have. The newest counts.
//! 2. *Store*: a write gives its value a tag above that version's and has it stored by W replicas. A read with
//!    `writeback=on` has the version that it returns stored by W replicas, so that no later read misses it; one without
//!    skips this phase.
//!
//! # Where quorums meet
//! A write's query, too, asks R replicas. That finds every finished write exactly if R + W > N, the same condition under
//! which anything is promised: then tags respect real time. Below it, a write can be given a tag under that of one that
//! has finished, and lose to it; whoever asks for `w=1,r=1` asks for that.
//!
//! # What the papers leave open, and how it is here
//! - A tag is (counter, node, incarnation, sequence). The coordinator keeps a floor of the counters that it gave out, so
//!   that neither a restart nor a write that was never heard of again makes two writes share one tag.
//! - All N replicas are asked at once and the first answers count; the coordinator's own copy answers without a message,
//!   and what it stores counts at once, since nothing leaves before it is durable. Who has not answered is asked again.
//! - An operation that is given up in its query phase had no effect, and says so; so does a read. A write that is given
//!   up in its store phase is unknown: some replica may have it, and a later read may spread it.
//! - With n below the number of nodes, a key lives on the n nodes that follow its digest on the ring of all nodes.
//!
//! # Caveats
//! - Without write-back, or with W + R ≤ N, nothing repairs replicas that missed a write until the next one.
//! - An operation survives its client's connection, as a request does in a real store.

mod config;
mod coordinator;
mod message;
mod replica;
mod tag;

use std::collections::BTreeMap;

pub use config::{Bug, Config};
pub use message::{Message, NotATimer, Record, Timer, Version};
pub use tag::Tag;

use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::cx::Cx;
use crate::digest::Digest;
use crate::id::{ClientId, NodeId, RequestId};
use crate::note::Note;
use crate::protocol::{Dump, Protocol};
use crate::request::Request;
use coordinator::Operation;
use replica::Replica;

/// One node: a replica, and a coordinator.
#[derive(Debug)]
pub struct Nwr {
    config: Config,
    me: NodeId,
    nodes: Vec<NodeId>,
    replica: Replica,
    /// The highest counter that this coordinator has given out, by key. Not stored: the incarnation tells its lives apart.
    floor: BTreeMap<String, u64>,
    operations: BTreeMap<RequestId, Operation>,
}

impl Protocol for Nwr {
    type Config = Config;
    type Message = Message;
    type Timer = Timer;
    type Record = Record;

    fn info() -> ProtocolInfo {
        config::info()
    }

    fn configure(params: &Params, nodes: u16) -> Result<Config, ConfigError> {
        config::configure(params, nodes)
    }

    fn promise(config: &Config) -> Consistency {
        config.promise()
    }

    fn start(config: Config, stable: Vec<Record>, cx: &mut Cx<'_, Self>) -> Self {
        let replica = Replica::fold(stable);
        if cx.incarnation() > 1 {
            replica.note_recovered(cx);
        }
        Nwr {
            config,
            me: cx.me(),
            nodes: cx.nodes().to_vec(),
            replica,
            floor: BTreeMap::new(),
            operations: BTreeMap::new(),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_, Self>) {
        match message {
            Message::Query { op, key } => {
                cx.send(from, Message::QueryReply { op, version: self.replica.query(&key) });
            }
            Message::Store { op, key, version } => {
                self.store(&key, &version, cx);
                cx.send(from, Message::StoreReply { op });
            }
            Message::QueryReply { op, version } => self.on_query_reply(from, op, version, cx),
            Message::StoreReply { op } => self.on_store_reply(from, op, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        let Timer::Retry { op } = timer;
        self.on_retry(op, cx);
    }

    fn on_request(&mut self, id: RequestId, _client: ClientId, request: Request, cx: &mut Cx<'_, Self>) {
        self.begin(id, request.kind, cx);
    }

    fn status(&self) -> String {
        format!("registers={} operations={}", self.replica.len(), self.operations.len())
    }

    fn dump(&self) -> Dump {
        self.replica.dump()
    }

    fn check(&self) {
        for (op, operation) in &self.operations {
            operation.check(*op, &self.config);
        }
    }

    fn compact(&self) -> Option<Vec<Record>> {
        self.replica.compacted()
    }
}

impl Nwr {
    /// The home replicas of a key, in the order of the ring.
    fn replicas(&self, key: &str) -> Vec<NodeId> {
        let count = self.nodes.len();
        let first = if self.config.n == count { 0 } else { Digest::of(&key).number() % count as u64 };
        let first = usize::try_from(first).expect("less than the number of nodes");
        self.nodes.iter().cycle().skip(first).take(self.config.n).copied().collect()
    }

    /// Stores a version at this node's own replica.
    fn store(&mut self, key: &str, version: &Version, cx: &mut Cx<'_, Self>) {
        let lazily = self.has(Bug::AckBeforeFsync);
        if self.replica.store(key, version, lazily, cx) && lazily {
            self.acts(Bug::AckBeforeFsync, cx);
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }

    /// Tells that a deliberate bug has just done its work.
    #[expect(clippy::unused_self, reason = "it reads as a sentence, and only a node with a bug has reason to call it")]
    fn acts(&self, bug: Bug, cx: &mut Cx<'_, Self>) {
        cx.note(Note::new("bug").with("bug", bug.info().name));
    }
}
