//! NWR's parameters, and what they promise.

use std::time::Duration;

use super::bug::{Bug, WHOLE_IDS};
use crate::common;
use crate::config::{ConfigError, Consistency, LinkOrder, ParamReader, Parameter, Params, ProtocolInfo};

/// A node's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// On how many nodes each key is kept.
    pub n: usize,
    /// How many replicas have to store a version before a write is acknowledged.
    pub w: usize,
    /// How many replicas are asked for their version.
    pub r: usize,
    /// Who takes operations through their phases.
    pub coordinator: Coordinator,
    /// Whether a read stores what it returns before it returns it.
    pub writeback: Writeback,
    /// What orders the writes of a register.
    pub version: Versions,
    /// What a read does about replicas that answered with something older.
    pub repair: Repair,
    /// Whether a fallback node keeps a hint for a home replica that is silent.
    pub hints: bool,
    /// After how long a hint is given up.
    pub hint_ttl: Duration,
    /// How often a fallback node offers its hints to their replicas.
    pub handoff: Duration,
    /// Whether fallback nodes count for quorums (Dynamo's sloppy quorums).
    pub sloppy: bool,
    /// How often a node compares its versions with those of another, if ever.
    pub anti_entropy: Option<Duration>,
    /// How long a tombstone is kept at least.
    pub gc_grace: Duration,
    /// Whether a replica reckons with the loss of its disk.
    pub restart: Restart,
    /// Whether writes are delivered in causal order, and reads answered from the own copy.
    pub causal: bool,
    /// With how many operations under way a coordinator refuses optional ones, if it ever does.
    pub shed_above: Option<usize>,
    /// After how long a replica that has not answered is asked again.
    pub retry: Duration,
    /// After how long an operation is given up.
    pub give_up: Duration,
    /// The deliberate bug, if any.
    pub bug: Option<Bug>,
}

/// Who takes operations through their phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinator {
    /// The node that the client has asked.
    Node,
    /// A process beside the client, which has no copy of anything.
    Client,
}

/// Whether a read stores what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writeback {
    /// Never.
    Off,
    /// At W replicas.
    On,
    /// At N − R + 1 replicas, those that had it already among them; with nothing to do where so many answered with it.
    Fast,
}

/// What orders the writes of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// A counter above all that a read quorum has seen.
    Tag,
    /// The coordinator's wall clock: the last writer wins.
    Lww,
    /// Version vectors: what no later write has seen stays, side by side.
    Siblings,
}

/// What a read does about replicas that answered with something older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Nothing.
    Off,
    /// It sends them what it returns, and does not wait.
    Async,
    /// It returns when R replicas have what it returns.
    Sync,
}

/// Whether a replica reckons with the loss of its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It takes what it finds for what it had.
    Durable,
    /// It notices that its disk is empty, and asks the others what it had before it answers a query.
    Amnesia,
}

impl Config {
    /// How many replicas certainly have what a read returned. Who waits for nobody knows of the one that told it.
    fn copies_after_read(&self) -> usize {
        match (self.writeback, self.repair) {
            (Writeback::On, _) => self.w,
            (Writeback::Fast, _) => self.enough_copies(),
            (Writeback::Off, Repair::Sync) => self.r,
            (Writeback::Off, Repair::Off | Repair::Async) => 1,
        }
    }

    /// So many copies meet every read quorum: R replicas cannot miss N − R + 1.
    pub(super) fn enough_copies(&self) -> usize {
        self.n - self.r + 1
    }

    /// Whether what a read returned is met by every later read.
    fn reads_are_met(&self) -> bool {
        self.copies_after_read() + self.r > self.n
    }

    /// How many copies of a version may stand for it, of all that an answer was built upon.
    fn fewest_copies(&self) -> usize {
        if self.reads_are_met() { self.w.min(self.copies_after_read()) } else { self.w }
    }

    /// Of how many other replicas one that has lost its disk must hear: as many as cannot all be without a version of
    /// which it had one of the copies.
    pub(super) fn recovery_quorum(&self) -> usize {
        (self.n - self.fewest_copies() + 1).min(self.n - 1)
    }

