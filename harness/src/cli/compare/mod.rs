//! `schism compare`: systems with the same workload, seeds and faults, or runs that were made before, in one table.

mod cards;
mod kept;
mod resolve;
mod runs;

use std::time::Duration;

use schism_checker::verdict::Outcome;

use crate::budget::CheckBudget;
use crate::cli::args::CompareArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::series::{Series, with_series};
use crate::cli::{output, run, show};
use crate::compare::{self, Card, Class, Compared, Comparison, FORMAT, Ran};
use crate::exit::ExitCode;
use crate::folder::{RunFile, RunFolder, Versions};
use crate::options::RunOptions;
use resolve::{Asked, Systems};

/// The most that the check of one level of one run takes.
const LEVEL_TIME: Duration = Duration::from_secs(5);
const LEVEL_MEMORY: u64 = 1 << 30;

pub(crate) fn compare(args: &CompareArgs, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    match resolve::asked(args, unknown).map_err(Failure::usage)? {
        Asked::Runs(folders) => of_runs(&folders, args),
        Asked::Systems(systems) => {
            let rungs = systems.options.iter().map(RunOptions::rung);
            with_series(rungs, args.quietly, false, async |series| of_systems(series, &systems, args).await)
        }
    }
}

/// Runs that were made before, by system.
fn of_runs(folders: &[RunFolder], args: &CompareArgs) -> Result<ExitCode, Failure> {
    let seen = folders.iter().map(observed).collect::<Result<Vec<_>, Failure>>()?;
    resolve::comparable(&seen, args.mixed_net).map_err(Failure::usage)?;
    let mut systems: Vec<Compared> = Vec::new();
    for (file, ran) in &seen {
        let system = file.options.system.to_string();
        match systems.iter_mut().find(|known| known.system == system) {
            Some(known) => known.runs.push(ran.clone()),
            None => systems.push(Compared { system, runs: vec![ran.clone()], cards: Vec::new() }),
        }
    }
    let Some((first, _)) = seen.first() else { return Ok(ExitCode::Done) };
    tell(&comparison(first, systems), ExitCode::Done, args)
}

/// Runs of each system for each seed, and then the cards.
async fn of_systems(series: &Series, asked: &Systems, args: &CompareArgs) -> Result<ExitCode, Failure> {
    if let Some(told) = &asked.left_out {
        output::tell(told);
    }
    let (made, mut code) = runs::all(series, asked).await?;
    let mut systems: Vec<Compared> = asked
        .options
        .iter()
        .map(|options| Compared { system: options.system.to_string(), runs: Vec::new(), cards: Vec::new() })
        .collect();
    let mut first: Option<RunFile> = None;
    for (place, folder) in made {
        let (file, ran) = observed(&folder)?;
        systems[place].runs.push(ran);
        first.get_or_insert(file);
    }
    for system in &mut systems {
        system.runs.sort_by_key(|run| run.seed);
    }
    if code == ExitCode::Done {
        let (cards, of_cards) = cards::all(series, asked).await?;
        code = of_cards;
        for (place, card) in cards {
            systems[place].cards.push(card);
        }
    }
    match first {
        Some(first) => tell(&comparison(&first, systems), code, args),
        None => Ok(code),
    }
}

fn observed(folder: &RunFolder) -> Result<(RunFile, Ran), Failure> {
    let budget = CheckBudget::new(LEVEL_TIME, LEVEL_MEMORY);
    compare::observe(folder, &budget).map_err(|error| match &error {
        compare::ObserveError::Folder(inner) => show::unreadable(folder, inner),
        compare::ObserveError::History(_) => {
            let hint = format!("schism check {}", folder.path.display());
            Problem::new(error.to_string(), folder.path.display().to_string(), hint).into()
        }
    })
}

/// The comparison of systems that were run like `first`.
fn comparison(first: &RunFile, systems: Vec<Compared>) -> Comparison {
    Comparison {
        schism: "comparison".to_owned(),
        format: FORMAT,
        version: Versions::current().to_string(),
        again: kept::again(),
        rung: first.rung.clone(),
        workload: first.options.workload.to_string(),
        requests: first.options.mix.iter().map(|(kind, _)| kind.clone()).collect(),
        systems,
    }
}

/// Keeps the comparison and prints it. A card that cannot be is a fault of ours; what systems did moves no exit code.
fn tell(comparison: &Comparison, code: ExitCode, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let folder = kept::keep(comparison, &crate::cli::resolve::results(&args.out))?;
    let text = if args.json {
        run::as_json(comparison)
    } else {
        compare::report::terminal::terminal(comparison, &folder.display().to_string())
    };
    let code = code.worst(output::emit(&text));
    let cards = comparison.systems.iter().flat_map(|system| system.cards.iter().map(move |card| (system, card)));
    let impossible: Vec<Problem> =
        cards.filter(|(_, card)| card.class == Class::Impossible).map(harness_fault).collect();
    let broken = comparison.systems.iter().flat_map(|system| &system.runs).any(failed);
    output::tell_problems(&impossible);
    Ok(if impossible.is_empty() && !broken { code } else { code.worst(ExitCode::Harness) })
}

/// Whether a run says nothing about its system.
fn failed(run: &Ran) -> bool {
    run.harness_failure.is_some() && run.outcome != Outcome::Invalid
}

fn harness_fault((system, card): (&Compared, &Card)) -> Problem {
    Problem::new(card.because.clone(), format!("{}, run {}", system.system, card.run), "schism doctor, and report it")
}
