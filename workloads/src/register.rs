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

use crate::workload::{Ended, Invocation, Next, Requirement, Workload, WorkloadError, WorkloadInfo};

const NAME: &str = "register";
const KINDS: [&str; 3] = ["read", "write", "cas"];

/// A worker that is late by no more than this makes up for it, so that the rate is met though timers and answers come late;
/// what a fault has held up for longer is not asked for in one burst afterwards.
const CATCH_UP: Duration = Duration::from_millis(10);

/// What the workload says of itself.
pub(crate) fn info() -> WorkloadInfo {
    WorkloadInfo {
        name: NAME,
        about: "reads, writes and compare-and-sets on a few registers, each value written at most once",
        requests: &KINDS,
    }
}

/// How the registers are used.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterOptions {
    /// How many registers, at least 1: x1, x2, …
    pub keys: usize,
    /// How many workers, at least 1.
    pub workers: usize,
    /// Operations a second, all workers together; 0 for as fast as they go.
    pub rate: f64,
    /// When the last operation may begin, since the start.
    pub time: Duration,
    /// Weights of `read`, `write` and `cas`; what is not named is not done.
    pub mix: Vec<(String, u32)>,
}

/// See the module's head.
#[derive(Debug)]
pub struct Register {
    options: RegisterOptions,
    /// Weights in the order of `KINDS`.
    weights: [u32; 3],
    /// The mean time between two operations of one worker.
    gap: Duration,
    workers: Vec<Worker>,
    /// The value last seen of each register, by anybody: what a compare-and-set expects.
    last_seen: BTreeMap<String, Value>,
}

#[derive(Debug)]
struct Worker {
    /// The stream of this worker alone; each operation takes the same number of draws from it.
    rng: ChaCha8Rng,
    /// How many operations it has begun.
    count: u64,
    /// When the next one is due.
    due: Duration,
}

impl Register {
    /// A workload whose worker `i` draws from `streams[i]`, for a system that serves `served`.
    pub fn new(options: RegisterOptions, served: &[String], streams: Vec<ChaCha8Rng>) -> Result<Self, WorkloadError> {
        let range = |what, expected| Err(WorkloadError::Range { what, expected });
        if options.keys == 0 {
            return range("keys", "at least 1");
        }
        if options.workers == 0 || streams.len() != options.workers {
            return range("concurrency", "at least 1");
        }
        if !options.rate.is_finite() || options.rate < 0.0 {
            return range("rate", "a number of operations a second, or 0 for no limit");
        }
        let weights = weights(&options.mix, served)?;
        let gap = gap(&options);
        // Workers begin one after another, so that they do not all knock at once.
        let step = gap / u32::try_from(options.workers).unwrap_or(u32::MAX);
        let workers = (0..).zip(streams).map(|(place, rng)| Worker { rng, count: 0, due: step * place }).collect();
        Ok(Register { options, weights, gap, workers, last_seen: BTreeMap::new() })
    }
}

/// The mean time between two operations of one worker: zero where the rate has no limit.
fn gap(options: &RegisterOptions) -> Duration {
    if options.rate == 0.0 {
        return Duration::ZERO;
    }
    let workers = u32::try_from(options.workers).map_or(f64::INFINITY, f64::from);
    Duration::try_from_secs_f64(workers / options.rate).unwrap_or(Duration::MAX)
}

/// Weights in the order of `KINDS`; refuses what the workload does not do and what the system does not serve.
fn weights(mix: &[(String, u32)], served: &[String]) -> Result<[u32; 3], WorkloadError> {
    let mut weights = [0; 3];
    for (name, weight) in mix {
        let Some(place) = KINDS.iter().position(|kind| kind == name) else {
            return Err(WorkloadError::Mix { workload: NAME, given: name.clone(), known: KINDS.to_vec() });
        };
        if *weight > 0 && !served.contains(name) {
            return Err(WorkloadError::NotServed { workload: NAME, needs: name.clone(), serves: served.to_vec() });
        }
        weights[place] = *weight;
    }
    if weights.iter().all(|weight| *weight == 0) {
        return Err(WorkloadError::Range { what: "the mix", expected: "at least one kind with a weight above 0" });
    }
    Ok(weights)
}

