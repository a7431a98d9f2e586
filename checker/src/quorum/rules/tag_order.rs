//! **QO, tag order**: of two finished writes of a key of which one was done before the other began, the later one has the higher tag
//! (Lynch and Shvartsman 1997). Where it has not, it loses to the earlier one, and reads are stale although quorums meet and everybody
//! is honest.
//!
//! The highest tag among all writes that were done before is enough to compare with: a sweep in the order of real time.

use super::super::case::Case;
use super::super::seen::{Seen, Write};
use super::super::tally::{Finding, Tally};
use super::quorums_meet::write_told;

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, seen: &Seen) {
    let mut by_begin: Vec<&Write> = seen.writes.iter().collect();
    by_begin.sort_unstable_by_key(|write| write.client.invoked);
    let mut done = seen.writes.iter().peekable();
    let mut newest: Option<&Write> = None;
    for write in by_begin {
        while let Some(earlier) = done.next_if(|earlier| earlier.client.completed < write.client.invoked) {
            if newest.is_none_or(|newest| newest.tag < earlier.tag) {
                newest = Some(earlier);
            }
        }
        match newest {
            None => {}
            Some(newest) if newest.tag < write.tag => tally.kept(),
            Some(newest) => tally.broken(|| inverted(case, seen.key, newest, write)),
        }
    }
}

fn inverted(case: &Case<'_>, key: u32, earlier: &Write, later: &Write) -> Finding {
    let evidence = case.evidence;
    let (one, other) = (evidence.ops.name(earlier.op), evidence.ops.name(later.op));
    let what = format!(
        "the write {one} was done before the write {other} began, and has the tag {} where that has {}",
        earlier.tag, later.tag
    );
    let events = [write_told(evidence, earlier, ""), write_told(evidence, later, "")].concat();
    Finding { what, cause: Some(super::super::Cause::TagInverted), key: Some(evidence.keys.shared(key)), events }
}
