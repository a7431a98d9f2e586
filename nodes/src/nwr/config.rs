//! NWR's parameters, what they promise, and its deliberate bugs.

use std::time::Duration;

use crate::common;
use crate::config::{BugInfo, ConfigError, Consistency, LinkOrder, ParamReader, Parameter, Params, ProtocolInfo};

/// A node's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// On how many nodes each key is kept.
    pub n: usize,
    /// How many replicas have to store a version before a write is acknowledged.
    pub w: usize,
    /// How many replicas are asked for their version.
    pub r: usize,
    /// Whether a read stores what it returns at `w` replicas before it returns it.
    pub writeback: bool,
    /// After how long a replica that has not answered is asked again.
    pub retry: Duration,
    /// After how long an operation is given up.
    pub give_up: Duration,
    /// The deliberate bug, if any.
    pub bug: Option<Bug>,
}

impl Config {
    /// Every read quorum meets every write quorum iff W + R > N (Gifford 1979). Then reads are regular; they are atomic
    /// if they write back, or if each asks all replicas, since what the one saw the next one then sees as well.
    pub fn promise(&self) -> Consistency {
        if self.w + self.r <= self.n {
            Consistency::None
        } else if self.writeback || self.r == self.n {
            Consistency::Linearizable
        } else {
            Consistency::Regular
        }
    }
}

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Reads promise to write back and do not.
    NoWriteback,
    /// Reads answer before their write-back is stored.
    AsyncWriteback,
    /// A tag is (counter, node) with nothing that tells two writes of one coordinator apart.
    TagReuse,
    /// The tag is the wall clock.
    WallClockTags,
    /// A replica says that it has stored a version before that is durable.
    AckBeforeFsync,
}

impl Bug {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Bug; 5] =
        [Bug::NoWriteback, Bug::AsyncWriteback, Bug::TagReuse, Bug::WallClockTags, Bug::AckBeforeFsync];

    /// Its names, what it does, and what finds it.
    pub fn info(self) -> BugInfo {
        let (name, id, about, anomaly, faults) = match self {
            Bug::NoWriteback => (
                "no-writeback",
                "NWR-B1",
                "a read that promises to write back answers without",
                "a read returns the new value and a later one the old",
                "delay,kill",
            ),
            Bug::AsyncWriteback => (
                "async-writeback",
                "NWR-B2",
                "a read answers before its write-back is stored",
                "a read returns the new value and a later one the old, more rarely",
                "delay,kill",
            ),
            Bug::TagReuse => (
                "tag-reuse",
                "NWR-B3",
                "two writes of one coordinator can take the same tag: it keeps no floor and no sequence number",
                "replicas stay apart for ever; reads flip between two values",
                "kill,client-kill",
            ),
            Bug::WallClockTags => (
                "wall-clock-tags",
                "NWR-B4",
                "a write takes its tag from the wall clock without asking the replicas",
                "acknowledged writes are lost to older ones",
                "clock",
            ),
            Bug::AckBeforeFsync => (
                "ack-before-fsync",
                "NWR-B8",
                "a replica says that it has stored a version before that is durable",
                "acknowledged writes are lost by a power loss",
                "powerloss,partition",
            ),
        };
        BugInfo { name, id, about, anomaly, faults, needs: "writeback=on" }
    }
}

/// What `schism list` shows.
pub(super) fn info() -> ProtocolInfo {
    let parameter = |name, values, default, about| Parameter { name, values, default, about };
    let mut parameters = vec![
        parameter("n", "1..nodes", "the number of nodes", "on how many nodes each key is kept"),
        parameter("w", "1..n|maj", "maj", "how many replicas have to store a write"),
        parameter("r", "1..n|maj", "maj", "how many replicas are asked"),
        parameter("writeback", "off|on", "off", "whether a read stores what it returns at w replicas first"),
        parameter("retry", "a time", "100ms", "after how long a silent replica is asked again"),
        parameter("give_up", "a time", "5s", "after how long an operation is given up"),
        parameter("bug", "a bug's name or id", "none", "the deliberate bug"),
    ];
    parameters.extend(common::parameters());
    ProtocolInfo {
        name: "nwr",
        about: "replicated registers with n copies, w acknowledgements and r answers (Gifford 1979; Attiya, Bar-Noy, Dolev 1995)",
        parameters,
        bugs: Bug::ALL.map(Bug::info).to_vec(),
        requests: vec!["read", "write"],
        has_leader: false,
        links: LinkOrder::Any,
        recovery: Duration::from_millis(500),
    }
}

/// Reads the parameters for a universe of `nodes` nodes.
pub(super) fn configure(params: &Params, nodes: u16) -> Result<Config, ConfigError> {
    let info = info();
    let mut reader = ParamReader::new(params, &info);
    let nodes = u64::from(nodes.max(1));
    let n = reader.number("n", 1..=nodes, nodes);
    let w = quorum(&mut reader, "w", n);
    let r = quorum(&mut reader, "r", n);
    let writeback = reader.word("writeback", &["off", "on"]) == 1;
    let retry = reader.time("retry", Duration::from_millis(100)).max(Duration::from_millis(1));
    let give_up = reader.time("give_up", Duration::from_secs(5));
    let bug = reader.bug(&info.bugs).map(|place| Bug::ALL[place]);
    let size = |number: u64| usize::try_from(number).expect("at most 65535");
    reader.finish(Config { n: size(n), w: size(w), r: size(r), writeback, retry, give_up, bug })
}

/// A number of replicas out of `n`, or `maj`.
fn quorum(reader: &mut ParamReader<'_>, name: &str, n: u64) -> u64 {
    let majority = n / 2 + 1;
    if reader.get(name) == Some("maj") { majority } else { reader.number(name, 1..=n, majority) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str, nodes: u16) -> Result<Config, ConfigError> {
        let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
        configure(&Params(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()), nodes)
    }

    #[test]
    fn quorums_promise_what_they_can_keep() {
        use Consistency::{Linearizable, None, Regular};
        for (text, nodes, expected) in [
            ("", 3, Regular),
            ("writeback=on", 3, Linearizable),
            ("w=1,r=1", 3, None),
            ("w=1,r=1,writeback=on", 3, None),
            ("w=2,r=1", 3, None),
            ("w=1,r=3", 3, Linearizable),
            ("w=3,r=1", 3, Regular),
            ("w=3,r=3", 5, Regular),
            ("w=2,r=3", 5, None),
            ("n=1", 5, Linearizable),
            ("n=3,w=maj,r=maj", 5, Regular),
            ("w=maj,r=maj,writeback=on,bug=NWR-B1", 3, Linearizable),
        ] {
            assert_eq!(config(text, nodes).unwrap().promise(), expected, "{text} on {nodes} nodes");
        }
    }

    #[test]
    fn impossible_quorums_are_refused_all_at_once() {
        assert_eq!(config("n=4,w=0,r=5", 3).unwrap_err().0.len(), 3);
        assert_eq!(config("w=4", 3).unwrap_err().to_string(), "w=4: a whole number from 1 to 3");
    }
}
