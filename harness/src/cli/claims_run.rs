//! `schism claims run`: makes the runs of rows, and tells whether they came out as predicted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schism_checker::{formats, note};
use serde::Serialize;

use crate::budget::CheckBudget;
use crate::claims::evidence::Evidence;
use crate::claims::judge::{self, Fate, Judged};
use crate::claims::{Catalogue, Row, RowRun, State, play};
use crate::cli::args::ClaimsRunArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::run::as_json;
use crate::cli::series::{Series, with_series};
use crate::cli::signals::Stopper;
use crate::cli::sim::quoted;
use crate::cli::{claims, output, values};
use crate::exit::ExitCode;
use crate::folder::file;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::report::words;
use crate::run::HarnessError;

/// The folder of results in which the plans and results of rows are kept.
const FOLDER: &str = "claims";

/// How rows are to be run.
struct How {
    real: bool,
    seeds: Option<Range<u64>>,
    time: Option<Duration>,
    /// Where plans and results go.
    folder: PathBuf,
    json: bool,
    quietly: bool,
}

/// What came of a row.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: &'a str,
    claim: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviates: Option<&'a str>,
    fate: Fate,
    /// Whether that is what the list says of the row.
    as_listed: bool,
    rung: &'static str,
    predictions: Vec<Judged>,
    again: Vec<String>,
}

/// A run that is ready to be made.
struct Ready<'a> {
    run: &'a RowRun,
    options: RunOptions,
    seeds: Range<u64>,
    again: String,
}

pub(crate) fn run(args: &ClaimsRunArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let seeds = args.seeds.as_deref().map(|text| problems.read("--seeds", text, 0..1, values::seeds));
    let time = args.time.as_deref().map(|text| problems.read("--time", text, Duration::ZERO, values::positive_time));
    let folder = resolve::results(&args.out).join(FOLDER);
    let how = How { real: args.real, seeds, time, folder, json: args.json, quietly: args.quietly };
    let chosen = claims::chosen(&args.rows).unwrap_or_else(|failure| {
        problems.0.extend(failure.problems);
        Catalogue { sections: Vec::new() }
    });
    if problems.0.is_empty() && chosen.rows().all(|row| row.state() == State::Waits) {
        let waiting: Vec<String> =
            chosen.rows().filter_map(|row| Some(format!("{} waits for {}", row.id, row.waits.as_ref()?))).collect();
        problems.0.push(Problem::new(
            "nothing can be run yet",
            waiting.join("; "),
            "schism claims, which says what can",
        ));
    }
    problems.finish(()).map_err(Failure::usage)?;
    if args.real || chosen.rows().any(|row| row.real && row.waits.is_none()) {
        return with_series([Rung::Proxy], how.quietly, false, async |series| {
            all(&chosen, &how, Some(series), None).await
        });
    }
    let stopper = Stopper::install()?;
    let code = futures_util::FutureExt::now_or_never(all(&chosen, &how, None, Some(&stopper)))
        .expect("in virtual time nothing is waited for")?;
    Ok(stopper.stopped().map_or(code, |signal| code.worst(signal)))
}

/// Runs each row; the worst code stands.
async fn all(
    chosen: &Catalogue,
    how: &How,
    series: Option<&Series>,
    stopper: Option<&Stopper>,
) -> Result<ExitCode, Failure> {
    let (whole, mut code, mut shown) = (Catalogue::new(), ExitCode::Done, Vec::new());
    let mut counts: BTreeMap<Fate, u64> = BTreeMap::new();
    for row in chosen.rows().filter(|row| row.state() != State::Waits) {
        let is_over = series.and_then(Series::interrupted).or_else(|| stopper.and_then(Stopper::stopped));
        if let Some(signal) = is_over {
            code = code.worst(signal);
            break;
        }
        let by = whole.demonstrated_by(row);
        let told = one(row, by, how, series, stopper).await?;
        code = code.worst(told.fate.exit());
        *counts.entry(told.fate).or_default() += 1;
        if how.json {
            shown.push(serde_json::to_value(&told).expect("it has no keys but texts"));
        } else {
            code = code.worst(output::emit(&text(&told)));
        }
    }
    let text = if how.json { as_json(&shown) } else { counted(&counts) };
    Ok(code.worst(output::emit(&text)))
}

/// Runs one row, which another one may demonstrate, and keeps what came of it.
async fn one<'a>(
    row: &'a Row,
    by: &Row,
    how: &How,
    series: Option<&Series>,
    stopper: Option<&Stopper>,
) -> Result<Shown<'a>, Failure> {
    let folder = how.folder.join(&by.id);
    fs_err::create_dir_all(&folder).map_err(|error| unwritten(&error, &folder))?;
    let (mut left, mut again) = (BTreeMap::new(), vec![format!("schism claims run {}", row.id)]);
    let real = how.real || by.real;
    if real && !by.real {
        again[0] += " --real";
    }
    for run in &by.runs {
        let ready = ready(run, how, real, &folder)?;
        if !how.quietly {
            output::tell(&format!(
                "{} {}: {}",
                row.id,
                run.name,
                words::counted(ready.seeds.end - ready.seeds.start, "run")
            ));
        }
        let evidence = match series.filter(|_| real) {
            Some(series) => on_processes(&ready, series).await?,
            None => in_virtual_time(&ready, stopper)?,
        };
        again.push(ready.again);
        left.insert(run.name.clone(), evidence);
    }
    let budget = CheckBudget::new(Duration::from_mins(1), 1 << 30);
    let predictions = judge::judge(by, &left, &budget);
    let fate = judge::worst(&predictions);
    let told = Shown {
        id: &row.id,
        claim: &row.claim,
        wrong: row.wrong.as_deref(),
        deviates: row.deviates.as_deref(),
        fate,
        as_listed: (fate == Fate::Deviates) == (row.state() == State::Deviates),
        rung: if real { "real" } else { "sim" },
        predictions,
        again,
    };
    let path = folder.join(format!("{}.json", row.id));
    fs_err::write(&path, as_json(&told)).map_err(|error| unwritten(&error, &path))?;
    Ok(told)
}

