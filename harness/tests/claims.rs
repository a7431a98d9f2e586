//! The rows of the seeds: every row of the reference is there, and every demonstration comes out as the list says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use schism::budget::CheckBudget;
use schism::claims::judge::{self, Fate};
use schism::claims::prediction::Comparison;
use schism::claims::{Catalogue, Row, State, figures, play};

/// The ids of the rows in the reference's first part: the first cell of a table's line, a letter and two digits.
fn ids(reference: &str) -> BTreeSet<String> {
    let seeds = reference.split("\n## ").find(|part| part.starts_with("1.")).unwrap_or_default();
    let cells = seeds.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let is_id = |cell: &&str| {
        let mut signs = cell.chars();
        cell.len() == 3 && signs.next().is_some_and(|c| c.is_ascii_uppercase()) && signs.all(|c| c.is_ascii_digit())
    };
    cells.filter(is_id).map(str::to_owned).collect()
}

#[test]
fn every_row_of_the_reference_occurs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/reference/protocols.md");
    let Ok(reference) = fs_err::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there; whether every row occurs was not looked at", path.display());
        return;
    };
    let (wanted, here) = (ids(&reference), Catalogue::new());
    let here: BTreeSet<String> = here.rows().map(|row| row.id.clone()).collect();
    assert!(wanted.len() > 150, "only {} rows were read in the reference", wanted.len());
    assert_eq!(wanted.difference(&here).collect::<Vec<_>>(), Vec::<&String>::new(), "rows that are missing here");
    assert_eq!(
        here.difference(&wanted).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "rows that are not in the reference"
    );
}

#[test]
fn ids_are_found_in_the_lines_of_tables_of_the_first_part_alone() {
    let text =
        "# R\n## 0. X\n|Z09|no|\n## 1. SEED ROWS\n|id|seed|\n|-|-|\n|C01|001|\n|C02|003|see |N01|\n## 2. Y\n|B01|x|\n";
    assert_eq!(ids(text), BTreeSet::from(["C01".to_owned(), "C02".to_owned()]));
}

#[test]
fn every_demonstration_can_be_run() {
    for row in Catalogue::new().rows() {
        let mut names = BTreeSet::new();
        for run in &row.runs {
            assert!(names.insert(&run.name), "{}: two runs are called {}", row.id, run.name);
            assert!(run.faults.is_empty() || run.entries.is_empty(), "{} {}: faults or a plan", row.id, run.name);
            play::validate(run).unwrap_or_else(|error| panic!("{} {}: {}", row.id, run.name, error.what));
        }
        for text in &row.measured {
            let comparison: Comparison = text.parse().unwrap_or_else(|error| panic!("{}: {error}", row.id));
            for figure in comparison.figures() {
                assert!(names.contains(&figure.run), "{}: {text} names no run", row.id);
                assert!(figures::is_known(&figure.name), "{}: {text} names no figure", row.id);
            }
        }
        let predicts = |row: &Row| {
            let properties =
                row.runs.iter().any(|run| !(run.valid.is_empty() && run.broken.is_empty() && run.breaks.is_empty()));
            properties || !row.measured.is_empty()
        };
        assert!(row.runs.is_empty() || predicts(row), "{} predicts nothing", row.id);
    }
}

/// What playing a row in virtual time comes to.
fn played(row: &Row) -> (Fate, Vec<judge::Judged>) {
    let left = row.runs.iter().map(|run| {
        let options = play::options(run, None).unwrap();
        let evidence = play::simulate_all(run, &options, 0..run.seeds, 2, &AtomicBool::new(false)).unwrap();
        (run.name.clone(), evidence)
    });
    let judged = judge::judge(row, &left.collect(), &CheckBudget::new(Duration::from_mins(1), 1 << 30));
    (judge::worst(&judged), judged)
}

#[test]
fn demonstrations_come_out_as_the_list_says() {
    let all = Catalogue::new();
    for row in all.rows().filter(|row| !row.runs.is_empty()) {
        let (fate, judged) = played(row);
        let told: Vec<String> = judged
            .iter()
            .filter(|judged| judged.fate != Fate::AsPredicted)
            .map(|judged| format!("{}: {}", judged.predicted, judged.measured))
            .collect();
        let expected = if row.state() == State::Deviates { Fate::Deviates } else { Fate::AsPredicted };
        assert_eq!(fate, expected, "schism claims run {}: {}", row.id, told.join("; "));
    }
}
