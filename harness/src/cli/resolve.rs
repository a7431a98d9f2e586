//! From what was typed to what is meant: [`RunOptions`] with every default resolved, or everything that is wrong.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::args::{JudgingArgs, Keep, LoadArgs, NetArgs, OutArgs, RunArgs};
use crate::cli::catalog;
use crate::cli::chosen::{self, Chosen};
use crate::cli::net::beyond;
use crate::cli::problem::Problem;
use crate::cli::values::{self, Wrong};
use crate::faults::Faults;
use crate::folder;
use crate::options::{Expectation, RunOptions};
use crate::plan::{self, Ground, Plan};
use crate::run::prepare;
use crate::spec::Spec;
use crate::system::{embedded, made};

/// Operations a second where nothing is said.
const RATE_DEFAULT: &str = "1000";
/// What is run where nothing is said.
pub(crate) const SYSTEM_DEFAULT: &str = "raft";

/// What `schism run` is to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    /// A run for each seed, in order; never empty.
    pub(crate) runs: Vec<RunOptions>,
    /// Whether the seed was drawn here, so that it has to be told.
    pub(crate) drawn: bool,
    /// What has to break.
    pub(crate) expectation: Option<Expectation>,
    /// The plan that is played, if it says what it breaks.
    pub(crate) written: Option<Plan>,
}

/// Collects what is wrong with a command.
#[derive(Debug, Default)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl Problems {
    /// The value of a flag; where it is wrong, that is remembered and `fallback` stands in.
    pub(crate) fn read<T>(
        &mut self,
        flag: &str,
        text: &str,
        fallback: T,
        parse: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> T {
        parse(text).unwrap_or_else(|wrong| {
            let hint = if flag.is_empty() { wrong.hint } else { format!("{flag} {}", wrong.hint) };
            self.0.push(Problem::new(wrong.what, format!("{flag} {text}").trim(), hint));
            fallback
        })
    }

    /// A name with parameters.
    pub(crate) fn spec(&mut self, at: &str, text: &str) -> Option<Spec> {
        let parsed = text.parse::<Spec>();
        parsed.map_err(|error| self.0.push(Problem::new(error.to_string(), at, spec_hint(text)))).ok()
    }

    /// The value, or everything that was wrong.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}

/// What may have been meant: between a name and its parameters stands a colon, and between these a comma.
fn spec_hint(text: &str) -> String {
    let meant = text.replacen(',', ":", 1);
    if meant.parse::<Spec>().is_ok() { meant } else { "NAME:KEY=VALUE,…".to_owned() }
}

/// What `schism run` was asked to do.
pub(crate) fn run(args: &RunArgs) -> Result<Resolved, Vec<Problem>> {
    let mut problems = Problems::default();
    let plan = args.plan.as_deref().and_then(|path| plan_file(&mut problems, path));
    let written_for = plan.as_ref().and_then(|plan| plan.system.as_deref());
    let system = args.system.as_deref().or(written_for).unwrap_or(SYSTEM_DEFAULT);
    let nodes = plan.as_ref().and_then(|plan| plan.nodes);
    let mut options = load(&mut problems, system, nodes, &args.load, &args.net, &args.out);
    if let Some(path) = &args.plan {
        options = with_plan(&mut problems, options, path, plan.as_ref(), &args.load);
    }
    options.keep_data = args.keep == Keep::Always;
    options.check_live = args.check_live;
    options.leave_running = args.leave_running;
    options.address = args.address;
    options.labels = labels(&mut problems, &args.label);
    let seeds = args.seeds.as_deref().map(|text| problems.read("--seeds", text, 0..1, values::seeds));
    let seed =
        args.seed.as_deref().map(|text| problems.read("--seed", text, 0, |text| values::whole(text, 0..=u64::MAX)));
    if args.leave_running && args.seeds.is_some() {
        let hint = "--seed with one of them";
        problems.0.push(Problem::new("only one run can be left running", "--leave-running --seeds", hint));
    }
    let expectation = args.expect.as_deref().map(|text| {
        let fallback = Expectation { property: None };
        problems.read("--expect", text, fallback, values::expectation)
    });
    let seed = seed.or_else(|| plan.as_ref()?.seed);
    let drawn = seed.is_none() && seeds.is_none();
    let seeds = seeds.unwrap_or_else(|| {
        let seed = seed.unwrap_or_else(drawn_seed);
        seed..seed.saturating_add(1)
    });
    let runs: Vec<RunOptions> = seeds.map(|seed| RunOptions { seed, ..options.clone() }).collect();
    if problems.0.is_empty() && args.plan.is_none() && args.dry_run.is_none() {
        problems.0.extend(runs.first().map(chosen::undrawable).unwrap_or_default());
    }
    let written = plan.filter(|plan| plan.breaks.is_some());
    problems.finish(Resolved { runs, drawn, expectation, written })
}

/// What the run is remembered by: KEY=VALUE, each key once.
fn labels(problems: &mut Problems, given: &[String]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for text in given {
        let wrong = |what: &str| Problem::new(what, format!("--label {text}"), "--label release=1.4");
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                if labels.insert(key.to_owned(), value.to_owned()).is_some() {
                    problems.0.push(wrong("this label is given twice"));
                }
            }
            _ => problems.0.push(wrong("a label is KEY=VALUE")),
        }
    }
    labels
}

