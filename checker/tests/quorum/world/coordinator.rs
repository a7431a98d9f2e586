//! What a coordinator does for its clients in a random execution: it asks, counts replies, tries again, gives up and answers.

use std::collections::BTreeSet;

use schism_checker::history::{EventKind, Process};
use serde_json::{Value, json};

use super::{Lie, Message, Node, Operation, Reply, Stage, Tag, World, Writeback, digest, name, node_name, shown};

impl World {
    pub(super) fn begin(&mut self) {
        let busy: BTreeSet<usize> = self.operations.iter().map(|operation| operation.client).collect();
        let client = self.chance.below(self.kind.clients);
        if busy.contains(&client) {
            return;
        }
        let (at, key) = (self.chance.below(self.nodes.len()), self.chance.below(self.kind.keys));
        let writes = self.chance.one_in(2).then(|| {
            self.next_value += 1;
            self.next_value
        });
        let f = if writes.is_some() { "write" } else { "read" };
        let node = &mut self.nodes[at];
        node.sequence += 1;
        let (life, op) = (node.life, format!("{}.{}.{}", node_name(at), node.life, node.sequence));
        let value = writes.map_or(Value::Null, Value::from);
        let process = Process::Client(self.processes[client]);
        let extra = json!({"node": node_name(at)});
        self.record.event(process, EventKind::Invoke, f, (Some(&name(key)), value), extra);
        self.note(at, "begun", json!({"op": op, "key": name(key), "f": f}));
        let operation = Operation {
            client,
            at,
            life,
            op,
            key,
            writes,
            stage: Stage::Query,
            attempt: 1,
            replies: Vec::new(),
            version: None,
        };
        self.send(&operation);
        self.operations.push(operation);
    }

    /// Asks all that have not answered.
    fn send(&mut self, operation: &Operation) {
        for to in 0..self.nodes.len() {
            if !operation.replies.iter().any(|reply| reply.replica == to) {
                let Operation { op, stage, attempt, version, key, .. } = operation.clone();
                self.messages.push(Message { op, to, stage, attempt, version, key, reply: None });
            }
        }
    }

    pub(super) fn again(&mut self) {
        if self.operations.is_empty() {
            return;
        }
        let place = self.chance.below(self.operations.len());
        self.operations[place].attempt += 1;
        let operation = self.operations[place].clone();
        self.send(&operation);
    }

    pub(super) fn give_up(&mut self) {
        if !self.operations.is_empty() {
            let place = self.chance.below(self.operations.len());
            let operation = self.operations.remove(place);
            if self.chance.one_in(2) {
                self.note(
                    operation.at,
                    "answered",
                    json!({"op": operation.op, "key": name(operation.key), "outcome": "info"}),
                );
            }
            self.unknown(&operation);
        }
    }

    pub(super) fn unknown(&mut self, operation: &Operation) {
        let f = if operation.writes.is_some() { "write" } else { "read" };
        let process = Process::Client(self.processes[operation.client]);
        let value = operation.writes.map_or(Value::Null, Value::from);
        self.record.event(process, EventKind::Info, f, (Some(&name(operation.key)), value), json!({}));
        self.processes[operation.client] = self.next_process;
        self.next_process += 1;
    }

    pub(super) fn replied(&mut self, message: &Message, reply: Reply) {
        let Some(place) = self.operations.iter().position(|operation| {
            operation.op == message.op
                && operation.stage == message.stage
                && self.nodes[operation.at].life == operation.life
        }) else {
            return;
        };
        let operation = &mut self.operations[place];
        if operation.replies.iter().any(|other| other.replica == reply.replica) {
            return;
        }
        operation.replies.push(reply);
        if operation.stage == Stage::Query && message.version > operation.version {
            operation.version = message.version;
        }
        let need = self.need(place);
        let count = self.operations[place].replies.len();
        let early = match self.operations[place].stage {
            Stage::Query => count + 1 == need && self.lies(Lie::SmallQuery),
            Stage::Store | Stage::WriteBack => false,
        };
        let twice = self.operations[place].stage == Stage::Store && count < need && self.lies(Lie::CountTwice);
        if twice {
            let replies = &mut self.operations[place].replies;
            let first = replies[0].clone();
            replies.resize(need, first);
        }
        let stranger =
            count < need && count > 0 && self.operations[place].stage == Stage::Store && self.lies(Lie::CountStranger);
        if stranger {
            let replies = &mut self.operations[place].replies;
            let tag = replies[0].tag;
            replies.resize(need, Reply { replica: usize::MAX, life: 1, tag });
        }
        if early || twice || stranger || count >= need {
            self.decided(place);
        }
    }

