//! **State machine safety**: "if a server has applied a log entry at a given index to its state machine, no other server will
//! ever apply a different log entry for the same index" (Ongaro and Ousterhout 2014, Figure 3; §5.4.3).
//!
//! Notes: `committed{first,index,term,digest}`: the entries from `first` to `index`, all of one term, were applied, and the log
//! up to `index` has the digest. Two entries with one index are different if their terms are, or the digests of the logs that
//! end with them. It keeps terms by runs of indices, and a digest for each index that a note names: memory grows with the number
//! of these notes.

use std::collections::BTreeMap;

use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct StateMachineSafety {
    /// By first index; they do not overlap.
    runs: BTreeMap<u64, Run>,
    digests: BTreeMap<u64, (u64, Maker)>,
}

/// Entries of one term that were applied.
#[derive(Clone, Debug)]
struct Run {
    last: u64,
    term: u64,
    maker: Maker,
}

impl Fold for StateMachineSafety {
    fn rule(&self) -> Rule {
        Rule {
            name: "state-machine-safety",
            theorem: "if a server has applied a log entry at a given index to its state machine, no other server will ever \
                      apply a different log entry for the same index",
            source: "Ongaro and Ousterhout 2014, Figure 3",
            needs_every_note: false,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        if noted.name != "committed" {
            return Seen::Nothing;
        }
        let (Some(index), Some(term)) = (noted.number("index"), noted.number("term")) else { return Seen::Nothing };
        let first = noted.number("first").unwrap_or(index);
        if first > index {
            return Seen::Nothing;
        }
        let run = Run { last: index, term, maker: noted.maker() };
        let broken = self.other_term(first, &run).or_else(|| self.other_digest(index, noted));
        self.remember(first, run);
        broken.map_or(Seen::Concerned, Seen::Broken)
    }
}

impl StateMachineSafety {
    /// Runs that have an index in common with `first..=last`.
    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, &Run)> {
        let before = self.runs.range(..first).next_back().filter(move |(_, run)| run.last >= first);
        before.into_iter().chain(self.runs.range(first..=last)).map(|(first, run)| (*first, run))
    }

    fn other_term(&self, first: u64, run: &Run) -> Option<Violation> {
        let (other_first, other) = self.overlapping(first, run.last).find(|(_, other)| other.term != run.term)?;
        let applied = |run: &Run, first| {
            run.maker.did(format!("applied the entries {first} to {} of term {}", run.last, run.term))
        };
        let index = first.max(other_first);
        Some(Violation {
            what: format!(
                "at index {index}, {} applied an entry of term {} and {} one of term {}",
                other.maker.node, other.term, run.maker.node, run.term
            ),
            evidence: vec![applied(other, other_first), applied(run, first)],
        })
    }

    fn other_digest(&mut self, index: u64, noted: &Noted<'_>) -> Option<Violation> {
        let digest = noted.digest("digest")?;
        let (first, maker) = self.digests.entry(index).or_insert_with(|| (digest, noted.maker()));
        let applied = |digest| format!("had applied a log with the digest {digest:016x} up to index {index}");
        (*first != digest).then(|| Violation {
            what: format!("{} and {} applied different entries up to index {index}", maker.node, noted.node),
            evidence: vec![maker.did(applied(*first)), noted.maker().did(applied(digest))],
        })
    }

    /// Keeps what of a run was not known before.
    fn remember(&mut self, first: u64, run: Run) {
        let known: Vec<(u64, u64)> =
            self.overlapping(first, run.last).map(|(first, other)| (first, other.last)).collect();
        let mut next = Some(first);
        for (from, to) in known {
            if let Some(next) = next.filter(|next| *next < from) {
                self.runs.insert(next, Run { last: from - 1, ..run.clone() });
            }
            next = to.checked_add(1);
        }
        let Some(next) = next.filter(|next| *next <= run.last) else { return };
        self.runs.insert(next, run);
    }
}
