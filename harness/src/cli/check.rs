//! `schism check`: judges recorded histories.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use schism_checker::formats;
use schism_checker::history::History;
use schism_checker::linearizability::{self, CheckError};
use schism_checker::models::ModelSpec;
use schism_checker::verdict::Property;
use serde_json::json;

use crate::budget::CheckBudget;
use crate::cli::args::CheckArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::{self, Problems};
use crate::cli::{catalog, guess, output, run};
use crate::exit::ExitCode;
use crate::folder::{self, file};
use crate::report::terminal;
use crate::spec::Spec;

/// A model, and where it came from: `given`, `named by the history`, `guessed`.
struct Chosen {
    model: ModelSpec,
    from: &'static str,
}

/// What was asked of every file.
struct Asked<'a> {
    args: &'a CheckArgs,
    model: Option<ModelSpec>,
    results: PathBuf,
    time: std::time::Duration,
    memory: u64,
}

pub(crate) fn check(args: &CheckArgs, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    let mut problems = Problems(unknown);
    let model = args.model.as_deref().and_then(|text| given_model(&mut problems, text));
    problems.read("--consistency", &args.judging.consistency, String::new(), resolve::consistency);
    let (time, memory) = resolve::budget(&mut problems, &args.judging);
    problems.finish(()).map_err(Failure::usage)?;
    let asked = Asked { args, model, results: resolve::results(&args.out), time, memory };
    let mut worst = ExitCode::Done;
    for name in &args.files {
        // A file that cannot be read says nothing about the others.
        let code = one(&asked, name).unwrap_or_else(|problem| {
            output::tell_problems(&[problem]);
            ExitCode::Usage
        });
        worst = worst.worst(code);
    }
    Ok(worst)
}

fn one(asked: &Asked<'_>, name: &Path) -> Result<ExitCode, Problem> {
    let path = located(asked, name)?;
    let history = formats::read_path_without_evidence(&path).map_err(|error| {
        let hint = "a history of Schism, Jepsen (EDN) or Porcupine, or a run folder";
        Problem::new(error.to_string(), path.display().to_string(), hint)
    })?;
    let chosen = chosen(asked, &history, &path)?;
    let budget = CheckBudget::new(asked.time, asked.memory);
    // What another tool recorded it for is not known: the only question is whether it is linearizable.
    let trivially_valid = history.header.is_none();
    let options = linearizability::Options { trivially_valid, ..linearizability::Options::default() };
    let property = linearizability::check(&history, &chosen.model, &options, &budget)
        .map_err(|error| uncheckable(&error, &path, &chosen.model))?;
    let text = if asked.args.json {
        as_json(&path, &history, &chosen, &property)
    } else {
        as_text(&path, &history, &chosen, &property)
    };
    Ok(ExitCode::of_outcome(property.outcome).worst(output::emit(&text)))
}

/// Events that cannot be where they are are told with their line; what else can be wrong is a matter of the model.
fn uncheckable(error: &CheckError, path: &Path, model: &ModelSpec) -> Problem {
    let file = path.display();
    let CheckError::History(misplaced) = error else {
        let hint = format!("--model with another model than {model}, see schism list models");
        return Problem::new(error.to_string(), file.to_string(), hint);
    };
    // The file may have gone meanwhile; then its name has to do.
    let place =
        fs_err::File::open(path).ok().and_then(|file| formats::locate(BufReader::new(file), misplaced.position));
    let at =
        place.map_or_else(|| file.to_string(), |place| format!("{file}, line {}, byte {}", place.line, place.offset));
    Problem::new(
        error.to_string(),
        at,
        "a history in which each process does one thing at a time, in the order of its lines",
    )
}

/// A file as it is, the history of a run folder, or that of a run by its id.
fn located(asked: &Asked<'_>, name: &Path) -> Result<PathBuf, Problem> {
    if name.is_dir() {
        return Ok(name.join(file::HISTORY));
    }
    if name.exists() {
        return Ok(name.to_owned());
    }
    let folder = name.to_str().and_then(|id| folder::find(&asked.results, id).ok());
    folder.map(|folder| folder.file(file::HISTORY)).ok_or_else(|| {
        let hint = "the path of a history or of a run folder, or an id from schism list runs";
        Problem::new("there is no such file, and no such run", name.display().to_string(), hint)
    })
}

fn given_model(problems: &mut Problems, text: &str) -> Option<ModelSpec> {
    let at = format!("--model {text}");
    let spec = problems.spec(&at, text)?;
    let known: Vec<&str> = catalog::models().iter().map(|model| model.name).collect();
    if !known.contains(&spec.name.as_str()) {
        problems.0.push(Problem::unknown("model", &spec.name, at, &known, "schism list models"));
        return None;
    }
    let parsed = ModelSpec::parse(&spec.name, &spec.params);
    parsed.map_err(|error| problems.0.push(Problem::new(error.to_string(), at, "schism list models"))).ok()
}

/// The model that was given, else the one that the header names, else a guess.
fn chosen(asked: &Asked<'_>, history: &History, path: &Path) -> Result<Chosen, Problem> {
    if let Some(model) = &asked.model {
        return Ok(Chosen { model: model.clone(), from: "given" });
    }
    let at = || path.display().to_string();
    let header = history.header.as_ref().filter(|header| header.model.is_some());
    let Some(header) = header else {
        let name = guess::model(history).ok_or_else(|| {
            let what = "no model has all the operations of this history";
            Problem::new(what, at(), "--model NAME, see schism list models")
        })?;
        let model = ModelSpec::parse(name, &std::collections::BTreeMap::new());
        return Ok(Chosen { model: model.expect("a guess is one of the models"), from: "guessed" });
    };
    let wrong = |why: String| Problem::new(format!("the header names no model: {why}"), at(), "--model NAME");
    let mut spec: Spec =
        header.model.as_deref().unwrap_or_default().parse().map_err(|error| wrong(format!("{error}")))?;
    if !header.initial.is_null() {
        spec.params.entry("init".to_owned()).or_insert_with(|| header.initial.to_string());
    }
    let model = ModelSpec::parse(&spec.name, &spec.params).map_err(|error| wrong(error.to_string()))?;
    Ok(Chosen { model, from: "named by the history" })
}

fn as_text(path: &Path, history: &History, chosen: &Chosen, property: &Property) -> String {
    let cut = history.cut.as_ref().map_or_else(String::new, |cut| {
        format!("\ncut      the file ends in the middle of line {} (byte {})", cut.line, cut.offset)
    });
    let events = crate::report::words::thousands(history.events.len() as u64);
    let path = crate::report::words::printable(&path.display().to_string());
    let head = format!("checked  {path}: {events} events, model {} ({}){cut}\n", chosen.model, chosen.from);
    head + &terminal::property(property, output::style(false))
}

fn as_json(path: &Path, history: &History, chosen: &Chosen, property: &Property) -> String {
    run::as_json(&json!({
        "schism": "check",
        "format": 1,
        "file": path.display().to_string(),
        "model": chosen.model.to_string(),
        "model_from": chosen.from,
        "events": history.events.len(),
        "cut": history.cut.as_ref().map(|cut| json!({"line": cut.line, "offset": cut.offset})),
        "property": property,
    }))
}
