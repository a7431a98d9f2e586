//! Raft, after Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm (Extended Version)", 2014.
//! Its Figure 2 is the specification; §6.4 of Ongaro's dissertation adds the reads without log entries.
//!
//! Nodes elect a leader for a numbered *term* (`election`, §5.2): whoever hears of no leader for a random time becomes a
//! candidate and needs the votes of a majority, each of which is given once a term and only to a log that is not behind
//! (§5.4.1). The leader puts clients' requests into its log and makes all other logs equal to it (`replication`, §5.3).
//! An entry of its own term that a majority has stored is *committed*, with everything before it (§5.4.2): it is in the
//! log of every later leader. Committed entries are applied in order to a map of registers (`state_machine`), and the
//! leader answers (`client`, §8). Term, vote and log are stable storage (`record`); all else is rebuilt.
//!
//! # What the paper leaves open, and how it is here
//! - Any node takes requests. A follower forwards them to the leader and carries the answer back, or refuses them and
//!   names the leader (`route=`). A forwarded request that is still open when another leader is heard of is forwarded
//!   again: the session table makes it one.
//! - The output of a step waits until what it persisted is durable; that is the driver's duty. A leader may therefore
//!   count its own copy as soon as it has appended it.
//! - New entries leave at once, several messages ahead of the answers. A follower that rejects one or falls silent is
//!   probed with one message at a time until it accepts.
//! - A leader that steps down answers open requests as unknown: their entries may still be committed by another.
//! - Reads confirm leadership by a round of heartbeats that began after they came (`reads=readindex`), and wait until the
//!   leader has committed an entry of its own term.
//!
//! # Caveats
//! - No snapshots, no change of membership, no pre-vote: a node that comes back from a partition may depose a good
//!   leader once, and a node that can send but not receive does so again and again while that lasts.
//! - A leader that cannot reach a majority stays leader until it hears of a newer term, and its clients wait.
//! - A node with a deliberate bug does not assert what the bug breaks: clients are to see it, not a dead node. Where such
//!   a node has to give up entries that it had applied, it builds its registers again from what is left.

mod client;
mod commit;
mod config;
mod election;
mod log;
mod message;
mod record;
mod replication;
mod state_machine;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use config::{Bug, Config, Reads, Route};
pub use log::{ClientRequest, Command, Entry};
pub use message::{AppendResult, Message, NotATimer, Timer};
pub use record::Record;
pub use state_machine::Reply;

use crate::config::{ConfigError, Consistency, Params, ProtocolInfo};
use crate::cx::Cx;
use crate::id::{ClientId, NodeId, RequestId};
use crate::note::Note;
use crate::protocol::{Dump, Protocol};
use crate::request::Request;
use log::Log;
use record::Stable;
use replication::Leading;
use state_machine::StateMachine;

/// A number of elections: "terms act as a logical clock" (§5.1).
pub type Term = u64;
/// A place in the log, from 1.
pub type Index = u64;

/// One node.
#[derive(Debug)]
pub struct Raft {
    config: Config,
    me: NodeId,
    peers: Vec<NodeId>,

    // Persistent state on all servers (Figure 2): every change is persisted in the step that makes it.
    term: Term,
    voted_for: Option<NodeId>,
    log: Log,

    // Volatile state on all servers.
    commit_index: Index,
    machine: StateMachine,
    role: Role,
    /// Requests of this node's clients that a leader has, or had.
    forwarded: BTreeMap<RequestId, Arc<ClientRequest>>,
    /// How many votes and entries of this life's stable storage are superseded.
    wasted: usize,
}

/// What a node is in its term.
#[derive(Debug)]
enum Role {
    Follower {
        /// The leader of the term, once it was heard.
        leader: Option<NodeId>,
    },
    Candidate {
        /// Who voted for this node, itself included. A set: a vote that arrives twice is one.
        votes: BTreeSet<NodeId>,
    },
    Leader(Leading),
}

/// The smallest number of nodes that is more than half of `nodes`.
pub fn majority(nodes: usize) -> usize {
    nodes / 2 + 1
}

impl Protocol for Raft {
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

    fn promise(_config: &Config) -> Consistency {
        Consistency::Linearizable
    }

    fn start(config: Config, stable: Vec<Record>, cx: &mut Cx<'_, Self>) -> Self {
        let Stable { term, voted_for, log, wasted } = Stable::fold(stable);
        let me = cx.me();
        let raft = Raft {
            config,
            me,
            peers: cx.nodes().iter().copied().filter(|node| *node != me).collect(),
            term,
            voted_for,
            log,
            commit_index: 0,
            machine: StateMachine::default(),
            role: Role::Follower { leader: None },
            forwarded: BTreeMap::new(),
            wasted,
        };
        raft.reset_election_timer(cx);
        raft
    }

