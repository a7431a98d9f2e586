//! `report.html`: one self-contained page that needs no network and no script.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use schism_checker::history::{Event, History, Process};
use schism_checker::verdict::{Counterexample, Property};
use serde_json::Value;

use crate::folder::RunFile;
use crate::report::words;
use crate::verdict::{Coverage, Verdict};

/// What the page may load: nothing but its own style sheet.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = "
:root { color-scheme: light dark; --edge: light-dark(#ccc, #444); --bad: light-dark(#b00020, #ff7a85);
  --good: light-dark(#1a6b2d, #7bd88f); --doubt: light-dark(#8a5a00, #ffc66d); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .3rem .6rem;
  border-bottom: 1px solid var(--edge); vertical-align: top; }
code, pre { font: .9rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; } pre { white-space: pre-wrap; }
.invalid, .failed { color: var(--bad); } .valid { color: var(--good); } .unknown, .vacuous { color: var(--doubt); }
";

/// The whole page. Everything in it that comes from the run is text.
pub fn html(run: &RunFile, verdict: &Verdict, history: &History) -> String {
    let word = words::headline(verdict);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (word) " " (verdict.system) " · schism" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { span class=(word.to_lowercase()) { (word) } " " code { (verdict.system) } }
                @for sentence in words::sentences(verdict) { p { (sentence) } }
                (warnings(verdict))
                @for property in words::deciding(verdict) { (proof(property)) }
                (properties(verdict))
                (covered(&verdict.coverage))
                (faults(history))
                (again(run, verdict))
            }
        }
    }
    .into_string()
}

fn warnings(verdict: &Verdict) -> Markup {
    html! {
        @if let Some(failure) = &verdict.harness_failure { p.failed { "The harness failed: " (failure) } }
        @if verdict.interrupted.is_some() { p.doubt { "The run was interrupted before its end." } }
    }
}

fn proof(property: &Property) -> Markup {
    html! {
        @if let Some(counterexample) = &property.counterexample {
            h2 { "Why " (property.name) " is broken" }
            (operations(counterexample))
            @for because in &counterexample.because { p { "because " (because) } }
        }
    }
}

fn operations(counterexample: &Counterexample) -> Markup {
    html! {
        @if let Some(key) = &counterexample.key { p { "Key " code { (key) } } }
        table {
            tr { th { "when" } th { "what" } th { "" } th { "events" } }
            @for witness in &counterexample.operations {
                tr {
                    td { (words::interval(witness)) }
                    td { (words::deed(witness)) }
                    td { (witness.role) }
                    td { (witness.invoked) @if let Some(completed) = witness.completed { ", " (completed) } }
                }
            }
        }
    }
}

fn properties(verdict: &Verdict) -> Markup {
    html! {
        h2 { "Properties" }
        table {
            tr { th { "property" } th { "outcome" } th { "" } }
            @for property in &verdict.properties {
                tr {
                    td { (property.name) @if !property.judged { " (measured)" } }
                    td class=(words::outcome(property.outcome)) { (words::outcome(property.outcome)) }
                    td { (property.summary) }
                }
            }
        }
    }
}

fn covered(coverage: &Coverage) -> Markup {
    html! {
        h2 { "Covered" }
        p { (words::covered(coverage)) ". Besides, " (words::not_ok(coverage)) "." }
        @if !coverage.latency_us.is_empty() {
            table {
                tr { th { "latency" } th { "p50" } th { "p95" } th { "p99" } th { "max" } }
                @for (kind, quantiles) in &coverage.latency_us {
                    tr {
                        td { (kind) }
                        @for value in [quantiles.p50, quantiles.p95, quantiles.p99, quantiles.max] {
                            td { (words::latency(value)) }
                        }
                    }
                }
            }
        }
    }
}

/// Every event of the faults, with its proof, as the history has it.
fn faults(history: &History) -> Markup {
    let nemesis = |event: &&Event| matches!(&event.process, Process::Named(name) if &**name == "nemesis");
    let events: Vec<&Event> = history.events.iter().filter(nemesis).collect();
    html! {
        @if !events.is_empty() {
            h2 { "Faults" }
            table {
                tr { th { "when" } th { "entry" } th { "fault" } th { "phase" } th { "to whom, and its proof" } }
                @for event in events {
                    tr {
                        td { @if let Some(time) = event.time { (words::seconds(time)) " s" } }
                        td { (plain(event.extra.get("id"))) }
                        td { (event.f) }
                        td { (plain(event.extra.get("phase"))) }
                        td { @if !event.value.is_null() { code { (event.value) } } }
                    }
                }
            }
        }
    }
}

fn again(run: &RunFile, verdict: &Verdict) -> Markup {
    html! {
        h2 { "Again" }
        pre { (verdict.again) }
        p {
            "Made by " code { (run.argv.join(" ")) } ": run " code { (run.id) } ", seed " (run.seed) ", started "
            (run.started) ", network " (run.rung) ", " (run.machine.platform) " with " (run.machine.cores)
            " cores, schism " (run.versions) "."
        }
    }
}

/// A JSON string without its quotes; anything else as it is written.
fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_violation_with_its_proof() {
        insta::assert_snapshot!(html(&sample::run_file(), &sample::invalid(), &sample::history()));
    }

    #[test]
    fn nothing_in_a_run_folder_is_markup() {
        let mut verdict = sample::invalid();
        let attack = "<script>alert(1)</script>\"'";
        verdict.system = attack.to_owned();
        verdict.again = attack.to_owned();
        verdict.harness_failure = Some(attack.to_owned());
        verdict.properties[0].summary = attack.to_owned();
        let counterexample = verdict.properties[0].counterexample.as_mut().unwrap();
        counterexample.because[0] = attack.to_owned();
        counterexample.operations[0].did = attack.to_owned();
        counterexample.key = Some(attack.into());
        let mut history = sample::history();
        history.events[0].value = attack.into();
        let page = html(&sample::run_file(), &verdict, &history);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.matches("&lt;script&gt;").count() >= 8, "{page}");
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="), "{page}");
    }
}
