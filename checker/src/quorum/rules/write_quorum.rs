//! **QW, write quorum**: a write that is answered with `ok` was acknowledged by W different home replicas in its store phase, for
//! the tag that it has in the end, before the answer (Gifford 1979). Whoever counts an acknowledgement twice, or one of another
//! attempt, has written to fewer.

use super::super::case::{Answered, Case};
use super::super::evidence::PhaseKind;
use super::super::tally::Tally;
use super::shared::{counted_too_few, missing};

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>) {
    if !answered.kind().writes() {
        return;
    }
    let Some(phase) = case.phase(answered, PhaseKind::Store) else {
        return missing(tally, case, answered, PhaseKind::Store);
    };
    let tag = answered.answer.tag;
    let counted = case.count(phase, |backed| backed.reply.tag.is_none() || backed.reply.tag >= tag);
    counted_too_few(tally, case, answered, (phase, counted), case.promises.quorums.w);
}
