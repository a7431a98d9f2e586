//! `schism check`: judges recorded histories.

use std::io::BufReader;
use std::path::Path;
use std::time::{Duration, Instant};

use schism_checker::formats::NotPaired;
use schism_checker::history::{Cut, HistoryError, PairedHistory};
use schism_checker::linearizability::{self, CheckError, Options};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Property;
use schism_checker::weaker::{self, Level, NoLevel};
use schism_checker::{formats, proof};
use serde_json::json;

use crate::budget::{CheckBudget, Measured};
use crate::cli::args::CheckArgs;
use crate::cli::check_table::{Judged, Row};
use crate::cli::histories::Candidate;
use crate::cli::model::{self, Chosen};
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::signals::Stopper;
use crate::cli::values::{self, Wrong};
use crate::cli::{check_quorum, check_table, follow, histories, output, run};
use crate::exit::ExitCode;
use crate::report::{terminal, words};
use crate::spec::suggest;

/// What was read of a file.
pub(super) struct Seen {
    pub(super) events: usize,
    pub(super) cut: Option<Cut>,
}

/// What was asked of every file.
pub(super) struct Asked<'a> {
    args: &'a CheckArgs,
    pub(super) model: Option<ModelSpec>,
    levels: Vec<Level>,
    pub(super) options: Options,
    pub(super) time: Duration,
    pub(super) memory: u64,
    pub(super) stopper: &'a Stopper,
}

/// What became of a file.
pub(super) enum Became {
    /// By each of the levels that were asked for.
    Judged(ExitCode, Vec<Judged>),
    /// It is no history, and nobody said that it was.
    Skipped(String),
}

impl Became {
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Became::Judged(code, _) => *code,
            Became::Skipped(_) => ExitCode::Usage,
        }
    }
}

pub(crate) fn check(args: &CheckArgs, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    let mut problems = Problems(unknown);
    let model = args.model.as_deref().and_then(|text| model::given(&mut problems, text));
    let levels = problems.read("--consistency", &args.judging.consistency, vec![Level::Linearizable], levels);
    let weaker = levels != [Level::Linearizable];
    let failed_cas_asserts = problems.read("--failed-cas", &args.failed_cas, false, asserts);
    let (time, memory) = resolve::budget(&mut problems, &args.judging);
    if args.proof.is_some() && (weaker || failed_cas_asserts) {
        let what = "there are proofs of linearizability alone, with failed operations dropped";
        problems.0.push(Problem::new(what, "--proof", "the same without --proof"));
    }
    if args.follow && (weaker || failed_cas_asserts || args.files.len() > 1) {
        let what = "what is followed is one file, and whether it is linearizable, with failed operations dropped";
        problems.0.push(Problem::new(what, "--follow", "the same without --follow"));
    }
    let idle = args.idle.as_deref().map(|text| problems.read("--idle", text, Duration::ZERO, values::positive_time));
    problems.finish(()).map_err(Failure::usage)?;
    let results = resolve::results(&args.out);
    let mut worst = ExitCode::Done;
    let mut candidates = Vec::new();
    for name in &args.files {
        let found = if args.follow {
            histories::one(&results, name).map(|path| vec![Candidate { path, found: false, unpacked: None }])
        } else {
            histories::all(&results, name)
        };
        match found {
            Ok(found) => candidates.extend(found),
            Err(problem) => worst = worst.worst(told(&problem)),
        }
    }
    if args.proof.is_some() && candidates.len() > 1 {
        return Err(Problem::new("a proof is of one history", "--proof", "one file at a time").into());
    }
    let options = Options { failed_cas_asserts, ..Options::default() };
    let stopper = Stopper::install()?;
    let asked = Asked { args, model, levels, options, time, memory, stopper: &stopper };
    if let (true, [candidate]) = (args.follow, &candidates[..]) {
        return Ok(follow::follow(&asked, &candidate.path, idle).unwrap_or_else(|problem| told(&problem)));
    }
    Ok(worst.worst(all(&asked, &candidates)))
}

/// Judges one file after the other, and tells the worst code.
fn all(asked: &Asked<'_>, candidates: &[Candidate]) -> ExitCode {
    let mut worst = ExitCode::Done;
    let mut rows = Vec::new();
    let mut skipped = 0;
    for candidate in candidates {
        if let Some(code) = asked.stopper.stopped() {
            worst = worst.worst(code);
            break;
        }
        let file = candidate.path.display().to_string();
        // A file that cannot be read says nothing about the others.
        let judged = match one(asked, candidate) {
            Ok(Became::Judged(code, judged)) => {
                worst = worst.worst(code);
                judged.into_iter().map(Some).collect()
            }
            Ok(Became::Skipped(why)) => {
                skipped += 1;
                output::tell(&format!("skipped  {}", words::printable(&why)));
                continue;
            }
            Err(problem) => {
                worst = worst.worst(told(&problem));
                vec![None]
            }
        };
        rows.extend(judged.into_iter().map(|judged| Row { file: file.clone(), judged }));
    }
    worst = worst.worst(asked.stopper.stopped().unwrap_or(ExitCode::Done));
    if rows.is_empty() && skipped > 0 {
        let hint = "a folder with histories, or the path of one";
        return worst.worst(told(&Problem::new("none of these files is a history", "the command line", hint)));
    }
    if rows.len() > 1 && !asked.args.json {
        worst = worst.worst(output::emit(&format!("\n{}", check_table::table(&rows))));
    }
    worst
}

