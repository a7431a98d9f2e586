//! **Tags never go back**: the tag that a replica keeps for a key only grows, over its restarts as well, unless a fault wiped
//! its disk (Attiya, Bar-Noy and Dolev 1995: a server keeps a value unless it has a newer one, and remembers it). A replica
//! that goes back makes quorums meet in somebody who has forgotten.
//!
//! Notes of one node: `stored{key,tag}`; `collected{key,tag}`, a deletion that everybody has heard of is forgotten; after a restart `recovered{key,tag}` for each key and then `restarted`. It keeps one tag
//! for each node and key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::tag::Tag;
use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct TagsNeverGoBack {
    replicas: BTreeMap<Arc<str>, Replica>,
    /// Lives after which the disk was wiped.
    wiped: BTreeSet<(String, u64)>,
}

#[derive(Debug, Default)]
struct Replica {
    incarnation: u64,
    newest: BTreeMap<String, (Tag, Maker)>,
    /// What was there at the start of this life.
    recovered: BTreeMap<String, Tag>,
}

impl Fold for TagsNeverGoBack {
    fn rule(&self) -> Rule {
        Rule {
            name: "tags-never-go-back",
            theorem: "the tag that a replica keeps for a key only grows, over its restarts as well",
            source: "Attiya, Bar-Noy and Dolev 1995",
            // The note of one of the recovered keys may be the one that is missing.
            needs_every_note: true,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        if !matches!(noted.name, "stored" | "recovered" | "restarted" | "collected") {
            return Seen::Nothing;
        }
        let lost = self.lost_between(noted);
        let replica = self.replicas.entry(noted.node.clone()).or_default();
        if replica.incarnation != noted.incarnation {
            replica.incarnation = noted.incarnation;
            replica.recovered.clear();
            if lost {
                replica.newest.clear();
            }
        }
        if noted.name == "restarted" {
            return replica.restarted(noted).map_or(Seen::Concerned, Seen::Broken);
        }
        let (Some(key), Some(tag)) = (noted.text("key"), Tag::read(noted.fields.get("tag"))) else {
            return Seen::Nothing;
        };
        if noted.name == "collected" {
            replica.newest.remove(key);
            return Seen::Concerned;
        }
        if noted.name == "recovered" {
            replica.recovered.insert(key.to_owned(), tag);
            return Seen::Concerned;
        }
        replica.stored(key, tag, noted).map_or(Seen::Concerned, Seen::Broken)
    }

    fn wiped(&mut self, node: &str, incarnation: u64) {
        self.wiped.insert((node.to_owned(), incarnation));
    }
}

impl TagsNeverGoBack {
    /// Whether the disk was wiped between the last life that is known of the note's maker and this one.
    fn lost_between(&self, noted: &Noted<'_>) -> bool {
        let before = self.replicas.get(noted.node).map_or(0, |replica| replica.incarnation);
        let lives = (noted.node.to_string(), before)..(noted.node.to_string(), noted.incarnation.max(before));
        self.wiped.range(lives).next().is_some()
    }
}

impl Replica {
    fn stored(&mut self, key: &str, tag: Tag, noted: &Noted<'_>) -> Option<Violation> {
        let before = self.newest.insert(key.to_owned(), (tag, noted.maker()));
        let (newer, maker) = before.filter(|(before, _)| *before >= tag)?;
        Some(Violation {
            what: format!("{} went back from the tag {newer} of key {key} to {tag}", noted.node),
            evidence: vec![maker.did(stored(key, newer)), noted.maker().did(stored(key, tag))],
        })
    }

    /// All that was recovered has been told: is anything older than it was?
    fn restarted(&mut self, noted: &Noted<'_>) -> Option<Violation> {
        let recovered = std::mem::take(&mut self.recovered);
        let lost = self.newest.iter().find(|(key, (tag, _))| recovered.get(*key) < Some(tag));
        let broken = lost.map(|(key, (tag, maker))| {
            let found = recovered.get(key).map_or_else(|| "nothing".to_owned(), |tag| format!("the tag {tag}"));
            let node = noted.node;
            Violation {
                what: format!("{node} had stored the tag {tag} of key {key} and found {found} when it started again"),
                evidence: vec![
                    maker.did(stored(key, *tag)),
                    noted.maker().did(format!("started again with {found} of key {key}")),
                ],
            }
        });
        self.newest = recovered.into_iter().map(|(key, tag)| (key, (tag, noted.maker()))).collect();
        broken
    }
}

fn stored(key: &str, tag: Tag) -> String {
    format!("stored the tag {tag} of key {key}")
}
