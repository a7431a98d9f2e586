//! Lists that grow at their ends and are read as a whole: every read shows in which order all additions before it happened.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn};
use crate::params::Params;
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "append";
const KINDS: [&str; 2] = ["append", "list"];
/// How many elements are appended at most, where nobody says: each read answers all of its list.
const ELEMENTS: usize = 1000;

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "elements are added at the ends of lists, which are read as a whole",
        kinds: &KINDS,
        mix: &[("append", 50), ("list", 50)],
        parameters: &[
            WorkloadParameter { name: "keys", values: "a number from 1", default: "--keys", about: "how many lists" },
            WorkloadParameter {
                name: "elements",
                values: "a number from 1",
                default: "1000",
                about: "how many elements are appended at most",
            },
        ],
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Append {
    keys: usize,
    draws: Draws<2>,
    /// How many elements may still be appended.
    left: usize,
}

impl Append {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub(crate) fn new(
        params: &Params<'_>,
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        let draws = Draws::of_served(NAME, KINDS, load, served, streams)?;
        Ok(Append { keys: load.keys, draws, left: params.number("elements", ELEMENTS)? })
    }
}

fn read(list: usize) -> Invocation {
    Invocation { f: "list".into(), key: format!("l{list}").into(), value: Value::Null }
}

impl Workload for Append {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let mut invocation = read(rng.random_range(1..=self.keys));
        if kind == "append" && self.left > 0 {
            self.left -= 1;
            invocation = Invocation { f: "append".into(), value: json!(unique), ..invocation };
        }
        Next::Operation(Planned { invocation, due, contact: Contact::Same, session: None })
    }

    fn update(&mut self, _worker: usize, _ended: &Ended<'_>) {}

    fn final_reads(&self) -> Vec<Invocation> {
        (1..=self.keys).map(read).collect()
    }

    fn requirement(&self) -> Requirement {
        Requirement { model: "append-list".to_owned(), initial: Value::Null, levels: Vec::new(), durable: false }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn each_element_is_appended_once_and_every_list_is_read_in_the_end() {
        let mix = info().mix.iter().map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect();
        let load = Load { keys: 3, workers: 2, rate: 1000.0, time: Duration::from_secs(2), open: false, mix };
        let served = KINDS.map(str::to_owned);
        let streams = (0..2).map(ChaCha8Rng::seed_from_u64).collect();
        let given = BTreeMap::from([("elements".to_owned(), "200".to_owned())]);
        let mut workload = Append::new(&Params::of(&info(), &given).unwrap(), &load, &served, streams).unwrap();
        let (mut elements, mut lists, mut reads) = (BTreeSet::new(), BTreeSet::new(), 0);
        for worker in 0..2 {
            let mut now = Duration::ZERO;
            while let Next::Operation(Planned { invocation, due, .. }) = workload.next(worker, now) {
                now = due;
                lists.insert(invocation.key.to_string());
                match &*invocation.f {
                    "append" => assert!(elements.insert(invocation.value.as_u64().unwrap())),
                    f => {
                        assert_eq!((f, &invocation.value), ("list", &Value::Null));
                        reads += 1;
                    }
                }
            }
        }
        assert_eq!(elements.len(), 200);
        assert!(reads > 1000, "what is not appended any more is read: {reads}");
        let finally: BTreeSet<String> = workload.final_reads().iter().map(|read| read.key.to_string()).collect();
        assert_eq!(lists, finally);
    }
}
