//! The pages, as functions of what folders hold. They run no script; filters are forms.

use std::path::Path;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use schism_checker::verdict::Outcome;

use super::index::{self, Entry, State};
use super::query::Wanted;
use super::trend::encoded;
use crate::budget::CheckBudget;
use crate::compare::{self, Compared, Comparison, FORMAT, ObserveError};
use crate::folder::{RunFolder, file};
use crate::report::words;

/// So many runs and files are listed; how many there are is said.
const RUNS_MAX: usize = 500;
const FILES_MAX: usize = 200;
/// How deep files are listed below a run folder.
const DEPTH_MAX: usize = 4;
/// How often the page of a run that goes on is made again, in seconds.
const REFRESH: u32 = 2;
/// The most that two runs side by side may take to be looked at.
const LEVEL_TIME: Duration = Duration::from_secs(2);
const LEVEL_MEMORY: u64 = 256 << 20;

/// An answer.
pub(super) struct Page {
    status: StatusCode,
    text: String,
    /// Whether the page brings a style of its own alone, as kept pages do.
    styled: bool,
}

impl Page {
    /// A page that is there.
    pub(super) fn ok(text: String) -> Self {
        Page { status: StatusCode::OK, text, styled: false }
    }

    /// What is not there.
    pub(super) fn missing() -> Self {
        let body = html! { h1 { "There is no such page" } p { a href="/" { "All runs" } } };
        Page {
            status: StatusCode::NOT_FOUND,
            text: framed(&Head { title: "not found", refresh: None }, &body),
            styled: false,
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, Html(self.text)).into_response();
        if self.styled {
            let policy = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// What stands at the head of a page.
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    /// After how many seconds it is asked for again.
    pub(super) refresh: Option<u32>,
}

/// A page with the frame that all have.
pub(super) fn framed(head: &Head<'_>, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = head.refresh { meta http-equiv="refresh" content=(seconds); }
                title { (words::printable(head.title)) " · schism" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                nav { a href="/" { "Runs" } a href="/trend" { "Trend" } }
                main { (body) }
            }
        }
    }
    .into_string()
}

/// Where the page of a run is.
pub(super) fn run_address(label: &str, id: &str) -> String {
    format!("/run/{}/{}", encoded(label), encoded(id))
}

/// The class of a state: told by colour as well as by word.
pub(super) fn tone(state: &State) -> &'static str {
    match state {
        State::Judged(Outcome::Valid) => "good",
        State::Judged(Outcome::Invalid) | State::Failed | State::Damaged(_) => "bad",
        State::Judged(Outcome::Unknown | Outcome::Vacuous) | State::CutOff => "doubt",
        State::Running => "live",
    }
}

/// All runs, as they are wanted.
pub(super) fn runs(wanted: &Wanted, all: &[Entry]) -> String {
    let found = wanted.of(all);
    let refresh = all.iter().any(|entry| entry.state == State::Running).then_some(REFRESH * 5);
    let body = html! {
        h1 { (words::counted(all.len() as u64, "run")) }
        (form(wanted))
        @if found.len() != all.len() { p.quiet { (words::thousands(found.len() as u64)) " of them match" } }
        div.wide { table {
            thead { tr {
                th { "verdict" } th { "system" } th { "workload" } th.number { "seed" } th.number { "ok" } th.number { "p50 / p99" }
                th { "broken" } th { "run" }
            } }
            tbody { @for entry in found.iter().take(RUNS_MAX) { (line(entry)) } }
        } }
        @if found.len() > RUNS_MAX { p.quiet { "The first " (RUNS_MAX) " are shown: filter for the others." } }
    };
    framed(&Head { title: "runs", refresh }, &body)
}

fn form(wanted: &Wanted) -> Markup {
    let choice = |value: &'static str, chosen: &str, text: &str| {
        html! { option value=(value) selected[value == chosen] { (text) } }
    };
    html! {
        form method="get" action="/" {
            input type="search" name="q" value=(wanted.q) placeholder="system, workload, property, seed, id …" aria-label="search";
            select name="outcome" aria-label="verdict" {
                (choice("", &wanted.outcome, "every verdict"))
                @for word in ["invalid", "valid", "vacuous", "unknown", "failed", "running", "cut off", "damaged"] {
                    (choice(word, &wanted.outcome, word))
                }
            }
            select name="sort" aria-label="order" {
                (choice("", &wanted.sort, "newest first"))
                (choice("outcome", &wanted.sort, "worst first"))
                (choice("system", &wanted.sort, "by system"))
                (choice("ok", &wanted.sort, "most operations first"))
            }
            button type="submit" { "Show" }
        }
    }
}

