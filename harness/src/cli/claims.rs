//! `schism claims`: what the seed documents claim, and what is known of it.

use std::fmt::Write as _;

use crate::claims::catalogue::Counts;
use crate::claims::{Catalogue, Row, State};
use crate::cli::args::{ClaimsArgs, ClaimsCommand};
use crate::cli::problem::{Failure, Problem};
use crate::cli::run::as_json;
use crate::cli::{claims_run, output};
use crate::exit::ExitCode;
use crate::report::words;

pub(crate) fn claims(args: &ClaimsArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        Some(ClaimsCommand::Run(args)) => claims_run::run(args),
        None => {
            let chosen = chosen(&args.rows)?;
            Ok(output::emit(&if args.json { as_json(&chosen) } else { listed(&chosen, args.verbose) }))
        }
    }
}

/// The rows that some words mean; words that mean none are refused.
pub(crate) fn chosen(rows: &[String]) -> Result<Catalogue, Failure> {
    let all = Catalogue::new();
    let idle = |word: &&String| all.clone().filtered(std::slice::from_ref(*word)).rows().next().is_none();
    let problems: Vec<Problem> = rows
        .iter()
        .filter(idle)
        .map(|word| {
            let known: Vec<&str> = all.sections.iter().map(|section| section.name).collect();
            Problem::unknown("row", word, word.as_str(), &known, "schism claims")
        })
        .collect();
    if problems.is_empty() { Ok(all.filtered(rows)) } else { Err(Failure::usage(problems)) }
}

/// The rows section by section, and how many there are of each kind.
fn listed(catalogue: &Catalogue, verbose: bool) -> String {
    // Writing to a string cannot fail.
    let mut text = String::new();
    for section in &catalogue.sections {
        let _ = writeln!(text, "{}  {}", section.name, section.about);
        for row in &section.rows {
            text += &line(row);
            if verbose {
                text += &details(row, catalogue);
            }
        }
        text.push('\n');
    }
    text + &counted(&catalogue.counts())
}

/// `N02  holds     003      W + R > N gives strong consistency`, and below it what is true instead.
fn line(row: &Row) -> String {
    let state = match row.state() {
        State::Holds => "holds",
        State::Deviates => "deviates",
        State::Waits => "waits",
    };
    let mut text = format!("  {:4} {state:8} {:16} {}\n", row.id, row.seeds.join(" "), row.claim);
    let notes = [
        row.wrong.as_ref().map(|truth| format!("wrong: {truth}")),
        row.unclear.as_ref().map(|why| format!("unclear: {why}")),
        row.deviates.as_ref().map(|why| format!("deviates: {why}")),
        row.waits.as_ref().map(|what| format!("waits for {what}")),
    ];
    for note in notes.into_iter().flatten() {
        let _ = writeln!(text, "{:31}{note}", "");
    }
    text
}

/// What shows a row, and how to have it shown.
fn details(row: &Row, catalogue: &Catalogue) -> String {
    let mut text = format!("{:31}shown by: {}\n", "", row.shows);
    let by = catalogue.demonstrated_by(row);
    for run in &by.runs {
        let _ = writeln!(text, "{:31}run {}: {}", "", run.name, run.system);
    }
    if row.waits.is_none() {
        let real = if by.real { " --real" } else { "" };
        let _ = writeln!(text, "{:31}schism claims run {}{real}", "", row.id);
    }
    text
}

fn counted(counts: &Counts) -> String {
    let all = counts.holds + counts.deviates + counts.waits;
    format!(
        "{}: {} hold, {} deviate, {} wait for a demonstration; the seed is wrong in {}\n",
        words::counted(all as u64, "row"),
        counts.holds,
        counts.deviates,
        counts.waits,
        counts.wrong,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_rows_that_were_asked_for_and_counts_them() {
        let text = listed(&chosen(&["N02".to_owned()]).unwrap(), true);
        assert!(text.starts_with("nwr  Quorums\n  N02  "), "{text}");
        assert!(text.contains("wrong: "), "{text}");
        assert!(text.contains("schism claims run N02"), "{text}");
        assert!(text.contains("1 row: "), "{text}");
    }

    #[test]
    fn each_word_that_means_nothing_is_told() {
        let problems = chosen(&["N02".to_owned(), "nwx".to_owned(), "N99".to_owned()]).unwrap_err().problems;
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].hint, "nwr, or schism claims");
    }
}
