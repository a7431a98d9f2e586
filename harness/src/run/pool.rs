//! The workers of a run together: made at the start, or when a plan first names them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use schism_nodes::{NodeId, RequestKind};
use schism_workloads::{Invocation, Workload};
use serde_json::json;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::Workers;
use super::worker::{self, Command, Phase, Setting, Share, Worker};
use crate::client::Completion;

/// See the module's head.
#[expect(missing_debug_implementations, reason = "it holds the workload and the system's dialler")]
pub struct Pool {
    setting: Arc<Setting>,
    nodes: Vec<NodeId>,
    phase: watch::Sender<Phase>,
    workload: Option<Arc<Mutex<Box<dyn Workload>>>>,
    inner: Mutex<Inner>,
}

struct Inner {
    commands: BTreeMap<String, mpsc::UnboundedSender<Command>>,
    tasks: JoinSet<()>,
}

impl Pool {
    /// Starts `count` workers, c1, c2, …, pinned to the nodes in turn, or to the coordinators beside them. Where there is a workload, worker `c<i+1>` is its
    /// worker `i`; else they only do what a plan tells them.
    pub fn start(setting: Arc<Setting>, nodes: Vec<NodeId>, count: usize, workload: Option<Box<dyn Workload>>) -> Self {
        let pool = Pool {
            setting,
            nodes,
            phase: watch::Sender::new(Phase::Working),
            workload: workload.map(|workload| Arc::new(Mutex::new(workload))),
            inner: Mutex::new(Inner { commands: BTreeMap::new(), tasks: JoinSet::new() }),
        };
        for number in 0..count {
            let share = pool.workload.as_ref().map(|workload| Share { workload: workload.clone(), number });
            pool.hire(&format!("c{}", number + 1), number, share);
        }
        pool
    }

    /// Starts a worker.
    fn hire(&self, name: &str, number: usize, share: Option<Share>) -> mpsc::UnboundedSender<Command> {
        let (sender, commands) = mpsc::unbounded_channel();
        let own = self.setting.beside.as_ref().and_then(|beside| beside.of(name));
        let nodes = own.map_or_else(|| self.nodes.clone(), |own| vec![own]);
        let home = number % nodes.len();
        let worker = Worker::new(name.to_owned(), nodes, home, self.setting.clone(), commands);
        let mut inner = self.lock();
        inner.tasks.spawn(worker.run(share, self.phase.subscribe()));
        inner.commands.insert(name.to_owned(), sender.clone());
        sender
    }

    /// The workload is over: no new operations but those that a plan or the final phase asks for.
    pub fn end_workload(&self) {
        self.phase.send_replace(Phase::OnCommand);
    }

    /// No new operations at all. Returns when the open ones have ended, each by its own deadline.
    pub async fn stop(&self) {
        self.phase.send_replace(Phase::Stopped);
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        while tasks.join_next().await.is_some() {}
    }

    /// What the workload wants to be read finally, if there is one.
    pub fn final_reads(&self) -> Option<Vec<Invocation>> {
        Some(worker::lock(self.workload.as_ref()?).final_reads())
    }

    /// What the workers share.
    pub fn setting(&self) -> &Arc<Setting> {
        &self.setting
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while the pool is locked")
    }

    /// The channel to a worker, made if there is none; `None` if the run stops.
    fn worker(&self, name: &str) -> Option<mpsc::UnboundedSender<Command>> {
        if *self.phase.borrow() == Phase::Stopped {
            return None;
        }
        let (known, number) = {
            let inner = self.lock();
            (inner.commands.get(name).cloned(), inner.commands.len())
        };
        Some(known.unwrap_or_else(|| self.hire(name, number, None)))
    }
}

#[async_trait]
impl Workers for Pool {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.lock().commands.keys().cloned().collect();
        // c2 before c10.
        names.sort_by_key(|name| (name.len(), name.clone()));
        names
    }

    fn ackers(&self) -> Vec<NodeId> {
        worker::lock(&self.setting.ackers).clone()
    }

    async fn request(&self, worker: &str, node: NodeId, request: RequestKind) -> Completion {
        let over = || Completion::Fail { error: json!("the run had ended") };
        let Some(commands) = self.worker(worker) else { return over() };
        let (answer, answered) = oneshot::channel();
        // A worker that is gone drops the command, and with it the channel of the answer.
        let _ = commands.send(Command::Request { node, request, answer });
        answered.await.unwrap_or_else(|_| over())
    }

    async fn give_up(&self, worker: &str) -> Option<u64> {
        let (told, index) = oneshot::channel();
        self.worker(worker)?.send(Command::GiveUp(told)).ok()?;
        index.await.ok()
    }
}

#[cfg(test)]
mod tests;
