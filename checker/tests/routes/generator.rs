//! Small random histories: what an object really did, one operation after the other, each within an interval around its
//! moment; then perhaps an answer, an interval or an ending is changed.

use std::collections::BTreeMap;

use schism_checker::history::Ending;
use schism_checker::models::ModelSpec;

use super::brute_force::{NULL, Object, Op, apply};
use super::random::Random;

/// What kind of history to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) object: Object,
    /// Each value is put in once.
    pub(crate) distinct: bool,
    /// How many operations there are at most, at least 2.
    pub(crate) operations: usize,
}

pub(crate) struct Generated {
    pub(crate) ops: Vec<Op>,
    /// An object really did this.
    pub(crate) valid_by_construction: bool,
}

pub(crate) fn history(kind: Kind, random: &mut Random) -> Generated {
    let count = 2 + random.below(kind.operations - 1);
    let crashes = *random.pick(&[0, 5, 15, 40]);
    let stretch = *random.pick(&[1, 3, 6, 12]);
    let mut ops = happened(kind, count, (crashes, stretch), random);
    let mut valid_by_construction = true;
    for _ in 0..*random.pick(&[0, 1, 1, 2, 3]) {
        valid_by_construction = false;
        mutate(&mut ops, random);
    }
    if random.chance(50) {
        // In whatever order they stand, only the intervals count.
        ops.sort_by_key(|op| (op.invoked, op.completed));
    }
    Generated { ops, valid_by_construction }
}

/// What an object really did: so many operations, so many percent of them crashed, each within so much time of its moment.
pub(crate) fn happened(kind: Kind, count: usize, (crashes, stretch): (usize, usize), random: &mut Random) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    let mut state: Vec<i64> = Vec::new();
    let mut fresh = 0;
    let mut at = 100;
    while ops.len() < count {
        at += 1 + random.below(3) as u64;
        let mut op = request(kind, &state, &mut fresh, random);
        (op.invoked, op.completed) = (at - random.below(stretch) as u64, at + random.below(stretch) as u64);
        op.ending = Ending::Ok;
        one_at_a_time(&mut ops, &mut op, at);
        let crashes_now = random.chance(crashes);
        if crashes_now && random.chance(50) {
            op.ending = Ending::Info;
            ops.push(op);
            continue;
        }
        op.answer = answer(kind.object, &state, &op, random);
        let after = apply(kind.object, &state, &op);
        if after.is_empty() {
            op.ending = Ending::Fail;
        } else {
            state = random.pick(&after).clone();
            if crashes_now {
                op.ending = Ending::Info;
            }
        }
        ops.push(op);
    }
    ops
}

/// Locks know their processes, which do one thing at a time: the operation before this one ends before the moment of this one,
/// and this one begins after that.
fn one_at_a_time(ops: &mut [Op], op: &mut Op, moment: u64) {
    if !by_process(op) {
        return;
    }
    if let Some(earlier) = ops.iter_mut().rev().find(|earlier| earlier.process == op.process) {
        earlier.completed = earlier.completed.min(moment - 1);
        op.invoked = op.invoked.max(earlier.completed + 1);
    }
}

fn by_process(op: &Op) -> bool {
    matches!(op.f, "acquire" | "release")
}

fn request(kind: Kind, state: &[i64], fresh: &mut i64, random: &mut Random) -> Op {
    let mut value = || {
        *fresh += 1;
        if kind.distinct { *fresh } else { small_number(3, random) }
    };
    let new = value();
    let small = small_number(3, random);
    let known = if kind.distinct { *fresh - small_number(3, random) } else { small };
    let lock = small_number(3, random);
    let (process, f, input, to) = match kind.object {
        Object::CasRegister => match random.below(10) {
            0..4 => (0, "read", 0, 0),
            4..6 => (0, "write", new, 0),
            // Mostly from the value that is there.
            6..9 => (0, "cas", state.first().copied().unwrap_or(NULL), new),
            _ => (0, "cas", known, new),
        },
        Object::Queue | Object::Bag if random.chance(50) => (0, "enqueue", new, 0),
        Object::Queue | Object::Bag => (0, "dequeue", NULL, 0),
        Object::Stack if random.chance(50) => (0, "push", new, 0),
        Object::Stack => (0, "pop", NULL, 0),
        // Not in the order of their values.
        Object::SmallestFirst | Object::LargestFirst if random.chance(50) => {
            (0, "insert", if kind.distinct { new ^ 5 } else { new }, 0)
        }
        Object::SmallestFirst => (0, "delete-min", NULL, 0),
        Object::LargestFirst => (0, "delete-max", NULL, 0),
        Object::Set => match random.below(if kind.distinct { 10 } else { 7 }) {
            // Where the values are distinct there are snapshots, which are not for each element alone.
            0..3 => (0, "add", new, 0),
            3..5 => (0, "remove", known, 0),
            5..8 => (0, "contains", known, 0),
            _ => (0, "read", 0, 0),
        },
        Object::GrowOnlySet if random.chance(55) => (0, "add", new, 0),
        Object::GrowOnlySet | Object::Counter | Object::List if random.chance(50) => (0, "read", 0, 0),
        Object::GrowOnlySet => (0, "read", 0, 0),
        Object::Counter if kind.distinct => (0, "add", 3, 0),
        Object::Counter => (0, *random.pick(&["add", "decrement"]), 1 + small, 0),
        Object::Semaphore => (lock, *random.pick(&["acquire", "release"]), 1 + small / 2, 0),
        Object::OwnerLock | Object::ReentrantLock | Object::FencedLock => {
            let holder = state.get(1).copied();
            match holder.filter(|_| random.chance(70)) {
                Some(holder) => (holder, *random.pick(&["release", "release", "acquire"]), 0, 0),
                None => (lock, *random.pick(&["acquire", "acquire", "release"]), 0, 0),
            }
        }
        Object::List => (0, "append", new, 0),
        Object::Log if random.chance(55) => (0, "append", new, 0),
        Object::Log => {
            let about = small_number(state.len() + 2, random);
            (0, *random.pick(&["read", "poll"]), about, 0)
        }
    };
    Op { process, f, input, to, answer: Vec::new(), ending: Ending::Ok, invoked: 0, completed: 0 }
}

