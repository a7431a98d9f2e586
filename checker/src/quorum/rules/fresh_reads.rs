//! **QF, fresh reads**: a read returns no version that was overwritten before the read began: its tag is at least the highest among
//! the writes that were finished before it, and the write that it returns is not followed by another finished one before the read
//! (regularity of many writers, judged on tags; the second half is what tags that do not respect real time break).
//!
//! A sweep in the order of real time with the highest tag so far and the latest begin of a finished write so far.

use super::super::case::Case;
use super::super::causes::{self, Stale};
use super::super::seen::{Read, Seen, Step, Write};
use super::super::statistics::Staleness;
use super::super::tally::Tally;
use super::super::{Cause, Told};

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, seen: &Seen, staleness: &mut Staleness) {
    // The finished write with the highest tag, and the one that began last.
    let (mut newest, mut latest): (Option<&Write>, Option<&Write>) = (None, None);
    let mut by_tag: Vec<&Write> = seen.writes.iter().collect();
    by_tag.sort_unstable_by_key(|write| write.tag);
    for step in seen.steps() {
        match step {
            Step::Finished(write) => {
                if newest.is_none_or(|newest| newest.tag < write.tag) {
                    newest = Some(write);
                }
                if latest.is_none_or(|latest| latest.client.invoked < write.client.invoked) {
                    latest = Some(write);
                }
            }
            Step::Begins(read) => {
                staleness.reads += 1;
                let missed = newest.filter(|newest| read.tag < Some(newest.tag));
                let overwritten = missed.is_none().then(|| overwritten(&by_tag, read, latest)).flatten();
                match missed.map(|write| (write, false)).or(overwritten.map(|write| (write, true))) {
                    None if newest.is_none() => {}
                    None => tally.kept(),
                    Some((write, inverted)) => stale(tally, case, seen, &Stale { read, write, inverted }, staleness),
                }
            }
        }
    }
}

/// The finished write that began after the write that is returned was done, if there is one.
fn overwritten<'s>(by_tag: &[&'s Write], read: &Read, latest: Option<&'s Write>) -> Option<&'s Write> {
    let (tag, latest) = (read.tag?, latest?);
    let place = by_tag.binary_search_by_key(&tag, |write| write.tag).ok()?;
    (by_tag[place].client.completed < latest.client.invoked).then_some(latest)
}

fn stale(tally: &mut Tally, case: &Case<'_>, seen: &Seen, missed: &Stale<'_>, staleness: &mut Staleness) {
    let reason = causes::of(case, seen.key, missed);
    *staleness.causes.entry(reason.as_str()).or_default() += 1;
    tally.broken(|| causes::finding(case, seen.key, missed, reason));
}

impl Cause {
    /// Its word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::NoIntersection => "NO_INTERSECTION",
            Cause::WitnessLied(_) => "WITNESS_LIED",
            Cause::CoordinatorLied => "COORDINATOR_LIED",
            Cause::TagInverted => "TAG_INVERTED",
            Cause::Unknown => "UNKNOWN",
        }
    }
}

/// The read of a finding and the write that it missed.
pub(in super::super) fn stale_told(case: &Case<'_>, stale: &Stale<'_>) -> Vec<Told> {
    let mut events = super::quorums_meet::write_told(case.evidence, stale.write, "");
    events.extend(super::quorums_meet::read_told(case.evidence, stale.read, ""));
    events
}
