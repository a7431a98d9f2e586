//! **QI, quorums meet**: the home replicas that replied to a read and those that acknowledged a write which was finished before it have
//! one in common (Gifford 1979: W + R > N). Where they have none, the read cannot know of the write, however honest everybody is.
//!
//! Of the writes that were acknowledged by the same set of replicas one is enough, so that each read is compared with one write for
//! each such set: few sets, whatever the number of writes. The histogram counts each read with the last write that was finished before it.

use std::collections::BTreeMap;

use super::super::case::{Case, Set};
use super::super::evidence::Evidence;
use super::super::seen::{Read, Seen, Step, Write};
use super::super::tally::{Finding, Tally};

/// How many replicas reads had in common with the last write before them: the number of reads by the number of replicas.
pub(in super::super) type Histogram = BTreeMap<u32, u64>;

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>, seen: &Seen, histogram: &mut Histogram) {
    let mut by_set: BTreeMap<Set, &Write> = BTreeMap::new();
    let mut last: Option<&Write> = None;
    for step in seen.steps() {
        match step {
            Step::Finished(write) => {
                last = Some(write);
                if let Some(acked) = write.acked {
                    by_set.insert(acked, write);
                }
            }
            Step::Begins(read) => {
                let Some(replied) = read.replied else {
                    tally.unsure(|| {
                        format!("no note tells who replied to the read {}", case.evidence.ops.name(read.op))
                    });
                    continue;
                };
                if let Some(acked) = last.and_then(|write| write.acked) {
                    *histogram.entry(acked.and(replied).len()).or_default() += 1;
                }
                match by_set.iter().find(|(acked, _)| acked.and(replied).is_empty()) {
                    None if by_set.is_empty() => {}
                    None => tally.kept(),
                    Some((&acked, write)) => tally.broken(|| apart(case, seen.key, (write, acked), (read, replied))),
                }
            }
        }
    }
}

fn apart(case: &Case<'_>, key: u32, (write, acked): (&Write, Set), (read, replied): (&Read, Set)) -> Finding {
    let evidence = case.evidence;
    let (w, r) = (evidence.ops.name(write.op), evidence.ops.name(read.op));
    let (acked, replied) = (case.names(acked), case.names(replied));
    let mut events = write_told(evidence, write, &format!(", acknowledged by {acked}"));
    events.extend(read_told(evidence, read, &format!(", with the replies of {replied}")));
    Finding {
        what: format!("the write {w} was acknowledged by {acked}, and {replied} replied to the later read {r}"),
        cause: None,
        key: Some(evidence.keys.shared(key)),
        events,
    }
}

/// A client's write from its begin to its end.
pub(super) fn write_told(evidence: &Evidence, write: &Write, more: &str) -> Vec<super::super::Told> {
    let (op, tag) = (evidence.ops.name(write.op), write.tag);
    vec![
        evidence.invoked(&write.client, format!("began the write {op}")),
        evidence.completed(&write.client, format!("was told that the write {op} is done, with the tag {tag}{more}")),
    ]
}

/// A client's read from its begin to its end.
pub(super) fn read_told(evidence: &Evidence, read: &Read, more: &str) -> Vec<super::super::Told> {
    let (op, tag) = (evidence.ops.name(read.op), super::super::tag::told(read.tag));
    vec![
        evidence.invoked(&read.client, format!("began the read {op}")),
        evidence.completed(&read.client, format!("was answered {op} with {tag}{more}")),
    ]
}
