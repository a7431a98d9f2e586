//! What `schism check` does with one file: reads it, finds its model, judges it, writes the proof.

use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use schism_checker::formats::{self, NotPaired, ReadError};
use schism_checker::history::{Cut, HistoryError, PairedHistory};
use schism_checker::linearizability::{self, CheckError, Options};
use schism_checker::models::ModelSpec;
use schism_checker::proof;
use schism_checker::verdict::Property;
use schism_checker::weaker::{self, Level};

use crate::budget::{CheckBudget, Measured};
use crate::cli::check::{Asked, told};
use crate::cli::check_table::Judged;
use crate::cli::histories::Candidate;
use crate::cli::problem::Problem;
use crate::cli::{check_quorum, check_shown, model, output};
use crate::exit::ExitCode;

/// How much of a file is read at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// What was read of a file.
pub(super) struct Seen {
    pub(super) events: usize,
    pub(super) cut: Option<Cut>,
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

pub(super) fn one(asked: &Asked<'_>, candidate: &Candidate) -> Result<Became, Problem> {
    let (path, name) = (&candidate.path, &candidate.name);
    if asked.args.strict {
        refuse_malformed(candidate)?;
    }
    let history = match read(candidate, asked.args.independent) {
        Err(NotPaired::Read(error)) if candidate.found && error.is_no_history() => {
            return Ok(Became::Skipped(error.to_string()));
        }
        Ok(history) if candidate.found && history.header.is_none() && history.events == 0 => {
            return Ok(Became::Skipped(format!("{name} is no history: it has no event")));
        }
        other => other.map_err(|error| unreadable(error, candidate))?,
    };
    let chosen = model::chosen(asked.model.as_ref(), &history, name)?;
    let judged = by_levels(asked, candidate, &history, &chosen.model)?;
    let quorums = check_quorum::of_run(path);
    let seen = Seen { events: history.events, cut: history.cut.clone() };
    let outcomes = judged.iter().map(|judged| ExitCode::of_outcome(judged.property.outcome));
    let code = outcomes.fold(check_shown::emit(asked, name, &seen, &chosen, (&judged, &quorums)), ExitCode::worst);
    let mut code = code.worst(check_quorum::code(&quorums));
    if let (Some(proof), [judged]) = (&asked.args.proof, &judged[..]) {
        code = code.worst(write_proof(asked, proof, &history, &chosen.model, &judged.property));
    }
    Ok(Became::Judged(code, judged))
}

/// The operations of a file, which errors call as it was named.
fn read(candidate: &Candidate, tuples: bool) -> Result<PairedHistory, NotPaired> {
    let Candidate { path, name, .. } = candidate;
    let unreadable = |source| ReadError::Io { name: name.clone(), source };
    let file = fs_err::File::open(path).map_err(unreadable)?;
    formats::read_paired(BufReader::with_capacity(BUFFER_BYTES, file), name, tuples)
}

/// Judges a history by each level that was asked for. One of several that is none of this kind of object is passed over, and told.
fn by_levels(
    asked: &Asked<'_>,
    candidate: &Candidate,
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
            Err(error) => return Err(uncheckable(&error, candidate, model)),
        }
    }
    match passed_over.filter(|_| all.is_empty()) {
        Some(error) => Err(uncheckable(&error, candidate, model)),
        None => Ok(all),
    }
}

/// Events that cannot be where they are are told with their line.
fn unreadable(error: NotPaired, candidate: &Candidate) -> Problem {
    let (text, file) = (error.to_string(), candidate.name.clone());
    match error {
        NotPaired::Tuple(error) => {
            Problem::new(text, at_event(candidate, error.position), "the same without --independent")
        }
        NotPaired::History(error) => misplaced(&error, candidate),
        _ => {
            Problem::new(text, file, "a history of Schism, Jepsen (EDN), elle-cli (JSON) or Porcupine, or a run folder")
        }
    }
}

fn misplaced(error: &HistoryError, candidate: &Candidate) -> Problem {
    let what = CheckError::from(error.clone()).to_string();
    let hint = "a history in which each process does one thing at a time, in the order of its lines";
    Problem::new(what, at_event(candidate, error.position), hint)
}

/// What the model makes of the operations can be wrong as well.
pub(super) fn uncheckable(error: &CheckError, candidate: &Candidate, model: &ModelSpec) -> Problem {
    if let CheckError::History(error) = error {
        return misplaced(error, candidate);
    }
    let hint = format!("--model with another model than {model}, see schism list models");
    Problem::new(error.to_string(), &candidate.name, hint)
}

/// What is malformed shows in the events alone, so they are read apart. A file that cannot be read is told afterwards.
fn refuse_malformed(candidate: &Candidate) -> Result<(), Problem> {
    let Ok(history) = formats::read_path_without_evidence(&candidate.path) else { return Ok(()) };
    let malformed = history.malformed();
    let Some(first) = malformed.first() else { return Ok(()) };
    let more = if malformed.len() > 1 { format!(" (and {} more)", malformed.len() - 1) } else { String::new() };
    let what = format!("the history is malformed: {}{more}", first.reason);
    let at = first.position.map_or_else(|| candidate.name.clone(), |position| at_event(candidate, position));
    Err(Problem::new(what, at, "the same without --strict, which judges it all the same"))
}

/// `history.jsonl, line 7, byte 512`: where an event stands. The file may have gone meanwhile; then its name has to do.
fn at_event(candidate: &Candidate, position: usize) -> String {
    let Candidate { path, name, .. } = candidate;
    let place = fs_err::File::open(path).ok().and_then(|file| formats::locate(BufReader::new(file), position));
    place.map_or_else(|| name.clone(), |place| format!("{name}, line {}, byte {}", place.line, place.offset))
}

/// Writes what proves a verdict. There is none where nothing was decided; that is told, and changes nothing. A proof that cannot be
/// written is a failure beside the verdict, which stands.
fn write_proof(
    asked: &Asked<'_>,
    to: &Path,
    history: &PairedHistory,
    model: &ModelSpec,
    property: &Property,
) -> ExitCode {
    let budget = CheckBudget::new(asked.time, asked.memory);
    asked.stopper.watch(budget.canceller());
    let proof = match linearizability::prove(&history.operations, model, property, &budget) {
        Ok(proof) => proof::Proof { independent: asked.args.independent, ..proof },
        Err(error) => {
            output::tell(&format!("no proof: {error}"));
            return ExitCode::Done;
        }
    };
    match fs_err::write(to, proof::write(&proof)) {
        Ok(()) => ExitCode::Done,
        Err(error) => {
            let hint = "--proof with a file that can be written";
            told(&Problem::new(error.to_string(), to.display().to_string(), hint));
            ExitCode::Harness
        }
    }
}
