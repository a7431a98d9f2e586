//! The rules of Figure 2 of the Raft paper (extended version), one test a rule: what is said, where, and that it is so.

#![expect(clippy::doc_markdown, reason = "the paper is quoted as it is printed")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use schism_nodes::cx::Effect;
use schism_nodes::raft::{
    AppendResult, ClientRequest, Command, Config, Entry, Message, Raft, Record, Term, Timer, majority,
};
use schism_nodes::{ClientId, Event, NodeId, Outcome, Params, Protocol, Request, RequestKind, Time};
use serde_json::json;

use common::{Loss, Machine};

const NOW: Time = Time(1);
const N1: NodeId = NodeId(1);
const N2: NodeId = NodeId(2);
const N3: NodeId = NodeId(3);
const N4: NodeId = NodeId(4);

/// Node n1 of `nodes`, whose log has entries of these terms.
struct Node {
    machine: Machine<Raft>,
    effects: Vec<Effect<Raft>>,
}

fn config() -> Config {
    Raft::configure(&Params::default(), 5).expect("the defaults are right")
}

fn entries(terms: &[Term]) -> Vec<Arc<Entry>> {
    terms.iter().map(|term| Entry::new(*term, Command::NoOp)).collect()
}

impl Node {
    fn of(nodes: u16) -> Self {
        let mut machine = Machine::new(N1, nodes, config(), 7);
        let effects = machine.start(NOW);
        Node { machine, effects }
    }

    /// A follower in term `term` with a log of these terms, put there by a leader n2.
    fn with_log(nodes: u16, term: Term, terms: &[Term]) -> Self {
        let mut node = Node::of(nodes);
        node.gets(N2, append(term, (0, 0), terms, 0));
        node
    }

    /// n1 as the leader of `term`, with a log of these terms and its own no-op behind them.
    fn leader(nodes: u16, term: Term, terms: &[Term]) -> Self {
        let mut node = Node::with_log(nodes, term - 1, terms);
        node.fires(Timer::Election);
        for voter in 2..=u16::try_from(majority(usize::from(nodes))).expect("few nodes") {
            node.gets(NodeId(voter), Message::RequestVoteReply { term, granted: true });
        }
        assert!(node.status().starts_with("leader"), "{}", node.status());
        node
    }

    fn gets(&mut self, from: NodeId, message: Message) {
        self.effects = self.machine.step(Event::Message { from, message }, NOW);
    }

    fn fires(&mut self, timer: Timer) {
        self.effects = self.machine.step(Event::Timer(timer), NOW);
    }

    fn asks(&mut self, serial: u64, kind: RequestKind) {
        self.effects = self.machine.request(ClientId("c1".to_owned()), Request { serial, kind }, NOW);
    }

    fn status(&self) -> String {
        self.machine.node().expect("it is up").status()
    }

    fn sent(&self) -> Vec<(NodeId, Message)> {
        let sent = self.effects.iter().filter_map(|effect| match effect {
            Effect::Send { to, message } => Some((*to, message.clone())),
            _ => None,
        });
        sent.collect()
    }

    fn answer(&self) -> Message {
        let [(_, message)] = self.sent().try_into().expect("one answer");
        message
    }

    fn persisted(&self) -> Vec<Record> {
        let records = self.effects.iter().filter_map(|effect| match effect {
            Effect::Persist(record) => Some(record.clone()),
            _ => None,
        });
        records.collect()
    }

    fn replies(&self) -> Vec<Outcome> {
        let replies = self.effects.iter().filter_map(|effect| match effect {
            Effect::Reply { outcome, .. } => Some(outcome.clone()),
            _ => None,
        });
        replies.collect()
    }

    fn result(&self) -> AppendResult {
        match self.answer() {
            Message::AppendEntriesReply { result, .. } => result,
            other => panic!("no answer to AppendEntries: {other}"),
        }
    }

    fn grants(&self) -> bool {
        matches!(self.answer(), Message::RequestVoteReply { granted: true, .. })
    }

