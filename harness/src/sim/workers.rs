//! The workers: they invoke, wait, give up at a deadline, and go on under a new process number after an `info`, as those
//! of a real run do. Here is what a worker does next; `attempts` is how it does it.

mod asking;
mod attempts;
mod retries;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schism_nodes::{ClientId, Incarnation, NodeId, Protocol, RequestKind};
use schism_workloads::{Invocation, Planned};
use serde_json::Value;

use self::retries::Retry;
use crate::chance;
use crate::client::Completion;
use crate::cluster::{Disk, NodeState};
use crate::recorder::Draft;
use crate::run::{translate, worker};
use crate::sim::phases::Phase;
use crate::sim::world::{Happening, World};

/// A worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) name: Arc<str>,
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
    /// What has failed and is tried again before anything else of the workload.
    retry: Option<Retry>,
    /// The workload's next operation, and when it is due.
    planned: Option<(Duration, Option<Planned>)>,
    /// Its workload has no more.
    done: bool,
    /// The entries that want its client to die after the next send.
    give_up: VecDeque<usize>,
    /// Counts plans to attend: only the last one counts.
    turn: u64,
    /// Draws how long its requests and their answers are on their way.
    delays: ChaCha8Rng,
    /// Draws what it tries again, and where.
    retries: ChaCha8Rng,
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
    /// It belongs to a session or has a time of its own: it is not tried again.
    is_settled: bool,
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
    /// The workload, for the second time.
    Retry,
    /// An entry of the plan.
    Entry(usize),
    /// A node's part of the final reads, or of the questions before the start.
    Errand(usize),
}

impl<P: Protocol> World<P> {
    /// Makes a worker; its place.
    pub(crate) fn hire(&mut self, name: &str, share: Option<usize>, recorded: bool) -> usize {
        let number = self.workers.len();
        let process = self.processes;
        self.processes += 1;
        let seed = self.options.seed;
        self.workers.push(Worker {
            name: name.into(),
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
            retry: None,
            planned: None,
            done: false,
            give_up: VecDeque::new(),
            turn: 0,
            delays: chance::stream(seed, &format!("delay/{name}")),
            retries: chance::stream(seed, &format!("retry/{name}")),
        });
        number
    }

    /// The worker of a name, made if there is none.
    pub(crate) fn worker(&mut self, name: &str) -> usize {
        let known = self.workers.iter().position(|worker| &*worker.name == name);
        known.unwrap_or_else(|| self.hire(name, None, true))
    }

    /// The names of the workers of the history, c2 before c10.
    pub(crate) fn worker_names(&self) -> Vec<String> {
        let recorded = self.workers.iter().filter(|worker| worker.recorded && worker.lane_of.is_none());
        let mut names: Vec<String> = recorded.map(|worker| worker.name.to_string()).collect();
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
        if let Some(Retry { node, invocation }) = self.workers[worker].retry.take() {
            let attempt = self.asking(worker, node, invocation, Purpose::Retry);
            return self.perform(worker, attempt);
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

    /// An operation ends: it is recorded, whoever waits for it is told, and the worker goes on.
    fn complete(&mut self, worker: usize, completion: &Completion) {
        let Some(mut open) = self.workers[worker].open.take() else { return };
        if self.trace.is_some() {
            let name = self.workers[worker].name.clone();
            let (what, said) = words(completion);
            self.tell(&name, what, format_args!("{said}  to {} {}", open.invocation.f, open.invocation.key));
        }
        if let Some(draft) = open.draft.take() {
            self.recording.record(self.now, worker::completed(draft, completion));
        }
        if let Some(ackers) = worker::ackers(&open.request, completion) {
            self.ackers = ackers;
        }
        if open.abandon || matches!(completion, Completion::Info { .. }) {
            self.renew(worker);
        }
        if open.abandon && open.node.is_coordinator() {
            self.replace_coordinator(open.node);
        }
        match open.purpose {
            Purpose::Work | Purpose::Retry => {
                if let (Some(share), Some(workload)) = (self.workers[worker].share, self.workload.as_mut()) {
                    workload.update(share, &worker::ended(&open.invocation, completion));
                }
                self.plan_retry(worker, open, completion);
            }
            Purpose::Entry(place) => self.answered(place, open.node, completion),
            Purpose::Errand(errand) => self.errand_ended(errand, completion),
        }
        self.attend(worker);
    }

    /// A client has died, and the coordinator beside it with it, if that has not died before: the next client gets another.
    fn replace_coordinator(&mut self, coordinator: NodeId) {
        let place = self.place(coordinator);
        self.nodes[place].dies_at = None;
        if !matches!(self.nodes[place].state, NodeState::Down | NodeState::Crashed) {
            self.kill(place, Disk::Keep);
        }
        self.settle(place);
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
            let delay = self.weather.delay.draw(&mut state.delays);
            let node = self.place(node);
            self.after(delay, Happening::Closed { node, incarnation, client });
        }
    }
}

/// How an operation ended, for the trace.
fn words(completion: &Completion) -> (&'static str, String) {
    match completion {
        Completion::Ok { value, .. } => ("ok", value.as_ref().map_or_else(String::new, Value::to_string)),
        Completion::Fail { error } => ("fail", error.to_string()),
        Completion::Info { error } => ("info", error.to_string()),
    }
}

pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