    /// Every read quorum meets every write quorum iff W + R > N (Gifford 1979). Then reads are regular. They are atomic
    /// if what one returned is at so many replicas that the next one meets it: by write-back, by a repair that is waited
    /// for, or because each asks all. With disks that are lost, one copy is none.
    ///
    /// Nothing is promised with fallback nodes in quorums, with wall clocks or siblings for versions, and with tombstones that may be
    /// gone before an operation or a hint that knows nothing of the deletion.
    pub fn promise(&self) -> Consistency {
        if self.causal {
            return Consistency::Causal;
        }
        let oldest = self.give_up + if self.hints { self.hint_ttl } else { Duration::ZERO };
        let sees_writes = self.w + self.r > self.n && (self.restart == Restart::Durable || self.w > 1);
        if !sees_writes || self.sloppy || self.version != Versions::Tag || self.gc_grace < oldest {
            Consistency::None
        } else if self.reads_are_met() && (self.restart == Restart::Durable || self.copies_after_read() > 1) {
            Consistency::Linearizable
        } else {
            Consistency::Regular
        }
    }
}

impl Config {
    /// Sets need siblings; what delivers in causal order overwrites and reads only.
    pub(super) fn serves(&self) -> Vec<&'static str> {
        let refused: &[&str] = match (self.causal, self.version) {
            (true, _) => &["delete", "add", "remove"],
            (false, Versions::Siblings) => &[],
            (false, Versions::Tag | Versions::Lww) => &["add", "remove"],
        };
        let is_served = |kind: &&str| !refused.contains(kind);
        info().requests.into_iter().filter(is_served).collect()
    }
}

/// What `schism list` shows.
pub(super) fn info() -> ProtocolInfo {
    ProtocolInfo {
        name: "nwr",
        about: "replicated registers with n copies, w acknowledgements and r answers (Gifford 1979; Attiya, Bar-Noy, Dolev 1995)",
        parameters: parameters().into_iter().chain(common::parameters()).collect(),
        bugs: Bug::ALL.map(Bug::info).to_vec(),
        requests: vec!["read", "peek", "write", "delete", "add", "remove"],
        has_leader: false,
        links: LinkOrder::Any,
        recovery: Duration::from_millis(500),
    }
}

/// Its own parameters.
fn parameters() -> Vec<Parameter> {
    let parameter = |name, values, default, about| Parameter { name, values, default, about };
    vec![
        parameter("n", "1..nodes", "the number of nodes", "on how many nodes each key is kept"),
        parameter("w", "1..n|maj", "maj", "how many replicas have to store a write"),
        parameter("r", "1..n|maj", "maj", "how many replicas are asked"),
        parameter(
            "coordinator",
            "node|client",
            "node",
            "who coordinates: the node that a client asks, or a process without a copy beside each client",
        ),
        parameter(
            "writeback",
            "off|on|fast",
            "off",
            "whether a read stores what it returns at w replicas first; fast: at n-r+1, if so many had it not",
        ),
        parameter(
            "version",
            "tag|lww|siblings",
            "tag",
            "what orders writes: tags above all that were seen, the wall clock, or version vectors",
        ),
        parameter(
            "repair",
            "off|async|sync",
            "off",
            "whether a read sends what it returns to replicas that are behind, and waits for it",
        ),
        parameter(
            "hints",
            "off|on",
            "off",
            "whether a fallback node keeps what a silent replica should have, until it is back",
        ),
        parameter("hint_ttl", "a time", "20s", "after how long a hint is given up"),
        parameter("handoff", "a time", "500ms", "how often hints are offered to their replicas"),
        parameter("sloppy", "off|on", "off", "whether fallback nodes count for quorums; needs hints=on"),
        parameter("anti_entropy", "a time|off", "off", "how often a node compares its versions with another's"),
        parameter("gc_grace", "a time", "60s", "how long a tombstone is kept at least"),
        parameter(
            "restart",
            "durable|amnesia",
            "durable",
            "whether a replica reckons with the loss of its disk, and then recovers from a quorum",
        ),
        parameter(
            "causal",
            "off|vv",
            "off",
            "vv: writes are delivered in causal order, by version vectors, and reads answered from the own copy",
        ),
        parameter("shed", "off|on", "off", "whether a coordinator with much to do refuses optional reads (peek)"),
        parameter("shed_above", "a number", "32", "with how many operations under way it refuses them"),
        parameter("retry", "a time", "100ms", "after how long a silent replica is asked again"),
        parameter("give_up", "a time", "5s", "after how long an operation is given up"),
        parameter("bug", "a bug's name or id", "none", "the deliberate bug"),
    ]
}

