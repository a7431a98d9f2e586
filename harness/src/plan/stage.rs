//! What a plan is played on.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::network::Network;
use crate::recorder::Recorder;
use crate::run::Workers;

/// The parts of a run that a plan acts on. All parts are shared.
#[derive(Clone)]
pub struct Stage {
    /// The nodes.
    pub cluster: Arc<dyn Cluster>,
    /// What lies between them.
    pub network: Arc<dyn Network>,
    /// Who asks.
    pub workers: Arc<dyn Workers>,
    /// Where begins and ends are recorded.
    pub recorder: Arc<Recorder>,
    /// The run's seed: what an entry leaves open is drawn from its stream `play/<id>`.
    pub seed: u64,
    /// The end of the start-up, from which `at` counts.
    pub start: Instant,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("seed", &self.seed).field("start", &self.start).finish_non_exhaustive()
    }
}
