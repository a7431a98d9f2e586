//! Tries all orders of a core: depth first, no state with the same operations done twice, and nothing cleverer than that.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use crate::history::Operation;
use crate::model::{Access, Model};
use crate::verdict::Core;
use crate::verify::{VerifyError, end};

/// So many different situations are looked at; brute force on ten operations needs far fewer.
const SITUATIONS: usize = 2_000_000;

/// Their states may take so much memory.
const STATES_BYTES: usize = 1 << 30;

/// So many operations fit in a mask.
const OPERATIONS: usize = 128;

/// An operation of a core.
struct Item<'a, I> {
    input: &'a I,
    begin: u64,
    /// It must have happened by then.
    deadline: Option<u64>,
}

/// Whether the operations of a core can be put in an order.
pub(super) fn possible<M: Model>(
    operations: &[Operation],
    model: &M,
    core: &Core,
    inputs: &FxHashMap<usize, M::Input>,
) -> Result<bool, VerifyError> {
    let item = |&number: &usize| {
        let deadline = end(&operations[number]).filter(|&end| end <= core.cut);
        Item { input: &inputs[&number], begin: operations[number].invoked, deadline }
    };
    let mut items: Vec<Item<'_, M::Input>> = core.numbers.iter().map(item).collect();
    items.extend(core.optional.iter().map(|number| Item { input: &inputs[number], begin: 0, deadline: None }));
    if items.len() > OPERATIONS {
        return Err(VerifyError::TooLarge);
    }
    if core.free.is_empty() {
        let step = |state: &M::State, input| model.step(state, input).ok();
        return reaches_the_end(&items, model.initial(), step, |_| Vec::new(), |state| model.state_bytes(state));
    }
    let Some(initial) = model.register_initial() else { return Err(VerifyError::TooLarge) };
    let free = |_: &_| core.free.iter().collect();
    reaches_the_end(&items, initial, |state, input| access(model, state, input), free, |_| 0)
}

/// What an access leaves in a register that holds `value`, if it can happen there.
fn access<'a, M: Model>(model: &M, value: &'a Value, input: &'a M::Input) -> Option<&'a Value> {
    match model.access(input)? {
        Access::Read(answer) => (answer == value).then_some(value),
        Access::ReadAny => Some(value),
        Access::Write(written) => Some(written),
        Access::Cas { from, to } => (from == value).then_some(to),
    }
}

/// Whether every item with a deadline can be placed. `free` gives the states that may follow a state without any operation.
fn reaches_the_end<'a, I, S: Clone + Eq + std::hash::Hash>(
    items: &[Item<'a, I>],
    initial: S,
    step: impl Fn(&S, &'a I) -> Option<S>,
    free: impl Fn(&S) -> Vec<S>,
    bytes: impl Fn(&S) -> usize,
) -> Result<bool, VerifyError> {
    let all = || (0..items.len()).map(|place| (place, 1_u128 << place));
    let due: u128 = all().filter(|&(place, _)| items[place].deadline.is_some()).map(|(_, bit)| bit).sum();
    let mut met: FxHashSet<(u128, S)> = FxHashSet::default();
    let mut work = vec![(0_u128, initial)];
    let mut states_bytes = 0;
    while let Some((done, state)) = work.pop() {
        if due & !done == 0 {
            return Ok(true);
        }
        if !met.insert((done, state.clone())) {
            continue;
        }
        states_bytes += bytes(&state);
        if met.len() > SITUATIONS || states_bytes > STATES_BYTES {
            return Err(VerifyError::TooLarge);
        }
        let open = || all().filter(|&(_, bit)| done & bit == 0);
        let soonest = open().filter_map(|(place, _)| items[place].deadline).min().unwrap_or(u64::MAX);
        for (place, bit) in open().filter(|&(place, _)| items[place].begin <= soonest) {
            work.extend(step(&state, items[place].input).map(|after| (done | bit, after)));
        }
        work.extend(free(&state).into_iter().map(|after| (done, after)));
    }
    Ok(false)
}
