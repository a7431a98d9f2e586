//! `report.html`: one page for everything that a run shows, the proof of a violation first.
//!
//! What can be said in words stands in the page itself, so that it can be read where scripts do not run; what is drawn, the scripts
//! of `page` draw from the data at its end.

use maud::{DOCTYPE, Markup, html};
use schism_checker::history::History;
use schism_checker::verdict::{Counterexample, Outcome, Property};

use crate::folder::RunFile;
use crate::report::beside::Beside;
use crate::report::data::{self, Fault, data, faults, meanwhile};
use crate::report::{availability, inert, page, tested, words};
use crate::verdict::{Coverage, Verdict};

/// No text in the words of the page is longer than this, in characters.
const CHARACTERS_MAX: usize = 2_000;

/// The whole page. Everything in it that comes from the run is text. `run` is absent where only a history is known.
pub fn html(run: Option<&RunFile>, verdict: &Verdict, history: &History, beside: &Beside) -> String {
    let word = words::headline(verdict);
    let faults = faults(history);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (page::head())
                title { (word) " " (text(&verdict.system)) " · schism" }
            }
            body {
                (top(run, verdict))
                main {
                    @for property in words::deciding(verdict) { (proof(property, &faults)) }
                    div #drawn-proofs {}
                    (properties(verdict))
                    (covered(&verdict.coverage, &faults))
                    section #run hidden {}
                    section #charts hidden {}
                    (measured(verdict))
                    (absent(beside, history))
                }
                (foot(run))
                (page::scripts(&data(run, verdict, history, beside)))
            }
        }
    }
    .into_string()
}

/// A text of the run as it may stand in the page.
fn text(text: &str) -> String {
    inert::short(&inert::brief(text), CHARACTERS_MAX)
}

/// The verdict in a sentence, and what repeats it.
fn top(run: Option<&RunFile>, verdict: &Verdict) -> Markup {
    let word = words::headline(verdict);
    html! {
        header class=(word.to_lowercase()) {
            p.line {
                span.verdict { (word) } " " code.system { (text(&verdict.system)) }
                @if !verdict.workload.is_empty() { span.quiet { " under " (text(&verdict.workload)) } }
            }
            h1 { (sentence(verdict)) }
            @if verdict.outcome == Outcome::Invalid {
                @if let Some(failure) = &verdict.harness_failure { p.failed { "Besides, the harness failed: " (text(failure)) } }
            }
            @if verdict.interrupted.is_some() { p.doubt { "The run was interrupted before its end." } }
            p.facts {
                (words::operations(&verdict.coverage)) ", " (words::not_ok(&verdict.coverage)) " · "
                (words::faults(&verdict.coverage.faults))
                @if let Some(run) = run { " · seed " (run.seed) " · run " code { (text(&run.id)) } }
            }
            (tested::on_page(run))
            @if !verdict.again.is_empty() {
                p.again { span.quiet { "again " } code #again { (text(&verdict.again)) } button #copy type="button" hidden { "copy" } }
            }
        }
    }
}

/// The verdict in a sentence.
fn sentence(verdict: &Verdict) -> String {
    let sentences = words::sentences(verdict);
    let first = sentences.first().map_or_else(|| "no property was judged".to_owned(), |first| text(first));
    match (verdict.outcome, sentences.len().saturating_sub(1)) {
        (_, 0) => first,
        (Outcome::Valid, more) => format!("{first}; {more} more promises were kept"),
        (_, more) => format!("{first}; and {more} more, below"),
    }
}

/// A broken property in words; its picture is drawn beside them.
fn proof(property: &Property, faults: &[Fault]) -> Markup {
    html! {
        @if let Some(counterexample) = &property.counterexample {
            section.proof data-property=(text(&property.name)) {
                h2 { "Why " (text(&property.name)) " is broken" @if let Some(key) = &counterexample.key { " at key " code { (inert::value(key, 200)) } } }
                div.picture {}
                div.words {
                    (operations(counterexample))
                    h3 { "Meanwhile" }
                    ul { @for fault in meanwhile(counterexample, faults) { li { (fault) } } }
                    (because(counterexample))
                    @for suspect in &property.suspects { p { strong { "Suspect: " } (text(suspect)) } }
                    (tried(counterexample))
                }
                div.graph {}
                div.around {}
            }
        }
    }
}

fn operations(counterexample: &Counterexample) -> Markup {
    html! {
        @if !counterexample.operations.is_empty() {
            table.proof {
                @for (witness, when) in counterexample.operations.iter().zip(words::intervals(&counterexample.operations)) {
                    tr data-invoked=(witness.invoked) {
                        td.when { (when) }
                        td { (text(&words::deed(witness))) @if !witness.role.is_empty() { " " span.quiet { (text(&witness.role)) } } }
                    }
                }
            }
        }
    }
}

fn because(counterexample: &Counterexample) -> Markup {
    html! {
        @if !counterexample.because.is_empty() {
            h3 { @if counterexample.moments.is_empty() { "Because" } @else { "What the nodes noted" } }
            ol { @for because in &counterexample.because { li { (text(because)) } } }
        }
    }
}

/// How far an order goes, and at which operation it stops; the same numbers stand on the bars.
fn tried(counterexample: &Counterexample) -> Markup {
    html! {
        @if let Some(tried) = &counterexample.tried {
            h3 { "How far an order goes" }
            p { (words::order(tried)) ":" }
            ol.tried {
                @for placed in &tried.placed {
                    li {
                        (text(&words::deed(&placed.operation)))
                        @if tried.placed.len() < tried.length { " " span.quiet { (words::place(placed.place, tried.length)) } }
                    }
                }
                li.stopped { (text(&words::deed(&tried.stopped))) " cannot follow: " (text(&tried.why)) ". No other order goes further." }
            }
        }
    }
}

fn properties(verdict: &Verdict) -> Markup {
    let (judged, only_measured): (Vec<&Property>, Vec<&Property>) =
        verdict.properties.iter().partition(|property| property.judged);
    html! {
        section #properties {
            h2 { "Properties" }
            (property_table(&judged))
            @if !only_measured.is_empty() {
                details {
                    summary { (only_measured.len()) " more were measured; they do not count for the verdict" }
                    (property_table(&only_measured))
                }
            }
        }
    }
}