/// A seed from the system's own chance, small enough to be typed again.
fn drawn_seed() -> u64 {
    RandomState::new().hash_one(std::process::id()) % 1_000_000_000
}

/// The plan in a file.
pub(crate) fn plan_file(problems: &mut Problems, path: &Path) -> Option<Plan> {
    let found = match plan::load(path) {
        Ok(plan) => return Some(plan),
        Err(found) => found,
    };
    problems.0.extend(found.0.iter().map(catalog::plan_problem));
    None
}

/// The options of a run that plays the plan in a file: what it says of its run, where the command line says nothing else.
pub(crate) fn with_plan(
    problems: &mut Problems,
    options: RunOptions,
    path: &Path,
    plan: Option<&Plan>,
    args: &LoadArgs,
) -> RunOptions {
    plan_alone(problems, args);
    let mut options = RunOptions { plan: Some(path.to_owned()), faults: Vec::new(), ..options };
    let Some(plan) = plan else { return options };
    let ground = chosen::ground(&options);
    let steps = plan::steps(plan, &ground, &Faults::default(), &path.display().to_string());
    problems.0.extend(steps.err().iter().flat_map(|found| &found.0).map(catalog::plan_problem));
    let of_plan = options.clone().of_plan(plan);
    options.time = if args.time.is_some() { options.time } else { of_plan.time };
    options.op_timeout = if args.op_timeout.is_some() { options.op_timeout } else { of_plan.op_timeout };
    options.concurrency = if args.concurrency.is_some() { options.concurrency } else { of_plan.concurrency };
    options
}

