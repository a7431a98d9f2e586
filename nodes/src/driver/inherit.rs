//! What a node process gets from the controller that started it. Used once, at the begin of a process of its own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::control::{BootError, Control};

/// Takes the control socket (standard input) and the note pipe (standard output), and asks the kernel, where it can be
/// asked, to end this process when the thread that started it ends. The standard error is left as it is.
pub fn inherited() -> Result<(Control, OwnedFd), BootError> {
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).map_err(io::Error::from)?;
    let control = Control::new(io::stdin().as_fd().try_clone_to_owned()?)?;
    let notes = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((control, notes))
}
