//! `schism run`: one run, or one for each seed.

use schism_checker::verdict::Outcome;

use crate::cli::args::RunArgs;
use crate::cli::dry_run;
use crate::cli::output;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Resolved};
use crate::cli::series::{Series, with_series};
use crate::cli::sim_shrink;
use crate::exit::ExitCode;
use crate::options::RunOptions;
use crate::plan::Plan;
use crate::report::terminal::{self, Style};
use crate::report::words;
use crate::run::Finished;

pub(crate) fn run(args: &RunArgs, mut problems: Vec<Problem>) -> Result<ExitCode, Failure> {
    let resolved = match resolve::run(args) {
        Ok(resolved) if problems.is_empty() => resolved,
        Ok(_) => return Err(Failure::usage(problems)),
        Err(more) => {
            problems.extend(more);
            return Err(Failure::usage(problems));
        }
    };
    if let Some(count) = &args.dry_run {
        return dry_run::dry_run(&resolved.runs[0], count, args);
    }
    if resolved.drawn && !args.quietly {
        output::tell(&format!("seed {}", resolved.runs[0].seed));
    }
    let rungs = resolved.runs.iter().map(RunOptions::rung);
    with_series(rungs, args.quietly, args.verbose, async |series| all(series, &resolved, args).await)
}

/// Makes every run; the worst code stands.
async fn all(series: &Series, resolved: &Resolved, args: &RunArgs) -> Result<ExitCode, Failure> {
    let mut worst = ExitCode::Done;
    let mut outcomes: Vec<(u64, Outcome)> = Vec::new();
    for options in &resolved.runs {
        let finished = match series.run(options).await {
            Ok(finished) => finished,
            Err(failure) => {
                output::tell_problems(&failure.problems);
                worst = worst.worst(failure.code);
                break;
            }
        };
        outcomes.push((options.seed, finished.verdict.outcome));
        worst = worst.worst(ExitCode::of_verdict(&finished.verdict, resolved.expectation.as_ref()));
        let mut text = shown(&finished, args.json, output::style(args.verbose));
        if let Some(plan) = resolved.written.as_ref().filter(|_| !args.json) {
            text += &as_the_plan_says(plan, &finished);
        }
        worst = worst.worst(output::emit(&text));
        if let Some(code) = series.interrupted() {
            if finished.verdict.interrupted.is_none() {
                worst = worst.worst(code);
            }
            break;
        }
    }
    if resolved.runs.len() > 1 && !args.json {
        worst = worst.worst(output::emit(&tally(&outcomes)));
    }
    Ok(worst)
}

/// Whether the property broke that the plan says it breaks, and what of the plan real processes do not repeat.
fn as_the_plan_says(plan: &Plan, finished: &Finished) -> String {
    let property = plan.breaks.as_deref().unwrap_or_default();
    let found = finished.verdict.properties.iter().find(|found| found.name == property && found.judged);
    let told = sim_shrink::told(property, found.map(|found| found.outcome));
    told + "         requests and faults were played at their times; how long messages, syncs and starts take is the machine's
"
}

/// A run as stdout shows it: `verdict.json`, or the report for people.
pub(crate) fn shown(finished: &Finished, json: bool, style: Style) -> String {
    if json {
        return as_json(&finished.verdict);
    }
    terminal::terminal(&finished.run, &finished.verdict, &finished.folder.display().to_string(), style)
}

/// JSON as the run folder has it.
pub(crate) fn as_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("what is kept in a run folder can be written as JSON") + "\n"
}

/// `20 runs: 18 valid, 2 invalid (seeds 3, 7)`.
fn tally(outcomes: &[(u64, Outcome)]) -> String {
    let parts: Vec<String> = [Outcome::Valid, Outcome::Invalid, Outcome::Vacuous, Outcome::Unknown]
        .into_iter()
        .filter_map(|outcome| {
            let seeds: Vec<String> =
                outcomes.iter().filter(|(_, found)| *found == outcome).map(|(seed, _)| seed.to_string()).collect();
            let named =
                if outcome == Outcome::Valid { String::new() } else { format!(" (seeds {})", seeds.join(", ")) };
            (!seeds.is_empty()).then(|| format!("{} {}{named}", seeds.len(), words::outcome(outcome)))
        })
        .collect();
    format!("{} runs: {}\n", outcomes.len(), if parts.is_empty() { "none".to_owned() } else { parts.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_names_the_seeds_that_are_worth_a_look() {
        let outcomes = [(0, Outcome::Valid), (1, Outcome::Invalid), (2, Outcome::Valid), (3, Outcome::Invalid)];
        assert_eq!(tally(&outcomes), "4 runs: 2 valid, 2 invalid (seeds 1, 3)\n");
        assert_eq!(tally(&[]), "0 runs: none\n");
    }
}
