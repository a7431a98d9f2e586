//! The one thread that starts all processes. A parent-death signal fires when the *thread* that forked ends, so processes
//! are never started from a thread of a pool: this one lives as long as the controller.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{OnceLock, mpsc};
use std::thread;

use tokio::process::Child;
use tokio::sync::oneshot;

use crate::network::Site;
use crate::system::Launch;

/// A process to be started: everything that it inherits is named here.
#[derive(Debug)]
pub(crate) struct Start {
    /// What is run, with which arguments and environment.
    pub(crate) launch: Launch,
    /// The folder in which it runs, with its `HOME` and `TMPDIR`.
    pub(crate) folder: PathBuf,
    /// Its end of the control socket, as standard input.
    pub(crate) control: OwnedFd,
    /// The write end of its note pipe, as standard output.
    pub(crate) notes: OwnedFd,
    /// Its log, as standard error.
    pub(crate) log: File,
}

/// Starts a process, at its node's site where it has one.
pub(crate) async fn start(start: Start, site: Option<&dyn Site>) -> io::Result<Child> {
    match site {
        Some(site) => {
            let command = site.command(start.launch.program.as_os_str());
            site.spawn(start.dress(command)?).await
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
    let mut command = Command::new(&start.launch.program);
    command.arg0("schism").process_group(0);
    tokio::process::Command::from(start.dress(command)?).kill_on_drop(true).spawn()
}

impl Start {
    /// Gives a command for the program all that the process inherits.
    fn dress(self, mut command: Command) -> io::Result<Command> {
        let Start { launch, folder, control, notes, log } = self;
        // An earlier life may have been killed in the middle of a line. This ends that line.
        File::from(notes.try_clone()?).write_all(b"\n")?;
        command.args(&launch.arguments).current_dir(&folder);
        command.env_clear().env("HOME", &folder).env("TMPDIR", folder.join("tmp"));
        for name in ["PATH", "LANG"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(&launch.environment);
        command.stdin(control).stdout(notes).stderr(log);
        Ok(command)
    }
}
