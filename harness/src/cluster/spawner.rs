//! The one thread that starts all processes. A parent-death signal fires when the *thread* that forked ends, so processes
//! are never started from a thread of a pool: this one lives as long as the controller.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{OnceLock, mpsc};
use std::thread;

use tokio::process::Child;
use tokio::sync::oneshot;

use crate::network::Site;
use crate::system::{Launch, LaunchKind, running_program};

/// A process to be started: everything that it inherits is named here.
#[derive(Debug)]
pub(crate) struct Start {
    /// What is run, with which arguments and environment.
    pub(crate) launch: Launch,
    /// The folder in which it runs, with its `HOME` and `TMPDIR`.
    pub(crate) folder: PathBuf,
    /// Its standard input, output and error: for a node of ours its control socket, note pipe and log.
    pub(crate) streams: [OwnedFd; 3],
}

/// Starts a process, at its node's site where it has one.
pub(crate) async fn start(start: Start, site: Option<&dyn Site>) -> io::Result<Child> {
    match site {
        Some(site) => {
            let (program, arguments) = words(&start.launch, false);
            let mut command = site.command(program.as_os_str());
            command.args(arguments);
            site.spawn(start.dress(command)).await
        }
        None => spawn(start).await,
    }
}

struct Job {
    start: Start,
    runtime: tokio::runtime::Handle,
    answer: oneshot::Sender<io::Result<Child>>,
}

/// Starts a process from the thread that lives as long as the controller.
async fn spawn(start: Start) -> io::Result<Child> {
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel();
        thread::Builder::new()
            .name("spawner".to_owned())
            .spawn(move || serve(&jobs))
            .expect("a controller that cannot start a thread cannot start a process either");
        sender
    });
    let (answer, child) = oneshot::channel();
    let job = Job { start, runtime: tokio::runtime::Handle::current(), answer };
    spawner.send(job).map_err(|_| io::Error::other("the spawner has ended"))?;
    child.await.map_err(|_| io::Error::other("the spawner has ended"))?
}

fn serve(jobs: &mpsc::Receiver<Job>) {
    while let Ok(Job { start, runtime, answer }) = jobs.recv() {
        let _in_runtime = runtime.enter();
        // Where nobody waits any more, the child is dropped here, and killed by that.
        let _ = answer.send(spawn_here(start));
    }
}

/// The command, and with it our copies of the child's descriptors, is dropped at the end: what stayed open here would hide
/// the end of the child.
fn spawn_here(start: Start) -> io::Result<Child> {
    let (program, arguments) = words(&start.launch, true);
    let mut command = Command::new(program);
    command.arg0("schism").process_group(0).args(arguments);
    tokio::process::Command::from(start.dress(command)).kill_on_drop(true).spawn()
}

impl Start {
    /// Gives a command all that its process inherits.
    fn dress(self, mut command: Command) -> Command {
        let Start { launch, folder, streams: [input, output, error] } = self;
        command.current_dir(&folder);
        command.env_clear().env("HOME", &folder).env("TMPDIR", folder.join("tmp"));
        for name in ["PATH", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(&launch.environment);
        command.stdin(input).stdout(output).stderr(error);
        command
    }
}

/// What is executed. A program of somebody else that no cell surrounds is started by way of this one, which asks the kernel
/// to end it with us; so is one that is to see itself as somebody without privileges.
fn words(launch: &Launch, is_alone: bool) -> (PathBuf, Vec<OsString>) {
    let own = launch.arguments.iter().map(OsString::from);
    let unprivileged = match &launch.kind {
        LaunchKind::Server(server) if is_alone || server.unprivileged => server.unprivileged,
        _ => return (launch.program.clone(), own.collect()),
    };
    let how = unprivileged.then_some("--unprivileged");
    let by = std::iter::once("exec").chain(how).chain(["--"]).map(OsString::from);
    (running_program(), by.chain([launch.program.clone().into()]).chain(own).collect())
}
