//! Unique writes on many registers, which are read in the end: every acknowledged write must be there, or one that replaced it.
//!
//! It is meant for faults that aim: the target `ackers` of a plan is whoever stored the last write that was acknowledged,
//! so that `--fault kill:disk=wipe,on=ackers` takes exactly the copies that the system said were enough.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn};
use crate::params::Params;
use crate::register;
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "durability";
const KINDS: [&str; 2] = ["write", "read"];
/// How many registers, where nobody says: so many that most have one that was written last for a while.
const KEYS: usize = 200;

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "unique writes on many registers, all read in the end: what was acknowledged must be there",
        kinds: &KINDS,
        mix: &[("write", 90), ("read", 10)],
        parameters: &[WorkloadParameter {
            name: "keys",
            values: "a number from 1",
            default: "200",
            about: "how many registers",
        }],
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Durability {
    keys: usize,
    draws: Draws<2>,
}

impl Durability {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub(crate) fn new(
        params: &Params<'_>,
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        let draws = Draws::of_served(NAME, KINDS, load, served, streams)?;
        Ok(Durability { keys: params.number("keys", KEYS)?, draws })
    }
}

impl Workload for Durability {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let key = format!("x{}", rng.random_range(1..=self.keys));
        let value = if kind == "write" { json!(unique) } else { Value::Null };
        let invocation = Invocation { f: kind.into(), key: key.into(), value };
        Next::Operation(Planned { invocation, due, contact: Contact::Same, session: None })
    }

    fn update(&mut self, _worker: usize, _ended: &Ended<'_>) {}

    fn final_reads(&self) -> Vec<Invocation> {
        register::reads_of_all(self.keys)
    }

    fn requirement(&self) -> Requirement {
        Requirement { model: "register".to_owned(), initial: Value::Null, levels: Vec::new(), durable: true }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn values_are_unique_and_every_register_is_read_in_the_end() {
        let mix = info().mix.iter().map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect();
        let load = Load { keys: 5, workers: 2, rate: 1000.0, time: Duration::from_secs(2), open: false, mix };
        let served = KINDS.map(str::to_owned);
        let streams = (0..2).map(ChaCha8Rng::seed_from_u64).collect();
        let none = BTreeMap::new();
        let mut workload =
            Durability::new(&Params::of(&info(), &none).unwrap(), &load, &served, streams).expect("it is served");
        let (mut values, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for worker in 0..2 {
            let mut now = Duration::ZERO;
            while let Next::Operation(Planned { invocation, due, .. }) = workload.next(worker, now) {
                now = due;
                assert!(invocation.value.is_null() || values.insert(invocation.value.as_u64()));
                keys.insert(invocation.key.to_string());
            }
        }
        assert!(values.len() > 1_500, "{} writes", values.len());
        let read: BTreeSet<String> = workload.final_reads().iter().map(|read| read.key.to_string()).collect();
        assert_eq!(keys, read, "and most of them were written");
    }
}
