//! The report on the terminal: the verdict, what proves it, what was covered, and how to go on.

use std::collections::BTreeSet;

use schism_checker::verdict::{Core, Counterexample, Outcome, Property, Tried, Witness};

use crate::folder::RunFile;
use crate::report::clock::Clock;
use crate::report::data::{Fault, meanwhile};
use crate::report::{availability, words};
use crate::verdict::Verdict;

/// How the report may look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are wanted: stdout is a terminal, and `NO_COLOR` is not set.
    pub colours: bool,
    /// The width of the terminal in columns; lines are not broken where absent.
    pub width: Option<usize>,
    /// Whether measured properties and latencies are shown as well.
    pub verbose: bool,
    /// How moments are told.
    pub clock: Clock,
}

/// How deep continuation lines of an explanation stand.
const BECAUSE_INDENT: usize = 11;

/// The least width of the column that says what a process did, and the most that others are moved to the right by one of them.
const DEED_WIDTH: usize = 29;
const DEED_WIDTH_MAX: usize = 100;

/// The whole report. `place` is the run folder as it is to be named.
pub fn terminal(run: &RunFile, verdict: &Verdict, place: &str, style: Style) -> String {
    let mut lines = vec![head(run, place)];
    lines.extend(run.tested.iter().map(|tested| format!("tested   {}", words::printable(&tested.in_short()))));
    if !run.options.labels.is_empty() {
        lines.push(format!("labels   {}", words::printable(&words::labels(&run.options.labels))));
    }
    lines.extend(verdict_lines(verdict, style));
    lines.push(wrapped("covered", 9, &words::covered(&verdict.coverage), style));
    if style.verbose {
        lines.extend(details(verdict));
        lines.push(strain(verdict));
    }
    let short = words::short(&verdict.run);
    let times = if verdict.outcome == Outcome::Invalid { " --times 10" } else { "" };
    lines.push(format!("look     schism show {short}       again  schism replay {short}{times}"));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The report of a run again, with the faults that were in force meanwhile; `run` is absent where only a history is known.
pub fn again(run: Option<&RunFile>, verdict: &Verdict, faults: &[Fault], place: &str, style: Style) -> String {
    if let Some(run) = run {
        let text = terminal(run, verdict, place, style);
        let told = told_meanwhile(verdict, faults, style);
        // What was covered follows the proof; what was cut belongs to the proof.
        return match text.rsplit_once("\ncovered  ") {
            Some((before, after)) if !told.is_empty() => format!("{before}\n{told}covered  {after}"),
            _ => text,
        };
    }
    let mut lines = vec![format!("history  {}", words::printable(place))];
    lines.extend(verdict_lines(verdict, style));
    lines.extend(told_meanwhile(verdict, faults, style).lines().map(str::to_owned));
    lines.push(wrapped(
        "covered",
        9,
        &format!("{}; {}", words::operations(&verdict.coverage), words::not_ok(&verdict.coverage)),
        style,
    ));
    if style.verbose {
        lines.extend(details(verdict));
    }
    lines.push("absent   what was run, the nodes' notes, logs and messages: this is a bare history".to_owned());
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// What was in force while the judged properties were broken, each fault once.
fn told_meanwhile(verdict: &Verdict, faults: &[Fault], style: Style) -> String {
    if verdict.outcome != Outcome::Invalid {
        return String::new();
    }
    let counterexamples = words::deciding(verdict).into_iter().filter_map(|property| property.counterexample.as_ref());
    let told: BTreeSet<String> = counterexamples.flat_map(|counterexample| meanwhile(counterexample, faults)).collect();
    told.iter().fold(String::new(), |text, fault| text + &wrapped("  while", BECAUSE_INDENT, fault, style) + "\n")
}

/// The verdict of one property alone, as `schism check` shows it.
pub fn property(property: &Property, style: Style) -> String {
    let word = words::outcome(property.outcome).to_uppercase();
    let mut lines = vec![wrapped(&painted(&word, property.outcome, style), word.len() + 2, &text(property), style)];
    lines.extend(proof(property, style));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// A violation that was seen while a run goes on: `violation at 6.1 s: …`, and what proves it.
pub fn seen_live(property: &Property, seen_at: Option<u64>, style: Style) -> String {
    let at = seen_at.map_or_else(String::new, |at| format!(" at {} s", words::seconds(at)));
    let mut lines = vec![format!("violation{at}: {}", text(property))];
    lines.extend(proof(property, style));
    lines.join("\n")
}

fn head(run: &RunFile, place: &str) -> String {
    let versions = words::printable(&run.versions.to_string());
    let rung = words::printable(&run.rung);
    format!("schism {versions}  seed {}  {rung}  {}", run.seed, words::printable(place))
}

fn verdict_lines(verdict: &Verdict, style: Style) -> Vec<String> {
    let word = words::headline(verdict);
    let painted = painted(word, verdict.outcome, style);
    let mut sentences = words::sentences(verdict).into_iter();
    let first = sentences.next().unwrap_or("no property was judged");
    let mut lines = vec![wrapped(&painted, word.len() + 2, &words::sentence(first), style)];
    let indent = " ".repeat(word.len());
    lines.extend(sentences.map(|next| wrapped(&indent, word.len() + 2, &words::sentence(next), style)));
    if verdict.outcome == Outcome::Invalid {
        lines.extend(words::deciding(verdict).into_iter().flat_map(|property| proof(property, style)));
        if let Some(failure) = &verdict.harness_failure {
            lines.push(wrapped("also", 9, &format!("the harness failed: {}", words::sentence(failure)), style));
        }
    }
    if let Some(live) = &verdict.live {
        let at = live.seen_at.map_or_else(String::new, |at| format!(" at {} s", words::seconds(at)));
        lines.push(format!("live     a violation was seen{at}, while the run went on"));
    }
    if let Some(signal) = verdict.interrupted {
        lines.push(format!("cut      interrupted by {}", if signal == 15 { "SIGTERM" } else { "Ctrl-C" }));
    }
    lines
}

fn proof(property: &Property, style: Style) -> Vec<String> {
    let Some(counterexample) = &property.counterexample else { return Vec::new() };
    let mut lines = operations(&counterexample.operations, style);
    for (place, because) in counterexample.because.iter().enumerate() {
        let head = if place == 0 { "  because" } else { "" };
        lines.push(wrapped(head, BECAUSE_INDENT, &words::sentence(because), style));
    }
    lines.extend(counterexample.core.iter().flat_map(|core| smaller(counterexample, core, style)));
    lines.extend(counterexample.tried.iter().filter(|_| style.verbose).flat_map(|tried| order(tried, style)));
    for suspect in &property.suspects {
        lines.push(wrapped("  suspect", BECAUSE_INDENT, &words::sentence(suspect), style));
    }
    lines
}

/// The core, unless it is what was shown already.
fn smaller(counterexample: &Counterexample, core: &Core, style: Style) -> Vec<String> {
    let named = |rows: &[Witness]| rows.iter().map(|it| (it.process, it.invoked)).collect::<BTreeSet<_>>();
    if named(&core.operations) == named(&counterexample.operations) && core.even_if.is_empty() {
        return Vec::new();
    }
    let count = match core.operations.len() {
        1 => "this alone is impossible".to_owned(),
        count => format!("these {count} alone contradict each other"),
    };
    let parts: Vec<&str> = std::iter::once(&count).chain(&core.even_if).map(String::as_str).collect();
    let not_minimal = if core.minimal { "" } else { " (not minimal)" };
    let head =
        wrapped("  core", BECAUSE_INDENT, &words::sentence(&format!("{}{not_minimal}:", parts.join(", "))), style);
    std::iter::once(head).chain(operations(&core.operations, style)).collect()
}

/// How far an order goes, and at which operation it stops.
fn order(tried: &Tried, style: Style) -> Vec<String> {
    let told = |head: &str, text: &str| wrapped(head, BECAUSE_INDENT, &words::sentence(text), style);
    let head = told("  order", &format!("{}:", words::order(tried)));
    let placed = tried.placed.iter().map(|placed| {
        let place = words::place(placed.place, tried.length);
        told("", &format!("{}, {place}", words::deed(&placed.operation)))
    });
    let stopped = told("", &format!("✗ {} cannot follow: {}", words::deed(&tried.stopped), tried.why));
    std::iter::once(head).chain(placed).chain([stopped]).collect()
}

/// Operations in three columns.
fn operations(witnesses: &[Witness], style: Style) -> Vec<String> {
    let rows: Vec<[String; 3]> = witnesses
        .iter()
        .zip(intervals(witnesses, style.clock))
        .map(|(witness, when)| [when, words::printable(&words::deed(witness)), words::sentence(&witness.role)])
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1).clamp(DEED_WIDTH, DEED_WIDTH_MAX));
    rows.iter().map(|[when, what, role]| format!("  {when:first$}  {what:second$}  {role}")).collect()
}

fn intervals(witnesses: &[Witness], clock: Clock) -> Vec<String> {
    let told = witnesses.iter().zip(words::intervals(witnesses));
    told.map(|(witness, since_start)| match (clock, witness.invoked_at) {
        (Clock::Wall(_), Some(from)) => clock.interval(from, witness.completed_at),
        _ => since_start,
    })
    .collect()
}

fn details(verdict: &Verdict) -> Vec<String> {
    let endings = format!("besides  {}", words::not_ok(&verdict.coverage));
    let properties = verdict.properties.iter().map(|property| {
        let measured = if property.judged { "" } else { " (measured)" };
        format!("{:<8} {}{measured}: {}", words::outcome(property.outcome), property.name, text(property))
    });
    let latencies = verdict.coverage.latency_us.iter().map(|(kind, quantiles)| {
        let [p50, p99, max] = [quantiles.p50, quantiles.p99, quantiles.max].map(words::latency);
        format!("latency  {kind}: p50 {p50}, p99 {p99}, max {max}")
    });
    let availability = verdict.availability.iter().flat_map(|measured| {
        let rows = availability::rows(measured).into_iter().map(|row| row.join("  "));
        let outages = availability::outages(measured).into_iter().map(|row| {
            format!("{} on {}: first write {}; unavailable {}; back after {}", row[0], row[1], row[2], row[3], row[4])
        });
        std::iter::once(availability::HEADS.join("  ")).chain(rows).chain(outages)
    });
    let availability = availability.map(|line| format!("measured {line}"));
    [endings]
        .into_iter()
        .chain(properties)
        .chain(latencies)
        .chain(availability)
        .map(|line| words::printable(&line))
        .collect()
}

/// How much the machine had to do besides, which only who ran the nodes has measured.
fn strain(verdict: &Verdict) -> String {
    let strain = &verdict.coverage.strain;
    format!(
        "machine  timers late by {:.1} ms (median), {:.1} ms at most; {:.0} % of the processor stolen",
        strain.scheduler_lag_ms_p50,
        strain.scheduler_lag_ms_max,
        strain.stolen_cpu * 100.0
    )
}

fn text(property: &Property) -> String {
    words::sentence(&property.summary)
}

fn painted(word: &str, outcome: Outcome, style: Style) -> String {
    if !style.colours {
        return word.to_owned();
    }
    let colour = match outcome {
        _ if word == "FAILED" => 35,
        Outcome::Valid => 32,
        Outcome::Unknown | Outcome::Vacuous => 33,
        Outcome::Invalid => 31,
    };
    format!("\u{1b}[1;{colour}m{word}\u{1b}[0m")
}

/// `head`, and `text` from the column `indent` on, broken between words where the terminal ends.
fn wrapped(head: &str, indent: usize, text: &str, style: Style) -> String {
    let visible = if head.starts_with('\u{1b}') { indent.saturating_sub(2) } else { head.chars().count() };
    let mut line = format!("{head}{}", " ".repeat(indent.saturating_sub(visible)));
    let Some(width) = style.width.filter(|width| *width > indent + 20) else { return line + text };
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > width {
            line.push('\n');
            line.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            line.push(' ');
            column += 1;
        }
        line.push_str(word);
        column += length;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::junit::junit;
    use crate::report::sample;

    const PLACE: &str = "results/nwr-register-standard/20260824T021700Z-7f3a";

    fn shown(verdict: &Verdict, style: Style) -> String {
        terminal(&sample::run_file(), verdict, PLACE, style)
    }

    #[test]
    fn a_violation_with_its_proof() {
        insta::assert_snapshot!(shown(&sample::invalid(), Style::default()));
    }

    #[test]
    fn a_valid_run() {
        insta::assert_snapshot!(shown(&sample::valid(), Style { verbose: true, ..Style::default() }));
    }

    #[test]
    fn only_who_ran_the_nodes_tells_of_the_machine() {
        let style = Style { verbose: true, ..Style::default() };
        let of_run = again(Some(&sample::run_file()), &sample::valid(), &[], PLACE, style);
        assert!(of_run.contains("\nmachine  timers late by "), "{of_run}");
        let bare = again(None, &sample::valid(), &[], PLACE, style);
        assert!(bare.contains("\nbesides  ") && !bare.contains("\nmachine "), "{bare}");
    }

    #[test]
    fn a_failure_of_the_harness_that_was_interrupted_too() {
        let mut verdict = sample::valid();
        verdict.outcome = Outcome::Vacuous;
        verdict.properties[0].outcome = Outcome::Vacuous;
        verdict.properties[0].summary = "no operation ended ok".to_owned();
        verdict.harness_failure = Some("n3 did not say that it is ready within 10 s".to_owned());
        verdict.interrupted = Some(15);
        insta::assert_snapshot!(shown(&verdict, Style::default()));
    }

    #[test]
    fn a_narrow_terminal_breaks_lines_between_words() {
        let text = shown(&sample::invalid(), Style { width: Some(60), ..Style::default() });
        insta::assert_snapshot!(text);
    }

    #[test]
    fn long_values_are_shortened_wherever_they_are_told() {
        let value = format!("\"{}\"", "ä".repeat(100_000));
        let mut verdict = sample::invalid();
        verdict.properties[0].summary = format!("no order has the read of {value} at n1");
        let counterexample = verdict.properties[0].counterexample.as_mut().unwrap();
        counterexample.operations[0].did = format!("wrote {value}");
        counterexample.operations[0].role = format!("overwrote {value}");
        counterexample.because[0] = format!("{value} was read");
        let text = shown(&verdict, Style::default());
        assert!(text.lines().all(|line| line.chars().count() < 500), "{text}");
        assert!(text.matches("characters left out").count() >= 4, "{text}");
        assert!(text.contains("no order has the read of \"ä") && text.contains("ä\" at n1"), "{text}");
        for page in
            [crate::report::summary::summary(&sample::run_file(), &verdict), junit(&sample::run_file(), &verdict)]
        {
            assert!(page.len() < 20_000 && page.contains("characters left out"), "{page}");
        }
    }

    #[test]
    fn colours_are_the_only_difference_that_a_terminal_makes() {
        let coloured = shown(&sample::invalid(), Style { colours: true, ..Style::default() });
        assert!(coloured.contains("\u{1b}[1;31mINVALID\u{1b}[0m  register"), "{coloured}");
        let plain = coloured.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", "");
        assert_eq!(plain, shown(&sample::invalid(), Style::default()));
    }
}
