//! `schism replay`: plays the stored plan and options of a run again, and counts.

use std::path::{Path, PathBuf};

use schism_checker::verdict::Outcome;

use crate::cli::args::ReplayArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::Problems;
use crate::cli::series::{Series, with_series};
use crate::cli::{net, output, resolve, run, show, values};
use crate::exit::ExitCode;
use crate::folder::RunFile;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::report::words;
use crate::system::manifest::Manifest;

/// How often a run is played at most.
const TIMES_MAX: u64 = 100_000;

pub(crate) fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let times = problems.read("--times", &args.times, 1, |text| values::whole(text, 1..=TIMES_MAX));
    let rung = args.net.as_deref().and_then(|text| problems.read("--net", text, None, values::rung));
    problems.finish(()).map_err(Failure::usage)?;
    let folder = show::found(&args.run, &args.out)?;
    let run_file = folder.run_file().map_err(|error| show::unreadable(&folder, &error))?;
    if let (Some(what), false) = (distrusted(&run_file.options), args.trust) {
        return Err(Problem::new(what, folder.path.display().to_string(), "--trust, if you know what it starts").into());
    }
    let was = folder.verdict().ok().map(|verdict| verdict.outcome);
    let scratch = scratch()?;
    let plan = stored(scratch.path(), &format!("replay-{}", words::short(&folder.id)), &run_file.plan)?;
    let mut options = again(&run_file, plan, resolve::results(&args.out));
    options.net = rung.or(options.net);
    let mixed = net::mixed(run_file.options.rung(), options.rung(), args.mixed_net);
    mixed.map_or(Ok(()), |problem| Err(Failure::usage(vec![problem])))?;
    resolve::sane(&options, &folder.path.display().to_string()).map_err(Failure::usage)?;
    with_series([options.rung()], args.quietly, false, async |series| all(series, &options, times, was, args).await)
}

/// What a run would start that its folder names, and not this program.
fn distrusted(options: &RunOptions) -> Option<String> {
    let mut named = Vec::new();
    named.extend(options.node_program.as_ref().map(|program| program.display().to_string()));
    if let Some(file) = &options.manifest {
        let commands = Manifest::read(&file.text)
            .map(|manifest| manifest.commands().iter().map(|command| command.join(" ")).collect::<Vec<_>>().join(", "));
        named.push(commands.unwrap_or_else(|_| "a manifest that cannot be read".to_owned()));
    }
    named.extend(options.client.as_ref().map(|client| client.join(" ")));
    (!named.is_empty()).then(|| format!("this run starts what its folder names: {}", named.join("; ")))
}

/// The options of a run, with the plan that it had and a results folder of our own.
fn again(run_file: &RunFile, plan: PathBuf, out: PathBuf) -> RunOptions {
    RunOptions { plan: Some(plan), out, leave_running: false, seed: run_file.seed, ..run_file.options.clone() }
}

async fn all(
    series: &Series,
    options: &RunOptions,
    times: u64,
    was: Option<Outcome>,
    args: &ReplayArgs,
) -> Result<ExitCode, Failure> {
    let mut worst = ExitCode::Done;
    let mut outcomes = Vec::new();
    for _ in 0..times {
        let finished = match series.run(options).await {
            Ok(finished) => finished,
            Err(failure) => {
                output::tell_problems(&failure.problems);
                worst = worst.worst(failure.code);
                break;
            }
        };
        outcomes.push(finished.verdict.outcome);
        worst = worst.worst(ExitCode::of_verdict(&finished.verdict, None));
        if args.json {
            worst = worst.worst(output::emit(&run::as_json(&finished.verdict)));
        } else if !args.quietly {
            let word = words::headline(&finished.verdict).to_lowercase();
            output::tell(&format!("{} of {times}  {word}  {}", outcomes.len(), finished.folder.display()));
        }
        if let Some(code) = series.interrupted() {
            worst = worst.worst(code);
            break;
        }
    }
    if args.json || outcomes.is_empty() {
        return Ok(worst);
    }
    Ok(worst.worst(output::emit(&counted(&outcomes, was))))
}

/// `invalid in 3 of 10 (was: invalid)`: violations are counted, whatever the run was.
fn counted(outcomes: &[Outcome], was: Option<Outcome>) -> String {
    let times = outcomes.iter().filter(|outcome| **outcome == Outcome::Invalid).count();
    let was = was.map_or("not judged", words::outcome);
    format!("invalid in {times} of {} (was: {was})\n", outcomes.len())
}

/// A folder for plans that are played from a file.
pub(crate) fn scratch() -> Result<tempfile::TempDir, Failure> {
    tempfile::tempdir().map_err(|error| unwritten(&error.to_string(), &std::env::temp_dir()))
}

/// Writes a plan to be played; the name becomes part of the run folder's label.
pub(crate) fn stored(scratch: &Path, name: &str, plan: &Plan) -> Result<PathBuf, Failure> {
    let path = scratch.join(format!("{}.json", crate::folder::sanitised(name)));
    fs_err::write(&path, run::as_json(plan)).map_err(|error| unwritten(&error.to_string(), &path))?;
    Ok(path)
}

fn unwritten(what: &str, path: &Path) -> Failure {
    Failure::harness(Problem::new(what, path.display().to_string(), "TMPDIR=/a/folder/with/space"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violations_are_counted() {
        use Outcome::{Invalid, Valid};
        assert_eq!(counted(&[Invalid, Valid, Invalid], Some(Invalid)), "invalid in 2 of 3 (was: invalid)\n");
        assert_eq!(counted(&[Invalid, Valid, Invalid], Some(Valid)), "invalid in 2 of 3 (was: valid)\n");
        assert_eq!(counted(&[Valid], None), "invalid in 0 of 1 (was: not judged)\n");
    }
}
