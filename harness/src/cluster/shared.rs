//! What the tasks of a cluster share, and what they do: start a life, watch it to its end, take what nodes say and note.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::Signal;
use schism_nodes::control::{Boot, ClockFault, Down, Storage, Up};
use schism_nodes::{Incarnation, NodeId, Seed};
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::cluster::body::Body;
use crate::cluster::events::{NoteSink, NoteTally};
use crate::cluster::life::{Life, Stage, in_words, lock};
use crate::cluster::notes::{Line, NotePipe};
use crate::cluster::processes::StartError;
use crate::cluster::spawner::Start;
use crate::cluster::world::{Slot, World};
use crate::cluster::{ClusterEvent, Death, NodeState, node_log, spawner};
use crate::network::{Network, Site};
use crate::system::{LaunchKind, Place, System};

/// How long a process may take to vanish after SIGKILL.
pub(crate) const KILL_LIMIT: Duration = Duration::from_secs(5);
/// How long the rest of a control socket or a note pipe may take to be read, when all its writers are gone.
pub(crate) const REST_LIMIT: Duration = Duration::from_secs(1);

/// What the tasks of all lives share.
pub(crate) struct Shared {
    pub(crate) ground: Ground,
    pub(crate) members: BTreeMap<NodeId, Member>,
    pub(crate) world: Mutex<World>,
    pub(crate) events: broadcast::Sender<ClusterEvent>,
    pub(crate) tally: Mutex<NoteTally>,
    /// Lines of servers' logs that no healthy one has.
    pub(crate) complaints: Mutex<Vec<(NodeId, String)>>,
    /// None after a failed write.
    pub(crate) sink: Mutex<Option<Box<dyn NoteSink>>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("world", &self.world).finish_non_exhaustive()
    }
}

/// What every life is started with.
pub(crate) struct Ground {
    pub(crate) run: String,
    pub(crate) system: Arc<dyn System>,
    pub(crate) network: Arc<dyn Network>,
    pub(crate) seeds: Box<dyn Fn(NodeId, Incarnation) -> Seed + Send + Sync>,
    pub(crate) ready_timeout: Duration,
}

/// What stays the same over all lives of a node.
#[derive(Debug)]
pub(crate) struct Member {
    /// The node's folder in the run folder.
    pub(crate) folder: PathBuf,
    pub(crate) notes: NotePipe,
    /// Held by whoever starts, ends, stops or continues the node: one at a time.
    pub(crate) gate: tokio::sync::Mutex<()>,
}

impl Member {
    /// Where its `wal` is.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }
}

impl Shared {
    /// Starts the next life of a node, boots it, and begins to watch it.
    pub(crate) async fn launch(self: &Arc<Self>, node: NodeId) -> Result<Arc<Life>, StartError> {
        let prepare = |source| StartError::Prepare { node, source };
        let member = self.members.get(&node).ok_or_else(|| prepare(io::Error::other("there is no such node")))?;
        let hosts = self.hosts();
        let place = Place { node, folder: &member.folder, hosts: &hosts };
        let launch = self.ground.system.launch(&place).map_err(prepare)?;
        let (protocol, storage) = match &launch.kind {
            LaunchKind::Node { protocol, storage } => (protocol.clone(), *storage),
            LaunchKind::Server(server) => return self.launch_server(member, node, &launch, server).await,
        };
        let program = launch.program.clone();
        let (log, log_start) = node_log::open(&member.log()).map_err(prepare)?;
        let notes = member.notes.writer().map_err(prepare)?;
        // An earlier life may have been killed in the middle of a line. This ends that line.
        notes.try_clone().and_then(|notes| File::from(notes).write_all(b"\n")).map_err(prepare)?;
        let incarnation = self.next_incarnation(node);
        let site = self.ground.network.site(node);
        let body = Body::at(site.as_deref(), false);
        let (life, ours, theirs) = Life::prepare(node, incarnation, log_start, body, None).map_err(prepare)?;
        let life = Arc::new(life);
        self.ground.network.started(node, incarnation);
        let mut boot = self.boot(node, incarnation, protocol, storage);
        {
            // From here on, what is told to this life comes after its boot.
            let mut world = lock(&self.world);
            boot.traps = world.traps_of(node);
            let slot = world.nodes.entry(node).or_default();
            boot.clock = slot.clock;
            let (clock, state) = (slot.clock, NodeState::Starting);
            *slot = Slot { state, incarnation, life: Some(Arc::clone(&life)), clock, ..Slot::default() };
            life.tell(Down::Boot(Box::new(boot)));
        }
        let start = Start { launch, folder: member.folder.clone(), streams: [theirs.into(), notes, log.into()] };
        self.spawn(&life, start, program, site.as_deref()).await?;
        let (reader, heard, socket) = (Arc::clone(&life), Arc::clone(self), ours.split());
        let reader = tokio::spawn(async move {
            let life = Arc::clone(&reader);
            reader.read(socket, move |up| heard.heard(&life, up)).await;
        });
        tokio::spawn(Arc::clone(self).watch(Arc::clone(&life), reader));
        self.end_if_stopping(&life);
        Ok(life)
    }

