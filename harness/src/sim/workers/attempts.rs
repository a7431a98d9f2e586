//! One attempt of a worker: the request on its way to the node, the answer on its way back, and what ends it without one.
//! What is a connection is here the memory of which life of which node one talked to.

use std::time::Duration;

use schism_nodes::{ClientId, ErrorCode, Event, NodeId, Outcome, Protocol, Refusal, Request, RequestId, RequestKind};
use serde_json::{Map, Value, json};

use super::{Attempt, Open, Purpose, Worker, nanoseconds};
use crate::client::Completion;
use crate::cluster::NodeState;
use crate::network::Link;
use crate::run::translate;
use crate::run::worker::invoked;
use crate::sim::node::Pending;
use crate::sim::world::{Happening, World};

/// The deadline of a question before the start.
const READY_ATTEMPT: Duration = Duration::from_millis(500);
/// What a client's history says of an attempt that was given up.
const ABANDONED: &str = "client died after its first send";

impl<P: Protocol> World<P> {
    /// Makes one attempt, recorded before it leaves.
    pub(super) fn perform(&mut self, worker: usize, attempt: Attempt) {
        let Attempt { node, invocation, request, session, due, purpose } = attempt;
        let state = &self.workers[worker];
        let elsewhere = state.connection.is_some_and(|(connected, _)| connected != node);
        if elsewhere || (state.serial > 0 && state.session != session) {
            self.renew(worker);
        }
        let is_settled = session.is_some() || due.is_some();
        self.workers[worker].session = session;
        let state = &self.workers[worker];
        let draft = state.recorded.then(|| {
            let asked = self.nodes[self.place(node)].name.clone();
            invoked(state.process, asked, translate::invocation(&request), state.session.as_deref(), due)
        });
        let index = draft.clone().map(|draft| self.recording.record(self.now, draft));
        let entry = if draft.is_some() { self.workers[worker].give_up.pop_front() } else { None };
        let abandon = entry.is_some();
        let state = &mut self.workers[worker];
        state.serial += 1;
        let (process, serial, sent) = (state.process, state.serial, state.connection.is_some());
        let name = state.name.clone();
        state.open =
            Some(Open { invocation, draft, purpose, node, request: request.clone(), sent, abandon, is_settled });
        if self.trace.is_some() {
            let what = if purpose == Purpose::Retry { "retries" } else { "invoke" };
            let (f, key) = (request.name(), request.key());
            self.tell(&name, what, format_args!("{f} {key} as {process}#{serial} at {node}"));
        }
        if let Some((entry, index)) = entry.zip(index) {
            self.gave_up(entry, &name, index);
        }
        if abandon && node.is_coordinator() {
            let place = self.place(node);
            self.nodes[place].dies_at = P::midway(&request);
        }
        self.knock_later(worker, process, serial, node, request);
    }

    /// The request leaves, unless its link is cut.
    fn knock_later(&mut self, worker: usize, process: u64, serial: u64, node: NodeId, request: RequestKind) {
        let Worker { name, recorded, open, delays, .. } = &mut self.workers[worker];
        let passage = self.wires.passage(delays, || Link { from: name.to_string(), to: node.to_string() });
        let open = open.as_ref().expect("it has just been made");
        if passage.cut && open.abandon {
            let completion = if open.sent { info(ABANDONED) } else { fail("died before it could connect") };
            return self.complete(worker, &completion);
        }
        let timeout = if *recorded { self.options.op_timeout } else { READY_ATTEMPT };
        let deadline = self.now.saturating_add(nanoseconds(timeout));
        self.agenda.enter_in_turn(deadline, Happening::Deadline { worker, process, serial });
        if !passage.cut {
            let node = self.place(node);
            let request = Box::new(request);
            self.after(nanoseconds(passage.delay), Happening::Knock { worker, process, serial, node, request });
        }
    }

    /// A request comes to its node, which may have to be connected to first.
    pub(crate) fn knock(&mut self, worker: usize, process: u64, serial: u64, node: usize, request: RequestKind) {
        let incarnation = self.nodes[node].incarnation;
        let here = (self.nodes[node].id, incarnation);
        let current = self.workers[worker].process == process;
        if current && self.workers[worker].connection.is_none() {
            match self.nodes[node].state {
                NodeState::Down | NodeState::Crashed | NodeState::Starting => {
                    let why = "connection refused";
                    return self.after(1, Happening::Refused { worker, process, serial, why });
                }
                // Nobody answers the greeting; the deadline ends the wait for it.
                _ if self.nodes[node].stands_still() => return,
                _ => self.workers[worker].connection = Some(here),
            }
        }
        // What is under way of a client that has gone meanwhile arrives all the same, if its node still lives.
        let lives = self.nodes[node].is_alive() && (!current || self.workers[worker].connection == Some(here));
        if !lives {
            return;
        }
        let client = if current { self.workers[worker].client.clone() } else { client(&self.workers[worker], process) };
        let process_of_node = self.nodes[node].process.as_mut().expect("who lives has a process");
        process_of_node.sequence += 1;
        let id = RequestId { node: here.0, incarnation, sequence: process_of_node.sequence };
        process_of_node.pending.insert(id.sequence, Pending { worker, process, serial });
        process_of_node.inbox.push_back(Event::Request { id, client, request: Request { serial, kind: request } });
        let asking = current && self.workers[worker].serial == serial;
        if let Some(open) = self.workers[worker].open.as_mut().filter(|_| asking) {
            open.sent = true;
            // A client that has its coordinator beside it dies with that, in the middle of what it does for it.
            if open.abandon && !open.node.is_coordinator() {
                self.complete(worker, &info(ABANDONED));
            }
        }
        self.run_node(node);
    }

