//! Raft's parameters and deliberate bugs.

use std::time::Duration;

use crate::common;
use crate::config::{BugInfo, ConfigError, LinkOrder, ParamReader, Parameter, Params, ProtocolInfo};

/// A Raft node's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The shortest election timeout.
    pub election_min: Duration,
    /// The longest election timeout.
    pub election_max: Duration,
    /// How often a leader sends heartbeats.
    pub heartbeat: Duration,
    /// How reads are served.
    pub reads: Reads,
    /// What a node that is not the leader does with a request.
    pub route: Route,
    /// The deliberate bug, if any.
    pub bug: Option<Bug>,
}

/// How reads are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// As entries of the log, like writes.
    Log,
    /// Without an entry: the leader confirms by a round of heartbeats that it is still the leader (§6.4 of the
    /// dissertation).
    ReadIndex,
}

/// What a node that is not the leader does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// Passes it on to the leader and carries the answer back.
    Forward,
    /// Refuses it and names the leader.
    Redirect,
}

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Entries of earlier terms are committed by counting copies, and a new leader appends none of its own.
    CommitOldTerms,
    /// The vote is not written to stable storage.
    ForgetVote,
    /// Entries are acknowledged before they are durable.
    AckBeforeFsync,
    /// A vote is granted without comparing logs.
    NoLogCheckOnVote,
    /// The leader answers reads without asking whether it still is one.
    LeaderLocalReads,
    /// Every node answers reads from what it has applied.
    FollowerLocalReads,
    /// A follower cuts its log behind the last entry of each message, whether or not something contradicts the rest.
    TruncateAlways,
    /// ⌊n/2⌋ votes make a leader.
    SmallQuorumVotes,
    /// ⌊n/2⌋ copies make an entry committed.
    SmallQuorumCommit,
    /// A follower commits up to the end of its own log, not of what it knows to be the leader's.
    CommitUnverified,
    /// A leader that steps down tells its clients that their requests failed.
    FailOnStepDown,
    /// The leader answers a write once it is in its own log.
    ReplyAtAppend,
}

impl Bug {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Bug; 12] = [
        Bug::CommitOldTerms,
        Bug::ForgetVote,
        Bug::AckBeforeFsync,
        Bug::NoLogCheckOnVote,
        Bug::LeaderLocalReads,
        Bug::FollowerLocalReads,
        Bug::TruncateAlways,
        Bug::SmallQuorumVotes,
        Bug::SmallQuorumCommit,
        Bug::CommitUnverified,
        Bug::FailOnStepDown,
        Bug::ReplyAtAppend,
    ];

    /// Its names, what it does, and what finds it.
    pub fn info(self) -> BugInfo {
        let (_, [name, id, about, anomaly, faults]) =
            ABOUT.into_iter().find(|(bug, _)| *bug == self).expect("the table has every bug");
        BugInfo { name, id, about, anomaly, faults, needs: "", workload: "" }
    }
}

/// Of each bug: its name, its id, what it does, what clients or rules then see, and the faults that find it.
const ABOUT: [(Bug, [&str; 5]); 12] = [
    (
        Bug::CommitOldTerms,
        [
            "commit-old-terms",
            "RAFT-B1",
            "entries of earlier terms are committed by counting copies; a new leader appends none of its own",
            "a committed write is overwritten by a leader that had not seen it (Figure 8); rarely by chance",
            "kill,partition",
        ],
    ),
    (
        Bug::ForgetVote,
        [
            "forget-vote",
            "RAFT-B2",
            "the vote is not persisted: a voter that restarts can vote again in the same term",
            "two leaders in one term; rarely a lost write",
            "kill",
        ],
    ),
    (
        Bug::AckBeforeFsync,
        [
            "ack-before-fsync",
            "RAFT-B3",
            "entries are acknowledged before they are durable",
            "acknowledged writes are lost by a power loss",
            "powerloss",
        ],
    ),
    (
        Bug::NoLogCheckOnVote,
        [
            "no-log-check-on-vote",
            "RAFT-B4",
            "a vote is granted to a candidate whose log is behind",
            "committed writes are erased",
            "partition,kill",
        ],
    ),
    (
        Bug::LeaderLocalReads,
        [
            "leader-local-reads",
            "RAFT-B5",
            "the leader answers reads without confirming that it still is the leader",
            "stale reads from a deposed leader",
            "partition",
        ],
    ),
    (
        Bug::FollowerLocalReads,
        ["follower-local-reads", "RAFT-B6", "every node answers reads from what it has applied", "stale reads", "none"],
    ),
    (
        Bug::TruncateAlways,
        [
            "truncate-always",
            "RAFT-B8",
            "a follower cuts its log behind the last entry of each message that carries some",
            "an acknowledged entry vanishes from a follower, and with its other copies for good",
            "reorder,duplicate,kill",
        ],
    ),
    (
        Bug::SmallQuorumVotes,
        [
            "small-quorum-votes",
            "RAFT-B9a",
            "⌊n/2⌋ votes suffice for a leader",
            "two leaders at once; writes are lost",
            "partition",
        ],
    ),
    (
        Bug::SmallQuorumCommit,
        [
            "small-quorum-commit",
            "RAFT-B9b",
            "⌊n/2⌋ copies suffice for a commit",
            "acknowledged writes are lost",
            "partition",
        ],
    ),
    (
        Bug::CommitUnverified,
        [
            "commit-unverified",
            "RAFT-B12",
            "a follower commits up to the end of its own log, not of what the leader has vouched for",
            "a follower applies an entry that another replaces; clients hardly ever see it",
            "partition",
        ],
    ),
    (
        Bug::FailOnStepDown,
        [
            "fail-on-step-down",
            "RAFT-B13",
            "a leader that steps down calls its open requests failed, though they may still commit",
            "reads of writes that were said to have failed",
            "partition",
        ],
    ),
    (
        Bug::ReplyAtAppend,
        [
            "reply-at-append",
            "RAFT-B15",
            "a write is answered once it is in the leader's own log",
            "acknowledged writes are lost",
            "partition",
        ],
    ),
];

