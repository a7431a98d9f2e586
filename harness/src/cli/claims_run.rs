//! `schism claims run`: makes the runs of rows, and tells whether they came out as predicted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::budget::CheckBudget;
use crate::claims::judge::{self, Fate, Judged};
use crate::claims::{Catalogue, Row, State};
use crate::cli::args::ClaimsRunArgs;
use crate::cli::player::{self, Player, Wanted, with_player};
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::run::as_json;
use crate::cli::{claims, output, values};
use crate::exit::ExitCode;
use crate::report::words;

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

pub(crate) fn run(args: &ClaimsRunArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let seeds = args.seeds.as_deref().map(|text| problems.read("--seeds", text, 0..1, values::seeds));
    let time = args.time.as_deref().map(|text| problems.read("--time", text, Duration::ZERO, values::positive_time));
    let results = resolve::results(&args.out);
    let folder = results.join(FOLDER);
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
    let real = args.real || chosen.rows().any(|row| row.real && row.waits.is_none());
    let runs = player::How { real, results, jobs: player::jobs_default(), quietly: how.quietly };
    with_player(runs, async |player| all(&chosen, &how, player).await)
}

/// Runs each row; the worst code stands.
async fn all(chosen: &Catalogue, how: &How, player: &Player<'_>) -> Result<ExitCode, Failure> {
    let (whole, mut code, mut shown) = (Catalogue::new(), ExitCode::Done, Vec::new());
    let mut counts: BTreeMap<Fate, u64> = BTreeMap::new();
    for row in chosen.rows().filter(|row| row.state() != State::Waits) {
        if let Some(signal) = player.interrupted() {
            code = code.worst(signal);
            break;
        }
        let by = whole.demonstrated_by(row);
        let told = one(row, by, how, player).await?;
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
async fn one<'a>(row: &'a Row, by: &Row, how: &How, player: &Player<'_>) -> Result<Shown<'a>, Failure> {
    let folder = how.folder.join(&by.id);
    let (mut left, mut again) = (BTreeMap::new(), vec![format!("schism claims run {}", row.id)]);
    let real = how.real || by.real;
    if real && !by.real {
        again[0] += " --real";
    }
    for run in &by.runs {
        let seeds = how.seeds.clone().unwrap_or(0..run.seeds);
        if !how.quietly {
            output::tell(&format!("{} {}: {}", row.id, run.name, words::counted(seeds.end - seeds.start, "run")));
        }
        let made = player.make(Wanted { run, seeds, time: how.time, real, folder: &folder }).await?;
        again.push(made.again);
        left.insert(run.name.clone(), made.evidence);
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
    player::write(&folder.join(format!("{}.json", row.id)), &as_json(&told))?;
    Ok(told)
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
