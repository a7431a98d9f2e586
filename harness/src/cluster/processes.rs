//! [`Processes`]: the nodes as processes of this machine. Starts all of them or none, watches each of their lives, and
//! ends them all however it ends itself. It knows nothing of protocols, workloads and plans.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_err as fs;
use nix::sys::signal::Signal;
use schism_nodes::{Incarnation, NodeId, Seed};
use tokio::net::unix::pipe;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use crate::cluster::ClusterEvent;
use crate::cluster::events::{NoteSink, NoteTally};
use crate::cluster::life::{Life, lock};
use crate::cluster::notes::{NotePipe, follow};
use crate::cluster::shared::{Ground, KILL_LIMIT, Member, REST_LIMIT, Shared};
use crate::cluster::world::{Slot, World};
use crate::network::{Arrival, Network};
use crate::system::System;

/// How many events a slow subscriber may be behind before it loses the oldest.
const EVENTS_KEPT: usize = 16 * 1024;
/// How long a node may take to end by itself when its control socket ends.
const GRACE: Duration = Duration::from_millis(700);

/// What a cluster is started with.
#[expect(missing_debug_implementations, reason = "it holds a closure and traits of others")]
pub struct Options {
    /// The run, for hellos: unguessable enough to tell runs apart.
    pub run: String,
    /// The run folder; `nodes/n1`, … are made in it.
    pub folder: PathBuf,
    /// The nodes, in order, and behind them coordinators beside clients.
    pub nodes: Vec<NodeId>,
    /// What runs in them.
    pub system: Arc<dyn System>,
    /// Where they listen and whom they dial.
    pub network: Arc<dyn Network>,
    /// The seed of each life's chance.
    pub seeds: Box<dyn Fn(NodeId, Incarnation) -> Seed + Send + Sync>,
    /// Where notes go.
    pub sink: Box<dyn NoteSink>,
    /// How long a node may take from its start until it is ready.
    pub ready_timeout: Duration,
}

/// Why a cluster could not be started. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder, a file or a pipe could not be made.
    #[error("{node} could not be prepared: {source}")]
    Prepare {
        /// For which node.
        node: NodeId,
        /// What failed, with the path where there is one.
        source: io::Error,
    },
    /// The executable could not be started.
    #[error("{node} could not be started: {program}: {source}", program = program.display())]
    Spawn {
        /// Which node.
        node: NodeId,
        /// The executable.
        program: PathBuf,
        /// What the machine said.
        source: io::Error,
    },
    /// A node said that it cannot start, ended, or was not ready in time.
    #[error("{node} {what}{}", with_log(log))]
    NotReady {
        /// Which node.
        node: NodeId,
        /// What happened.
        what: String,
        /// The last lines of its log.
        log: String,
    },
}

/// An error's text goes on with the last lines of a log, if there are any.
pub(crate) fn with_log(log: &str) -> String {
    if log.is_empty() { String::new() } else { format!("; its log ends with\n{log}") }
}

/// Nodes as processes. Dropping it kills them.
#[derive(Debug)]
pub struct Processes {
    pub(crate) shared: Arc<Shared>,
    readers: Mutex<BTreeMap<NodeId, JoinHandle<io::Result<()>>>>,
}

impl Processes {
    /// Starts all nodes and waits until all are ready. On an error none is left running.
    pub async fn start(options: Options) -> Result<Arc<Self>, StartError> {
        let Options { run, folder, nodes, system, network, seeds, sink, ready_timeout } = options;
        let (mut members, mut pipes) = (BTreeMap::new(), Vec::new());
        for &node in &nodes {
            let prepared = prepare(&folder, node).map_err(|source| StartError::Prepare { node, source })?;
            members.insert(node, prepared.0);
            pipes.push((node, prepared.1));
        }
        let shared = Arc::new(Shared {
            ground: Ground { run, system, network, seeds, ready_timeout },
            world: Mutex::new(World::of(&nodes)),
            members,
            events: broadcast::Sender::new(EVENTS_KEPT),
            tally: Mutex::default(),
            complaints: Mutex::default(),
            sink: Mutex::new(Some(sink)),
        });
        let mut readers = BTreeMap::new();
        for (node, pipe) in pipes {
            let to = Arc::clone(&shared);
            readers.insert(node, tokio::spawn(follow(node, pipe, move |line| to.noted(node, line))));
        }
        if let Some(arrivals) = shared.ground.network.arrivals() {
            tokio::spawn(pass_on(arrivals, shared.events.downgrade()));
        }
        let processes = Processes { shared, readers: Mutex::new(readers) };
        match processes.start_all(&nodes).await {
            Ok(()) => Ok(Arc::new(processes)),
            Err(error) => {
                processes.stop().await;
                Err(error)
            }
        }
    }

