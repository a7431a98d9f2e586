//! What the rules about operations ask of the evidence: which replicas an operation's phase counted, each once, and whether their
//! own notes bear that out.

use super::Promises;
use super::evidence::{Answer, Client, Evidence, Kind, Operation, Outcome, Phase, PhaseKind, Reply};
use super::replicas::{Made, Walked};
use super::tag::Tag;

/// A set of replicas, of which there are at most 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Set(pub(super) u64);

impl Set {
    pub(super) fn len(self) -> u32 {
        self.0.count_ones()
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn and(self, other: Set) -> Set {
        Set(self.0 & other.0)
    }

    pub(super) fn or(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    /// The places of its members, in ascending order.
    pub(super) fn places(self) -> impl Iterator<Item = u32> {
        (0..u64::BITS).filter(move |place| self.0 >> place & 1 == 1)
    }
}

/// Evidence with what its configuration promises and what its replicas did.
pub(super) struct Case<'c> {
    pub(super) evidence: &'c Evidence,
    pub(super) promises: &'c Promises,
    pub(super) walked: &'c Walked,
    /// By the number of a node: its place among the promised nodes.
    places: Vec<Option<u32>>,
    /// By that place: its number.
    numbers: Vec<u32>,
}

/// A reply that was counted, with the note of whoever made it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backed<'c> {
    pub(super) reply: Reply,
    /// Whether the replica is one of the key's home replicas.
    pub(super) at_home: bool,
    pub(super) made: Option<&'c Made>,
}

/// Who was counted in a phase, each replica once and home replicas alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    /// As the coordinator says.
    pub(super) claimed: Set,
    /// Those whose own notes bear that out.
    pub(super) backed: Set,
}

/// An operation that its coordinator answered with `ok`.
#[derive(Clone, Copy)]
pub(super) struct Answered<'c> {
    pub(super) op: u32,
    pub(super) operation: &'c Operation,
    pub(super) answer: Answer,
}

impl Backed<'_> {
    /// What the reply counts as: as the coordinator counted it, or what a tombstone was that the replica had collected.
    pub(super) fn tag(&self) -> Option<Tag> {
        self.reply.tag.or_else(|| self.made.and_then(|made| made.tag))
    }

    /// Whether the replica noted that it made this very reply.
    pub(super) fn is_backed(&self) -> bool {
        self.made.is_some_and(|made| made.acknowledges || made.said == self.reply.tag)
            || self.reply.stands_for.is_some()
    }
}

impl<'c> Case<'c> {
    pub(super) fn new(evidence: &'c Evidence, promises: &'c Promises, walked: &'c Walked) -> Self {
        let mut places = vec![None; evidence.nodes.len()];
        let mut numbers = Vec::new();
        for (place, name) in (0..u64::BITS).zip(&promises.nodes) {
            let number = evidence.nodes.known(name);
            if let Some(number) = number {
                places[number as usize] = Some(place);
            }
            numbers.push(number.unwrap_or(u32::MAX));
        }
        Case { evidence, promises, walked, places, numbers }
    }

    /// The place of a node among the promised ones; none for a stranger.
    pub(super) fn place(&self, node: u32) -> Option<u32> {
        self.places.get(node as usize).copied().flatten()
    }

    /// `n1, n2 and n3`.
    pub(super) fn names(&self, set: Set) -> String {
        self.evidence.names(set.places().map(|place| self.number(place)))
    }

    /// The number of the node at a place.
    pub(super) fn number(&self, place: u32) -> u32 {
        self.numbers.get(place as usize).copied().unwrap_or(u32::MAX)
    }

    /// All operations that were answered with `ok`.
    pub(super) fn answered(&self) -> impl Iterator<Item = Answered<'c>> {
        let operations = (0..).zip(&self.evidence.operations);
        operations.filter_map(|(op, operation)| {
            let answer = operation.answer.filter(|answer| answer.outcome == Outcome::Ok)?;
            Some(Answered { op, operation, answer })
        })
    }

    /// The last phase of this kind that was decided before the answer; of one that stores, one that stored what was answered.
    pub(super) fn phase(&self, answered: &Answered<'_>, kind: PhaseKind) -> Option<&'c Phase> {
        let phases = self.evidence.phases_of(answered.op).iter();
        let mut phases = phases.filter(|phase| phase.kind == kind && phase.at.order < answered.answer.at.order);
        phases.rfind(|phase| kind == PhaseKind::Query || phase.tag == answered.answer.tag)
    }

    /// The replies that a phase counted, each with the note of whoever made it.
    pub(super) fn replies(&self, phase: &'c Phase) -> impl Iterator<Item = Backed<'c>> {
        let (home, made) = (self.evidence.home(phase), self.walked.made_for(phase.op));
        let acknowledges = phase.kind != PhaseKind::Query;
        self.evidence.replies_of(phase).iter().map(move |&reply| {
            let of_it = |made: &&Made| {
                (made.at.node, made.at.life, made.acknowledges) == (reply.replica, reply.life, acknowledges)
            };
            // Who answered the query with what is then stored at others need not be asked again.
            let has_it = |made: &&Made| {
                let later = matches!(phase.kind, PhaseKind::WriteBack | PhaseKind::Repair);
                later && (made.at.node, made.at.life) == (reply.replica, reply.life) && made.tag >= phase.tag
            };
            let same = made.iter().filter(of_it).find(|made| made.said == reply.tag);
            let made = same.or_else(|| made.iter().rfind(of_it)).or_else(|| made.iter().find(has_it));
            let at_home = reply.stands_for.is_none() && home.binary_search(&reply.replica).is_ok();
            Backed { reply, at_home, made }
        })
    }

    /// The home replicas that a phase counted and whose reply `counts`.
    pub(super) fn count(&self, phase: &'c Phase, counts: impl Fn(&Backed<'_>) -> bool) -> Counted {
        let mut counted = Counted::default();
        for backed in self.replies(phase).filter(|backed| backed.at_home && counts(backed)) {
            if let Some(place) = self.place(backed.reply.replica) {
                counted.claimed.0 |= 1 << place;
                counted.backed.0 |= u64::from(backed.is_backed()) << place;
            }
        }
        counted
    }

    /// The home replicas that acknowledged what a write wrote, as far as its coordinator knew when it answered.
    pub(super) fn acknowledged(&self, answered: &Answered<'_>) -> Option<Counted> {
        let phase = self.phase(answered, PhaseKind::Store)?;
        let tag = answered.answer.tag;
        Some(self.count(phase, |backed| backed.reply.tag.is_none() || backed.reply.tag >= tag))
    }

    /// The home replicas that answered the query of an operation.
    pub(super) fn replied(&self, answered: &Answered<'_>) -> Option<Counted> {
        Some(self.count(self.phase(answered, PhaseKind::Query)?, |_| true))
    }

    /// `the write n1.1.17`.
    pub(super) fn operation(&self, answered: &Answered<'_>) -> String {
        format!("the {} {}", answered.operation.kind.as_str(), self.evidence.ops.name(answered.op))
    }
}

impl Answered<'_> {
    pub(super) fn kind(&self) -> Kind {
        self.operation.kind
    }

    pub(super) fn client(&self) -> Option<Client> {
        self.operation.client
    }
}
