//! The log: entries numbered from 1, each with the term in which a leader created it (§5.3).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Index, Term};
use crate::digest::{Digest, Link};
use crate::id::ClientId;
use crate::request::RequestKind;

/// One entry of the log; its index is its place. It never changes: logs, messages and records share it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the leader created it.
    pub term: Term,
    /// What the state machine is to do.
    pub command: Command,
    /// The digest of a log that ends with it.
    #[serde(skip)]
    link: Link,
}

impl Entry {
    /// A new entry.
    pub fn new(term: Term, command: Command) -> Arc<Self> {
        Arc::new(Entry { term, command, link: Link::default() })
    }
}

/// What the state machine is to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Nothing: a leader's first entry, which commits all before it (§5.4.2, §8).
    NoOp,
    /// A client's request.
    Client(Arc<ClientRequest>),
}

/// A client's request as it stands in the log: whoever sends it again means the same one. It never changes: messages and
/// logs share it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientRequest {
    /// Who asks.
    pub client: ClientId,
    /// The client's own number for it.
    pub serial: u64,
    /// What is asked.
    pub request: RequestKind,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::NoOp => f.write_str("no-op"),
            Command::Client(request) => request.fmt(f),
        }
    }
}

impl fmt::Display for ClientRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{} ", self.client, self.serial)?;
        match &self.request {
            RequestKind::Read { key } => write!(f, "read {key}"),
            RequestKind::Peek { key } => write!(f, "peek {key}"),
            RequestKind::Write { key, value } => write!(f, "write {key}={value}"),
            RequestKind::Delete { key } => write!(f, "delete {key}"),
            RequestKind::Add { key, value } => write!(f, "add {key}∋{value}"),
            RequestKind::Remove { key, value } => write!(f, "remove {key}∌{value}"),
            RequestKind::Cas { key, from, to } => write!(f, "cas {key}={from}→{to}"),
            RequestKind::Append { key, value } | RequestKind::Enqueue { key, value } => {
                write!(f, "{} {key}+{value}", self.request.name())
            }
            RequestKind::List { key } | RequestKind::Dequeue { key } => write!(f, "{} {key}", self.request.name()),
        }
    }
}

/// A node's log, with a digest of each prefix so that notes of different nodes can be compared.
#[derive(Debug, Default)]
pub(super) struct Log {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<Entry>,
    digest: Digest,
}

impl Log {
    /// The index of the last entry; 0 when there is none.
    pub(super) fn last_index(&self) -> Index {
        self.slots.len() as Index
    }

    /// The term of the last entry; 0 when there is none.
    pub(super) fn last_term(&self) -> Term {
        self.slots.last().map_or(0, |slot| slot.entry.term)
    }

    /// The term of an entry, if there is one; 0 for index 0, where all logs agree.
    pub(super) fn term(&self, index: Index) -> Option<Term> {
        if index == 0 { Some(0) } else { self.slot(index).map(|slot| slot.entry.term) }
    }

    /// An entry.
    pub(super) fn get(&self, index: Index) -> Option<&Entry> {
        self.slot(index).map(|slot| &*slot.entry)
    }

    /// The digest of all entries up to `index`.
    pub(super) fn digest(&self, index: Index) -> Digest {
        self.slot(index).map_or(Digest::EMPTY, |slot| slot.digest)
    }

    /// Up to `count` entries from `from` on.
    pub(super) fn entries(&self, from: Index, count: usize) -> Vec<Arc<Entry>> {
        let slots = self.slots.iter().skip(place(from)).take(count);
        slots.map(|slot| Arc::clone(&slot.entry)).collect()
    }

    /// Adds an entry at the end; its index.
    pub(super) fn append(&mut self, entry: Arc<Entry>) -> Index {
        assert!(entry.term >= self.last_term(), "terms in a log never decrease");
        let digest = entry.link.join(self.digest(self.last_index()), &entry);
        self.slots.push(Slot { entry, digest });
        self.last_index()
    }

    /// Removes all entries from `from` on; how many.
    pub(super) fn truncate(&mut self, from: Index) -> usize {
        let before = self.slots.len();
        self.slots.truncate(place(from));
        before - self.slots.len()
    }

    /// The first index whose entry has the same term as the one at `index`.
    pub(super) fn first_of_term_at(&self, index: Index) -> Index {
        let term = self.term(index);
        let place = self.slots.partition_point(|slot| Some(slot.entry.term) < term);
        place as Index + 1
    }

    /// The last index with an entry of `term`, if there is any.
    pub(super) fn last_of_term(&self, term: Term) -> Option<Index> {
        let last = self.slots.partition_point(|slot| slot.entry.term <= term) as Index;
        (last > 0 && self.term(last) == Some(term)).then_some(last)
    }

    /// The last `count` runs of entries of one term, oldest first: the first index of each, and its term.
    pub(super) fn terms(&self, count: usize) -> Vec<(Index, Term)> {
        let mut runs = Vec::new();
        let mut last = self.last_index();
        while last > 0 && runs.len() < count {
            let first = self.first_of_term_at(last);
            runs.push((first, self.term(first).expect("it is not behind the last one")));
            last = first - 1;
        }
        runs.reverse();
        runs
    }

    /// The last index of the entries from `first` to `end` that have the same term as the one at `first`.
    pub(super) fn end_of_run(&self, first: Index, end: Index) -> Index {
        let term = self.term(first);
        if term == self.term(end) {
            return end; // terms in a log never decrease
        }
        let last = term.and_then(|term| self.last_of_term(term));
        last.map_or(end, |last| last.min(end))
    }

    fn slot(&self, index: Index) -> Option<&Slot> {
        if index == 0 { None } else { self.slots.get(place(index)) }
    }
}

/// Where the entry of an index lies.
fn place(index: Index) -> usize {
    usize::try_from(index.saturating_sub(1)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[Term]) -> Log {
        let mut log = Log::default();
        for &term in terms {
            log.append(Entry::new(term, Command::NoOp));
        }
        log
    }

    #[test]
    fn terms_are_found_from_either_side() {
        let log = log(&[1, 1, 3, 3, 3, 6]);
        assert_eq!((log.last_index(), log.last_term()), (6, 6));
        assert_eq!([0, 1, 5, 7].map(|index| log.term(index)), [Some(0), Some(1), Some(3), None]);
        assert_eq!([2, 3, 5, 6].map(|index| log.first_of_term_at(index)), [1, 3, 3, 6]);
        assert_eq!(
            [0, 1, 2, 3, 6, 9].map(|term| log.last_of_term(term)),
            [None, Some(2), None, Some(5), Some(6), None]
        );
    }

    #[test]
    fn runs_of_one_term_are_told_from_the_end() {
        let log = log(&[1, 1, 3, 3, 3, 6]);
        assert_eq!(log.terms(9), [(1, 1), (3, 3), (6, 6)]);
        assert_eq!(log.terms(2), [(3, 3), (6, 6)]);
        assert_eq!(Log::default().terms(2), []);
        assert_eq!([(1, 6), (3, 4), (4, 6), (6, 6)].map(|(first, end)| log.end_of_run(first, end)), [2, 4, 5, 6]);
    }

    #[test]
    fn the_digest_of_a_prefix_outlives_a_truncation_of_the_rest() {
        let mut long = log(&[1, 1, 2]);
        let short = log(&[1, 1]);
        assert_ne!(long.digest(3), short.digest(2));
        assert_eq!(long.truncate(3), 1);
        assert_eq!(long.digest(2), short.digest(2));
        assert_eq!(long.truncate(9), 0);
    }
}
