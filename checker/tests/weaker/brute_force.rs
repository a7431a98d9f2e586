//! The properties as their definitions say them, by trying every order: nothing here is shared with the crate but the type of
//! an operation.

use std::collections::HashSet;

use schism_checker::history::{Ending, Operation};
use serde_json::Value;

/// An operation that happened, or may have.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) who: u64,
    pub(crate) key: Value,
    pub(crate) write: bool,
    pub(crate) value: Value,
    pub(crate) begin: (i64, u64),
    /// None where it crashed.
    pub(crate) end: Option<(i64, u64)>,
}

/// All but failed operations and crashed reads. Moments are those of the events' order, unless `timed`.
pub(crate) fn ops(operations: &[Operation], timed: bool) -> Vec<Op> {
    let moment = |index: u64, time: Option<u64>| {
        if timed { (i64::try_from(time.unwrap()).unwrap(), index) } else { (i64::try_from(index).unwrap(), 0) }
    };
    let happened = operations.iter().filter(|it| it.ending != Ending::Fail);
    let told = happened.filter(|it| it.ending == Ending::Ok || &*it.f == "write").map(|it| Op {
        who: it.session.as_deref().and_then(Value::as_u64).unwrap_or(it.process),
        key: it.key.as_deref().cloned().unwrap_or_default(),
        write: &*it.f == "write",
        value: if &*it.f == "write" { it.input.to_value() } else { it.answer().clone() },
        begin: moment(it.invoked, it.invoked_at),
        end: (it.ending == Ending::Ok).then(|| moment(it.completed.unwrap(), it.completed_at)),
    });
    told.collect()
}

/// Whether there is an order of the operations of one key, all that ended and some of the crashed ones, that extends real time and in
/// which each read returns one of the last `k` values.
pub(crate) fn ordered(ops: &[&Op], k: usize) -> bool {
    assert!(ops.len() <= 16, "brute force is for small histories");
    let obliged = (0..ops.len()).filter(|&i| ops[i].end.is_some()).map(|i| 1_u32 << i).sum();
    let mut dead = HashSet::new();
    go(ops, k, obliged, 0, &mut vec![Value::Null], &mut dead)
}

fn go(
    ops: &[&Op],
    k: usize,
    obliged: u32,
    done: u32,
    values: &mut Vec<Value>,
    dead: &mut HashSet<(u32, Vec<Value>)>,
) -> bool {
    if obliged & !done == 0 {
        return true;
    }
    let recent = values[values.len().saturating_sub(k)..].to_vec();
    if dead.contains(&(done, recent.clone())) {
        return false;
    }
    for (i, op) in ops.iter().enumerate().filter(|(i, _)| done & (1 << i) == 0) {
        let waits = ops
            .iter()
            .enumerate()
            .any(|(j, other)| done & (1 << j) == 0 && other.end.is_some_and(|end| end < op.begin));
        if waits || !op.write && !recent.contains(&op.value) {
            continue;
        }
        if op.write {
            values.push(op.value.clone());
        }
        let found = go(ops, k, obliged, done | 1 << i, values, dead);
        if op.write {
            values.pop();
        }
        if found {
            return true;
        }
    }
    dead.insert((done, recent));
    false
}

/// The operations by key.
pub(crate) fn by_key(ops: &[Op]) -> Vec<Vec<&Op>> {
    let mut keys: Vec<&Value> = Vec::new();
    for op in ops {
        if !keys.contains(&&op.key) {
            keys.push(&op.key);
        }
    }
    keys.into_iter().map(|key| ops.iter().filter(|op| op.key == *key).collect()).collect()
}

/// The writes of a key with those other operations.
fn writes_and<'o>(ops: &[&'o Op], others: impl Fn(&Op) -> bool) -> Vec<&'o Op> {
    ops.iter().copied().filter(|op| op.write || others(op)).collect()
}

pub(crate) fn is_regular(ops: &[&Op]) -> bool {
    let reads = ops.iter().filter(|op| !op.write);
    reads.clone().all(|read| ordered(&writes_and(ops, |op| std::ptr::eq(op, *read)), 1))
}

pub(crate) fn is_regular_per_process(ops: &[&Op]) -> bool {
    ops.iter().all(|one| ordered(&writes_and(ops, |op| op.who == one.who), 1))
}

pub(crate) fn is_safe(ops: &[&Op]) -> bool {
    let overlap = |read: &Op, write: &Op| {
        let before = |one: &Op, other: &Op| one.end.is_some_and(|end| end < other.begin);
        !before(read, write) && !before(write, read)
    };
    let reads = ops.iter().filter(|op| !op.write);
    let mut alone = reads.filter(|read| !ops.iter().any(|op| op.write && overlap(read, op)));
    alone.all(|read| ordered(&writes_and(ops, |op| std::ptr::eq(op, *read)), 1))
}

/// The smallest k, if there is one.
pub(crate) fn smallest_k(ops: &[&Op]) -> Option<usize> {
    (1..=ops.len() + 1).find(|&k| ordered(ops, k))
}

/// The smallest time by which all reads have to begin earlier, if any is enough.
pub(crate) fn smallest_delta(ops: &[&Op]) -> Option<i64> {
    let moved = |delta: i64| -> Vec<Op> {
        let earlier = |op: &&&Op| {
            let (time, index) = op.begin;
            let written = ops.iter().find(|write| write.write && write.value == op.value).map(|write| write.begin);
            let begin = if delta == 0 { (time, index) } else { (time - delta, 0) };
            begin.max(written.unwrap_or((i64::MIN, 0))).min(op.begin)
        };
        let begin = |op: &&Op| if op.write { op.begin } else { earlier(&op) };
        ops.iter().map(|op| Op { begin: begin(op), ..(*op).clone() }).collect()
    };
    let last = ops.iter().map(|op| op.begin.0).max().unwrap_or(0);
    (0..=last + 2).find(|&delta| ordered(&moved(delta).iter().collect::<Vec<_>>(), 1))
}
