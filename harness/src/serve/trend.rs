//! A test over nights: a mark for each of its runs, in the order in which they were made.

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

/// The page of one test, or of all of them, each in a row.
pub(super) fn page(wanted: &Wanted, all: &[Entry]) -> String {
    let mut labels: Vec<&str> = all.iter().map(|entry| entry.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    labels.retain(|label| wanted.label.is_empty() || *label == wanted.label);
    framed(
        &Head { title: "trend", refresh: None },
        &html! {
            h1 { "Trend" }
            p.quiet { "A bar is a run, the oldest on the left; its height is the 99th percentile of latency, its colour the verdict." }
            @for label in labels {
                @let runs: Vec<&Entry> = all.iter().filter(|entry| entry.label == label).collect();
                section {
                    h2 { a href=(format!("/trend?label={}", encoded(label))) { (words::printable(label)) } " " span.quiet { (told(&runs)) } }
                    (bars(&runs))
                }
            }
        },
    )
}

/// `20 runs: 18 valid, 2 invalid`.
fn told(runs: &[&Entry]) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
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
                        title { (run.id) " " (run.state.word()) @if let Some((_, p99)) = run.latency_us { ", p99 " (words::latency(p99)) } }
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
}
