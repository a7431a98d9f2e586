//! Whether the evidence can be relied upon: phases that an answer presupposes, replies of nodes that exist and that noted them,
//! numbers without gaps. What is wrong with it is told, and what depends on it is then unknown, never kept.

use super::case::{Answered, Case};
use super::evidence::{Defects, NONE, Phase, PhaseKind};
use super::tag::told;

/// Looks for what is wrong, besides what was found while notes were read.
pub(super) fn examine(case: &Case<'_>, defects: &mut Defects) {
    for answered in case.answered() {
        phases(case, &answered, defects);
        for phase in case.evidence.phases_of(answered.op) {
            replies(case, phase, defects);
        }
    }
    for (op, operation) in (0..).zip(&case.evidence.operations) {
        if operation.client.is_some() && operation.answer.is_none() {
            let name = case.evidence.ops.name(op);
            defects.add(None, || format!("a client was answered {name}, and no note tells of that answer"));
        }
    }
}

/// The phases that the answer presupposes.
fn phases(case: &Case<'_>, answered: &Answered<'_>, defects: &mut Defects) {
    let lacks = |kind: PhaseKind| case.phase(answered, kind).is_none();
    let kind = answered.kind();
    let mut missing = |kind: PhaseKind| {
        let operation = case.operation(answered);
        defects.add(Some(answered.answer.at), || {
            format!("{operation} was answered, and no note tells of its {} phase", kind.as_str())
        });
    };
    if kind.writes() && lacks(PhaseKind::Store) {
        missing(PhaseKind::Store);
    }
    if (case.promises.queries_before_writes || !kind.writes()) && lacks(PhaseKind::Query) {
        missing(PhaseKind::Query);
    }
    if kind.writes() && answered.answer.tag.is_none() {
        let operation = case.operation(answered);
        defects.add(Some(answered.answer.at), || format!("{operation} was answered without a tag"));
    }
}

/// Who replied to a phase.
fn replies(case: &Case<'_>, phase: &Phase, defects: &mut Defects) {
    let evidence = case.evidence;
    let op = evidence.ops.name(phase.op);
    let home = evidence.home(phase);
    if home.len() != case.promises.quorums.n as usize && phase.key != NONE {
        defects.add(Some(phase.at), || {
            format!("{op} names {} home replicas, and a key has {}", home.len(), case.promises.quorums.n)
        });
    }
    if let Some(stranger) = home.iter().find(|node| case.place(**node).is_none()) {
        defects.add(Some(phase.at), || {
            format!("{op} names a home replica {}, which is unknown", evidence.nodes.name(*stranger))
        });
    }
    let phases = evidence.phases_of(phase.op).iter();
    let Some(phase) = phases.into_iter().find(|other| other.at == phase.at) else { return };
    for backed in case.replies(phase) {
        let (name, reply) = (evidence.nodes.name(backed.reply.replica), backed.reply);
        if case.place(reply.replica).is_none() {
            defects.add(Some(phase.at), || format!("{op} counted a reply of {name}, which is unknown"));
        } else if backed.made.is_none() && reply.stands_for.is_none() {
            let (life, phase_name) = (reply.life, phase.kind.as_str());
            defects.add(Some(phase.at), || {
                format!(
                    "{op} counted a reply of {name} in its life {life} to its {phase_name} phase, and {name} noted none"
                )
            });
        } else if !backed.is_backed() {
            let said = backed.made.and_then(|made| made.said);
            defects.add(Some(phase.at), || {
                format!(
                    "{op} counted a reply of {name} with {}, and {name} noted one with {}",
                    told(reply.tag),
                    told(said)
                )
            });
        }
    }
}
