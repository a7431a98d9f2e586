//! **QM, tags never go back**: the tag that a replica keeps for a key only grows, and after a restart it is at least the highest
//! that it had stored durably, acknowledged or served before, unless a fault wiped its disk (Attiya, Bar-Noy and Dolev 1995: a
//! server keeps a value unless it has a newer one, and remembers it). A replica that goes back makes quorums meet in somebody
//! who has forgotten.
//!
//! A replica that knows that it has lost its disk answers no query before it has caught up: what it had acknowledged is gone.
//!
//! What a replica tells later than it has is older than what it told: a violation within a life stands whatever notes are missing.
//! After a restart it needs all notes of that life, since the one that is missing may tell of the key.

use super::super::evidence::{At, Deed, Event, Evidence};
use super::super::replicas::Kept;
use super::super::tag::{Tag, told};
use super::super::tally::{Finding, Tally, Told};
use super::super::words;

/// A replica stores a version.
pub(in super::super) fn stored(tally: &mut Tally, evidence: &Evidence, event: &Event, before: &Kept) {
    let Deed::Stored { tag, .. } = event.deed else { return };
    match before.current {
        Some(newer) if newer > tag => tally.broken(|| {
            let node = evidence.nodes.name(event.at.node);
            let what = format!("{node} went back from the tag {newer} of key {} to {tag}", key(evidence, event.key));
            finding(evidence, event, what, earlier(evidence, event.key, before))
        }),
        _ => tally.kept(),
    }
}

/// A replica answers a query.
pub(in super::super) fn served(
    tally: &mut Tally,
    evidence: &Evidence,
    event: &Event,
    tag: Option<Tag>,
    (before, recovering): (&Kept, Option<At>),
) {
    if let Some(since) = recovering {
        return tally.broken(|| amnesia_served(evidence, event, since));
    }
    if before.current <= tag {
        return tally.kept();
    }
    tally.broken(|| {
        let node = evidence.nodes.name(event.at.node);
        let (key, has) = (key(evidence, event.key), told(before.current));
        let what = format!("{node} had {has} of key {key} and answered a query with {}", told(tag));
        finding(evidence, event, what, earlier(evidence, event.key, before))
    });
}

/// It has lost its disk, knows it, and answers before it has asked enough others what it had.
fn amnesia_served(evidence: &Evidence, event: &Event, since: At) -> Finding {
    let node = evidence.nodes.name(event.at.node);
    let what = format!("AMNESIA_SERVED: {node} had lost its disk and answered a query before it knew what was on it");
    finding(evidence, event, what, Some(evidence.told(since, "started again without its disk")))
}

/// A replica starts again and has told all that it found.
pub(in super::super) fn restarted(
    tally: &mut Tally,
    evidence: &Evidence,
    event: &Event,
    key: u32,
    found: Option<Tag>,
    before: &Kept,
) {
    let Some((owed, at)) = before.owed.filter(|(owed, _)| Some(*owed) > found) else { return tally.kept() };
    let (node, name) = (evidence.nodes.name(event.at.node), self::key(evidence, key));
    if !evidence.is_complete(event.at.node, event.at.life) {
        return tally.unsure(|| format!("notes of {node} are missing, which may tell that it found key {name} again"));
    }
    tally.broken(|| Finding {
        what: format!("{node} had the tag {owed} of key {name} and found {} when it started again", told(found)),
        cause: None,
        key: Some(evidence.keys.shared(key)),
        events: vec![
            evidence.told(at, format!("stored or told the tag {owed} of key {name}")),
            evidence.told(event.at, format!("started again with {} of key {name}", told(found))),
        ],
    });
}

fn finding(evidence: &Evidence, event: &Event, what: String, earlier: Option<Told>) -> Finding {
    let now = evidence.told(event.at, words::did(evidence, event));
    let events = earlier.into_iter().chain([now]).collect();
    Finding { what, cause: None, key: Some(evidence.keys.shared(event.key)), events }
}

/// When it came to have what it has.
fn earlier(evidence: &Evidence, key: u32, before: &Kept) -> Option<Told> {
    let at = before.stored.or(before.owed.map(|(_, at)| at))?;
    Some(evidence.told(at, format!("stored {} of key {}", told(before.current), self::key(evidence, key))))
}

fn key(evidence: &Evidence, key: u32) -> &str {
    evidence.keys.name(key)
}
