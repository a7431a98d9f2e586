//! `schism quorum`: what theory says of every way to choose W and R for N copies.
//!
//! It predicts and runs nothing: the inequalities are the checker's. With `--measure` see `quorum_measure`.

use comfy_table::{CellAlignment, Table, presets};
use schism_checker::quorum::{Level, Quorums};
use serde::Serialize;

use crate::cli::args::QuorumArgs;
use crate::cli::problem::Failure;
use crate::cli::resolve::Problems;
use crate::cli::{list, output, quorum_measure, run, values};
use crate::exit::ExitCode;

/// The most copies whose matrix can be read.
const COPIES_MAX: u64 = 9;

/// What theory says of a choice of N, W and R.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Cell {
    #[serde(flatten)]
    quorums: Quorums,
    /// Without write-back, and with it.
    level: Level,
    level_writeback: Level,
    /// W + R − N.
    intersection: i64,
    /// W > N / 2.
    writes_meet: bool,
    losses_survived: u32,
    losses_unseen: Option<u32>,
    crashes_writes: u32,
    crashes_reads: u32,
    pbs_p_s: f64,
}

pub(crate) fn quorum(args: &QuorumArgs) -> Result<ExitCode, Failure> {
    let mut problems = Problems::default();
    let copies = problems.read("", &args.copies, 1, |text| values::whole(text, 1..=COPIES_MAX));
    let copies = u32::try_from(copies).expect("at most nine");
    if args.measure {
        return quorum_measure::measure(args, copies, problems);
    }
    problems.finish(()).map_err(Failure::usage)?;
    let cells = cells(copies);
    let text = if args.json {
        run::as_json(&serde_json::json!({ "schism": "quorum", "format": 1, "cells": cells }))
    } else {
        text(&cells)
    };
    Ok(output::emit(&text))
}

/// All W and R, in their order.
fn cells(n: u32) -> Vec<Cell> {
    let pairs = (1..=n).flat_map(|w| (1..=n).map(move |r| Quorums { n, w, r }));
    pairs.map(cell).collect()
}

fn cell(quorums: Quorums) -> Cell {
    Cell {
        quorums,
        level: quorums.level(false),
        level_writeback: quorums.level(true),
        intersection: quorums.intersection(),
        writes_meet: quorums.writes_meet(),
        losses_survived: quorums.losses_survived(),
        losses_unseen: quorums.losses_unseen(),
        crashes_writes: quorums.crashes_for_writes(),
        crashes_reads: quorums.crashes_for_reads(),
        pbs_p_s: quorums.miss_probability(),
    }
}

fn text(cells: &[Cell]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "W",
        "R",
        "W+R-N",
        "reads",
        "with write-back",
        "writes meet",
        "lost disks: kept",
        "unseen",
        "down: writes",
        "reads",
        "p_s",
    ]);
    for column in [0, 1, 2, 6, 7, 8, 9, 10] {
        table.column_mut(column).expect("there are eleven columns").set_cell_alignment(CellAlignment::Right);
    }
    for cell in cells {
        table.add_row([
            cell.quorums.w.to_string(),
            cell.quorums.r.to_string(),
            cell.intersection.to_string(),
            cell.level.as_str().to_owned(),
            cell.level_writeback.as_str().to_owned(),
            if cell.writes_meet { "yes" } else { "no" }.to_owned(),
            cell.losses_survived.to_string(),
            cell.losses_unseen.map_or_else(|| "-".to_owned(), |losses| losses.to_string()),
            cell.crashes_writes.to_string(),
            cell.crashes_reads.to_string(),
            format!("{:.3}", cell.pbs_p_s),
        ]);
    }
    let n = cells.first().map_or(0, |cell| cell.quorums.n);
    format!("N = {n}: what is predicted, before anything is run\n\n{}\n{LEGEND}", list::rendered(&table))
}

const LEGEND: &str = "\
reads        linearizable, regular (the newest finished write or a concurrent one) or none (may be stale)
lost disks   how many a finished write outlives (W-1), and how many no read notices (W+R-N-1)
down         how many replicas may be down while writes and reads are served (N-W, N-R)
p_s          how likely a read is to miss a write that nothing spreads beyond its quorum: C(N-W,R)/C(N,R)
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_of_three_copies() {
        insta::assert_snapshot!(text(&cells(3)));
    }

    #[test]
    fn the_cells_that_everybody_asks_for() {
        let cells = cells(5);
        assert_eq!(cells.len(), 25);
        let majority = cells.iter().find(|cell| (cell.quorums.w, cell.quorums.r) == (3, 3)).unwrap();
        assert_eq!((majority.level, majority.level_writeback), (Level::Regular, Level::Linearizable));
        assert_eq!((majority.intersection, majority.losses_survived, majority.losses_unseen), (1, 2, Some(0)));
        assert_eq!(serde_json::to_value(majority).unwrap()["n"], 5);
    }
}
