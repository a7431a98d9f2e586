//! Replicated registers with quorums: N copies of each key, W of which have to store a write, R of which are asked by a
//! read (Gifford 1979; Dynamo's N, W and R). With W + R > N and write-back it is the atomic register of Attiya, Bar-Noy
//! and Dolev (1995) with many writers (Lynch and Shvartsman 1997).
//!
//! Any node takes requests and coordinates them; it need not have a copy itself. With `coordinator=client` a process beside each
//! client does, which has no copy of anything and is no node of the universe: then it dies with its client, in the middle of a
//! write too. An operation has two phases:
//!
//! 1. *Query*: R replicas say which version they have. The newest counts.
//! 2. *Store*: a write gives its value a tag above that version's and has it stored by W replicas. A read with
//!    `writeback=on` has the version that it returns stored by W replicas, so that no later read misses it; one without
//!    skips this phase.
//!
//! Around that is what real stores do when replicas are silent or behind, each in a room of its own:
//!
//! | | |
//! |---|---|
//! | `coordinator` | the two phases, and the answer |
//! | `replica`, `version`, `tag`, `siblings` | what a node keeps, and what orders it |
//! | `placement` | where a key lives, and who stands in for whom |
//! | `hints` | fallback nodes keep what silent replicas should have |
//! | `anti_entropy`, `merkle` | replicas compare what they have |
//! | `tombstones` | deletions, and when they may be forgotten |
//! | `recovery` | a replica that has lost its disk |
//! | `causal` | writes in causal order instead of quorums |
//! | `evidence` | what all of them tell of themselves |
//!
//! # Where quorums meet
//! A write's query, too, asks R replicas. That finds every finished write exactly if R + W > N, the same condition under
//! which anything is promised: then tags respect real time. Below it, a write can be given a tag under that of one that
//! has finished, and lose to it; whoever asks for `w=1,r=1` asks for that.
//!
//! # When a read need not write back
//! If N − R + 1 replicas have a version, every later read meets one of them. So a read may return it as soon as so many
//! have it: those that answered with it count (`writeback=fast`), and with R = N one is enough. A repair that is waited for
//! leaves R copies, which is as good if 2R > N.
//!
//! # What the papers leave open, and how it is here
//! - A tag is (counter, node, incarnation, sequence). The coordinator keeps a floor of the counters that it gave out, so
//!   that neither a restart nor a write that was never heard of again makes two writes share one tag.
//! - All N replicas are asked at once and the first answers count; the coordinator's own copy answers without a message,
//!   and what it stores counts at once, since nothing leaves before it is durable. Who has not answered is asked again.
//! - An operation that is given up in its query phase had no effect, and says so; so does a read. A write that is given
//!   up in its store phase is unknown: some replica may have it, and a later read may spread it.
//! - With n below the number of nodes, a key lives on the n nodes that follow its digest on the ring of all nodes, and the
//!   next ones are its fallbacks.
//!
//! # Caveats
//! - Without write-back, repair or anti-entropy nothing tells replicas that missed a write of it until the next one.
//! - An operation survives its client's connection, as a request does in a real store.

mod anti_entropy;
mod bug;
mod causal;
mod config;
mod coordinator;
mod evidence;
mod hints;
mod merkle;
mod message;
mod placement;
mod record;
mod recovery;
mod replica;
mod siblings;
mod tag;
mod tombstones;
mod version;

use std::collections::BTreeMap;

pub use bug::Bug;
pub use causal::{Update, Vector};
pub use config::{Config, Coordinator, Repair, Restart, Versions, Writeback};
pub use merkle::Place;
pub use message::{Lives, Message, Phase, Step};
pub use record::{NotATimer, Record, Timer};
pub use siblings::{Dot, Siblings};
pub use tag::Tag;
pub use version::{Tagged, Version};

use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::cx::Cx;
use crate::id::{ClientId, NodeId, RequestId};
use crate::note::Note;
use crate::protocol::{Dump, Protocol};
use crate::request::{Request, RequestKind};
use causal::Causal;
use coordinator::{Counted, Operation};
use hints::Hints;
use recovery::Recovery;
use replica::Replica;
use tombstones::Agreed;

/// One node: a replica, and a coordinator.
#[derive(Debug)]
pub struct Nwr {
    config: Config,
    me: NodeId,
    nodes: Vec<NodeId>,
    replica: Replica,
    hints: Hints,
    causal: Causal,
    agreed: Agreed,
    /// While this replica asks what was on its disk.
    recovery: Option<Recovery>,
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

