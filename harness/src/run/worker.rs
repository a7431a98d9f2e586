//! One worker: invokes, waits, records, and goes on under a new process after an `info`.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schism_checker::history::{Ending, EventKind, Process};
use schism_nodes::{NodeId, RequestKind};
use schism_workloads::{Contact, Ended, Invocation, Next, Planned, Workload};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::beside::Beside;
use super::translate;
use crate::client::{Client, Completion, Dialler};
use crate::recorder::{Draft, Recorder, RecorderError};
use crate::verdict::Endings;

/// What all workers of a run share.
#[expect(missing_debug_implementations, reason = "it holds the system's dialler")]
pub struct Setting {
    /// Orders all events.
    pub recorder: Arc<Recorder>,
    /// Opens clients.
    pub dialler: Arc<dyn Dialler>,
    /// The deadline of an operation.
    pub op_timeout: Duration,
    /// The start of the main phase.
    pub start: Instant,
    /// The next process number that nobody has.
    pub processes: AtomicU64,
    /// Counts for the progress line.
    pub tally: Tally,
    /// Whether operations are due at their times even if earlier ones of their worker have not ended.
    pub open_loop: bool,
    /// Who stored the last write that was acknowledged.
    pub ackers: Mutex<Vec<NodeId>>,
    /// Coordinators beside clients, where the system has such.
    pub beside: Option<Beside>,
}

/// Operations that ended so far.
#[derive(Debug, Default)]
pub struct Tally {
    ok: AtomicU64,
    fail: AtomicU64,
    info: AtomicU64,
}

impl Tally {
    /// The counts at this moment.
    pub fn read(&self) -> Endings {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Endings { ok: read(&self.ok), fail: read(&self.fail), info: read(&self.info) }
    }

