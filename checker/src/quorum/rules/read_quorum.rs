//! **QR, read quorum**: an operation that is answered with `ok` has the answers of R different home replicas to its query: a read, and
//! a write that asks for the newest tag before it takes its own (Gifford 1979; Lynch and Shvartsman 1997).

use super::super::case::{Answered, Case};
use super::super::evidence::PhaseKind;
use super::super::tally::Tally;
use super::shared::{counted_too_few, missing};

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, answered: &Answered<'_>) {
    match case.phase(answered, PhaseKind::Query) {
        Some(phase) => {
            let counted = case.count(phase, |_| true);
            counted_too_few(tally, case, answered, (phase, counted), case.promises.quorums.r);
        }
        None if answered.kind().writes() && !case.promises.queries_before_writes => {}
        None => missing(tally, case, answered, PhaseKind::Query),
    }
}
