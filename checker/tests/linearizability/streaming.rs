//! A follower tells the same as brute force, and no sooner than the events imply it.

use std::collections::BTreeMap;

use schism_checker::budget::{Budget, Exhausted, Unlimited};
use schism_checker::history::{Event, EventKind, Process};
use schism_checker::linearizability::{Options, Reductions};
use schism_checker::models::ModelSpec;
use schism_checker::streaming::{Follower, Found, Tired};
use serde_json::{Map, Value, json};

use crate::brute_force::{Object, linearizable};
use crate::generator::{Kind, history, model};
use crate::grown::{follow, recorded_events};
use crate::random::Random;

const HISTORIES: u64 = 6_000;

#[test]
fn registers() {
    agrees(Kind { object: Object::Register, distinct: false, keys: 1, operations: 8 }, 21);
}

#[test]
fn compare_and_set_registers() {
    agrees(Kind { object: Object::CasRegister, distinct: false, keys: 1, operations: 8 }, 22);
}

#[test]
fn several_registers() {
    agrees(Kind { object: Object::CasRegister, distinct: true, keys: 3, operations: 8 }, 23);
}

#[test]
fn transactions() {
    agrees(Kind { object: Object::MultiRegister, distinct: false, keys: 1, operations: 8 }, 24);
}

#[test]
fn maps() {
    agrees(Kind { object: Object::Kv, distinct: false, keys: 2, operations: 8 }, 25);
}

#[test]
fn locks() {
    agrees(Kind { object: Object::Mutex, distinct: false, keys: 1, operations: 8 }, 26);
}

fn agrees(kind: Kind, stream: u64) {
    let (mut valid, mut violated, mut early) = (0, 0, 0);
    for number in 0..HISTORIES {
        let seed = stream << 32 | number;
        let mut random = Random::new(seed);
        let generated = history(kind, &mut random);
        let Some(history) = recorded_events(&generated.operations) else { continue };
        let model = model(kind.object, &generated.initial);
        let bits = random.next();
        let bit = |place: u32| number % 2 == 0 || bits >> place & 1 == 1;
        let reductions = Reductions {
            dominance: bit(0),
            classes: bit(1),
            greedy: bit(2),
            drop_unobserved: bit(3),
            parts: bit(4),
            ..Reductions::default()
        };
        let options = Options { reductions, ..Options::default() };
        let told = format!("seed {seed}, {kind:?}, {reductions:?}: {:#?}", history.events);
        let truth = |operations: &[_]| linearizable(kind.object, &generated.initial, operations);
        let grown = follow(history, &model, &options, random.chance(20), truth, &told);
        *if grown.violated { &mut violated } else { &mut valid } += 1;
        early += u64::from(grown.early);
    }
    let enough = HISTORIES / 30;
    assert!(valid > enough && violated > enough && early > enough / 2, "{valid}, {violated}, {early}: a poor mix");
}

/// A register with clients that each do one thing at a time; what is written is different each time, but for writes that crash.
struct Busy {
    random: Random,
    registers: [Value; 3],
    /// What each client is about, if anything: the register, what it does, and the value.
    clients: Vec<Option<(usize, &'static str, Value)>>,
    processes: Vec<u64>,
    next: u64,
    /// How many of a thousand operations are writes that crash; they write the same, or each something else.
    crashes: usize,
    distinct_crashes: bool,
}

impl Busy {
    fn new(clients: u64) -> Busy {
        let count = usize::try_from(clients).unwrap();
        let registers = [Value::Null, Value::Null, Value::Null];
        Busy {
            random: Random::new(5),
            registers,
            clients: vec![None; count],
            processes: (0..clients).collect(),
            next: 0,
            crashes: 1,
            distinct_crashes: false,
        }
    }

