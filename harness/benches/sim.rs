//! How many steps of protocols a second the simulator makes on one core, with and without the judging of each run.
//!
//! `cargo bench -p schism --bench sim` runs the same seeds of each system three times, and prints the fastest.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::time::{Duration, Instant};

use schism::budget::CheckBudget;
use schism::options::RunOptions;
use schism::sim::{Scenario, Watch, defaults};

/// The same as in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often the seeds of each system are run.
const RUNS: usize = 3;
/// The seeds of a run.
const SEEDS: std::ops::Range<u64> = 0..60;

/// What one run of all seeds showed.
#[derive(Clone, Copy)]
struct Figures {
    steps: u64,
    simulating: Duration,
    judging: Duration,
}

fn main() {
    // Test runners start this program as well, and expect it to be quick.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    println!("{:<28} {:>6} {:>12} {:>12} {:>16}", "", "seeds", "steps", "steps/s", "with judging");
    for (system, faults) in
        [("raft", true), ("raft", false), ("raft:reads=readindex", true), ("nwr:writeback=on", true)]
    {
        let runs = (0..RUNS).map(|_| run(system, faults));
        let best = runs.min_by_key(|figures| figures.simulating).expect("there is more than one");
        let name = if faults { system.to_owned() } else { format!("{system}, no faults") };
        let whole = per_second(best.steps, best.simulating + best.judging);
        let (seeds, steps) = (SEEDS.end - SEEDS.start, best.steps);
        println!("{name:<28} {seeds:>6} {steps:>12} {:>12.0} {whole:>16.0}", per_second(steps, best.simulating));
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine at the end: {}", load.split(' ').next().unwrap_or_default());
}

fn run(system: &str, faults: bool) -> Figures {
    let mut figures = Figures { steps: 0, simulating: Duration::ZERO, judging: Duration::ZERO };
    for seed in SEEDS {
        let mut options = RunOptions { seed, ..defaults::options(system, 5).expect("the system is known") };
        if !faults {
            options.faults.clear();
        }
        let scenario = Scenario::new(&options).expect("the options make sense");
        let begin = Instant::now();
        let simulated = scenario.simulate(Watch::of(&options.system.name), false).expect("the system is known");
        figures.simulating += begin.elapsed();
        figures.steps += simulated.steps();
        let begin = Instant::now();
        let played = simulated.judge(&CheckBudget::new(options.check_time, options.check_memory));
        figures.judging += begin.elapsed();
        drop(played.expect("the history is well formed"));
    }
    figures
}

#[expect(clippy::cast_precision_loss, reason = "a float is exact up to 2^53 steps")]
fn per_second(steps: u64, time: Duration) -> f64 {
    steps as f64 / time.as_secs_f64()
}
