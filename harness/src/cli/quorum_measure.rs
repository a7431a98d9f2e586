//! `schism quorum N --measure`: runs every cell of the matrix, and puts what was measured beside what theory says of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use schism_checker::quorum::{Level, Quorums};
use serde::Serialize;
use serde_json::json;

use crate::budget::CheckBudget;
use crate::claims::cell_figures::Measured;
use crate::claims::cells::{self, CALM, CHANCE, Cell};
use crate::claims::judge::{self, Fate, Judged};
use crate::claims::play;
use crate::cli::args::QuorumArgs;
use crate::cli::player::{self, Player, Wanted, with_player};
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::run::as_json;
use crate::cli::{list, output, values};
use crate::exit::ExitCode;
use crate::options::RunOptions;
use crate::report::words;
use crate::run::prepare::prepare;
use crate::sim::Scenario;

/// The folder of results in which the plans and results of cells are kept.
const FOLDER: &str = "quorum";
/// Seeds a cell where nothing is said: in virtual time, and on processes.
const SEEDS_DEFAULT: [u64; 2] = [10, 1];

/// How cells are to be run.
struct How {
    copies: u32,
    real: bool,
    seeds: Range<u64>,
    time: Option<Duration>,
    /// Where plans and results go.
    folder: PathBuf,
    json: bool,
    quietly: bool,
}

/// What came of a cell.
#[derive(Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    quorums: Quorums,
    writeback: bool,
    predicted: Level,
    pbs_p_s: f64,
    /// How often a read and a write wait for others.
    round_trips: (u32, u32),
    measured: Measured,
    fate: Fate,
    predictions: Vec<Judged>,
    again: Vec<String>,
}

pub(crate) fn measure(args: &QuorumArgs, copies: u32, mut problems: Problems) -> Result<ExitCode, Failure> {
    let seeds = args.seeds.as_deref().map(|text| problems.read("--seeds", text, 0..1, values::seeds));
    let whole = |text: &str| values::whole(text, 0..=u64::MAX - 1);
    let seed = args.seed.as_deref().map(|text| problems.read("--seed", text, 0, whole)).map(|seed| seed..seed + 1);
    let time = args.time.as_deref().map(|text| problems.read("--time", text, Duration::ZERO, values::positive_time));
    let jobs =
        args.jobs.as_deref().map_or_else(player::jobs_default, |text| problems.read("--jobs", text, 1, values::jobs));
    let seeds = seed.or(seeds).unwrap_or(0..SEEDS_DEFAULT[usize::from(args.real)]);
    if let (Some(text), Some(time), []) = (&args.time, time, &*problems.0) {
        problems.0.extend(too_short(copies, time, text, &seeds, args.real));
    }
    problems.finish(()).map_err(Failure::usage)?;
    let results = resolve::results(&args.out);
    let how = How {
        copies,
        real: args.real,
        seeds,
        time,
        folder: results.join(FOLDER).join(format!("n{copies}-{}", rung(args.real))),
        json: args.json,
        quietly: args.quietly,
    };
    let making = player::How { real: how.real, results, jobs, quietly: how.quietly };
    with_player(making, async |player| all(&how, player).await)
}

/// Whether the faults of some seed find no room in this time. All cells have the same.
fn too_short(copies: u32, time: Duration, text: &str, seeds: &Range<u64>, real: bool) -> Option<Problem> {
    let row = cells::all(copies).first()?.row();
    let chance = row.runs.iter().find(|run| run.name == CHANCE)?;
    let drawn = |seed| {
        let options = RunOptions { seed, ..play::options(chance, Some(time))? };
        if real { prepare(&options).map(drop) } else { Scenario::new(&options).map(drop) }
    };
    let error = seeds.clone().find_map(|seed| drawn(seed).err())?;
    Some(Problem::new(error.what, format!("--time {text}"), "a longer --time, or none"))
}

/// How runs are made, in a word.
fn rung(real: bool) -> &'static str {
    if real { "real" } else { "sim" }
}

