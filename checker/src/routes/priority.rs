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

use std::collections::VecDeque;

use super::collection::{Collected, Element, inside};
use super::cover::{Cover, Ranks};
use super::stretches::Stretches;
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
            let wanted = (stretches.len(), window);
            return Ok(Some(tell(history, &elements, stretches, wanted, (element.calls(), because))));
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
            let wanted = (stretches.len(), window);
            return Ok(Some(tell(history, &elements, stretches, wanted, (std::iter::once(empty), because))));
        }
    }
    Ok(None)
}

/// Windows that are covered by others, for the removals that were late: no more than this are looked at.
const WINDOWS: usize = 40;

/// Those among the first elements that leave no moment of a window free, with those that made their removals late, and so on for a while.
fn tell(
    history: &dyn History,
    elements: &[&Element],
    stretches: Vec<(u64, u64)>,
    wanted: (usize, (u64, u64)),
    (calls, because): (impl Iterator<Item = usize>, String),
) -> Contradiction {
    let mut shown = vec![false; stretches.len()];
    let stretches = Stretches::new(stretches);
    let mut wanted = VecDeque::from([wanted]);
    for _ in 0..WINDOWS {
        let Some((count, (begin, end))) = wanted.pop_front() else { break };
        for number in stretches.cover(count, begin, end) {
            let (since, free) = (elements[number].taken.begin, stretches.get(number).1);
            if !std::mem::replace(&mut shown[number], true) && free > since {
                wanted.push_back((number, (since, free - 1)));
            }
        }
    }
    let shown: Vec<&Element> =
        elements.iter().zip(shown).filter(|(_, shown)| *shown).map(|(&element, _)| element).collect();
    let found = Contradiction::new(calls.chain(shown.iter().flat_map(|element| element.calls())), because);
    let found = found.and_of_each(&shown, |element| inside(history, element));
    match wanted.len() {
        0 => found,
        more => found.and(format!("what made {more} of these removals late in turn is not shown")),
    }
}
