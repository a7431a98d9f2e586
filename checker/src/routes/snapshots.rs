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
//! began.
//!
//! Nor need two reads be compared element by element. Go from the smallest read to the greatest and mark what was seen: as long
//! as they stand in a row, what is marked is what the read before had, so the next one has all of that if and only if it has as
//! many marked elements as are marked at all. That takes time linear in all that was read, and O(n log n).

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::{Action, SetAction};

/// The elements of a set by number, and who did what.
struct Seen<'a> {
    /// The elements.
    values: Vec<&'a Value>,
    /// The addition of each element.
    adds: Vec<usize>,
    /// The reads, with the numbers of their elements, each once, in no order.
    reads: Vec<(usize, Vec<u32>)>,
}

/// Decides a set to which elements are only added; none where anything else happens, or an element is added twice.
pub(super) fn decide(
    history: &dyn History,
    actions: &[Action<'_>],
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let decided = |contradiction| Ok(Some(Decided { route: "snapshots", contradiction }));
    let Some(mut elements) = Elements::of(history, actions) else { return Ok(None) };
    let mut reads = Vec::new();
    // In words of memory, of which each holds the numbers of two elements.
    let mut held = 8 * elements.adds.len();
    for (call, action) in actions.iter().enumerate() {
        share.work(|| held * size_of::<usize>())?;
        match *action {
            Action::Set(SetAction::Nonsense) => {
                let because = format!("{}, which is no set", history.sentence(call));
                return decided(Some(Contradiction::new([call], because)));
            }
            Action::Set(SetAction::Snapshot(all)) => {
                held += all.len().div_ceil(2);
                match elements.read(history, call, all, held * size_of::<usize>(), share)? {
                    Ok(numbers) => reads.push((call, numbers)),
                    Err(wrong) => return decided(Some(wrong)),
                }
            }
            _ => {}
        }
    }
    reads.sort_by_key(|read: &(usize, Vec<u32>)| read.1.len());
    decided(contradiction(history, &Seen { values: elements.values, adds: elements.adds, reads }))
}

/// All elements that were added, with a number for each.
struct Elements<'a> {
    numbers: FxHashMap<&'a Value, u32>,
    /// By number, as is all that follows.
    values: Vec<&'a Value>,
    adds: Vec<usize>,
    /// When their additions began.
    begins: Vec<u64>,
    /// The element that stood behind it in the last read that had it: in the next one it mostly does so again, and need not be
    /// looked up.
    next: Vec<u32>,
}

