//! **QS, repair keeps what is newer**: read repair, hints that are handed over and anti-entropy store a version only where an older one is,
//! and no hint is lost: each one that was kept was handed over, was superseded, expired, or is still kept in the end (`DeCandia` and
//! others 2007). A repair that overwrites what is newer undoes a finished write; a hint that is lost leaves a replica behind.
//!
//! Hints are counted by their ids, so that a hint that is told again after a restart is one hint. One that a fault wiped away
//! together with its replica is nobody's fault, and one that was on the disk of a node that died may have ended just before that. That a hint is lost follows only from all notes of its keeper and its final count.

use rustc_hash::FxHashMap;

use super::super::evidence::{At, Deed, Event, Evidence, HintEnd, NONE};
use super::super::replicas::{Kept, Walked};
use super::super::tally::{Finding, Tally};
use super::super::{Promises, words};

/// A replica stores a version.
pub(in super::super) fn stored(tally: &mut Tally, evidence: &Evidence, event: &Event, before: &Kept) {
    let Deed::Stored { tag, old, origin, .. } = event.deed else { return };
    if !origin.is_repair() {
        return;
    }
    let had = old.max(before.current);
    if had < Some(tag) {
        return tally.kept();
    }
    // Where the tags are equal nothing is undone.
    if had == Some(tag) {
        return;
    }
    tally.broken(|| {
        let (node, key) = (evidence.nodes.name(event.at.node), evidence.keys.name(event.key));
        let had = had.map(|had| had.to_string()).unwrap_or_default();
        let earlier =
            before.stored.map(|at| evidence.told(at, format!("stored a version of key {key}, the last before that")));
        let now = evidence.told(event.at, words::did(evidence, event));
        Finding {
            what: format!("{node} had the tag {had} of key {key} and stored {tag}{}", origin.as_str()),
            cause: None,
            key: Some(evidence.keys.shared(event.key)),
            events: earlier.into_iter().chain([now]).collect(),
        }
    });
}

/// What became of hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Hints {
    pub(in super::super) kept: u64,
    pub(in super::super) delivered: u64,
    pub(in super::super) expired: u64,
    pub(in super::super) superseded: u64,
    pub(in super::super) lost: u64,
}

#[derive(Clone, Copy)]
struct Hint {
    at: At,
    durable: bool,
    end: Option<HintEnd>,
}

/// Follows all hints to their ends.
pub(in super::super) fn hints(tally: &mut Tally, evidence: &Evidence, promises: &Promises, walked: &Walked) -> Hints {
    let mut hints = Hints::default();
    for (node, events) in (0..).zip(&evidence.replicas) {
        let mut kept: FxHashMap<u32, Hint> = FxHashMap::default();
        for event in events {
            match event.deed {
                Deed::HintStored { hint, durable } => {
                    kept.entry(hint).or_insert(Hint { at: event.at, durable, end: None });
                }
                Deed::HintEnded { hint, end } => ended(tally, evidence, event, kept.get_mut(&hint), (hint, end)),
                _ => {}
            }
        }
        judge(tally, evidence, promises, (node, walked.dumped.get(&node).copied()), &kept, &mut hints);
    }
    hints
}

fn ended(tally: &mut Tally, evidence: &Evidence, event: &Event, kept: Option<&mut Hint>, (hint, end): (u32, HintEnd)) {
    match kept {
        // The first end counts: a hint may be handed over twice.
        Some(kept) => kept.end = kept.end.or(Some(end)),
        None => tally.unsure(|| {
            let (node, hint) = (evidence.nodes.name(event.at.node), evidence.hints.name(hint));
            format!("{node} ended the hint {hint}, and no note tells that it kept it")
        }),
    }
}

fn judge(
    tally: &mut Tally,
    evidence: &Evidence,
    promises: &Promises,
    (node, pending): (u32, Option<u64>),
    kept: &FxHashMap<u32, Hint>,
    hints: &mut Hints,
) {
    let name = evidence.nodes.name(node);
    let count = |end: HintEnd| kept.values().filter(|hint| hint.end == Some(end)).count() as u64;
    hints.kept += kept.len() as u64;
    hints.delivered += count(HintEnd::Delivered);
    hints.superseded += count(HintEnd::Superseded);
    hints.expired += count(HintEnd::Expired);
    if promises.keeps_hints
        && let Some((hint, _)) = first(kept, |hint| hint.end == Some(HintEnd::Expired))
    {
        tally
            .broken(|| lost(evidence, kept, hint, format!("{name} let the hint {} expire", evidence.hints.name(hint))));
    }
    // One that died may have ended a hint that was on its disk without a note of that; what it kept in memory it cannot have ended.
    let last_life = evidence.replicas[node as usize].last().map_or(0, |event| event.at.life);
    let is_open = |hint: &Hint| {
        let wiped = evidence.faults.wiped_between(name, hint.at.life, u32::MAX);
        hint.end.is_none() && !wiped && (hint.at.life == last_life || !hint.durable)
    };
    let open = kept.values().filter(|hint| is_open(hint)).count() as u64;
    match pending {
        _ if open == 0 => kept.values().for_each(|_| tally.kept()),
        Some(pending) if pending >= open => kept.values().for_each(|_| tally.kept()),
        Some(pending) if evidence.is_complete(node, u32::MAX) => {
            hints.lost += open - pending;
            let hint = first(kept, is_open).map_or(NONE, |(hint, _)| hint);
            tally.broken(|| {
                let what = format!("{name} kept {open} hints that have no end, and has {pending} of them in the end");
                lost(evidence, kept, hint, what)
            });
        }
        _ => tally.unsure(|| format!("nothing tells how many of its hints {name} keeps in the end")),
    }
}

/// The first hint like this, by time.
fn first(kept: &FxHashMap<u32, Hint>, like: impl Fn(&Hint) -> bool) -> Option<(u32, Hint)> {
    let like = kept.iter().filter(|(_, hint)| like(hint));
    like.min_by_key(|(_, hint)| hint.at.order).map(|(number, hint)| (*number, *hint))
}

fn lost(evidence: &Evidence, kept: &FxHashMap<u32, Hint>, hint: u32, what: String) -> Finding {
    let told = |hint: &Hint, number| evidence.told(hint.at, format!("kept the hint {}", evidence.hints.name(number)));
    let events = kept.get(&hint).map(|found| told(found, hint)).into_iter().collect();
    Finding { what, cause: None, key: None, events }
}
