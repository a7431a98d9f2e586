//! Log replication (§5.3) and commitment (§5.4.2): the leader's side, then the follower's.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::client::WaitingRead;
use super::record::ENTRIES_MAX;
use super::{AppendResult, Bug, Command, Entry, Index, Message, Raft, Record, Role, Term, Timer, majority};
use crate::cx::Cx;
use crate::id::{NodeId, RequestId};
use crate::note::Note;

/// How many messages with entries may be on their way to one follower. Beyond them, entries wait and leave together
/// with the next answer.
const IN_FLIGHT_MAX: usize = 8;

/// How much of its log a new leader notes: the last terms in it.
const NOTED_TERMS_MAX: usize = 16;

/// Volatile state on leaders (Figure 2), and what belongs to this leadership alone.
#[derive(Debug)]
pub(super) struct Leading {
    /// Of each follower, in the order of the nodes.
    progress: Vec<Progress>,
    /// The last round of heartbeats that was begun.
    pub(super) round: u64,
    /// Whom to answer when an entry of this leadership is applied.
    pub(super) pending: BTreeMap<Index, RequestId>,
    /// Reads that wait until leadership is confirmed, oldest first.
    pub(super) reads: VecDeque<WaitingRead>,
}

/// How far one follower is.
#[derive(Debug)]
struct Progress {
    follower: NodeId,
    /// `nextIndex`: the next entry to send, in the hope that all before it arrives.
    next_index: Index,
    /// `matchIndex`: the highest entry known to be replicated there.
    match_index: Index,
    /// The last index of each message with entries that is not answered yet.
    in_flight: VecDeque<Index>,
    /// Where the follower's log meets ours is being found out, with one message at a time.
    probing: bool,
    /// It has answered since the last heartbeat.
    answered: bool,
    /// The latest round that it has answered.
    round: u64,
}

impl Leading {
    /// "nextIndex … initialized to leader last log index + 1; matchIndex … initialized to 0" (Figure 2).
    fn new(peers: &[NodeId], last_log_index: Index) -> Self {
        let fresh = |follower: &NodeId| Progress {
            follower: *follower,
            next_index: last_log_index + 1,
            match_index: 0,
            in_flight: VecDeque::new(),
            probing: true,
            answered: false,
            round: 0,
        };
        Leading {
            progress: peers.iter().map(fresh).collect(),
            round: 0,
            pending: BTreeMap::new(),
            reads: VecDeque::new(),
        }
    }

    fn progress_of(&mut self, follower: NodeId) -> Option<&mut Progress> {
        self.progress.iter_mut().find(|progress| progress.follower == follower)
    }

    /// The last round that a majority has answered, the leader itself included.
    pub(super) fn confirmed_round(&self) -> u64 {
        let answered = self.progress.iter().map(|progress| progress.round).chain([self.round]);
        reached_by(majority(self.progress.len() + 1), answered)
    }

    /// The highest index that `copies` nodes have stored, the leader itself included.
    fn replicated(&self, copies: usize, own_last: Index) -> Index {
        let stored = self.progress.iter().map(|progress| progress.match_index).chain([own_last]);
        reached_by(copies, stored)
    }

    /// Invariants of a leader whose log ends at `last`.
    pub(super) fn check(&self, last: Index) {
        for progress in &self.progress {
            let node = progress.follower;
            assert!(progress.match_index <= last, "{node} is said to have entries that its leader has not");
            assert!((1..=last + 1).contains(&progress.next_index), "{node} is to get entries that do not exist");
        }
    }
}

/// The highest number that at least `count` of `numbers` reach.
fn reached_by(count: usize, numbers: impl Iterator<Item = u64>) -> u64 {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.get(count.max(1) - 1).copied().unwrap_or(0)
}

impl Progress {
    /// Whether the entry after those sent may leave now.
    fn may_send(&self, last: Index) -> bool {
        let room = if self.probing { self.in_flight.is_empty() } else { self.in_flight.len() < IN_FLIGHT_MAX };
        room && self.next_index <= last
    }