/// What is run, for which seeds, and how somebody repeats it; its plan is written where that says.
fn ready<'a>(run: &'a RowRun, how: &How, real: bool, folder: &Path) -> Result<Ready<'a>, Failure> {
    let mut options = play::options(run, how.time).map_err(|error| failure(&error))?;
    let seeds = how.seeds.clone().unwrap_or(0..run.seeds);
    let plan = play::plan(run).map(|plan| {
        let path = folder.join(format!("{}.json", run.name));
        fs_err::write(&path, as_json(&plan)).map(|()| path.clone()).map_err(|error| unwritten(&error, &path))
    });
    let plan = plan.transpose()?;
    let again = command(&options, run, plan.as_deref(), &seeds, real);
    if real {
        options.plan = plan;
        how.folder.parent().unwrap_or(&how.folder).clone_into(&mut options.out);
    }
    Ok(Ready { run, options, seeds, again })
}

/// The command line that makes a run again.
fn command(options: &RunOptions, run: &RowRun, plan: Option<&Path>, seeds: &Range<u64>, real: bool) -> String {
    let mut words = vec!["schism".to_owned(), if real { "run" } else { "sim" }.to_owned()];
    match plan {
        Some(plan) => words.extend(["--plan".to_owned(), plan.display().to_string()]),
        None => words.extend([run.system.clone(), "--nodes".to_owned(), run.nodes.to_string()]),
    }
    words.extend(options.faults.iter().flat_map(|fault| ["--fault".to_owned(), fault.to_string()]));
    words.extend(["--seeds".to_owned(), format!("{}..{}", seeds.start, seeds.end)]);
    words.extend(["--time".to_owned(), format!("{}ms", options.time.as_millis())]);
    if plan.is_none() || run.load {
        let mix: Vec<String> = options.mix.iter().map(|(kind, weight)| format!("{kind}={weight}")).collect();
        let (rate, keys) = (options.rate.to_string(), options.keys.to_string());
        words.extend(["--rate".to_owned(), rate, "--keys".to_owned(), keys, "--mix".to_owned(), mix.join(",")]);
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn in_virtual_time(ready: &Ready<'_>, stopper: Option<&Stopper>) -> Result<Vec<Evidence>, Failure> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let cancelled = stopper.map(Stopper::flag).unwrap_or_default();
    play::simulate_all(ready.run, &ready.options, ready.seeds.clone(), jobs, &cancelled)
        .map_err(|error| failure(&error))
}

/// Makes the runs on real processes, until somebody interrupts; each is kept like any other.
async fn on_processes(ready: &Ready<'_>, series: &Series) -> Result<Vec<Evidence>, Failure> {
    let mut left = Vec::new();
    for seed in ready.seeds.clone() {
        if series.interrupted().is_some() {
            break;
        }
        let finished = series.run(&RunOptions { seed, ..ready.options.clone() }).await?;
        let unread = |error: formats::ReadError| {
            Failure::harness(Problem::new(error.to_string(), finished.folder.display().to_string(), "the same again"))
        };
        let history = formats::read_path(&finished.folder.join(file::HISTORY)).map_err(unread)?;
        let notes = note::read_path(&finished.folder.join(file::EVENTS)).map_err(unread)?.notes;
        left.push(Evidence { history, notes, verdict: finished.verdict.clone(), nodes: ready.run.nodes });
    }
    Ok(left)
}

/// A row with each prediction, what was measured, and whether that is the same.
fn text(told: &Shown<'_>) -> String {
    let mut text = format!("{}  {}\n", told.id, told.claim);
    let notes = [("wrong", told.wrong), ("deviates", told.deviates)];
    for (name, note) in notes.into_iter().filter_map(|(name, note)| Some((name, note?))) {
        let _ = writeln!(text, "  {name}: {note}");
    }
    let width = told.predictions.iter().map(|judged| judged.predicted.chars().count()).max().unwrap_or(0);
    for Judged { predicted, measured, fate } in &told.predictions {
        let _ = writeln!(text, "  {predicted:width$}   {measured}   {}", fate.words());
    }
    let unlisted = if told.as_listed { "" } else { "; the list says otherwise" };
    let _ = writeln!(text, "  {}: {} ({}){unlisted}", told.id, told.fate.words(), told.rung);
    for (place, line) in told.again.iter().enumerate() {
        let _ = writeln!(text, "  {}  {line}", if place == 0 { "again" } else { "     " });
    }
    text + "\n"
}

/// `12 rows: 11 as predicted, 1 not shown`
fn counted(counts: &BTreeMap<Fate, u64>) -> String {
    let parts: Vec<String> = counts.iter().map(|(fate, count)| format!("{count} {}", fate.words())).collect();
    format!("{}: {}\n", words::counted(counts.values().sum(), "row"), parts.join(", "))
}

fn failure(error: &HarnessError) -> Failure {
    let at = error.place.clone().unwrap_or_else(|| "schism claims run".to_owned());
    let hint = error.advice.clone().unwrap_or_else(|| "schism claims, which lists the rows".to_owned());
    Failure::harness(Problem::new(error.what.clone(), at, hint))
}

fn unwritten(error: &std::io::Error, path: &Path) -> Failure {
    Failure::harness(Problem::new(error.to_string(), path.display().to_string(), "--out with another folder"))
}
