//! `schism export`: writes a history for other tools.

use std::io::{BufWriter, Write};

use schism_checker::formats::{self, Exported};
use schism_checker::history::History;
use serde_json::Value;

use crate::cli::args::ExportArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::{histories, output, resolve};
use crate::exit::ExitCode;

pub(crate) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let format = args.format.parse::<Exported>().map_err(|_| {
        let known = Exported::ALL.map(|(name, _)| name);
        Problem::unknown("format", &args.format, format!("--format {}", args.format), &known, "schism export --help")
    })?;
    let path = histories::one(&resolve::results(&args.out), &args.run)?;
    let at = || path.display().to_string();
    let history = formats::read_path(&path)
        .map_err(|error| Problem::new(error.to_string(), at(), "a run folder, the id of a run, or a history"))?;
    let history = match &args.key {
        Some(key) => of_key(&history, key).map_err(|why| Problem::new(why, at(), "a key that the history has"))?,
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

/// The operations on one key: as JSON, or else as a text.
fn of_key(history: &History, key: &str) -> Result<History, String> {
    let text = Value::from(key);
    let json: Value = serde_json::from_str(key).unwrap_or_else(|_| text.clone());
    let has = |key: &Value| history.events.iter().any(|event| event.key.as_ref() == Some(key));
    let found = [json, text].into_iter().find(has).ok_or_else(|| format!("no operation has the key {key}"))?;
    history.of_key(&found).map_err(|error| error.to_string())
}
