//! Reads, writes and compare-and-sets on a few registers, each value written at most once.
//!
//! Values that are unique make histories cheap to check and easy to read: a value names the write that it came from. Few
//! keys make operations on one key overlap, which is where systems fail.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schism_checker::history::Ending;
use serde_json::{Value, json};

use crate::draws::Draws;
use crate::load::{Load, Turn, needs};
use crate::workload::{
    Contact, Ended, Invocation, Next, Planned, Requirement, Workload, WorkloadError, WorkloadInfo, WorkloadParameter,
};

const NAME: &str = "register";
const KINDS: [&str; 3] = ["read", "write", "cas"];

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "reads, writes and compare-and-sets on a few registers, each value written at most once",
        kinds: &KINDS,
        mix: &[("read", 50), ("write", 40), ("cas", 10)],
        parameters: &[WorkloadParameter {
            name: "keys",
            values: "a number from 1",
            default: "--keys",
            about: "how many registers",
        }],
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Register {
    keys: usize,
    draws: Draws<3>,
    /// The value last seen of each register, by anybody: what a compare-and-set expects.
    last_seen: BTreeMap<String, Value>,
}

impl Register {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub fn new(load: &Load, served: &[String], streams: Vec<ChaCha8Rng>) -> Result<Self, WorkloadError> {
        let weights = load.weights(NAME, KINDS)?;
        for (kind, _) in KINDS.iter().zip(weights).filter(|(_, weight)| *weight > 0) {
            needs(NAME, kind, served)?;
        }
        let draws = Draws::new(KINDS, weights, load, streams)?;
        Ok(Register { keys: load.keys, draws, last_seen: BTreeMap::new() })
    }
}

impl Workload for Register {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let Some((kind, Turn { due, unique, rng })) = self.draws.next(worker, now) else { return Next::Done };
        let key = format!("x{}", rng.random_range(1..=self.keys));
        let value = match kind {
            "write" => json!(unique),
            "cas" => json!([self.last_seen.get(&key).cloned().unwrap_or_default(), unique]),
            _ => Value::Null,
        };
        let invocation = Invocation { f: kind.into(), key: key.into(), value };
        Next::Operation(Planned { invocation, due, contact: Contact::Same, session: None })
    }

    fn update(&mut self, _worker: usize, ended: &Ended<'_>) {
        let Some(key) = ended.invocation.key.as_str().filter(|_| ended.ending == Ending::Ok) else { return };
        let seen = match &*ended.invocation.f {
            "read" => ended.value,
            "cas" => ended.invocation.value.get(1),
            _ => Some(&ended.invocation.value),
        };
        if let Some(seen) = seen {
            self.last_seen.insert(key.to_owned(), seen.clone());
        }
    }

    fn final_reads(&self) -> Vec<Invocation> {
        reads_of_all(self.keys)
    }

    fn requirement(&self) -> Requirement {
        let model = if self.draws.has("cas") { "cas-register" } else { "register" };
        Requirement { model: model.to_owned(), initial: Value::Null, levels: Vec::new(), durable: false }
    }
}

