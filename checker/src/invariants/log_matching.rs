//! **Log matching**: "if two logs contain an entry with the same index and term, then the logs are identical in all entries up
//! through the given index" (Ongaro and Ousterhout 2014, Figure 3; §5.3).
//!
//! Notes: `appended`, `accepted` and `committed`, each with `{index,term,digest}`, the digest being that of the log up to the
//! index. So index and term give the digest, over all nodes and times. It keeps one digest for each pair: memory grows with the
//! number of entries, some tens of bytes each.

use rustc_hash::FxHashMap;

use super::noted::Prefix;
use super::{Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct LogMatching {
    prefixes: FxHashMap<(u64, u64), (u64, Maker)>,
}

impl Fold for LogMatching {
    fn rule(&self) -> Rule {
        Rule {
            name: "log-matching",
            theorem: "if two logs contain an entry with the same index and term, then the logs are identical in all entries up \
                      through the given index",
            source: "Ongaro and Ousterhout 2014, Figure 3",
            needs_every_note: false,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        if !matches!(noted.name, "appended" | "accepted" | "committed") {
            return Seen::Nothing;
        }
        let Some(Prefix { index, term, digest: Some(digest) }) = noted.prefix() else { return Seen::Nothing };
        let (first, maker) = self.prefixes.entry((index, term)).or_insert_with(|| (digest, noted.maker()));
        if *first == digest {
            return Seen::Concerned;
        }
        let has = |digest| format!("had a log with the digest {digest:016x} up to entry {index} of term {term}");
        Seen::Broken(Violation {
            what: format!("the logs of {} and {} differ up to entry {index} of term {term}", maker.node, noted.node),
            evidence: vec![maker.did(has(*first)), noted.maker().did(has(digest))],
        })
    }
}
