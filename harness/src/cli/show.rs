//! `schism show`: the report of a run again, from what its folder holds.

use crate::cli::args::{OutArgs, ShowArgs};
use crate::cli::problem::{Failure, Problem};
use crate::cli::{output, resolve, run};
use crate::exit::ExitCode;
use crate::folder::{self, FindError, FolderError, RunFolder};
use crate::report::terminal;

pub(crate) fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let folder = found(&args.run, &args.out)?;
    let verdict = folder.verdict().map_err(|error| unjudged(&folder, &error))?;
    if args.json {
        return Ok(output::emit(&run::as_json(&verdict)));
    }
    let run_file = folder.run_file().map_err(|error| unreadable(&folder, &error))?;
    let place = folder.path.display().to_string();
    Ok(output::emit(&terminal::terminal(&run_file, &verdict, &place, output::style(args.verbose))))
}

/// The run folder that was named.
pub(crate) fn found(wanted: &str, out: &OutArgs) -> Result<RunFolder, Failure> {
    let results = resolve::results(out);
    folder::find(&results, wanted).map_err(|error| {
        let hint = match &error {
            FindError::Several { ids, .. } => ids.first().cloned().unwrap_or_default(),
            FindError::None { .. } => format!("schism list runs --out {}", results.display()),
            FindError::NoRun { .. } => "the path of a folder that `schism run` made, or latest".to_owned(),
        };
        Failure::usage(vec![Problem::new(error.to_string(), wanted, hint)])
    })
}

/// A folder of a run that was killed has a history and no verdict.
fn unjudged(folder: &RunFolder, error: &FolderError) -> Failure {
    let missing = matches!(error, FolderError::Io(error) if error.kind() == std::io::ErrorKind::NotFound);
    if missing {
        let hint = format!("schism check {}", folder.path.display());
        return Problem::new("this run has no verdict; it was cut off", folder.path.display().to_string(), hint).into();
    }
    unreadable(folder, error)
}

/// A folder whose files cannot be read.
pub(crate) fn unreadable(folder: &RunFolder, error: &FolderError) -> Failure {
    let hint = format!("schism check {}", folder.file(folder::file::HISTORY).display());
    Problem::new(error.to_string(), folder.path.display().to_string(), hint).into()
}
