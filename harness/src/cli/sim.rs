//! `schism sim`: one system in virtual time, one seed or many.

use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use schism_checker::verdict::Outcome;

use crate::budget::CheckBudget;
use crate::cli::args::{NetArgs, OutArgs, SimArgs};
use crate::cli::output;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::run::as_json;
use crate::cli::signals::Stopper;
use crate::cli::{player, sim_bugs, sim_shrink, values};
use crate::exit::ExitCode;
use crate::options::{Expectation, RunOptions};
use crate::report::terminal::{self, Style};
use crate::report::words;
use crate::run::HarnessError;
use crate::sim::sweep::{SeedResult, Sweep, Tally};
use crate::sim::{Scenario, Watch, defaults};
use crate::system::made;

/// Which seeds where nothing is said.
const SEEDS_DEFAULT: Range<u64> = 0..1000;
/// How long each start of a hunt for a bug may take where nothing is said …
const BUG_TIME: Duration = Duration::from_mins(1);
/// … and how many seeds; less than the distance between two starts.
const BUG_SEEDS_MAX: u64 = 1_000_000;
/// Failing seeds that are shown; the others are counted.
const SHOWN_MAX: usize = 5;
/// The distance between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// What `schism sim` is to do.
struct Resolved {
    sweep: Sweep,
    /// One seed alone.
    seed: Option<u64>,
    /// The property that the plan says it breaks.
    breaks: Option<String>,
    expectation: Option<Expectation>,
}

pub(crate) fn sim(args: &SimArgs, mut problems: Vec<Problem>) -> Result<ExitCode, Failure> {
    let resolved = match resolve(args) {
        Ok(resolved) if problems.is_empty() => resolved,
        Ok(_) => return Err(Failure::usage(problems)),
        Err(more) => {
            problems.extend(more);
            return Err(Failure::usage(problems));
        }
    };
    let stopper = Stopper::install()?;
    let cancelled = stopper.flag();
    let code = match resolved.seed {
        _ if args.bugs => sim_bugs::hunt_all(&resolved.sweep, args, &cancelled),
        Some(seed) if args.shrink => {
            let options = RunOptions { seed, ..resolved.sweep.options.clone() };
            sim_shrink::shrink(&options, resolved.expectation.as_ref(), args, &cancelled)
        }
        Some(seed) if args.trace => trace(&resolved, seed),
        _ => sweep(&resolved, args, &cancelled),
    };
    let code = code.map_err(|error| failure(&error))?;
    Ok(stopper.stopped().map_or(code, |signal| code.worst(signal)))
}

