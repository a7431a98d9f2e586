//! Small random histories: clients that each do one thing at a time, on an object that really is linearizable, or on one that
//! answers as it likes.

use std::collections::BTreeMap;

use schism_checker::history::{Ending, Operation};
use schism_checker::models::ModelSpec;
use serde_json::{Value, json};

use super::brute_force::{Object, State, apply};
use super::random::Random;

/// What kind of history to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) object: Object,
    /// Each write writes another value.
    pub(crate) distinct: bool,
    /// How many different keys there are.
    pub(crate) keys: usize,
    /// How many operations there are at most, at least 2.
    pub(crate) operations: usize,
}

/// A history, and whether it was made by a linearizable object and left as it was.
pub(crate) struct Generated {
    pub(crate) operations: Vec<Operation>,
    pub(crate) initial: Value,
    pub(crate) valid_by_construction: bool,
}

/// One client at work.
struct Client {
    process: u64,
    open: Option<Pending>,
}

struct Pending {
    /// In the list of operations.
    number: usize,
    took_effect: bool,
}

struct Run {
    kind: Kind,
    initial: Value,
    operations: Vec<Operation>,
    state: State,
    /// Crashed operations that may still take effect.
    ghosts: Vec<usize>,
    written: i64,
    index: u64,
}

pub(crate) fn history(kind: Kind, random: &mut Random) -> Generated {
    let initial = match kind.object {
        Object::Kv => json!(""),
        Object::Mutex => Value::Null,
        _ if random.chance(30) => json!(0),
        _ => Value::Null,
    };
    let mut run =
        Run { kind, initial, operations: Vec::new(), state: State::new(), ghosts: Vec::new(), written: 0, index: 0 };
    let count = 2 + random.below(kind.operations - 1);
    let mut clients: Vec<Client> =
        (0..2 + random.below(3) as u64).map(|process| Client { process, open: None }).collect();
    let crashes = if kind.operations > 8 { 5 } else { *random.pick(&[0, 10, 40, 80]) };
    while run.operations.len() < count || clients.iter().any(|client| client.open.is_some()) {
        let client = random.below(clients.len());
        run.advance(&mut clients[client], count, crashes, random);
        run.haunt(random);
        // Some runs end while operations are open.
        if run.operations.len() == count && random.chance(3) {
            break;
        }
    }
    let mut valid = true;
    if random.chance(60) {
        valid = !run.mutate(random);
    }
    if random.chance(25) {
        // Events that share an index are concurrent; this only takes order away.
        for operation in &mut run.operations {
            operation.invoked /= 2;
            operation.completed = operation.completed.map(|completed| completed / 2);
        }
    }
    Generated { operations: run.operations, initial: run.initial, valid_by_construction: valid }
}

impl Run {
    /// The client begins something, or what it does takes effect, or ends.
    fn advance(&mut self, client: &mut Client, count: usize, crashes: usize, random: &mut Random) {
        let Some(pending) = &mut client.open else {
            if self.operations.len() < count {
                let operation = self.invocation(client.process, random);
                self.operations.push(operation);
                client.open = Some(Pending { number: self.operations.len() - 1, took_effect: false });
            }
            return;
        };
        let number = pending.number;
        if !pending.took_effect && !random.chance(crashes) {
            if self.take_effect(number) {
                pending.took_effect = true;
            } else {
                // It was refused, or has to wait; the object says so, and the client gives up.
                self.end(number, Ending::Fail);
                client.open = None;
            }
            return;
        }
        let ending = if pending.took_effect && !random.chance(crashes / 2) { Ending::Ok } else { Ending::Info };
        if !pending.took_effect {
            self.ghosts.push(number);
        }
        self.end(number, ending);
        client.open = None;
        if ending == Ending::Info {
            client.process += 10;
        }
    }

    /// Something that crashed may take effect long after.
    fn haunt(&mut self, random: &mut Random) {
        if !self.ghosts.is_empty() && random.chance(20) {
            let ghost = random.below(self.ghosts.len());
            let ghost = self.ghosts.swap_remove(ghost);
            self.take_effect(ghost);
        }
    }

    fn take_effect(&mut self, number: usize) -> bool {
        let operation = &mut self.operations[number];
        let key = operation.key.as_deref().map_or_else(String::new, Value::to_string);
        let now = |key: &str| self.state.get(key).unwrap_or(&self.initial).clone();
        operation.output = Some(match &*operation.f {
            "read" | "get" => now(&key).into(),
            "txn" => answered(&operation.input, now).into(),
            _ => operation.input.clone(),
        });
        // The answer counts for what is to be applied, even if the client never gets it.
        let ending = std::mem::replace(&mut operation.ending, Ending::Ok);
        let after = apply(self.kind.object, &self.initial, &self.state, operation);
        operation.ending = ending;
        let happened = after.is_some();
        self.state = after.unwrap_or_else(|| std::mem::take(&mut self.state));
        happened
    }