fn told(problem: &Problem) -> ExitCode {
    output::tell_problems(std::slice::from_ref(problem));
    ExitCode::Usage
}

pub(super) fn one(asked: &Asked<'_>, candidate: &Candidate) -> Result<Became, Problem> {
    let path = &candidate.path;
    if asked.args.strict {
        refuse_malformed(path)?;
    }
    let history = match formats::read_paired_path(path, asked.args.independent) {
        Err(NotPaired::Read(error)) if candidate.found && error.is_no_history() => {
            return Ok(Became::Skipped(error.to_string()));
        }
        Ok(history) if candidate.found && history.header.is_none() && history.events == 0 => {
            return Ok(Became::Skipped(format!("{} is no history: it has no event", path.display())));
        }
        other => other.map_err(|error| unreadable(error, path))?,
    };
    let chosen = model::chosen(asked.model.as_ref(), &history, path)?;
    let judged = by_levels(asked, path, &history, &chosen.model)?;
    let quorums = check_quorum::of_run(path);
    let seen = Seen { events: history.events, cut: history.cut.clone() };
    let outcomes = judged.iter().map(|judged| ExitCode::of_outcome(judged.property.outcome));
    let code = outcomes.fold(emit(asked, path, &seen, &chosen, (&judged, &quorums)), ExitCode::worst);
    let code = code.worst(check_quorum::code(&quorums));
    if let (Some(proof), [judged]) = (&asked.args.proof, &judged[..]) {
        write_proof(asked, proof, &history, &chosen.model, &judged.property)?;
    }
    Ok(Became::Judged(code, judged))
}

/// Judges a history by each level that was asked for. One of several that is none of this kind of object is passed over, and told.
fn by_levels(
    asked: &Asked<'_>,
    path: &Path,
    history: &PairedHistory,
    model: &ModelSpec,
) -> Result<Vec<Judged>, Problem> {
    let mut all = Vec::new();
    let mut passed_over = None;
    for &level in &asked.levels {
        if !all.is_empty() && asked.stopper.stopped().is_some() {
            break;
        }
        let budget = Measured::new(CheckBudget::new(asked.time, asked.memory));
        asked.stopper.watch(budget.canceller());
        // What another tool recorded it for is not known: the only question is whether it is as consistent as that.
        let options = Options { trivially_valid: history.header.is_none(), ..asked.options };
        let began = Instant::now();
        let property = match level {
            Level::Linearizable => linearizability::check_paired(history, model, &options, &budget),
            level => weaker::check_operations(&history.operations, model, level, &options, &budget),
        };
        match property {
            Ok(property) => all.push(Judged { property, took: began.elapsed(), bytes: budget.most_bytes() }),
            Err(error @ CheckError::Level { .. }) if asked.levels.len() > 1 => {
                output::tell(&format!("skipped  {error}"));
                passed_over = Some(error);
            }
            Err(error) => return Err(uncheckable(&error, path, model)),
        }
    }
    match passed_over.filter(|_| all.is_empty()) {
        Some(error) => Err(uncheckable(&error, path, model)),
        None => Ok(all),
    }
}

/// Writes the verdicts on a file to stdout.
pub(super) fn emit(
    asked: &Asked<'_>,
    path: &Path,
    seen: &Seen,
    chosen: &Chosen,
    (judged, quorums): (&[Judged], &[Property]),
) -> ExitCode {
    let text = if asked.args.json {
        as_json(path, seen, chosen, (judged, quorums))
    } else {
        as_text(path, seen, chosen, judged) + &check_quorum::as_text(quorums)
    };
    output::emit(&text)
}

/// Events that cannot be where they are are told with their line.
fn unreadable(error: NotPaired, path: &Path) -> Problem {
    let (text, file) = (error.to_string(), path.display().to_string());
    match error {
        NotPaired::Tuple(error) => Problem::new(text, at_event(path, error.position), "the same without --independent"),
        NotPaired::History(error) => misplaced(&error, path),
        _ => {
            Problem::new(text, file, "a history of Schism, Jepsen (EDN), elle-cli (JSON) or Porcupine, or a run folder")
        }
    }
}

fn misplaced(error: &HistoryError, path: &Path) -> Problem {
    let what = CheckError::from(error.clone()).to_string();
    let hint = "a history in which each process does one thing at a time, in the order of its lines";
    Problem::new(what, at_event(path, error.position), hint)
}

