//! What has become of a rule so far, and how a violation is told.

use std::sync::Arc;

use super::evidence::{At, Client, Evidence};
use crate::verdict::Moment;

/// How many events a witness has at most.
pub const WITNESS_MAX: usize = 10;

/// A violation with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, without its full stop.
    pub what: String,
    /// For a stale read: why.
    pub cause: Option<super::Cause>,
    /// The key.
    pub key: Option<Arc<str>>,
    /// At most [`WITNESS_MAX`] events, in the order of their times.
    pub events: Vec<Told>,
}

/// An event in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The node, or `client 3`.
    pub who: Arc<str>,
    /// In which of its lives; 0 for a client.
    pub incarnation: u32,
    /// In nanoseconds since the start of the history, or since the first note where no operation joins the two clocks.
    pub time: u64,
    /// What happened: `stored the tag 4.n2.1.17 of key x`.
    pub did: String,
}

impl Told {
    /// The same as data.
    pub(super) fn moment(&self) -> Moment {
        Moment { who: self.who.to_string(), at: self.time, did: self.did.clone() }
    }
}

impl std::fmt::Display for Told {
    /// `0.523104 s n1 (life 2) stored …`; the first life is not mentioned.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, micros) = (self.time / 1_000_000_000, self.time % 1_000_000_000 / 1_000);
        write!(f, "{seconds}.{micros:06} s {}", self.who)?;
        if self.incarnation > 1 {
            write!(f, " (life {})", self.incarnation)?;
        }
        write!(f, " {}", self.did)
    }
}

/// What has become of a rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) kept: u64,
    pub(super) broken: u64,
    pub(super) unsure: u64,
    pub(super) first: Option<Finding>,
    pub(super) why_unsure: Option<String>,
}

impl Tally {
    /// The rule was kept once more.
    pub(super) fn kept(&mut self) {
        self.kept += 1;
    }

    /// It was broken. Only the first violation is told: those after it may be its consequences.
    pub(super) fn broken(&mut self, finding: impl FnOnce() -> Finding) {
        self.broken += 1;
        if self.first.is_none() {
            let mut finding = finding();
            finding.events.sort_by_key(|told| told.time);
            finding.events.truncate(WITNESS_MAX);
            self.first = Some(finding);
        }
    }

    /// The evidence does not say whether it was kept.
    pub(super) fn unsure(&mut self, why: impl FnOnce() -> String) {
        self.unsure += 1;
        if self.why_unsure.is_none() {
            self.why_unsure = Some(why());
        }
    }
}

impl Evidence {
    /// Somebody did something.
    pub(super) fn told(&self, at: At, did: impl Into<String>) -> Told {
        let time = self.since_zero(i128::from(at.time));
        Told { who: self.nodes.shared(at.node), incarnation: at.life, time, did: did.into() }
    }

    /// A client's operation begins.
    pub(super) fn invoked(&self, client: &Client, did: impl Into<String>) -> Told {
        self.by_client(client, client.invoked_at, did.into())
    }

    /// A client's operation ends.
    pub(super) fn completed(&self, client: &Client, did: impl Into<String>) -> Told {
        self.by_client(client, client.completed_at, did.into())
    }

    fn by_client(&self, client: &Client, time: Option<u64>, did: String) -> Told {
        let time = self.since_zero(i128::from(time.unwrap_or_default()) + self.history_offset.unwrap_or_default());
        Told { who: format!("client {}", client.process).into(), incarnation: 0, time, did }
    }

    /// A time of the notes' clock as it is told.
    fn since_zero(&self, time: i128) -> u64 {
        let zero = self.history_offset.unwrap_or_else(|| i128::from(self.begin));
        u64::try_from((time - zero).max(0)).unwrap_or(u64::MAX)
    }

    /// `n1, n2 and n3`; `nobody`.
    pub(super) fn names(&self, nodes: impl IntoIterator<Item = u32>) -> String {
        let names: Vec<&str> = nodes.into_iter().map(|node| self.nodes.name(node)).collect();
        match names.split_last() {
            None => "nobody".to_owned(),
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
        }
    }
}