impl<'a> Elements<'a> {
    /// None where the algorithm is not for this history.
    fn of(history: &dyn History, actions: &[Action<'a>]) -> Option<Elements<'a>> {
        let (mut values, mut adds, mut reads) = (Vec::new(), Vec::new(), false);
        for (call, action) in actions.iter().enumerate() {
            let Action::Set(action) = action else { return None };
            match *action {
                SetAction::Add(element) => {
                    values.push(element);
                    adds.push(call);
                }
                SetAction::Element(_) => return None,
                SetAction::Snapshot(_) => reads = true,
                SetAction::Nonsense | SetAction::Nothing => {}
            }
        }
        let count = u32::try_from(values.len()).ok().filter(|_| reads)?;
        let numbers: FxHashMap<&Value, u32> = values.iter().copied().zip(0..).collect();
        if numbers.len() < values.len() {
            return None;
        }
        let begins = adds.iter().map(|&add| history.span(add).begin).collect();
        Some(Elements { numbers, values, adds, begins, next: (1..=count).collect() })
    }

    /// The numbers of the elements that a read had, or what is wrong with one of them.
    fn read(
        &mut self,
        history: &dyn History,
        call: usize,
        all: &'a [Value],
        held_bytes: usize,
        share: &mut Share<'_>,
    ) -> Result<Result<Vec<u32>, Contradiction>, Stop> {
        let mut numbers: Vec<u32> = Vec::with_capacity(all.len());
        let ended = history.span(call).end;
        let mut expected = 0;
        for element in all {
            share.work(|| held_bytes)?;
            let is_expected = self.values.get(expected as usize).is_some_and(|value| *value == element);
            let number = if is_expected { Some(expected) } else { self.numbers.get(element).copied() };
            let Some(number) = number else {
                let because = format!("{}, and nobody added {element}", history.sentence(call));
                return Ok(Err(Contradiction::new([call], because)));
            };
            if ended < self.begins[number as usize] {
                let add = self.adds[number as usize];
                let because = format!("{}, and had {element}", history.in_order(call, add));
                return Ok(Err(Contradiction::new([call, add], because)));
            }
            if let Some(&last) = numbers.last() {
                self.next[last as usize] = number;
            }
            expected = self.next[number as usize];
            numbers.push(number);
        }
        Ok(Ok(numbers))
    }
}

fn contradiction(history: &dyn History, seen: &Seen<'_>) -> Option<Contradiction> {
    // The level of each element: even for additions, odd for reads.
    let mut level_of: Vec<Option<usize>> = vec![None; seen.adds.len()];
    let mut levels: Vec<(usize, usize)> = Vec::with_capacity(seen.adds.len() + seen.reads.len());
    let mut level = 0;
    let mut marked = 0;
    for (place, (read, elements)) in seen.reads.iter().enumerate() {
        let old = elements.iter().filter(|&&element| level_of[element as usize].is_some()).count();
        if old < marked {
            let (previous, smaller) = &seen.reads[place - 1];
            let missing = without(smaller, elements).expect("it lacks one of those");
            let more = without(elements, smaller).expect("it is no smaller, and lacks one");
            return Some(side_by_side(history, seen, (*previous, missing), (*read, more)));
        }
        if place > 0 && old < elements.len() {
            level += 2;
        }
        for &element in elements {
            level_of[element as usize].get_or_insert(level);
        }
        marked = elements.len();
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

/// The first added of the elements of one that the other does not have.
fn without(one: &[u32], other: &[u32]) -> Option<u32> {
    let other: FxHashSet<u32> = other.iter().copied().collect();
    one.iter().copied().filter(|element| !other.contains(element)).min()
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
    seen: &Seen<'_>,
    (one, ones): (usize, u32),
    (other, others): (usize, u32),
) -> Contradiction {
    let (ones, others) = (seen.adds[ones as usize], seen.adds[others as usize]);
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
    seen: &Seen<'_>,
    level_of: &[Option<usize>],
    later: usize,
    earlier: usize,
) -> Contradiction {
    let element = |call: usize| (0..).zip(&seen.adds).find(|(_, add)| **add == call).map(|(number, _)| number);
    let read = |call: usize| seen.reads.iter().find(|read| read.0 == call);
    let mut shown = vec![later, earlier];
    let why = match (element(earlier), element(later)) {
        // The smallest read that has the earlier one lacks the later one.
        (Some(first), Some(second)) => {
            let between = seen.reads.iter().find(|read| read.1.contains(&first));
            let between = between.expect("an addition before another one was seen").0;
            shown.push(between);
            let (has, lacks) = (seen.values[first as usize], seen.values[second as usize]);
            format!("{} has {has} and lacks {lacks}", history.sentence(between)) + &unseen(level_of[second as usize])
        }
        (Some(first), None) => format!("{} has {}", history.sentence(later), seen.values[first as usize]),
        (None, Some(second)) => format!("{} lacks {}", history.sentence(earlier), seen.values[second as usize]),
        (None, None) => {
            let (Some(small), Some(great)) = (read(earlier), read(later)) else { unreachable!("both are reads") };
            let more = without(&great.1, &small.1).expect("a read of a later level has more");
            shown.push(seen.adds[more as usize]);
            format!("the first of these has {}, and the second lacks it", seen.values[more as usize])
        }
    };
    Contradiction::new(shown, history.in_order(later, earlier)).and(why)
}

fn unseen(level: Option<usize>) -> String {
    if level.is_none() { ", which no read has".to_owned() } else { String::new() }
}
