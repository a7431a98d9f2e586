//! How a run and its caller talk while it goes on.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::sync::watch;

use crate::network::Enclosure;

/// How the caller follows a run, and ends it.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// What is done with news that cannot wait for the end of the run: the lines of a violation that was seen meanwhile. It is
    /// called on a thread of its own.
    pub news: fn(&str),
    /// Where the run tells how far it is, several times a second.
    pub progress: watch::Sender<Progress>,
    /// The signal that asks the run to end in order, once there was one: no new operations, heal, stop the nodes, check
    /// for a moment, write.
    pub interrupt: watch::Receiver<Option<Signal>>,
    /// That this process may make a virtual network, where runs need one.
    pub enclosure: Option<Enclosure>,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Time since the start of the main phase.
    pub elapsed: Duration,
    /// Operations that ended ok.
    pub ok: u64,
    /// Operations that ended fail.
    pub fail: u64,
    /// Operations that ended info.
    pub info: u64,
    /// What is being done, for people: `running`, `healing`, `reading`, `checking`.
    pub doing: String,
}
