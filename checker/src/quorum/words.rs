//! What happened at a replica, in words.

use super::evidence::{Deed, Event, Evidence, HintEnd};
use super::tag::told;

/// `stored the tag 4.n2.1.17 of key x by read repair`.
pub(super) fn did(evidence: &Evidence, event: &Event) -> String {
    let key = evidence.keys.name(event.key);
    let op = |number| evidence.ops.name(number);
    match event.deed {
        Deed::Served { op: number, tag } => {
            format!("answered the query of {} with {} of key {key}", op(number), told(tag))
        }
        Deed::Stored { tag, origin, durable, .. } => {
            let durable = if durable { "" } else { ", not durably yet" };
            format!("stored the tag {tag} of key {key}{}{durable}", origin.as_str())
        }
        Deed::Acked { op: number, tag } => format!("acknowledged {} of key {key} to {}", told(tag), op(number)),
        Deed::HintStored { hint, .. } => format!("kept the hint {}", evidence.hints.name(hint)),
        Deed::HintEnded { hint, end } => {
            let end = match end {
                HintEnd::Delivered => "handed over",
                HintEnd::Expired => "let expire",
                HintEnd::Superseded => "dropped as superseded",
            };
            format!("{end} the hint {}", evidence.hints.name(hint))
        }
        Deed::Collected { tag } => format!("dropped the tombstone with the tag {tag} of key {key}"),
        Deed::Recovered { tag } => format!("found the tag {tag} of key {key} when it started again"),
        Deed::Restarted => "started again".to_owned(),
        Deed::Amnesia => "started again without its disk".to_owned(),
        Deed::CaughtUp => "had asked enough others what it had lost".to_owned(),
        Deed::Held { tag } => format!("held {} of key {key} in the end", told(tag)),
        Deed::HintsPending { count } => format!("kept {count} hints in the end"),
    }
}
