//! **Unique tags**: no two writes of a key have the same tag, so that a tag stands for one value (Lynch and Shvartsman 1997;
//! Attiya, Bar-Noy and Dolev 1995 with one writer). Replicas that keep the first of two stay apart for ever.
//!
//! Notes: `coordinated{op,key,tag,write}`, a tag given to an operation, and `stored{key,tag,digest}`, the value that a replica
//! keeps under it. It keeps one write and one digest for each tag: memory grows with the number of writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tag::Tag;
use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct UniqueTags {
    tags: BTreeMap<Arc<str>, BTreeMap<Tag, Use>>,
}

#[derive(Debug, Default)]
struct Use {
    write: Option<(String, Maker)>,
    value: Option<(u64, Maker)>,
}

impl Fold for UniqueTags {
    fn rule(&self) -> Rule {
        Rule {
            name: "unique-tags",
            theorem: "no two writes of a key have the same tag",
            source: "Lynch and Shvartsman 1997",
            needs_every_note: false,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        let (Some(key), Some(tag)) = (noted.text("key"), Tag::read(noted.fields.get("tag"))) else {
            return Seen::Nothing;
        };
        let broken = match (noted.name, noted.text("op"), noted.digest("digest")) {
            ("coordinated", Some(op), _) if noted.fields.get("write") == Some(&true.into()) => {
                self.tag(key, tag).written(key, tag, op, noted)
            }
            ("stored", _, Some(digest)) => self.tag(key, tag).stored(key, tag, digest, noted),
            _ => return Seen::Nothing,
        };
        broken.map_or(Seen::Concerned, Seen::Broken)
    }
}

impl UniqueTags {
    fn tag(&mut self, key: &str, tag: Tag) -> &mut Use {
        if !self.tags.contains_key(key) {
            self.tags.insert(key.into(), BTreeMap::new());
        }
        self.tags.get_mut(key).expect("it is there or was put there").entry(tag).or_default()
    }
}

impl Use {
    fn written(&mut self, key: &str, tag: Tag, op: &str, noted: &Noted<'_>) -> Option<Violation> {
        let (first, maker) = self.write.get_or_insert_with(|| (op.to_owned(), noted.maker()));
        let gave = |op: &str| format!("gave the tag {tag} of key {key} to the write {op}");
        (first != op).then(|| Violation {
            what: format!("two writes of key {key} have the tag {tag}"),
            evidence: vec![maker.did(gave(first)), noted.maker().did(gave(op))],
        })
    }

    fn stored(&mut self, key: &str, tag: Tag, digest: u64, noted: &Noted<'_>) -> Option<Violation> {
        let (first, maker) = self.value.get_or_insert_with(|| (digest, noted.maker()));
        let stored = |digest| format!("stored a value with the digest {digest:016x} of key {key} under the tag {tag}");
        (*first != digest).then(|| Violation {
            what: format!("two values of key {key} have the tag {tag}"),
            evidence: vec![maker.did(stored(*first)), noted.maker().did(stored(digest))],
        })
    }
}
