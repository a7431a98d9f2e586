//! Runs one after the other: progress, signals, and what remains when one of them cannot be made.

use nix::sys::signal::Signal;
use tokio::sync::watch;

use crate::cli::problem::{Failure, Problem};
use crate::cli::{net, output, signals};
use crate::exit::ExitCode;
use crate::folder::file;
use crate::network::{Enclosure, Rung};
use crate::options::RunOptions;
use crate::report::progress;
use crate::run::{Finished, HarnessError, Hooks, Progress, execute};

/// Makes runs, until one cannot be made or somebody interrupts.
pub(crate) struct Series {
    interrupt: watch::Receiver<Option<Signal>>,
    quietly: bool,
    enclosure: Option<Enclosure>,
}

impl Series {
    /// Watches for signals from now on; must be made inside of a runtime.
    fn new(quietly: bool, enclosure: Option<Enclosure>) -> Result<Self, Failure> {
        let interrupt = signals::install(signals::RUNNING).map_err(|error| {
            let what = format!("signals cannot be watched: {error}");
            Failure::harness(Problem::new(what, "this process", "the same command again"))
        })?;
        Ok(Series { interrupt, quietly, enclosure })
    }

    /// Makes one run.
    pub(crate) async fn run(&self, options: &RunOptions) -> Result<Finished, Failure> {
        let (sender, receiver) = watch::channel(Progress::default());
        let shown = (!self.quietly).then(|| tokio::spawn(progress::show(receiver, output::width())));
        let hooks = Hooks {
            news: output::interject,
            progress: sender,
            interrupt: self.interrupt.clone(),
            enclosure: self.enclosure,
        };
        let finished = execute(options, hooks).await;
        if let Some(shown) = shown {
            // It ends by itself with the sender that the run has dropped; a panic in it has told itself.
            let _ = shown.await;
        }
        finished.map_err(|error| self.failure(options, &error))
    }

    /// Makes a dry run; how many operations were ok.
    pub(crate) async fn dry_run(&self, options: &RunOptions, count: u64, show: fn(&str)) -> Result<u64, Failure> {
        crate::run::dry_run(options, count, show, self.enclosure).await.map_err(|error| self.failure(options, &error))
    }

    /// The code of the signal that ended this series, once there was one.
    pub(crate) fn interrupted(&self) -> Option<ExitCode> {
        self.interrupt.borrow().map(|signal| ExitCode::of_signal(signal as i32))
    }

    fn failure(&self, options: &RunOptions, error: &HarnessError) -> Failure {
        let usage = if error.usage { ExitCode::Usage } else { ExitCode::Harness };
        let code = self.interrupted().unwrap_or(usage);
        let run = || format!("{} with seed {}", options.system, options.seed);
        let at = error.place.clone().unwrap_or_else(run);
        let hint = error.advice.clone().unwrap_or_else(|| match &error.folder {
            Some(folder) => format!("a look at {}", folder.join(file::NODES).display()),
            None if error.usage => "schism run --help".to_owned(),
            None => "another --out, or -v, which tells more".to_owned(),
        });
        Failure { code, problems: vec![Problem::new(error.what.clone(), at, hint)] }
    }
}

/// Runs `work` with a series on a runtime of its own, in a network namespace of its own where any of the runs needs one.
pub(crate) fn with_series<T>(
    rungs: impl IntoIterator<Item = Rung>,
    quietly: bool,
    verbose: bool,
    work: impl AsyncFnOnce(&Series) -> Result<T, Failure>,
) -> Result<T, Failure> {
    diagnostics(verbose);
    // Before there is any other thread: a user namespace is the whole process's.
    let needs_enclosure = rungs.into_iter().any(|rung| rung == Rung::Vnet);
    let enclosure = needs_enclosure.then(net::enter).transpose()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        let what = format!("no threads can be started: {error}");
        Failure::harness(Problem::new(what, "this process", "fewer processes on this machine, or a higher ulimit -u"))
    })?;
    let result = runtime.block_on(async { work(&Series::new(quietly, enclosure)?).await });
    // Tasks that outlive a run own nothing that has to be undone.
    runtime.shutdown_background();
    result
}

/// Diagnostics go to stderr: warnings, and with `-v` what is done. `SCHISM_LOG` chooses in tracing's own syntax.
pub(crate) fn diagnostics(verbose: bool) {
    let default = if verbose { "schism=debug" } else { "schism=warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("SCHISM_LOG").unwrap_or_else(|_| default.into());
    // There may be a subscriber where this crate is a library; it stays.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().try_init();
}
