//! A checker that tries every order, written without the crate's models, on operations in a form of its own.

use schism_checker::history::{Ending, Operation};
use serde_json::{Value, json};

/// What an object does, in the plainest way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    CasRegister,
    Queue,
    Bag,
    Stack,
    SmallestFirst,
    LargestFirst,
    Set,
    GrowOnlySet,
    Counter,
    Semaphore,
    OwnerLock,
    ReentrantLock,
    FencedLock,
    List,
    Log,
}

/// Stands for null.
pub(crate) const NULL: i64 = i64::MIN;

/// An operation. What its answer means depends on `f`; after a crash it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Op {
    pub(crate) process: i64,
    pub(crate) f: &'static str,
    /// For `cas` the second half is in `to`.
    pub(crate) input: i64,
    pub(crate) to: i64,
    pub(crate) answer: Vec<i64>,
    pub(crate) ending: Ending,
    pub(crate) invoked: u64,
    pub(crate) completed: u64,
}

/// Whether the operations are linearizable.
pub(crate) fn linearizable(object: Object, ops: &[Op]) -> bool {
    let happened: Vec<&Op> = ops.iter().filter(|op| op.ending != Ending::Fail).collect();
    let obliged = (0..happened.len()).filter(|&i| happened[i].ending == Ending::Ok).map(|i| 1_u32 << i).sum();
    finishes(object, &happened, obliged, 0, &[])
}

fn finishes(object: Object, all: &[&Op], obliged: u32, done: u32, state: &[i64]) -> bool {
    if obliged & !done == 0 {
        return true;
    }
    let open = |i: &usize| done & (1 << i) == 0;
    let ends = (0..all.len()).filter(open).filter(|&i| all[i].ending == Ending::Ok).map(|i| all[i].completed);
    let deadline = ends.min().expect("something is obliged");
    (0..all.len()).filter(open).filter(|&i| all[i].invoked <= deadline).any(|i| {
        apply(object, state, all[i]).iter().any(|after| finishes(object, all, obliged, done | (1 << i), after))
    })
}

/// The states that may be there afterwards; none where the operation with its answer is impossible.
pub(crate) fn apply(object: Object, state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    match object {
        Object::CasRegister => register(state, op),
        Object::Queue | Object::Bag | Object::Stack | Object::SmallestFirst | Object::LargestFirst => match op.f {
            "enqueue" | "push" | "insert" => vec![[state, &[op.input]].concat()],
            _ => taken(object, state, op.known().then_some(op.first())),
        },
        Object::Set | Object::GrowOnlySet => set(state, op),
        Object::Counter => counter(state, op),
        Object::Semaphore => semaphore(state, op),
        Object::OwnerLock | Object::ReentrantLock | Object::FencedLock => lock(object, state, op),
        Object::List if op.f == "append" => vec![[state, &[op.input]].concat()],
        Object::List => when(!op.known() || op.answer == state, state),
        Object::Log => log(state, op),
    }
}

impl Op {
    /// Whether the answer is known.
    fn known(&self) -> bool {
        self.ending == Ending::Ok
    }

    /// The answer where it is a single number.
    fn first(&self) -> i64 {
        self.answer.first().copied().unwrap_or(NULL)
    }
}

/// The same state, if the operation is possible in it.
fn when(possible: bool, state: &[i64]) -> Vec<Vec<i64>> {
    if possible { vec![state.to_vec()] } else { Vec::new() }
}

fn register(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let now = state.first().copied().unwrap_or(NULL);
    match op.f {
        "read" => when(!op.known() || op.first() == now, state),
        "write" => vec![vec![op.input]],
        _ if op.input == now => vec![vec![op.to]],
        _ => Vec::new(),
    }
}

fn set(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let there = state.contains(&op.input);
    let without = || state.iter().copied().filter(|&it| it != op.input).collect::<Vec<_>>();
    // What an answer, if there is one, says of whether it was there: an addition tells whether it added.
    let says = |there: bool| !op.known() || op.first() == NULL || op.first() == i64::from(there);
    match op.f {
        "add" if !says(!there) => Vec::new(),
        "add" => vec![[without().as_slice(), &[op.input]].concat()],
        "remove" if !says(there) => Vec::new(),
        "remove" => vec![without()],
        "contains" => when(!op.known() || op.first() == i64::from(there), state),
        _ => {
            let (mut all, mut read) = (state.to_vec(), op.answer.clone());
            all.sort_unstable();
            read.sort_unstable();
            read.dedup();
            when(!op.known() || all == read, state)
        }
    }
}