    fn on_message(&mut self, from: NodeId, message: Message, cx: &mut Cx<'_, Self>) {
        if let Some(term) = message.term() {
            self.observe_term(term, cx);
        }
        match message {
            Message::RequestVote { term, candidate, last_log_index, last_log_term } => {
                self.on_request_vote(term, candidate, (last_log_term, last_log_index), cx);
            }
            Message::RequestVoteReply { term, granted } => self.on_request_vote_reply(from, term, granted, cx),
            Message::AppendEntries { term, leader, prev_log_index, prev_log_term, entries, leader_commit, round } => {
                let previous = (prev_log_index, prev_log_term);
                let result = self.on_append_entries(term, leader, previous, entries, leader_commit, cx);
                if let Some(result) = result {
                    cx.send(from, Message::AppendEntriesReply { term: self.term, round, result });
                }
            }
            Message::AppendEntriesReply { term, round, result } => {
                self.on_append_entries_reply(from, term, round, result, cx);
            }
            Message::Forward { id, request } => self.on_forward(id, request, cx),
            Message::ForwardReply { id, reply } => self.on_forward_reply(id, reply, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Election => self.on_election_timeout(cx),
            Timer::Heartbeat => self.on_heartbeat_timeout(cx),
        }
    }

    fn on_request(&mut self, id: RequestId, client: ClientId, request: Request, cx: &mut Cx<'_, Self>) {
        let request = ClientRequest { client, serial: request.serial, request: request.kind };
        self.on_client_request(id, Arc::new(request), cx);
    }

    fn on_disconnect(&mut self, client: ClientId, _cx: &mut Cx<'_, Self>) {
        // Nobody waits for these answers any more. The entries may be committed all the same.
        self.forwarded.retain(|_, request| request.client != client);
    }

    fn status(&self) -> String {
        let role = match &self.role {
            Role::Follower { leader: Some(leader) } => format!("follower of {leader}"),
            Role::Follower { leader: None } => "follower".to_owned(),
            Role::Candidate { .. } => "candidate".to_owned(),
            Role::Leader(_) => "leader".to_owned(),
        };
        let (last, last_term) = (self.log.last_index(), self.log.last_term());
        format!("{role} t{} log={last}@{last_term} commit={}", self.term, self.commit_index)
    }

    fn dump(&self) -> Dump {
        self.machine.dump()
    }

    fn check(&self) {
        let last = self.log.last_index();
        assert!(self.commit_index <= last, "commit index {} is beyond the log's end {last}", self.commit_index);
        assert_eq!(self.machine.applied(), self.commit_index, "all that is committed is applied, and nothing else");
        assert!(self.log.last_term() <= self.term, "an entry of a term that this node has not seen");
        match &self.role {
            Role::Follower { leader } => assert_ne!(*leader, Some(self.me), "a follower of itself"),
            Role::Candidate { votes } => assert!(votes.contains(&self.me), "a candidate votes for itself"),
            Role::Leader(leading) => leading.check(last),
        }
    }

    fn compact(&self) -> Option<Vec<Record>> {
        // The log itself is all of use: without snapshots there is little to win.
        let worth_it = self.wasted as Index > self.log.last_index();
        worth_it.then(|| record::compacted(self.term, self.voted_for, &self.log))
    }
}

impl Raft {
    /// "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower" (§5.1).
    fn observe_term(&mut self, term: Term, cx: &mut Cx<'_, Self>) {
        if term > self.term {
            self.step_down(cx);
            self.set_vote(term, None, cx);
        }
    }

    /// Leaves whatever role the node had. Its clients' open requests are not lost with it: see `client`.
    fn step_down(&mut self, cx: &mut Cx<'_, Self>) {
        let role = std::mem::replace(&mut self.role, Role::Follower { leader: None });
        if let Role::Leader(leading) = role {
            cx.note(Note::new("stepped-down").with("term", self.term));
            cx.cancel_timer(Timer::Heartbeat);
            self.reset_election_timer(cx);
            self.abandon_requests(leading, cx);
        }
    }

    /// Changes term and vote together, and persists them together.
    fn set_vote(&mut self, term: Term, candidate: Option<NodeId>, cx: &mut Cx<'_, Self>) {
        assert!(term >= self.term, "terms never decrease");
        assert!(term > self.term || self.voted_for.is_none(), "one vote a term");
        if term > self.term {
            cx.note(Note::new("term").with("term", term));
        }
        (self.term, self.voted_for) = (term, candidate);
        self.wasted += 1;
        let persisted = if self.has(Bug::ForgetVote) && candidate.is_some() {
            self.acts(Bug::ForgetVote, cx);
            None
        } else {
            candidate
        };
        cx.persist(Record::Vote { term, candidate: persisted });
    }

    fn node_count(&self) -> usize {
        self.peers.len() + 1
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

impl Message {
    /// The sender's term, where the message carries one.
    fn term(&self) -> Option<Term> {
        match self {
            Message::RequestVote { term, .. }
            | Message::RequestVoteReply { term, .. }
            | Message::AppendEntries { term, .. }
            | Message::AppendEntriesReply { term, .. } => Some(*term),
            Message::Forward { .. } | Message::ForwardReply { .. } => None,
        }
    }
}
