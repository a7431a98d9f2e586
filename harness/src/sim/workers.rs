//! The workers: they invoke, wait, give up at a deadline, and go on under a new process number after an `info`, as those
//! of a real run do. What is a connection there is here the memory of which life of which node one talked to.

mod asking;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use schism_nodes::{
    ClientId, ErrorCode, Event, Incarnation, NodeId, Outcome, Protocol, Request, RequestId, RequestKind,
};
use schism_workloads::{Invocation, Planned};
use serde_json::{Map, Value, json};

use crate::client::Completion;
use crate::cluster::NodeState;
use crate::network::Link;
use crate::recorder::Draft;
use crate::run::{translate, worker};
use crate::sim::node::Pending;
use crate::sim::phases::Phase;
use crate::sim::world::{Happening, World};

/// A worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) name: String,
    /// The place of the node that its workload asked last, and at first of the one that it is pinned to.
    last: usize,
    /// The session of the last operation.
    session: Option<Arc<str>>,
    /// The worker for which it makes an operation, in an open loop.
    lane_of: Option<usize>,
    /// Its number in the workload, if it works on that.
    share: Option<usize>,
    /// Whether the history is told of its operations.
    recorded: bool,
    process: u64,
    client: ClientId,
    connection: Option<(NodeId, Incarnation)>,
    serial: u64,
    open: Option<Open>,
    commands: VecDeque<Command>,
    /// The workload's next operation, and when it is due.
    planned: Option<(Duration, Option<Planned>)>,
    /// Its workload has no more.
    done: bool,
    /// The entries that want its client to die after the next send.
    give_up: VecDeque<usize>,
    /// Counts plans to attend: only the last one counts.
    turn: u64,
}

/// An operation under way.
#[derive(Debug)]
struct Open {
    invocation: Invocation,
    draft: Option<Draft>,
    purpose: Purpose,
    node: NodeId,
    request: RequestKind,
    /// Something of it may have reached the node.
    sent: bool,
    /// The client dies with its first send.
    abandon: bool,
}

/// What a worker is told to do.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) node: NodeId,
    pub(crate) request: RequestKind,
    pub(crate) purpose: Purpose,
}

/// An attempt that is to be made.
struct Attempt {
    node: NodeId,
    /// What whoever wants it calls it.
    invocation: Invocation,
    request: RequestKind,
    session: Option<Arc<str>>,
    /// When it is due, where its latency counts from there.
    due: Option<u64>,
    purpose: Purpose,
}

/// Whom the end of an operation concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The workload.
    Work,
    /// An entry of the plan.
    Entry(usize),
    /// A node's part of the final reads, or of the questions before the start.
    Errand(usize),
}

/// The deadline of a question before the start.
const READY_ATTEMPT: Duration = Duration::from_millis(500);

impl<P: Protocol> World<P> {
    /// Makes a worker; its place.
    pub(crate) fn hire(&mut self, name: &str, share: Option<usize>, recorded: bool) -> usize {
        let number = self.workers.len();
        let process = self.processes;
        self.processes += 1;
        self.workers.push(Worker {
            name: name.to_owned(),
            last: share.unwrap_or(number) % self.universe.len(),
            session: None,
            lane_of: None,
            share,
            recorded,
            process,
            client: ClientId(format!("{name}.{process}")),
            connection: None,
            serial: 0,
            open: None,
            commands: VecDeque::new(),
            planned: None,
            done: false,
            give_up: VecDeque::new(),
            turn: 0,
        });
        number
    }

    /// The worker of a name, made if there is none.
    pub(crate) fn worker(&mut self, name: &str) -> usize {
        let known = self.workers.iter().position(|worker| worker.name == name);
        known.unwrap_or_else(|| self.hire(name, None, true))
    }