    /// Starts the process of a life.
    pub(crate) async fn spawn(
        &self,
        life: &Life,
        start: Start,
        program: PathBuf,
        site: Option<&dyn Site>,
    ) -> Result<(), StartError> {
        match spawner::start(start, site).await {
            Ok(child) => life.started(child),
            Err(source) => {
                lock(&self.world).nodes.entry(life.node).or_default().state = NodeState::Down;
                return Err(StartError::Spawn { node: life.node, program, source });
            }
        }
        self.write_down("started", life.node, &json!({ "incarnation": life.incarnation, "pid": life.pid() }));
        Ok(())
    }

    /// Whoever stops the cluster may have looked before this process was there.
    pub(crate) fn end_if_stopping(&self, life: &Life) {
        if lock(&self.world).stopping {
            let _ = life.signal(Signal::SIGKILL);
        }
    }

    /// The number of the life that a node has next.
    pub(crate) fn next_incarnation(&self, node: NodeId) -> Incarnation {
        lock(&self.world).nodes.get(&node).map_or(1, |slot| slot.incarnation + 1)
    }

    /// The address of every node.
    pub(crate) fn hosts(&self) -> BTreeMap<NodeId, IpAddr> {
        self.members.keys().map(|node| (*node, self.ground.network.address(*node).ip())).collect()
    }

    fn boot(
        &self,
        node: NodeId,
        incarnation: Incarnation,
        (protocol, params): (String, BTreeMap<String, String>),
        storage: Storage,
    ) -> Boot {
        let seed = (self.ground.seeds)(node, incarnation);
        let universe = self.members.keys().filter(|member| !member.is_coordinator());
        Boot {
            format: 1,
            run: self.ground.run.clone(),
            node,
            incarnation,
            nodes: u16::try_from(universe.count()).unwrap_or(u16::MAX),
            protocol,
            params,
            listen: self.ground.network.address(node),
            peers: self.ground.network.peers(node),
            seed: hexadecimal(&seed),
            data: self.members[&node].data(),
            storage,
            clock: ClockFault::default(),
            traps: Vec::new(),
        }
    }

    /// Waits until a life is ready. One that is not in time is killed.
    pub(crate) async fn ready(&self, life: &Life, deadline: Instant) -> Result<(usize, u64), StartError> {
        let limit = deadline.saturating_duration_since(Instant::now());
        let what = match life.reached(limit, |stage| *stage != Stage::Starting).await {
            Some(Stage::Ready { records, torn }) => return Ok((records, torn)),
            Some(Stage::Ended(status)) => match life.refusal.get() {
                Some(why) => format!("cannot start: {why}"),
                None => format!("ended with {} before it was ready", in_words(status)),
            },
            Some(Stage::Starting) | None => {
                format!("was not ready within {} ms", self.ground.ready_timeout.as_millis())
            }
        };
        self.expect_end(life);
        // It may be gone already.
        let _ = life.signal(Signal::SIGKILL);
        life.exited(KILL_LIMIT).await;
        Err(StartError::NotReady { node: life.node, what, log: self.log_of(life) })
    }

    /// From now on a SIGKILL to this life is ours.
    fn expect_end(&self, life: &Life) {
        if let Some(slot) = lock(&self.world).living(life.node, life.incarnation) {
            slot.ending = true;
        }
    }

    fn log_of(&self, life: &Life) -> String {
        self.members.get(&life.node).map_or_else(String::new, |member| node_log::tail(&member.log(), life.log_start))
    }

    /// Follows a life to its end: how its process ends, and what it said until then, which `reader` hears.
    pub(crate) async fn watch(self: Arc<Self>, life: Arc<Life>, reader: JoinHandle<()>) {
        let pid = life.pid();
        let status = match life.wait().await {
            Ok(status) => status,
            Err(error) => {
                tracing::error!("{}: its process cannot be waited for: {error}", life.node);
                return;
            }
        };
        life.sweep(pid);
        // What it said last, such as why it could not start, is heard before its end is told.
        let _ = tokio::time::timeout(REST_LIMIT, reader).await;
        self.ended(&life, status);
    }