    fn count(&self, completion: &Completion) {
        let counter = match completion {
            Completion::Ok { .. } => &self.ok,
            Completion::Fail { .. } => &self.fail,
            Completion::Info { .. } => &self.info,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// How far a run is, for its workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// The workload goes on.
    Working,
    /// The workload is over; workers do what they are told.
    OnCommand,
    /// Nothing is done any more.
    Stopped,
}

/// What a worker is told from outside its workload.
#[derive(Debug)]
pub(super) enum Command {
    /// Make this request.
    Request { node: NodeId, request: RequestKind, answer: oneshot::Sender<Completion> },
    /// Let the client die after the first send of the next operation, and tell the index of its invocation.
    GiveUp(oneshot::Sender<u64>),
}

/// So many operations of one worker in an open loop may be under way; the next one is late, and counts from its due time all the same.
pub(crate) const LANES_MAX: usize = 256;

/// The workload that a worker takes its operations from, and its number there.
#[derive(Clone)]
pub(super) struct Share {
    pub(super) workload: Arc<Mutex<Box<dyn Workload>>>,
    pub(super) number: usize,
}

/// See the module's head.
pub(super) struct Worker {
    name: String,
    /// Whom it may ask, at least one: all nodes, or its own coordinator.
    nodes: Vec<NodeId>,
    /// The place of the node that its workload asked last, and at first of the one that it is pinned to.
    last: usize,
    setting: Arc<Setting>,
    commands: mpsc::UnboundedReceiver<Command>,
    process: u64,
    client: Option<(NodeId, Box<dyn Client>)>,
    /// The session of the last operation.
    session: Option<Arc<str>>,
    give_up: Option<oneshot::Sender<u64>>,
}

/// The processes of a worker in an open loop, each with a connection of its own.
#[derive(Default)]
struct Lanes {
    idle: Vec<Worker>,
    busy: JoinSet<Option<Worker>>,
}

/// An attempt that is to be made.
struct Attempt {
    node: NodeId,
    /// As the history tells it.
    invocation: Invocation,
    request: RequestKind,
    session: Option<Arc<str>>,
    /// When it is due, where its latency counts from there.
    due: Option<Duration>,
}

impl Worker {
    pub(super) fn new(
        name: String,
        nodes: Vec<NodeId>,
        home: usize,
        setting: Arc<Setting>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let process = setting.processes.fetch_add(1, Ordering::Relaxed);
        Worker { name, nodes, last: home, setting, commands, process, client: None, session: None, give_up: None }
    }

    /// Works until its workload is done or over, then only on command; ends when the pool is stopped, never in the
    /// middle of an operation.
    pub(super) async fn run(mut self, share: Option<Share>, mut phase: watch::Receiver<Phase>) {
        if let Some(share) = share {
            self.work(&share, &mut phase).await;
        }
        while self.serve_until(Duration::MAX, Phase::OnCommand, &mut phase).await.is_continue() {}
    }

    /// Works until its workload is done or over, or until nothing can be recorded any more.
    async fn work(&mut self, share: &Share, phase: &mut watch::Receiver<Phase>) {
        let mut lanes = Lanes::default();
        loop {
            let next = lock(&share.workload).next(share.number, self.setting.start.elapsed());
            let (due, planned) = match next {
                Next::Operation(planned) => (planned.due, Some(planned)),
                Next::Wait { until } => (until, None),
                Next::Done => break,
            };
            if self.serve_until(due, Phase::Working, phase).await.is_break() {
                break;
            }
            let Some(planned) = planned else { continue };
            let attempt = self.attempt(&planned);
            if !self.setting.open_loop {
                if self.ask(attempt, &planned.invocation, share).await.is_err() {
                    return;
                }
            } else if let Some(lane) = self.lane(&mut lanes).await {
                lanes.busy.spawn(lane.ask_once(attempt, planned.invocation, share.clone()));
            }
        }
        while lanes.busy.join_next().await.is_some() {}
    }

    /// What an operation of the workload comes to.
    fn attempt(&mut self, planned: &Planned) -> Attempt {
        let request =
            translate::request(&planned.invocation).expect("the workload fits the system: it was asked before");
        Attempt {
            node: self.contact(planned.contact),
            invocation: translate::invocation(&request),
            request,
            session: planned.session.clone(),
            due: self.setting.open_loop.then_some(planned.due),
        }
    }

    /// Makes an attempt, and tells the workload what came of it.
    async fn ask(&mut self, attempt: Attempt, invocation: &Invocation, share: &Share) -> Result<(), RecorderError> {
        let completion = self.perform(attempt).await?;
        lock(&share.workload).update(share.number, &ended(invocation, &completion));
        Ok(())
    }

    async fn ask_once(mut self, attempt: Attempt, invocation: Invocation, share: Share) -> Option<Worker> {
        self.ask(attempt, &invocation, &share).await.ok()?;
        Some(self)
    }

    /// A process that is free, made if there is none, with the order to give up if there is one.
    async fn lane(&mut self, lanes: &mut Lanes) -> Option<Worker> {
        if lanes.busy.len() >= LANES_MAX {
            lanes.idle.extend(lanes.busy.join_next().await.and_then(Result::ok).flatten());
        }
        while let Some(ended) = lanes.busy.try_join_next() {
            lanes.idle.extend(ended.ok().flatten());
        }
        if let Some(failed) = self.setting.recorder.failure() {
            tracing::debug!(%failed, "nothing more is asked");
            return None;
        }
        let mut lane = lanes.idle.pop().unwrap_or_else(|| {
            let (_, nobody) = mpsc::unbounded_channel();
            Worker::new(self.name.clone(), self.nodes.clone(), self.last, self.setting.clone(), nobody)
        });
        lane.give_up = self.give_up.take();
        Some(lane)
    }

    /// The node that is to be asked.
    fn contact(&mut self, contact: Contact) -> NodeId {
        self.last = contact.place(self.last, self.nodes.len());
        self.nodes[self.last]
    }

    /// Carries out commands until it is time; breaks when the phase `during` which it may do so is over.
    async fn serve_until(
        &mut self,
        due: Duration,
        during: Phase,
        phase: &mut watch::Receiver<Phase>,
    ) -> ControlFlow<()> {
        loop {
            if *phase.borrow() > during {
                return ControlFlow::Break(());
            }
            while let Ok(command) = self.commands.try_recv() {
                self.obey(command).await;
            }
            // The runtime's timers are a millisecond apart: what is due before that is due now.
            let wait = due.saturating_sub(self.setting.start.elapsed());
            if wait < Duration::from_millis(1) {
                return ControlFlow::Continue(());
            }
            tokio::select! {
                () = tokio::time::sleep(wait.min(Duration::from_hours(1))) => {}
                Some(command) = self.commands.recv() => self.obey(command).await,
                changed = phase.changed() => if changed.is_err() { return ControlFlow::Break(()) },
            }
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::GiveUp(told) => self.give_up = Some(told),
            Command::Request { node, request, answer } => {
                let invocation = translate::invocation(&request);
                if let Ok(completion) =
                    self.perform(Attempt { node, invocation, request, session: None, due: None }).await
                {
                    // Whoever asked may be gone; the history has the answer.
                    let _ = answer.send(completion);
                }
            }
        }
    }

    /// Makes one attempt, recorded before its first byte is sent and after its last byte was received.
    async fn perform(&mut self, attempt: Attempt) -> Result<Completion, RecorderError> {
        let Attempt { node, invocation, request, session, due } = attempt;
        let process = self.process_for(node, session);
        let due = due.map(|due| self.in_history(due));
        let draft = invoked(process, node.to_string().into(), invocation, self.session.as_deref(), due);
        let index = self.setting.recorder.record(draft.clone())?.index;
        let (_, client) =
            self.client.get_or_insert_with(|| (node, self.setting.dialler.client(&self.name, process, node)));
        let mut died = false;
        let completion = match self.give_up.take() {
            None => client.call(&request, self.setting.op_timeout).await,
            Some(told) => {
                let completion = match &self.setting.beside {
                    Some(beside) if node.is_coordinator() => {
                        beside.die(node, client.as_mut(), &request, self.setting.op_timeout).await
                    }
                    _ => client.abandon(&request).await,
                };
                let _ = told.send(index);
                died = true;
                completion
            }
        };
        self.setting.recorder.record(completed(draft, &completion))?;
        self.setting.tally.count(&completion);
        if let Some(ackers) = ackers(&request, &completion) {
            *lock(&self.setting.ackers) = ackers;
        }
        if died || matches!(completion, Completion::Info { .. }) {
            self.renew();
        }
        Ok(completion)
    }

    /// The process for an operation at `node`. A writer has one connection to one node: for another node, the worker goes
    /// on under a new one, so that no two operations ever carry the same writer and number; for another session as well.
    fn process_for(&mut self, node: NodeId, session: Option<Arc<str>>) -> u64 {
        let elsewhere = self.client.as_ref().is_some_and(|(connected, _)| *connected != node);
        if elsewhere || (self.client.is_some() && self.session != session) {
            self.renew();
        }
        self.session = session;
        self.process
    }

    /// A time since the start of the main phase as nanoseconds of the history.
    fn in_history(&self, time: Duration) -> u64 {
        let since_start = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let begin = self.setting.recorder.now().saturating_sub(since_start(self.setting.start.elapsed()));
        begin.saturating_add(since_start(time))
    }

    fn renew(&mut self) {
        self.client = None;
        self.process = self.setting.processes.fetch_add(1, Ordering::Relaxed);
    }
}

/// Who stored a write, as the answer to it tells; `None` for whatever else.
pub(crate) fn ackers(request: &RequestKind, completion: &Completion) -> Option<Vec<NodeId>> {
    let Completion::Ok { extra, .. } = completion else { return None };
    let acks = extra.get("quorum").filter(|_| !request.is_read())?.get("acks")?.as_array()?;
    Some(acks.iter().filter_map(|node| node.as_str()?.parse().ok()).collect())
}

/// An invocation, as the history tells it.
pub(crate) fn invoked(
    process: u64,
    node: Arc<str>,
    invocation: Invocation,
    session: Option<&str>,
    due: Option<u64>,
) -> Draft {
    let session = session.map(|session| ("session".to_owned(), session.into()));
    let due = due.map(|due| ("due".to_owned(), due.into()));
    Draft {
        process: Process::Client(process),
        kind: EventKind::Invoke,
        f: invocation.f,
        key: Some(invocation.key),
        value: invocation.value,
        node: Some(node),
        extra: session.into_iter().chain(due).collect(),
    }
}

/// The completion of an invocation, as the history tells it.
pub(crate) fn completed(invoke: Draft, completion: &Completion) -> Draft {
    let mut draft = invoke;
    match completion {
        Completion::Ok { value, extra } => {
            draft.kind = EventKind::Ok;
            draft.extra.clone_from(extra);
            if let Some(value) = value {
                draft.value = value.clone();
            }
        }
        Completion::Fail { error } => {
            draft.kind = EventKind::Fail;
            draft.extra.insert("error".to_owned(), error.clone());
        }
        Completion::Info { error } => {
            draft.kind = EventKind::Info;
            draft.extra.insert("error".to_owned(), error.clone());
        }
    }
    draft
}

/// The completion as the workload gets it.
pub(crate) fn ended<'a>(invocation: &'a Invocation, completion: &'a Completion) -> Ended<'a> {
    let (ending, value): (_, Option<&Value>) = match completion {
        Completion::Ok { value, .. } => (Ending::Ok, value.as_ref()),
        Completion::Fail { .. } => (Ending::Fail, None),
        Completion::Info { .. } => (Ending::Info, None),
    };
    Ended { invocation, ending, value }
}

pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no workload panics while it is locked")
}
