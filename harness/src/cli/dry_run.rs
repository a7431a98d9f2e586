//! `schism run --dry-run N`: one client, N operations, no faults, each exchange printed.

use crate::cli::args::RunArgs;
use crate::cli::problem::Failure;
use crate::cli::resolve::Problems;
use crate::cli::series::with_series;
use crate::cli::{output, values};
use crate::exit::ExitCode;
use crate::options::RunOptions;
use crate::report::words;

/// The most operations of a dry run.
const COUNT_MAX: u64 = 100_000;

pub(crate) fn dry_run(options: &RunOptions, count: &str, args: &RunArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let count = problems.read("--dry-run", count, 1, |text| values::whole(text, 1..=COUNT_MAX));
    problems.finish(()).map_err(Failure::usage)?;
    with_series([options.rung()], args.quietly, args.verbose, async |series| {
        let show = |line: &str| {
            // A stdout that is gone is told at the end of any command.
            let _ = output::emit(&(words::printable(line) + "\n"));
        };
        let ok = series.dry_run(options, count, show).await?;
        // A client that never got anything done shows nothing.
        Ok(if ok > 0 { ExitCode::Done } else { ExitCode::Vacuous })
    })
}