impl Workload for Register {
    fn next(&mut self, worker: usize, now: Duration) -> Next {
        let workers = self.options.workers;
        let state = &mut self.workers[worker];
        let due = state.due.max(now.saturating_sub(CATCH_UP));
        if due.max(now) >= self.options.time {
            return Next::Done;
        }
        // Three draws an operation, whatever comes of them: operation k never depends on what the others became.
        let spread: f64 = state.rng.random_range(0.0..2.0);
        let kind = pick(&self.weights, state.rng.random_range(0..self.weights.iter().sum()));
        let key = format!("x{}", state.rng.random_range(1..=self.options.keys));
        state.due = due + self.gap.mul_f64(spread);
        state.count += 1;
        let unique = (state.count - 1) * workers as u64 + worker as u64 + 1;
        let value = match KINDS[kind] {
            "write" => json!(unique),
            "cas" => json!([self.last_seen.get(&key).cloned().unwrap_or_default(), unique]),
            _ => Value::Null,
        };
        Next::Operation { invocation: Invocation { f: KINDS[kind].into(), key: key.into(), value }, due }
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
        let read = |number| Invocation { f: "read".into(), key: format!("x{number}").into(), value: Value::Null };
        (1..=self.options.keys).map(read).collect()
    }

    fn requirement(&self) -> Requirement {
        let model = if self.weights[2] > 0 { "cas-register" } else { "register" };
        Requirement { model: model.to_owned(), initial: Value::Null }
    }
}

/// The place of the weight into which `point` falls, which is below their sum.
fn pick(weights: &[u32; 3], mut point: u32) -> usize {
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
    use std::collections::BTreeSet;

    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn options() -> RegisterOptions {
        let mix = [("read", 50), ("write", 40), ("cas", 10)].map(|(name, weight)| (name.to_owned(), weight));
        RegisterOptions { keys: 3, workers: 4, rate: 1000.0, time: Duration::from_secs(10), mix: mix.to_vec() }
    }

    fn workload(options: RegisterOptions) -> Register {
        let streams = (0..options.workers as u64).map(ChaCha8Rng::seed_from_u64).collect();
        let served = KINDS.map(str::to_owned);
        Register::new(options, &served, streams).expect("the options are sound")
    }

    /// The operations of one worker, each at its due time, as if each ended at once.
    fn run(workload: &mut Register, worker: usize) -> Vec<(Invocation, Duration)> {
        let mut now = Duration::ZERO;
        let mut all = Vec::new();
        while let Next::Operation { invocation, due } = workload.next(worker, now) {
            now = due;
            all.push((invocation, due));
        }
        all
    }

    #[test]
    fn values_are_unique_over_all_workers() {
        let mut workload = workload(options());
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
        let mut workload = workload(options());
        let operations: Vec<_> = (0..4).flat_map(|worker| run(&mut workload, worker)).collect();
        assert!((9_000..11_000).contains(&operations.len()), "{} operations in 10 s at 1000/s", operations.len());
        assert!(operations.iter().all(|(_, due)| *due < Duration::from_secs(10)));
    }

    #[test]
    fn the_rate_is_met_though_each_operation_comes_a_little_late_and_a_long_wait_is_not_made_up_for() {
        let mut workload = workload(RegisterOptions { rate: 8000.0, ..options() });
        let (mut now, mut count) = (Duration::ZERO, 0);
        while let Next::Operation { due, .. } = workload.next(0, now) {
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
    fn a_worker_does_not_depend_on_the_others() {
        let (mut alone, mut together) = (workload(options()), workload(options()));
        for worker in [0, 1, 3] {
            run(&mut together, worker);
        }
        assert_eq!(run(&mut alone, 2), run(&mut together, 2));
    }

    #[test]
    fn a_compare_and_set_expects_the_last_value_seen() {
        let mut workload = workload(RegisterOptions { mix: vec![("cas".to_owned(), 1)], keys: 1, ..options() });
        let read = Invocation { f: "read".into(), key: "x1".into(), value: Value::Null };
        workload.update(3, &Ended { invocation: &read, ending: Ending::Ok, value: Some(&json!(77)) });
        workload.update(3, &Ended { invocation: &read, ending: Ending::Info, value: Some(&json!(78)) });
        let Next::Operation { invocation, .. } = workload.next(0, Duration::ZERO) else { panic!("no operation") };
        assert_eq!((&*invocation.f, &invocation.value[0]), ("cas", &json!(77)));
    }

    #[test]
    fn what_is_not_served_or_not_known_is_refused() {
        let served = ["read".to_owned(), "write".to_owned()];
        let streams = || (0..4).map(ChaCha8Rng::seed_from_u64).collect();
        let refused = Register::new(options(), &served, streams()).expect_err("cas is not served");
        assert!(matches!(refused, WorkloadError::NotServed { needs, .. } if needs == "cas"));
        let mix = vec![("increment".to_owned(), 1)];
        let refused = Register::new(RegisterOptions { mix, ..options() }, &served, streams()).expect_err("unknown");
        assert!(matches!(refused, WorkloadError::Mix { .. }));
        let refused = Register::new(RegisterOptions { mix: vec![], ..options() }, &served, streams());
        assert!(matches!(refused, Err(WorkloadError::Range { .. })));
    }
}
