//! `schism show`: what a run showed, again, from what is kept of it; a slice of its operations, or the moment of one of them.

use crate::cli::args::{OutArgs, ShowArgs};
use crate::cli::look::Look;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::Problems;
use crate::cli::slice::{self, Slice};
use crate::cli::values::Wrong;
use crate::cli::{output, resolve, run};
use crate::exit::ExitCode;
use crate::folder::{self, FindError, FolderError, RunFolder};
use crate::report::clock::Clock;
use crate::report::moment::{self, Moment};
use crate::report::{slices, terminal};

pub(crate) fn show(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let utc = problems.read("--clock", &args.clock, false, utc);
    let slice = args.ops.as_deref().map(|text| problems.read("--ops", text, Slice::default(), slice::slice));
    let index = args.around.as_deref().map(|text| problems.read("--around", text, 0, number));
    problems.finish(()).map_err(Failure::usage)?;
    let look = Look::at(&args.look)?;
    let clock = if utc { wall(&look)? } else { Clock::Run };
    if let Some(slice) = slice {
        return sliced(&look, &slice, clock, args.json);
    }
    if let Some(index) = index {
        return around(&look, index, clock, args.json);
    }
    if args.json {
        return Ok(output::emit(&run::as_json(&look.verdict)));
    }
    let style = terminal::Style { clock, ..output::style(args.verbose) };
    Ok(output::emit(&story(&look, style)))
}

/// The whole story: what the run said when it ended, and what was cut while it went wrong.
fn story(look: &Look, style: terminal::Style) -> String {
    let faults = crate::report::data::faults(&look.history);
    let place = look.input.folder.as_ref().map_or_else(|| look.input.name.clone(), |at| at.path.display().to_string());
    terminal::again(look.run.as_ref(), &look.verdict, &faults, &place, style)
}

fn sliced(look: &Look, slice: &Slice, clock: Clock, json: bool) -> Result<ExitCode, Failure> {
    let all =
        look.history.operations().map_err(|error| Problem::new(error.to_string(), &look.input.name, "schism check"))?;
    let found: Vec<_> = all.iter().filter(|operation| slice.has(operation)).collect();
    if json {
        return Ok(output::emit(&run::as_json(&slices::as_json(&found))));
    }
    Ok(output::emit(&slices::table(&found, all.len(), clock)))
}

fn around(look: &Look, index: u64, clock: Clock, json: bool) -> Result<ExitCode, Failure> {
    let moment = Moment::find(&look.history, index).ok_or_else(|| {
        let hint = "--around with the index of an invocation or a completion, see schism show --ops";
        Problem::new(format!("no operation has an event {index}"), format!("--around {index}"), hint)
    })?;
    let beside = look.beside(&moment.windows());
    if json {
        return Ok(output::emit(&run::as_json(&moment::as_json(&moment, &beside))));
    }
    Ok(output::emit(&moment::text(&moment, &beside, clock)))
}

/// The wall clock of the run.
fn wall(look: &Look) -> Result<Clock, Failure> {
    let start = look.history.header.as_ref().and_then(|header| header.start.as_deref()?.parse().ok());
    let what = "the history does not tell when it began, so that there is no wall clock";
    start.map(Clock::Wall).ok_or_else(|| Problem::new(what, "--clock utc", "the same without --clock").into())
}

fn utc(text: &str) -> Result<bool, Wrong> {
    match text {
        "run" => Ok(false),
        "utc" => Ok(true),
        _ => Err(Wrong { what: format!("there is no clock {text:?}"), hint: "utc".to_owned() }),
    }
}

fn number(text: &str) -> Result<u64, Wrong> {
    text.parse().map_err(|_| Wrong { what: format!("{text:?} is no index of an event"), hint: "1234".to_owned() })
}

/// The run folder that was named.
pub(crate) fn found(wanted: &str, out: &OutArgs) -> Result<RunFolder, Problem> {
    let results = resolve::results(out);
    folder::find(&results, wanted).map_err(|error| {
        let hint = match &error {
            FindError::Several { ids, .. } => ids.first().cloned().unwrap_or_default(),
            FindError::None { .. } => format!("schism list runs --out {}", results.display()),
            FindError::NoRun { .. } => "the path of a folder that `schism run` made, or latest".to_owned(),
        };
        Problem::new(error.to_string(), wanted, hint)
    })
}

/// A folder of a run that was killed has a history and no verdict.
pub(crate) fn unjudged(folder: &RunFolder, error: &FolderError) -> Failure {
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