    /// The names of the workers of the history, c2 before c10.
    pub(crate) fn worker_names(&self) -> Vec<String> {
        let recorded = self.workers.iter().filter(|worker| worker.recorded && worker.lane_of.is_none());
        let mut names: Vec<String> = recorded.map(|worker| worker.name.clone()).collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    /// Has a worker carry out a command when it is free.
    pub(crate) fn command(&mut self, worker: usize, command: Command) {
        self.workers[worker].commands.push_back(command);
        self.attend(worker);
    }

    /// Lets a worker's client die after the first send of its next operation.
    pub(crate) fn give_up(&mut self, worker: usize, entry: usize) {
        self.workers[worker].give_up.push_back(entry);
    }

    pub(crate) fn attend_in_turn(&mut self, worker: usize, turn: u64) {
        if self.workers[worker].turn == turn {
            self.attend(worker);
        }
    }

    /// A worker that is free does what comes next.
    pub(crate) fn attend(&mut self, worker: usize) {
        if self.workers[worker].open.is_some() {
            return;
        }
        if let Some(Command { node, request, purpose }) = self.workers[worker].commands.pop_front() {
            let invocation = translate::invocation(&request);
            return self.perform(worker, Attempt { node, invocation, request, session: None, due: None, purpose });
        }
        if self.phase != Phase::Working || self.workers[worker].lane_of.is_some() {
            return;
        }
        let time = Duration::from_nanos(self.recording.time(self.now));
        let Some((due, planned)) = self.planned(worker, time) else { return };
        if due > time {
            let wait = u64::try_from(due.saturating_sub(time).as_nanos()).unwrap_or(u64::MAX);
            let state = &mut self.workers[worker];
            state.planned = Some((due, planned));
            state.turn += 1;
            let turn = state.turn;
            return self.after(wait, Happening::Attend { worker, turn });
        }
        match planned {
            Some(planned) => self.work(worker, planned),
            None => self.attend(worker),
        }
    }

    /// Makes one attempt, recorded before it leaves.
    fn perform(&mut self, worker: usize, attempt: Attempt) {
        let Attempt { node, invocation, request, session, due, purpose } = attempt;
        let state = &self.workers[worker];
        let elsewhere = state.connection.is_some_and(|(connected, _)| connected != node);
        if elsewhere || (state.serial > 0 && state.session != session) {
            self.renew(worker);
        }
        self.workers[worker].session = session;
        let state = &self.workers[worker];
        let told = translate::invocation(&request);
        let draft = state.recorded.then(|| worker::invoked(state.process, node, &told, state.session.as_deref(), due));
        let index = draft.clone().map(|draft| self.recording.record(self.now, draft));
        let entry = if draft.is_some() { self.workers[worker].give_up.pop_front() } else { None };
        let abandon = entry.is_some();
        let state = &mut self.workers[worker];
        state.serial += 1;
        let (process, serial, sent) = (state.process, state.serial, state.connection.is_some());
        let name = state.name.clone();
        state.open = Some(Open { invocation, draft, purpose, node, request: request.clone(), sent, abandon });
        if self.trace.is_some() {
            let what = format!("{} {} as {process}#{serial} at {node}", request.name(), request.key());
            self.tell(&name, "invoke", format_args!("{what}"));
        }
        if let Some((entry, index)) = entry.zip(index) {
            self.gave_up(entry, &name, index);
        }
        self.knock_later(worker, process, serial, node, request);
    }

    /// The request leaves, unless its link is cut.
    fn knock_later(&mut self, worker: usize, process: u64, serial: u64, node: NodeId, request: RequestKind) {
        let state = &self.workers[worker];
        let (name, silent) = (&state.name, !state.recorded);
        let link = || Link { from: name.clone(), to: node.to_string() };
        let passage = self.wires.passage(&mut self.client_rng, link);
        let open = state.open.as_ref().expect("it has just been made");
        if passage.cut && open.abandon {
            let completion = if open.sent { info(ABANDONED) } else { fail("died before it could connect") };
            return self.complete(worker, &completion);
        }
        let timeout = if silent { READY_ATTEMPT } else { self.options.op_timeout };
        self.after(nanoseconds(timeout), Happening::Deadline { worker, process, serial });
        if !passage.cut {
            let node = Self::place(node);
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
            if open.abandon {
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
        let name = &self.workers[worker].name;
        let link = || Link { from: id.node.to_string(), to: name.clone() };
        let passage = self.wires.passage(&mut self.client_rng, link);
        if self.trace.is_some() {
            let what = if passage.cut { "cut" } else { "answer" };
            self.tell(&id.node, what, format_args!("{process}#{serial}  {outcome:?}"));
        }
        if !passage.cut {
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
                let delay = self.weather.delay.draw(&mut self.client_rng);
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

    /// An operation ends: it is recorded, whoever waits for it is told, and the worker goes on.
    fn complete(&mut self, worker: usize, completion: &Completion) {
        let Some(open) = self.workers[worker].open.take() else { return };
        if self.trace.is_some() {
            let name = self.workers[worker].name.clone();
            let (what, said) = words(completion);
            self.tell(&name, what, format_args!("{said}  to {} {}", open.invocation.f, open.invocation.key));
        }
        if let Some(draft) = open.draft {
            self.recording.record(self.now, worker::completed(draft, completion));
        }
        if let Some(ackers) = worker::ackers(&open.request, completion) {
            self.ackers = ackers;
        }
        if open.abandon || matches!(completion, Completion::Info { .. }) {
            self.renew(worker);
        }
        match open.purpose {
            Purpose::Work => {
                if let (Some(share), Some(workload)) = (self.workers[worker].share, self.workload.as_mut()) {
                    workload.update(share, &worker::ended(&open.invocation, completion));
                }
            }
            Purpose::Entry(place) => self.answered(place, open.node, completion),
            Purpose::Errand(errand) => self.errand_ended(errand, completion),
        }
        self.attend(worker);
    }

    /// The worker goes on under a new process, without a connection.
    fn renew(&mut self, worker: usize) {
        let process = self.processes;
        self.processes += 1;
        let state = &mut self.workers[worker];
        let client = std::mem::replace(&mut state.client, ClientId(format!("{}.{process}", state.name)));
        state.process = process;
        state.serial = 0;
        if let Some((node, incarnation)) = state.connection.take() {
            let delay = self.weather.delay.draw(&mut self.client_rng);
            let node = Self::place(node);
            self.after(delay, Happening::Closed { node, incarnation, client });
        }
    }
}

/// What a client's history says of an attempt that was given up.
const ABANDONED: &str = "client died after its first send";

/// What an answer says about the request, as the client of a real run takes it.
fn classify(is_read: bool, outcome: Outcome) -> Completion {
    match outcome {
        Outcome::Ok(answer) => Completion::Ok { value: answer.value, extra: answer.extra },
        Outcome::Fail(refusal) if is_read && refusal.code == ErrorCode::KEY_DOES_NOT_EXIST => {
            Completion::Ok { value: Some(Value::Null), extra: Map::new() }
        }
        Outcome::Fail(refusal) => Completion::Fail { error: json!([refusal.code.made_definite(), refusal.text]) },
        Outcome::Unknown(refusal) => Completion::Info { error: json!([refusal.code.made_indefinite(), refusal.text]) },
    }
}

fn client(worker: &Worker, process: u64) -> ClientId {
    ClientId(format!("{}.{process}", worker.name))
}

/// How an operation ended, for the trace.
fn words(completion: &Completion) -> (&'static str, String) {
    match completion {
        Completion::Ok { value, .. } => ("ok", value.as_ref().map_or_else(String::new, Value::to_string)),
        Completion::Fail { error } => ("fail", error.to_string()),
        Completion::Info { error } => ("info", error.to_string()),
    }
}

fn fail(error: &str) -> Completion {
    Completion::Fail { error: error.into() }
}

fn info(error: &str) -> Completion {
    Completion::Info { error: error.into() }
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
