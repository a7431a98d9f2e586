//! **Election safety**: "at most one leader can be elected in a given term" (Ongaro and Ousterhout 2014, Figure 3; §5.2).
//!
//! Notes: `leader{epoch}`; `vote-granted{term,candidate}` tells who made it so. It keeps the leader of each term, and the votes
//! of the last terms.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{EVIDENCE_MAX, Evidence, Fold, Maker, Noted, Rule, Seen, Violation};

/// Of how many terms the votes are remembered.
const TERMS_MAX: usize = 64;

/// See the module's head.
#[derive(Debug, Default)]
pub struct ElectionSafety {
    leaders: BTreeMap<u64, Maker>,
    votes: BTreeMap<u64, Vec<(Maker, Arc<str>)>>,
}

impl Fold for ElectionSafety {
    fn rule(&self) -> Rule {
        Rule {
            name: "election-safety",
            theorem: "at most one leader can be elected in a given term",
            source: "Ongaro and Ousterhout 2014, Figure 3",
            needs_every_note: false,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        match noted.name {
            "vote-granted" => {
                self.voted(noted);
                Seen::Nothing
            }
            "leader" => noted.number("epoch").map_or(Seen::Nothing, |term| self.leads(term, &noted.maker())),
            _ => Seen::Nothing,
        }
    }
}

impl ElectionSafety {
    fn voted(&mut self, noted: &Noted<'_>) {
        let (Some(term), Some(candidate)) = (noted.number("term"), noted.text("candidate")) else { return };
        let votes = self.votes.entry(term).or_default();
        if votes.len() < EVIDENCE_MAX - 2 {
            votes.push((noted.maker(), candidate.into()));
        }
        if self.votes.len() > TERMS_MAX {
            self.votes.pop_first();
        }
    }

    fn leads(&mut self, term: u64, maker: &Maker) -> Seen {
        let first = self.leaders.entry(term).or_insert_with(|| maker.clone());
        if first.node == maker.node {
            return Seen::Concerned;
        }
        let what = format!("{} and {} both led term {term}", first.node, maker.node);
        let leaders = [first, maker].map(|leader| leader.did(format!("became the leader of term {term}")));
        let votes = self.votes.get(&term).into_iter().flatten();
        let votes = votes.map(|(voter, candidate)| voter.did(format!("voted for {candidate} in term {term}")));
        let evidence: Vec<Evidence> = leaders.into_iter().chain(votes).collect();
        Seen::Broken(Violation { what, evidence })
    }
}
