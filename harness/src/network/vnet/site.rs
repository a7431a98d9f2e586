//! Where processes of nodes are started: a thread that enters the node's network namespace and starts them from there, each
//! in a cell of its own.
//!
//! The thread lives as long as the network: a parent-death signal fires when the *thread* that forked ends. What it starts is
//! in the run's own PID namespace, whose init, the keeper, ends with the controller.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sched::{CloneFlags, unshare};
use tokio::sync::oneshot;

use super::namespaces::NetNs;
use crate::network::Site;

/// How long the keeper may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(1);
/// How often one looks.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// The program that cells are made of: the running one, unless that is a test's.
#[derive(Clone, Debug)]
pub(super) struct CellProgram(pub(super) std::path::PathBuf);

/// The thread that starts processes. Everything that it started ends with it.
#[derive(Debug)]
pub(super) struct Launcher {
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
    program: CellProgram,
}

/// What the thread is to do.
enum Order {
    Start(Box<Job>),
    End,
}

struct Job {
    namespace: Arc<NetNs>,
    command: Command,
    runtime: tokio::runtime::Handle,
    answer: oneshot::Sender<io::Result<tokio::process::Child>>,
}

impl Launcher {
    /// Starts the thread and the keeper.
    pub(super) fn start(program: CellProgram) -> io::Result<Self> {
        let (orders, ordered) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let keeper_program = program.clone();
        let thread = thread::Builder::new().name("launcher".to_owned()).spawn(move || {
            let keeper = keeper(&keeper_program);
            let told = ready
                .send(keeper.as_ref().map(|_| ()).map_err(|error| io::Error::new(error.kind(), error.to_string())));
            if let (Ok(mut keeper), Ok(())) = (keeper, told) {
                serve(&ordered);
                end(&mut keeper);
            }
        })?;
        let launcher = Launcher { orders, thread: Some(thread), program };
        started.recv().map_err(|_| io::Error::other("the launcher has ended"))??;
        Ok(launcher)
    }

    /// The place where processes of a node are started.
    pub(super) fn site(&self, namespace: Arc<NetNs>) -> VirtualSite {
        VirtualSite { orders: self.orders.clone(), namespace, program: self.program.clone() }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.orders.send(Order::End);
        if let Some(thread) = self.thread.take() {
            // A panic of its own has told itself.
            let _ = thread.join();
        }
    }
}

/// Makes a PID namespace for what this thread starts from now on, with an init of ours.
fn keeper(program: &CellProgram) -> io::Result<Child> {
    unshare(CloneFlags::CLONE_NEWPID)?;
    Command::new(&program.0).arg0("schism").arg("keeper").stdin(Stdio::piped()).process_group(0).spawn()
}

/// Ends the keeper, and with it everybody in the run's PID namespace: its standard input ends. It is gone only when all of
/// them have been reaped; cells are our children, and whoever dropped one without waiting for it does not do so at once.
fn end(keeper: &mut Child) {
    drop(keeper.stdin.take());
    let deadline = Instant::now() + END_LIMIT;
    while Instant::now() < deadline && !matches!(keeper.try_wait(), Ok(Some(_))) {
        thread::sleep(LOOK_AGAIN);
    }
}

fn serve(orders: &mpsc::Receiver<Order>) {
    while let Ok(Order::Start(job)) = orders.recv() {
        let Job { namespace, command, runtime, answer } = *job;
        let _in_runtime = runtime.enter();
        let start = || {
            namespace.enter()?;
            tokio::process::Command::from(command).kill_on_drop(true).spawn()
        };
        // Where nobody waits any more, the child is dropped here, and killed by that.
        let _ = answer.send(start());
    }
}

/// The namespace of a node, for processes.
#[derive(Debug)]
pub(super) struct VirtualSite {
    orders: mpsc::Sender<Order>,
    namespace: Arc<NetNs>,
    program: CellProgram,
}

impl VirtualSite {
    pub(super) fn namespace(&self) -> &NetNs {
        &self.namespace
    }
}

#[async_trait]
impl Site for VirtualSite {
    fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(&self.program.0);
        command.arg0("schism").arg("cell").arg("--").arg(program).process_group(0);
        command
    }

    async fn spawn(&self, command: Command) -> io::Result<tokio::process::Child> {
        let (answer, child) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let job = Job { namespace: Arc::clone(&self.namespace), command, runtime, answer };
        self.orders.send(Order::Start(Box::new(job))).map_err(|_| io::Error::other("the launcher has ended"))?;
        child.await.map_err(|_| io::Error::other("the launcher has ended"))?
    }
}