fn line(entry: &Entry) -> Markup {
    let latency = entry.latency_us.map(|(p50, p99)| format!("{} / {}", words::latency(p50), words::latency(p99)));
    html! {
        tr {
            td class=(tone(&entry.state)) { (entry.state.word()) }
            td { code { (words::printable(&entry.system)) } }
            td { (words::printable(&entry.workload)) }
            td.number { (entry.seed) }
            td.number { (words::thousands(entry.ok)) }
            td.number { (latency.unwrap_or_default()) }
            td { (words::printable(&entry.broken.join(", "))) }
            td { a href=(run_address(&entry.label, &entry.id)) { (words::printable(&entry.id)) } }
        }
    }
}

/// One run: what it came to, its files, and with what it may be compared.
pub(super) fn run(label: &str, folder: &RunFolder) -> String {
    let entry = index::read(folder);
    let base = format!("/file/{}/{}", encoded(label), encoded(&folder.id));
    let refresh = (entry.state == State::Running).then_some(REFRESH);
    let body = html! {
        h1 { span class=(tone(&entry.state)) { (entry.state.word()) } " " code { (words::printable(&entry.system)) } }
        p.quiet { (words::printable(&entry.id)) ", seed " (entry.seed) ", " (words::printable(&entry.workload)) ", faults " (words::printable(&entry.faults)) ", started " (words::printable(&entry.started)) }
        @if let State::Damaged(why) = &entry.state { p.bad { "This folder is damaged: " (words::printable(why)) } }
        @if let Some(progress) = progress(folder, &entry.state) { (progress) }
        @if let Ok(verdict) = folder.verdict() {
            @for sentence in words::sentences(&verdict) { p { (words::sentence(sentence)) } }
            p { "Covered: " (words::printable(&words::covered(&verdict.coverage))) "." }
            p { "Again: " code { (words::printable(&verdict.again)) } }
        }
        @if folder.file(file::REPORT).is_file() { p { a href=(format!("{base}/{}", file::REPORT)) { "Open the report" } } }
        p { a href=(format!("/trend?system={}&workload={}&faults={}", encoded(&entry.system), encoded(&entry.workload), encoded(&entry.faults))) { "Trend of this test" } }
        @if matches!(entry.state, State::Judged(_) | State::Failed) {
            form method="get" action=(format!("/around/{}/{}", encoded(label), encoded(&entry.id))) {
                input type="search" name="op" inputmode="numeric" placeholder="index of an event, such as 5489" aria-label="index of an event";
                button type="submit" { "What went on around it" }
            }
        }
        (neighbours(label, folder))
        h2 { "Files" }
        (files(&base, &folder.path))
    };
    framed(&Head { title: &folder.id, refresh }, &body)
}

/// How far a run without a verdict has come, from the last line of its history.
fn progress(folder: &RunFolder, state: &State) -> Option<Markup> {
    let word = match state {
        State::Running => "so far",
        State::CutOff => "when it was cut off",
        _ => return None,
    };
    let last = last_line(&folder.file(file::HISTORY))?;
    let event: serde_json::Value = serde_json::from_str(&last).ok()?;
    let (index, time) = (event.get("index")?.as_u64()?, event.get("time")?.as_u64()?);
    let told = format!("{} events in {} s {word}", words::thousands(index + 1), words::seconds(time));
    // How long clients are driven is known; what follows (healing, final reads, the check) takes as long as it takes.
    let whole = folder.run_file().ok().map(|run| run.options.time.as_nanos()).filter(|whole| *whole > 0);
    Some(html! {
        @match whole {
            Some(whole) if u128::from(time) < whole => {
                p { progress max=(whole) value=(time) {} " " (told) ", of " (words::seconds(u64::try_from(whole).unwrap_or(u64::MAX))) " s under load." }
            }
            Some(_) => p { progress max="1" value="1" {} " " (told) ": the load is over, what is left are final reads and the check." },
            None => p { (told) "." },
        }
    })
}

