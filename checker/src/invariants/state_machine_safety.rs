//! **State machine safety**: "if a server has applied a log entry at a given index to its state machine, no other server will
//! ever apply a different log entry for the same index" (Ongaro and Ousterhout 2014, Figure 3; §5.4.3).
//!
//! Notes: `committed{first,index,term,digest}`: the entries from `first` to `index`, all of one term, were applied, and the log
//! up to `index` has the digest. Two entries with one index are different if their terms are, or the digests of the logs that
//! end with them. It keeps terms by runs of indices, and a digest for each index that a note names: memory grows with the number
//! of these notes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct StateMachineSafety {
    /// By last index; they do not overlap.
    runs: BTreeMap<u64, Run>,
    digests: FxHashMap<u64, (u64, Maker)>,
}

/// Entries of one term that were applied.
#[derive(Clone, Debug)]
struct Run {
    first: u64,
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
        let run = Run { first, term, maker: noted.maker() };
        let mut broken = self.other_digest(index, noted);
        if !self.has(&run, index) {
            broken = self.other_term(&run, index).or(broken);
            self.remember(&run, index);
        }
        broken.map_or(Seen::Concerned, Seen::Broken)
    }
}

impl StateMachineSafety {
    /// The runs that have an index in common with `first..=last`, with their last index.
    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, &Run)> {
        let from_first = self.runs.range(first..).map(|(end, run)| (*end, run));
        from_first.take_while(move |(_, run)| run.first <= last)
    }

    /// Whether all of a run is in one that is known: whatever is applied, all nodes but the first apply what is.
    fn has(&self, run: &Run, last: u64) -> bool {
        let known = self.overlapping(run.first, last).next();
        known.is_some_and(|(end, known)| known.first <= run.first && last <= end && known.term == run.term)
    }

    fn other_term(&self, run: &Run, last: u64) -> Option<Violation> {
        let (other_last, other) = self.overlapping(run.first, last).find(|(_, other)| other.term != run.term)?;
        let applied = |run: &Run, last| {
            run.maker.did(format!("applied the entries {} to {last} of term {}", run.first, run.term))
        };
        let index = run.first.max(other.first);
        Some(Violation {
            what: format!(
                "at index {index}, {} applied an entry of term {} and {} one of term {}",
                other.maker.node, other.term, run.maker.node, run.term
            ),
            evidence: vec![applied(other, other_last), applied(run, last)],
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
    fn remember(&mut self, run: &Run, last: u64) {
        let mut next = Some(run.first);
        while let Some(first) = next.filter(|first| *first <= last) {
            let known = self.overlapping(first, last).next().map(|(end, known)| (known.first, end));
            let end = known.map_or(Some(last), |(begin, _)| begin.checked_sub(1));
            if let Some(end) = end.filter(|end| first <= *end) {
                self.runs.insert(end, Run { first, ..run.clone() });
            }
            next = known.and_then(|(_, end)| end.checked_add(1));
        }
    }
}
