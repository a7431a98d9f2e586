//! **Leader append-only**: "a leader never overwrites or deletes entries in its log; it only appends new entries" (Ongaro and
//! Ousterhout 2014, Figure 3; §5.3).
//!
//! Notes of one node: from `leader{epoch,index}`, whose index is that of the log's last entry, to `stepped-down` or the end of
//! its life there is no `truncated{from}`, and each `appended{index}` has the next index. It keeps one leadership a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Evidence, Fold, Maker, Noted, Rule, Seen, Violation};

/// See the module's head.
#[derive(Debug, Default)]
pub struct LeaderAppendOnly {
    leading: BTreeMap<Arc<str>, Leadership>,
}

#[derive(Debug)]
struct Leadership {
    maker: Maker,
    term: u64,
    /// The last entry of its log, with who said so; unknown if the note did not tell.
    last: Option<(u64, Maker)>,
}

impl Fold for LeaderAppendOnly {
    fn rule(&self) -> Rule {
        Rule {
            name: "leader-append-only",
            theorem: "a leader never overwrites or deletes entries in its log; it only appends new entries",
            source: "Ongaro and Ousterhout 2014, Figure 3",
            // The note that tells of the end of a leadership may be the one that is missing.
            needs_every_note: true,
        }
    }

    fn note(&mut self, noted: &Noted<'_>) -> Seen {
        if self.leading.get(noted.node).is_some_and(|leadership| leadership.maker.incarnation != noted.incarnation) {
            self.leading.remove(noted.node);
        }
        match noted.name {
            "leader" => {
                let Some(term) = noted.number("epoch") else { return Seen::Nothing };
                let last = noted.number("index").map(|index| (index, noted.maker()));
                self.leading.insert(noted.node.clone(), Leadership { maker: noted.maker(), term, last });
                Seen::Concerned
            }
            "stepped-down" | "candidate" => {
                self.leading.remove(noted.node);
                Seen::Nothing
            }
            "truncated" | "appended" => {
                let Some(leadership) = self.leading.get_mut(noted.node) else { return Seen::Nothing };
                leadership.changes(noted).map_or(Seen::Concerned, Seen::Broken)
            }
            _ => Seen::Nothing,
        }
    }
}

impl Leadership {
    /// What is wrong with how the leader changes its log, if anything.
    fn changes(&mut self, noted: &Noted<'_>) -> Option<Violation> {
        let (node, term) = (noted.node, self.term);
        if noted.name == "truncated" {
            let from = noted.number("from")?;
            let what = format!("{node} deleted its entries from {from} on while it led term {term}");
            return Some(self.broken(what, noted.maker().did(format!("deleted its entries from {from} on"))));
        }
        let index = noted.number("index")?;
        let before = self.last.replace((index, noted.maker()));
        let (last, maker) = before.filter(|(last, _)| last.checked_add(1) != Some(index))?;
        let what = format!("{node}, leader of term {term}, put entry {index} behind entry {last}");
        let mut violation = self.broken(what, noted.maker().did(format!("put entry {index} into its log")));
        violation.evidence.push(maker.did(format!("had a log that ended with entry {last}")));
        Some(violation)
    }

    fn broken(&self, what: String, evidence: Evidence) -> Violation {
        let began = self.maker.did(format!("became the leader of term {}", self.term));
        Violation { what, evidence: vec![began, evidence] }
    }
}
