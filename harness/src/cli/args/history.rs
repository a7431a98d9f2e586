//! What is typed to judge histories and to hand them on.

use std::path::PathBuf;

use clap::Args;

use super::{JudgingArgs, OutArgs};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(
    after_help = "Exit codes, of several files the worst: 0 valid, 1 invalid, 2 unknown, 3 vacuous, 64 arguments or input."
)]
pub(crate) struct CheckArgs {
    /// Histories, run folders, ids of runs, a zip or tar.gz of one, folders with any of these, - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The model: NAME[:init=JSON], see `schism list models` [default: what the history names, else guessed and said]
    #[arg(long, value_name = "MODEL", help_heading = "Judging")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
    /// Each value is [key, value], as Jepsen's independent writes it
    #[arg(long, help_heading = "Reading")]
    pub(crate) independent: bool,
    /// Refuse histories that no sound recorder writes
    #[arg(long, help_heading = "Reading")]
    pub(crate) strict: bool,
    /// Follow one history of ours while it is being written, and tell a violation as soon as it is there
    #[arg(long, help_heading = "Reading", conflicts_with_all = ["proof", "independent", "strict"])]
    pub(crate) follow: bool,
    /// With --follow: how long the file may stay as it is before it counts as over [default: until its run is, or Ctrl-C]
    #[arg(long, value_name = "TIME", help_heading = "Reading", requires = "follow")]
    pub(crate) idle: Option<String>,
    /// What a compare-and-set says that failed because the value was another one: dropped for nothing, or asserts
    #[arg(long, value_name = "HOW", default_value = "dropped", help_heading = "Judging")]
    pub(crate) failed_cas: String,
    /// Write what proves the verdict, for schism verify
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) proof: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Print one JSON object for each file and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// A history, a run folder, the id of a run, latest, latest:invalid, a zip or tar.gz of one, - for stdin
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// jepsen-edn, elle-json or csv
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: String,
    /// The operations on this key alone, and without it, for tools that know one object: JSON, or a text
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Where to [default: stdout]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the proof holds, 1 it does not, 2 it is too large to tell, 64 arguments or input."
)]
pub(crate) struct VerifyArgs {
    /// The proof
    #[arg(value_name = "PROOF")]
    pub(crate) proof: PathBuf,
    /// The history that it is about: as check takes one
    #[arg(value_name = "HISTORY")]
    pub(crate) history: PathBuf,
    /// The model: NAME[:init=JSON], see `schism list models` [default: what the proof names]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}