fn property_table(properties: &[&Property]) -> Markup {
    html! {
        div.wide { table {
            @for property in properties {
                tr {
                    td.name { (text(&property.name)) }
                    td class=(words::outcome(property.outcome)) { (words::outcome(property.outcome)) }
                    td { (text(&property.summary)) }
                }
            }
        } }
    }
}

fn covered(coverage: &Coverage, faults: &[Fault]) -> Markup {
    html! {
        section #covered {
            h2 { "Covered" }
            div.pair {
                div.wide { table {
                    tr { th { "operation" } th.number { "ok" } th.number { "fail" } th.number { "info" } th.number { "p50" } th.number { "p99" } th.number { "max" } }
                    @for (kind, endings) in &coverage.operations {
                        tr {
                            td { (text(kind)) }
                            @for count in [endings.ok, endings.fail, endings.info] { td.number { (words::thousands(count)) } }
                            @match coverage.latency_us.get(kind) {
                                Some(quantiles) => { @for value in [quantiles.p50, quantiles.p99, quantiles.max] { td.number { (words::latency(value)) } } }
                                None => { td {} td {} td {} }
                            }
                        }
                    }
                } }
                (fault_table(faults))
            }
        }
    }
}

/// Every fault with its proof.
fn fault_table(faults: &[Fault]) -> Markup {
    let time = |time: Option<u64>| time.map_or_else(String::new, words::seconds);
    html! {
        @if !faults.is_empty() {
            details open[faults.len() <= 12] {
                summary { (faults.len()) " faults, each with what proved it" }
                div.wide { table {
                    tr { th { "fault" } th { "from" } th { "to" } th { "to whom" } th { "proof" } }
                    @for fault in faults {
                        tr {
                            td { (fault.kind) @if let Some(shape) = &fault.shape { " (" (shape) ")" } }
                            td.number { (time(Some(fault.begin))) }
                            td.number { (time(fault.end)) }
                            td { (fault.targets.join(", ")) @if !fault.cut.is_empty() { span.quiet { " cuts " (fault.cut.join(" ")) } } }
                            td { code { (fault.proof.as_deref().or(fault.fate.as_deref()).unwrap_or("none")) } }
                        }
                    }
                } }
            }
        }
    }
}

