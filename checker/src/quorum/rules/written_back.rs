//! **QB, written back**: when a read returns a version, that version or a newer one is on N − R + 1 different home replicas, as
//! answers to its query or acknowledgements of its write-back tell. With replicas that never go back, every later read quorum then
//! meets one of them, and no later read is older; with one replica less, one may be. So a violation is a *latent* inversion, found on
//! the first read, whether or not anybody saw one (Attiya, Bar-Noy and Dolev 1995).
//!
//! Only what is on stable storage counts, and only what was counted before the answer.

use super::super::case::{Answered, Case, Counted, Set};
use super::super::evidence::{Kind, Phase, PhaseKind};
use super::super::tag::Tag;
use super::super::tally::{Finding, Tally};
use super::shared::{answer_told, missing, phase_told};

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>) {
    let (Kind::Read, Some(tag)) = (answered.kind(), answered.answer.tag) else { return };
    let Some(query) = case.phase(answered, PhaseKind::Query) else {
        return missing(tally, case, answered, PhaseKind::Query);
    };
    let writeback = case.phase(answered, PhaseKind::WriteBack);
    let on_query = having(case, query, tag);
    let repair = case.phase(answered, PhaseKind::Repair);
    let stores = [writeback, repair].into_iter().flatten().map(|phase| having(case, phase, tag));
    let on_store = stores.fold(Counted::default(), |one, other| Counted {
        claimed: one.claimed.or(other.claimed),
        backed: one.backed.or(other.backed),
    });
    let (claimed, backed) = (on_query.claimed.or(on_store.claimed), on_query.backed.or(on_store.backed));
    let need = case.promises.quorums.threshold();
    if backed.len() >= need {
        return tally.kept();
    }
    if claimed.len() >= need {
        let unbacked = case.names(Set(claimed.0 & !backed.0));
        return tally.unsure(|| format!("no note of {unbacked} bears out what {} counted", case.operation(answered)));
    }
    tally.broken(|| {
        let mut events = phase_told(case, answered, query);
        if let Some(writeback) = writeback {
            events.pop();
            events.extend(phase_told(case, answered, writeback).into_iter().rev().take(4));
        }
        // The answer has to be among those that are told.
        events.truncate(super::super::WITNESS_MAX - 1);
        events.push(answer_told(case, answered));
        events.dedup();
        let key = case.evidence.keys.name(query.key);
        Finding {
            what: format!(
                "{} returned the tag {tag} of key {key} when it was known to be on {}, and {need} replicas need it",
                case.operation(answered),
                case.names(claimed)
            ),
            cause: None,
            key: Some(case.evidence.keys.shared(query.key)),
            events,
        }
    });
}

/// Who had a tag or a newer one, durably, as the replies to a phase tell.
fn having<'c>(case: &Case<'c>, phase: &'c Phase, tag: Tag) -> Counted {
    let acknowledges = phase.kind != PhaseKind::Query;
    case.count(phase, |backed| {
        let has = backed.tag() >= Some(tag) || (acknowledges && backed.tag().is_none());
        has && backed.made.is_none_or(|made| made.durable >= Some(tag))
    })
}
