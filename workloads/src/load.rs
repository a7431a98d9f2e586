//! How much is asked and when: what all workloads have in common.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::workload::WorkloadError;

/// A worker that is late by no more than this makes up for it, so that the rate is met though timers and answers come late;
/// what a fault has held up for longer is not asked for in one burst afterwards.
const CATCH_UP: Duration = Duration::from_millis(10);

/// How much is asked, by how many, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// How many objects, at least 1.
    pub keys: usize,
    /// How many workers, at least 1.
    pub workers: usize,
    /// Operations a second, all workers together; 0 for as fast as they go.
    pub rate: f64,
    /// When the last operation may begin, since the start.
    pub time: Duration,
    /// Whether an operation is due at its time even if earlier ones of its worker have not ended. Needs a rate.
    pub open: bool,
    /// Weights of what is done; what is not named is not done.
    pub mix: Vec<(String, u32)>,
}

impl Load {
    /// Weights in the order of `kinds`, which are all that the workload does.
    pub(crate) fn weights<const N: usize>(
        &self,
        workload: &'static str,
        kinds: [&'static str; N],
    ) -> Result<[u32; N], WorkloadError> {
        let mut weights = [0; N];
        for (name, weight) in &self.mix {
            let Some(place) = kinds.iter().position(|kind| kind == name) else {
                return Err(WorkloadError::Mix { workload, given: name.clone(), known: kinds.to_vec() });
            };
            weights[place] = *weight;
        }
        if weights.iter().all(|weight| *weight == 0) {
            return Err(WorkloadError::Range { what: "the mix", expected: "at least one kind with a weight above 0" });
        }
        Ok(weights)
    }
}

/// Refuses what the system does not serve.
pub(crate) fn needs(workload: &'static str, kind: &str, served: &[String]) -> Result<(), WorkloadError> {
    if served.iter().any(|name| name == kind) {
        return Ok(());
    }
    Err(WorkloadError::NotServed { workload, needs: kind.to_owned(), serves: served.to_vec() })
}

/// When the operations of each worker are due.
#[derive(Debug)]
pub(crate) struct Pace {
    time: Duration,
    open: bool,
    /// The mean time between two operations of one worker.
    gap: Duration,
    workers: Vec<Beat>,
}

#[derive(Debug)]
struct Beat {
    /// The stream of this worker alone; each operation takes the same number of draws from it.
    rng: ChaCha8Rng,
    /// How many operations it has begun.
    count: u64,
    /// When the next one is due.
    due: Duration,
}

/// An operation that is due.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) due: Duration,
    /// A number that no other operation of any worker has, from 1.
    pub(crate) unique: u64,
    pub(crate) rng: &'a mut ChaCha8Rng,
}

impl Pace {
    /// The pace of a load, whose worker `i` draws from `streams[i]`.
    pub(crate) fn new(load: &Load, streams: Vec<ChaCha8Rng>) -> Result<Self, WorkloadError> {
        let range = |what, expected| Err(WorkloadError::Range { what, expected });
        if load.keys == 0 {
            return range("keys", "at least 1");
        }
        if load.workers == 0 || streams.len() != load.workers {
            return range("concurrency", "at least 1");
        }
        if !load.rate.is_finite() || load.rate < 0.0 {
            return range("rate", "a number of operations a second, or 0 for no limit");
        }
        if load.open && load.rate == 0.0 {
            return range("the rate of an open loop", "above 0");
        }
        let gap = gap(load);
        // Workers begin one after another, so that they do not all knock at once.
        let step = gap / u32::try_from(load.workers).unwrap_or(u32::MAX);
        let workers = (0..).zip(streams).map(|(place, rng)| Beat { rng, count: 0, due: step * place }).collect();
        Ok(Pace { time: load.time, open: load.open, gap, workers })
    }

    /// The next operation of a worker; none when the time is over. Takes one draw.
    pub(crate) fn next(&mut self, worker: usize, now: Duration) -> Option<Turn<'_>> {
        let workers = self.workers.len() as u64;
        let beat = &mut self.workers[worker];
        // Whoever counts from the due time moves it for nothing that happens.
        let due = if self.open { beat.due } else { beat.due.max(now.saturating_sub(CATCH_UP)) };
        if due >= self.time || (!self.open && now >= self.time) {
            return None;
        }
        let spread: f64 = beat.rng.random_range(0.0..2.0);
        beat.due = due + self.gap.mul_f64(spread);
        beat.count += 1;
        Some(Turn { due, unique: (beat.count - 1) * workers + worker as u64 + 1, rng: &mut beat.rng })
    }
}

/// The mean time between two operations of one worker: zero where the rate has no limit.
fn gap(load: &Load) -> Duration {
    if load.rate == 0.0 {
        return Duration::ZERO;
    }
    let workers = u32::try_from(load.workers).map_or(f64::INFINITY, f64::from);
    Duration::try_from_secs_f64(workers / load.rate).unwrap_or(Duration::MAX)
}
