//! Which kind of operation a worker begins next, and when: what all workloads draw alike.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::load::{Load, Pace, Turn, needs};
use crate::workload::WorkloadError;

/// See the module's head. Each operation takes as many draws, whatever comes of it: operation k of a worker never depends on
/// what became of the others.
#[derive(Debug)]
pub(crate) struct Draws<const N: usize> {
    kinds: [&'static str; N],
    weights: [u32; N],
    pace: Pace,
}

impl<const N: usize> Draws<N> {
    /// Kinds by the weights that the load gives them, all of which the system has to serve.
    pub(crate) fn of_served(
        workload: &'static str,
        kinds: [&'static str; N],
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        kinds.iter().try_for_each(|kind| needs(workload, kind, served))?;
        Draws::new(kinds, load.weights(workload, kinds)?, load, streams)
    }

    /// Kinds by these weights. Worker `i` draws from `streams[i]`.
    pub(crate) fn new(
        kinds: [&'static str; N],
        weights: [u32; N],
        load: &Load,
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        Ok(Draws { kinds, weights, pace: Pace::new(load, streams)? })
    }

    /// The kind of a worker's next operation, and its turn, from whose stream the rest of it is drawn; none when the time is
    /// over.
    pub(crate) fn next(&mut self, worker: usize, now: Duration) -> Option<(&'static str, Turn<'_>)> {
        let turn = self.pace.next(worker, now)?;
        let kind = pick(&self.weights, turn.rng.random_range(0..self.weights.iter().sum()));
        Some((self.kinds[kind], turn))
    }

    /// Whether a kind is drawn at all.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.kinds.iter().zip(self.weights).any(|(name, weight)| *name == kind && weight > 0)
    }
}

/// The place of the weight into which `point` falls, which is below their sum.
fn pick(weights: &[u32], mut point: u32) -> usize {
    for (place, weight) in weights.iter().enumerate() {
        if point < *weight {
            return place;
        }
        point -= weight;
    }
    weights.len() - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_falls_into_the_weight_that_covers_it() {
        let places: Vec<usize> = (0..6).map(|point| pick(&[2, 0, 3, 1], point)).collect();
        assert_eq!(places, [0, 0, 2, 2, 2, 3]);
    }
}
