//! What Raft nodes send each other, in Figure 2's names, and the timers that drive them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log::{ClientRequest, Entry};
use super::state_machine::Reply;
use super::{Index, Term};
use crate::id::{NodeId, RequestId};

/// A message between nodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Message {
    /// A candidate asks for a vote (§5.2).
    RequestVote {
        /// The candidate's term.
        term: Term,
        /// Who asks.
        candidate: NodeId,
        /// The index of the candidate's last entry (§5.4).
        last_log_index: Index,
        /// The term of the candidate's last entry (§5.4).
        last_log_term: Term,
    },
    /// The answer to a candidate.
    RequestVoteReply {
        /// The voter's term, for the candidate to update itself.
        term: Term,
        /// Whether the candidate has the vote.
        granted: bool,
    },
    /// The leader replicates entries, or none, as a heartbeat (§5.3).
    AppendEntries {
        /// The leader's term.
        term: Term,
        /// Who leads, so that followers can forward requests.
        leader: NodeId,
        /// The index of the entry before the new ones.
        prev_log_index: Index,
        /// The term of that entry.
        prev_log_term: Term,
        /// The new entries.
        entries: Vec<Arc<Entry>>,
        /// The leader's commit index.
        leader_commit: Index,
        /// The leader's last round of heartbeats: whoever answers recognised it as the leader after that round began.
        round: u64,
    },
    /// The answer to a leader.
    AppendEntriesReply {
        /// The follower's term, for the leader to update itself.
        term: Term,
        /// The round of the message that is answered.
        round: u64,
        /// Whether the entries are in the follower's log.
        result: AppendResult,
    },
    /// A client's request, from the node that got it to the leader.
    Forward {
        /// The id under which the contacted node knows the request.
        id: RequestId,
        /// What is asked, and by whom.
        request: Arc<ClientRequest>,
    },
    /// The leader's answer to a forwarded request.
    ForwardReply {
        /// The id under which the contacted node knows the request.
        id: RequestId,
        /// How it ended.
        reply: Reply,
    },
}

/// What became of an `AppendEntries`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum AppendResult {
    /// The follower's log equals the leader's up to `index`.
    Success {
        /// The last entry that the message vouched for.
        index: Index,
    },
    /// The follower lacks the entry before the new ones, or has another there.
    Conflict {
        /// The index that did not match, by which the leader tells an old answer from a new one.
        prev_log_index: Index,
        /// The first index that the follower has of the conflicting term, or the one after its last.
        index: Index,
        /// The conflicting term, if the follower has an entry there (end of §5.3).
        term: Option<Term>,
    },
    /// The sender's term is over.
    StaleTerm,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::RequestVote { term, last_log_index, last_log_term, .. } => {
                write!(f, "RequestVote t{term} last={last_log_index}@{last_log_term}")
            }
            Message::RequestVoteReply { term, granted } => {
                write!(f, "RequestVoteReply t{term} {}", if *granted { "granted" } else { "refused" })
            }
            Message::AppendEntries { term, prev_log_index, prev_log_term, entries, leader_commit, round, .. } => {
                write!(f, "AppendEntries t{term} prev={prev_log_index}@{prev_log_term} [")?;
                for (offset, entry) in (1..).zip(entries) {
                    let gap = if offset == 1 { "" } else { ", " };
                    write!(f, "{gap}{}@{}", prev_log_index.saturating_add(offset), entry.term)?;
                }
                write!(f, "] commit={leader_commit} round={round}")
            }
            Message::AppendEntriesReply { term, round, result } => {
                write!(f, "AppendEntriesReply t{term} {result} round={round}")
            }
            Message::Forward { id, request } => write!(f, "Forward {id} {request}"),
            Message::ForwardReply { id, reply } => write!(f, "ForwardReply {id} {reply}"),
        }
    }
}

impl fmt::Display for AppendResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendResult::Success { index } => write!(f, "match={index}"),
            AppendResult::Conflict { prev_log_index, index, term: Some(term) } => {
                write!(f, "conflict at {prev_log_index}: t{term} from {index}")
            }
            AppendResult::Conflict { prev_log_index, index, term: None } => {
                write!(f, "conflict at {prev_log_index}: log ends before {index}")
            }
            AppendResult::StaleTerm => f.write_str("stale term"),
        }
    }
}

/// A node's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// Nothing was heard of a leader for a while (§5.2).
    Election,
    /// It is time for a leader to be heard.
    Heartbeat,
}

impl fmt::Display for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Timer::Election => "Election",
            Timer::Heartbeat => "Heartbeat",
        })
    }
}

/// A text that names no timer of Raft.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("raft has no timer {0:?}: its timers are Election and Heartbeat")]
pub struct NotATimer(pub String);

impl FromStr for Timer {
    type Err = NotATimer;

    fn from_str(text: &str) -> Result<Self, NotATimer> {
        match text {
            "Election" => Ok(Timer::Election),
            "Heartbeat" => Ok(Timer::Heartbeat),
            _ => Err(NotATimer(text.to_owned())),
        }
    }
}
