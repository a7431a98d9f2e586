//! Histories of a register that works, made by clients that take turns by chance.

use std::collections::HashSet;

use schism_checker::history::{Ending, Event, EventKind, Operation, Process, SharedValue};
use serde_json::{Map, Value, json};

/// What kind of history to make.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) clients: usize,
    pub(crate) operations: usize,
    /// How many operations crash, evenly spread: half of them before they took effect.
    pub(crate) crashes: usize,
    /// Values are drawn from so many; each write has another one where absent.
    pub(crate) values: Option<usize>,
    /// A third of all operations compares and sets, whatever is there: most of them fail, as in Jepsen's tests.
    pub(crate) cas: bool,
}

/// An operation that has begun.
struct Open {
    number: usize,
    took_effect: bool,
}

struct Register {
    kind: Kind,
    random: Random,
    operations: Vec<Operation>,
    /// Each value is there once, as in a history that was read.
    values: HashSet<SharedValue>,
    value: SharedValue,
    index: u64,
}

/// A history that is linearizable, since a register made it.
pub(crate) fn valid(kind: Kind, seed: u64) -> Vec<Operation> {
    let operations = Vec::with_capacity(kind.operations);
    let mut register = Register {
        kind,
        random: Random(seed),
        operations,
        values: HashSet::new(),
        value: Value::Null.into(),
        index: 0,
    };
    let mut clients: Vec<(u64, Option<Open>)> = (0..kind.clients as u64).map(|process| (process, None)).collect();
    while register.operations.len() < kind.operations || clients.iter().any(|(_, open)| open.is_some()) {
        let client = register.random.below(clients.len());
        register.advance(&mut clients[client]);
    }
    register.operations
}

/// The same, but its last read that was answered read what nobody wrote.
pub(crate) fn invalid(kind: Kind, seed: u64) -> Vec<Operation> {
    let mut operations = valid(kind, seed);
    let read = operations.iter_mut().rfind(|operation| &*operation.f == "read" && operation.ending == Ending::Ok);
    read.expect("a third of all operations reads").output = Some(json!("unwritten").into());
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
        if let (Some(completed), Some(output)) = (operation.completed, &operation.output) {
            events.push(event(operation, completed, EventKind::Ok, output));
        }
    }
    events.sort_by_key(|event| event.index);
    events
}

impl Register {
    /// What a client does next: it begins, or what it does takes effect, or ends.
    fn advance(&mut self, (process, open): &mut (u64, Option<Open>)) {
        let Some(Open { number, took_effect }) = open else {
            if self.operations.len() < self.kind.operations {
                let operation = self.invocation(*process);
                *open = Some(Open { number: self.operations.len(), took_effect: false });
                self.operations.push(operation);
            }
            return;
        };
        let crashes = self.crashes(*number);
        if !(*took_effect || crashes && self.random.below(2) == 0) {
            *took_effect = true;
            self.take_effect(*number);
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
        let Kind { operations, crashes, .. } = self.kind;
        (number + 1) * crashes / operations > number * crashes / operations
    }

    fn take_effect(&mut self, number: usize) {
        let operation = &mut self.operations[number];
        operation.ending = Ending::Ok;
        operation.output = Some(operation.input.clone());
        match &*operation.f {
            "read" => operation.output = Some(self.value.clone()),
            "write" => self.value = operation.input.clone(),
            _ if operation.input[0] == self.value => {
                let after = operation.input[1].clone();
                self.value = self.shared(after);
            }
            _ => (operation.ending, operation.output) = (Ending::Fail, None),
        }
    }

    fn invocation(&mut self, process: u64) -> Operation {
        let number = self.operations.len();
        let crashes = self.crashes(number);
        let (f, input) = match self.random.below(if self.kind.cas { 3 } else { 2 }) {
            // A crashed read says nothing, and is left out by every checker.
            0 if !crashes => ("read", Value::Null),
            2 => ("cas", json!([self.fresh(number), self.fresh(number)])),
            _ => ("write", self.fresh(number)),
        };
        self.index += 1;
        Operation {
            process,
            f: f.into(),
            key: None,
            input: self.shared(input),
            output: None,
            ending: Ending::Info,
            node: None,
            invoked: self.index - 1,
            completed: None,
            invoked_at: None,
            completed_at: None,
            error: None,
        }
    }

    fn shared(&mut self, value: Value) -> SharedValue {
        if let Some(known) = self.values.get(&value) {
            return known.clone();
        }
        let new = SharedValue::from(value);
        self.values.insert(new.clone());
        new
    }

    fn fresh(&mut self, number: usize) -> Value {
        self.kind.values.map_or(number, |values| self.random.below(values)).into()
    }
}

/// Random numbers that are the same everywhere: `SplitMix64`.
struct Random(u64);

impl Random {
    /// Less than `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("less than a usize")
    }
}
