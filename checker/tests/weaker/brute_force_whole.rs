//! The properties of whole histories as their definitions say them: every order is tried.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::brute_force::Op;

/// The four session guarantees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guarantee {
    ReadYourWrites,
    MonotonicReads,
    MonotonicWrites,
    WritesFollowReads,
}

/// Whether the first came before the second in their session.
fn in_session(one: &Op, other: &Op) -> bool {
    one.who == other.who && one.end.is_some_and(|end| end < other.begin)
}

/// The version of what an operation wrote or read, by key and value; the initial value has the version 0.
pub(crate) type Versions = BTreeMap<(String, String), usize>;

pub(crate) fn name(op: &Op) -> (String, String) {
    (op.key.to_string(), op.value.to_string())
}

/// What the guarantee says, with these versions. No value may be read that has none.
pub(crate) fn keeps(ops: &[Op], guarantee: Guarantee, versions: &Versions) -> bool {
    let version = |op: &Op| if op.value.is_null() { 0 } else { versions[&name(op)] };
    let same_key = |first: bool, then: bool, strictly: bool| {
        pairs(ops, |one, other| {
            in_session(one, other) && one.write == first && other.write == then && one.key == other.key
        })
        .all(|(one, other)| version(one) < version(other) || !strictly && version(one) == version(other))
    };
    let other_keys = |first: bool| {
        pairs(ops, |one, other| in_session(one, other) && one.write == first && other.write && one.key != other.key)
            .all(|(one, write)| {
                pairs(ops, |seen, then| {
                    in_session(seen, then)
                        && !seen.write
                        && !then.write
                        && name(seen) == name(write)
                        && then.key == one.key
                })
                .all(|(_, then)| version(then) >= version(one))
            })
    };
    match guarantee {
        Guarantee::ReadYourWrites => same_key(true, false, false),
        Guarantee::MonotonicReads => same_key(false, false, false),
        Guarantee::MonotonicWrites => same_key(true, true, true) && other_keys(true),
        Guarantee::WritesFollowReads => same_key(false, true, true) && other_keys(false),
    }
}

fn pairs(ops: &[Op], which: impl Fn(&Op, &Op) -> bool) -> impl Iterator<Item = (&Op, &Op)> {
    let all = ops.iter().flat_map(|one| ops.iter().map(move |other| (one, other)));
    all.filter(move |(one, other)| which(one, other))
}

/// Whether there are versions with which the guarantee is kept.
pub(crate) fn can_keep(ops: &[Op], guarantee: Guarantee) -> bool {
    if unwritten(ops) {
        return false;
    }
    let writes: Vec<&Op> = ops.iter().filter(|op| op.write).collect();
    any_order(&writes, &mut Vec::new(), &|_, _| true, &mut |order| keeps(ops, guarantee, &numbered(order)))
}

/// The writes in this order, numbered by it; that compares those of one key as well.
pub(crate) fn numbered(order: &[&Op]) -> Versions {
    order.iter().zip(1..).map(|(op, version)| (name(op), version)).collect()
}

/// Whether a read returned what nobody wrote.
pub(crate) fn unwritten(ops: &[Op]) -> bool {
    ops.iter().any(|read| !read.write && !read.value.is_null() && source(ops, read).is_none())
}

fn source(ops: &[Op], read: &Op) -> Option<usize> {
    ops.iter().position(|op| op.write && op.key == read.key && op.value == read.value)
}

/// Whether any order of all these passes, of those in which each fits behind the ones before it.
fn any_order<'o>(
    left: &[&'o Op],
    order: &mut Vec<&'o Op>,
    fits: &dyn Fn(&[&Op], &Op) -> bool,
    passes: &mut dyn FnMut(&[&Op]) -> bool,
) -> bool {
    if left.is_empty() {
        return passes(order);
    }
    (0..left.len()).any(|i| {
        if !fits(order, left[i]) {
            return false;
        }
        let rest: Vec<&Op> = left.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, op)| *op).collect();
        order.push(left[i]);
        let found = any_order(&rest, order, fits, passes);
        order.pop();
        found
    })
}