/// The last whole line of a file, if it is not longer than lines of histories are.
fn last_line(path: &Path) -> Option<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = fs_err::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(16 * 1024))).ok()?;
    let mut end = Vec::new();
    file.take(16 * 1024).read_to_end(&mut end).ok()?;
    let whole = &end[..end.iter().rposition(|byte| *byte == b'\n')?];
    let begin = whole.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    Some(String::from_utf8_lossy(&whole[begin..]).into_owned())
}

/// The other runs of the same test, to be put beside this one.
fn neighbours(label: &str, folder: &RunFolder) -> Markup {
    let siblings = folder.path.parent().map(crate::folder::folders_in).unwrap_or_default();
    let mut others: Vec<String> = siblings
        .iter()
        .filter(|path| path.join(file::RUN).is_file())
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .filter(|id| *id != folder.id)
        .collect();
    others.sort_unstable_by(|a, b| b.cmp(a));
    others.truncate(10);
    let address =
        |other: &str| format!("/compare/{0}/{1}/{0}/{2}", encoded(label), encoded(&folder.id), encoded(other));
    html! {
        @if !others.is_empty() {
            h2 { "Side by side with" }
            ul { @for other in &others { li { a href=(address(other)) { (words::printable(other)) } } } }
        }
    }
}

fn files(base: &str, root: &Path) -> Markup {
    let mut found = Vec::new();
    listed(root, root, 0, &mut found);
    found.sort();
    html! {
        table { tbody {
            @for (name, bytes) in found.iter().take(FILES_MAX) {
                @let address = name.split('/').map(encoded).collect::<Vec<_>>().join("/");
                tr { td { a href=(format!("{base}/{address}")) { code { (words::printable(name)) } } } td.number { (words::thousands(*bytes)) } }
            }
        } }
        @if found.len() > FILES_MAX { p.quiet { (found.len() - FILES_MAX) " more are not listed." } }
    }
}

/// Files below a folder with their sizes; links are not followed.
fn listed(root: &Path, folder: &Path, depth: usize, found: &mut Vec<(String, u64)>) {
    let entries = fs_err::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(metadata) = fs_err::symlink_metadata(entry.path()) else { continue };
        if metadata.is_dir() && depth < DEPTH_MAX {
            listed(root, &entry.path(), depth + 1, found);
        } else if metadata.is_file()
            && let Ok(name) = entry.path().strip_prefix(root)
        {
            found.push((name.to_string_lossy().into_owned(), metadata.len()));
        }
    }
}

/// Two runs side by side.
pub(super) fn compared(one: &RunFolder, other: &RunFolder) -> Page {
    let observed = |folder: &RunFolder| compare::observe(folder, &CheckBudget::new(LEVEL_TIME, LEVEL_MEMORY));
    match (observed(one), observed(other)) {
        (Ok(one), Ok(other)) => {
            let name = |run: &str, system: &str| format!("{system}, run {}", words::short(run));
            let systems = [&one, &other].map(|(file, ran)| Compared {
                system: name(&ran.run, &file.options.system.to_string()),
                runs: vec![ran.clone()],
                cards: Vec::new(),
            });
            let comparison = Comparison {
                schism: "comparison".to_owned(),
                format: FORMAT,
                version: one.0.versions.to_string(),
                again: format!("schism compare {} {}", one.0.id, other.0.id),
                rung: one.0.rung.clone(),
                workload: one.0.options.workload.to_string(),
                requests: one.0.options.mix.iter().map(|(kind, _)| kind.clone()).collect(),
                systems: systems.into(),
            };
            Page { status: StatusCode::OK, text: compare::report::html::html(&comparison), styled: true }
        }
        (Err(error), _) | (_, Err(error)) => unreadable(&error),
    }
}

fn unreadable(error: &ObserveError) -> Page {
    let why = words::printable(&error.to_string());
    let body = html! { h1 { "These runs cannot be put side by side" } p.bad { (why) } };
    Page::ok(framed(&Head { title: "damaged", refresh: None }, &body))
}