    /// The terms of the log, from the records on the disk.
    fn log(&self) -> Vec<Term> {
        let mut log = Vec::new();
        for record in self.machine.disk() {
            match record {
                Record::Append { entries, .. } => log.extend(entries.iter().map(|entry| entry.term)),
                Record::Truncate { from } => log.truncate(usize::try_from(from - 1).expect("a short log")),
                Record::Vote { .. } => {}
            }
        }
        log
    }
}

fn append(term: Term, prev: (u64, Term), terms: &[Term], leader_commit: u64) -> Message {
    Message::AppendEntries {
        term,
        leader: N2,
        prev_log_index: prev.0,
        prev_log_term: prev.1,
        entries: entries(terms),
        leader_commit,
        round: 1,
    }
}

fn request_vote(term: Term, candidate: NodeId, last: (u64, Term)) -> Message {
    Message::RequestVote { term, candidate, last_log_index: last.0, last_log_term: last.1 }
}

fn stored(term: Term, index: u64) -> Message {
    Message::AppendEntriesReply { term, round: 0, result: AppendResult::Success { index } }
}

fn write() -> RequestKind {
    RequestKind::Write { key: "x".to_owned(), value: json!(1) }
}

// Rules for all servers.

/// "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower" (§5.1).
#[test]
fn a_newer_term_makes_anyone_a_follower() {
    let newer = [
        request_vote(9, N3, (0, 0)),
        append(9, (0, 0), &[], 0),
        Message::RequestVoteReply { term: 9, granted: false },
        Message::AppendEntriesReply { term: 9, round: 0, result: AppendResult::StaleTerm },
    ];
    for message in newer {
        for mut node in [Node::of(3), Node::leader(3, 2, &[1])] {
            node.gets(N3, message.clone());
            assert!(node.status().starts_with("follower"), "{message}: {}", node.status());
            assert!(node.status().contains("t9"), "{message}: {}", node.status());
            assert!(matches!(node.persisted()[0], Record::Vote { term: 9, candidate: None }), "{message}");
        }
    }
}

/// "If a server receives a request with a stale term number, it rejects the request" (§5.1).
#[test]
fn a_stale_request_is_rejected_with_the_newer_term() {
    let mut node = Node::with_log(3, 4, &[1]);
    node.gets(N3, request_vote(3, N3, (9, 3)));
    assert_eq!(node.answer(), Message::RequestVoteReply { term: 4, granted: false });
    node.gets(N3, append(3, (1, 1), &[3], 2));
    assert_eq!(node.answer(), Message::AppendEntriesReply { term: 4, round: 1, result: AppendResult::StaleTerm });
    assert_eq!(node.log(), [1]);
}

/// "Updated on stable storage before responding to RPCs" (persistent state): the record comes before the answer.
#[test]
fn votes_and_entries_are_persisted_before_they_are_sent() {
    let place = |node: &Node, wanted: fn(&Effect<Raft>) -> bool| node.effects.iter().rposition(wanted);
    for message in [request_vote(1, N3, (0, 0)), append(1, (0, 0), &[1], 0)] {
        let mut node = Node::of(3);
        node.gets(N3, message);
        let persisted = place(&node, |effect| matches!(effect, Effect::Persist(_)));
        let sent = place(&node, |effect| matches!(effect, Effect::Send { .. }));
        assert!(persisted.is_some() && persisted < sent, "{:?}", node.effects);
    }
}

/// "Persistent state on all servers: currentTerm, votedFor, log\[\]".
#[test]
fn term_vote_and_log_survive_a_restart() {
    for loss in [false, true].map(|unsynced| Loss { unsynced, synced: false }) {
        let mut node = Node::with_log(3, 2, &[1, 2]);
        node.gets(N3, request_vote(3, N3, (2, 2)));
        assert!(node.grants());
        node.machine.crash(loss);
        node.machine.start(NOW);
        assert_eq!(node.status(), "follower t3 log=2@2 commit=0");
        node.gets(N2, request_vote(3, N2, (2, 2)));
        assert!(!node.grants(), "the vote of term 3 is n3's");
    }
}

// Followers and candidates.

