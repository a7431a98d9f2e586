//! Why a read was stale, one of four: the quorums did not intersect; the witness in the intersection lied, its reply older than what it
//! had acknowledged; the coordinator ignored a reply that was new enough; or the tags were inverted, and everybody was honest.
//!
//! A witness's lie is told by its own notes between its acknowledgement of the write and its reply to the read: what made it have
//! less. Only where the evidence lacks the phases or the replies that this takes is the cause unknown.

use super::case::{Backed, Case};
use super::evidence::{Deed, Event, Phase, PhaseKind};
use super::replicas::{How, Loss, Made};
use super::rules::fresh_reads::stale_told;
use super::seen::{Read, Write};
use super::tag::told;
use super::tally::{Finding, Told};
use super::words;

/// Why a read was stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No home replica both acknowledged the write and replied to the read.
    NoIntersection,
    /// One did, and its reply was older than what it had acknowledged.
    WitnessLied(Lie),
    /// A reply was new enough, and the coordinator returned something older.
    CoordinatorLied,
    /// The write has a lower tag than one that was done before it began.
    TagInverted,
    /// The evidence does not say.
    Unknown,
}

/// What became of the version at the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Its disk was wiped, and it answered with what it had then.
    Amnesia,
    /// It stored something older, or answered with less than it had.
    Regress,
    /// It had acknowledged what it had not stored, or not durably.
    LostWrite,
    /// Repair overwrote it.
    RepairRace,
}

impl Lie {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Lie::Amnesia => "amnesia",
            Lie::Regress => "regress",
            Lie::LostWrite => "lost write",
            Lie::RepairRace => "repair race",
        }
    }
}

/// A stale read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stale<'s> {
    pub(super) read: &'s Read,
    /// What it missed.
    pub(super) write: &'s Write,
    /// The write's tag is not higher than that of the version that was returned.
    pub(super) inverted: bool,
}

/// The witness in the intersection with its two replies, and what it lost between them.
struct Witness<'c> {
    acked: &'c Made,
    served: &'c Made,
    loss: Option<&'c Loss>,
}

/// Why a read was stale.
pub(super) fn of(case: &Case<'_>, key: u32, stale: &Stale<'_>) -> Cause {
    if stale.inverted {
        return Cause::TagInverted;
    }
    let (Some(acked), Some(replied), Some(query)) = (stale.write.acked, stale.read.replied, query(case, stale.read))
    else {
        return Cause::Unknown;
    };
    let meet = acked.and(replied);
    if meet.is_empty() {
        return Cause::NoIntersection;
    }
    if ignored(case, query, stale.write).is_some() {
        return Cause::CoordinatorLied;
    }
    witness(case, key, query, stale).map_or(Cause::Unknown, |witness| Cause::WitnessLied(witness.lie(case)))
}

/// The query phase of a read.
fn query<'c>(case: &Case<'c>, read: &Read) -> Option<&'c Phase> {
    case.evidence.phases_of(read.op).iter().rfind(|phase| phase.kind == PhaseKind::Query)
}

/// A reply that was new enough: as the coordinator itself logged it, or as its replica did, where the coordinator logged another one.
fn ignored<'c>(case: &Case<'c>, query: &'c Phase, write: &Write) -> Option<Backed<'c>> {
    case.replies(query).find(|backed| {
        let misread = !backed.is_backed() && backed.made.is_some_and(|made| made.tag >= Some(write.tag));
        backed.reply.tag >= Some(write.tag) || misread
    })
}

/// Somebody who acknowledged the write and answered the query with less.
fn witness<'c>(case: &Case<'c>, key: u32, query: &'c Phase, stale: &Stale<'_>) -> Option<Witness<'c>> {
    let acks = case.walked.made_for(stale.write.op);
    let acked_by = |node: u32| acks.iter().find(|made| made.acknowledges && made.at.node == node);
    let meet = stale.write.acked?;
    let at_meeting = |backed: &Backed<'_>| {
        let place = case.place(backed.reply.replica);
        backed.at_home && place.is_some_and(|place| meet.0 >> place & 1 == 1)
    };
    case.replies(query).filter(at_meeting).find_map(|backed| {
        let served = backed.made?;
        let acked = acked_by(backed.reply.replica)?;
        let loss = case.walked.loss(served.at.node, key, (acked.at.order, served.at.order), stale.write.tag);
        Some(Witness { acked, served, loss })
    })
}

