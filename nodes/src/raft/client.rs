//! Interaction with clients (§8): where requests go, who answers them, and reads without log entries.

use std::sync::Arc;

use super::replication::Leading;
use super::{Bug, ClientRequest, Command, Index, Message, Raft, Reads, Reply, Role, Route};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId};
use crate::request::{ErrorCode, Outcome, Refusal, RequestKind};

/// How many forwarded requests may be open at one node.
const FORWARDED_MAX: usize = 16_384;

/// A read that waits until leadership is confirmed.
#[derive(Debug)]
pub(super) struct WaitingRead {
    /// Whom to answer.
    id: RequestId,
    /// Which register.
    key: String,
    /// The round of heartbeats, begun after the read came, that a majority has to answer; none yet.
    pub(super) round: Option<u64>,
}

// Requests: from the client to the leader.
impl Raft {
    /// Upon a client's request at any node.
    pub(super) fn on_client_request(&mut self, id: RequestId, request: Arc<ClientRequest>, cx: &mut Cx<'_, Self>) {
        if let RequestKind::Read { key } = &request.request
            && self.has(Bug::FollowerLocalReads)
        {
            self.acts(Bug::FollowerLocalReads, cx);
            return cx.reply(id, self.machine.read(key).into());
        }
        match self.role {
            Role::Leader(_) => self.serve(id, request, cx),
            Role::Follower { leader: Some(leader) } => self.route(id, leader, request, cx),
            Role::Follower { leader: None } | Role::Candidate { .. } => {
                refuse(id, format!("{} knows no leader of term {}", self.me, self.term), cx);
            }
        }
    }

    fn route(&mut self, id: RequestId, leader: NodeId, request: Arc<ClientRequest>, cx: &mut Cx<'_, Self>) {
        if self.config.route == Route::Redirect {
            let refusal = unavailable(format!("{} is not the leader: {leader} is", self.me));
            cx.reply(id, Outcome::Redirect { to: leader, refusal });
        } else if self.forwarded.len() >= FORWARDED_MAX {
            refuse(id, format!("{} has {FORWARDED_MAX} forwarded requests open", self.me), cx);
        } else {
            self.forwarded.insert(id, Arc::clone(&request));
            cx.send(leader, Message::Forward { id, request });
        }
    }

    /// Recognises a leader of the current term.
    pub(super) fn follow(&mut self, leader: NodeId, cx: &mut Cx<'_, Self>) {
        let known = matches!(self.role, Role::Follower { leader: Some(known) } if known == leader);
        self.role = Role::Follower { leader: Some(leader) };
        if !known {
            // The leader before may have lost them, or have put them into its log: whoever applies them a second time
            // finds them in the session table.
            for (id, request) in &self.forwarded {
                cx.send(leader, Message::Forward { id: *id, request: Arc::clone(request) });
            }
        }
    }

    /// Upon receiving another node's request. One that is not the leader says nothing: it cannot know whether a copy of
    /// the message reached one, and the sender forwards again when it hears of the next.
    pub(super) fn on_forward(&mut self, id: RequestId, request: Arc<ClientRequest>, cx: &mut Cx<'_, Self>) {
        if matches!(self.role, Role::Leader(_)) {
            self.serve(id, request, cx);
        }
    }

    /// Serves a request as the leader.
    pub(super) fn serve(&mut self, id: RequestId, request: Arc<ClientRequest>, cx: &mut Cx<'_, Self>) {
        if let RequestKind::Read { key } = &request.request {
            if self.has(Bug::LeaderLocalReads) {
                self.acts(Bug::LeaderLocalReads, cx);
                return self.answer(id, self.machine.read(key), cx);
            }
            if self.config.reads == Reads::ReadIndex {
                return self.read_index(id, key.clone(), cx);
            }
        }
        let is_write = matches!(request.request, RequestKind::Write { .. });
        let index = self.append_to_own_log(Command::Client(request), cx);
        let Role::Leader(leading) = &mut self.role else { unreachable!("only the leader serves") };
        leading.pending.insert(index, id);
        if is_write && self.has(Bug::ReplyAtAppend) {
            self.acts(Bug::ReplyAtAppend, cx);
            self.answer(id, Reply::Done, cx);
        }
        self.replicate_to_all(cx);
        self.advance_commit_index(cx);
    }
}

