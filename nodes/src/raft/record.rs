//! Raft's stable storage: Figure 2's "persistent state on all servers", as a list of records whose fold it is.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::log::{Entry, Log};
use super::{Index, Term};
use crate::id::NodeId;

/// How many entries one record or one message holds at most.
pub(super) const ENTRIES_MAX: usize = 256;

/// One entry of stable storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// The current term, and whom this node voted for in it.
    Vote {
        /// `currentTerm`.
        term: Term,
        /// `votedFor`.
        candidate: Option<NodeId>,
    },
    /// Entries at the end of the log.
    Append {
        /// The index of the first of them.
        index: Index,
        /// The entries.
        entries: Vec<Arc<Entry>>,
    },
    /// The log ends before this index.
    Truncate {
        /// The first index that is gone.
        from: Index,
    },
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Record::Vote { term, candidate: Some(candidate) } => write!(f, "vote t{term} for={candidate}"),
            Record::Vote { term, candidate: None } => write!(f, "vote t{term} for=nobody"),
            Record::Append { index, entries } => {
                f.write_str("append")?;
                (*index..)
                    .zip(entries)
                    .try_for_each(|(index, entry)| write!(f, " {index}@{} {}", entry.term, entry.command))
            }
            Record::Truncate { from } => write!(f, "truncate {from}.."),
        }
    }
}

/// What survives a crash.
#[derive(Debug, Default)]
pub(super) struct Stable {
    pub(super) term: Term,
    pub(super) voted_for: Option<NodeId>,
    pub(super) log: Log,
    /// How many votes and entries are superseded.
    pub(super) wasted: usize,
}

impl Stable {
    /// Reads the records in the order in which they were persisted.
    pub(super) fn fold(records: Vec<Record>) -> Self {
        let mut stable = Stable::default();
        for record in records {
            match record {
                Record::Vote { term, candidate } => {
                    (stable.term, stable.voted_for) = (term, candidate);
                    stable.wasted += 1;
                }
                Record::Append { index, entries } => {
                    assert_eq!(index, stable.log.last_index() + 1, "a gap in the stored log");
                    for entry in entries {
                        stable.log.append(entry);
                    }
                }
                Record::Truncate { from } => stable.wasted += stable.log.truncate(from),
            }
        }
        stable
    }
}

/// The shortest list of records with the same fold.
pub(super) fn compacted(term: Term, candidate: Option<NodeId>, log: &Log) -> Vec<Record> {
    let mut records = vec![Record::Vote { term, candidate }];
    let mut index = 1;
    while index <= log.last_index() {
        let entries = log.entries(index, ENTRIES_MAX);
        let next = index + entries.len() as Index;
        records.push(Record::Append { index, entries });
        index = next;
    }
    records
}
