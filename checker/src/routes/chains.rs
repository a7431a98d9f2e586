//! Registers with compare-and-set whose values are distinct: chains.
//!
//! **Assumption:** each value is produced by at most one write or compare-and-set, crashed ones included, and none of
//! them produces the value that was there at the beginning.
//!
//! A crashed operation whose value an operation that happened found has happened before that one ended; if it was a
//! compare-and-set, it found a value in turn. All other crashed operations are dropped: nothing that happened sees their
//! values, so that what follows them is a write, and they can be taken out of any linearization.
//!
//! Of what is left, a value is there once and without a break. So at most one compare-and-set replaced it, and directly after
//! its readers: a write, its readers, the compare-and-set from its value, that one's readers and so on form a **chain**, which
//! stands together in this order. **Theorem** (after Gibbons and Korach, *Testing shared memories*, 1997, theorem 4.13 and their
//! zones): the history is linearizable if and only if every value has a producer, no value is replaced twice, every chain begins
//! with a write or the initial value, no operation of a chain ended before one of an earlier link began, and the chains have an
//! order ([`blocks`](super::blocks)).

use rustc_hash::FxHashSet;

use super::blocks::{self, Block};
use super::{Contradiction, Decided, History, NEVER};
use crate::meter::{Share, Stop};
use crate::model::Access;
use crate::registers::{RegisterCalls, ValueId};

/// Decides a register with compare-and-set; none where a value has several producers, or there is no compare-and-set.
pub(super) fn decide(
    history: &dyn History,
    registers: &RegisterCalls,
    share: &mut Share<'_>,
) -> Result<Option<Decided>, Stop> {
    let distinct = registers.produced.iter().zip(&registers.only_producer).all(|(&made, only)| made == only.is_some());
    let cas = registers.accesses.iter().any(|access| matches!(access, Access::Cas { .. }));
    if !distinct || !cas {
        return Ok(None);
    }
    let links = Links::of(history, registers);
    share.ask((links.end.len() + links.readers.len()) * 8 * size_of::<usize>())?;
    let contradiction = links.wrong_by_itself(history, registers).or_else(|| links.contradiction(history, registers));
    Ok(Some(Decided { route: "chains", contradiction }))
}

/// What happened to each value.
struct Links {
    /// When each call had happened; `NEVER` for those that are dropped.
    end: Vec<u64>,
    /// The reads of each value.
    readers: Vec<Vec<usize>>,
    /// The compare-and-sets from each value that happened.
    replacers: Vec<Vec<usize>>,
}

impl Links {
    fn of(history: &dyn History, registers: &RegisterCalls) -> Links {
        let mut end: Vec<u64> = (0..history.calls()).map(|call| history.span(call).end).collect();
        let mut seen: Vec<usize> = (0..end.len()).filter(|&call| end[call] != NEVER).collect();
        // Those that end first are followed first: whoever has an end already has the earliest, and so has all that is before it.
        seen.sort_by_key(|&call| end[call]);
        for observer in seen {
            let mut observer = observer;
            let at = end[observer];
            while let Some(producer) =
                registers.accesses[observer].observed().and_then(|value| registers.only_producer[value as usize])
                && history.crashed(producer)
                && end[producer] > at
            {
                end[producer] = at;
                observer = producer;
            }
        }
        let values = registers.produced.len();
        let (mut readers, mut replacers) = (vec![Vec::new(); values], vec![Vec::new(); values]);
        for (call, access) in registers.accesses.iter().enumerate().filter(|&(call, _)| end[call] != NEVER) {
            match *access {
                Access::Read(value) => readers[value as usize].push(call),
                Access::Cas { from, .. } => replacers[from as usize].push(call),
                Access::ReadAny | Access::Write(_) => {}
            }
        }
        Links { end, readers, replacers }
    }