    fn sent(&mut self, last_sent: Index) {
        self.in_flight.push_back(last_sent);
        if !self.probing {
            self.next_index = last_sent + 1;
        }
    }

    /// "If successful: update nextIndex and matchIndex for follower" (Figure 2, leaders).
    fn accepted(&mut self, index: Index) {
        self.match_index = self.match_index.max(index);
        self.in_flight.retain(|last| *last > index);
        // After a probe the follower's word counts, even if it once had more: its disk may have been wiped.
        self.next_index = if self.probing { index + 1 } else { self.next_index.max(index + 1) };
        self.probing = false;
    }

    fn probe_from(&mut self, next_index: Index) {
        self.next_index = next_index;
        self.probing = true;
        self.in_flight.clear();
    }
}

// The leader's side.
impl Raft {
    pub(super) fn become_leader(&mut self, cx: &mut Cx<'_, Self>) {
        let leader = Note::new("leader").with("epoch", self.term).with("index", self.log.last_index());
        cx.note(leader.with("terms", serde_json::json!(self.log.terms(NOTED_TERMS_MAX))));
        cx.cancel_timer(Timer::Election);
        cx.set_timer(Timer::Heartbeat, self.config.heartbeat);
        self.role = Role::Leader(Leading::new(&self.peers, self.log.last_index()));
        if self.has(Bug::CommitOldTerms) {
            self.begin_round(cx);
        } else {
            // An entry of its own term lets a leader commit what earlier leaders left behind (§5.4.2, §8).
            self.append_to_own_log(Command::NoOp, cx);
            self.replicate_to_all(cx);
        }
        self.advance_commit_index(cx);
        for (id, request) in std::mem::take(&mut self.forwarded) {
            self.serve(id, request, cx);
        }
    }

    /// Creates an entry; its index. "A leader never overwrites or deletes entries in its log; it only appends" (§5.3).
    pub(super) fn append_to_own_log(&mut self, command: Command, cx: &mut Cx<'_, Self>) -> Index {
        let index = self.append_and_persist(vec![Entry::new(self.term, command)], cx);
        cx.note(self.with_prefix(Note::new("appended"), index));
        index
    }

    /// Sends each follower what it may have now.
    pub(super) fn replicate_to_all(&mut self, cx: &mut Cx<'_, Self>) {
        for place in 0..self.peers.len() {
            self.replicate_to(self.peers[place], cx);
        }
    }

    /// "If last log index ≥ nextIndex for a follower: send `AppendEntries` RPC with log entries starting at nextIndex".
    fn replicate_to(&mut self, to: NodeId, cx: &mut Cx<'_, Self>) {
        let last = self.log.last_index();
        while let Role::Leader(leading) = &mut self.role
            && let Some(progress) = leading.progress_of(to)
            && progress.may_send(last)
        {
            let entries = self.log.entries(progress.next_index, ENTRIES_MAX);
            let prev_log_index = progress.next_index - 1;
            progress.sent(prev_log_index + entries.len() as Index);
            let round = leading.round;
            self.send_entries(to, prev_log_index, entries, round, cx);
        }
    }

    fn send_entries(
        &self,
        to: NodeId,
        prev_log_index: Index,
        entries: Vec<Arc<Entry>>,
        round: u64,
        cx: &mut Cx<'_, Self>,
    ) {
        let prev_log_term = self.log.term(prev_log_index).expect("a leader sends what follows entries that it has");
        let message = Message::AppendEntries {
            term: self.term,
            leader: self.me,
            prev_log_index,
            prev_log_term,
            entries,
            leader_commit: self.commit_index,
            round,
        };
        cx.send(to, message);
    }