/// What `schism list` shows.
pub(super) fn info() -> ProtocolInfo {
    let parameter = |name, values, default, about| Parameter { name, values, default, about };
    let mut parameters = vec![
        parameter(
            "n",
            "the number of nodes",
            "the number of nodes",
            "on how many nodes the log is kept: on all of them",
        ),
        parameter("reads", "log|readindex", "log", "how reads are served: as entries, or after a round of heartbeats"),
        parameter("route", "forward|redirect", "forward", "what a follower does with a request"),
        parameter("election_min", "a time", "150ms", "the shortest election timeout"),
        parameter("election_max", "a time", "300ms", "the longest election timeout"),
        parameter("heartbeat", "a time", "50ms", "how often a leader sends heartbeats; less than election_min"),
        parameter("bug", "a bug's name or id", "none", "the deliberate bug"),
    ];
    parameters.extend(common::parameters());
    ProtocolInfo {
        name: "raft",
        about: "a replicated log with an elected leader (Ongaro and Ousterhout 2014), under a map of registers",
        parameters,
        bugs: Bug::ALL.map(Bug::info).to_vec(),
        requests: vec!["read", "write", "cas"],
        has_leader: true,
        links: LinkOrder::Any,
        recovery: Duration::from_millis(500),
    }
}

/// Reads the parameters.
pub(super) fn configure(params: &Params, nodes: u16) -> Result<Config, ConfigError> {
    // The catalogue's RAFT-B9 has two halves; without a letter it is the one that every partition shows.
    let mut params = params.clone();
    if let Some(bug) = params.0.get_mut("bug").filter(|bug| bug.eq_ignore_ascii_case("RAFT-B9")) {
        "RAFT-B9b".clone_into(bug);
    }
    let info = info();
    let mut reader = ParamReader::new(&params, &info);
    // Every node has the log. The parameter is there so that systems are asked for alike, and gives the number of nodes.
    reader.number("n", u64::from(nodes)..=u64::from(nodes), u64::from(nodes));
    let reads = [Reads::Log, Reads::ReadIndex][reader.word("reads", &["log", "readindex"])];
    let route = [Route::Forward, Route::Redirect][reader.word("route", &["forward", "redirect"])];
    let election_min = reader.time("election_min", Duration::from_millis(150));
    let election_max = reader.time("election_max", Duration::from_millis(300).max(election_min * 2));
    let heartbeat = reader.time("heartbeat", Duration::from_millis(50).min(election_min / 3));
    let bug = reader.bug(&info.bugs).map(|place| Bug::ALL[place]);
    let given = |name: &str| params.0.get(name).map_or("", String::as_str);
    if election_min.is_zero() || election_max < election_min {
        let expected = "a time that is at least election_min, and neither is zero".to_owned();
        reader.refuse("election_max", given("election_max"), expected, Vec::new());
    }
    if heartbeat.is_zero() || heartbeat >= election_min {
        let expected = "a time above zero and below election_min".to_owned();
        reader.refuse("heartbeat", given("heartbeat"), expected, Vec::new());
    }
    reader.finish(Config { election_min, election_max, heartbeat, reads, route, bug })
}