    /// An operation that is wrong whatever else happened.
    fn wrong_by_itself(&self, history: &dyn History, registers: &RegisterCalls) -> Option<Contradiction> {
        for (value, readers) in self.readers.iter().enumerate() {
            let replacers = &self.replacers[value];
            let unwritten = value != registers.initial as usize && registers.only_producer[value].is_none();
            if let Some(&found) = replacers.iter().chain(readers).next().filter(|_| unwritten) {
                let because = format!("{}, and nobody wrote that", history.sentence(found));
                return Some(Contradiction::new(self.evidence(registers, [found]), because));
            }
            if let [one, other, ..] = replacers[..] {
                let because = format!(
                    "{}, {}, and the value that they found was there once",
                    history.sentence(one),
                    history.sentence(other)
                );
                let shown = [one, other].into_iter().chain(registers.only_producer[value]);
                return Some(Contradiction::new(self.evidence(registers, shown), because));
            }
        }
        None
    }

    /// Walks along all chains, then puts them in an order.
    fn contradiction(&self, history: &dyn History, registers: &RegisterCalls) -> Option<Contradiction> {
        let is_root = |value: ValueId| match registers.only_producer[value as usize] {
            Some(producer) => self.end[producer] != NEVER && matches!(registers.accesses[producer], Access::Write(_)),
            None => value == registers.initial,
        };
        let values = ValueId::try_from(self.readers.len()).expect("values were numbered");
        let mut in_a_chain = vec![false; self.readers.len()];
        let mut chains: Vec<(Block, Vec<usize>)> = Vec::new();
        for root in (0..values).filter(|&value| is_root(value)) {
            let calls = self.chain(registers, root, &mut in_a_chain);
            if let Some((later, earlier)) = self.out_of_order(history, registers, &calls) {
                let because = history.in_order(later, earlier);
                let shown = self.between(registers, earlier, later);
                return Some(
                    Contradiction::new(self.evidence(registers, shown), because)
                        .and("yet the value that it needs came from there, step by step"),
                );
            }
            let first_end = calls.iter().map(|&call| self.end[call]).min().filter(|_| root != registers.initial);
            let first_end = if root == registers.initial { None } else { Some(first_end.unwrap_or(NEVER)) };
            let last_begin = calls.iter().map(|&call| history.span(call).begin).max().unwrap_or(0);
            chains.push((Block { number: chains.len(), first_end, last_begin }, calls));
        }
        let cut_off = |call: &usize| {
            self.end[*call] != NEVER
                && registers.accesses[*call].produced().is_some_and(|value| !in_a_chain[value as usize])
        };
        if let Some(call) = (0..self.end.len()).find(cut_off) {
            let because = format!("{}, and that value came from itself, step by step", history.sentence(call));
            return Some(Contradiction::new(self.evidence(registers, [call]), because));
        }
        let (one, other) = blocks::contradiction(chains.iter().map(|chain| chain.0))?;
        Some(self.both_first(history, registers, [(one, &chains[one].1), (other, &chains[other].1)]))
    }

    /// The calls of a chain in its order.
    fn chain(&self, registers: &RegisterCalls, root: ValueId, in_a_chain: &mut [bool]) -> Vec<usize> {
        let mut calls: Vec<usize> = registers.only_producer[root as usize].into_iter().collect();
        let mut value = root;
        loop {
            in_a_chain[value as usize] = true;
            calls.extend(&self.readers[value as usize]);
            let Some(&replacer) = self.replacers[value as usize].first() else { return calls };
            calls.push(replacer);
            value = registers.accesses[replacer].produced().expect("a compare-and-set produces a value");
        }
    }