// Answers: from the leader to the client.
impl Raft {
    /// An entry was applied: answers whoever asked this leader for it.
    pub(super) fn answer_applied(&mut self, index: Index, reply: Reply, cx: &mut Cx<'_, Self>) {
        if let Role::Leader(leading) = &mut self.role
            && let Some(id) = leading.pending.remove(&index)
        {
            self.answer(id, reply, cx);
        }
    }

    /// Answers a request, by way of the node that the client contacted.
    fn answer(&self, id: RequestId, reply: Reply, cx: &mut Cx<'_, Self>) {
        if id.node == self.me {
            cx.reply(id, reply.into());
        } else {
            cx.send(id.node, Message::ForwardReply { id, reply });
        }
    }

    /// Upon receiving a leader's answer to a forwarded request.
    pub(super) fn on_forward_reply(&mut self, id: RequestId, reply: Reply, cx: &mut Cx<'_, Self>) {
        if self.forwarded.remove(&id).is_some() {
            cx.reply(id, reply.into());
        }
    }

    /// The leadership is over. Entries that were appended may still be committed by another leader, so nobody may be told
    /// that they failed; reads without entries had no effect.
    pub(super) fn abandon_requests(&mut self, leading: Leading, cx: &mut Cx<'_, Self>) {
        for id in leading.pending.into_values() {
            let reply = if self.has(Bug::FailOnStepDown) {
                self.acts(Bug::FailOnStepDown, cx);
                Reply::Fail(Refusal::new(ErrorCode::ABORT, "lost leadership"))
            } else {
                Reply::Unknown(Refusal::new(ErrorCode::CRASH, "lost leadership; the entry may still commit"))
            };
            self.answer(id, reply, cx);
        }
        for read in leading.reads {
            self.answer(read.id, Reply::Fail(unavailable("lost leadership before the read was confirmed")), cx);
        }
    }
}

// Reads without entries, by ReadIndex (§6.4 of the dissertation, §8 of the paper).
impl Raft {
    fn read_index(&mut self, id: RequestId, key: String, cx: &mut Cx<'_, Self>) {
        let Role::Leader(leading) = &mut self.role else { unreachable!("only the leader serves") };
        leading.reads.push_back(WaitingRead { id, key, round: None });
        self.serve_confirmed_reads(cx);
    }

    /// Answers the reads whose round a majority has answered, and begins a round for the others if none is on its way.
    ///
    /// All that was committed before such a read came has been applied here: the leader had committed an entry of its own
    /// term when the round began, so that it knew all that was committed, and it applies what it commits at once.
    pub(super) fn serve_confirmed_reads(&mut self, cx: &mut Cx<'_, Self>) {
        if self.log.term(self.commit_index) != Some(self.term) {
            return;
        }
        while let Role::Leader(leading) = &mut self.role
            && !leading.reads.is_empty()
        {
            let confirmed = leading.confirmed_round();
            let ready = leading.reads.front().is_some_and(|read| read.round.is_some_and(|round| round <= confirmed));
            if ready {
                let read = leading.reads.pop_front().expect("there is a first one");
                self.answer(read.id, self.machine.read(&read.key), cx);
            } else if confirmed == leading.round {
                self.begin_round(cx);
            } else {
                break;
            }
        }
    }
}

/// Refuses a request that nobody has begun to serve.
fn refuse(id: RequestId, why: String, cx: &mut Cx<'_, Raft>) {
    cx.reply(id, Outcome::Fail(unavailable(why)));
}

fn unavailable(why: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::TEMPORARILY_UNAVAILABLE, why)
}