/// "When servers start up, they begin as followers"; timeouts are "chosen randomly from a fixed interval" (§5.2).
#[test]
fn a_node_starts_as_a_follower_with_a_random_timeout() {
    let mut timeouts = std::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut machine: Machine<Raft> = Machine::new(N1, 3, config(), seed);
        machine.start(NOW);
        let due = machine.timers[&Timer::Election].since(NOW);
        assert!((Duration::from_millis(150)..=Duration::from_millis(300)).contains(&due), "{due:?}");
        timeouts.insert(due);
    }
    assert!(timeouts.len() > 40, "random means different");
}

/// "On conversion to candidate, start election: increment currentTerm, vote for self, reset election timer, send
/// RequestVote RPCs to all other servers."
#[test]
fn an_election_timeout_starts_an_election() {
    let mut node = Node::with_log(3, 4, &[1, 3]);
    node.fires(Timer::Election);
    assert_eq!(node.persisted(), [Record::Vote { term: 5, candidate: Some(N1) }]);
    assert_eq!(node.sent(), [N2, N3].map(|peer| (peer, request_vote(5, N1, (2, 3)))));
    assert!(node.machine.timers.contains_key(&Timer::Election));
    node.fires(Timer::Election);
    assert!(node.status().starts_with("candidate t6"), "a candidate that times out starts the next: {}", node.status());
}

/// "If votes received from majority of servers: become leader." A vote that arrives twice is one (§5.5: RPCs are
/// idempotent), and votes of other terms do not count.
#[test]
fn a_majority_of_votes_makes_a_leader() {
    let mut node = Node::of(5);
    node.fires(Timer::Election);
    for _ in 0..3 {
        node.gets(N2, Message::RequestVoteReply { term: 1, granted: true });
    }
    node.gets(N3, Message::RequestVoteReply { term: 1, granted: false });
    node.gets(N3, Message::RequestVoteReply { term: 0, granted: true });
    assert!(node.status().starts_with("candidate"), "two of five: {}", node.status());
    node.gets(N4, Message::RequestVoteReply { term: 1, granted: true });
    assert!(node.status().starts_with("leader"), "three of five: {}", node.status());
}

/// "If AppendEntries RPC received from new leader: convert to follower" (candidates).
#[test]
fn a_candidate_follows_the_leader_of_its_term() {
    let mut node = Node::of(3);
    node.fires(Timer::Election);
    node.gets(N2, append(1, (0, 0), &[], 0));
    assert!(node.status().starts_with("follower of n2 t1"), "{}", node.status());
}

// RequestVote.

/// "If votedFor is null or candidateId …, grant vote" (RequestVote, 2): "each server will vote for at most one candidate
/// in a given term, on a first-come-first-served basis" (§5.2).
#[test]
fn a_vote_is_given_once_a_term() {
    let mut node = Node::of(3);
    node.gets(N2, request_vote(1, N2, (0, 0)));
    assert!(node.grants());
    node.gets(N3, request_vote(1, N3, (0, 0)));
    assert!(!node.grants(), "n2 has it");
    node.gets(N2, request_vote(1, N2, (0, 0)));
    assert!(node.grants(), "n2 asks again: its message was doubled or the answer lost");
    assert!(node.persisted().is_empty(), "nothing has changed");
    node.gets(N3, request_vote(2, N3, (0, 0)));
    assert!(node.grants(), "a new term, a new vote");
}

/// "… and candidate's log is at least as up-to-date as receiver's log, grant vote" (RequestVote, 2; §5.4.1).
#[test]
fn a_vote_goes_only_to_a_log_that_is_not_behind() {
    for (last, granted) in [
        ((3, 2), true),
        ((9, 2), true),
        ((1, 3), true),
        ((3, 3), true),
        ((2, 2), false),
        ((9, 1), false),
        ((0, 0), false),
    ] {
        let mut node = Node::with_log(3, 2, &[1, 2, 2]);
        node.gets(N3, request_vote(4, N3, last));
        assert_eq!(node.grants(), granted, "a log that ends with {last:?} against 3@2");
    }
}

