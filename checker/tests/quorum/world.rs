//! Random executions of a correct protocol of quorums: messages that are late, lost or doubled, coordinators that try again and give
//! up, nodes that die and find everything again. It notes what a real one notes. At most one lie can be asked for, which is told
//! once, at the first chance after a while.

mod coordinator;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::record::{Noted, Record};

/// Chance from a seed (Steele, Lea and Flood 2014: `SplitMix64`).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % count.max(1) as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// How a read writes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writeback {
    Off,
    On,
    /// At those that are missing to N − R + 1.
    Fast,
}

/// A single lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A store phase counts one acknowledgement as often as it needs.
    CountTwice,
    /// A query phase is decided with one reply less than it needs.
    SmallQuery,
    /// A replica acknowledges what it has not made durable.
    AckBeforeDurable,
    /// A replica acknowledges a write and does not keep it.
    AckWithoutStoring,
    /// A node finds less than it had when it starts again.
    Forget,
    /// A replica keeps an older version that repair brings.
    BlindRepair,
    /// A replica keeps an older version that a write brings.
    BlindStore,
    /// A coordinator gives a tag that it has given before.
    ReuseTag,
    /// A coordinator gives a tag below what it has seen.
    LowTag,
    /// A coordinator returns an older version than it was told.
    IgnoreNewest,
    /// A read is answered without its write-back.
    SkipWriteback,
    /// A coordinator counts somebody who is no home replica.
    CountStranger,
    /// A replica answers a query with nothing.
    ServeNothing,
}

/// What to make.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) quorums: (u32, u32, u32),
    pub(crate) writeback: Writeback,
    pub(crate) keys: usize,
    pub(crate) clients: usize,
    pub(crate) steps: usize,
    pub(crate) restarts: bool,
    pub(crate) lie: Option<Lie>,
    /// Whether the lie is told again and again.
    pub(crate) often: bool,
}

type Tag = (u64, u32, u64, u64);

#[derive(Clone, Debug)]
struct Node {
    life: u64,
    seq: u64,
    sequence: u64,
    kept: BTreeMap<usize, (Tag, u64)>,
    floor: BTreeMap<usize, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Query,
    Store,
    WriteBack,
}

#[derive(Clone, Debug)]
struct Reply {
    replica: usize,
    life: u64,
    tag: Option<Tag>,
}

#[derive(Clone, Debug)]
struct Operation {
    client: usize,
    at: usize,
    life: u64,
    op: String,
    key: usize,
    writes: Option<u64>,
    stage: Stage,
    attempt: u64,
    replies: Vec<Reply>,
    /// The newest version that it was told, then what it stores.
    version: Option<(Tag, u64)>,
}

#[derive(Clone, Debug)]
struct Message {
    op: String,
    to: usize,
    stage: Stage,
    attempt: u64,
    version: Option<(Tag, u64)>,
    key: usize,
    /// Absent on the way there.
    reply: Option<Reply>,
}

pub(crate) struct World {
    kind: Kind,
    pub(crate) chance: Chance,
    nodes: Vec<Node>,
    operations: Vec<Operation>,
    messages: Vec<Message>,
    /// The process of each client, and the next one.
    processes: Vec<u64>,
    next_process: u64,
    next_value: u64,
    time: u64,
    record: Record,
    lie: Option<Lie>,
    /// Whether the lie was told.
    pub(crate) lied: bool,
    last_tag: BTreeMap<usize, Tag>,
    values: BTreeMap<Tag, u64>,
}

/// An execution, and whether its lie was told.
pub(crate) fn run(kind: Kind, seed: u64) -> (Record, bool) {
    let mut world = World::new(kind, seed);
    for step in 0..kind.steps {
        let again = kind.often && world.chance.one_in(8);
        world.lie = kind.lie.filter(|_| step > kind.steps / 4 && (!world.lied || again));
        world.step();
    }
    world.finish();
    (world.record, world.lied)
}

impl World {
    fn new(kind: Kind, seed: u64) -> Self {
        let node = Node { life: 1, seq: 0, sequence: 0, kept: BTreeMap::new(), floor: BTreeMap::new() };
        World {
            kind,
            chance: Chance(seed),
            nodes: vec![node; kind.quorums.0 as usize],
            operations: Vec::new(),
            messages: Vec::new(),
            processes: (0..kind.clients as u64).collect(),
            next_process: kind.clients as u64,
            next_value: 0,
            time: 1_000,
            record: Record::default(),
            lie: None,
            lied: false,
            last_tag: BTreeMap::new(),
            values: BTreeMap::new(),
        }
    }

    fn step(&mut self) {
        self.time += 1 + self.chance.below(1_000) as u64;
        match self.chance.below(40) {
            0..=5 => self.begin(),
            6 if !self.messages.is_empty() => {
                // One that comes twice.
                let place = self.chance.below(self.messages.len());
                let again = self.messages[place].clone();
                self.messages.push(again);
            }
            7 if !self.messages.is_empty() => {
                let place = self.chance.below(self.messages.len());
                self.messages.swap_remove(place);
            }
            8 => self.again(),
            9 if self.chance.one_in(3) => self.give_up(),
            10 if self.kind.restarts && self.chance.one_in(4) => self.restart(),
            11 if self.lie == Some(Lie::BlindRepair) => self.blind_repair(),
            _ => self.deliver(),
        }
    }

