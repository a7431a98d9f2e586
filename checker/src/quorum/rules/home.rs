//! **QH, home replicas**: every reply that a coordinator counts is of one of the key's home replicas. One of somebody else counts
//! toward a number and not toward an intersection: a read that asks the home replicas need not meet it. With sloppy quorums that is
//! what was asked for, and what became of the hints is told with the repairs (`DeCandia` and others 2007).

use super::super::case::{Answered, Case};
use super::super::evidence::PhaseKind;
use super::super::tally::{Finding, Tally};
use super::shared::phase_told;

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>) {
    let phases = case.evidence.phases_of(answered.op).iter();
    for phase in phases.filter(|phase| phase.kind != PhaseKind::Repair) {
        let Some(stranger) = case.replies(phase).find(|backed| !backed.at_home) else {
            tally.kept();
            continue;
        };
        tally.broken(|| {
            let evidence = case.evidence;
            let name = evidence.nodes.name(stranger.reply.replica);
            let place = stranger
                .reply
                .stands_for
                .map_or_else(String::new, |absent| format!(" in place of {}", evidence.nodes.name(absent)));
            let home = evidence.names(evidence.home(phase).iter().copied());
            let key = evidence.keys.name(phase.key);
            Finding {
                what: format!(
                    "{} counted {name}{place}, and the home replicas of key {key} are {home}",
                    case.operation(answered)
                ),
                cause: None,
                key: Some(evidence.keys.shared(phase.key)),
                events: phase_told(case, answered, phase),
            }
        });
    }
}