    /// A node answers a request, unless it is none of its own or was answered before.
    pub(crate) fn reply(&mut self, place: usize, id: RequestId, outcome: Outcome) {
        let node = &mut self.nodes[place];
        if (id.node, id.incarnation) != (node.id, node.incarnation) {
            return;
        }
        let process = node.process.as_mut().expect("who answers lives");
        let Some(Pending { worker, process, serial }) = process.pending.remove(&id.sequence) else { return };
        let Worker { name, delays, .. } = &mut self.workers[worker];
        let passage = self.wires.passage(delays, || Link { from: id.node.to_string(), to: name.to_string() });
        if self.trace.is_some() {
            let what = if passage.cut { "cut" } else { "answer" };
            self.tell(&id.node, what, format_args!("{process}#{serial}  {outcome:?}"));
        }
        if !passage.cut {
            let outcome = Box::new(outcome);
            self.after(nanoseconds(passage.delay), Happening::Answer { worker, process, serial, outcome });
        }
    }

    /// An answer comes to a worker, which may not wait for it any more.
    pub(crate) fn answer(&mut self, worker: usize, process: u64, serial: u64, outcome: Outcome) {
        if let Some(open) = self.open(worker, process, serial) {
            let completion = classify(open.request.is_read(), outcome);
            self.complete(worker, &completion);
        }
    }

    pub(crate) fn refused(&mut self, worker: usize, process: u64, serial: u64, why: &str) {
        if self.open(worker, process, serial).is_some() {
            self.complete(worker, &fail(why));
        }
    }

    /// The deadline of an operation has come.
    pub(crate) fn deadline(&mut self, worker: usize, process: u64, serial: u64) {
        if let Some(open) = self.open(worker, process, serial) {
            let completion = if open.sent { info("timed out") } else { fail("timed out connecting") };
            self.complete(worker, &completion);
        }
    }

    /// A worker sees that its connection has ended.
    pub(crate) fn reset(&mut self, worker: usize, process: u64) {
        let state = &mut self.workers[worker];
        if state.process != process || state.connection.take().is_none() {
            return;
        }
        if state.open.as_ref().is_some_and(|open| open.sent) {
            self.complete(worker, &info("the connection ended before the answer"));
        }
    }

    /// A node's process is gone, and with it all connections to it.
    pub(crate) fn break_connections(&mut self, place: usize) {
        let here = (self.nodes[place].id, self.nodes[place].incarnation);
        for worker in 0..self.workers.len() {
            if self.workers[worker].connection == Some(here) {
                let delay = self.weather.delay.draw(&mut self.workers[worker].delays);
                let process = self.workers[worker].process;
                self.after(delay, Happening::Reset { worker, process });
            }
        }
    }

    /// The operation of that number, if it is still under way.
    fn open(&self, worker: usize, process: u64, serial: u64) -> Option<&Open> {
        let state = &self.workers[worker];
        state.open.as_ref().filter(|_| (state.process, state.serial) == (process, serial))
    }
}

/// What an answer says about the request, as the client of a real run takes it.
fn classify(is_read: bool, outcome: Outcome) -> Completion {
    let definite = |Refusal { code, text }| [json!(code.made_definite()), text.into()].into_iter();
    match outcome {
        Outcome::Ok(answer) => Completion::Ok { value: answer.value, extra: answer.extra },
        Outcome::Fail(refusal) if is_read && refusal.code == ErrorCode::KEY_DOES_NOT_EXIST => {
            Completion::Ok { value: Some(Value::Null), extra: Map::new() }
        }
        Outcome::Fail(refusal) => Completion::Fail { error: definite(refusal).collect() },
        Outcome::Redirect { to, refusal } => Completion::Fail { error: definite(refusal).chain([json!(to)]).collect() },
        Outcome::Unknown(refusal) => Completion::Info { error: json!([refusal.code.made_indefinite(), refusal.text]) },
    }
}

fn client(worker: &Worker, process: u64) -> ClientId {
    ClientId(format!("{}.{process}", worker.name))
}

fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.into() }
}

fn info(error: &str) -> Completion {
    Completion::Info { error: error.into() }
}
