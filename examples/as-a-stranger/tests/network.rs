//! A replicated register on a simulated network: messages are delayed, reordered and lost by a seed, without threads or
//! time, so that a seed that fails fails again.

use std::collections::VecDeque;

use schism_checker::models::Register;
use schism_checker::recorder::{Op, Read, Recorder, Write};

const REPLICAS: usize = 3;
const CLIENTS: usize = 4;

/// A value with the version that orders it: a counter, then the client that wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Versioned {
    version: (u64, usize),
    value: Option<u64>,
}

/// What goes over the network.
#[derive(Clone, Copy, Debug)]
enum Message {
    Ask { round: u64 },
    Store { round: u64, what: Versioned },
    Holds { round: u64, what: Versioned },
    Stored { round: u64 },
}

/// What a client is doing. It asks a majority for its newest value, then has a majority store that or its own.
struct Client {
    /// None for a read.
    writes: Option<u64>,
    op: Option<Op>,
    round: u64,
    answers: usize,
    newest: Versioned,
    storing: bool,
}

/// How the register is made.
#[derive(Clone, Copy)]
struct Protocol {
    /// A read has a majority store what it found before it answers (Attiya, Bar-Noy and Dolev, 1995).
    write_back: bool,
}

struct Simulation {
    protocol: Protocol,
    random: u64,
    recorder: Recorder,
    replicas: [Versioned; REPLICAS],
    clients: Vec<Client>,
    /// Client, replica, whether to the replica, message.
    wire: VecDeque<(usize, usize, bool, Message)>,
    written: u64,
}

/// The history of a run with this seed.
fn run(protocol: Protocol, seed: u64) -> Recorder {
    let idle =
        |_| Client { writes: None, op: None, round: 0, answers: 0, newest: Versioned::default(), storing: false };
    let clients = (0..CLIENTS).map(idle).collect();
    let recorder = Recorder::new();
    let replicas = [Versioned::default(); REPLICAS];
    let random = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut run = Simulation {
        protocol,
        random,
        recorder: recorder.clone(),
        replicas,
        clients,
        wire: VecDeque::new(),
        written: 0,
    };
    for _ in 0..600 {
        run.step();
    }
    recorder
}

impl Simulation {
    /// A number below `bound` (xorshift).
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % bound as u64).unwrap()
    }

    fn step(&mut self) {
        let client = self.below(CLIENTS);
        match self.below(20) {
            0 if self.clients[client].op.is_some() => {
                // It loses patience. What it sent may still arrive.
                self.clients[client].round += 1;
                self.clients[client].op = None;
            }
            1..=4 if self.clients[client].op.is_none() => self.begin(client),
            5 if !self.wire.is_empty() => {
                let lost = self.below(self.wire.len());
                self.wire.swap_remove_back(lost);
            }
            _ if !self.wire.is_empty() => {
                let next = self.below(self.wire.len());
                let (client, replica, to_replica, message) = self.wire.swap_remove_back(next).unwrap();
                if to_replica {
                    self.at_replica(client, replica, message);
                } else {
                    self.at_client(client, replica, message);
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, client: usize) {
        let writes = (self.below(2) == 0).then(|| {
            self.written += 1;
            self.written
        });
        let name = client as u64;
        let op = match writes {
            Some(value) => self.recorder.invoke(name, Write("x", value)),
            None => self.recorder.invoke(name, Read("x")),
        };
        let round = self.clients[client].round + 1;
        let newest = Versioned::default();
        self.clients[client] = Client { writes, op: Some(op), round, answers: 0, newest, storing: false };
        self.send_all(client, Message::Ask { round });
    }

    fn send_all(&mut self, client: usize, message: Message) {
        self.wire.extend((0..REPLICAS).map(|replica| (client, replica, true, message)));
    }

    fn at_replica(&mut self, client: usize, replica: usize, message: Message) {
        let held = &mut self.replicas[replica];
        let answer = match message {
            Message::Ask { round } => Message::Holds { round, what: *held },
            Message::Store { round, what } => {
                *held = what.max(*held);
                Message::Stored { round }
            }
            Message::Holds { .. } | Message::Stored { .. } => unreachable!("replicas are asked, they do not ask"),
        };
        self.wire.push_back((client, replica, false, answer));
    }

    fn at_client(&mut self, number: usize, _replica: usize, message: Message) {
        let client = &mut self.clients[number];
        match message {
            Message::Holds { round, what } if round == client.round && !client.storing => {
                client.newest = client.newest.max(what);
            }
            Message::Stored { round } if round == client.round && client.storing => {}
            _ => return,
        }
        client.answers += 1;
        if client.answers <= REPLICAS / 2 {
            return;
        }
        let answers_now = client.storing || (client.writes.is_none() && !self.protocol.write_back);
        client.round += 1;
        if answers_now {
            let op = client.op.take().expect("its round goes on");
            if client.writes.is_some() {
                op.ok(())
            } else {
                op.ok(client.newest.value)
            }
            return;
        }
        if let Some(value) = client.writes {
            client.newest = Versioned { version: (client.newest.version.0 + 1, number), value: Some(value) };
        }
        client.answers = 0;
        client.storing = true;
        let message = Message::Store { round: client.round, what: client.newest };
        self.send_all(number, message);
    }
}

#[test]
fn with_write_back_every_seed_is_linearizable() {
    for seed in 0..200 {
        run(Protocol { write_back: true }, seed).history().check(&Register::new()).assert_valid();
    }
}

#[test]
fn without_write_back_some_seed_is_not() {
    let broken = (0..200)
        .map(|seed| run(Protocol { write_back: false }, seed).history().check(&Register::new()))
        .find(|judgement| judgement.outcome() == Some(schism_checker::verdict::Outcome::Invalid));
    broken.expect("one of two hundred seeds shows the fault").assert_invalid();
}

#[test]
fn a_seed_gives_the_same_history_again() {
    let history = |seed| run(Protocol { write_back: true }, seed).history();
    assert_eq!(history(7), history(7));
    assert_ne!(history(7), history(8));
}