/// A read of each of so many registers, for the end.
pub(crate) fn reads_of_all(registers: usize) -> Vec<Invocation> {
    let read = |number| Invocation { f: "read".into(), key: format!("x{number}").into(), value: Value::Null };
    (1..=registers).map(read).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn options() -> Load {
        let mix = [("read", 50), ("write", 40), ("cas", 10)].map(|(name, weight)| (name.to_owned(), weight));
        Load { keys: 3, workers: 4, rate: 1000.0, time: Duration::from_secs(10), open: false, mix: mix.to_vec() }
    }

    fn workload(options: &Load) -> Register {
        let streams = (0..options.workers as u64).map(ChaCha8Rng::seed_from_u64).collect();
        let served = KINDS.map(str::to_owned);
        Register::new(options, &served, streams).expect("the options are sound")
    }

    /// The operations of one worker, each at its due time, as if each ended at once.
    fn run(workload: &mut Register, worker: usize) -> Vec<(Invocation, Duration)> {
        let mut now = Duration::ZERO;
        let mut all = Vec::new();
        while let Next::Operation(Planned { invocation, due, .. }) = workload.next(worker, now) {
            now = due;
            all.push((invocation, due));
        }
        all
    }

    #[test]
    fn values_are_unique_over_all_workers() {
        let mut workload = workload(&options());
        let mut seen = BTreeSet::new();
        for worker in 0..4 {
            for (invocation, _) in run(&mut workload, worker) {
                let value = if &*invocation.f == "cas" { invocation.value[1].clone() } else { invocation.value };
                assert!(value.is_null() || seen.insert(value.as_u64()), "{value} was written twice");
            }
        }
        assert!(seen.len() > 1000, "only {} writes", seen.len());
    }

    #[test]
    fn the_rate_is_met_and_the_time_kept() {
        let mut workload = workload(&options());
        let operations: Vec<_> = (0..4).flat_map(|worker| run(&mut workload, worker)).collect();
        assert!((9_000..11_000).contains(&operations.len()), "{} operations in 10 s at 1000/s", operations.len());
        assert!(operations.iter().all(|(_, due)| *due < Duration::from_secs(10)));
    }

    #[test]
    fn the_rate_is_met_though_each_operation_comes_a_little_late_and_a_long_wait_is_not_made_up_for() {
        let mut workload = workload(&Load { rate: 8000.0, ..options() });
        let (mut now, mut count) = (Duration::ZERO, 0);
        while let Next::Operation(Planned { due, .. }) = workload.next(0, now) {
            // Timers come at the next millisecond.
            let whole = Duration::from_millis(u64::try_from(due.as_micros().div_ceil(1000)).unwrap());
            now = now.max(whole) + Duration::from_micros(100);
            count += 1;
            if count == 1_000 {
                now += Duration::from_secs(5);
            }
        }
        assert!((9_000..11_000).contains(&count), "{count} operations in 5 s at 2000/s");
    }

    #[test]
    fn in_an_open_loop_nothing_that_happens_moves_a_due_time() {
        let dues = |delay: Duration| {
            let mut workload = workload(&Load { open: true, ..options() });
            let (mut now, mut dues) = (Duration::ZERO, Vec::new());
            while let Next::Operation(Planned { due, .. }) = workload.next(0, now) {
                now = due + delay;
                dues.push(due);
            }
            dues
        };
        assert!(dues(Duration::ZERO).len() > 2_000);
        assert_eq!(dues(Duration::ZERO), dues(Duration::from_secs(3)));
        let refused = Register::new(
            &Load { open: true, rate: 0.0, ..options() },
            &KINDS.map(str::to_owned),
            (0..4).map(ChaCha8Rng::seed_from_u64).collect(),
        );
        assert!(matches!(refused, Err(WorkloadError::Range { .. })));
    }

    #[test]
    fn a_worker_does_not_depend_on_the_others() {
        let (mut alone, mut together) = (workload(&options()), workload(&options()));
        for worker in [0, 1, 3] {
            run(&mut together, worker);
        }
        assert_eq!(run(&mut alone, 2), run(&mut together, 2));
    }

    #[test]
    fn a_compare_and_set_expects_the_last_value_seen() {
        let mut workload = workload(&Load { mix: vec![("cas".to_owned(), 1)], keys: 1, ..options() });
        let read = Invocation { f: "read".into(), key: "x1".into(), value: Value::Null };
        workload.update(3, &Ended { invocation: &read, ending: Ending::Ok, value: Some(&json!(77)) });
        workload.update(3, &Ended { invocation: &read, ending: Ending::Info, value: Some(&json!(78)) });
        let Next::Operation(Planned { invocation, .. }) = workload.next(0, Duration::ZERO) else {
            panic!("no operation")
        };
        assert_eq!((&*invocation.f, &invocation.value[0]), ("cas", &json!(77)));
    }

    #[test]
    fn what_is_not_served_or_not_known_is_refused() {
        let served = ["read".to_owned(), "write".to_owned()];
        let streams = || (0..4).map(ChaCha8Rng::seed_from_u64).collect();
        let refused = Register::new(&options(), &served, streams()).expect_err("cas is not served");
        assert!(matches!(refused, WorkloadError::NotServed { needs, .. } if needs == "cas"));
        let mix = vec![("increment".to_owned(), 1)];
        let refused = Register::new(&Load { mix, ..options() }, &served, streams()).expect_err("unknown");
        assert!(matches!(refused, WorkloadError::Mix { .. }));
        let refused = Register::new(&Load { mix: vec![], ..options() }, &served, streams());
        assert!(matches!(refused, Err(WorkloadError::Range { .. })));
    }
}