/// Reads the parameters for a universe of `nodes` nodes.
pub(super) fn configure(params: &Params, nodes: u16) -> Result<Config, ConfigError> {
    let mut params = params.clone();
    if let Some(bug) = params.0.get_mut("bug")
        && let Some((_, half)) = WHOLE_IDS.iter().find(|(whole, _)| bug.eq_ignore_ascii_case(whole))
    {
        (*half).clone_into(bug);
    }
    let info = info();
    let mut reader = ParamReader::new(&params, &info);
    let nodes = u64::from(nodes.max(1));
    let n = reader.number("n", 1..=nodes, nodes);
    let size = |number: u64| usize::try_from(number).expect("at most 65535");
    let config = Config {
        n: size(n),
        w: size(quorum(&mut reader, "w", n)),
        r: size(quorum(&mut reader, "r", n)),
        coordinator: [Coordinator::Node, Coordinator::Client][reader.word("coordinator", &["node", "client"])],
        writeback: [Writeback::Off, Writeback::On, Writeback::Fast][reader.word("writeback", &["off", "on", "fast"])],
        version: [Versions::Tag, Versions::Lww, Versions::Siblings]
            [reader.word("version", &["tag", "lww", "siblings"])],
        repair: [Repair::Off, Repair::Async, Repair::Sync][reader.word("repair", &["off", "async", "sync"])],
        hints: reader.word("hints", &["off", "on"]) == 1,
        hint_ttl: reader.time("hint_ttl", Duration::from_secs(20)),
        handoff: at_least_1ms(reader.time("handoff", Duration::from_millis(500))),
        sloppy: reader.word("sloppy", &["off", "on"]) == 1,
        anti_entropy: interval(&mut reader, "anti_entropy"),
        gc_grace: at_least_1ms(reader.time("gc_grace", Duration::from_mins(1))),
        restart: [Restart::Durable, Restart::Amnesia][reader.word("restart", &["durable", "amnesia"])],
        causal: reader.word("causal", &["off", "vv"]) == 1,
        shed_above: shedding(&mut reader),
        retry: at_least_1ms(reader.time("retry", Duration::from_millis(100))),
        give_up: reader.time("give_up", Duration::from_secs(5)),
        bug: reader.bug(&info.bugs).map(|place| Bug::ALL[place]),
    };
    if config.sloppy && !config.hints {
        reader.refuse("sloppy", "on", "off, or on together with hints=on".to_owned(), Vec::new());
    }
    if config.causal && n < nodes {
        reader.refuse("causal", "vv", "off, or vv where every node has a copy (n left out)".to_owned(), Vec::new());
    }
    if config.causal && config.coordinator == Coordinator::Client {
        let expected = "node, or client with causal=off: who delivers in causal order reads its own copy";
        reader.refuse("coordinator", "client", expected.to_owned(), Vec::new());
    }
    reader.finish(config)
}

/// A number of replicas out of `n`, or `maj`.
fn quorum(reader: &mut ParamReader<'_>, name: &str, n: u64) -> u64 {
    let majority = n / 2 + 1;
    if reader.get(name) == Some("maj") { majority } else { reader.number(name, 1..=n, majority) }
}

/// Above how many operations optional ones are refused, if they are.
fn shedding(reader: &mut ParamReader<'_>) -> Option<usize> {
    let above = reader.number("shed_above", 0..=1_000_000, 32);
    let sheds = reader.word("shed", &["off", "on"]) == 1;
    sheds.then(|| usize::try_from(above).expect("at most a million"))
}

