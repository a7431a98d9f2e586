//! Processes beside the nodes: clients of somebody's own, and commands that prepare, ask or tell and then end. All are
//! started by the thread that lives as long as the controller, and end with it.

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::Child;

use crate::cluster::server_log::LogFile;
use crate::cluster::spawner::{self, Start};
use crate::system::Launch;

/// How much is kept of what a command says, in bytes.
const SAID_MAX: usize = 16 * 1024;

/// How a client of somebody's own is started.
#[derive(Clone, Debug)]
pub(crate) struct ClientStart {
    /// Its command line and environment.
    pub(crate) launch: Launch,
    /// The folder in which it runs.
    pub(crate) folder: PathBuf,
}

/// Where clients' standard errors go, all into one bounded file.
pub(crate) type ClientLog = Arc<LogFile>;

/// A client that runs. It is killed when `child` is dropped.
#[derive(Debug)]
pub(crate) struct StartedClient {
    pub(crate) child: Child,
    pub(crate) asks: Sender,
    pub(crate) answers: Receiver,
}

/// Starts a client of somebody's own.
pub(crate) async fn start_client(start: ClientStart, log: &ClientLog) -> io::Result<StartedClient> {
    let (their_asks, asks) = io::pipe()?;
    let (answers, their_answers) = io::pipe()?;
    let (said, errors) = io::pipe()?;
    let streams = [their_asks.into(), their_answers.into(), errors.into()];
    let child = spawner::start(Start { launch: start.launch, folder: start.folder, streams }, None).await?;
    tokio::spawn(Arc::clone(log).copy(receiver(said.into())?, |_| {}));
    Ok(StartedClient { child, asks: Sender::from_owned_fd(asks.into())?, answers: receiver(answers.into())? })
}

/// A command that runs to its end.
#[derive(Clone, Debug)]
pub(crate) struct Beside {
    /// Its command line and environment.
    pub(crate) launch: Launch,
    /// The folder in which it runs.
    pub(crate) folder: PathBuf,
}

/// Runs a command to its end; one that does not end within `limit` is killed, and an error. What it said, bounded.
pub(crate) async fn run_to_end(beside: Beside, limit: Duration) -> io::Result<(ExitStatus, String)> {
    let (read, write) = io::pipe()?;
    let nothing = OwnedFd::from(std::fs::File::open("/dev/null")?);
    let streams = [nothing, write.try_clone()?.into(), write.into()];
    let mut child = spawner::start(Start { launch: beside.launch, folder: beside.folder, streams }, None).await?;
    let said = tokio::spawn(said(receiver(read.into())?));
    let Ok(status) = tokio::time::timeout(limit, child.wait()).await else {
        child.start_kill()?;
        child.wait().await?;
        let late = format!("it did not end within {} s", limit.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, late));
    };
    // What it left running may keep its output open.
    let said = tokio::time::timeout(Duration::from_secs(1), said).await;
    Ok((status?, said.ok().and_then(Result::ok).unwrap_or_default()))
}

async fn said(mut output: Receiver) -> String {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = output.read(&mut buffer).await {
        let room = SAID_MAX.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..read.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// The read end of a pipe.
pub(crate) fn receiver(pipe: OwnedFd) -> io::Result<Receiver> {
    Receiver::from_owned_fd(pipe)
}
