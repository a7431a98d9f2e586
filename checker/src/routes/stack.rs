//! Stacks.
//!
//! **Theorem.** Let each element have its insertion end before its removal begins; others are left out, since their two
//! operations can happen at one moment, in any linearization of the rest. Then
//!
//! 1. at a moment at which no element is certainly inside, the history falls into two that are independent: one's
//!    linearization after the other's is one of both (see [`collection`](super::collection));
//! 2. where there is no such moment between the first end of an insertion and the last begin of a removal, there is no
//!    linearization in which the stack is empty meanwhile, so there is one element at the bottom all the time: it is put in before
//!    all others, so its insertion began before any other's ended, and it is taken after all others, so its removal ended after
//!    all others' began;
//! 3. any element of which this holds will do: if there is a linearization, there is one of the others, since elements can be
//!    left out; and around that the two operations of this element can be put.
//!
//! So elements that can be at the bottom are taken away until nothing is left, or until there are some of which none can be.
//! The idea of taking elements away one by one is that of Lee and Mathur (*Efficient decrease-and-conquer linearizability
//! monitoring*, 2025); the proof is the one above. What can be at the bottom of some elements can be at the bottom of fewer of
//! them, so each element is looked at a few times, and all takes O(n log n).

use super::collection::{Element, inside};
use super::cover::Ranks;
use super::stretches::Stretches;
use super::{Contradiction, History};
use crate::meter::{Share, Stop};

/// Elements of which none can have been at the bottom.
pub(super) fn contradiction(
    history: &dyn History,
    elements: &[Element],
    share: &mut Share<'_>,
) -> Result<Option<Contradiction>, Stop> {
    let mut forward: Vec<Element> =
        elements.iter().filter(|element| element.inserted.end < element.taken.begin).copied().collect();
    forward.sort_by_key(|element| element.inserted.end);
    let ends = forward.iter().flat_map(|element| [element.inserted.end, element.taken.begin]);
    let ranks = Ranks::of(ends);
    let mut pile = Pile::new(&forward, &ranks);
    share.ask(pile.bytes() + forward.len() * 2 * size_of::<Element>())?;
    let mut parts = Vec::new();
    pile.parts(0, forward.len(), &mut parts);
    while let Some(part) = parts.pop() {
        share.work(|| pile.bytes() + forward.len() * 2 * size_of::<Element>())?;
        if pile.take_bottoms(part) == 0 {
            let left: Vec<Element> = pile.left(part).map(|number| forward[number]).collect();
            return Ok(Some(no_bottom(history, &left)));
        }
        pile.parts(part.first, part.last, &mut parts);
    }
    Ok(None)
}

/// Elements that are next to each other by the ends of their insertions, with a stretch in which the stack is never empty.
#[derive(Clone, Copy, Debug)]
struct Part {
    first: usize,
    /// Behind the last one.
    last: usize,
    /// The first end of an insertion.
    begin: u64,
    /// The last begin of a removal.
    end: u64,
}

/// The elements that were not yet taken away.
struct Pile<'a> {
    elements: &'a [Element],
    ranks: &'a Ranks,
    /// How many elements are certainly inside, by position.
    inside: Counts,
    /// The begins of the insertions, of those that were not yet found to be early enough for the bottom.
    early: Least,
    /// What is left of `u64::MAX` after the ends of the removals, of those that were not yet found to be late enough.
    late: Least,
    /// For each element whether it is early enough, late enough, and taken away.
    known: Vec<[bool; 2]>,
    /// The numbers of those that are left, by their places: 0 where taken away.
    alive: Least,
}

impl<'a> Pile<'a> {
    fn new(elements: &'a [Element], ranks: &'a Ranks) -> Pile<'a> {
        let mut inside = Counts::new(ranks.positions());
        for element in elements {
            inside.add(ranks.position(element.inserted.end) + 1, ranks.position(element.taken.begin), 1);
        }
        Pile {
            elements,
            ranks,
            inside,
            early: Least::of(elements.iter().map(|element| element.inserted.begin)),
            late: Least::of(elements.iter().map(|element| u64::MAX - element.taken.end)),
            known: vec![[false; 2]; elements.len()],
            alive: Least::of((0..elements.len()).map(|_| 0)),
        }
    }

    fn bytes(&self) -> usize {
        self.inside.bytes() + self.early.bytes() + self.late.bytes() + self.alive.bytes() + 2 * self.known.len()
    }

    /// The elements of these places that are left.
    fn left(&self, part: Part) -> impl Iterator<Item = usize> + '_ {
        (part.first..part.last).filter(|&number| self.alive.get(number) == 0)
    }

    /// Splits what is left from `first` to `last` where the stack may be empty.
    fn parts(&self, mut first: usize, last: usize, parts: &mut Vec<Part>) {
        while let Some(start) = self.alive.first_at_most(first, last, 0) {
            let begin = self.elements[start].inserted.end;
            let free = self.inside.first_zero(self.ranks.position(begin) + 1);
            let end = self.ranks.event(free);
            let behind = self.elements.partition_point(|element| element.inserted.end < end).min(last);
            parts.push(Part { first: start, last: behind, begin, end });
            first = behind;
        }
    }

    /// Takes away all elements of a part that can be at its bottom. Returns how many.
    fn take_bottoms(&mut self, part: Part) -> usize {
        let mut taken = 0;
        while let Some(number) = self.early.first_at_most(part.first, part.last, part.begin) {
            self.early.set(number, u64::MAX);
            self.known[number][0] = true;
            taken += self.take_away(number);
        }
        while let Some(number) = self.late.first_at_most(part.first, part.last, u64::MAX - part.end) {
            // An element that was never taken has nothing left of the maximum.
            self.late.set(number, u64::MAX);
            self.known[number][1] = true;
            taken += self.take_away(number);
        }
        taken
    }

    /// Takes an element away if it is early and late enough.
    fn take_away(&mut self, number: usize) -> usize {
        if self.known[number] != [true; 2] {
            return 0;
        }
        let element = &self.elements[number];
        let (from, to) = (self.ranks.position(element.inserted.end), self.ranks.position(element.taken.begin));
        self.inside.add(from + 1, to, -1);
        self.alive.set(number, 1);
        1
    }
}

