//! Rules about a whole cluster, judged from what its nodes note about themselves: each a fold over the notes, in a file of its
//! own that states the theorem and where it is from.
//!
//! A fold takes notes one by one and keeps what the rule needs, never the notes. It reads the fields that it knows and passes
//! over a note that lacks them: notes are input, and may be damaged. It does not know whether they come from a simulation or
//! from a file; either way a node's notes come in its own order, and between nodes a cause comes before its effect.
//!
//! | system | rules |
//! |---|---|
//! | raft | [`election_safety`], [`leader_append_only`], [`log_matching`], [`leader_completeness`], [`state_machine_safety`] |
//!
//! Those of quorums ask for what clients saw as well, and are in [`quorum`](crate::quorum).

pub mod election_safety;
pub mod leader_append_only;
pub mod leader_completeness;
pub mod log_matching;
mod noted;
pub mod state_machine_safety;

use serde_json::Map;

pub use noted::{Fields, Maker, Noted};

use crate::verdict::{Counterexample, Moment, Outcome, Property};

/// How many notes a counterexample has at most.
pub const EVIDENCE_MAX: usize = 10;

/// What a rule says, and where it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The property's name: `election-safety`.
    pub name: &'static str,
    /// The theorem, a sentence without its full stop.
    pub theorem: &'static str,
    /// Where it is from: `Ongaro and Ousterhout 2014, Figure 3`.
    pub source: &'static str,
    /// Whether a note that is missing could make a system that keeps the rule look as if it broke it. Where not, a violation
    /// in some of the notes is one in all of them.
    pub needs_every_note: bool,
}

/// What a note said to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Nothing,
    /// It bears upon the rule, and keeps it.
    Concerned,
    /// It breaks the rule.
    Broken(Violation),
}

/// How a rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong, without its full stop: `n1 and n3 both led term 3`.
    pub what: String,
    /// The notes that prove it.
    pub evidence: Vec<Evidence>,
}

/// A note in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Who made it, and when.
    pub maker: Maker,
    /// What happened: `became the leader of term 3`.
    pub did: String,
}

/// A rule as a fold over notes.
pub trait Fold: Send {
    /// What it says.
    fn rule(&self) -> Rule;

    /// Takes account of a note.
    fn note(&mut self, noted: &Noted<'_>) -> Seen;
}

/// A rule, and what has become of it so far.
pub struct Invariant {
    fold: Box<dyn Fold>,
    concerned: u64,
    broken: Option<Violation>,
}

/// The rules for a system, by the name of its protocol; none for one that is not known.
pub fn of(protocol: &str) -> Vec<Invariant> {
    let folds: Vec<Box<dyn Fold>> = match protocol {
        "raft" => vec![
            Box::new(election_safety::ElectionSafety::default()),
            Box::new(leader_append_only::LeaderAppendOnly::default()),
            Box::new(log_matching::LogMatching::default()),
            Box::new(leader_completeness::LeaderCompleteness::default()),
            Box::new(state_machine_safety::StateMachineSafety::default()),
        ],
        _ => Vec::new(),
    };
    folds.into_iter().map(Invariant::new).collect()
}

impl Invariant {
    /// A rule of which nothing is known yet.
    pub fn new(fold: Box<dyn Fold>) -> Self {
        Invariant { fold, concerned: 0, broken: None }
    }

    /// Takes account of a note. After the first violation nothing more is looked at: what follows may be its consequence.
    pub fn note(&mut self, noted: &Noted<'_>) {
        if self.broken.is_some() {
            return;
        }
        match self.fold.note(noted) {
            Seen::Nothing => {}
            Seen::Concerned => self.concerned += 1,
            Seen::Broken(violation) => {
                self.concerned += 1;
                self.broken = Some(violation);
            }
        }
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// What became of it. `complete` says whether all notes that were made have been seen: without that, nothing is valid.
    pub fn property(&self, complete: bool) -> Property {
        let rule = self.fold.rule();
        let (outcome, summary) = match &self.broken {
            Some(broken) if complete || !rule.needs_every_note => {
                (Outcome::Invalid, format!("{} is broken: {}", rule.name, broken.what))
            }
            Some(broken) => {
                (Outcome::Unknown, format!("notes are missing, so that this may only seem so: {}", broken.what))
            }
            None if self.concerned == 0 => (Outcome::Vacuous, "no note of this run says anything about it".to_owned()),
            None if !complete => {
                (Outcome::Unknown, format!("kept in {} notes, and others are missing", self.concerned))
            }
            None => (Outcome::Valid, format!("kept in {} notes", self.concerned)),
        };
        let broken = self.broken.as_ref().filter(|_| outcome == Outcome::Invalid);
        Property {
            name: rule.name.to_owned(),
            judged: true,
            outcome,
            summary,
            route: None,
            counterexample: broken.map(|broken| broken.counterexample(&rule)),
            suspects: Vec::new(),
            figures: Map::from_iter([("notes".to_owned(), self.concerned.into())]),
        }
    }
}

impl std::fmt::Debug for Invariant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, broken) = (self.fold.rule().name, &self.broken);
        f.debug_struct("Invariant").field("name", &name).field("broken", broken).finish_non_exhaustive()
    }
}

impl Violation {
    /// The notes in the order of their times, and the theorem.
    fn counterexample(&self, rule: &Rule) -> Counterexample {
        let mut evidence = self.evidence.clone();
        evidence.sort_by_key(|evidence| evidence.maker.time);
        evidence.truncate(EVIDENCE_MAX);
        let notes = evidence.iter().map(|Evidence { maker, did }| format!("{maker} {did}"));
        let because = notes.chain([format!("{} ({})", rule.theorem, rule.source)]).collect();
        let moments = evidence.iter().map(|Evidence { maker, did }| Moment {
            who: maker.node.to_string(),
            at: maker.time,
            did: did.clone(),
        });
        Counterexample { because, moments: moments.collect(), ..Counterexample::default() }
    }
}
