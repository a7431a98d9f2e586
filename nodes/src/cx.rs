//! The context of a step: the only way in which a protocol sees time and chance, and the only way in which it acts.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::id::{ClientId, Incarnation, NodeId, RequestId, Time};
use crate::note::Note;
use crate::protocol::Protocol;
use crate::request::Outcome;

/// The seed of a node's chance: 32 bytes that its starter drew from the stream of that node and incarnation.
pub type Seed = [u8; 32];

/// Something that a step asks its driver to do.
///
/// The driver's one rule (output commit): whatever a step persists is durable before anything of that step leaves; then
/// its effects leave in the order in which they were made, notes among them.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect<P: Protocol> {
    /// Append to stable storage; durable before anything of this step leaves.
    Persist(P::Record),
    /// Append to stable storage, durable at some later time. For deliberate bugs only.
    PersistLazily(P::Record),
    /// Send to a peer, or to oneself: those messages are reliable, are never cut, and wait for the sync as well.
    Send {
        /// The receiver.
        to: NodeId,
        /// What is sent.
        message: P::Message,
    },
    /// Answer a client's request.
    Reply {
        /// Which request.
        id: RequestId,
        /// How it ended.
        outcome: Outcome,
    },
    /// Tell a client something that it did not ask for.
    Tell {
        /// Which client.
        client: ClientId,
        /// The body of the envelope; its `type` says what it is.
        body: serde_json::Value,
    },
    /// Start a named timer, or start it again with a new duration.
    SetTimer {
        /// Its name.
        timer: P::Timer,
        /// From now, on the node's own clock.
        after: Duration,
    },
    /// Stop a named timer, if it runs.
    CancelTimer(P::Timer),
    /// Tell what happened.
    Note(Note),
}

/// What a step knows and what it may do.
///
/// It knows no majority: `nodes` is the fixed universe, and who is a member is the protocol's own state. Coordinators beside
/// clients are not of the universe: they speak with all of it, and it answers them.
pub struct Cx<'a, P: Protocol> {
    me: NodeId,
    incarnation: Incarnation,
    nodes: &'a [NodeId],
    now: Time,
    wall: Time,
    rng: &'a mut ChaCha8Rng,
    sequence: &'a mut u64,
    effects: &'a mut Vec<Effect<P>>,
}

/// What a driver gives to one step, by name.
#[expect(missing_debug_implementations, reason = "it lends the driver's state for one step")]
pub struct Surroundings<'a, P: Protocol> {
    /// The node that steps.
    pub me: NodeId,
    /// Its incarnation.
    pub incarnation: Incarnation,
    /// The universe, in order.
    pub nodes: &'a [NodeId],
    /// Its monotonic clock.
    pub now: Time,
    /// Its wall clock.
    pub wall: Time,
    /// Its chance.
    pub rng: &'a mut ChaCha8Rng,
    /// The last sequence number that [`Cx::fresh_id`] gave out; 0 at the start of an incarnation.
    pub sequence: &'a mut u64,
    /// Where the effects go.
    pub effects: &'a mut Vec<Effect<P>>,
}

impl<'a, P: Protocol> Cx<'a, P> {
    /// A context for one step.
    pub fn new(surroundings: Surroundings<'a, P>) -> Self {
        let Surroundings { me, incarnation, nodes, now, wall, rng, sequence, effects } = surroundings;
        Cx { me, incarnation, nodes, now, wall, rng, sequence, effects }
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.me
    }

    /// This node's incarnation, from 1.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The fixed universe of nodes, in order, this one included unless it is a coordinator beside a client.
    pub fn nodes(&self) -> &'a [NodeId] {
        self.nodes
    }

    /// The node's monotonic clock. It never goes back, and may run fast or slow.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The node's wall clock. It may jump.
    pub fn wall(&self) -> Time {
        self.wall
    }

    /// The node's chance, from the run's seed.
    pub fn rng(&mut self) -> &mut ChaCha8Rng {
        self.rng
    }

    /// An id that this node has never given out before, in this life or an earlier one.
    pub fn fresh_id(&mut self) -> RequestId {
        *self.sequence += 1;
        RequestId { node: self.me, incarnation: self.incarnation, sequence: *self.sequence }
    }

    /// Appends to stable storage: durable before anything of this step leaves.
    pub fn persist(&mut self, record: P::Record) {
        self.effects.push(Effect::Persist(record));
    }

    /// Appends to stable storage without waiting for it. For deliberate bugs only.
    pub fn persist_lazily(&mut self, record: P::Record) {
        self.effects.push(Effect::PersistLazily(record));
    }

    /// Sends to one node, which may be this one.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.effects.push(Effect::Send { to, message });
    }

    /// Sends to every node of the universe, this one included if it is one.
    pub fn broadcast(&mut self, message: &P::Message) {
        for &to in self.nodes {
            self.send(to, message.clone());
        }
    }

    /// Answers a request. The driver drops replies to requests that it does not know or that were answered before.
    pub fn reply(&mut self, id: RequestId, outcome: Outcome) {
        self.effects.push(Effect::Reply { id, outcome });
    }

    /// Tells a client something unasked.
    pub fn tell(&mut self, client: ClientId, body: serde_json::Value) {
        self.effects.push(Effect::Tell { client, body });
    }

    /// Starts a timer, or starts it again.
    pub fn set_timer(&mut self, timer: P::Timer, after: Duration) {
        self.effects.push(Effect::SetTimer { timer, after });
    }

    /// Stops a timer, if it runs.
    pub fn cancel_timer(&mut self, timer: P::Timer) {
        self.effects.push(Effect::CancelTimer(timer));
    }

    /// Tells what happened.
    pub fn note(&mut self, note: Note) {
        self.effects.push(Effect::Note(note));
    }
}