/// The elements in words, of which none can be at the bottom.
fn no_bottom(history: &dyn History, elements: &[Element]) -> Contradiction {
    let begin = elements.iter().map(|element| element.inserted.end).min().unwrap_or(0);
    let end = elements.iter().map(|element| element.taken.begin).max().unwrap_or(0);
    let stretches =
        Stretches::new(elements.iter().map(|element| (element.inserted.end, element.taken.begin)).collect());
    // The one that was put in first, then those that take over before it is gone.
    let first = elements
        .iter()
        .enumerate()
        .filter(|(_, element)| element.inserted.end == begin)
        .max_by_key(|(_, element)| element.taken.begin)
        .map_or(0, |(number, _)| number);
    let mut shown = vec![first];
    let reached = stretches.get(first).1;
    if reached < end {
        shown.extend(stretches.cover(elements.len(), reached, end - 1));
    }
    let calls = shown.iter().flat_map(|&number| elements[number].calls());
    let because = "the stack was never empty meanwhile, and none of these elements can have been at the bottom: each was \
                   pushed after another one, or popped before another one";
    Contradiction::new(calls, because).and_of_each(&shown, |&number| inside(history, &elements[number]))
}

/// Numbers of which the first small one of a range is asked for: a tree of minima.
struct Least {
    size: usize,
    tree: Vec<u64>,
}

impl Least {
    fn of(values: impl ExactSizeIterator<Item = u64>) -> Least {
        let size = values.len().next_power_of_two();
        let mut tree = vec![u64::MAX; 2 * size];
        for (place, value) in values.enumerate() {
            tree[size + place] = value;
        }
        for node in (1..size).rev() {
            tree[node] = tree[2 * node].min(tree[2 * node + 1]);
        }
        Least { size, tree }
    }

    fn bytes(&self) -> usize {
        self.tree.len() * size_of::<u64>()
    }

    fn get(&self, place: usize) -> u64 {
        self.tree[self.size + place]
    }

    fn set(&mut self, place: usize, value: u64) {
        let mut node = self.size + place;
        self.tree[node] = value;
        while node > 1 {
            node /= 2;
            self.tree[node] = self.tree[2 * node].min(self.tree[2 * node + 1]);
        }
    }

    /// The first place from `first` on, before `last`, with a value of at most `bound`, which is no value of one taken out.
    fn first_at_most(&self, first: usize, last: usize, bound: u64) -> Option<usize> {
        if first >= last {
            return None;
        }
        let mut node = self.size + first;
        // Up until a subtree to the right has one, then down to its first.
        while self.tree[node] > bound {
            while node % 2 == 1 {
                node /= 2;
                if node == 0 {
                    return None;
                }
            }
            if node == 0 {
                return None;
            }
            node += 1;
        }
        while node < self.size {
            node = if self.tree[2 * node] <= bound { 2 * node } else { 2 * node + 1 };
        }
        Some(node - self.size).filter(|&place| place < last)
    }
}

/// Counts by position, of which stretches are raised and lowered and the first zero is asked for: a tree of minima with
/// what was added to all below a node.
struct Counts {
    size: usize,
    least: Vec<i32>,
    added: Vec<i32>,
}

impl Counts {
    fn new(positions: usize) -> Counts {
        // One more, which is always zero.
        let size = (positions + 1).next_power_of_two();
        Counts { size, least: vec![0; 2 * size], added: vec![0; 2 * size] }
    }

    fn bytes(&self) -> usize {
        2 * self.least.len() * size_of::<i32>()
    }

    /// Adds to all from `first` on, before `last`.
    fn add(&mut self, first: usize, last: usize, amount: i32) {
        self.add_below(1, (0, self.size), (first, last), amount);
    }

    fn add_below(&mut self, node: usize, (from, to): (usize, usize), (first, last): (usize, usize), amount: i32) {
        if last <= from || to <= first {
            return;
        }
        if first <= from && to <= last {
            self.least[node] += amount;
            self.added[node] += amount;
            return;
        }
        let middle = usize::midpoint(from, to);
        self.add_below(2 * node, (from, middle), (first, last), amount);
        self.add_below(2 * node + 1, (middle, to), (first, last), amount);
        self.least[node] = self.added[node] + self.least[2 * node].min(self.least[2 * node + 1]);
    }

    /// The first zero at or behind a position; there is always one.
    fn first_zero(&self, from: usize) -> usize {
        self.zero_below(1, (0, self.size), from, 0).expect("the last position is never raised")
    }

    /// `above` is what was added to all below the nodes above this one.
    fn zero_below(&self, node: usize, (from, to): (usize, usize), first: usize, above: i32) -> Option<usize> {
        if to <= first || self.least[node] + above > 0 {
            return None;
        }
        if to - from == 1 {
            return Some(from);
        }
        let (middle, above) = (usize::midpoint(from, to), above + self.added[node]);
        self.zero_below(2 * node, (from, middle), first, above)
            .or_else(|| self.zero_below(2 * node + 1, (middle, to), first, above))
    }
}
