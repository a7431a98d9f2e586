//! Queues into which unique elements are put and from which they are taken, until they are empty in the end: what was put in
//! comes out once, in its order where the queue keeps one.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_checker::history::Ending;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn};
use crate::params::Params;
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "queue";
const KINDS: [&str; 2] = ["enqueue", "dequeue"];
/// What the answers are judged by, in the order of the parameter's words.
const MODELS: [&str; 2] = ["fifo-queue", "bag"];
/// How many elements are put in at most, where nobody says: what is left of them is taken out in the end.
const ELEMENTS: usize = 1000;

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "unique elements are put into queues and taken out, in the end until there are none",
        kinds: &KINDS,
        mix: &[("enqueue", 50), ("dequeue", 50)],
        parameters: &[
            WorkloadParameter { name: "keys", values: "a number from 1", default: "--keys", about: "how many queues" },
            WorkloadParameter {
                name: "elements",
                values: "a number from 1",
                default: "1000",
                about: "how many elements are put in at most",
            },
            WorkloadParameter {
                name: "order",
                values: "fifo|any",
                default: "fifo",
                about: "any: the queue may give elements out in another order than it got them",
            },
        ],
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Queue {
    model: &'static str,
    draws: Draws<2>,
    /// How many elements may still be put in.
    left: usize,
    /// How many elements each queue may have at most, by its place.
    inside: Vec<usize>,
}

impl Queue {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub(crate) fn new(
        params: &Params<'_>,
        load: &Load,
        served: &[String],
        streams: Vec<ChaCha8Rng>,
    ) -> Result<Self, WorkloadError> {
        let draws = Draws::of_served(NAME, KINDS, load, served, streams)?;
        let model = MODELS[params.word("order")?];
        let left = params.number("elements", ELEMENTS)?;
        Ok(Queue { model, draws, left, inside: vec![0; load.keys] })
    }
}

fn name(place: usize) -> Value {
    format!("q{}", place + 1).into()
}

fn dequeue(place: usize) -> Invocation {
    Invocation { f: "dequeue".into(), key: name(place), value: Value::Null }
}

impl Workload for Queue {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let place = rng.random_range(0..self.inside.len());
        let mut invocation = dequeue(place);
        if kind == "enqueue" && self.left > 0 {
            self.left -= 1;
            self.inside[place] += 1;
            invocation = Invocation { f: "enqueue".into(), value: json!(unique), ..invocation };
        }
        Next::Operation(Planned { invocation, due, contact: Contact::Same, session: None })
    }

    fn update(&mut self, _worker: usize, ended: &Ended<'_>) {
        let is_out = match (&*ended.invocation.f, ended.ending) {
            ("enqueue", Ending::Fail) => true,
            ("dequeue", Ending::Ok) => ended.value.is_some_and(|value| !value.is_null()),
            _ => false,
        };
        let place = (0..self.inside.len()).find(|place| is_out && name(*place) == ended.invocation.key);
        if let Some(place) = place {
            // A queue that gives out more than it got is the checker's affair.
            self.inside[place] = self.inside[place].saturating_sub(1);
        }
    }

    /// As many as empty each queue, and one more, which must find nothing.
    fn final_reads(&self) -> Vec<Invocation> {
        let takes = self.inside.iter().enumerate().flat_map(|(place, inside)| vec![dequeue(place); inside + 1]);
        takes.collect()
    }

    fn requirement(&self) -> Requirement {
        Requirement { model: self.model.to_owned(), initial: Value::Null, levels: Vec::new(), durable: false }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn made(params: &[(&str, &str)]) -> Queue {
        let given: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mix = info().mix.iter().map(|(kind, weight)| ((*kind).to_owned(), *weight)).collect();
        let load = Load { keys: 2, workers: 2, rate: 1000.0, time: Duration::from_secs(2), open: false, mix };
        let streams = (0..2).map(ChaCha8Rng::seed_from_u64).collect();
        Queue::new(&Params::of(&info(), &given).unwrap(), &load, &KINDS.map(str::to_owned), streams).unwrap()
    }

    /// Works a queue off, with each operation ending like this; the elements that were put in.
    fn worked_off(queue: &mut Queue, ending: Ending, taken: &Value) -> BTreeSet<u64> {
        let (mut now, mut elements) = (Duration::ZERO, BTreeSet::new());
        while let Next::Operation(Planned { invocation, due, .. }) = queue.next(0, now) {
            now = due;
            if &*invocation.f == "enqueue" {
                assert!(elements.insert(invocation.value.as_u64().unwrap()), "each once");
            }
            queue.update(0, &Ended { invocation: &invocation, ending, value: Some(taken) });
        }
        elements
    }

    #[test]
    fn what_may_still_be_inside_is_taken_out_in_the_end() {
        let mut queue = made(&[("elements", "200")]);
        let elements = worked_off(&mut queue, Ending::Info, &Value::Null);
        assert_eq!(elements.len(), 200);
        assert_eq!(queue.final_reads().len(), 202, "and one more for each of the two queues");
        assert!(queue.final_reads().iter().all(|take| &*take.f == "dequeue" && take.value.is_null()));
    }

    #[test]
    fn what_was_refused_or_taken_is_not_looked_for() {
        let mut refused = made(&[("elements", "200")]);
        worked_off(&mut refused, Ending::Fail, &Value::Null);
        assert_eq!(refused.final_reads().len(), 2);
        let mut taken = made(&[("elements", "200")]);
        worked_off(&mut taken, Ending::Ok, &json!(1));
        assert_eq!(taken.final_reads().len(), 2, "the later half only takes");
    }

    #[test]
    fn the_order_is_what_is_asked_for() {
        assert_eq!(made(&[]).requirement().model, "fifo-queue");
        assert_eq!(made(&[("order", "any")]).requirement().model, "bag");
    }
}
