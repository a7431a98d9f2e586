//! What is known of crashed operations on a register before any search. Only registers: their value is replaced as a whole,
//! and that is what both arguments need.
//!
//! **Evidence.** Where a value has one producer among all operations, and was not there at the beginning, whoever saw the value
//! proves that its producer happened before. So a crashed producer gets an end: that of the first operation that saw its
//! value; and if it was a compare-and-set, it saw a value in turn.
//!
//! **Unobserved values.** A crashed write or compare-and-set can be dropped if nothing that may come after it saw its value:
//! no read and no compare-and-set, completed or crashed, that was not over when it began. In any linearization with it, what
//! follows is reads without an answer and then a write, which is legal anyway, or nothing; so it can be taken out.
//! Each drop is sound for what remains, so it is repeated: a dropped compare-and-set no longer observes anything.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::call::Call;
use crate::model::Model;
use crate::registers::{RegisterCalls, ValueId};
use crate::search::Reductions;

/// Gives ends to crashed calls, and drops some, as far as `reductions` say and the model is a register.
pub(crate) fn reduce<M: Model>(model: &M, calls: &mut Vec<Call<'_, M::Input>>, reductions: Reductions) {
    if !(reductions.evidence || reductions.drop_unobserved) || !calls.iter().any(Call::crashed) {
        return;
    }
    let Some(registers) = RegisterCalls::of(model, calls) else { return };
    if reductions.evidence {
        give_ends(&registers, calls);
    }
    if reductions.drop_unobserved {
        let dropped = unobserved(&registers, calls);
        let mut index = 0;
        calls.retain(|_| {
            index += 1;
            !dropped[index - 1]
        });
    }
}

fn give_ends<I>(registers: &RegisterCalls, calls: &mut [Call<'_, I>]) {
    let seen =
        registers.accesses.iter().zip(&*calls).filter_map(|(access, call)| Some((call.end?, access.observed()?)));
    let mut seen: BinaryHeap<Reverse<(u64, ValueId)>> = seen.map(Reverse).collect();
    // Earliest first, so that a producer gets the earliest of its ends.
    while let Some(Reverse((end, value))) = seen.pop() {
        let Some(producer) = registers.only_producer[value as usize] else { continue };
        // One that was seen before it began makes the history invalid, which is for the search to say.
        if calls[producer].crashed() && calls[producer].operation.invoked <= end {
            calls[producer].end = Some(end);
            seen.extend(registers.accesses[producer].observed().map(|value| Reverse((end, value))));
        }
    }
}

/// For each call whether it crashed and nobody can have observed it.
fn unobserved<I>(registers: &RegisterCalls, calls: &[Call<'_, I>]) -> Vec<bool> {
    let values = registers.produced.len();
    let mut last_seen: Vec<Option<u64>> = vec![None; values];
    let mut crashed_observers = vec![0_u32; values];
    let mut crashed_producers: FxHashMap<ValueId, Vec<usize>> = FxHashMap::default();
    for (index, (access, call)) in registers.accesses.iter().zip(calls).enumerate() {
        if let Some(value) = access.observed() {
            match call.end {
                Some(end) => last_seen[value as usize] = last_seen[value as usize].max(Some(end)),
                None => crashed_observers[value as usize] += 1,
            }
        }
        if let (Some(value), true) = (access.produced(), call.crashed()) {
            crashed_producers.entry(value).or_default().push(index);
        }
    }
    let mut dropped = vec![false; calls.len()];
    let mut look_at: Vec<ValueId> = crashed_producers.keys().copied().collect();
    while let Some(value) = look_at.pop() {
        let Some(producers) = crashed_producers.get_mut(&value) else { continue };
        if crashed_observers[value as usize] > 0 {
            continue;
        }
        producers.retain(|&producer| {
            let over = last_seen[value as usize].is_none_or(|end| end < calls[producer].operation.invoked);
            if over {
                dropped[producer] = true;
                if let Some(from) = registers.accesses[producer].observed() {
                    crashed_observers[from as usize] -= 1;
                    look_at.push(from);
                }
            }
            !over
        });
    }
    dropped
}