    /// An operation of a chain that ended before one of an earlier link began, and that one.
    fn out_of_order(
        &self,
        history: &dyn History,
        registers: &RegisterCalls,
        calls: &[usize],
    ) -> Option<(usize, usize)> {
        // The one that began last of all earlier links; readers of one value have no order among themselves.
        let mut latest: Option<usize> = None;
        let mut of_this_link: Option<usize> = None;
        let later = |one: Option<usize>, other: usize| {
            one.filter(|&one| history.span(one).begin >= history.span(other).begin).or(Some(other))
        };
        let mut previous_reads = false;
        for &call in calls {
            let reads = matches!(registers.accesses[call], Access::Read(_));
            if !(reads && previous_reads) {
                latest = of_this_link.map_or(latest, |it| later(latest, it));
                of_this_link = None;
            }
            previous_reads = reads;
            if let Some(earlier) = latest.filter(|&earlier| self.end[call] < history.span(earlier).begin) {
                return Some((call, earlier));
            }
            of_this_link = later(of_this_link, call);
        }
        None
    }

    /// All steps from the value of one call to that of a later one of its chain.
    fn between(&self, registers: &RegisterCalls, earlier: usize, later: usize) -> Vec<usize> {
        let mut shown = vec![earlier, later];
        let mut at = later;
        while let Some(producer) =
            registers.accesses[at].observed().and_then(|value| registers.only_producer[value as usize])
        {
            shown.push(producer);
            if producer == earlier || shown.len() > self.end.len() {
                break;
            }
            at = producer;
        }
        shown.extend(registers.accesses[earlier].observed().and_then(|value| registers.only_producer[value as usize]));
        shown
    }

    /// Two chains that must come before each other.
    fn both_first(
        &self,
        history: &dyn History,
        registers: &RegisterCalls,
        [one, other]: [(usize, &Vec<usize>); 2],
    ) -> Contradiction {
        let first_end = |calls: &[usize]| calls.iter().copied().min_by_key(|&call| self.end[call]);
        let last_begin = |calls: &[usize]| calls.iter().copied().max_by_key(|&call| history.span(call).begin);
        let mut shown = Vec::new();
        let mut because = vec!["each value is there once and without a break, yet".to_owned()];
        for (from, to) in [(one, other), (other, one)] {
            if let (Some(ended), Some(began)) = (first_end(from.1), last_begin(to.1))
                && self.end[ended] < history.span(began).begin
            {
                because.push(history.in_order(ended, began));
                shown.extend([ended, began]);
            }
        }
        // What ties the operations of one chain to each other is what stands between them in it.
        for chain in [one.1, other.1] {
            let place = |call: &usize| chain.iter().position(|it| it == call);
            let places: Vec<usize> = shown.iter().filter_map(place).collect();
            let (first, last) = (places.iter().min().copied().unwrap_or(0), places.iter().max().copied().unwrap_or(0));
            let between = chain.get(first..=last).unwrap_or_default();
            shown.extend(between.iter().filter(|&&call| registers.accesses[call].produced().is_some()));
        }
        let mut found = Contradiction::new(self.evidence(registers, shown), "");
        found.because = because;
        found
    }

    /// These calls with the producers of the values that they found, and with what proves of each that crashed that it
    /// happened.
    fn evidence(&self, registers: &RegisterCalls, calls: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut shown: Vec<usize> = calls.into_iter().collect();
        let producer = |&call: &usize| {
            registers.accesses[call].observed().and_then(|value| registers.only_producer[value as usize])
        };
        shown.extend(shown.iter().filter_map(producer).collect::<Vec<_>>());
        let mut known: FxHashSet<usize> = shown.iter().copied().collect();
        let mut at = 0;
        while let Some(&call) = shown.get(at) {
            at += 1;
            // Of the first that found its value the end is its own, if it crashed.
            let made = registers.accesses[call].produced().map(|value| value as usize);
            let witness = made.and_then(|value| {
                let found = self.readers[value].iter().chain(&self.replacers[value]).copied();
                found.min_by_key(|&found| self.end[found])
            });
            shown.extend(witness.filter(|&it| self.end[it] == self.end[call] && known.insert(it)));
        }
        shown
    }
}