/// What comes before what, causally; none where the relation has a cycle or a read returned what nobody wrote. Crashed
/// writes that nobody read are left out.
pub(crate) struct Causal {
    ops: Vec<Op>,
    before: Vec<Vec<bool>>,
}

impl Causal {
    pub(crate) fn of(ops: &[Op]) -> Option<Causal> {
        if unwritten(ops) {
            return None;
        }
        let read = |write: &Op| ops.iter().any(|op| !op.write && name(op) == name(write));
        let ops: Vec<Op> = ops.iter().filter(|op| op.end.is_some() || read(op)).cloned().collect();
        let reads_from = |i: usize, j: usize| !ops[j].write && source(&ops, &ops[j]) == Some(i);
        let all = 0..ops.len();
        let mut before: Vec<Vec<bool>> = all
            .clone()
            .map(|i| all.clone().map(|j| in_session(&ops[i], &ops[j]) || reads_from(i, j)).collect())
            .collect();
        for k in all.clone() {
            for i in all.clone() {
                for j in all.clone() {
                    before[i][j] |= before[i][k] && before[k][j];
                }
            }
        }
        let cyclic = all.clone().any(|i| before[i][i]);
        (!cyclic).then_some(Causal { ops, before })
    }

    /// Whether there is an order of these operations, extending the relation, in which those reads return the last value of their key.
    fn ordered(&self, these: u32, checked: u32) -> bool {
        let mut dead = HashSet::new();
        self.go(these, checked, 0, &BTreeMap::new(), &mut dead)
    }

    fn go(
        &self,
        these: u32,
        checked: u32,
        done: u32,
        values: &BTreeMap<String, Value>,
        dead: &mut HashSet<(u32, Vec<String>)>,
    ) -> bool {
        if done == these {
            return true;
        }
        let state = (done, values.values().map(ToString::to_string).collect());
        if dead.contains(&state) {
            return false;
        }
        let is = |set: u32, i: usize| set & (1 << i) != 0;
        for (i, op) in self.ops.iter().enumerate().filter(|&(i, _)| is(these, i) && !is(done, i)) {
            if (0..self.ops.len()).any(|j| is(these, j) && !is(done, j) && self.before[j][i]) {
                continue;
            }
            let mut after = values.clone();
            if op.write {
                after.insert(op.key.to_string(), op.value.clone());
            } else if is(checked, i) && *after.get(&op.key.to_string()).unwrap_or(&Value::Null) != op.value {
                continue;
            }
            if self.go(these, checked, done | 1 << i, &after, dead) {
                return true;
            }
        }
        dead.insert(state);
        false
    }

    fn past(&self, of: usize) -> u32 {
        (0..self.ops.len()).filter(|&i| i == of || self.before[i][of]).map(|i| 1 << i).sum()
    }

    pub(crate) fn is_causal(&self) -> bool {
        (0..self.ops.len()).filter(|&i| !self.ops[i].write).all(|read| self.ordered(self.past(read), 1 << read))
    }

    pub(crate) fn is_memory(&self) -> bool {
        (0..self.ops.len()).all(|last| {
            let own = (0..self.ops.len()).filter(|&i| i == last || in_session(&self.ops[i], &self.ops[last]));
            self.ordered(self.past(last), own.map(|i| 1 << i).sum())
        })
    }

    pub(crate) fn is_convergent(&self) -> bool {
        let writes: Vec<&Op> = self.ops.iter().filter(|op| op.write).collect();
        let number = |op: &Op| self.ops.iter().position(|other| std::ptr::eq(other, op)).unwrap();
        let fits = |order: &[&Op], next: &Op| {
            !writes.iter().any(|&write| {
                let placed = order.iter().any(|op| std::ptr::eq(*op, write));
                !placed && self.before[number(write)][number(next)]
            })
        };
        any_order(&writes, &mut Vec::new(), &fits, &mut |order| {
            self.ops.iter().enumerate().filter(|(_, op)| !op.write).all(|(read, op)| {
                let mut seen = order.iter().filter(|write| write.key == op.key && self.before[number(write)][read]);
                seen.next_back().map_or(Value::Null, |write| write.value.clone()) == op.value
            })
        })
    }
}
