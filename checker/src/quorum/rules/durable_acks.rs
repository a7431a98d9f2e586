//! **QD, durable acknowledgements**: when a replica acknowledges a version, or answers a query with one, then that version or a newer
//! one is on its stable storage, in that life of it. A version that was acknowledged before is lost by a power loss, and the quorum
//! that counted it with it.
//!
//! A replica's notes of one life stand in its own order, so that what had been stored before a reply is known unless a note is
//! missing.

use super::super::case::{Answered, Backed, Case};
use super::super::evidence::Phase;
use super::super::tag::told;
use super::super::tally::{Finding, Tally};
use super::shared::{answer_told, made_told};

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>) {
    for phase in case.evidence.phases_of(answered.op) {
        for backed in case.replies(phase) {
            if backed.reply.stands_for.is_none() {
                reply(tally, case, answered, phase, &backed);
            }
        }
    }
}

fn reply(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>, phase: &Phase, backed: &Backed<'_>) {
    let Some(made) = backed.made else { return };
    if made.durable >= made.tag {
        return tally.kept();
    }
    let evidence = case.evidence;
    let (name, key) = (evidence.nodes.name(made.at.node), evidence.keys.name(phase.key));
    if !evidence.is_complete(made.at.node, made.at.life) {
        return tally
            .unsure(|| format!("notes of {name} are missing, which may tell that it had stored what it replied"));
    }
    tally.broken(|| {
        let has = told(made.durable);
        let did = if made.acknowledges { "acknowledged" } else { "answered a query with" };
        let stored = made
            .stored
            .map(|at| evidence.told(at, format!("stored a version of key {key}, the last before its reply")));
        Finding {
            what: format!("{name} {did} {} of key {key} and had {has} on its stable storage", told(made.tag)),
            cause: None,
            key: Some(evidence.keys.shared(phase.key)),
            events: stored.into_iter().chain(made_told(case, backed)).chain([answer_told(case, answered)]).collect(),
        }
    });
}