/// Availability by phase and side, as it was measured.
fn measured(verdict: &Verdict) -> Markup {
    html! {
        @if let Some(measured) = &verdict.availability {
            section #availability {
                h2 { "Availability by side" }
                (plain_table(&availability::HEADS, &availability::rows(measured)))
                @if !measured.outages.is_empty() {
                    details {
                        summary { "What each fault did to each side" }
                        (plain_table(&availability::OUTAGE_HEADS, &availability::outages(measured)))
                    }
                }
            }
        }
    }
}

fn plain_table(heads: &[&str], rows: &[Vec<String>]) -> Markup {
    html! {
        div.wide { table {
            tr { @for head in heads { th { (head) } } }
            @for row in rows { tr { @for cell in row { td { (text(cell)) } } } }
        } }
    }
}

/// What the page cannot tell, and why.
fn absent(beside: &Beside, history: &History) -> Markup {
    let cut = history.cut.as_ref().map(|cut| format!("the end of the history: it was cut off at line {}", cut.line));
    let all: Vec<&String> = cut.iter().chain(&beside.absent).collect();
    html! {
        @if !all.is_empty() {
            section #absent { h2 { "Absent" } ul { @for absent in all { li { (text(absent)) } } } }
        }
    }
}

fn foot(run: Option<&RunFile>) -> Markup {
    html! {
        footer {
            @if let Some(run) = run {
                p {
                    "Made by " code { (text(&run.argv.join(" "))) } ": run " code { (text(&run.id)) } ", seed " (run.seed) ", started "
                    (text(&run.started)) ", network " (text(&run.rung)) ", " (text(&run.machine.platform)) " with " (run.machine.cores)
                    " cores, schism " (text(&run.versions.to_string())) "."
                }
            }
            p.quiet { "Charts are drawn with uPlot 1.6.32 (MIT). The page is one file and asks nobody for anything." }
        }
    }
}

/// The stretches of time around which [`html()`] shows notes and messages.
pub use data::windows;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    /// The page without what does not depend on the run.
    fn words_of(page: &str) -> String {
        let body = page.split_once("<body>").unwrap().1;
        let (words, scripts) = body.split_once("<script id=\"data\"").unwrap();
        let data = scripts.split_once('>').unwrap().1.split_once("</script>").unwrap().0;
        format!("{}\n\n{data}\n", words.replace("><", ">\n<"))
    }

    #[test]
    fn a_violation_with_its_proof() {
        let page = html(Some(&sample::run_file()), &sample::invalid(), &sample::history(), &Beside::default());
        insta::assert_snapshot!(words_of(&page));
    }

    #[test]
    fn nothing_in_a_run_folder_is_markup() {
        let mut verdict = sample::invalid();
        let attack = "<script>alert(1)</script>\"'\u{202e}\u{1b}";
        verdict.system = attack.to_owned();
        verdict.again = attack.to_owned();
        verdict.harness_failure = Some(attack.to_owned());
        verdict.properties[0].summary = attack.to_owned();
        let counterexample = verdict.properties[0].counterexample.as_mut().unwrap();
        counterexample.because[0] = attack.to_owned();
        counterexample.operations[0].did = attack.to_owned();
        counterexample.key = Some(attack.into());
        let mut history = sample::history();
        history.events[0].value = serde_json::json!({ "targets": [attack], "cut": [attack] });
        let page = html(Some(&sample::run_file()), &verdict, &history, &Beside::default());
        assert_eq!(page.matches("<script").count(), 3, "the page's own");
        assert!(page.matches("&lt;script&gt;").count() >= 8, "{}", words_of(&page));
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
        let page = words_of(&page);
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("src="), "{page}");
    }
}
