//! What several rules say in the same words.

use super::super::case::{Answered, Backed, Case, Counted, Set};
use super::super::evidence::{Phase, PhaseKind};
use super::super::tag::told;
use super::super::tally::{Finding, Tally, Told};
use super::super::{WITNESS_MAX, words};

/// The evidence lacks a phase.
pub(super) fn missing(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>, kind: PhaseKind) {
    tally.unsure(|| format!("no note tells of the {} phase of {}", kind.as_str(), case.operation(answered)));
}

/// Whether a phase counted `need` different home replicas.
pub(super) fn counted_too_few<'c>(
    tally: &mut Tally,
    case: &Case<'c>,
    answered: &Answered<'_>,
    (phase, counted): (&'c Phase, Counted),
    need: u32,
) {
    if counted.backed.len() >= need {
        return tally.kept();
    }
    let operation = case.operation(answered);
    if counted.claimed.len() >= need {
        let unbacked = case.names(Set(counted.claimed.0 & !counted.backed.0));
        return tally.unsure(|| format!("no note of {unbacked} bears out what {operation} counted"));
    }
    tally.broken(|| Finding {
        what: format!(
            "{operation} was answered with the replies of {} to its {} phase, and needs {need} home replicas",
            case.names(counted.claimed),
            phase.kind.as_str()
        ),
        cause: None,
        key: Some(case.evidence.keys.shared(phase.key)),
        events: phase_told(case, answered, phase),
    });
}

/// A phase with the notes of those that it counted, and the answer.
pub(super) fn phase_told<'c>(case: &Case<'c>, answered: &Answered<'_>, phase: &'c Phase) -> Vec<Told> {
    let evidence = case.evidence;
    let made = case.replies(phase).filter_map(|backed| made_told(case, &backed));
    let mut events: Vec<Told> = made.take(WITNESS_MAX - 2).collect();
    let counted: Vec<String> =
        evidence.replies_of(phase).iter().map(|reply| evidence.nodes.name(reply.replica).to_owned()).collect();
    let did = format!(
        "took the {} phase of {} for decided with the replies {}",
        phase.kind.as_str(),
        case.operation(answered),
        counted.join(", ")
    );
    events.push(evidence.told(phase.at, did));
    events.push(answer_told(case, answered));
    events
}

/// The answer of a coordinator.
pub(super) fn answer_told(case: &Case<'_>, answered: &Answered<'_>) -> Told {
    let (key, tag) = (case.evidence.keys.name(answered.operation.key), told(answered.answer.tag));
    case.evidence.told(answered.answer.at, format!("answered {} with {tag} of key {key}", case.operation(answered)))
}

/// The note with which a replica made a reply.
pub(super) fn made_told(case: &Case<'_>, backed: &Backed<'_>) -> Option<Told> {
    let made = backed.made?;
    let events = case.evidence.replicas.get(made.at.node as usize)?;
    let place = events.partition_point(|event| event.at.order < made.at.order);
    let event = events.get(place).filter(|event| event.at == made.at)?;
    Some(case.evidence.told(event.at, words::did(case.evidence, event)))
}
