//! What the process of a node is to the machine: a process, or a cell with a process and all that it forked.

use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[cfg(target_os = "linux")]
use crate::cluster::cell::outside;
use crate::cluster::process_state::{ProcessState, process_state};
use crate::network::Site;

/// See the module's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The one process that was started.
    Process,
    /// Everything in the cell that was started.
    #[cfg(target_os = "linux")]
    Cell,
}

impl Body {
    /// What is started at a node's site.
    pub(crate) fn at(site: Option<&dyn Site>) -> Self {
        #[cfg(target_os = "linux")]
        if site.is_some() {
            return Body::Cell;
        }
        let _ = site;
        Body::Process
    }

    /// Sends a signal to the process that was started as `pid` and has not been reaped.
    pub(crate) fn signal(self, pid: u32, signal: Signal) -> io::Result<()> {
        match self {
            Body::Process => {
                let pid = i32::try_from(pid).expect("process ids are positive 32-bit numbers");
                Ok(kill(Pid::from_raw(pid), signal)?)
            }
            #[cfg(target_os = "linux")]
            Body::Cell => outside::signal(pid, signal),
        }
    }

    /// What it does.
    pub(crate) fn state(self, pid: u32) -> io::Result<ProcessState> {
        match self {
            Body::Process => process_state(pid),
            #[cfg(target_os = "linux")]
            Body::Cell => outside::state(pid),
        }
    }
}