    fn end(&mut self, number: usize, ending: Ending) {
        let operation = &mut self.operations[number];
        operation.ending = ending;
        operation.completed = Some(self.index);
        if ending != Ending::Ok {
            operation.output = None;
        }
        self.index += 1;
    }

    fn invocation(&mut self, process: u64, random: &mut Random) -> Operation {
        let (f, input) = self.request(random);
        let key = if self.kind.keys > 1 { Some(format!("k{}", random.below(self.kind.keys)).into()) } else { None };
        self.index += 1;
        Operation {
            process,
            f: f.into(),
            key,
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

    fn request(&mut self, random: &mut Random) -> (&'static str, Value) {
        match self.kind.object {
            Object::Register | Object::CasRegister if random.chance(45) => ("read", Value::Null),
            Object::CasRegister if random.chance(50) => {
                ("cas", json!([self.value(random, false), self.value(random, true)]))
            }
            Object::Register | Object::CasRegister => ("write", self.value(random, true)),
            Object::Kv if random.chance(40) => ("get", Value::Null),
            Object::Kv => (*random.pick(&["put", "append", "append"]), json!(random.pick(&["a", "b", ""]))),
            Object::Mutex => (*random.pick(&["acquire", "release"]), Value::Null),
            Object::MultiRegister => {
                let steps = (0..=random.below(3)).map(|_| {
                    let register = *random.pick(&["x", "y"]);
                    if random.chance(50) {
                        json!(["read", register, null])
                    } else {
                        json!(["write", register, random.below(2)])
                    }
                });
                ("txn", steps.collect())
            }
        }
    }

    fn value(&mut self, random: &mut Random, fresh: bool) -> Value {
        if self.kind.distinct && fresh {
            self.written += 1;
            return json!(self.written);
        }
        if self.kind.distinct {
            return json!(self.written);
        }
        random.pick(&[json!(0), json!(1), json!(2), json!(2), Value::Null]).clone()
    }

    /// Changes an answer or a moment. Says whether it did.
    fn mutate(&mut self, random: &mut Random) -> bool {
        let number = random.below(self.operations.len());
        let other = self.operations[random.below(self.operations.len())].clone();
        let operation = &mut self.operations[number];
        if random.chance(15) && operation.ending == Ending::Ok {
            // It takes no time at all, or it began at once.
            if random.chance(50) {
                operation.completed = Some(operation.invoked);
            } else {
                operation.invoked = 0;
            }
            return true;
        }
        match (&mut operation.output, &*operation.f) {
            (None, "acquire" | "release") if operation.ending == Ending::Fail => {
                operation.ending = Ending::Ok;
                operation.output = Some(Value::Null.into());
            }
            (Some(answer), "read") => {
                *answer = random.pick(&[1.into(), 2.into(), 3.into(), Value::Null.into(), other.input]).clone();
            }
            (Some(answer), "get") => *answer = random.pick(&["a", "b", "ab", ""]).to_owned().into(),
            (Some(answer), "txn") => {
                let wrong = json!(random.below(3));
                let read = answer.as_array_mut().and_then(|steps| steps.iter_mut().find(|step| step[0] == "read"));
                let Some(read) = read else { return false };
                read[2] = wrong;
            }
            (Some(_), "cas") => operation.input[0] = json!(random.below(3)),
            (Some(_), "acquire" | "release") => {
                operation.f = if random.chance(50) { "acquire".into() } else { "release".into() };
            }
            _ => return false,
        }
        true
    }
}

/// A transaction with the answers to its reads.
fn answered(steps: &Value, now: impl Fn(&str) -> Value) -> Value {
    let mut own: State = State::new();
    let answered = steps.as_array().expect("a transaction is a list").iter().map(|step| {
        let register = step[1].as_str().expect("registers have names");
        if step[0] == "read" {
            return json!(["read", register, own.get(register).cloned().unwrap_or_else(|| now(register))]);
        }
        own.insert(register.to_owned(), step[2].clone());
        step.clone()
    });
    answered.collect()
}

/// The model of such an object.
pub(crate) fn model(object: Object, initial: &Value) -> ModelSpec {
    let name = match object {
        Object::Register => "register",
        Object::CasRegister => "cas-register",
        Object::MultiRegister => "multi-register",
        Object::Kv => "kv",
        Object::Mutex => return ModelSpec::parse("mutex", &BTreeMap::new()).unwrap(),
    };
    ModelSpec::parse(name, &BTreeMap::from([("init".to_owned(), initial.to_string())])).unwrap()
}