/// What `run` and `compare` share. The seed is 0. `nodes` is how many processes there are where neither the command line
/// nor the system says.
pub(crate) fn load(
    problems: &mut Problems,
    system: &str,
    nodes: Option<u16>,
    args: &LoadArgs,
    net: &NetArgs,
    out: &OutArgs,
) -> RunOptions {
    let Chosen { system, nodes, manifest, client, serves, time: time_default } =
        chosen::choose(problems, system, nodes, args);
    let is_foreign = manifest.is_some() || embedded::find(&system.name).is_some();
    let rung = chosen::rung(problems, net, is_foreign);
    problems.0.extend(beyond(net, rung.unwrap_or_default()));
    let rate = args.rate.as_deref().unwrap_or(RATE_DEFAULT);
    let rate = problems.read("--rate", rate, 0.0, |text| values::fraction(text, 10_000_000.0));
    let (check_time, check_memory) = budget(problems, &args.judging);
    let time_default = format!("{}ms", time_default.as_millis());
    let time = args.time.as_deref().unwrap_or(&time_default);
    let op_timeout = args.op_timeout.as_deref().unwrap_or("1s");
    let concurrency = args.concurrency.as_deref().unwrap_or("2n");
    let workload = workload(problems, &args.workload);
    let mut options = RunOptions {
        mix: mix(problems, args, &workload, &system, &serves),
        workload,
        nodes,
        faults: Vec::new(),
        plan: None,
        fault_rate: fault_rate(problems, args),
        time: problems.read("--time", time, Duration::ZERO, values::positive_time),
        rate,
        open_loop: args.open_loop,
        concurrency: problems.read("--concurrency", concurrency, 1, |text| values::concurrency(text, nodes)),
        keys: problems.read("--keys", &args.keys, 1, keys),
        op_timeout: problems.read("--op-timeout", op_timeout, Duration::ZERO, values::positive_time),
        quiet: problems.read("--quiet", &args.quiet, Duration::ZERO, values::time),
        recover: problems.read("--recover", &args.recover, Duration::ZERO, values::positive_time),
        consistency: problems.read("--consistency", &args.judging.consistency, String::new(), consistency),
        seed: 0,
        check_time,
        check_memory,
        out: results(out),
        keep_data: false,
        check_live: false,
        leave_running: false,
        address: None,
        net: rung,
        stock_tcp: net.stock_tcp,
        pcap: net.pcap,
        node_program: None,
        manifest,
        client,
        labels: BTreeMap::new(),
        system,
    };
    options.faults = faults(problems, args, &chosen::ground(&options));
    refused_workload(problems, &options);
    options
}

/// Whether options that were read from a run folder, which is data from strangers, are ones that `run` would have made.
pub(crate) fn sane(options: &RunOptions, at: &str) -> Result<(), Vec<Problem>> {
    let nodes = (1..=chosen::NODES_MAX).contains(&u64::from(options.nodes));
    let rates = (0.0..=10_000_000.0).contains(&options.rate) && (0.0..=1000.0).contains(&options.fault_rate);
    let counts = (1..=10_000).contains(&options.concurrency) && (1..=1_000_000).contains(&options.keys);
    let mix = options.mix.iter().any(|(_, weight)| *weight > 0);
    let times =
        [options.time, options.op_timeout, options.recover, options.check_time].iter().all(|time| !time.is_zero());
    if nodes && rates && counts && mix && times && consistency(&options.consistency).is_ok() {
        return Ok(());
    }
    let what = "the options in run.json are not ones that a run can have";
    Err(vec![Problem::new(what, at, "schism run with options of your own")])
}

/// The results folder.
pub(crate) fn results(out: &OutArgs) -> PathBuf {
    out.out.clone().unwrap_or_else(|| {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let folder = folder::default_results(&here);
        // Shorter to read and to type, where it is below.
        folder.strip_prefix(&here).map(PathBuf::from).unwrap_or(folder)
    })
}

/// Time and memory of a check.
pub(crate) fn budget(problems: &mut Problems, args: &JudgingArgs) -> (Duration, u64) {
    let time = problems.read("--check-time", &args.check_time, Duration::ZERO, values::positive_time);
    (time, problems.read("--check-memory", &args.check_memory, 0, values::size))
}

/// `linearizable` or `declared`.
pub(crate) fn consistency(text: &str) -> Result<String, Wrong> {
    if ["linearizable", "declared"].contains(&text) {
        return Ok(text.to_owned());
    }
    let near = crate::spec::suggest(text, &["linearizable", "declared"]).unwrap_or("linearizable or declared");
    Err(Wrong::new("there is no such level", near))
}

fn workload(problems: &mut Problems, text: &str) -> Spec {
    let at = format!("--workload {text}");
    let workload = problems.spec(&at, text);
    let known: Vec<&str> = catalog::workloads().iter().map(|workload| workload.name).collect();
    if let Some(workload) = &workload
        && !known.contains(&workload.name.as_str())
    {
        problems.0.push(Problem::unknown("workload", &workload.name, at, &known, "schism list workloads"));
    }
    workload.unwrap_or_else(|| Spec { name: known[0].to_owned(), params: std::collections::BTreeMap::new() })
}

