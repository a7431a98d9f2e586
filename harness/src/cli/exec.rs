//! `schism exec`, hidden: asks the kernel to end this process with the thread that started it, and becomes another program.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use crate::cli::args::ExecArgs;

/// What shells say when a program cannot be run.
const CANNOT_RUN: u8 = 127;
/// As whom a program sees itself that refuses to be root.
const SOMEBODY: u32 = 1000;

/// Comes back only where the program cannot be run.
pub(crate) fn exec(args: &ExecArgs) -> ExitCode {
    let error = prepare(args.unprivileged).err().unwrap_or_else(|| {
        let (program, arguments) = args.command.split_first().expect("at least one word is required");
        Command::new(program).args(arguments).exec()
    });
    let program = args.command.first().map(|program| program.to_string_lossy()).unwrap_or_default();
    // Nobody may be reading.
    let _ = writeln!(io::stderr(), "cannot run {program}: {error}");
    ExitCode::from(CANNOT_RUN)
}

#[cfg(target_os = "linux")]
fn prepare(unprivileged: bool) -> io::Result<()> {
    if unprivileged {
        become_somebody()?;
    }
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn prepare(_unprivileged: bool) -> io::Result<()> {
    Ok(())
}

/// Enters a user namespace in which whoever we are is somebody without privileges. Files stay ours.
#[cfg(target_os = "linux")]
fn become_somebody() -> io::Result<()> {
    use nix::sched::{CloneFlags, unshare};
    use nix::unistd::{getgid, getuid};
    let (user, group) = (getuid(), getgid());
    unshare(CloneFlags::CLONE_NEWUSER)?;
    fs_err::write("/proc/self/setgroups", "deny")?;
    fs_err::write("/proc/self/uid_map", format!("{SOMEBODY} {user} 1"))?;
    fs_err::write("/proc/self/gid_map", format!("{SOMEBODY} {group} 1"))
}