    fn ended(&self, life: &Life, status: ExitStatus) {
        let (ours, was_ready) = {
            let mut world = lock(&self.world);
            let was_ready = world.living(life.node, life.incarnation).is_some_and(|slot| slot.was_ready);
            (world.ended(life.node, status), was_ready)
        };
        let (code, signal) = (status.code(), status.signal());
        let end = json!({ "incarnation": life.incarnation, "code": code, "signal": signal, "ours": ours });
        self.write_down("ended", life.node, &end);
        if !ours {
            let how = Death { code, signal, was_ready, is_server: life.server.is_some(), log: self.log_of(life) };
            // Nobody may be listening.
            let _ = self.events.send(ClusterEvent::Died { node: life.node, how });
        }
        life.reach(Stage::Ended(status));
    }

    /// Takes what a node says on its control socket.
    pub(crate) fn heard(&self, life: &Life, up: Result<Up, String>) {
        match up {
            Ok(Up::Ready { records, torn }) => {
                if let Some(slot) = lock(&self.world).living(life.node, life.incarnation)
                    && slot.state == NodeState::Starting
                {
                    (slot.state, slot.was_ready) = (NodeState::Up, true);
                }
                life.reach(Stage::Ready { records, torn });
            }
            Ok(Up::Refused { id: 0, why }) => {
                // It says so once; more than that would be noise.
                let _ = life.refusal.set(why);
            }
            Ok(Up::ProbeReceived { number, from }) => {
                let _ = self.events.send(ClusterEvent::Probe { number, from, to: life.node });
            }
            Ok(Up::Held { trap, .. }) => self.held(life, trap),
            Ok(Up::DiskFailed { error }) => self.write_down("disk-failed", life.node, &json!({ "error": error })),
            Ok(Up::Dumped { id, .. } | Up::ClockRead { id, .. } | Up::Fired { id } | Up::Refused { id, .. }) => {
                if let Ok(up) = up {
                    life.answered(id, up);
                }
            }
            Err(text) => {
                let text: String = text.chars().take(1_000).collect();
                self.write_down("malformed", life.node, &json!({ "socket": "control", "text": text }));
            }
        }
    }

    fn held(&self, life: &Life, trap: u64) {
        lock(&self.world).held(life.node, life.incarnation, trap);
        // Nobody may be listening.
        let _ = self.events.send(ClusterEvent::Held { node: life.node, trap });
    }

    /// Takes a line of a note pipe.
    pub(crate) fn noted(&self, node: NodeId, line: Line) {
        match line {
            Line::Note { note, text, lost, more } => {
                self.append(&text, !more);
                {
                    let mut tally = lock(&self.tally);
                    tally.notes += 1;
                    tally.lost = tally.lost.saturating_add(lost);
                }
                if note.note.name == "leader" {
                    lock(&self.world).noted(&note);
                }
                // Nobody may be listening.
                let _ = self.events.send(ClusterEvent::Note(note));
            }
            Line::Malformed(text) => {
                lock(&self.tally).malformed += 1;
                self.write_down("malformed", node, &json!({ "socket": "notes", "text": text }));
            }
        }
    }

    /// A line of the cluster's own, between the notes: `{"event":"started","node":"n1",…}`.
    pub(crate) fn write_down(&self, event: &str, node: NodeId, more: &Value) {
        let mut line = json!({ "event": event, "node": node, "time": monotonic_ns() });
        if let (Some(line), Some(more)) = (line.as_object_mut(), more.as_object()) {
            line.extend(more.clone());
        }
        self.append(&line.to_string(), true);
    }

    fn append(&self, line: &str, is_last_for_now: bool) {
        self.to_sink(|sink| {
            sink.append(line)?;
            if is_last_for_now { sink.flush() } else { Ok(()) }
        });
    }

    /// Keeps what was written so far.
    pub(crate) fn flush(&self) {
        self.to_sink(|sink| sink.flush());
    }

    /// After a failed write nothing more is written.
    fn to_sink(&self, write: impl FnOnce(&mut dyn NoteSink) -> io::Result<()>) {
        let mut sink = lock(&self.sink);
        if let Some(open) = sink.as_mut()
            && let Err(error) = write(open.as_mut())
        {
            lock(&self.tally).write_error = Some(error.to_string());
            *sink = None;
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The machine's `CLOCK_MONOTONIC` in nanoseconds, as in the notes of nodes.
pub(crate) fn monotonic_ns() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