fn resolve(args: &SimArgs) -> Result<Resolved, Vec<Problem>> {
    let mut problems = Problems::default();
    let plan = args.plan.as_deref().and_then(|path| resolve::plan_file(&mut problems, path));
    let written_for = plan.as_ref().and_then(|plan| plan.system.as_deref());
    let system = args.system.as_deref().or(written_for).unwrap_or(resolve::SYSTEM_DEFAULT);
    let nodes = plan.as_ref().and_then(|plan| plan.nodes);
    let mut load = args.load.clone();
    if load.faults.is_none() && load.fault.is_empty() && args.plan.is_none() {
        load.faults = Some("all".to_owned());
    }
    let mut options = resolve::load(&mut problems, system, nodes, &load, &NetArgs::default(), &OutArgs { out: None });
    if problems.0.is_empty() && made::foreign(&options).is_some() {
        let hint = "schism run, or a built-in system";
        problems.0.push(Problem::new("virtual time has the built-in systems only", system, hint));
    }
    if args.load.rate.is_none() {
        options.rate = defaults::RATE;
    }
    if let Some(path) = &args.plan {
        options = resolve::with_plan(&mut problems, options, path, plan.as_ref(), &args.load);
    }
    let seed =
        args.seed.as_deref().map(|text| problems.read("--seed", text, 0, |text| values::whole(text, 0..=u64::MAX - 1)));
    let seed = seed.or_else(|| plan.as_ref().filter(|_| args.seeds.is_none())?.seed);
    let wall = args.wall.as_deref().map(|text| problems.read("--for", text, Duration::ZERO, values::positive_time));
    let seeds = args.seeds.as_deref().map(|text| problems.read("--seeds", text, 0..1, values::seeds));
    let default = if args.plan.is_some() { 0..1 } else { SEEDS_DEFAULT };
    let seeds = match (seed, seeds, wall) {
        (Some(seed), ..) => seed..seed + 1,
        (None, Some(seeds), _) => seeds,
        (None, None, Some(_)) => 0..u64::MAX,
        (None, None, None) if args.bugs => 0..BUG_SEEDS_MAX,
        (None, None, None) => default,
    };
    if args.shrink && seed.is_none() {
        let hint = "--seed with one that breaks something, or --plan";
        problems.0.push(Problem::new("nothing says which run is to be shrunk", "--shrink", hint));
    } else if wall.is_some() && seed.is_some() && args.seed.is_some() && !args.shrink {
        problems.0.push(Problem::new("one seed takes the time that it takes", "--seed --for", "one of the two alone"));
    }
    let wall = wall.or_else(|| args.bugs.then_some(BUG_TIME));
    let jobs = args.jobs.as_deref();
    let jobs = jobs.map_or_else(player::jobs_default, |text| problems.read("--jobs", text, 1, values::jobs));
    let expectation = args
        .expect
        .as_deref()
        .map(|text| problems.read("--expect", text, Expectation { property: None }, values::expectation));
    let sweep = Sweep { options, seeds, jobs, wall, stop_at_first: args.stop_at_first };
    let breaks = plan.and_then(|plan| plan.breaks);
    problems.finish(Resolved { sweep, seed, breaks, expectation })
}

/// One seed as text.
fn trace(resolved: &Resolved, seed: u64) -> Result<ExitCode, HarnessError> {
    let options = RunOptions { seed, ..resolved.sweep.options.clone() };
    let budget = CheckBudget::new(options.check_time, options.check_memory);
    let played = Scenario::new(&options)?.play(Watch::of(&options.system.name), true, &budget)?;
    let code = ExitCode::of_verdict(&played.verdict, resolved.expectation.as_ref());
    let text = played.trace.unwrap_or_default();
    let verdict = format!("# {}\n", words::outcome(played.verdict.outcome));
    Ok(code.worst(output::emit(&(text + &verdict))))
}

/// Many seeds, or one.
fn sweep(resolved: &Resolved, args: &SimArgs, cancelled: &AtomicBool) -> Result<ExitCode, HarnessError> {
    let (style, begun) = (output::style(args.verbose), Instant::now());
    let (mut code, mut shown, mut last) = (ExitCode::Done, 0, Instant::now());
    let mut done = 0_u64;
    let tally = resolved.sweep.run(cancelled, |result| {
        done += 1;
        if result.verdict.outcome != Outcome::Valid
            && result.verdict.outcome != Outcome::Vacuous
            && !args.json
            && shown < SHOWN_MAX
        {
            shown += 1;
            code = code.worst(output::emit(&failing(result, style)));
        }
        if !args.quietly && last.elapsed() >= PROGRESS {
            last = Instant::now();
            output::tell(&format!("{} seeds", words::thousands(done)));
        }
        true
    })?;
    let mut text = if args.json { as_json(&tally) } else { summary(&tally, &resolved.sweep, begun.elapsed()) };
    if let Some(property) = resolved.breaks.as_ref().filter(|_| !args.json) {
        let broken = tally.violations.contains_key(property);
        text += &sim_shrink::told(property, Some(if broken { Outcome::Invalid } else { tally.outcome() }));
    }
    Ok(code.worst(output::emit(&text)).worst(exit(&tally, resolved.expectation.as_ref())))
}

