//! What the processes around a program do: `schism keeper`, `schism cell PROGRAM …` and `schism cell-init PROGRAM …`, all
//! hidden. Each has one thread and knows nothing of runs.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus};

use fs_err::OpenOptions;
use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{Signal, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout};

/// The program could not be started: what shells say for that.
const CANNOT_START: i32 = 127;
/// An init that ends with a higher code says that a signal ended its program: an init cannot die of a signal of its own.
const SIGNALLED: i32 = 128;

/// The init of a run's PID namespace: there until its standard input ends, which is when the controller does.
pub fn keeper() -> i32 {
    if let Err(error) = prctl::set_pdeathsig(Signal::SIGKILL) {
        return cannot_start(&error);
    }
    // Whatever is read or goes wrong: there is nobody to stay for.
    let _ = io::stdin().read_to_end(&mut Vec::new());
    0
}

/// A cell: starts the init of a new PID namespace, and ends as it does.
pub fn cell(program: &[OsString]) -> i32 {
    let init = || -> io::Result<Child> {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        unshare(CloneFlags::CLONE_NEWPID)?;
        Command::new("/proc/self/exe").arg0("schism").args(["cell-init", "--"]).args(program).spawn()
    };
    let status = match init() {
        Ok(mut init) => {
            let_go_of_streams();
            init.wait()
        }
        Err(error) => return cannot_start(&error),
    };
    match status {
        Ok(status) => end_as(status),
        Err(error) => cannot_start(&error),
    }
}

/// The init of a cell: starts the program, reaps whoever is left to it, and ends with the program.
pub fn cell_init(program: &[OsString]) -> i32 {
    let start = || -> io::Result<Child> {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // Where a machine forbids it, programs see the processes of the controller's `/proc`, and run all the same.
        let _ = own_proc();
        let (name, arguments) = program.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        Command::new(name).args(arguments).spawn()
    };
    match start() {
        Ok(child) => {
            let_go_of_streams();
            reap_until(Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX)))
        }
        Err(error) => {
            let program = program.first().unwrap_or(&OsString::new()).to_string_lossy().into_owned();
            let _ = writeln!(io::stderr(), "error: {program}: {error}");
            CANNOT_START
        }
    }
}

/// The namespace's own `/proc`, for programs that look themselves up by number.
fn own_proc() -> Result<(), Errno> {
    const NONE: Option<&str> = None;
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)?;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC, NONE)
}

/// The streams are the program's: held open here, they would hide its end.
fn let_go_of_streams() {
    if let Ok(nothing) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        // They are open, so that nothing can go wrong with them.
        let _ = dup2_stdin(&nothing).and_then(|()| dup2_stdout(&nothing)).and_then(|()| dup2_stderr(&nothing));
    }
}

/// Reaps processes until the program is among them; the code to end with.
fn reap_until(program: Pid) -> i32 {
    loop {
        match waitpid(None, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == program => return code,
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => return SIGNALLED + signal as i32,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return cannot_start(&error),
        }
    }
}

/// The code to end with, unless this ends by the signal that ended the program.
fn end_as(status: ExitStatus) -> i32 {
    let told = status.code().and_then(|code| Signal::try_from(code - SIGNALLED).ok());
    let signal = status.signal().and_then(|signal| Signal::try_from(signal).ok()).or(told);
    if let Some(signal) = signal {
        // One that does not end a process is followed by the code.
        let _ = raise(signal);
    }
    status.code().unwrap_or(CANNOT_START)
}

fn cannot_start(error: &dyn std::fmt::Display) -> i32 {
    // A full disk under the log is no reason to end in another way.
    let _ = writeln!(io::stderr(), "error: a cell could not be made: {error}");
    CANNOT_START
}