    fn finish(&mut self) {
        self.lie = None;
        for _ in 0..self.kind.steps {
            self.time += 10;
            self.deliver();
        }
        for node in 0..self.nodes.len() {
            for (key, (tag, value)) in self.nodes[node].kept.clone() {
                self.note(node, "held", json!({"key": name(key), "tag": shown(tag), "digest": digest(value)}));
            }
            self.note(node, "hints-pending", json!({"count": 0}));
        }
    }

    /// The lie is told now, if it is this one.
    fn lies(&mut self, lie: Lie) -> bool {
        let now = self.lie == Some(lie);
        if now {
            self.lie = None;
            self.lied = true;
        }
        now
    }

    fn note(&mut self, node: usize, what: &str, fields: Value) {
        let Node { life, seq, .. } = &mut self.nodes[node];
        *seq += 1;
        self.time += 1;
        let (life, seq) = (*life, *seq);
        self.record.notes.push(Noted {
            node: node_name(node),
            life,
            seq,
            time: self.time,
            name: what.to_owned(),
            fields,
        });
    }

    fn restart(&mut self) {
        let at = self.chance.below(self.nodes.len());
        let (lost, others): (Vec<Operation>, Vec<Operation>) =
            std::mem::take(&mut self.operations).into_iter().partition(|operation| operation.at == at);
        self.operations = others;
        for operation in lost {
            self.unknown(&operation);
        }
        // What is on its way to the dead does not arrive.
        self.messages.retain(|message| message.to != at || message.reply.is_some());
        let node = &mut self.nodes[at];
        (node.life, node.seq, node.sequence) = (node.life + 1, 0, 0);
        node.floor.clear();
        if !self.nodes[at].kept.is_empty() && self.lies(Lie::Forget) {
            self.nodes[at].kept.pop_first();
        }
        for (key, (tag, value)) in self.nodes[at].kept.clone() {
            self.note(at, "recovered", json!({"key": name(key), "tag": shown(tag), "digest": digest(value)}));
        }
        let registers = self.nodes[at].kept.len();
        self.note(at, "restarted", json!({"registers": registers}));
    }

    fn blind_repair(&mut self) {
        let at = self.chance.below(self.nodes.len());
        let kept: Vec<(usize, Tag)> = self.nodes[at].kept.iter().map(|(key, (tag, _))| (*key, *tag)).collect();
        if let Some((key, (counter, ..))) = kept.into_iter().find(|(_, (counter, ..))| *counter > 1)
            && self.lies(Lie::BlindRepair)
        {
            self.keep(at, key, ((counter - 1, 1, 1, 999), 999), "read-repair", true);
        }
    }

    fn deliver(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let place = self.chance.below(self.messages.len());
        let message = self.messages.swap_remove(place);
        match message.reply.clone() {
            None => self.asked(message),
            Some(reply) => self.replied(&message, reply),
        }
    }

    fn asked(&mut self, message: Message) {
        let (at, key) = (message.to, message.key);
        let reply = match (message.stage, message.version) {
            (Stage::Query, _) | (_, None) => {
                let mut kept = self.nodes[at].kept.get(&key).copied();
                if kept.is_some() && self.lies(Lie::ServeNothing) {
                    kept = None;
                }
                let tag = kept.map(|(tag, _)| tag);
                let fields =
                    json!({"op": message.op, "key": name(key), "tag": tag.map(shown), "attempt": message.attempt});
                self.note(at, "served", fields);
                (tag, kept)
            }
            (_, Some(version)) => {
                let older = self.nodes[at].kept.get(&key).is_none_or(|(kept, _)| *kept < version.0);
                let cause = if message.stage == Stage::Store { "store" } else { "writeback" };
                if older && self.lies(Lie::AckBeforeDurable) {
                    self.keep(at, key, version, cause, false);
                } else if older && message.stage == Stage::Store && self.lies(Lie::AckWithoutStoring) {
                    // It only says so.
                } else if older || (self.nodes[at].kept[&key].0 != version.0 && self.lies(Lie::BlindStore)) {
                    self.keep(at, key, version, cause, true);
                }
                let tag = self.nodes[at].kept.get(&key).map_or(version.0, |(kept, _)| (*kept).max(version.0));
                let phase = if message.stage == Stage::Store { "store" } else { "writeback" };
                let fields = json!({"op": message.op, "key": name(key), "tag": shown(tag), "phase": phase, "attempt": message.attempt});
                self.note(at, "acked", fields);
                (Some(tag), None)
            }
        };
        let reply_to = Reply { replica: at, life: self.nodes[at].life, tag: reply.0 };
        let version = if message.stage == Stage::Query { reply.1 } else { message.version };
        self.messages.push(Message { reply: Some(reply_to), version, ..message });
    }

    fn keep(&mut self, at: usize, key: usize, version: (Tag, u64), cause: &str, durable: bool) {
        let old = self.nodes[at].kept.insert(key, version).map(|(tag, _)| shown(tag));
        let (tag, value) = version;
        let mut fields =
            json!({"key": name(key), "tag": shown(tag), "digest": digest(value), "old": old, "cause": cause});
        if !durable {
            fields["durable"] = false.into();
        }
        self.note(at, "stored", fields);
    }
}

fn name(key: usize) -> String {
    format!("x{key}")
}

fn node_name(node: usize) -> String {
    if node == usize::MAX { "n9".to_owned() } else { format!("n{}", node + 1) }
}

fn shown((counter, node, life, sequence): Tag) -> Value {
    json!([counter, format!("n{node}"), life, sequence])
}

fn digest(value: u64) -> String {
    format!("{value:016x}")
}
