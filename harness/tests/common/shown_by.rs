//! Which properties the directed plan of each deliberate bug breaks.

/// The properties that a plan of this bug breaks every time. What clients can see is among them wherever they can.
pub(crate) fn expected(protocol: &str, bug: &str) -> Vec<&'static str> {
    match (protocol, bug) {
        // Nobody has to have seen what is then overwritten.
        ("raft", "commit-old-terms") => vec!["leader-completeness", "state-machine-safety"],
        ("raft", "commit-unverified") => vec!["state-machine-safety"],
        ("raft", "forget-vote") => vec!["election-safety", "linearizable"],
        (
            "raft",
            "no-log-check-on-vote"
            | "small-quorum-votes"
            | "small-quorum-commit"
            | "ack-before-fsync"
            | "truncate-always",
        ) => {
            vec!["leader-completeness", "linearizable"]
        }
        ("nwr", "no-writeback" | "async-writeback") => vec!["written-back", "linearizable"],
        ("nwr", "fallbacks-counted" | "replies-counted") => vec!["write-quorum", "linearizable"],
        ("nwr", "tag-reuse" | "no-tie-break") => vec!["unique-tags", "linearizable"],
        ("nwr", "ack-before-fsync" | "blind-repair") => vec!["tags-never-go-back", "linearizable"],
        // One replica of three goes back, and every read asks two.
        ("nwr", "blind-hints") => vec!["tags-never-go-back"],
        // What such a node says of itself is true; only its clients are told something else.
        _ => vec!["linearizable"],
    }
}
