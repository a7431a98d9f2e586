//! A test over nights: a mark for each of its runs, in the order in which they were made.
//!
//! A test is a system under a workload with faults, as run.json has them: the name of a folder is only a label, which two tests may
//! share where it had to be cut, and one test may be kept in several.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::index::Entry;
use super::pages::{Head, framed, run_address, tone};
use super::query::Wanted;
use crate::report::words;

/// Width of a mark and height of the plot, in pixels.
const STEP: usize = 14;
const HEIGHT: f64 = 90.0;
/// So many runs are shown, the newest ones.
const RUNS_MAX: usize = 120;
/// How much of a date is shown below the plot: the day and the minute.
const DATE_CHARACTERS: usize = 16;

/// A system, a workload and faults.
type Test<'a> = (&'a str, &'a str, &'a str);

fn test(entry: &Entry) -> Test<'_> {
    (&entry.system, &entry.workload, &entry.faults)
}

/// The page of one test, or of all of them, each in a row.
pub(super) fn page(wanted: &Wanted, all: &[Entry]) -> String {
    let mut tests: BTreeMap<Test<'_>, Vec<&Entry>> = BTreeMap::new();
    // The oldest first.
    for entry in wanted.of(all).into_iter().rev() {
        tests.entry(test(entry)).or_default().push(entry);
    }
    framed(
        &Head { title: "trend", refresh: None },
        &html! {
            h1 { "Trend" }
            p.quiet { "A bar is a run, the oldest on the left; its height is the 99th percentile of latency, its colour the verdict. Runs of one system, workload and faults make a row." }
            (form(wanted, all))
            @for (test, runs) in &tests { (row(*test, runs)) }
            @if tests.is_empty() { p { "No run is of this test." } }
        },
    )
}

fn row((system, workload, faults): Test<'_>, runs: &[&Entry]) -> Markup {
    let part = |name: &str, value: &str| format!("{name}={}", encoded(value));
    let address =
        format!("/trend?{}&{}&{}", part("system", system), part("workload", workload), part("faults", faults));
    let day = |run: Option<&&Entry>| run.map(|run| run.started.chars().take(DATE_CHARACTERS).collect::<String>());
    html! {
        section {
            h2 {
                @if system.is_empty() { "What cannot be read" } @else {
                    a href=(address) { code { (words::printable(system)) } " under " (words::printable(workload)) ", faults " (words::printable(faults)) }
                }
                " " span.quiet { (told(runs)) }
            }
            (bars(runs))
            p.quiet { (words::printable(&day(runs.first()).unwrap_or_default())) " … " (words::printable(&day(runs.last()).unwrap_or_default())) }
        }
    }
}

/// A choice of each of the three, among what there is.
fn form(wanted: &Wanted, all: &[Entry]) -> Markup {
    let choice = |name: &str, every: &str, chosen: &str, of: &dyn Fn(&Entry) -> String| {
        let values: BTreeSet<String> = all.iter().map(of).filter(|value| !value.is_empty()).collect();
        html! {
            select name=(name) aria-label=(name) {
                option value="" { (every) }
                @for value in &values { option value=(value) selected[value == chosen] { (words::printable(value)) } }
            }
        }
    };
    html! {
        form method="get" action="/trend" {
            (choice("system", "every system", &wanted.system, &|entry| entry.system.clone()))
            (choice("workload", "every workload", &wanted.workload, &|entry| entry.workload.clone()))
            (choice("faults", "all faults", &wanted.faults, &|entry| entry.faults.clone()))
            button type="submit" { "Show" }
        }
    }
}

/// `20 runs: 18 valid, 2 invalid`.
fn told(runs: &[&Entry]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for run in runs {
        *counts.entry(run.state.word()).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{}: {}", words::counted(runs.len() as u64, "run"), parts.join(", "))
}

fn bars(runs: &[&Entry]) -> Markup {
    let shown = &runs[runs.len().saturating_sub(RUNS_MAX)..];
    let slowest = shown.iter().filter_map(|run| run.latency_us).map(|(_, p99)| p99).max().unwrap_or(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "heights of bars")]
    let height =
        |run: &Entry| run.latency_us.map_or(4.0, |(_, p99)| 4.0 + (HEIGHT - 4.0) * p99 as f64 / slowest as f64);
    html! {
        div.wide { svg.trend width=(STEP * shown.len() + 2) height=(HEIGHT) role="img" aria-label=(told(runs)) {
            @for (place, run) in shown.iter().enumerate() {
                @let high = height(run);
                a href=(run_address(&run.label, &run.id)) {
                    rect class=(tone(&run.state)) x=(STEP * place + 2) width=(STEP - 3)
                        y=(format!("{:.1}", HEIGHT - high)) height=(format!("{high:.1}")) {
                        title { (run.id) " " (run.state.word()) ", seed " (run.seed) @if let Some((_, p99)) = run.latency_us { ", p99 " (words::latency(p99)) } }
                    }
                }
            }
        } }
    }
}

/// A text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_of_plain_characters() {
        assert_eq!(encoded("raft-register"), "raft-register");
        assert_eq!(encoded("a b\"<é"), "a%20b%22%3C%C3%A9");
    }

    fn entry(label: &str, id: &str, system: &str, faults: &str) -> Entry {
        let [label, id, system, faults] = [label, id, system, faults].map(str::to_owned);
        Entry { label, id, system, faults, workload: "register".to_owned(), ..Entry::default() }
    }

    #[test]
    fn a_test_is_a_system_a_workload_and_faults_whatever_its_folder_is_called() {
        // A label that was cut stands for two tests, and one test was moved to another folder.
        let all = [
            entry("cut", "1", "raft:n=3", "partition"),
            entry("cut", "2", "raft:n=5", "partition"),
            entry("moved", "3", "raft:n=3", "partition"),
            entry("cut", "4", "raft:n=3", "none"),
        ];
        let rows = |wanted: &Wanted| page(wanted, &all).matches("<section>").count();
        assert_eq!(rows(&Wanted::default()), 3);
        let of = |system: &str| Wanted { system: system.to_owned(), ..Wanted::default() };
        assert_eq!(rows(&of("raft:n=3")), 2);
        assert_eq!(rows(&of("raft")), 0, "a system is meant whole");
        let one = Wanted { faults: "partition".to_owned(), ..of("raft:n=3") };
        let page = page(&one, &all);
        assert!(page.contains("2 runs") && page.contains("/run/cut/1") && page.contains("/run/moved/3"), "{page}");
        assert!(page.find("/run/cut/1") < page.find("/run/moved/3"), "the oldest comes first: {page}");
    }
}
