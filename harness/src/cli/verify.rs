//! `schism verify`: checks a proof against its history.

use std::path::Path;

use schism_checker::models::ModelSpec;
use schism_checker::proof;
use schism_checker::verify::{self, Verified, VerifyError};

use crate::cli::args::VerifyArgs;
use crate::cli::problem::{Failure, Problem};
use crate::cli::{input, output};
use crate::exit::ExitCode;
use crate::report::words;
use crate::spec::Spec;

pub(crate) fn verify(args: &VerifyArgs) -> Result<ExitCode, Failure> {
    let at = |path: &Path| path.display().to_string();
    let hint = "a file that schism check --proof wrote";
    let text =
        fs_err::read_to_string(&args.proof).map_err(|error| Problem::new(error.to_string(), at(&args.proof), hint))?;
    let proof = proof::read(&text).map_err(|error| Problem::new(error.to_string(), at(&args.proof), hint))?;
    let input = input::input(&args.history, &args.out)?;
    let unreadable = |error: String| Problem::new(error, &input.name, "the history that the proof was made from");
    let operations = input.read_operations(proof.independent).map_err(|error| unreadable(error.to_string()))?;
    let (name, from) = match &args.model {
        Some(name) => (name.as_str(), "given"),
        None => (proof.model.as_str(), "named by the proof"),
    };
    let model = model(name).map_err(|why| Problem::new(why, name, "--model NAME, see schism list models"))?;
    let under = format!("{}, model {model} ({from})", words::printable(&input.name));
    Ok(match verify::verify(&operations, &model, &proof) {
        Ok(verified) => output::emit(&format!("HOLDS  {under}: {}\n", shown(verified))),
        Err(VerifyError::TooLarge) => {
            ExitCode::Unknown.worst(output::emit(&format!("UNKNOWN  {under}: {}\n", VerifyError::TooLarge)))
        }
        Err(error) => {
            let why = words::sentence(&error.to_string());
            ExitCode::Invalid.worst(output::emit(&format!("DOES NOT HOLD  {under}: {why}\n")))
        }
    })
}

fn model(name: &str) -> Result<ModelSpec, String> {
    let spec: Spec = name.parse().map_err(|error| format!("{error}"))?;
    ModelSpec::parse(&spec.name, &spec.params).map_err(|error| error.to_string())
}

fn shown(verified: Verified) -> String {
    match verified {
        Verified::Linearizable { placed } => {
            let placed = words::thousands(placed as u64);
            format!("it is linearizable; {placed} operations were replayed in the order of the proof")
        }
        Verified::NotLinearizable { core } => {
            format!("it is not linearizable; all orders of the core's {core} operations were tried")
        }
    }
}