impl Witness<'_> {
    fn lie(&self, case: &Case<'_>) -> Lie {
        match self.loss.map(|loss| (loss.how, loss.at.node)) {
            Some((How::Wiped, _)) => Lie::Amnesia,
            Some((How::Restarted, _)) => Lie::LostWrite,
            Some((How::Overwritten(place), node)) => match overwriting(case, node, place).map(|event| event.deed) {
                Some(Deed::Stored { origin, .. }) if origin.is_repair() => Lie::RepairRace,
                _ => Lie::Regress,
            },
            None if self.acked.durable < self.acked.tag => Lie::LostWrite,
            None => Lie::Regress,
        }
    }

    /// What the witness did, from its acknowledgement to its reply.
    fn told(&self, case: &Case<'_>) -> Vec<Told> {
        let evidence = case.evidence;
        let told_at = |made: &Made| {
            let events = &evidence.replicas[made.at.node as usize];
            let place = events.partition_point(|event| event.at.order < made.at.order);
            events.get(place).map(|event| evidence.told(event.at, words::did(evidence, event)))
        };
        let lost = self.loss.map(|loss| {
            let did = match loss.how {
                How::Overwritten(place) => {
                    overwriting(case, loss.at.node, place).map(|event| words::did(evidence, event))
                }
                How::Restarted => {
                    Some(format!("started again with {} where it had {}", told(loss.to), told(loss.from)))
                }
                How::Wiped => Some(format!("began a life without its disk, on which it had {}", told(loss.from))),
            };
            evidence.told(loss.at, did.unwrap_or_default())
        });
        let stored =
            self.acked.stored.map(|at| evidence.told(at, "stored a version of it, the last before it acknowledged"));
        stored.into_iter().chain(told_at(self.acked)).chain(lost).chain(told_at(self.served)).collect()
    }
}

fn overwriting<'c>(case: &Case<'c>, node: u32, place: u32) -> Option<&'c Event> {
    case.evidence.replicas.get(node as usize)?.get(place as usize)
}

/// A stale read with its witness.
pub(super) fn finding(case: &Case<'_>, key: u32, missed: &Stale<'_>, reason: Cause) -> Finding {
    let evidence = case.evidence;
    let (read, write) = (evidence.ops.name(missed.read.op), evidence.ops.name(missed.write.op));
    let mut events = stale_told(case, missed);
    let query = query(case, missed.read);
    let why = match reason {
        Cause::NoIntersection => {
            let names = |set: Option<_>| set.map_or_else(String::new, |set| case.names(set));
            let (acked, replied) = (names(missed.write.acked), names(missed.read.replied));
            format!("NO_INTERSECTION: {acked} acknowledged the write, and {replied} replied to the read")
        }
        Cause::CoordinatorLied => {
            let reply = query.and_then(|query| ignored(case, query, missed.write));
            let name = reply.map_or("", |backed| evidence.nodes.name(backed.reply.replica));
            if let Some(query) = query {
                let chose = format!("chose {} for {read}", told(query.tag));
                events.push(evidence.told(query.at, chose));
            }
            events.extend(
                reply.and_then(|backed| backed.made).map(|made| {
                    evidence.told(made.at, format!("answered the query of {read} with {}", told(made.said)))
                }),
            );
            format!("COORDINATOR_LIED: the reply of {name} was new enough and was ignored")
        }
        Cause::WitnessLied(lie) => {
            let witness = query.and_then(|query| witness(case, key, query, missed));
            let name = witness.as_ref().map_or("", |witness| evidence.nodes.name(witness.served.at.node));
            events.extend(witness.iter().flat_map(|witness| witness.told(case)));
            format!("WITNESS_LIED ({}): {name} acknowledged the write and answered with something older", lie.as_str())
        }
        Cause::TagInverted => format!("TAG_INVERTED: that write has the tag {}, which is lower", missed.write.tag),
        Cause::Unknown => "why, the evidence does not say".to_owned(),
    };
    let what = format!(
        "the read {read} returned {} although the write {write} with the tag {} was done before it began; {why}",
        told(missed.read.tag),
        missed.write.tag
    );
    Finding { what, cause: Some(reason), key: Some(evidence.keys.shared(key)), events }
}
