//! **QT, unique tags**: a tag of a key stands for one write and for one value (Lynch and Shvartsman 1997; Attiya, Bar-Noy and Dolev
//! 1995 with one writer). Replicas that keep the first of two stay apart for ever.
//!
//! All that names a tag together with a write or a digest is sorted by key and tag, and neighbours are compared.

use super::super::case::Case;
use super::super::evidence::{At, Deed, Evidence, NONE, PhaseKind};
use super::super::tag::Tag;
use super::super::tally::{Finding, Tally, Told};

/// Something that a tag was said to stand for.
#[derive(Clone, Copy)]
struct Use {
    key: u32,
    tag: Tag,
    at: At,
    stands_for: StandsFor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum StandsFor {
    Write(u32),
    Value(u64),
}

pub(in super::super) fn judge(tally: &mut Tally, case: &Case<'_>) {
    let mut uses = uses(case.evidence);
    uses.sort_unstable_by_key(|one| (one.key, one.tag, one.at.order));
    for same in uses.chunk_by(|one, other| (one.key, one.tag) == (other.key, other.tag)) {
        let writes = same.iter().filter(|one| matches!(one.stands_for, StandsFor::Write(_)));
        let values = same.iter().filter(|one| matches!(one.stands_for, StandsFor::Value(_)));
        match two(writes).or_else(|| two(values)) {
            Some((one, other)) => tally.broken(|| finding(case.evidence, &one, &other)),
            None => tally.kept(),
        }
    }
}

fn uses(evidence: &Evidence) -> Vec<Use> {
    let given = evidence.given.iter();
    let mut uses: Vec<Use> =
        given.map(|&(op, key, tag, at)| Use { key, tag, at, stands_for: StandsFor::Write(op) }).collect();
    for phase in &evidence.phases {
        let Some(tag) = phase.tag else { continue };
        let mut add = |stands_for| uses.push(Use { key: phase.key, tag, at: phase.at, stands_for });
        if phase.kind == PhaseKind::Store {
            add(StandsFor::Write(phase.op));
        }
        phase.digest.map(StandsFor::Value).into_iter().for_each(add);
    }
    for event in evidence.replicas.iter().flatten() {
        if let Deed::Stored { tag, digest: Some(digest), .. } = event.deed {
            uses.push(Use { key: event.key, tag, at: event.at, stands_for: StandsFor::Value(digest) });
        }
    }
    for operation in evidence.operations.iter().filter(|operation| operation.key != NONE) {
        if let Some(answer) = operation.answer
            && let (Some(tag), Some(digest)) = (answer.tag, answer.digest)
        {
            uses.push(Use { key: operation.key, tag, at: answer.at, stands_for: StandsFor::Value(digest) });
        }
    }
    uses
}

/// The first, and the first that differs from it.
fn two<'u>(mut uses: impl Iterator<Item = &'u Use>) -> Option<(Use, Use)> {
    let first = uses.next()?;
    uses.find(|other| other.stands_for != first.stands_for).map(|other| (*first, *other))
}

fn finding(evidence: &Evidence, one: &Use, other: &Use) -> Finding {
    let (key, tag) = (evidence.keys.name(one.key), one.tag);
    let what = match one.stands_for {
        StandsFor::Write(_) => format!("two writes of key {key} have the tag {tag}"),
        StandsFor::Value(_) => format!("two values of key {key} have the tag {tag}"),
    };
    let events = vec![told(evidence, one), told(evidence, other)];
    Finding { what, cause: None, key: Some(evidence.keys.shared(one.key)), events }
}

fn told(evidence: &Evidence, one: &Use) -> Told {
    let (key, tag) = (evidence.keys.name(one.key), one.tag);
    let did = match one.stands_for {
        StandsFor::Write(op) => {
            format!("gave the write {} of key {key} the tag {tag}", evidence.ops.name(op))
        }
        StandsFor::Value(digest) => {
            format!("had a value with the digest {digest:016x} of key {key} under the tag {tag}")
        }
    };
    evidence.told(one.at, did)
}