/// What the model makes of the operations can be wrong as well.
pub(super) fn uncheckable(error: &CheckError, path: &Path, model: &ModelSpec) -> Problem {
    if let CheckError::History(error) = error {
        return misplaced(error, path);
    }
    let hint = format!("--model with another model than {model}, see schism list models");
    Problem::new(error.to_string(), path.display().to_string(), hint)
}

/// What is malformed shows in the events alone, so they are read apart. A file that cannot be read is told afterwards.
fn refuse_malformed(path: &Path) -> Result<(), Problem> {
    let Ok(history) = formats::read_path_without_evidence(path) else { return Ok(()) };
    let malformed = history.malformed();
    let Some(first) = malformed.first() else { return Ok(()) };
    let more = if malformed.len() > 1 { format!(" (and {} more)", malformed.len() - 1) } else { String::new() };
    let what = format!("the history is malformed: {}{more}", first.reason);
    let at = first.position.map_or_else(|| path.display().to_string(), |position| at_event(path, position));
    Err(Problem::new(what, at, "the same without --strict, which judges it all the same"))
}

/// `history.jsonl, line 7, byte 512`: where an event stands. The file may have gone meanwhile; then its name has to do.
fn at_event(path: &Path, position: usize) -> String {
    let file = path.display();
    let place = fs_err::File::open(path).ok().and_then(|file| formats::locate(BufReader::new(file), position));
    place.map_or_else(|| file.to_string(), |place| format!("{file}, line {}, byte {}", place.line, place.offset))
}

/// Writes what proves a verdict. There is none where nothing was decided; that is told, and changes nothing.
fn write_proof(
    asked: &Asked<'_>,
    to: &Path,
    history: &PairedHistory,
    model: &ModelSpec,
    property: &Property,
) -> Result<(), Problem> {
    let at = || to.display().to_string();
    let budget = CheckBudget::new(asked.time, asked.memory);
    asked.stopper.watch(budget.canceller());
    match linearizability::prove(&history.operations, model, property, &budget) {
        Ok(proof) => {
            let written = fs_err::write(to, proof::write(&proof));
            written.map_err(|error| Problem::new(error.to_string(), at(), "--proof with a file that can be written"))
        }
        Err(error) => {
            output::tell(&format!("no proof: {error}"));
            Ok(())
        }
    }
}

fn levels(text: &str) -> Result<Vec<Level>, Wrong> {
    Level::parse(text).map_err(|error| match &error {
        NoLevel::Unknown { name } => {
            let near = suggest(name, &Level::NAMES).map_or_else(|| Level::NAMES.join(", "), str::to_owned);
            Wrong::new("there is no such level", near)
        }
        _ => Wrong::new(error.to_string(), "with what it takes"),
    })
}

fn asserts(text: &str) -> Result<bool, Wrong> {
    one_of("a failed compare-and-set cannot be taken so", text, [("dropped", false), ("asserts", true)])
}

fn one_of(what: &str, text: &str, known: [(&str, bool); 2]) -> Result<bool, Wrong> {
    let names = known.map(|(name, _)| name);
    let found = known.iter().find(|(name, _)| *name == text);
    let near = || suggest(text, &names).map_or_else(|| names.join(" or "), str::to_owned);
    found.map(|&(_, meant)| meant).ok_or_else(|| Wrong::new(what, near()))
}

fn as_text(path: &Path, seen: &Seen, chosen: &Chosen, judged: &[Judged]) -> String {
    let cut = seen.cut.as_ref().map_or_else(String::new, |cut| {
        format!("\ncut      the file ends in the middle of line {} (byte {})", cut.line, cut.offset)
    });
    let events = words::thousands(seen.events as u64);
    let path = words::printable(&path.display().to_string());
    let head = format!("checked  {path}: {events} events, model {} ({}){cut}\n", chosen.model, chosen.from);
    let style = output::style(false);
    judged.iter().fold(head, |text, judged| text + &terminal::property(&judged.property, style))
}

/// `property` is the worst of what was judged, `properties` all of it, where there are several; `quorums` what became of the rules of
/// a run with quorums.
fn as_json(path: &Path, seen: &Seen, chosen: &Chosen, (judged, quorums): (&[Judged], &[Property])) -> String {
    let worst = judged.iter().rev().max_by_key(|judged| judged.property.outcome);
    let took = judged.iter().map(|judged| judged.took).sum::<Duration>();
    let mut told = json!({
        "schism": "check",
        "format": 1,
        "file": path.display().to_string(),
        "model": chosen.model.to_string(),
        "model_from": chosen.from,
        "events": seen.events,
        "cut": seen.cut.as_ref().map(|cut| json!({"line": cut.line, "offset": cut.offset})),
        "took_us": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "memory_bytes": judged.iter().map(|judged| judged.bytes).max(),
        "property": worst.map(|judged| &judged.property),
    });
    if judged.len() > 1 {
        told["properties"] = judged.iter().map(|judged| json!(judged.property)).collect();
    }
    if !quorums.is_empty() {
        told["quorums"] = json!(quorums);
    }
    run::as_json(&told)
}