    /// "Repeat during idle periods to prevent election timeouts" (§5.2).
    pub(super) fn on_heartbeat_timeout(&mut self, cx: &mut Cx<'_, Self>) {
        let Role::Leader(leading) = &mut self.role else { return };
        for progress in &mut leading.progress {
            if !progress.answered && !progress.in_flight.is_empty() {
                // What was sent is presumed lost. The heartbeat asks where to go on.
                let next = if progress.probing { progress.next_index } else { progress.match_index + 1 };
                progress.probe_from(next);
            }
            progress.answered = false;
        }
        cx.set_timer(Timer::Heartbeat, self.config.heartbeat);
        self.begin_round(cx);
        self.serve_confirmed_reads(cx);
    }

    /// Sends a heartbeat to all; whoever answers it recognised this leader after this moment.
    pub(super) fn begin_round(&mut self, cx: &mut Cx<'_, Self>) {
        let Role::Leader(leading) = &mut self.role else { return };
        leading.round += 1;
        let round = leading.round;
        leading.reads.iter_mut().for_each(|read| {
            read.round.get_or_insert(round);
        });
        let next: Vec<(NodeId, Index)> =
            leading.progress.iter().map(|progress| (progress.follower, progress.next_index)).collect();
        for (to, next_index) in next {
            self.send_entries(to, next_index - 1, Vec::new(), round, cx);
        }
    }

    /// Upon receiving the answer to an `AppendEntries`.
    pub(super) fn on_append_entries_reply(
        &mut self,
        from: NodeId,
        term: Term,
        round: u64,
        result: AppendResult,
        cx: &mut Cx<'_, Self>,
    ) {
        let last = self.log.last_index();
        let Role::Leader(leading) = &mut self.role else { return };
        let current_round = leading.round;
        let Some(progress) = leading.progress_of(from).filter(|_| term == self.term) else { return };
        progress.answered = true;
        progress.round = progress.round.max(round.min(current_round));
        match result {
            AppendResult::Success { index } => {
                progress.accepted(index.min(last));
                if index > self.commit_index {
                    self.advance_commit_index(cx);
                }
            }
            AppendResult::Conflict { prev_log_index, index, term } => {
                // In a probe only the answer to the last message counts; the others are of a volley that is over.
                if !progress.probing || prev_log_index + 1 == progress.next_index {
                    let next_index = back_up(&self.log, index, term);
                    progress.probe_from(next_index.clamp(1, prev_log_index.clamp(1, last + 1)));
                }
            }
            AppendResult::StaleTerm => return,
        }
        self.replicate_to(from, cx);
        self.serve_confirmed_reads(cx);
    }

    /// "If there exists an N such that N > commitIndex, a majority of matchIndex\[i\] ≥ N, and log\[N\].term == currentTerm:
    /// set commitIndex = N" (§5.3, §5.4).
    pub(super) fn advance_commit_index(&mut self, cx: &mut Cx<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        let (all, last) = (self.node_count(), self.log.last_index());
        let mut index = leading.replicated(majority(all), last);
        if self.has(Bug::SmallQuorumCommit) {
            let small = leading.replicated(all / 2, last);
            if small > index.max(self.commit_index) {
                self.acts(Bug::SmallQuorumCommit, cx);
            }
            index = small;
        }
        if index <= self.commit_index {
            return;
        }
        if self.log.term(index) == Some(self.term) {
            self.commit(index, cx);
        } else if self.has(Bug::CommitOldTerms) {
            self.acts(Bug::CommitOldTerms, cx);
            self.commit(index, cx);
        }
    }
}

/// Where to try next, after the end of §5.3: behind our last entry of the conflicting term if we have one, else where the
/// follower's entries of it begin, so that each term costs one message and not each entry.
fn back_up(log: &super::Log, index: Index, term: Option<Term>) -> Index {
    term.and_then(|term| log.last_of_term(term)).map_or(index, |last| last + 1)
}

