//! **Stored at W**: when an operation is answered, its version or a newer one has been stored by as many replicas as it needs:
//! W for a write, and for a read that promises to write back (Gifford 1979; Attiya, Bar-Noy and Dolev 1995). A read that is
//! answered with less may be followed by one that returns an older value, whether or not one was.
//!
//! Notes: `stored{key,tag}` of replicas, and `recovered{key,tag}` for what one stored and could not tell before it died;
//! `answered{op,key,tag,need}` of coordinators. What the coordinator believes does not count. It keeps the newest tag for each
//! replica and key.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tag::Tag;
use super::{EVIDENCE_MAX, Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct StoredAtW {
    keys: BTreeMap<String, BTreeMap<Arc<str>, (Tag, Maker)>>,
}

impl Fold for StoredAtW {
    fn rule(&self) -> Rule {
        Rule {
            name: "stored-at-w",
            theorem: "when an operation is answered, its version or a newer one has been stored by W replicas",
            source: "Gifford 1979; Attiya, Bar-Noy and Dolev 1995",
            // The note of a replica may be the one that is missing.
            needs_every_note: true,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        let (Some(key), Some(tag)) = (noted.text("key"), Tag::read(noted.fields.get("tag"))) else {
            return Seen::Nothing;
        };
        match noted.name {
            "stored" | "recovered" => {
                self.stored(key, tag, noted);
                Seen::Nothing
            }
            "answered" if noted.text("outcome").is_none_or(|outcome| outcome == "ok") => {
                match (noted.text("op"), noted.number("need")) {
                    (Some(op), Some(need)) => self.answered(op, key, tag, need, &noted.maker()),
                    _ => Seen::Nothing,
                }
            }
            _ => Seen::Nothing,
        }
    }
}

impl StoredAtW {
    fn stored(&mut self, key: &str, tag: Tag, noted: &Noted<'_>) {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.to_owned(), BTreeMap::new());
        }
        let replicas = self.keys.get_mut(key).expect("it is there or was put there");
        let newest = replicas.entry(noted.node.clone()).or_insert_with(|| (tag, noted.maker()));
        if newest.0 < tag {
            *newest = (tag, noted.maker());
        }
    }

    fn answered(&self, op: &str, key: &str, tag: Tag, need: u64, maker: &Maker) -> Seen {
        let replicas = || self.keys.get(key).into_iter().flatten();
        let count = replicas().filter(|(_, (stored, _))| *stored >= tag).count();
        if count as u64 >= need {
            return Seen::Concerned;
        }
        let newest = replicas().map(|(_, (stored, replica))| {
            replica.did(format!("stored the tag {stored} of key {key}, the newest that it ever had up to the answer"))
        });
        let answer =
            maker.did(format!("answered {op} with the tag {tag} of key {key}, which {need} replicas have to store"));
        Seen::Broken(Violation {
            what: format!(
                "{op} was answered when {count} replicas had stored the tag {tag} of key {key}, and not {need}"
            ),
            evidence: newest.take(EVIDENCE_MAX - 1).chain([answer]).collect(),
        })
    }
}
