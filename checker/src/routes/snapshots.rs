//! Grow-only sets that are read as a whole.
//!
//! **Assumption:** each element is added at most once, crashed additions included; and everything else is a read of all
//! elements.
//!
//! **Theorem:** a crashed addition that nobody saw is dropped. The history is linearizable if and only if every element that
//! was read was added, and real time together with `add x → r` for every read `r` with `x` and `r → add x` for every read
//! without it has no cycle. (A cycle contradicts any linearization; and in any order that has all these edges, each read
//! returns what was added before it.)
//!
//! The edges need not be walked: two reads of which neither has all elements of the other make a cycle of four. Otherwise the
//! reads stand in a row by inclusion, and the edges say the same as a row of **levels**: the additions of what the smallest
//! read has, the reads that are equal to it, the additions that the next greater one has more, and so on, at last the additions
//! that nobody saw. So there is a cycle if and only if something of a later level ended before something of an earlier one
//! began. That takes time linear in all that was read, and O(n log n).

use rustc_hash::FxHashMap;
use serde_json::Value;

use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::{Action, SetAction};

/// The elements of a set by number, and who did what.
struct Seen {
    /// The addition of each element.
    adds: Vec<usize>,
    /// The reads, with the sorted numbers of their elements.
    reads: Vec<(usize, Vec<usize>)>,
}

/// Decides a set to which elements are only added; none where anything else happens, or an element is added twice.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let decided = |contradiction| Ok(Some(Decided { route: "snapshots", contradiction }));
    let Some(adds) = additions(actions) else { return Ok(None) };
    let mut seen = Seen { adds: (0..adds.len()).collect(), reads: Vec::new() };
    for &(number, call) in adds.values() {
        seen.adds[number] = call;
    }
    let mut held = 4 * adds.len();
    for (call, action) in actions.iter().enumerate() {
        share.work(|| held * size_of::<usize>())?;
        match *action {
            Action::Set(SetAction::Nonsense) => {
                let because = format!("{}, which is no set", history.sentence(call));
                return decided(Some(Contradiction::new([call], because)));
            }
            Action::Set(SetAction::Snapshot(all)) => {
                let mut numbers = Vec::with_capacity(all.len());
                held += all.len();
                for element in all {
                    share.work(|| held * size_of::<usize>())?;
                    let Some(&(number, add)) = adds.get(element) else {
                        let because = format!("{}, and nobody added {element}", history.sentence(call));
                        return decided(Some(Contradiction::new([call], because)));
                    };
                    if history.span(call).end < history.span(add).begin {
                        let because = format!("{}, and had {element}", history.in_order(call, add));
                        return decided(Some(Contradiction::new([call, add], because)));
                    }
                    numbers.push(number);
                }
                numbers.sort_unstable();
                seen.reads.push((call, numbers));
            }
            _ => {}
        }
    }
    seen.reads.sort_by_key(|read| read.1.len());
    decided(contradiction(history, &seen))
}

/// For each element its number and its addition; none where the algorithm is not for this history.
fn additions<'a>(actions: &[Action<'a>]) -> Option<FxHashMap<&'a Value, (usize, usize)>> {
    let mut adds = FxHashMap::default();
    let mut reads = false;
    for (call, action) in actions.iter().enumerate() {
        let Action::Set(action) = action else { return None };
        match *action {
            SetAction::Add(element) => {
                let number = adds.len();
                if adds.insert(element, (number, call)).is_some() {
                    return None;
                }
            }
            SetAction::Element(_) => return None,
            SetAction::Snapshot(_) => reads = true,
            SetAction::Nonsense | SetAction::Nothing => {}
        }
    }
    reads.then_some(adds)
}

