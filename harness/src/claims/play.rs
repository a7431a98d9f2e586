//! From a run of a row to the run of the harness: its options and its plan, and in virtual time the run itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use schism_nodes::config::parse_time;

use super::evidence::Evidence;
use super::figures::{ALWAYS, Window};
use super::row::RowRun;
use crate::budget::CheckBudget;
use crate::faults::Faults;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::plan::{Ground, Plan};
use crate::run::HarnessError;
use crate::sim::{Scenario, Watch, defaults};
use crate::spec::Spec;
use crate::system::BuiltIn;

/// What the harness is asked to do for a run of a row, for seed 0, in the time that the row says or in `time`.
pub fn options(run: &RowRun, time: Option<Duration>) -> Result<RunOptions, HarnessError> {
    let defaults = defaults::options(&run.system, run.nodes)?;
    let said = |text: &Option<String>| text.as_deref().map(read_time).transpose();
    let built = BuiltIn::new(defaults.system.clone(), run.nodes, None).map_err(HarnessError::usage)?;
    Ok(RunOptions {
        faults: faults(&run.faults, &Ground::of(&built, run.nodes, Rung::Proxy))?,
        time: time.or(said(&run.time)?).unwrap_or(defaults.time),
        op_timeout: said(&run.op_timeout)?.unwrap_or(defaults.op_timeout),
        rate: run.rate.unwrap_or(defaults.rate),
        keys: run.keys.unwrap_or(defaults.keys),
        concurrency: run.clients.unwrap_or(defaults.concurrency),
        mix: run.mix.as_deref().map_or(Ok(defaults.mix.clone()), mix)?,
        ..defaults
    })
}

/// The plan of a run of a row; none where it is drawn from kinds of faults.
pub fn plan(run: &RowRun) -> Option<Plan> {
    run.faults.is_empty().then(|| Plan {
        kind: "plan".to_owned(),
        format: 1,
        about: None,
        system: Some(run.system.clone()),
        nodes: Some(run.nodes),
        workload: run.load,
        weather: run.weather,
        time: run.time.clone(),
        op_timeout: run.op_timeout.clone(),
        clients: run.clients,
        entries: run.entries.clone(),
        ..Plan::default()
    })
}

/// Between which moments operations count for the figures of a run.
pub fn window(run: &RowRun) -> Result<Window, HarnessError> {
    let Some([from, to]) = &run.window else { return Ok(ALWAYS) };
    let moment = |text: &String| {
        let nanoseconds = read_time(text)?.as_nanos();
        Ok::<u64, HarnessError>(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    };
    Ok((moment(from)?, moment(to)?))
}

/// Everything that can be wrong with a run before it begins.
pub fn validate(run: &RowRun) -> Result<(), HarnessError> {
    window(run)?;
    scenario(run, &options(run, None)?).map(drop)
}

/// Makes one run of a row in virtual time.
pub fn simulate(run: &RowRun, options: &RunOptions) -> Result<Evidence, HarnessError> {
    let budget = CheckBudget::new(options.check_time, options.check_memory);
    let scenario = scenario(run, options)?;
    let watch = Watch::of(&options.system.name).keeping();
    let played = scenario.play(watch, false, &budget)?;
    Ok(Evidence { history: played.history, notes: played.notes, verdict: played.verdict, nodes: run.nodes })
}

/// Makes a run of a row for each of these seeds, `jobs` at the same time; in the order of the seeds. Fewer where it was cancelled.
pub fn simulate_all(
    run: &RowRun,
    options: &RunOptions,
    seeds: Range<u64>,
    jobs: usize,
    cancelled: &AtomicBool,
) -> Result<Vec<Evidence>, HarnessError> {
    let (next, left) = (AtomicU64::new(seeds.start), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while !cancelled.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let made = simulate(run, &RunOptions { seed, ..options.clone() });
                    left.lock().expect("nobody panics with it").insert(seed, made);
                }
            });
        }
    });
    left.into_inner().expect("nobody panics with it").into_values().collect()
}

fn scenario(run: &RowRun, options: &RunOptions) -> Result<Scenario, HarnessError> {
    match plan(run) {
        // What was asked for goes before what the plan says: its time may have been given.
        Some(plan) => Scenario::of_plan(options, Plan { time: None, clients: Some(options.concurrency), ..plan }),
        None => Scenario::new(options),
    }
}

fn faults(given: &[String], ground: &Ground) -> Result<Vec<Spec>, HarnessError> {
    let mut faults = Vec::new();
    for text in given {
        if text.contains(':') {
            faults.push(text.parse().map_err(HarnessError::usage)?);
        } else {
            faults.extend(Faults::default().expand(text, ground).map_err(HarnessError::usage)?);
        }
    }
    Ok(faults)
}

fn read_time(text: &str) -> Result<Duration, HarnessError> {
    parse_time(text).ok_or_else(|| HarnessError::usage(format!("{text:?} is no time such as 700ms")))
}

/// `read=50,write=50`
fn mix(text: &str) -> Result<Vec<(String, u32)>, HarnessError> {
    let weight = |pair: &str| {
        let (kind, weight) = pair.split_once('=')?;
        Some((kind.to_owned(), weight.parse().ok()?))
    };
    let weights: Option<Vec<(String, u32)>> = text.split(',').map(weight).collect();
    weights.ok_or_else(|| HarnessError::usage(format!("{text:?} is no mix such as read=50,write=50")))
}
