//! **DUR, copies survive**: while at most W − 1 of a key's home replicas lost all that they had stored, the newest finished write is on the
//! stable storage of some home replica, or a newer version is: W acknowledged it durably, and W − 1 cannot take all of them away.
//! With more losses it is measured: nothing promises it.
//!
//! A replica that is down keeps what it has; one whose disk was wiped has nothing from its next life on. In the end what the replicas say
//! that they hold counts.

use super::super::case::Case;
use super::super::evidence::At;
use super::super::replicas::Change;
use super::super::seen::{Seen, Write};
use super::super::tag::{Tag, told};
use super::super::tally::{Finding, Tally};

/// What happens to the copies of a key, in the order of time.
#[derive(Clone, Copy)]
enum Moment<'m> {
    Change(&'m Change),
    Finished(&'m Write, At),
}

impl Moment<'_> {
    /// Between nodes times order; what has the same time stands in the order in which it was told.
    fn place(&self) -> (u64, u32) {
        let (Moment::Change(Change { at, .. }) | Moment::Finished(_, at)) = self;
        (at.time, at.order)
    }
}

/// The fewest copies that a newest finished write had at any time; nothing where there is none.
pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, seen: &[Seen], fewest: &mut Option<u32>) {
    let mut changes: Vec<&Change> = case.walked.changes.iter().collect();
    changes.sort_unstable_by_key(|change| change.key);
    for seen in seen.iter().filter(|seen| !seen.writes.is_empty()) {
        let begin = changes.partition_point(|change| change.key < seen.key);
        let end = begin + changes[begin..].partition_point(|change| change.key == seen.key);
        key(tally, case, seen, &changes[begin..end], fewest);
    }
}

fn key(tally: &mut Tally, case: &Case<'_>, seen: &Seen, changes: &[&Change], fewest: &mut Option<u32>) {
    let mut moments: Vec<Moment<'_>> = changes.iter().map(|change| Moment::Change(change)).collect();
    let answered = |write: &Write| case.evidence.operations[write.op as usize].answer.map(|answer| answer.at);
    moments.extend(seen.writes.iter().filter_map(|write| Some(Moment::Finished(write, answered(write)?))));
    moments.sort_by_key(Moment::place);
    let home = case.evidence.home_of(seen.key);
    let mut durable: Vec<Option<Tag>> = vec![None; home.len()];
    let mut newest: Option<&Write> = None;
    let mut gone: Option<(&Write, &Change)> = None;
    for moment in moments {
        match moment {
            Moment::Finished(write, _) => {
                if newest.is_none_or(|newest| newest.tag < write.tag) {
                    newest = Some(write);
                }
            }
            Moment::Change(change) => {
                if let Ok(place) = home.binary_search(&change.at.node) {
                    durable[place] = change.to;
                }
            }
        }
        let Some(newest) = newest else { continue };
        let copies = durable.iter().filter(|durable| **durable >= Some(newest.tag)).count();
        let copies = u32::try_from(copies).unwrap_or(u32::MAX);
        *fewest = Some(fewest.map_or(copies, |fewest| fewest.min(copies)));
        if let (0, Moment::Change(change)) = (copies, moment) {
            gone = gone.or(Some((newest, change)));
        }
    }
    let Some(newest) = newest else { return };
    match gone {
        Some((write, change)) => lost(tally, case, seen.key, write, Some(change)),
        None if is_held(case, seen.key, newest.tag) == Some(false) => lost(tally, case, seen.key, newest, None),
        None => tally.kept(),
    }
}

/// Whether some home replica says in the end that it holds this or a newer version; unknown unless all of them were asked.
fn is_held(case: &Case<'_>, key: u32, tag: Tag) -> Option<bool> {
    let home = case.evidence.home_of(key);
    let walked = case.walked;
    if home.is_empty() || !home.iter().all(|node| walked.dumped.contains_key(node)) {
        return None;
    }
    let held = |node: &u32| match walked.held.get(&(*node, key)) {
        Some(held) => *held >= Some(tag),
        // A tombstone that was collected is held by nobody, and nothing is lost.
        None => walked.collected.get(&(*node, key)).is_some_and(|collected| *collected >= tag),
    };
    Some(home.iter().any(held))
}

fn lost(tally: &mut Tally, case: &Case<'_>, key: u32, write: &Write, change: Option<&Change>) {
    let evidence = case.evidence;
    let home = evidence.home_of(key);
    let losses = evidence.faults.losses(home.iter().map(|node| evidence.nodes.name(*node)));
    let (op, name) = (evidence.ops.name(write.op), evidence.keys.name(key));
    // More than it is promised to outlive: the figures tell of it.
    if losses > case.promises.quorums.losses_survived() {
        return;
    }
    if !evidence.is_whole() {
        return tally.unsure(|| format!("notes are missing, which may tell who has the write {op} of key {name}"));
    }
    tally.broken(|| {
        let done = evidence
            .completed(&write.client, format!("was told that the write {op} is done, with the tag {}", write.tag));
        let last = change.map(|change| {
            let did = format!(
                "had {} of key {name} where it had had {}, and nobody has the write",
                told(change.to),
                told(change.from)
            );
            evidence.told(change.at, did)
        });
        Finding {
            what: format!(
                "no home replica of key {name} has the finished write {op} with the tag {} or a newer one",
                write.tag
            ),
            cause: None,
            key: Some(evidence.keys.shared(key)),
            events: [done].into_iter().chain(last).collect(),
        }
    });
}
