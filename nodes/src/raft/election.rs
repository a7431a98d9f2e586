//! Leader election (§5.2) and its restriction (§5.4.1).

use rand::RngExt;

use super::{Bug, Index, Message, Raft, Role, Term, Timer, majority};
use crate::cx::Cx;
use crate::id::NodeId;
use crate::note::Note;

impl Raft {
    /// "Raft uses randomized election timeouts to ensure that split votes are rare" (§5.2).
    pub(super) fn reset_election_timer(&self, cx: &mut Cx<'_, Self>) {
        let timeout = cx.rng().random_range(self.config.election_min..=self.config.election_max);
        cx.set_timer(Timer::Election, timeout);
    }

    /// "If election timeout elapses: start new election" (Figure 2, followers and candidates).
    pub(super) fn on_election_timeout(&mut self, cx: &mut Cx<'_, Self>) {
        if matches!(self.role, Role::Leader(_)) {
            return;
        }
        self.set_vote(self.term + 1, Some(self.me), cx);
        self.role = Role::Candidate { votes: [self.me].into() };
        cx.note(Note::new("candidate").with("term", self.term));
        self.reset_election_timer(cx);
        let request = Message::RequestVote {
            term: self.term,
            candidate: self.me,
            last_log_index: self.log.last_index(),
            last_log_term: self.log.last_term(),
        };
        for &peer in &self.peers {
            cx.send(peer, request.clone());
        }
        self.count_votes(cx);
    }

    /// Upon receiving a `RequestVote`; `last` is the term and index of the candidate's last entry.
    pub(super) fn on_request_vote(
        &mut self,
        term: Term,
        candidate: NodeId,
        last: (Term, Index),
        cx: &mut Cx<'_, Self>,
    ) {
        let free = self.voted_for.is_none_or(|voted| voted == candidate);
        let granted = term == self.term && free && self.is_up_to_date(last, cx);
        if granted {
            if self.voted_for.is_none() {
                self.set_vote(term, Some(candidate), cx);
            }
            self.reset_election_timer(cx);
            cx.note(vote_note("vote-granted", term, candidate));
        }
        cx.send(candidate, Message::RequestVoteReply { term: self.term, granted });
        if granted {
            cx.note(vote_note("vote-sent", term, candidate));
        }
    }

    /// "If the logs have last entries with different terms, then the log with the later term is more up-to-date. If the
    /// logs end with the same term, then whichever log is longer is more up-to-date" (§5.4.1).
    fn is_up_to_date(&self, candidates_last: (Term, Index), cx: &mut Cx<'_, Self>) -> bool {
        let up_to_date = candidates_last >= (self.log.last_term(), self.log.last_index());
        if !up_to_date && self.has(Bug::NoLogCheckOnVote) {
            self.acts(Bug::NoLogCheckOnVote, cx);
            return true;
        }
        up_to_date
    }

    /// Upon receiving the answer to a `RequestVote`.
    pub(super) fn on_request_vote_reply(&mut self, from: NodeId, term: Term, granted: bool, cx: &mut Cx<'_, Self>) {
        if let Role::Candidate { votes } = &mut self.role
            && term == self.term
            && granted
        {
            votes.insert(from);
            self.count_votes(cx);
        }
    }

    /// "If votes received from majority of servers: become leader" (Figure 2, candidates).
    fn count_votes(&mut self, cx: &mut Cx<'_, Self>) {
        let Role::Candidate { votes } = &self.role else { return };
        let all = self.node_count();
        if votes.len() >= majority(all) {
            self.become_leader(cx);
        } else if self.has(Bug::SmallQuorumVotes) && votes.len() >= all / 2 {
            self.acts(Bug::SmallQuorumVotes, cx);
            self.become_leader(cx);
        }
    }
}

fn vote_note(name: &'static str, term: Term, candidate: NodeId) -> Note {
    Note::new(name).with("term", term).with("candidate", candidate.to_string())
}