fn contradiction(history: &dyn History, seen: &Seen) -> Option<Contradiction> {
    // The level of each element: even for additions, odd for reads.
    let mut level_of: Vec<Option<usize>> = vec![None; seen.adds.len()];
    let mut levels: Vec<(usize, usize)> = Vec::with_capacity(seen.adds.len() + seen.reads.len());
    let mut level = 0;
    for (place, (read, elements)) in seen.reads.iter().enumerate() {
        if let Some((previous, smaller)) = place.checked_sub(1).map(|previous| &seen.reads[previous]) {
            if let Some(missing) = without(smaller, elements) {
                let more = without(elements, smaller).expect("it is no smaller, and lacks one");
                return Some(side_by_side(history, seen, (*previous, missing), (*read, more)));
            }
            if smaller.len() < elements.len() {
                level += 2;
            }
        }
        for &element in elements {
            level_of[element].get_or_insert(level);
        }
        levels.push((level + 1, *read));
    }
    for (element, &add) in seen.adds.iter().enumerate() {
        match level_of[element] {
            Some(level) => levels.push((level, add)),
            // Nobody saw it: after all reads, or never if it crashed.
            None if history.span(add).end != NEVER => levels.push((level + 2, add)),
            None => {}
        }
    }
    let (later, earlier) = wrong_way(history, levels)?;
    Some(wrong_order(history, seen, &level_of, later, earlier))
}

/// The first element of one that the other does not have; both are sorted.
fn without(one: &[usize], other: &[usize]) -> Option<usize> {
    let mut other = other.iter().peekable();
    one.iter().copied().find(|element| {
        while other.next_if(|&it| it < element).is_some() {}
        other.peek() != Some(&element)
    })
}

/// Two of which the one of the later level ended before the other began.
fn wrong_way(history: &dyn History, levels: Vec<(usize, usize)>) -> Option<(usize, usize)> {
    let mut by_begin = levels.clone();
    by_begin.sort_unstable_by_key(|&(_, call)| history.span(call).begin);
    let mut by_end = levels;
    by_end.sort_unstable_by_key(|&(_, call)| history.span(call).end);
    let mut over = by_end.into_iter().peekable();
    let mut highest: Option<(usize, usize)> = None;
    by_begin.into_iter().find_map(|(level, call)| {
        while let Some(ended) = over.next_if(|&(_, ended)| history.span(ended).end < history.span(call).begin) {
            highest = highest.filter(|highest| highest.0 >= ended.0).or(Some(ended));
        }
        highest.filter(|highest| highest.0 > level).map(|highest| (highest.1, call))
    })
}

fn side_by_side(
    history: &dyn History,
    seen: &Seen,
    (one, ones): (usize, usize),
    (other, others): (usize, usize),
) -> Contradiction {
    let (ones, others) = (seen.adds[ones], seen.adds[others]);
    let step = |add: usize, with: usize, without: usize| {
        format!(
            "{} before {}, which has it, and after {}, which has it not",
            history.sentence(add),
            history.sentence(with),
            history.sentence(without)
        )
    };
    Contradiction::new([one, other, ones, others], step(ones, one, other)).and(step(others, other, one))
}

/// What is of a later level, and yet ended before what is of an earlier one began.
fn wrong_order(
    history: &dyn History,
    seen: &Seen,
    level_of: &[Option<usize>],
    later: usize,
    earlier: usize,
) -> Contradiction {
    let element = |call: usize| seen.adds.iter().position(|&add| add == call);
    let read = |call: usize| seen.reads.iter().find(|read| read.0 == call);
    let mut shown = vec![later, earlier];
    let why = match (element(earlier), element(later)) {
        // The smallest read that has the earlier one lacks the later one.
        (Some(first), Some(second)) => {
            let between = seen.reads.iter().find(|read| read.1.binary_search(&first).is_ok());
            let between = between.expect("an addition before another one was seen").0;
            shown.push(between);
            format!("{} has the element of that and not of this", history.sentence(between)) + &unseen(level_of[second])
        }
        (Some(_), None) => format!("{} has that element", history.sentence(later)),
        (None, Some(_)) => format!("{} does not have this element", history.sentence(earlier)),
        (None, None) => {
            let (Some(small), Some(great)) = (read(earlier), read(later)) else { unreachable!("both are reads") };
            let more = without(&great.1, &small.1).expect("a read of a later level has more");
            shown.push(seen.adds[more]);
            format!(
                "the first of these has an element that {} put in, and the second has not",
                history.sentence(seen.adds[more])
            )
        }
    };
    Contradiction::new(shown, history.in_order(later, earlier)).and(why)
}

fn unseen(level: Option<usize>) -> String {
    if level.is_none() { ", which nobody read at all".to_owned() } else { String::new() }
}
