//! **State machine safety**: "if a server has applied a log entry at a given index to its state machine, no other server will
//! ever apply a different log entry for the same index" (Ongaro and Ousterhout 2014, Figure 3; §5.4.3).
//!
//! Notes: `committed{first,index,term,digest}`: the entries from `first` to `index`, all of one term, were applied, and the log
//! up to `index` has the digest. Two entries with one index are different if their terms are, or the digests of the logs that
//! end with them. It keeps terms by runs of indices that one node was the first to apply, and a digest for each index that a
//! note names: memory grows with the number of these notes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::noted::Prefix;
use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct StateMachineSafety {
    /// By first index; they do not overlap.
    runs: BTreeMap<u64, Run>,
    digests: FxHashMap<u64, (u64, Maker)>,
}

/// Entries of one term that one node has applied.
#[derive(Clone, Debug)]
struct Run {
    last: u64,
    term: u64,
    /// Who, and when it applied the last of them.
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
        let Some(Prefix { index, term, digest }) = noted.prefix() else { return Seen::Nothing };
        let first = noted.number("first").unwrap_or(index);
        if first > index {
            return Seen::Nothing;
        }
        let mut broken = digest.and_then(|digest| self.other_digest(index, digest, noted));
        if !self.has(first, index, term) {
            let run = Run { last: index, term, maker: noted.maker() };
            broken = self.other_term(first, &run).or(broken);
            self.remember(first, &run);
        }
        broken.map_or(Seen::Concerned, Seen::Broken)
    }
}

impl StateMachineSafety {
    /// The runs that have an index in common with `first..=last`, each with its first index.
    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, &Run)> {
        let before = self.runs.range(..=first).next_back().filter(|(_, run)| first <= run.last);
        let from = before.map_or(first, |(begin, _)| *begin);
        self.runs.range(from..=last).map(|(begin, run)| (*begin, run))
    }

    /// Whether all of a run is in one that is known: whatever is applied, all nodes but the first apply what is.
    fn has(&self, first: u64, last: u64, term: u64) -> bool {
        let known = self.overlapping(first, last).next();
        known.is_some_and(|(begin, known)| begin <= first && last <= known.last && known.term == term)
    }

    fn other_term(&self, first: u64, run: &Run) -> Option<Violation> {
        let (begin, other) = self.overlapping(first, run.last).find(|(_, other)| other.term != run.term)?;
        let applied = |first: u64, run: &Run| {
            run.maker.did(format!("applied the entries {first} to {} of term {}", run.last, run.term))
        };
        let index = first.max(begin);
        Some(Violation {
            what: format!(
                "at index {index}, {} applied an entry of term {} and {} one of term {}",
                other.maker.node, other.term, run.maker.node, run.term
            ),
            evidence: vec![applied(begin, other), applied(first, run)],
        })
    }

    fn other_digest(&mut self, index: u64, digest: u64, noted: &Noted<'_>) -> Option<Violation> {
        let (first, maker) = self.digests.entry(index).or_insert_with(|| (digest, noted.maker()));
        let applied = |digest| format!("had applied a log with the digest {digest:016x} up to index {index}");
        (*first != digest).then(|| Violation {
            what: format!("{} and {} applied different entries up to index {index}", maker.node, noted.node),
            evidence: vec![maker.did(applied(*first)), noted.maker().did(applied(digest))],
        })
    }

    /// Keeps what of a run was not known before.
    fn remember(&mut self, first: u64, run: &Run) {
        let mut next = Some(first);
        while let Some(first) = next.filter(|first| *first <= run.last) {
            let known = self.overlapping(first, run.last).next().map(|(begin, known)| (begin, known.last));
            let last = known.map_or(Some(run.last), |(begin, _)| begin.checked_sub(1));
            if let Some(last) = last.filter(|last| first <= *last) {
                self.add(first, Run { last, ..run.clone() });
            }
            next = known.and_then(|(_, last)| last.checked_add(1));
        }
    }

    /// Adds a run that overlaps with none: to the one before it, where that is the same node's and it goes on from there.
    fn add(&mut self, first: u64, run: Run) {
        let before = self.runs.range_mut(..first).next_back().map(|(_, before)| before);
        match before.filter(|before| before.last + 1 == first && before.goes_on_with(&run)) {
            Some(before) => *before = run,
            None => drop(self.runs.insert(first, run)),
        }
    }
}

impl Run {
    fn goes_on_with(&self, next: &Run) -> bool {
        let Maker { node, incarnation, .. } = &self.maker;
        self.term == next.term && *node == next.maker.node && *incarnation == next.maker.incarnation
    }
}