fn counter(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let now = state.first().copied().unwrap_or(0);
    match op.f {
        "add" => vec![vec![now + op.input]],
        "decrement" => vec![vec![now - op.input]],
        _ => when(!op.known() || op.first() == now, state),
    }
}

/// The state is who holds the two permits.
fn semaphore(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    let permits = usize::try_from(op.input).unwrap();
    let others: Vec<i64> = state.iter().copied().filter(|&it| it != op.process).collect();
    match op.f {
        "acquire" if state.len() + permits <= 2 => vec![[state, &vec![op.process; permits]].concat()],
        "release" => match (state.len() - others.len()).checked_sub(permits) {
            Some(left) => vec![[others, vec![op.process; left]].concat()],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The state is the last fence first, then the holder as often as it holds.
fn lock(object: Object, state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    if op.f == "release" {
        return match state {
            [fence, rest @ .., last] if *last == op.process => vec![[&[*fence], rest].concat()],
            _ => Vec::new(),
        };
    }
    let last = state.first().copied().unwrap_or(NULL);
    let holds = state.get(1..).unwrap_or_default();
    let given = if op.known() && object == Object::FencedLock { op.first() } else { NULL };
    let free = holds.is_empty() || object == Object::ReentrantLock && holds[0] == op.process;
    if !free || given != NULL && given <= last {
        return Vec::new();
    }
    vec![[&[last.max(given)], holds, &[op.process]].concat()]
}

fn log(state: &[i64], op: &Op) -> Vec<Vec<i64>> {
    if op.f == "append" {
        let fits = !op.known() || op.first() == i64::try_from(state.len()).unwrap();
        return if fits { vec![[state, &[op.input]].concat()] } else { Vec::new() };
    }
    let rest = state.get(usize::try_from(op.input).unwrap()..).unwrap_or_default();
    let is_next = rest.starts_with(&op.answer) && (rest.is_empty() || !op.answer.is_empty());
    when(!op.known() || is_next, state)
}

/// What is left after one is taken; `answer` is none where nobody knows which.
fn taken(object: Object, state: &[i64], answer: Option<i64>) -> Vec<Vec<i64>> {
    let place = |value: i64| state.iter().position(|&it| it == value).unwrap();
    let candidates: Vec<usize> = match object {
        _ if state.is_empty() => Vec::new(),
        Object::Queue => vec![0],
        Object::Stack => vec![state.len() - 1],
        Object::SmallestFirst => vec![place(*state.iter().min().unwrap())],
        Object::LargestFirst => vec![place(*state.iter().max().unwrap())],
        _ => (0..state.len()).collect(),
    };
    let without = |place: usize| [&state[..place], &state[place + 1..]].concat();
    match answer {
        None | Some(NULL) if state.is_empty() => vec![Vec::new()],
        None => candidates.into_iter().map(without).collect(),
        Some(value) => candidates.into_iter().filter(|&place| state[place] == value).map(without).collect(),
    }
}

/// The operation as it would be recorded.
pub(crate) fn recorded(object: Object, op: &Op) -> Operation {
    let value = |number: i64| if number == NULL { Value::Null } else { json!(number) };
    let list = || op.answer.iter().copied().map(value).collect::<Value>();
    let first = value(op.answer.first().copied().unwrap_or(NULL));
    let truth = |answer: &Value| answer.as_i64().map_or(json!(op.input), |answer| json!([op.input, answer == 1]));
    let input = match (object, op.f) {
        (Object::CasRegister, "cas") => json!([value(op.input), value(op.to)]),
        (_, "read") if object != Object::Log => Value::Null,
        _ => value(op.input),
    };
    let output = match (object, op.f) {
        (Object::Set | Object::GrowOnlySet | Object::List, "read") | (Object::Log, "poll") => list(),
        (Object::Set | Object::GrowOnlySet, "contains") => json!(first == json!(1)),
        (Object::Set | Object::GrowOnlySet, _) => truth(&first),
        (Object::CasRegister, "write" | "cas") => input.clone(),
        _ => first,
    };
    Operation {
        process: u64::try_from(op.process).unwrap(),
        f: op.f.into(),
        key: None,
        input: input.into(),
        output: (op.ending == Ending::Ok).then(|| output.into()),
        ending: op.ending,
        node: None,
        invoked: op.invoked,
        completed: (op.ending != Ending::Info || op.process % 2 == 0).then_some(op.completed),
        invoked_at: None,
        completed_at: None,
        error: None,
        session: None,
        version: None,
    }
}
