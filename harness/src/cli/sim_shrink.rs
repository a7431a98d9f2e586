//! `schism sim --shrink`: a seed that breaks something, made small, as a plan file.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use comfy_table::{Table, presets};
use schism_checker::verdict::Outcome;

use crate::cli::args::SimArgs;
use crate::cli::sim::quoted;
use crate::cli::{list, output};
use crate::exit::ExitCode;
use crate::options::{Expectation, RunOptions};
use crate::report::terminal::{self, Style};
use crate::report::words;
use crate::run::HarnessError;
use crate::sim::shrink::{Account, RUNS, Shrink, Shrunk};

/// Shrinks the run of `options`. The plan goes to `--output`, and what was left out to stdout; without a file the plan goes
/// to stdout, and the rest to stderr.
pub(crate) fn shrink(
    options: &RunOptions,
    expectation: Option<&Expectation>,
    args: &SimArgs,
    cancelled: &AtomicBool,
) -> Result<ExitCode, HarnessError> {
    let asked = Shrink {
        options: options.clone(),
        property: expectation.and_then(|expectation| expectation.property.clone()),
        runs: RUNS,
        wall: args.wall.as_deref().and_then(schism_nodes::config::parse_time),
        cancelled,
    };
    let told = |line: &str| {
        if !args.quietly {
            output::tell(line);
        }
    };
    let Some(shrunk) = asked.run(told)? else {
        let property = asked.property.as_deref().unwrap_or("no property");
        let verb = if asked.property.is_some() { "does not break" } else { "breaks" };
        output::tell(&format!("{} with seed {} {verb} {property}", options.system, options.seed));
        return Ok(ExitCode::NotBroken);
    };
    let code = if expectation.is_some() { ExitCode::Done } else { ExitCode::Invalid };
    let report = report(&shrunk, args, output::style(args.verbose));
    let Some(path) = &args.output else {
        output::tell(report.trim_end());
        return Ok(code.worst(output::emit(&shrunk.plan.to_json())));
    };
    fs_err::write(path, shrunk.plan.to_json()).map_err(|error| HarnessError::failed(error).at(path.display()))?;
    Ok(code.worst(output::emit(&report)))
}

/// What was left out, what is broken, and how to see it again.
fn report(shrunk: &Shrunk, args: &SimArgs, style: Style) -> String {
    let mut text = list::rendered(&table(&shrunk.before, &shrunk.after));
    let broken = |name: &str| name == shrunk.property;
    for property in shrunk.played.verdict.properties.iter().filter(|property| broken(&property.name)) {
        text += &terminal::property(property, style);
    }
    let end = if shrunk.minimal { "nothing more can be left out" } else { "ended before everything was tried" };
    let runs = words::thousands(shrunk.runs);
    let file = args.output.as_deref().unwrap_or(Path::new("FILE")).display().to_string();
    let flags = flags(args);
    let seed = shrunk.plan.seed.unwrap_or_default();
    let plan = quoted(&file);
    text + &format!(
        "shrunk   by {runs} runs; {end}\nagain    schism sim --plan {plan}{flags} --seed {seed} --trace\nreal     schism run --plan \
         {plan}{flags}\n"
    )
}

/// The flags that a plan does not hold, as far as they were given.
fn flags(args: &SimArgs) -> String {
    let given =
        [("--consistency", &args.load.judging.consistency, "linearizable"), ("--recover", &args.load.recover, "30s")];
    let other = given.into_iter().filter(|(_, value, default)| value.as_str() != *default);
    other.map(|(flag, value, _)| [" ", flag, " ", &quoted(value)].concat()).collect::<Vec<_>>().concat()
}

fn table(before: &Account, after: &Account) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(["", "before", "after"]);
    let mut row = |name: &str, before: String, after: String| {
        table.add_row([name.to_owned(), before, after]);
    };
    let count = |number: usize| words::thousands(number as u64);
    row("events", count(before.events()), count(after.events()));
    row("nodes", before.nodes.to_string(), after.nodes.to_string());
    row("clients", count(before.clients), count(after.clients));
    row("keys", count(before.keys), count(after.keys));
    row("operations", count(before.operations), count(after.operations));
    for (kind, number) in &before.faults {
        row(kind, count(*number), count(after.faults.get(kind).copied().unwrap_or_default()));
    }
    row("ms", words::thousands(before.end_us / 1000), words::thousands(after.end_us / 1000));
    table
}

/// What became of the property that a plan says it breaks.
pub(crate) fn told(property: &str, outcome: Option<Outcome>) -> String {
    match outcome {
        Some(Outcome::Invalid) => format!("plan     {property} breaks, as the plan says\n"),
        Some(outcome) => format!("plan     {property} should break, and is {}\n", words::outcome(outcome)),
        None => format!("plan     {property} should break, and is not judged here\n"),
    }
}