    fn serves(config: &Config) -> Vec<&'static str> {
        config.serves()
    }

    fn beside_clients(config: &Config) -> bool {
        config.coordinator == Coordinator::Client
    }

    /// A write when its first store is out, a read when it has been taken up: nothing of that can be seen later.
    fn midway(request: &RequestKind) -> Option<&'static str> {
        Some(if request.is_read() { "begun" } else { "store-sent" })
    }

    fn start(config: Config, stable: Vec<Record>, cx: &mut Cx<'_, Self>) -> Self {
        let (mut replica, mut hints, mut causal) = (Replica::default(), Hints::default(), Causal::default());
        for record in stable {
            hints.recall(&record, cx.now());
            causal.recall(&record);
            replica.recall(record);
        }
        let is_replica = cx.nodes().contains(&cx.me());
        if is_replica && cx.incarnation() > 1 {
            replica.note_recovered(cx);
            hints.note_recovered(cx);
        }
        let mut node = Nwr {
            config,
            me: cx.me(),
            nodes: cx.nodes().to_vec(),
            replica,
            hints,
            causal,
            agreed: Agreed::new(),
            recovery: None,
            floor: BTreeMap::new(),
            operations: BTreeMap::new(),
        };
        if is_replica {
            node.look_at_disk(cx);
            node.watch_all_tombstones(cx);
            node.plan_anti_entropy(cx);
            node.plan_handoff(cx);
            node.offer_updates(cx);
        }
        node
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_, Self>) {
        match message {
            Message::Query { step, key } => self.on_query(from, step, &key, cx),
            Message::Store { step, key, version } => self.on_store(from, step, &key, &version, cx),
            Message::QueryReply { step, incarnation, version, floor, lives } => {
                self.learn_floor(step.op, floor);
                let stands_for = step.stands_for;
                let counted = Counted { replica: from, incarnation, version, newer: None, stands_for };
                self.on_reply(step, counted, &lives, cx);
            }
            Message::StoreReply { step, incarnation, newer, lives } => {
                let stands_for = step.stands_for;
                let counted = Counted { replica: from, incarnation, version: None, newer, stands_for };
                self.on_reply(step, counted, &lives, cx);
            }
            Message::Handoff { hint, key, version } => self.on_handoff(from, hint, &key, &version, cx),
            Message::HandoffReply { hint } => self.on_handoff_reply(hint, cx),
            Message::Compare { digests } => self.on_compare(from, &digests, cx),
            Message::Exchange { leaves, versions } => self.on_exchange(from, &leaves, &versions, cx),
            Message::Recover { incarnation } => self.on_recover(from, incarnation, cx),
            Message::RecoverReply { incarnation, versions, floor, lives } => {
                if incarnation == cx.incarnation() {
                    self.on_recover_reply(from, &versions, floor, &lives, cx);
                }
            }
            Message::Updates { updates } => self.on_updates(from, updates, cx),
            Message::Applied { vector } => self.on_applied(from, vector, cx),
            Message::MayCollect { key, tag } => self.on_may_collect(from, key, tag, cx),
            Message::NothingOlder { key, tag } => self.on_nothing_older(from, &key, tag, cx),
            Message::Collect { key, tag } => self.collect(&key, tag, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Retry { op } => self.on_retry(op, cx),
            Timer::Handoff => self.hand_off(cx),
            Timer::AntiEntropy => self.compare(cx),
            Timer::Offer => self.on_offer(cx),
            Timer::Recover => self.ask_what_was_lost(cx),
            Timer::Collect { key } => self.on_grace_over(&key, cx),
        }
    }

    fn on_request(&mut self, id: RequestId, _client: ClientId, request: Request, cx: &mut Cx<'_, Self>) {
        if self.config.causal {
            self.begin_causally(id, request.kind, cx);
        } else {
            self.begin(id, request.kind, cx);
        }
    }

    fn status(&self) -> String {
        let (registers, operations, hints) = (self.replica.len(), self.operations.len(), self.hints.len());
        let recovering = if self.recovery.is_some() { " recovering" } else { "" };
        format!("registers={registers} operations={operations} hints={hints}{recovering}")
    }

    fn dump(&self) -> Dump {
        self.replica.dump()
    }

    fn held(&self) -> Vec<Note> {
        self.replica.held().chain([Note::new("hints-pending").with("count", self.hints.len())]).collect()
    }

    fn check(&self) {
        for (op, operation) in &self.operations {
            operation.check(*op);
        }
    }

    fn compact(&self) -> Option<Vec<Record>> {
        self.replica
            .is_wasteful()
            .then(|| self.replica.records().chain(self.hints.records()).chain(self.causal.records()).collect())
    }
}

impl Nwr {
    fn has(&self, bug: Bug) -> bool {
        self.config.bug == Some(bug)
    }

    /// Tells that a deliberate bug has just done its work.
    #[expect(clippy::unused_self, reason = "it reads as a sentence, and only a node with a bug has reason to call it")]
    fn acts(&self, bug: Bug, cx: &mut Cx<'_, Self>) {
        cx.note(Note::new("bug").with("bug", bug.info().name));
    }
}
