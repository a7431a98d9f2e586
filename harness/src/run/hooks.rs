//! How a run and its caller talk while it goes on.

use std::time::Duration;

use tokio::sync::watch;

use crate::verdict::Endings;

/// What a caller gives to a run.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Told what is being done, several times a second.
    pub progress: watch::Sender<Progress>,
    /// The signal that interrupts it: no new operations, heal, stop the nodes, check for a moment, write, end.
    pub interrupt: watch::Receiver<Option<i32>>,
    /// The command line, for run.json.
    pub argv: Vec<String>,
}

impl Hooks {
    /// Hooks of a caller that neither looks nor interrupts.
    pub fn none() -> Self {
        Hooks { progress: watch::Sender::new(Progress::default()), interrupt: watch::channel(None).1, argv: Vec::new() }
    }
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// What is being done: `starting`, `running`, `healing`, `reading`, `checking`.
    pub doing: String,
    /// Since the start of the main phase.
    pub elapsed: Duration,
    /// Operations that ended so far.
    pub endings: Endings,
}