/// The kinds of `--faults`, then those of each `--fault`; `standard` where neither is given. A kind named by both has
/// the parameters of `--fault`.
fn faults(problems: &mut Problems, args: &LoadArgs, ground: &Ground) -> Vec<Spec> {
    let default = if args.fault.is_empty() { "standard" } else { "none" };
    let kinds = Faults::default();
    let names = args.faults.as_deref().unwrap_or(default);
    let expanded = match names.split(',').find(|name| name.contains(':')) {
        Some(name) => {
            let what = "--faults takes names without parameters";
            problems.0.push(Problem::new(what, format!("--faults {names}"), format!("--fault {name}")));
            Ok(Vec::new())
        }
        None => kinds.expand(names, ground),
    };
    let mut told = |found: plan::Problems| problems.0.extend(found.0.iter().map(catalog::plan_problem));
    let mut faults = expanded.unwrap_or_else(|found| {
        told(found);
        Vec::new()
    });
    let given: Vec<Spec> =
        args.fault.iter().filter_map(|text| problems.spec(&format!("--fault {text}"), text)).collect();
    faults.retain(|bare| given.iter().all(|fault| fault.name != bare.name));
    faults.extend(given);
    if let Err(found) = kinds.check(&faults, ground) {
        problems.0.extend(found.0.iter().map(catalog::plan_problem));
    }
    faults
}

fn fault_rate(problems: &mut Problems, args: &LoadArgs) -> f64 {
    match &args.nemesis_interval {
        None => problems.read("--fault-rate", &args.fault_rate, 1.0, |text| {
            let rate = values::fraction(text, 1000.0)?;
            if rate > 0.0 {
                Ok(rate)
            } else {
                Err(Wrong::new("faults that never come are none", "1, or --faults none"))
            }
        }),
        Some(text) => {
            let interval = problems.read("--nemesis-interval", text, Duration::from_secs(1), values::positive_time);
            interval.as_secs_f64().recip()
        }
    }
}

fn keys(text: &str) -> Result<usize, Wrong> {
    let keys = values::whole(text, 1..=1_000_000)?;
    usize::try_from(keys).map_err(|_| Wrong::new("this number is out of range", "5"))
}

/// Says what is wrong with a workload on a system, and with what was said of it, as far as nothing else is.
fn refused_workload(problems: &mut Problems, options: &RunOptions) {
    if !problems.0.is_empty() {
        return;
    }
    let Ok(system) = made::system(options) else { return };
    let streams = (0..options.concurrency).map(|_| crate::chance::stream(0, "")).collect();
    let Spec { name, params } = &options.workload;
    if let Err(error) = schism_workloads::make(name, params, prepare::load(options), &system.requests(), streams) {
        problems.0.push(Problem::new(
            error.to_string(),
            format!("--workload {}", options.workload),
            "schism list workloads",
        ));
    }
}

/// The default mix leaves out what the system does not serve; one that is given is refused if it has such a kind.
fn mix(
    problems: &mut Problems,
    args: &LoadArgs,
    workload: &Spec,
    system: &Spec,
    serves: &[String],
) -> Vec<(String, u32)> {
    let serves: Vec<&str> = serves.iter().map(String::as_str).collect();
    let Some(text) = &args.mix else { return schism_workloads::default_mix(&workload.name, &serves) };
    let mix = problems.read("--mix", text, Vec::new(), values::mix);
    if workload.name != "register" {
        return mix;
    }
    for (kind, _) in mix.iter().filter(|(kind, _)| !serves.is_empty() && !serves.contains(&kind.as_str())) {
        let what = format!("{} does not serve {kind:?}; it serves {}", system.name, serves.join(", "));
        problems.0.push(Problem::new(what, format!("--mix {text}"), format!("--mix without {kind}")));
    }
    mix
}

/// A plan is played as written, so nothing else may say what happens.
pub(crate) fn plan_alone(problems: &mut Problems, args: &LoadArgs) {
    for (given, flag) in [(args.faults.is_some(), "--faults"), (!args.fault.is_empty(), "--fault")] {
        if given {
            let what = "a plan is played as it is written, and draws no faults";
            problems.0.push(Problem::new(what, format!("--plan {flag}"), "one of the two alone"));
        }
    }
}
