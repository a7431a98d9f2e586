//! What queues, stacks, bags and priority queues have in common, where no element is put in twice.
//!
//! **Assumption:** every value is put in at most once, crashed insertions included.
//!
//! Each value then has one insertion and at most one removal that answered it. The insertion happened before the removal, so its
//! end is at the latest that of the removal (which gives crashed insertions an end), and the removal began at the earliest when the
//! insertion did. A crashed insertion whose element was never taken is dropped: without it, whatever was taken is still
//! first in turn, and what was empty still is.
//!
//! **Elements can be left out.** Taking all operations of one element out of a linearization leaves one: the others keep
//! their order. So a history that contradicts itself with some of its elements only contradicts itself as a whole.
//!
//! **Crashed removals** may have taken anything. If the history is linearizable without them, it is with them, since none
//! has to happen. If it is not linearizable even without the elements that nobody answered to have taken, it is not at all. What
//! lies between the two is for the search.
//!
//! **Empty answers.** An element whose insertion ended before its removal began is inside strictly between. Let `m` be a
//! moment at which no element is certainly inside. Those whose insertion ended before `m` have then a removal that began by
//! `m`, and no operation of the others has to come before any of theirs: all their operations can be put before all
//! operations of the others. So the linearization of the elements can be cut at `m`, and whoever found the collection empty found
//! it so there. Without such a moment between its begin and its end there is none. (For queues this is `VWit` of Henzinger,
//! Sezgin and Vafeiadis, *Aspect-oriented linearizability proofs*, 2013.)

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::cover::{Cover, Ranks};
use super::stretches::Stretches;
use super::{Contradiction, Decided, History, NEVER, Span, priority, queue, stack};
use crate::meter::{Share, Stop};
use crate::model::{Action, CollectionAction, Discipline};

/// An element that was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) insert: usize,
    /// None where nobody took it.
    pub(super) take: Option<usize>,
    /// When it was put in, known to be no later than the end of its removal.
    pub(super) inserted: Span,
    /// When it was taken, known to be no earlier than the begin of its insertion; after every event where nobody took it.
    pub(super) taken: Span,
    /// Its place in the order of values, where that is asked for.
    pub(super) rank: i64,
}

impl Element {
    /// Its calls.
    pub(super) fn calls(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.insert).chain(self.take)
    }
}

/// The elements of a collection and who found it empty.
pub(super) struct Collected {
    pub(super) elements: Vec<Element>,
    pub(super) empties: Vec<usize>,
}

/// Decides a collection; none where a value was put in twice, or the crashed removals matter.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    discipline: Discipline,
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let route = match discipline {
        Discipline::First => "queue order",
        Discipline::Last => "stack order",
        Discipline::Any => "bag",
        Discipline::Smallest | Discipline::Largest => "priority order",
    };
    let Some((collected, crashed_takes)) = (match collect(history, actions, discipline) {
        Ok(collected) => collected,
        Err(contradiction) => return Ok(Some(Decided { route, contradiction: Some(contradiction) })),
    }) else {
        return Ok(None);
    };
    share.ask(collected.elements.len() * 4 * size_of::<Element>())?;
    let found = contradiction(history, &collected, discipline, share)?;
    if !crashed_takes || found.is_none() {
        return Ok(Some(Decided { route, contradiction: found }));
    }
    let Collected { mut elements, empties } = collected;
    elements.retain(|element| element.take.is_some());
    let found = contradiction(history, &Collected { elements, empties }, discipline, share)?;
    Ok(found.map(|contradiction| Decided { route, contradiction: Some(contradiction) }))
}

fn contradiction(
    history: &dyn History,
    collected: &Collected,
    discipline: Discipline,
    share: &mut Share<'_>,
) -> Result<Option<Contradiction>, Stop> {
    let found = match discipline {
        Discipline::First => queue::contradiction(history, &collected.elements),
        Discipline::Last => stack::contradiction(history, &collected.elements, share)?,
        Discipline::Any => None,
        Discipline::Smallest | Discipline::Largest => return priority::contradiction(history, collected, share),
    };
    if found.is_some() || collected.empties.is_empty() {
        return Ok(found);
    }
    share.ask(collected.elements.len() * 8 * size_of::<Element>())?;
    Ok(not_empty(history, collected))
}

type Found<T> = Result<Option<T>, Contradiction>;