/// How often something is done, if it is.
fn interval(reader: &mut ParamReader<'_>, name: &str) -> Option<Duration> {
    let given = reader.get(name).filter(|text| *text != "off")?;
    let time = reader.time(name, Duration::ZERO);
    if time.is_zero() {
        reader.refuse(name, given, "a time above 0, or off".to_owned(), Vec::new());
    }
    Some(at_least_1ms(time))
}

/// A timer that is due at once would be due for ever.
fn at_least_1ms(time: Duration) -> Duration {
    time.max(Duration::from_millis(1))
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
        use Consistency::{Causal, Linearizable, None, Regular};
        for (text, nodes, expected) in [
            ("", 3, Regular),
            ("writeback=on", 3, Linearizable),
            ("writeback=fast", 3, Linearizable),
            ("w=1,r=1", 3, None),
            ("w=1,r=1,writeback=on", 3, None),
            ("w=2,r=1", 3, None),
            ("w=1,r=3", 3, Linearizable),
            ("w=3,r=1", 3, Regular),
            ("w=3,r=1,writeback=fast", 3, Linearizable),
            ("w=3,r=3", 5, Regular),
            ("w=2,r=3", 5, None),
            ("n=1", 5, Linearizable),
            ("n=3,w=maj,r=maj", 5, Regular),
            ("w=maj,r=maj,writeback=on,bug=NWR-B1", 3, Linearizable),
            ("repair=async", 3, Regular),
            ("repair=sync", 3, Linearizable),
            ("w=4,r=2,repair=sync", 5, Regular),
            ("n=3,hints=on,writeback=on", 5, Linearizable),
            ("n=3,hints=on,sloppy=on,writeback=on", 5, None),
            ("causal=vv,w=1", 3, Causal),
            ("version=lww,writeback=on", 3, None),
            ("version=siblings,writeback=on", 3, None),
            ("writeback=on,gc_grace=1s", 3, None),
            ("writeback=on,gc_grace=1s,give_up=500ms", 3, Linearizable),
            ("restart=amnesia,writeback=on", 3, Linearizable),
            ("restart=amnesia,w=1,r=3", 3, None),
            ("restart=amnesia,w=2,r=3", 3, Regular),
            ("restart=amnesia,w=3,r=2,writeback=fast", 3, Linearizable),
            ("restart=amnesia,w=2,r=3,writeback=fast", 3, Regular),
        ] {
            assert_eq!(config(text, nodes).unwrap().promise(), expected, "{text} on {nodes} nodes");
        }
    }

    #[test]
    fn whoever_lost_its_disk_hears_of_every_version_that_counted_its_copy() {
        for (text, nodes, expected) in [
            ("writeback=on", 3, 2),
            ("writeback=on", 5, 3),
            ("w=3,r=1", 3, 1),
            ("w=3,r=2,writeback=fast", 3, 2),
            ("w=1,r=3", 3, 2),
            ("w=1", 1, 0),
        ] {
            assert_eq!(config(text, nodes).unwrap().recovery_quorum(), expected, "{text} on {nodes} nodes");
        }
    }

    #[test]
    fn impossible_parameters_are_refused_all_at_once() {
        assert_eq!(config("n=4,w=0,r=5", 3).unwrap_err().0.len(), 3);
        assert_eq!(config("w=4", 3).unwrap_err().to_string(), "w=4: a whole number from 1 to 3");
        assert_eq!(config("causal=vv,coordinator=client", 3).unwrap_err().0.len(), 1);
        assert_eq!(config("sloppy=on,anti_entropy=0s,writeback=perhaps", 3).unwrap_err().0.len(), 3);
    }

    #[test]
    fn half_an_id_means_one_of_its_halves() {
        assert_eq!(config("bug=nwr-b8", 3).unwrap().bug, Some(Bug::AckBeforeFsync));
        assert_eq!(config("bug=NWR-B9", 3).unwrap().bug, Some(Bug::BlindHints));
    }
}