/// Runs each cell; the worst code stands. What was measured before somebody interrupts is told.
async fn all(how: &How, player: &Player<'_>) -> Result<ExitCode, Failure> {
    let (mut shown, mut interrupted) = (Vec::new(), None);
    for cell in cells::all(how.copies) {
        let told = one(cell, how, player).await?;
        interrupted = player.interrupted();
        if interrupted.is_some() {
            break;
        }
        shown.push(told);
    }
    let code = shown.iter().map(|told| told.fate.exit()).fold(ExitCode::Done, ExitCode::worst);
    let rung = rung(how.real);
    let whole = json!({ "schism": "quorum-measured", "format": 1, "rung": rung, "cells": shown, "again": again(how) });
    player::write(&how.folder.join("matrix.json"), &as_json(&whole))?;
    let text = if how.json { as_json(&whole) } else { text(&shown, how) };
    let code = code.worst(output::emit(&text));
    Ok(interrupted.map_or(code, |signal| code.worst(signal)))
}

/// Runs a cell, and judges it.
async fn one(cell: Cell, how: &How, player: &Player<'_>) -> Result<Shown, Failure> {
    let (row, folder) = (cell.row(), how.folder.join(cell.name()));
    let (mut left, mut again) = (BTreeMap::new(), Vec::new());
    if !how.quietly {
        output::tell(&row.claim);
    }
    for run in &row.runs {
        // Nothing is drawn in a calm run but what clients ask, and the directed plan takes the time that it takes.
        let seeds = if run.name == CALM { how.seeds.start..how.seeds.start + 1 } else { how.seeds.clone() };
        let time = how.time.filter(|_| !run.faults.is_empty());
        let made = player.make(Wanted { run, seeds, time, real: how.real, folder: &folder }).await?;
        again.push(made.again);
        left.insert(run.name.clone(), made.evidence);
    }
    let budget = CheckBudget::new(Duration::from_mins(1), 1 << 30);
    let predictions = judge::judge(&row, &left, &budget);
    Ok(Shown {
        quorums: cell.quorums,
        writeback: cell.writeback,
        predicted: cell.level(),
        pbs_p_s: cell.quorums.miss_probability(),
        round_trips: cell.round_trips(),
        measured: Measured::of(cell, &left, &budget),
        fate: judge::worst(&predictions),
        predictions,
        again,
    })
}

/// The command line that makes the whole matrix again.
fn again(how: &How) -> String {
    let mut text = format!("schism quorum {} --measure", how.copies);
    if how.real {
        text += " --real";
    }
    let _ = write!(text, " --seeds {}..{}", how.seeds.start, how.seeds.end);
    if let Some(time) = how.time {
        let _ = write!(text, " --time {}ms", time.as_millis());
    }
    text
}

fn text(shown: &[Shown], how: &How) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "W",
        "R",
        "write-back",
        "predicted",
        "measured",
        "by chance",
        "stale reads",
        "p_s",
        "versions",
        "ms",
        "trips: read",
        "ms",
        "write",
        "ms",
    ]);
    for column in [0, 1, 5, 6, 7, 8, 9, 10, 11, 12, 13] {
        table.column_mut(column).expect("there are fourteen columns").set_cell_alignment(CellAlignment::Right);
    }
    for told in shown {
        table.add_row(line(told));
    }
    let made = if how.real { "on real processes" } else { "in virtual time" };
    let seeds = words::counted(how.seeds.end - how.seeds.start, "seed");
    let mut text = format!("N = {}: predicted, and measured {made} with {seeds} a cell\n\n", how.copies);
    let _ = write!(text, "{}\n{LEGEND}\n", list::rendered(&table));
    for told in shown.iter().filter(|told| told.fate != Fate::AsPredicted) {
        text += &otherwise(told);
    }
    let fates = [Fate::AsPredicted, Fate::Unknown, Fate::Deviates];
    let counts = fates.map(|fate| (fate, shown.iter().filter(|told| told.fate == fate).count()));
    let counts: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(fate, count)| format!("{count} {}", fate.words()))
        .collect();
    let _ = writeln!(text, "{}: {}", words::counted(shown.len() as u64, "cell"), counts.join(", "));
    let _ = writeln!(text, "again  {}", again(how));
    text
}

