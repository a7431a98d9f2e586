//! Small random histories of registers: clients that take turns by chance, on replicas that are more or less behind.

use schism_checker::history::{Ending, Operation};
use serde_json::{Value, json};

use super::random::Random;

/// What kind of history to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Each write writes another value, and none the initial one.
    pub(crate) distinct: bool,
    pub(crate) keys: usize,
    /// How many operations there are at most, at least 2.
    pub(crate) operations: usize,
    /// Invocations name sessions, of several processes each.
    pub(crate) sessions: bool,
}

/// The initial value of every key is null.
pub(crate) fn history(kind: Kind, random: &mut Random) -> Vec<Operation> {
    let count = 2 + random.below(kind.operations - 1);
    let clients = 1 + random.below(4);
    let made = Made {
        kind,
        crashes: *random.pick(&[0, 0, 10, 40]),
        // How often a read answers something that was written at any time, in percent.
        stale: *random.pick(&[0, 0, 10, 50, 100]),
        sticky: random.chance(50),
        replicas: vec![vec![Value::Null; kind.keys]; 1 + random.below(3)],
        known: vec![vec![Value::Null]; kind.keys],
        operations: Vec::new(),
        now: (0, 0),
        written: 0,
    };
    made.run(count, clients, random)
}

struct Made {
    kind: Kind,
    crashes: usize,
    stale: usize,
    sticky: bool,
    /// What each replica holds, by key.
    replicas: Vec<Vec<Value>>,
    /// All that anybody wanted to write, by key.
    known: Vec<Vec<Value>>,
    operations: Vec<Operation>,
    /// Index and time of the next event.
    now: (u64, u64),
    written: u64,
}

impl Made {
    fn run(mut self, count: usize, clients: usize, random: &mut Random) -> Vec<Operation> {
        let mut open: Vec<(u64, Option<(usize, bool)>)> = (0..clients as u64).map(|process| (process, None)).collect();
        while self.operations.len() < count || open.iter().any(|(_, open)| open.is_some()) {
            let client = random.below(clients);
            let (process, doing) = open[client];
            open[client].1 = match doing {
                None if self.operations.len() < count => Some((self.begin(process, random), false)),
                None => None,
                Some((number, false)) if !random.chance(self.crashes / 2) => {
                    self.take_effect(number, client, random);
                    Some((number, true))
                }
                Some((number, took_effect)) => {
                    if self.end(number, took_effect, random) == Ending::Info {
                        open[client].0 += 10;
                    }
                    None
                }
            };
            self.spread(random);
            if self.operations.len() == count && random.chance(5) {
                break;
            }
        }
        self.operations
    }

    fn tick(&mut self, random: &mut Random) -> (u64, Option<u64>) {
        self.now = (self.now.0 + 1, self.now.1 + random.below(4) as u64);
        (self.now.0, Some(self.now.1))
    }

    fn begin(&mut self, process: u64, random: &mut Random) -> usize {
        let key = random.below(self.kind.keys);
        let write = random.chance(50);
        self.written += u64::from(write);
        let value = match (write, self.kind.distinct) {
            (false, _) => Value::Null,
            (true, true) => json!(self.written),
            (true, false) if random.chance(10) => Value::Null,
            (true, false) => json!(random.below(3)),
        };
        if write {
            self.known[key].push(value.clone());
        }
        let (invoked, invoked_at) = self.tick(random);
        self.operations.push(Operation {
            process,
            f: if write { "write" } else { "read" }.into(),
            key: Some(key.into()),
            input: value.into(),
            output: None,
            ending: Ending::Info,
            node: None,
            invoked,
            completed: None,
            invoked_at,
            completed_at: None,
            error: None,
            // Two clients at the same time, and whatever they become.
            session: self.kind.sessions.then(|| (process % 10 / 2).into()),
            version: None,
        });
        self.operations.len() - 1
    }

    fn take_effect(&mut self, number: usize, client: usize, random: &mut Random) {
        let replicas = self.replicas.len();
        let replica = if self.sticky { client % replicas } else { random.below(replicas) };
        let operation = &mut self.operations[number];
        let key = usize::try_from(operation.key.as_deref().and_then(Value::as_u64).unwrap()).unwrap();
        if &*operation.f == "write" {
            self.replicas[replica][key] = operation.input.to_value();
            operation.output = Some(operation.input.clone());
        } else if random.chance(self.stale) {
            operation.output = Some(random.pick(&self.known[key]).clone().into());
        } else {
            operation.output = Some(self.replicas[replica][key].clone().into());
        }
    }

    /// One replica gets another one's value of a key.
    fn spread(&mut self, random: &mut Random) {
        let replicas = self.replicas.len();
        let (from, to, key) = (random.below(replicas), random.below(replicas), random.below(self.kind.keys));
        if random.chance(40) {
            self.replicas[to][key] = self.replicas[from][key].clone();
        }
    }

    fn end(&mut self, number: usize, took_effect: bool, random: &mut Random) -> Ending {
        let crashes = !took_effect || random.chance(self.crashes / 2);
        let ending = match crashes {
            false => Ending::Ok,
            true if random.chance(25) => Ending::Fail,
            true => Ending::Info,
        };
        let (completed, completed_at) = self.tick(random);
        let operation = &mut self.operations[number];
        operation.ending = ending;
        (operation.completed, operation.completed_at) = (Some(completed), completed_at);
        if ending != Ending::Ok {
            operation.output = None;
        }
        ending
    }
}