// AppendEntries.

/// "Reply false if log doesn't contain an entry at prevLogIndex whose term matches prevLogTerm" (AppendEntries, 2), with
/// "the term of the conflicting entry and the first index it stores for that term" (end of §5.3).
#[test]
fn entries_are_refused_unless_the_logs_meet() {
    for (prev, expected) in [
        ((5, 3), AppendResult::Conflict { prev_log_index: 5, index: 5, term: None }),
        ((9, 3), AppendResult::Conflict { prev_log_index: 9, index: 5, term: None }),
        ((4, 3), AppendResult::Conflict { prev_log_index: 4, index: 2, term: Some(2) }),
        ((1, 2), AppendResult::Conflict { prev_log_index: 1, index: 1, term: Some(1) }),
        ((4, 2), AppendResult::Success { index: 5 }),
        ((0, 0), AppendResult::Success { index: 1 }),
    ] {
        let mut node = Node::with_log(3, 2, &[1, 2, 2, 2]);
        node.gets(N2, append(3, prev, &[3], 0));
        assert_eq!(node.result(), expected, "after {prev:?}");
    }
}

/// "If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and all
/// that follow it" (AppendEntries, 3); "append any new entries not already in the log" (4).
#[test]
fn only_conflicting_entries_are_deleted() {
    for (prev, new, expected) in [
        ((1, 1), vec![3], vec![1, 3]),
        ((2, 1), vec![2, 3], vec![1, 1, 2, 3]),
        ((2, 1), vec![3, 3], vec![1, 1, 3, 3]),
        ((4, 2), vec![3], vec![1, 1, 2, 2, 3]),
        // A message that was overtaken by a later one takes nothing away.
        ((0, 0), vec![1], vec![1, 1, 2, 2]),
        ((1, 1), vec![1, 2], vec![1, 1, 2, 2]),
        ((2, 1), vec![], vec![1, 1, 2, 2]),
    ] {
        let mut node = Node::with_log(3, 2, &[1, 1, 2, 2]);
        node.gets(N2, append(3, prev, &new, 0));
        assert_eq!(node.log(), expected, "{new:?} after {prev:?}");
    }
}

/// "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new entry)" (AppendEntries, 5): what
/// follows the last new entry may not be the leader's.
#[test]
fn a_follower_commits_no_further_than_the_leader_has_vouched() {
    for (new, leader_commit, committed) in [(vec![], 4, 1), (vec![2], 4, 2), (vec![2], 1, 1), (vec![2, 2, 2], 3, 3)] {
        let mut node = Node::with_log(3, 2, &[1, 2, 2, 2]);
        node.gets(N2, append(3, (1, 1), &new, leader_commit));
        assert!(node.status().ends_with(&format!("commit={committed}")), "{new:?}: {}", node.status());
    }
}

// Leaders.

/// "Upon election: send initial empty AppendEntries RPCs (heartbeat) to each server"; here with the no-op entry that §8
/// has each leader commit "at the start of its term".
#[test]
fn a_new_leader_is_heard_at_once() {
    let node = Node::leader(3, 2, &[1]);
    let sent = node.sent();
    assert_eq!(sent.iter().map(|(to, _)| *to).collect::<Vec<_>>(), [N2, N3]);
    for (_, message) in sent {
        let Message::AppendEntries { term: 2, prev_log_index: 1, prev_log_term: 1, entries, .. } = message else {
            panic!("{message}");
        };
        assert_eq!(entries, [Entry::new(2, Command::NoOp)]);
    }
}

/// "Repeat during idle periods to prevent election timeouts" (§5.2).
#[test]
fn a_leader_sends_heartbeats() {
    let mut node = Node::leader(3, 2, &[1]);
    assert!(!node.machine.timers.contains_key(&Timer::Election), "a leader waits for no leader");
    node.fires(Timer::Heartbeat);
    assert_eq!(node.sent().len(), 2);
    assert!(node.machine.timers.contains_key(&Timer::Heartbeat));
}

