//! Makes the runs of rows, in virtual time or on real processes, for every command that has something to be shown.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::FutureExt as _;
use schism_checker::{formats, note};

use crate::claims::evidence::Evidence;
use crate::claims::{RowRun, play};
use crate::cli::problem::{Failure, Problem};
use crate::cli::run::as_json;
use crate::cli::series::{Series, with_series};
use crate::cli::signals::Stopper;
use crate::cli::sim::quoted;
use crate::exit::ExitCode;
use crate::folder::file;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::run::HarnessError;

/// Makes runs, until one cannot be made or somebody interrupts.
pub(crate) struct Player<'a> {
    /// The results folder, to which run folders of real runs go.
    results: PathBuf,
    /// How many seeds run at the same time in virtual time.
    jobs: usize,
    watched: Watched<'a>,
}

/// Who watches for signals, and makes runs on processes.
enum Watched<'a> {
    Series(&'a Series),
    Stopper { stopper: &'a Stopper, cancelled: Arc<AtomicBool> },
}

/// What is to be run.
pub(crate) struct Wanted<'a> {
    pub(crate) run: &'a RowRun,
    pub(crate) seeds: Range<u64>,
    /// In place of the time that the run says.
    pub(crate) time: Option<Duration>,
    /// On processes, and not in virtual time.
    pub(crate) real: bool,
    /// Where its plan is kept.
    pub(crate) folder: &'a Path,
}

/// What was run.
pub(crate) struct Made {
    /// What each seed has left.
    pub(crate) evidence: Vec<Evidence>,
    /// The command line that makes it again.
    pub(crate) again: String,
}

/// How runs are made.
pub(crate) struct How {
    /// Whether there are runs on processes among them.
    pub(crate) real: bool,
    /// The results folder.
    pub(crate) results: PathBuf,
    /// How many seeds run at the same time in virtual time.
    pub(crate) jobs: usize,
    /// No progress.
    pub(crate) quietly: bool,
}

/// As many seeds at the same time as there are processors.
pub(crate) fn jobs_default() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Runs `work` with a player. The code is that of the signal where one came.
pub(crate) fn with_player(
    how: How,
    work: impl AsyncFnOnce(&Player<'_>) -> Result<ExitCode, Failure>,
) -> Result<ExitCode, Failure> {
    let How { real, results, jobs, quietly } = how;
    if real {
        return with_series([Rung::Proxy], quietly, false, async |series| {
            work(&Player { results, jobs, watched: Watched::Series(series) }).await
        });
    }
    let stopper = Stopper::install()?;
    let watched = Watched::Stopper { stopper: &stopper, cancelled: stopper.flag() };
    let player = Player { results, jobs, watched };
    let code = work(&player).now_or_never().expect("in virtual time nothing is waited for")?;
    Ok(player.interrupted().map_or(code, |signal| code.worst(signal)))
}

impl Player<'_> {
    /// The code of the signal that ends all this, once there was one.
    pub(crate) fn interrupted(&self) -> Option<ExitCode> {
        match &self.watched {
            Watched::Series(series) => series.interrupted(),
            Watched::Stopper { stopper, .. } => stopper.stopped(),
        }
    }

    /// Makes the runs of all seeds; its plan is written where `wanted` says. Fewer where somebody interrupts.
    pub(crate) async fn make(&self, wanted: Wanted<'_>) -> Result<Made, Failure> {
        let Wanted { run, seeds, time, real, folder } = wanted;
        let mut options = play::options(run, time).map_err(|error| failure(&error, run))?;
        let plan = written_plan(run, folder)?;
        let again = command(&options, run, plan.as_deref(), &seeds, real);
        let evidence = match &self.watched {
            Watched::Series(series) if real => {
                options.plan = plan;
                options.out.clone_from(&self.results);
                on_processes(&options, seeds, series).await?
            }
            Watched::Series(_) => self.in_virtual_time(run, &options, seeds, &AtomicBool::new(false))?,
            Watched::Stopper { cancelled, .. } => self.in_virtual_time(run, &options, seeds, cancelled)?,
        };
        Ok(Made { evidence, again })
    }

    fn in_virtual_time(
        &self,
        run: &RowRun,
        options: &RunOptions,
        seeds: Range<u64>,
        cancelled: &AtomicBool,
    ) -> Result<Vec<Evidence>, Failure> {
        play::simulate_all(run, options, seeds, self.jobs, cancelled).map_err(|error| failure(&error, run))
    }
}

/// Makes the runs on real processes, until somebody interrupts; each is kept like any other.
async fn on_processes(options: &RunOptions, seeds: Range<u64>, series: &Series) -> Result<Vec<Evidence>, Failure> {
    let mut left = Vec::new();
    for seed in seeds {
        if series.interrupted().is_some() {
            break;
        }
        let finished = series.run(&RunOptions { seed, ..options.clone() }).await?;
        let unread = |error: formats::ReadError| {
            Failure::harness(Problem::new(error.to_string(), finished.folder.display().to_string(), "the same again"))
        };
        let history = formats::read_path(&finished.folder.join(file::HISTORY)).map_err(unread)?;
        let notes = note::read_path(&finished.folder.join(file::EVENTS)).map_err(unread)?.notes;
        left.push(Evidence { history, notes, verdict: finished.verdict.clone(), nodes: options.nodes });
    }
    Ok(left)
}

/// The plan of a run, if it has one, in a file.
fn written_plan(run: &RowRun, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let Some(plan) = play::plan(run) else { return Ok(None) };
    let path = folder.join(format!("{}.json", run.name));
    write(&path, &as_json(&plan))?;
    Ok(Some(path))
}

/// Writes a file below the results folder, and its folder where there is none yet.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().map_or(Ok(()), fs_err::create_dir_all);
    folder.and_then(|()| fs_err::write(path, text)).map_err(|error| {
        Failure::harness(Problem::new(error.to_string(), path.display().to_string(), "--out with another folder"))
    })
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

/// That a run cannot be made, and why.
fn failure(error: &HarnessError, run: &RowRun) -> Failure {
    let code = if error.usage { ExitCode::Usage } else { ExitCode::Harness };
    let at = error.place.clone().unwrap_or_else(|| format!("the run {} of {}", run.name, run.system));
    let hint = error.advice.clone().unwrap_or_else(|| "the same without --time and --seeds".to_owned());
    Failure { code, problems: vec![Problem::new(error.what.clone(), at, hint)] }
}
