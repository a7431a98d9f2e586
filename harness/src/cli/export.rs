//! `schism export`: writes a history for other tools.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write};

use schism_checker::formats::{self, Exported};
use schism_checker::history::History;
use serde_json::Value;

use crate::cli::args::ExportArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::{input, output};
use crate::exit::ExitCode;
use crate::report::inert;

/// How many keys are named where the wanted one is missing.
const KEYS_NAMED_MAX: usize = 10;

pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let format = args.format.parse::<Exported>().map_err(|_| {
        let known = Exported::ALL.map(|(name, _)| name);
        Problem::unknown("format", &args.format, format!("--format {}", args.format), &known, "schism export --help")
    })?;
    let input = input::input(&args.run, &args.out)?;
    let history = input.read().map_err(|error| {
        let hint = "a history of Schism, Jepsen (EDN), elle-cli (JSON) or Porcupine, or a run folder";
        Problem::new(error.to_string(), &input.name, hint)
    })?;
    let history = match &args.key {
        Some(key) => of_key(&history, key).map_err(|(why, hint)| Problem::new(why, &input.name, hint))?,
        None => history,
    };
    let Some(file) = &args.output else {
        let mut text = Vec::new();
        formats::write(&mut text, &history, format).expect("memory takes all that is written");
        return Ok(output::emit(&String::from_utf8(text).expect("all formats are texts")));
    };
    let written = fs_err::File::create(file).and_then(|file| {
        let mut out = BufWriter::new(file);
        formats::write(&mut out, &history, format)?;
        out.flush()
    });
    written.map_err(|error| {
        let hint = "--output with a file that can be written";
        Failure::harness(Problem::new(error.to_string(), file.display().to_string(), hint))
    })?;
    Ok(ExitCode::Done)
}

/// The operations on one key: as JSON, or else as a text. Where there is none, why, and which keys there are.
fn of_key(history: &History, key: &str) -> Result<History, (String, String)> {
    let text = Value::from(key);
    let json: Value = serde_json::from_str(key).unwrap_or_else(|_| text.clone());
    let has = |key: &Value| history.events.iter().any(|event| event.key.as_ref() == Some(key));
    let Some(found) = [json, text].into_iter().find(has) else {
        return Err((format!("no operation has the key {key}"), keys(history)));
    };
    let of_key = history.of_key(&found);
    of_key.map_err(|error| (error.to_string(), "a history that schism check can judge".to_owned()))
}

/// Keys that a history has: `--key x1, --key x2 or one of 3 more`.
fn keys(history: &History) -> String {
    let keys: BTreeSet<String> =
        history.events.iter().filter_map(|event| event.key.as_ref()).map(|key| inert::value(key, 40)).collect();
    if keys.is_empty() {
        return "the same without --key: no operation has a key".to_owned();
    }
    let named: Vec<String> = keys.iter().take(KEYS_NAMED_MAX).map(|key| format!("--key {key}")).collect();
    let more = keys.len().saturating_sub(KEYS_NAMED_MAX);
    let more = if more > 0 { format!(" or one of {more} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}