/// "If command received from client: append entry to local log, respond after entry applied to state machine" (§5.3).
#[test]
fn a_client_is_answered_after_its_entry_was_applied() {
    let mut node = Node::leader(5, 2, &[]);
    node.asks(1, write());
    assert_eq!(node.log(), [2, 2]);
    node.gets(N2, stored(2, 2));
    assert!(node.replies().is_empty(), "two of five have it");
    node.gets(N2, stored(2, 2));
    assert!(node.replies().is_empty(), "an acknowledgement that arrives twice is one");
    node.gets(N3, stored(2, 2));
    assert!(matches!(node.replies()[..], [Outcome::Ok(_)]), "three of five have it");
}

/// "Only log entries from the leader's current term are committed by counting replicas; once an entry from the current
/// term has been committed in this way, then all prior entries are committed indirectly" (§5.4.2, Figure 8).
#[test]
fn entries_of_earlier_terms_are_committed_with_one_of_the_own() {
    let mut node = Node::leader(3, 4, &[1, 2]);
    node.gets(N2, stored(4, 2));
    assert!(node.status().ends_with("commit=0"), "2@2 is on a majority: {}", node.status());
    node.gets(N2, stored(4, 3));
    assert!(node.status().ends_with("commit=3"), "3@4 is on a majority: {}", node.status());
}

/// "If AppendEntries fails because of log inconsistency: decrement nextIndex and retry"; by whole terms (end of §5.3).
#[test]
fn a_leader_backs_up_by_terms() {
    for (index, term, next_prev) in [
        (2, None, 1),
        // The leader has entries of the conflicting term: the logs may meet behind its last.
        (2, Some(2), 3),
        // It has none: they meet before the follower's first.
        (3, Some(3), 2),
        (1, Some(9), 0),
    ] {
        let mut node = Node::leader(3, 6, &[1, 2, 2, 4, 4]);
        let result = AppendResult::Conflict { prev_log_index: 5, index, term };
        node.gets(N2, Message::AppendEntriesReply { term: 6, round: 0, result });
        let Message::AppendEntries { prev_log_index, .. } = node.answer() else { panic!("no entries") };
        assert_eq!(prev_log_index, next_prev, "conflict from {index} of {term:?}");
    }
}

/// "If followers crash or run slowly … the leader retries AppendEntries RPCs indefinitely" (§5.3), even for one that has
/// lost its disk, of which the paper does not speak.
#[test]
fn a_follower_that_lost_its_disk_is_filled_again() {
    let mut node = Node::leader(3, 2, &[1, 1]);
    node.gets(N2, stored(2, 3));
    node.fires(Timer::Heartbeat);
    let result = AppendResult::Conflict { prev_log_index: 3, index: 1, term: None };
    node.gets(N2, Message::AppendEntriesReply { term: 2, round: 1, result });
    let Message::AppendEntries { prev_log_index: 0, entries, .. } = node.answer() else { panic!("{:?}", node.sent()) };
    assert_eq!(entries.len(), 3);
}

/// "Raft … if it receives a command whose serial number has already been executed, it responds immediately without
/// re-executing the request" (§8), also when the copies came through different nodes.
#[test]
fn a_request_that_comes_twice_is_one() {
    let mut node = Node::leader(1, 2, &[]);
    let cas = RequestKind::Cas { key: "x".to_owned(), from: json!(1), to: json!(2) };
    node.asks(1, write());
    node.asks(2, cas.clone());
    let request = ClientRequest { client: ClientId("c1".to_owned()), serial: 2, request: cas };
    let id = schism_nodes::RequestId { node: N1, incarnation: 1, sequence: 99 };
    node.gets(N1, Message::Forward { id, request: Arc::new(request) });
    assert!(matches!(&node.replies()[..], [Outcome::Ok(_)]), "{:?}", node.replies());
}

#[test]
fn a_majority_is_more_than_half() {
    let table = [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4)];
    for (nodes, expected) in table {
        assert_eq!(majority(nodes), expected);
        assert!(2 * majority(nodes) > nodes, "two majorities of {nodes} meet");
    }
}
