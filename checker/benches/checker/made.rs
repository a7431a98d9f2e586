//! Histories of objects that work, made by clients that take turns by chance.

use schism_checker::history::{Ending, Event, EventKind, Operation, Process};
use serde_json::{Map, Value, json};

/// What kind of history of a register to make.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) clients: usize,
    pub(crate) operations: usize,
    /// How many operations crash, evenly spread: half of them before they took effect.
    pub(crate) crashes: usize,
    /// Values are drawn from so many; each write has another one where absent.
    pub(crate) values: Option<usize>,
    pub(crate) cas: Cas,
}

/// Whether a third of all operations compares and sets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cas {
    None,
    /// Whatever is there: most of them fail, as in Jepsen's tests.
    Guessing,
    /// What was there a moment before: most of them succeed.
    Knowing,
}

/// An object that clients use.
pub(crate) trait Object {
    /// What a client asks next, the number of the operation being `number`; `crashes` if nobody will get the answer.
    fn request(&mut self, number: usize, crashes: bool, random: &mut Random) -> (&'static str, Value);

    /// Does it for this process, and answers; nothing where it refuses.
    fn take_effect(&mut self, process: u64, f: &str, input: &Value) -> Option<Value>;
}

/// Clients at work on an object.
struct Run<O> {
    object: O,
    count: usize,
    crashes: usize,
    random: Random,
    operations: Vec<Operation>,
    index: u64,
}

/// An operation that has begun.
struct Open {
    number: usize,
    took_effect: bool,
}

/// A history that is linearizable, since a register made it.
pub(crate) fn valid(kind: Kind, seed: u64) -> Vec<Operation> {
    run(Register { kind, value: Value::Null }, kind.clients, kind.operations, kind.crashes, seed)
}

/// So many operations of these clients on an object, so many of them crashed.
pub(crate) fn run(object: impl Object, clients: usize, count: usize, crashes: usize, seed: u64) -> Vec<Operation> {
    let operations = Vec::with_capacity(count);
    let mut run = Run { object, count, crashes, random: Random(seed), operations, index: 0 };
    let mut clients: Vec<(u64, Option<Open>)> = (0..clients as u64).map(|process| (process, None)).collect();
    while run.operations.len() < count || clients.iter().any(|(_, open)| open.is_some()) {
        let client = run.random.below(clients.len());
        run.advance(&mut clients[client]);
    }
    run.operations
}

/// The same, but its last read that was answered read what nobody wrote.
pub(crate) fn invalid(kind: Kind, seed: u64) -> Vec<Operation> {
    let mut operations = valid(kind, seed);
    let read = operations.iter_mut().rfind(|operation| &*operation.f == "read" && operation.ending == Ending::Ok);
    read.expect("a third of all operations reads").output = Some("unwritten".into());
    operations
}

/// Its events, in order.
pub(crate) fn events(operations: &[Operation]) -> Vec<Event> {
    let event = |operation: &Operation, index, kind, value: &Value| Event {
        index,
        time: Some(index * 50_000),
        process: Process::Client(operation.process),
        kind,
        f: operation.f.clone(),
        key: Some("x1".into()),
        value: value.clone(),
        node: Some("n1".into()),
        extra: Map::new(),
    };
    let mut events: Vec<Event> = Vec::new();
    for operation in operations {
        events.push(event(operation, operation.invoked, EventKind::Invoke, &operation.input));
        let Some(completed) = operation.completed else { continue };
        let (kind, value) = match operation.ending {
            Ending::Ok => (EventKind::Ok, operation.answer()),
            Ending::Fail => (EventKind::Fail, &*operation.input),
            Ending::Info => (EventKind::Info, &*operation.input),
        };
        events.push(event(operation, completed, kind, value));
    }
    events.sort_by_key(|event| event.index);
    events
}

impl<O: Object> Run<O> {
    /// What a client does next: it begins, or what it does takes effect, or ends.
    fn advance(&mut self, (process, open): &mut (u64, Option<Open>)) {
        let Some(Open { number, took_effect }) = open else {
            if self.operations.len() < self.count {
                let operation = self.invocation(*process);
                *open = Some(Open { number: self.operations.len(), took_effect: false });
                self.operations.push(operation);
            }
            return;
        };
        let crashes = self.crashes(*number);
        if !(*took_effect || crashes && self.random.below(2) == 0) {
            *took_effect = true;
            let operation = &mut self.operations[*number];
            let answer = self.object.take_effect(operation.process, &operation.f, &operation.input);
            operation.ending = if answer.is_some() { Ending::Ok } else { Ending::Fail };
            operation.output = answer.map(Into::into);
            return;
        }
        let operation = &mut self.operations[*number];
        operation.completed = Some(self.index);
        self.index += 1;
        if crashes {
            (operation.ending, operation.output) = (Ending::Info, None);
            *process += 1_000;
        }
        *open = None;
    }

    fn crashes(&self, number: usize) -> bool {
        (number + 1) * self.crashes / self.count > number * self.crashes / self.count
    }

    fn invocation(&mut self, process: u64) -> Operation {
        let number = self.operations.len();
        let crashes = self.crashes(number);
        let (f, input) = self.object.request(number, crashes, &mut self.random);
        self.index += 1;
        Operation {
            process,
            f: f.into(),
            key: None,
            input: input.into(),
            output: None,
            ending: Ending::Info,
            node: None,
            invoked: self.index - 1,
            completed: None,
            invoked_at: None,
            completed_at: None,
            error: None,
            session: None,
            version: None,
        }
    }
}

struct Register {
    kind: Kind,
    value: Value,
}

impl Object for Register {
    fn request(&mut self, number: usize, crashes: bool, random: &mut Random) -> (&'static str, Value) {
        let choices = if self.kind.cas == Cas::None { 2 } else { 3 };
        let choice = random.below(choices);
        let mut fresh = || Value::from(self.kind.values.map_or(number, |values| random.below(values)));
        match choice {
            // A crashed read says nothing, and is left out by every checker.
            0 if !crashes => ("read", Value::Null),
            2 if self.kind.cas == Cas::Knowing => ("cas", json!([self.value, fresh()])),
            2 => ("cas", json!([fresh(), fresh()])),
            _ => ("write", fresh()),
        }
    }

    fn take_effect(&mut self, _process: u64, f: &str, input: &Value) -> Option<Value> {
        match f {
            "read" => return Some(self.value.clone()),
            "write" => self.value = input.clone(),
            _ if input[0] == self.value => self.value = input[1].clone(),
            _ => return None,
        }
        Some(input.clone())
    }
}

/// Random numbers that are the same everywhere: `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("less than a usize")
    }
}
