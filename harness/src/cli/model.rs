//! Which model a history is judged by.

use schism_checker::history::{Header, PairedHistory};
use schism_checker::models::ModelSpec;

use crate::cli::guess::Guess;
use crate::cli::problem::Problem;
use crate::cli::resolve::Problems;
use crate::cli::{catalog, guess};
use crate::report::inert;
use crate::spec::Spec;

/// How many kinds of operations are named that no model has together, and how much of each.
const FUNCTIONS_MAX: usize = 10;
const FUNCTION_CHARACTERS_MAX: usize = 40;

/// A model, and where it came from: `given`, `named by the history`, `guessed`.
pub(super) struct Chosen {
    pub(super) model: ModelSpec,
    pub(super) from: &'static str,
}

/// The model of this text.
pub(super) fn given(problems: &mut Problems, text: &str) -> Option<ModelSpec> {
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
pub(super) fn chosen(given: Option<&ModelSpec>, history: &PairedHistory, name: &str) -> Result<Chosen, Problem> {
    if let Some(chosen) = named(given, history.header.as_ref(), name)? {
        return Ok(chosen);
    }
    let (what, hint) = match guess::model(history) {
        Guess::Plain(guess) => {
            let spec: Spec = guess.parse().expect("a guess is a model as it is written");
            let model = ModelSpec::parse(&spec.name, &spec.params).expect("a guess is one of the models");
            return Ok(Chosen { model, from: "guessed" });
        }
        Guess::Either(models) => (
            "the history does not say what the object is".to_owned(),
            models.iter().map(|model| format!("--model {model}")).collect::<Vec<_>>().join(" or "),
        ),
        Guess::Tuples => (
            "values look like [key, value], as Jepsen's independent writes them, and nobody said that they are"
                .to_owned(),
            "schism check --independent, or --model NAME where a value is such a pair".to_owned(),
        ),
        Guess::Unknown => {
            let done: Vec<String> =
                guess::done(history).into_iter().map(|f| inert::short(f, FUNCTION_CHARACTERS_MAX)).collect();
            let more = done.len().saturating_sub(FUNCTIONS_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let done = done[..done.len().min(FUNCTIONS_MAX)].join(", ");
            (
                format!("no model has all the operations of this history: {done}{more}"),
                "--model NAME, see schism list models".to_owned(),
            )
        }
    };
    Err(Problem::new(what, name, hint))
}

/// The model that was given, else the one that the header names, if it names one.
pub(super) fn named(given: Option<&ModelSpec>, header: Option<&Header>, name: &str) -> Result<Option<Chosen>, Problem> {
    if let Some(model) = given {
        return Ok(Some(Chosen { model: model.clone(), from: "given" }));
    }
    let Some((header, model)) = header.and_then(|header| Some((header, header.model.as_deref()?))) else {
        return Ok(None);
    };
    let wrong = |why: String| Problem::new(format!("the header names no model: {why}"), name, "--model NAME");
    let mut spec: Spec = model.parse().map_err(|error| wrong(format!("{error}")))?;
    if !header.initial.is_null() {
        spec.params.entry("init".to_owned()).or_insert_with(|| header.initial.to_string());
    }
    let model = ModelSpec::parse(&spec.name, &spec.params).map_err(|error| wrong(error.to_string()))?;
    Ok(Some(Chosen { model, from: "named by the history" }))
}