/// What a seed that is not valid shows: its properties with what proves them, and the command that repeats it.
fn failing(result: &SeedResult, style: Style) -> String {
    let mixture = result.mixture.as_ref().map_or_else(String::new, |mixture| format!("mixture  {mixture}\n"));
    let properties: String =
        words::deciding(&result.verdict).iter().map(|property| terminal::property(property, style)).collect();
    format!("seed {}\n{mixture}{properties}again    {}\n\n", result.seed, again(result.seed))
}

/// The command line that repeats one seed of this one.
fn again(seed: u64) -> String {
    let mut words = vec!["schism".to_owned()];
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        let name = word.split('=').next().unwrap_or_default();
        match name {
            "--seeds" | "--for" | "--seed" | "--jobs" | "-j" | "--expect" => {
                if !word.contains('=') {
                    given.next();
                }
            }
            "--stop-at-first" | "--json" | "--trace" | "-q" => {}
            _ => words.push(quoted(&word)),
        }
    }
    format!("{} --seed {seed} --trace", words.join(" "))
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=:,./+%@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn summary(tally: &Tally, sweep: &Sweep, wall: Duration) -> String {
    let outcomes: Vec<String> =
        tally.outcomes.iter().rev().map(|(outcome, runs)| format!("{} {outcome}", words::thousands(*runs))).collect();
    let (system, runs, first) = (&sweep.options.system, words::thousands(tally.runs), sweep.seeds.start);
    let mut lines = vec![format!("{system}  sim  {runs} runs from seed {first}: {}", outcomes.join(", "))];
    lines.extend(tally.violations.iter().map(|(property, violation)| {
        let runs = words::counted(violation.runs, "run");
        format!("broken   {property} in {runs}, first by seed {}", violation.first_seed)
    }));
    let failed = tally.failures.iter().take(SHOWN_MAX);
    lines.extend(failed.map(|(seed, failure)| format!("failed   seed {seed}: {}", words::printable(failure))));
    let [ok, fail, info] = [tally.operations.ok, tally.operations.fail, tally.operations.info].map(words::thousands);
    lines.push(format!("covered  {ok} ok, {fail} fail, {info} info; {}", words::faults(&tally.faults)));
    let acted = tally.acted.iter();
    lines.extend(acted.map(|(bug, runs)| format!("bug      {bug} acted in {}", words::counted(*runs, "run"))));
    lines.push(speed(tally, wall));
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures for people"
)]
fn speed(tally: &Tally, wall: Duration) -> String {
    let (seconds, simulated) = (wall.as_secs_f64().max(1e-9), Duration::from_nanos(tally.virtual_ns).as_secs_f64());
    format!(
        "ran      {} steps, {simulated:.0} s of virtual time in {seconds:.1} s: {} steps a second, {:.0} times as fast as time",
        words::thousands(tally.steps),
        words::thousands((tally.steps as f64 / seconds) as u64),
        simulated / seconds,
    )
}

fn exit(tally: &Tally, expectation: Option<&Expectation>) -> ExitCode {
    let broken: Vec<&str> = tally.violations.keys().map(String::as_str).collect();
    if let Some(expectation) = expectation
        && !broken.is_empty()
        && broken.iter().all(|name| expectation.property.as_deref().is_none_or(|expected| expected == *name))
    {
        return ExitCode::Done;
    }
    if !broken.is_empty() {
        return ExitCode::Invalid;
    }
    if !tally.failures.is_empty() {
        return ExitCode::Harness;
    }
    match (tally.outcome(), expectation) {
        (Outcome::Valid, Some(_)) => ExitCode::NotBroken,
        (outcome, _) => ExitCode::of_outcome(outcome),
    }
}

fn failure(error: &HarnessError) -> Failure {
    let code = if error.usage { ExitCode::Usage } else { ExitCode::Harness };
    let at = error.place.clone().unwrap_or_else(|| "schism sim".to_owned());
    let hint = error.advice.clone().unwrap_or_else(|| "schism sim --help".to_owned());
    Failure { code, problems: vec![Problem::new(error.what.clone(), at, hint)] }
}