    async fn start_all(&self, nodes: &[NodeId]) -> Result<(), StartError> {
        let deadline = Instant::now() + self.shared.ground.ready_timeout;
        let mut starting = JoinSet::new();
        for &node in nodes {
            let life = self.shared.launch(node).await?;
            let shared = Arc::clone(&self.shared);
            starting.spawn(async move { shared.ready(&life, deadline).await });
        }
        while let Some(ready) = starting.join_next().await {
            ready.expect("waiting does not panic")?;
        }
        Ok(())
    }

    /// The process of a node, while it has one.
    pub fn pid(&self, node: NodeId) -> Option<u32> {
        let world = lock(&self.shared.world);
        world.nodes.get(&node).and_then(Slot::running).and_then(|life| life.pid())
    }

    /// The lines of servers' logs so far that no healthy one has, the first one of each life.
    pub fn complaints(&self) -> Vec<(NodeId, String)> {
        lock(&self.shared.complaints).clone()
    }

    /// A node that was asked says in which epoch it leads, or that it does not.
    pub fn told_leader(&self, node: NodeId, epoch: Option<u64>) {
        lock(&self.shared.world).told(node, epoch);
    }

    /// Ends all nodes, within two seconds unless the machine is starved, and then reads their notes to the end. After
    /// this nothing can be started any more.
    pub async fn stop(&self) -> NoteTally {
        let lives: Vec<Arc<Life>> = {
            let mut world = lock(&self.shared.world);
            world.stopping = true;
            world.nodes.values().filter_map(Slot::running).cloned().collect()
        };
        let begun = Instant::now();
        let mut deadlines = Vec::new();
        for life in &lives {
            deadlines.push(begun + life.ask_to_end(GRACE));
            // A process that is stopped does not see that it is to end. One that is gone needs nothing.
            let _ = life.signal(Signal::SIGCONT);
        }
        for (life, deadline) in lives.iter().zip(deadlines) {
            if life.exited(deadline.saturating_duration_since(Instant::now())).await.is_none() {
                let _ = life.signal(Signal::SIGKILL);
            }
        }
        for life in &lives {
            life.exited(KILL_LIMIT).await;
        }
        self.finish_notes().await
    }

    /// Closes the note pipes and reads what is left in them. Nodes have ended before.
    async fn finish_notes(&self) -> NoteTally {
        for member in self.shared.members.values() {
            member.notes.close();
        }
        let readers = std::mem::take(&mut *lock(&self.readers));
        for (node, mut reader) in readers {
            if !matches!(tokio::time::timeout(REST_LIMIT, &mut reader).await, Ok(Ok(Ok(())))) {
                reader.abort();
                lock(&self.shared.tally).cut.push(node);
            }
        }
        self.shared.flush();
        lock(&self.shared.tally).clone()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        let mut world = lock(&self.shared.world);
        world.stopping = true;
        for life in world.nodes.values().filter_map(Slot::running) {
            life.hang_up();
            // One that is gone already needs no signal.
            let _ = life.signal(Signal::SIGKILL);
        }
        for reader in lock(&self.readers).values() {
            reader.abort();
        }
    }
}

/// Tells of probes that the network itself has sent, as of those of nodes. Ends with the network; the cluster may end
/// before, and then there are no more events.
async fn pass_on(mut arrivals: broadcast::Receiver<Arrival>, events: broadcast::WeakSender<ClusterEvent>) {
    loop {
        let Arrival { number, from, to } = match arrivals.recv().await {
            Ok(arrival) => arrival,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let Some(events) = events.upgrade() else { return };
        // Nobody may be listening.
        let _ = events.send(ClusterEvent::Probe { number, from, to });
    }
}

/// The folder of a node with what belongs in it, by its whole path, and its note pipe.
fn prepare(run_folder: &Path, node: NodeId) -> io::Result<(Member, pipe::Receiver)> {
    let folder = fs::canonicalize(run_folder)?.join("nodes").join(node.to_string());
    fs::create_dir_all(folder.join("data"))?;
    fs::create_dir_all(folder.join("tmp"))?;
    let (notes, read) = NotePipe::create()?;
    Ok((Member { folder, notes, gate: tokio::sync::Mutex::default() }, read))
}