    fn event(&mut self) -> Event {
        let client = self.random.below(self.clients.len());
        let index = self.next;
        self.next += 1;
        let process = Process::Client(self.processes[client]);
        let event = |kind, f: &str, key: usize, value| {
            let (f, key) = (f.into(), Some(json!(key)));
            Event { index, time: Some(index), process, kind, f, key, value, node: None, extra: Map::new() }
        };
        let Some((key, f, value)) = self.clients[client].take() else {
            let key = self.random.below(3);
            let (f, value) = match self.random.below(1_000) {
                number if number < self.crashes && self.distinct_crashes => {
                    ("write", json!(format!("crashes {index}")))
                }
                number if number < self.crashes => ("write", json!("crashes")),
                ..500 => ("write", json!(index)),
                _ => ("read", Value::Null),
            };
            self.clients[client] = Some((key, f, value.clone()));
            return event(EventKind::Invoke, f, key, value);
        };
        if value.is_string() {
            self.processes[client] = self.next + 1_000_000_000;
            return event(EventKind::Info, f, key, value);
        }
        if self.random.chance(3) {
            return event(EventKind::Fail, f, key, value);
        }
        if f == "write" {
            self.registers[key] = value;
        }
        event(EventKind::Ok, f, key, self.registers[key].clone())
    }
}

#[test]
fn memory_does_not_grow_with_what_is_over() {
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    let mut follower = Follower::new(&model, &Options::default());
    let mut busy = Busy::new(20);
    let mut most = [0, 0];
    for number in 0..400_000 {
        let event = busy.event();
        assert_eq!(follower.event(&event, &Unlimited).unwrap(), [], "event {number}");
        let half = usize::from(number > 40_000);
        most[half] = most[half].max(follower.standing().bytes);
    }
    assert!(most[1] < 2 * most[0] && most[1] < 1 << 20, "{most:?}");
    assert_eq!(follower.standing().events, 400_000);
    // And it has not gone to sleep meanwhile.
    let stale = Event { kind: EventKind::Invoke, f: "read".into(), value: Value::Null, ..busy.event() };
    let process = Process::Client(u64::MAX);
    let stale = Event { process, index: u64::MAX - 1, ..stale };
    let mut found = follower.event(&stale, &Unlimited).unwrap();
    let answered = Event { kind: EventKind::Ok, value: json!("nobody"), index: u64::MAX, ..stale };
    found.extend(follower.event(&answered, &Unlimited).unwrap());
    found.extend(follower.finish(&Unlimited).unwrap());
    assert!(matches!(&found[..], [Found::Violation(_)]), "{found:?}");
}

/// Sixteen writes of different values at once, and then reads: many ways in which things may stand.
fn hard(key: &str) -> Vec<Event> {
    let write = |process: u64, index, kind| Event {
        index,
        time: None,
        process: Process::Client(process),
        kind,
        f: "write".into(),
        key: Some(json!(key)),
        value: json!(process % 16),
        node: None,
        extra: Map::new(),
    };
    let begins = (0..16).map(|process| write(process, process, EventKind::Invoke));
    let mut events: Vec<Event> = begins.collect();
    events.extend((0..16).map(|process| write(process, 16 + process, EventKind::Ok)));
    events
}

#[test]
fn a_key_that_is_too_hard_is_given_up_and_the_others_go_on() {
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    let mut follower = Follower::with_effort(&model, &Options::default(), 10_000);
    let mut found = Vec::new();
    for event in hard("x") {
        found.extend(follower.event(&event, &Unlimited).unwrap());
    }
    let [Found::GivenUp(given_up)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&given_up.key, given_up.why), (&Some(json!("x")), Tired::Effort));
    assert_eq!((follower.standing().given_up, follower.standing().configurations), (1, 0));
    // A violation on another key is seen all the same.
    let other = |process, index, kind, value: Value| Event {
        index,
        process: Process::Client(process),
        kind,
        f: "read".into(),
        key: Some(json!("y")),
        value,
        ..hard("y").remove(0)
    };
    assert_eq!(follower.event(&other(3, 100, EventKind::Invoke, Value::Null), &Unlimited).unwrap(), []);
    let found = follower.event(&other(3, 101, EventKind::Ok, json!(7)), &Unlimited).unwrap();
    assert!(matches!(&found[..], [Found::Violation(violation)] if violation.seen == 101), "{found:?}");
    assert_eq!(follower.finish(&Unlimited).unwrap(), []);
    assert_eq!(follower.settled(), None);
}

/// So many bytes.
struct Bytes(usize);

impl Budget for Bytes {
    fn exhausted(&self, bytes: usize) -> Option<Exhausted> {
        (bytes > self.0).then_some(Exhausted::Memory)
    }
}

#[test]
fn what_waits_for_one_operation_counts_as_memory() {
    let model = ModelSpec::parse("register", &BTreeMap::new()).unwrap();
    let mut follower = Follower::new(&model, &Options::default());
    let mut busy = Busy::new(5);
    let first = Event { key: Some(json!(0)), process: Process::Client(u64::MAX), ..busy.event() };
    assert_eq!(follower.event(&first, &Bytes(300_000)).unwrap(), []);
    busy.clients.fill(None);
    let mut found = Vec::new();
    let mut most = 0;
    for _ in 0..20_000 {
        found.extend(follower.event(&busy.event(), &Bytes(300_000)).unwrap());
        most = most.max(follower.standing().bytes);
    }
    let [Found::GivenUp(given_up)] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&given_up.key, given_up.why), (&Some(json!(0)), Tired::Budget(Exhausted::Memory)));
    assert!(most < 600_000, "{most}");
    assert_eq!(follower.standing().given_up, 1);
}

#[test]
fn crashed_writes_that_nobody_reads_cost_little() {
    let model = ModelSpec::parse("cas-register", &BTreeMap::new()).unwrap();
    let mut follower = Follower::with_effort(&model, &Options::default(), 200_000);
    let mut busy = Busy { crashes: 20, distinct_crashes: true, ..Busy::new(8) };
    for number in 0..60_000 {
        assert_eq!(follower.event(&busy.event(), &Unlimited).unwrap(), [], "event {number}");
    }
    assert_eq!(follower.standing().given_up, 0);
}