// The follower's side.
impl Raft {
    /// Upon receiving an `AppendEntries`: what to answer, if anything.
    pub(super) fn on_append_entries(
        &mut self,
        term: Term,
        leader: NodeId,
        previous: (Index, Term),
        entries: Vec<Arc<Entry>>,
        leader_commit: Index,
        cx: &mut Cx<'_, Self>,
    ) -> Option<AppendResult> {
        if term < self.term {
            return Some(AppendResult::StaleTerm);
        }
        if matches!(self.role, Role::Leader(_)) {
            assert!(self.config.bug.is_some(), "two leaders in term {term}: {} and {leader}", self.me);
            return None;
        }
        self.follow(leader, cx);
        self.reset_election_timer(cx);
        let (prev_log_index, prev_log_term) = previous;
        if self.log.term(prev_log_index) != Some(prev_log_term) {
            return Some(self.conflict(prev_log_index));
        }
        let last_new = prev_log_index + entries.len() as Index;
        self.accept_entries(prev_log_index, entries, cx);
        // "If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new entry)".
        let mut commit = leader_commit.min(last_new);
        if self.has(Bug::CommitUnverified) {
            let unverified = leader_commit.min(self.log.last_index());
            if unverified > commit.max(self.commit_index) {
                self.acts(Bug::CommitUnverified, cx);
            }
            commit = unverified;
        }
        if commit > self.commit_index {
            self.commit(commit, cx);
        }
        Some(AppendResult::Success { index: last_new })
    }

    fn conflict(&self, prev_log_index: Index) -> AppendResult {
        let term = self.log.term(prev_log_index);
        let index = match term {
            Some(_) => self.log.first_of_term_at(prev_log_index),
            None => self.log.last_index() + 1,
        };
        AppendResult::Conflict { prev_log_index, index, term }
    }

    /// "If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and all
    /// that follow it; append any new entries not already in the log" (Figure 2, `AppendEntries`, 3 and 4).
    fn accept_entries(&mut self, prev_log_index: Index, entries: Vec<Arc<Entry>>, cx: &mut Cx<'_, Self>) {
        let same =
            (prev_log_index + 1..).zip(&entries).take_while(|(index, entry)| self.log.term(*index) == Some(entry.term));
        let same = same.count();
        let from = prev_log_index + 1 + same as Index;
        if same == entries.len() {
            if self.has(Bug::TruncateAlways) && same > 0 && from <= self.log.last_index() {
                self.acts(Bug::TruncateAlways, cx);
                self.truncate(from, cx);
            }
            return;
        }
        if from <= self.log.last_index() {
            self.truncate(from, cx);
        }
        let new: Vec<Arc<Entry>> = entries.into_iter().skip(same).collect();
        let last = self.append_and_persist(new, cx);
        cx.note(self.with_prefix(Note::new("accepted"), last));
    }

    fn truncate(&mut self, from: Index, cx: &mut Cx<'_, Self>) {
        cx.note(Note::new("truncated").with("from", from));
        cx.persist(Record::Truncate { from });
        let removed = self.log.truncate(from);
        self.wasted += removed;
        if from <= self.commit_index {
            assert!(self.config.bug.is_some(), "a leader overwrites entry {from}, which is committed");
            self.rebuild_registers(from - 1);
        }
    }

    /// A deliberate bug took away what was applied: applies what is left, from the beginning.
    fn rebuild_registers(&mut self, commit_index: Index) {
        self.machine = super::StateMachine::default();
        self.commit_index = commit_index;
        for index in 1..=commit_index {
            let entry = self.log.get(index).expect("what was committed before is still there");
            self.machine.apply(index, &entry.command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_reached_by_as_many_as_asked() {
        for (count, numbers, expected) in [
            (1, vec![7], 7),
            (2, vec![1, 2, 3], 2),
            (2, vec![5, 5, 0], 5),
            (3, vec![9, 8, 7, 1, 0], 7),
            (3, vec![4, 4, 4, 4, 9], 4),
            (3, vec![1, 2], 0),
        ] {
            assert_eq!(reached_by(count, numbers.iter().copied()), expected, "{count} of {numbers:?}");
        }
    }
}