/// What the object answers in this state.
fn answer(object: Object, state: &[i64], op: &Op, random: &mut Random) -> Vec<i64> {
    match (object, op.f) {
        (Object::Set | Object::GrowOnlySet, "add") => {
            let new = i64::from(!state.contains(&op.input));
            vec![if random.chance(if object == Object::Set { 30 } else { 5 }) { new } else { NULL }]
        }
        (Object::Set, "remove") => vec![if random.chance(50) { i64::from(state.contains(&op.input)) } else { NULL }],
        (Object::Set, "contains") => vec![i64::from(state.contains(&op.input))],
        (_, "dequeue" | "pop" | "delete-min" | "delete-max") => match object {
            _ if state.is_empty() => vec![NULL],
            Object::Queue => vec![state[0]],
            Object::Stack => vec![state[state.len() - 1]],
            Object::SmallestFirst => vec![*state.iter().min().unwrap()],
            Object::LargestFirst => vec![*state.iter().max().unwrap()],
            _ => vec![*random.pick(state)],
        },
        (Object::FencedLock, "acquire") => {
            let last = state.first().copied().unwrap_or(NULL).max(0);
            vec![if random.chance(10) { NULL } else { last + 1 + small_number(2, random) }]
        }
        (Object::Log, "append") => vec![i64::try_from(state.len()).unwrap()],
        (Object::Log, f) => {
            let rest = state.get(usize::try_from(op.input).unwrap()..).unwrap_or_default();
            let length = if f == "read" { 1 } else { 1 + random.below(3) };
            rest.iter().take(length).copied().collect()
        }
        (Object::Counter, _) => vec![state.first().copied().unwrap_or(0)],
        (_, "read") => state.to_vec(),
        _ => Vec::new(),
    }
}

/// Changes an answer, an interval or an ending.
pub(crate) fn mutate(ops: &mut [Op], random: &mut Random) {
    let number = random.below(ops.len());
    let other = ops[random.below(ops.len())].clone();
    if random.chance(30) && !by_process(&other) {
        // Two operations at each other's time.
        let place = ops.iter().position(|op| *op == other).expect("it is one of them");
        (ops[place].invoked, ops[place].completed) = (ops[number].invoked, ops[number].completed);
        (ops[number].invoked, ops[number].completed) = (other.invoked, other.completed);
        return;
    }
    let alone = by_process(&ops[number]);
    let op = &mut ops[number];
    match random.below(6) {
        0 | 1 if op.f == other.f => op.answer = other.answer,
        0 | 1 => match op.answer.first_mut() {
            Some(answer) if op.f == "contains" => *answer = 1 - *answer,
            Some(answer) if *answer != NULL => *answer = (*answer + small_number(3, random) - 1).max(0),
            Some(answer) => *answer = other.input,
            None if op.f == "read" => op.answer = vec![other.input.max(0)],
            None => {}
        },
        2 if op.answer.len() > 1 => {
            let place = random.below(op.answer.len());
            op.answer.remove(place);
        }
        2 | 3 if op.ending == Ending::Ok && !alone => {
            op.completed = op.invoked.max(op.completed - random.below(8) as u64);
        }
        4 if !alone => op.invoked = op.invoked.saturating_sub(random.below(8) as u64),
        4 => op.f = if op.f == "acquire" { "release" } else { "acquire" },
        _ => op.ending = *random.pick(&[Ending::Ok, Ending::Info]),
    }
    match op.f {
        "contains" if op.answer.is_empty() => op.answer = vec![0],
        "contains" => op.answer.iter_mut().for_each(|answer| *answer = i64::from(*answer == 1)),
        "add" | "remove" => op.answer.retain(|answer| (0..2).contains(answer)),
        _ => {}
    }
    // An offset that was not told belongs to a crash.
    if op.ending == Ending::Ok && op.f == "append" && op.answer.is_empty() {
        op.ending = Ending::Info;
    }
}

fn small_number(bound: usize, random: &mut Random) -> i64 {
    i64::try_from(random.below(bound)).unwrap()
}

/// The model of such an object.
pub(crate) fn model(object: Object) -> ModelSpec {
    let (name, parameter) = match object {
        Object::CasRegister => ("cas-register", None),
        Object::Queue => ("fifo-queue", None),
        Object::Bag => ("bag", None),
        Object::Stack => ("stack", None),
        Object::SmallestFirst => ("priority-queue", None),
        Object::LargestFirst => ("priority-queue", Some(("first", "largest"))),
        Object::Set => ("set", None),
        Object::GrowOnlySet => ("grow-only-set", None),
        Object::Counter => ("counter", None),
        Object::Semaphore => ("semaphore", Some(("permits", "2"))),
        Object::OwnerLock => ("mutex", None),
        Object::ReentrantLock => ("mutex", Some(("kind", "reentrant"))),
        Object::FencedLock => ("mutex", Some(("kind", "fenced"))),
        Object::List => ("append-list", None),
        Object::Log => ("log", None),
    };
    let parameters = parameter.map(|(name, value)| (name.to_owned(), value.to_owned()));
    ModelSpec::parse(name, &parameters.into_iter().collect::<BTreeMap<_, _>>()).unwrap()
}
