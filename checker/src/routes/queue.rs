//! FIFO queues.
//!
//! **Theorem** (Henzinger, Sezgin and Vafeiadis, *Aspect-oriented linearizability proofs*, 2013; Bouajjani, Emmi, Enea and
//! Hamza, *On reducing linearizability to state reachability*, 2015): with distinct elements the history is linearizable if
//! and only if no removal is wrong by itself, whoever found the queue empty can have, and there are no two elements of which
//! one was put in before the other, and taken after it or never.
//!
//! Why pairs are enough: "was put in before" and "was taken before" are both interval orders. In a shortest cycle of the two there
//! are no two steps of the same kind in a row, since each is transitive. Of two steps of the first kind in it, `a → b` and `c → d`,
//! an interval order gives `a → d` or `c → b`, and either makes a shorter cycle; so the shortest has one step of each kind.
//! An order of the elements without a cycle is one for the insertions and for the removals; and the two can be merged, since a
//! removal that ended before an insertion began had its own insertion before that one.

use super::collection::Element;
use super::{Contradiction, History};

/// Two elements that overtook each other. The elements' insertions and removals fit each other.
pub(super) fn contradiction(history: &dyn History, elements: &[Element]) -> Option<Contradiction> {
    let mut by_begin: Vec<&Element> = elements.iter().filter(|element| element.take.is_some()).collect();
    by_begin.sort_by_key(|element| element.inserted.begin);
    let mut by_end: Vec<&Element> = elements.iter().collect();
    by_end.sort_by_key(|element| element.inserted.end);
    let mut before = by_end.into_iter().peekable();
    // Of those put in before, the one that stayed longest.
    let mut longest: Option<&Element> = None;
    for later in by_begin {
        while let Some(earlier) = before.next_if(|earlier| earlier.inserted.end < later.inserted.begin) {
            longest = longest.filter(|longest| longest.taken.begin >= earlier.taken.begin).or(Some(earlier));
        }
        if let Some(earlier) = longest.filter(|earlier| later.taken.end < earlier.taken.begin) {
            return Some(overtaken(history, earlier, later));
        }
    }
    None
}

fn overtaken(history: &dyn History, earlier: &Element, later: &Element) -> Contradiction {
    let calls = earlier.calls().chain(later.calls());
    let first = match earlier.take {
        Some(take) if history.span(earlier.insert).end >= history.span(later.insert).begin => {
            // The insertion itself need not have ended, but what it put in was taken by then.
            format!("{}, before {}", history.sentence(take), history.sentence(later.insert))
        }
        _ => history.in_order(earlier.insert, later.insert),
    };
    let then = match (later.take, earlier.take) {
        (Some(later), Some(earlier)) => history.in_order(later, earlier),
        (Some(later), None) => format!("{}, and nobody took what was put in before", history.sentence(later)),
        (None, _) => String::new(),
    };
    Contradiction::new(calls, first).and(then)
}