/// The elements, and whether there are crashed removals; an error where a removal is wrong by itself, none where a value was
/// put in twice.
fn collect(history: &dyn History, actions: &[Action<'_>], discipline: Discipline) -> Found<(Collected, bool)> {
    let mut numbers: FxHashMap<&Value, usize> = FxHashMap::default();
    let mut elements: Vec<Element> = Vec::new();
    let mut empties = Vec::new();
    let mut crashed_takes = false;
    let never = Span { begin: NEVER, end: NEVER };
    for (call, action) in actions.iter().enumerate() {
        let &Action::Collection(its, action) = action else { return Ok(None) };
        if its != discipline {
            return Ok(None);
        }
        match action {
            CollectionAction::Insert(value) => {
                let Some(rank) = rank(value, discipline) else { return Ok(None) };
                if numbers.insert(value, elements.len()).is_some() {
                    return Ok(None);
                }
                let inserted = history.span(call);
                elements.push(Element { insert: call, take: None, inserted, taken: never, rank });
            }
            CollectionAction::TakeNothing => empties.push(call),
            CollectionAction::TakeUnknown => crashed_takes = true,
            CollectionAction::Take(_) => {}
        }
    }
    for (call, action) in actions.iter().enumerate() {
        let Action::Collection(_, CollectionAction::Take(value)) = action else { continue };
        let Some(&number) = numbers.get(value) else {
            let because = format!("{}, and nobody put that in", history.sentence(call));
            return Err(Contradiction::new([call], because));
        };
        take(history, &mut elements[number], call)?;
    }
    elements.retain(|element| element.inserted.end != NEVER);
    Ok(Some((Collected { elements, empties }, crashed_takes)))
}

/// The removal of an element, which happens once and after its insertion.
fn take(history: &dyn History, element: &mut Element, call: usize) -> Result<(), Contradiction> {
    if let Some(other) = element.take {
        let because = format!("{}, {}, and it was put in once", history.sentence(other), history.sentence(call));
        return Err(Contradiction::new([element.insert, other, call], because));
    }
    let taken = history.span(call);
    if taken.end < element.inserted.begin {
        let because = history.in_order(call, element.insert);
        return Err(Contradiction::new([element.insert, call], because));
    }
    element.take = Some(call);
    element.taken = Span { begin: taken.begin.max(element.inserted.begin), end: taken.end };
    element.inserted.end = element.inserted.end.min(taken.end);
    Ok(())
}

/// The place of a value in the order of a priority queue, first the least; none where it is no whole number of 64 bits.
fn rank(value: &Value, discipline: Discipline) -> Option<i64> {
    match discipline {
        Discipline::Smallest => value.as_i64(),
        // The bitwise complement turns the order around, without overflow.
        Discipline::Largest => value.as_i64().map(|value| !value),
        Discipline::First | Discipline::Last | Discipline::Any => Some(0),
    }
}

/// Somebody who found the collection empty when it never was.
fn not_empty(history: &dyn History, collected: &Collected) -> Option<Contradiction> {
    let stretch = |element: &Element| (element.inserted.end, element.taken.begin);
    let stretches: Vec<(u64, u64)> = collected.elements.iter().map(stretch).collect();
    let empties = || collected.empties.iter().map(|&empty| (empty, history.span(empty)));
    let ends = stretches.iter().flat_map(|&(from, to)| [from, to]);
    let ranks = Ranks::of(ends.chain(empties().map(|(_, span)| span.begin)));
    let mut cover = Cover::new(ranks.positions());
    for &(from, to) in stretches.iter().filter(|(from, to)| from < to) {
        cover.add(ranks.position(from), ranks.position(to));
    }
    empties().find_map(|(empty, span)| {
        let free = cover.first_free(ranks.position(span.begin));
        if ranks.event(free) <= span.end {
            return None;
        }
        let chain = Stretches::new(stretches.clone()).cover(stretches.len(), span.begin, span.end);
        let calls = chain.iter().flat_map(|&number| collected.elements[number].calls());
        let because = format!("{}, and at each moment meanwhile something was inside", history.sentence(empty));
        let found = Contradiction::new(calls.chain([empty]), because);
        Some(found.and_of_each(&chain, |&number| inside(history, &collected.elements[number])))
    })
}

/// Why an element was inside.
pub(super) fn inside(history: &dyn History, element: &Element) -> String {
    match element.take {
        Some(take) if history.span(element.insert).end < history.span(take).begin => {
            history.in_order(element.insert, take)
        }
        // One of the two is known to have happened within the other's time.
        Some(take) => format!("{}, and {}", history.sentence(element.insert), history.sentence(take)),
        None => format!("{}, and nobody took it", history.sentence(element.insert)),
    }
}
