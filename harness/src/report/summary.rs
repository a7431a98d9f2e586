//! `summary.md`: one page for a pull request or a chat.

use std::fmt::Write as _;

use crate::folder::RunFile;
use crate::report::{availability, tested, words};
use crate::verdict::Verdict;

/// The page, in Markdown as GitHub renders it.
pub fn summary(run: &RunFile, verdict: &Verdict) -> String {
    let tested = tested::in_short(run).map_or_else(String::new, |told| format!(" ({})", escaped(&told)));
    let mut page = format!("## {} — {}{tested}\n\n", words::headline(verdict), code(&verdict.system));
    for sentence in words::sentences(verdict) {
        push(&mut page, format_args!("{}\n\n", escaped(sentence)));
    }
    push(&mut page, format_args!("| property | judged | outcome | |\n|---|---|---|---|\n"));
    for property in &verdict.properties {
        let judged = if property.judged { "yes" } else { "measured" };
        let [name, sentence] = [&property.name, &property.summary].map(|text| escaped(text));
        push(&mut page, format_args!("| {name} | {judged} | {} | {sentence} |\n", words::outcome(property.outcome)));
    }
    proofs(&mut page, verdict);
    push(&mut page, format_args!("\nCovered: {}.\n", escaped(&words::covered(&verdict.coverage))));
    if let Some(measured) = &verdict.availability {
        page.push_str("\nAvailability and latency, from when an operation was due:\n");
        table(&mut page, &availability::HEADS, &availability::rows(measured));
        if !measured.outages.is_empty() {
            table(&mut page, &availability::OUTAGE_HEADS, &availability::outages(measured));
        }
    }
    if let Some(failure) = &verdict.harness_failure {
        push(&mut page, format_args!("\nThe harness failed: {}.\n", escaped(failure)));
    }
    if verdict.interrupted.is_some() {
        page.push_str("\nThe run was interrupted before its end.\n");
    }
    push(&mut page, format_args!("\nAgain: {}\n", code(&verdict.again)));
    let versions = code(&run.versions.to_string());
    push(&mut page, format_args!("\nRun {}, seed {}, {}, schism {versions}\n", code(&run.id), run.seed, run.rung));
    page
}

fn proofs(page: &mut String, verdict: &Verdict) {
    for property in words::deciding(verdict) {
        let Some(counterexample) = &property.counterexample else { continue };
        page.push_str("\n| when | what | |\n|---|---|---|\n");
        let intervals = words::intervals(&counterexample.operations);
        for (witness, when) in counterexample.operations.iter().zip(intervals) {
            let [deed, role] = [words::deed(witness), witness.role.clone()].map(|text| escaped(&text));
            push(page, format_args!("| {when} | {deed} | {role} |\n"));
        }
        page.push('\n');
        for because in &counterexample.because {
            push(page, format_args!("- because {}\n", escaped(because)));
        }
    }
}

fn table(page: &mut String, heads: &[&str], rows: &[Vec<String>]) {
    push(page, format_args!("\n| {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        push(page, format_args!("| {} |\n", cells.join(" | ")));
    }
}

pub(crate) fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing into a string does not fail");
}

/// Text in which nothing is Markdown, HTML or the end of a table's cell.
pub(crate) fn escaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in words::sentence(text).chars() {
        match character {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '~' | '#' | '@' => {
                plain.push('\\');
                plain.push(character);
            }
            _ => plain.push(character),
        }
    }
    plain
}

/// Text as code, whatever it contains: with more backticks around it than inside.
pub(crate) fn code(text: &str) -> String {
    let text = words::printable(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_violation_with_its_proof() {
        insta::assert_snapshot!(summary(&sample::run_file(), &sample::invalid()));
    }

    #[test]
    fn nothing_in_a_verdict_is_markup() {
        assert_eq!(escaped("a|b <i> *c* `d`\n"), "a\\|b &lt;i&gt; \\*c\\* \\`d\\`\u{fffd}");
        assert_eq!(code("a ``b`` c"), "``` a ``b`` c ```");
    }
}
