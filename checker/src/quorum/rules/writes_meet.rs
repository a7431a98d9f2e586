//! **QWW, write quorums meet**: with W > N / 2 any two finished writes of a key were acknowledged by a replica in common (Gifford 1979).
//! Who reads version numbers from write quorums needs it; who asks R replicas for the newest tag does not.
//!
//! Writes that were acknowledged by the same set are one, so that the few different sets are compared.

use std::collections::BTreeMap;

use super::super::case::{Case, Set};
use super::super::seen::{Seen, Write};
use super::super::tally::{Finding, Tally};
use super::quorums_meet::write_told;

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, seen: &Seen) {
    let mut by_set: BTreeMap<Set, &Write> = BTreeMap::new();
    for write in &seen.writes {
        let Some(acked) = write.acked else {
            tally.unsure(|| format!("no note tells who acknowledged the write {}", case.evidence.ops.name(write.op)));
            continue;
        };
        // A set that was seen before meets whatever it met then.
        let apart = if by_set.contains_key(&acked) {
            None
        } else {
            by_set.iter().find(|(other, _)| other.and(acked).is_empty())
        };
        match apart {
            Some((&other, earlier)) => tally.broken(|| finding(case, seen.key, (earlier, other), (write, acked))),
            None => tally.kept(),
        }
        by_set.entry(acked).or_insert(write);
    }
}

fn finding(case: &Case<'_>, key: u32, (one, by_one): (&Write, Set), (other, by_other): (&Write, Set)) -> Finding {
    let evidence = case.evidence;
    let (by_one, by_other) = (case.names(by_one), case.names(by_other));
    let mut events = write_told(evidence, one, &format!(", acknowledged by {by_one}"));
    events.extend(write_told(evidence, other, &format!(", acknowledged by {by_other}")));
    let (one, other) = (evidence.ops.name(one.op), evidence.ops.name(other.op));
    Finding {
        what: format!(
            "{by_one} acknowledged the write {one}, and {by_other} the write {other}: none acknowledged both"
        ),
        cause: None,
        key: Some(evidence.keys.shared(key)),
        events,
    }
}