    fn need(&self, place: usize) -> usize {
        let (n, w, r) = self.kind.quorums;
        let need = match self.operations[place].stage {
            Stage::Query => r,
            Stage::WriteBack if self.kind.writeback == Writeback::Fast => n - r + 1,
            Stage::Store | Stage::WriteBack => w,
        };
        need as usize
    }

    fn decided(&mut self, place: usize) {
        let mut operation = self.operations.remove(place);
        if operation.stage == Stage::Query {
            self.end_query(operation);
        } else {
            let phase = if operation.stage == Stage::Store { "store" } else { "writeback" };
            self.phase(&operation, phase);
            operation.replies.clear();
            self.answer(&operation);
        }
    }

    fn end_query(&mut self, mut operation: Operation) {
        let told = operation.version;
        if operation.writes.is_none()
            && told.is_some_and(|((counter, ..), _)| counter > 1)
            && self.lies(Lie::IgnoreNewest)
        {
            let older = operation
                .replies
                .iter()
                .filter_map(|reply| reply.tag)
                .filter(|tag| Some(*tag) < told.map(|told| told.0))
                .max();
            operation.version = older.map(|tag| (tag, self.values[&tag]));
        }
        self.phase(&operation, "query");
        let replies = std::mem::take(&mut operation.replies);
        let (n, _, r) = self.kind.quorums;
        if let Some(value) = operation.writes {
            let tag = self.choose_tag(&operation);
            operation.version = Some((tag, value));
            operation.stage = Stage::Store;
        } else {
            let tag = operation.version.map(|(tag, _)| tag);
            let holders: Vec<Reply> = replies.into_iter().filter(|reply| reply.tag >= tag).collect();
            let enough = holders.len() >= (n - r + 1) as usize;
            let fast = self.kind.writeback == Writeback::Fast;
            let needed = self.kind.writeback != Writeback::Off && !(fast && enough) && tag.is_some();
            if !needed || (!enough && self.lies(Lie::SkipWriteback)) {
                return self.answer(&operation);
            }
            operation.stage = Stage::WriteBack;
            operation.replies = if fast { holders } else { Vec::new() };
        }
        operation.attempt = 1;
        self.send(&operation);
        self.operations.push(operation);
    }

    fn choose_tag(&mut self, operation: &Operation) -> Tag {
        let seen = operation.version.map_or(0, |((counter, ..), _)| counter);
        let used = self.last_tag.get(&operation.key).copied();
        if let Some(used) = used.filter(|_| self.lie == Some(Lie::ReuseTag)) {
            self.lies(Lie::ReuseTag);
            return used;
        }
        let Node { floor, life, sequence, .. } = &mut self.nodes[operation.at];
        let floor = floor.entry(operation.key).or_default();
        *floor = seen.max(*floor) + 1;
        let mut tag = (*floor, u32::try_from(operation.at + 1).unwrap(), *life, *sequence);
        // An operation's own number is in its name; any that is used once will do.
        *sequence += 1;
        if seen > 1 && self.lies(Lie::LowTag) {
            tag.0 = seen - 1;
        }
        self.last_tag.insert(operation.key, tag);
        self.values.extend(operation.writes.map(|value| (tag, value)));
        tag
    }

    fn phase(&mut self, operation: &Operation, phase: &str) {
        let home: Vec<String> = (0..self.nodes.len()).map(node_name).collect();
        let replies: Vec<Value> = operation
            .replies
            .iter()
            .map(|reply| json!({"replica": node_name(reply.replica), "incarnation": reply.life, "tag": reply.tag.map(shown)}))
            .collect();
        let (tag, digest) =
            (operation.version.map(|(tag, _)| shown(tag)), operation.version.map(|(_, value)| digest(value)));
        let fields = json!({"op": operation.op, "key": name(operation.key), "phase": phase, "attempt": operation.attempt,
            "home": home, "sent": home, "replies": replies, "tag": tag, "digest": digest});
        self.note(operation.at, "phase", fields);
    }

    fn answer(&mut self, operation: &Operation) {
        let f = if operation.writes.is_some() { "write" } else { "read" };
        let tag = operation.version.map(|(tag, _)| shown(tag));
        let digest = operation.version.map(|(_, value)| digest(value));
        let fields = json!({"op": operation.op, "key": name(operation.key), "f": f, "tag": tag, "digest": digest, "outcome": "ok"});
        self.note(operation.at, "answered", fields);
        if self.chance.one_in(30) {
            return self.unknown(operation);
        }
        let value = operation.version.map_or(Value::Null, |(_, value)| value.into());
        let process = Process::Client(self.processes[operation.client]);
        let extra = json!({"quorum": {"op": operation.op, "version": tag}, "node": node_name(operation.at)});
        self.record.event(process, EventKind::Ok, f, (Some(&name(operation.key)), value), extra);
    }
}
