//! **Leader completeness**: "if a log entry is committed in a given term, then that entry will be present in the logs of the
//! leaders for all higher-numbered terms" (Ongaro and Ousterhout 2014, Figure 3; §5.4).
//!
//! Notes: `committed{index,term,current_term}`, the term of the entry and that of the node which says that it is committed; and
//! `leader{epoch,index,terms}`, the log of a new leader as pairs `[first index, term]`, of which only the last may be there.
//!
//! An entry is known by its index and term, as in the paper; that they determine it is log matching. A follower hears of a
//! commit in a term that is not before the one in which it happened, so that its note can only excuse a leader, never accuse
//! one. Commits and leaders are compared in whichever order their notes come. Memory grows with the number of terms.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::noted::Prefix;
use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct LeaderCompleteness {
    /// By the term in which it was committed: the entry with the highest index.
    commits: BTreeMap<u64, Commit>,
    /// By term: more than one where election safety is broken.
    leaders: BTreeMap<u64, Vec<Leader>>,
}

#[derive(Clone, Debug)]
struct Commit {
    current_term: u64,
    index: u64,
    term: u64,
    maker: Maker,
}

#[derive(Debug)]
struct Leader {
    epoch: u64,
    /// The last index of its log.
    index: u64,
    /// First index and term, ascending.
    terms: Vec<(u64, u64)>,
    maker: Maker,
}

impl Fold for LeaderCompleteness {
    fn rule(&self) -> Rule {
        Rule {
            name: "leader-completeness",
            theorem: "if a log entry is committed in a given term, then that entry will be present in the logs of the leaders \
                      for all higher-numbered terms",
            source: "Ongaro and Ousterhout 2014, Figure 3",
            needs_every_note: false,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        let broken = match noted.name {
            "committed" => read_commit(noted).map(|commit| self.committed(commit)),
            "leader" => read_leader(noted).map(|leader| self.elected(leader)),
            _ => None,
        };
        broken.map_or(Seen::Nothing, |broken| broken.map_or(Seen::Concerned, Seen::Broken))
    }
}

fn read_commit(noted: &Noted<'_>) -> Option<Commit> {
    let Prefix { index, term, .. } = noted.prefix()?;
    Some(Commit { current_term: noted.number("current_term")?, index, term, maker: noted.maker() })
}

fn read_leader(noted: &Noted<'_>) -> Option<Leader> {
    let pair = |pair: &serde_json::Value| Some((pair.get(0)?.as_u64()?, pair.get(1)?.as_u64()?));
    let terms: Option<Vec<(u64, u64)>> = noted.fields.get("terms")?.as_array()?.iter().map(pair).collect();
    let (epoch, index) = (noted.number("epoch")?, noted.number("index")?);
    Some(Leader { epoch, index, terms: terms?, maker: noted.maker() })
}

impl LeaderCompleteness {
    fn committed(&mut self, commit: Commit) -> Option<Violation> {
        let later = self.leaders.range((Bound::Excluded(commit.current_term), Bound::Unbounded));
        let broken = later.flat_map(|(_, leaders)| leaders).find_map(|leader| leader.lacks(&commit));
        let highest = self.commits.entry(commit.current_term).or_insert_with(|| commit.clone());
        if highest.index < commit.index {
            *highest = commit;
        }
        broken
    }

    fn elected(&mut self, leader: Leader) -> Option<Violation> {
        let broken = self.commits.range(..leader.epoch).find_map(|(_, commit)| leader.lacks(commit));
        self.leaders.entry(leader.epoch).or_default().push(leader);
        broken
    }
}

impl Leader {
    /// The proof that this leader lacks an entry which was committed in a lower term, if it does.
    fn lacks(&self, commit: &Commit) -> Option<Violation> {
        let &Commit { current_term, index, term, .. } = commit;
        let &(_, own) = self.terms.iter().rev().find(|(first, _)| *first <= index).or_else(|| {
            // A log without entries has no pairs; of a long one the oldest pairs may be left out.
            (self.index == 0).then_some(&(0, 0))
        })?;
        let has = if index > self.index {
            format!("a log that ended with entry {}", self.index)
        } else if own != term {
            format!("another entry {index}, of term {own}")
        } else {
            return None;
        };
        let leader = format!("became the leader of term {} with {has}", self.epoch);
        let committed = format!("knew entry {index} of term {term} to be committed, in term {current_term}");
        Some(Violation {
            what: format!("{}, leader of term {}, lacked entry {index} of term {term}", self.maker.node, self.epoch),
            evidence: vec![commit.maker.did(committed), self.maker.did(leader)],
        })
    }
}
