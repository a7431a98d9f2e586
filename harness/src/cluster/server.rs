//! The lives of somebody else's servers. They have no control socket: that one is ready is asked of it, what it says is its
//! log, and it is asked to end by a signal.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};
use std::str::FromStr as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fs_err as fs;
use nix::sys::signal::Signal;
use schism_nodes::NodeId;
use schism_nodes::control::Up;
use serde_json::json;

use crate::cluster::NodeState;
use crate::cluster::beside::{Beside, receiver, run_to_end};
use crate::cluster::body::Body;
use crate::cluster::life::{Life, ServerLife, Stage, lock};
use crate::cluster::processes::StartError;
use crate::cluster::server_log::LogFile;
use crate::cluster::server_ready::is_ready;
use crate::cluster::shared::{Member, Shared};
use crate::cluster::spawner::Start;
use crate::cluster::world::Slot;
use crate::system::manifest::Ready;
use crate::system::{Launch, Server};

/// The distance between two questions whether a server has started.
const ASK_AGAIN: Duration = Duration::from_millis(20);
/// How long a server has to stay after it was found ready.
const STAYS: Duration = Duration::from_millis(100);
/// How long a command may take that prepares a node.
const PREPARE_LIMIT: Duration = Duration::from_mins(1);
/// How much of a line that is complained of is told.
const COMPLAINT_MAX: usize = 1_000;

impl Shared {
    /// Starts the next life of somebody else's server, and begins to watch it.
    pub(crate) async fn launch_server(
        self: &Arc<Self>,
        member: &Member,
        node: NodeId,
        launch: &Launch,
        server: &Server,
    ) -> Result<Arc<Life>, StartError> {
        let failed = |source| StartError::Prepare { node, source };
        prepare(member, launch, server).await.map_err(failed)?;
        let log = Arc::new(LogFile::open(&member.log(), Arc::clone(&server.secrets)).map_err(failed)?);
        let (output, streams) = streams().map_err(failed)?;
        let incarnation = self.next_incarnation(node);
        let stop = Signal::from_str(&format!("SIG{}", server.stop)).unwrap_or(Signal::SIGTERM);
        let in_life = ServerLife { stop, within: server.stop_within, heard: Mutex::default() };
        let site = self.ground.network.site(node);
        let body = Body::at(site.as_deref(), true);
        let (life, _, _) = Life::prepare(node, incarnation, log.start, body, Some(in_life)).map_err(failed)?;
        let life = Arc::new(life);
        // There is nobody at the other end of its control socket.
        life.hang_up();
        self.ground.network.started(node, incarnation);
        let slot = Slot { state: NodeState::Starting, incarnation, life: Some(Arc::clone(&life)), ..Slot::default() };
        lock(&self.world).nodes.insert(node, slot);
        let start = Start { launch: launch.clone(), folder: member.folder.clone(), streams };
        self.spawn(&life, start, launch.program.clone(), site.as_deref()).await?;
        let output = receiver(output).map_err(failed)?;
        let (hears, of) = (Arc::clone(self), Arc::clone(&life));
        let (texts, failures) = (server.ready.clone(), server.failures.clone());
        let mut has_complained = false;
        let reader = tokio::spawn(log.copy(output, move |line| {
            Self::in_log(&of, line, &texts);
            if !has_complained && failures.iter().any(|failure| line.contains(failure.as_str())) {
                has_complained = true;
                hears.complain(of.node, line);
            }
        }));
        tokio::spawn(Arc::clone(self).watch(Arc::clone(&life), reader));
        let (asks, folder) = (Arc::clone(self), member.folder.clone());
        let (of, launch, server) = (Arc::clone(&life), launch.clone(), server.clone());
        tokio::spawn(async move { asks.ask_until_ready(&of, &launch, &server, &folder).await });
        self.end_if_stopping(&life);
        Ok(life)
    }

    /// Remembers the texts of a log that show that its server is ready.
    fn in_log(life: &Life, said: &str, signs: &[Ready]) {
        let Some(server) = &life.server else { return };
        for sign in signs {
            if let Ready::Log { log } = sign
                && said.contains(log.as_str())
            {
                lock(&server.heard).insert(log.clone());
            }
        }
    }

    fn complain(&self, node: NodeId, line: &str) {
        let line: String = line.chars().take(COMPLAINT_MAX).collect();
        self.write_down("complained", node, &json!({ "line": line }));
        lock(&self.complaints).push((node, line));
    }

    async fn ask_until_ready(&self, life: &Life, launch: &Launch, server: &Server, folder: &Path) {
        while !is_ready(life, launch, server, folder).await {
            if life.reached(ASK_AGAIN, |stage| matches!(stage, Stage::Ended(_))).await.is_some() {
                return;
            }
        }
        // Who answers may be somebody that a server has left behind which does not stay itself.
        if life.reached(STAYS, |stage| matches!(stage, Stage::Ended(_))).await.is_none() {
            self.heard(life, Ok(Up::Ready { records: 0, torn: 0 }));
        }
    }
}

/// Our end of what a server says, and its standard streams.
fn streams() -> io::Result<(OwnedFd, [OwnedFd; 3])> {
    let (read, write) = io::pipe()?;
    let nothing = OwnedFd::from(std::fs::File::open("/dev/null")?);
    Ok((read.into(), [nothing, write.try_clone()?.into(), write.into()]))
}

/// Writes the files of a node, and runs what prepares an empty data folder.
async fn prepare(member: &Member, launch: &Launch, server: &Server) -> io::Result<()> {
    for (name, text) in &server.files {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside {
            return Err(io::Error::other(format!("file {name:?} does not lie in the folder of its node")));
        }
        let path = member.folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&member.folder))?;
        // A server that rewrites its file, as Redis' Sentinel does, finds it again as it left it, unless its disk was wiped.
        if !path.exists() || is_empty(&member.data())? {
            fs::write(&path, text)?;
        }
    }
    if !is_empty(&member.data())? {
        return Ok(());
    }
    for command in &server.prepare {
        let Some((program, arguments)) = command.split_first() else { continue };
        let launch = Launch { program: program.into(), arguments: arguments.to_vec(), ..launch.clone() };
        let (status, said) = run_to_end(Beside { launch, folder: member.folder.clone() }, PREPARE_LIMIT).await?;
        if !status.success() {
            let said = server.secrets.mask(said.trim()).into_owned();
            return Err(io::Error::other(format!("{program} ended with {status}: {said}")));
        }
    }
    Ok(())
}

fn is_empty(folder: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(folder)?.next().is_none())
}
