//! What the process of a node is to the machine: a process, or a cell with a process and all that it forked.

use std::io;

use nix::sys::signal::{Signal, kill, killpg};
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
    /// The process that was started, with those of its group.
    Group,
    /// Everything in the cell that was started.
    #[cfg(target_os = "linux")]
    Cell,
}

impl Body {
    /// What is started at a node's site. A server may fork.
    pub(crate) fn at(site: Option<&dyn Site>, is_server: bool) -> Self {
        #[cfg(target_os = "linux")]
        if site.is_some() {
            return Body::Cell;
        }
        let _ = site;
        if is_server { Body::Group } else { Body::Process }
    }

    /// Sends a signal to the process that was started as `pid` and has not been reaped.
    pub(crate) fn signal(self, pid: u32, signal: Signal) -> io::Result<()> {
        match self {
            Body::Process => Ok(kill(number(pid), signal)?),
            Body::Group => Ok(killpg(number(pid), signal)?),
            #[cfg(target_os = "linux")]
            Body::Cell => outside::signal(pid, signal),
        }
    }

    /// What it does.
    pub(crate) fn state(self, pid: u32) -> io::Result<ProcessState> {
        match self {
            Body::Process | Body::Group => process_state(pid),
            #[cfg(target_os = "linux")]
            Body::Cell => outside::state(pid),
        }
    }
}

fn number(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("process ids are positive 32-bit numbers"))
}
