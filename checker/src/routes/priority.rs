//! Priority queues.
//!
//! **Theorem.** Take the elements in the order of their values, the one that comes first in a queue first. An element is
//! certainly inside strictly between the end of its insertion and the earliest moment of its removal; and that is the first
//! moment, not before the removal began, at which no element before it in this order is certainly inside. The history is
//! linearizable if and only if each removal has such a moment before it ends, and so has whoever found the queue empty, counting
//! all elements.
//!
//! *It is needed:* by induction no removal can happen before its earliest moment, since something that must go first is
//! inside up to there. *It is enough:* let each removal happen at its earliest moment, each insertion at its end or at the moment
//! of its removal if that is earlier, and whoever found the queue empty at the first moment that will do. At one and the same
//! moment come first the removals of what was put in before, by value; then each element that is put in and taken at this
//! moment; then the answers of emptiness; then the insertions. No removal finds one inside that must go first.
//!
//! The idea of deciding value by value is that of Lee and Mathur (*Efficient decrease-and-conquer linearizability
//! monitoring*, 2025); the proof is the one above. It takes O(n log n).

use super::collection::{Collected, Element, chain, inside};
use super::cover::{Cover, Ranks};
use super::{Contradiction, History, NEVER};
use crate::meter::{Share, Stop};

/// An operation that had no moment, as something that must go first was always inside.
pub(super) fn contradiction(
    history: &dyn History,
    collected: &Collected,
    share: &mut Share<'_>,
) -> Result<Option<Contradiction>, Stop> {
    let mut elements: Vec<&Element> = collected.elements.iter().collect();
    elements.sort_by_key(|element| element.rank);
    let ends = elements.iter().flat_map(|element| [element.inserted.end, element.taken.begin]);
    let ranks = Ranks::of(ends.chain(collected.empties.iter().map(|&empty| history.span(empty).begin)).chain([NEVER]));
    let mut cover = Cover::new(ranks.positions());
    share.ask((ranks.positions() + 8 * elements.len()) * size_of::<usize>())?;
    // From when to when each element is certainly inside, in the order of the values.
    let mut stretches: Vec<(u64, u64)> = Vec::with_capacity(elements.len());
    for element in &elements {
        let free = ranks.event(cover.first_free(ranks.position(element.taken.begin)));
        if free > element.taken.end {
            let take = element.take.expect("what was never taken has all the time");
            let window = (element.taken.begin, element.taken.end);
            let because =
                format!("{}, and at each moment meanwhile one that comes before it was inside", history.sentence(take));
            return Ok(Some(tell(
                history,
                &elements,
                &stretches,
                (stretches.len(), window),
                (element.calls(), because),
            )));
        }
        stretches.push((element.inserted.end, free));
        if element.inserted.end < free {
            cover.add(ranks.position(element.inserted.end), ranks.position(free));
        }
    }
    for &empty in &collected.empties {
        let span = history.span(empty);
        if ranks.event(cover.first_free(ranks.position(span.begin))) > span.end {
            let because = format!("{}, and at each moment meanwhile something was inside", history.sentence(empty));
            let window = (span.begin, span.end);
            let calls = std::iter::once(empty);
            return Ok(Some(tell(history, &elements, &stretches, (stretches.len(), window), (calls, because))));
        }
    }
    Ok(None)
}

/// Those among the first elements that leave no moment of a window free, with those that made their removals late.
fn tell(
    history: &dyn History,
    elements: &[&Element],
    stretches: &[(u64, u64)],
    wanted: (usize, (u64, u64)),
    (calls, because): (impl Iterator<Item = usize>, String),
) -> Contradiction {
    let mut shown = vec![false; stretches.len()];
    let mut wanted = vec![wanted];
    while let Some((count, (begin, end))) = wanted.pop() {
        for number in chain(&stretches[..count], begin, end) {
            let began = elements[number].taken.begin;
            if !std::mem::replace(&mut shown[number], true) && stretches[number].1 > began {
                wanted.push((number, (began, stretches[number].1 - 1)));
            }
        }
    }
    let shown: Vec<&Element> =
        elements.iter().zip(shown).filter(|(_, shown)| *shown).map(|(&element, _)| element).collect();
    let mut found = Contradiction::new(calls.chain(shown.iter().flat_map(|element| element.calls())), because);
    for element in shown {
        found = found.and(inside(history, element));
    }
    found
}