fn line(told: &Shown) -> [String; 14] {
    let Shown { quorums, measured, .. } = told;
    let in_ms = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1}"));
    let level = match (measured.is_certain, told.fate) {
        (false, _) => "unknown".to_owned(),
        (true, Fate::Deviates) => format!("{}  (!)", measured.level.as_str()),
        (true, _) => measured.level.as_str().to_owned(),
    };
    let chance = match (told.predicted, measured.by_chance) {
        (Level::Linearizable, _) => "-".to_owned(),
        (_, chance) if chance.broken == 0 => "not shown".to_owned(),
        (_, chance) => format!("{} of {}", chance.broken, chance.runs),
    };
    let stale = &measured.stale;
    [
        quorums.w.to_string(),
        quorums.r.to_string(),
        if told.writeback { "yes" } else { "no" }.to_owned(),
        told.predicted.as_str().to_owned(),
        level,
        chance,
        stale.share().map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", 100.0 * share)),
        format!("{:.3}", told.pbs_p_s),
        stale.versions_max.to_string(),
        format!("{:.0}", stale.ms_max),
        told.round_trips.0.to_string(),
        in_ms(measured.read_ms),
        told.round_trips.1.to_string(),
        in_ms(measured.write_ms),
    ]
}

/// What of a cell did not come as predicted, and how to see it again.
fn otherwise(told: &Shown) -> String {
    let Quorums { n, w, r } = told.quorums;
    let mut text = format!(
        "N = {n}, W = {w}, R = {r}{}: {}\n",
        if told.writeback { ", write-back" } else { "" },
        told.fate.words()
    );
    for Judged { predicted, measured, fate } in
        told.predictions.iter().filter(|judged| judged.fate != Fate::AsPredicted)
    {
        let _ = writeln!(text, "  {predicted}: {measured}   {}", fate.words());
    }
    for line in &told.again {
        let _ = writeln!(text, "  again  {line}");
    }
    text + "\n"
}

const LEGEND: &str = "\
measured    the strongest level that no run broke: without faults, under drawn ones, and under a plan that breaks by force what is not promised
by chance   how many runs under drawn faults broke what is not promised
stale       the share of reads under drawn faults that missed a finished version; the most versions, and the longest time, that one missed
p_s         how likely a read is to miss a write that nothing spreads beyond its quorum: a write here goes to all copies, and faults do the rest
trips       how often a read or a write waits for others, and its median latency without faults
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::cell_figures::{ByChance, Stale};

    fn how() -> How {
        let folder = PathBuf::new();
        How { copies: 3, real: false, seeds: 5..8, time: None, folder, json: false, quietly: true }
    }

    fn shown(w: u32, r: u32, writeback: bool, level: Level, broken: usize) -> Shown {
        let cell = Cell { quorums: Quorums { n: 3, w, r }, writeback };
        let stale = Stale { reads: 2000, stale: 25, versions_max: 3, ms_max: 812.4 };
        let by_chance = ByChance { broken, runs: 3 };
        let measured = Measured { level, is_certain: true, by_chance, stale, read_ms: Some(0.25), write_ms: None };
        let kept = Judged {
            predicted: "calm: regular valid".to_owned(),
            measured: "valid".to_owned(),
            fate: Fate::AsPredicted,
        };
        let lost = Judged {
            predicted: "chance: linearizable valid".to_owned(),
            measured: "invalid in 1, valid in 2 of 3 runs".to_owned(),
            fate: Fate::Deviates,
        };
        let predictions = if level == cell.level() { vec![kept] } else { vec![kept, lost] };
        Shown {
            quorums: cell.quorums,
            writeback,
            predicted: cell.level(),
            pbs_p_s: cell.quorums.miss_probability(),
            round_trips: cell.round_trips(),
            measured,
            fate: judge::worst(&predictions),
            predictions,
            again: vec!["schism sim nwr:n=3,w=2,r=2,writeback=on --seeds 5..8".to_owned()],
        }
    }

    #[test]
    fn a_broken_promise_is_told_with_the_command_that_repeats_it() {
        let shown = [
            shown(1, 1, false, Level::None, 3),
            shown(2, 2, false, Level::Regular, 0),
            shown(2, 2, true, Level::Regular, 0),
        ];
        let codes: Vec<u8> = shown.iter().map(|told| told.fate.exit().number()).collect();
        assert_eq!(codes, [0, 0, 1]);
        insta::assert_snapshot!(text(&shown, &how()));
    }
}
