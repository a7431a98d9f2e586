//! One worker: invokes, waits, records, and goes on under a new process after an `info`.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schism_checker::history::{Ending, EventKind, Process};
use schism_nodes::{NodeId, RequestKind};
use schism_workloads::{Ended, Invocation, Next, Workload};
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

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

/// The workload that a worker takes its operations from, and its number there.
pub(super) struct Share {
    pub(super) workload: Arc<Mutex<Box<dyn Workload>>>,
    pub(super) number: usize,
}

/// See the module's head.
pub(super) struct Worker {
    name: String,
    /// The node that its workload's operations go to.
    home: NodeId,
    setting: Arc<Setting>,
    commands: mpsc::UnboundedReceiver<Command>,
    process: u64,
    client: Option<(NodeId, Box<dyn Client>)>,
    give_up: Option<oneshot::Sender<u64>>,
}

impl Worker {
    pub(super) fn new(
        name: String,
        home: NodeId,
        setting: Arc<Setting>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let process = setting.processes.fetch_add(1, Ordering::Relaxed);
        Worker { name, home, setting, commands, process, client: None, give_up: None }
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
        loop {
            let next = lock(&share.workload).next(share.number, self.setting.start.elapsed());
            let (due, invocation) = match next {
                Next::Operation { invocation, due } => (due, Some(invocation)),
                Next::Wait { until } => (until, None),
                Next::Done => return,
            };
            if self.serve_until(due, Phase::Working, phase).await.is_break() {
                return;
            }
            let Some(invocation) = invocation else { continue };
            let request = translate::request(&invocation).expect("the workload fits the system: it was asked before");
            let Ok(completion) = self.perform(self.home, &invocation, &request).await else { return };
            lock(&share.workload).update(share.number, &ended(&invocation, &completion));
        }
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
                if let Ok(completion) = self.perform(node, &invocation, &request).await {
                    // Whoever asked may be gone; the history has the answer.
                    let _ = answer.send(completion);
                }
            }
        }
    }

    /// Makes one attempt, recorded before its first byte is sent and after its last byte was received.
    async fn perform(
        &mut self,
        node: NodeId,
        invocation: &Invocation,
        request: &RequestKind,
    ) -> Result<Completion, RecorderError> {
        let process = self.process_at(node);
        let draft = Draft {
            process: Process::Client(process),
            kind: EventKind::Invoke,
            f: invocation.f.clone(),
            key: Some(invocation.key.clone()),
            value: invocation.value.clone(),
            node: Some(node.to_string().into()),
            extra: Map::new(),
        };
        let index = self.setting.recorder.record(draft.clone())?.index;
        let (_, client) =
            self.client.get_or_insert_with(|| (node, self.setting.dialler.client(&self.name, process, node)));
        let completion = match self.give_up.take() {
            None => client.call(request, self.setting.op_timeout).await,
            Some(told) => {
                let completion = client.abandon(request).await;
                let _ = told.send(index);
                completion
            }
        };
        self.setting.recorder.record(completed(draft, &completion))?;
        self.setting.tally.count(&completion);
        if matches!(completion, Completion::Info { .. }) {
            self.renew();
        }
        Ok(completion)
    }

    /// The process for an operation at `node`. A writer has one connection to one node: for another node, the worker goes
    /// on under a new one, so that no two operations ever carry the same writer and number.
    fn process_at(&mut self, node: NodeId) -> u64 {
        if self.client.as_ref().is_some_and(|(connected, _)| *connected != node) {
            self.renew();
        }
        self.process
    }

    fn renew(&mut self) {
        self.client = None;
        self.process = self.setting.processes.fetch_add(1, Ordering::Relaxed);
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

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no workload panics while it is locked")
}
