//! What is typed to ask what theory says, and whether it is so.

use clap::{Args, Subcommand};

use super::OutArgs;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct ClaimsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ClaimsCommand>,
    /// Rows: an id or its beginning (N02, C4), a section (nwr), or a word of their text [default: all]
    #[arg(value_name = "ROWS")]
    pub(crate) rows: Vec<String>,
    /// Print the rows as JSON and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// What shows each row, and how
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClaimsCommand {
    /// Run the demonstrations of rows, and tell whether they come out as predicted
    Run(ClaimsRunArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 as predicted, 1 it deviates, 2 not shown or unknown, 4 the harness could not,\n\
    64 arguments, 130 and 143 interrupted.")]
pub(crate) struct ClaimsRunArgs {
    /// Rows: an id or its beginning (N02, C4), a section (nwr), or a word of their text; those that wait are passed over
    #[arg(value_name = "ROWS", required = true)]
    pub(crate) rows: Vec<String>,
    /// On real processes, and not in virtual time
    #[arg(long, help_heading = "How")]
    pub(crate) real: bool,
    /// How many seeds, or a range without its end such as 100..120 [default: what each run of a row says]
    #[arg(long, value_name = "SEEDS", help_heading = "How")]
    pub(crate) seeds: Option<String>,
    /// How long clients are driven and disturbed [default: what each run of a row says]
    #[arg(long, value_name = "TIME", help_heading = "How")]
    pub(crate) time: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Print what came of each row as JSON and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, help_heading = "Output")]
    pub(crate) quietly: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all as predicted, 1 it deviates, 2 unknown, 4 the harness could not, 64 arguments,\n\
    130 and 143 interrupted."
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct QuorumArgs {
    /// How many copies there are of each key, 1 to 9
    #[arg(value_name = "N")]
    pub(crate) copies: String,
    /// Run every cell, with write-back and without, and put what was measured beside what is predicted
    #[arg(long, help_heading = "How")]
    pub(crate) measure: bool,
    /// On real processes, and not in virtual time
    #[arg(long, help_heading = "How", requires = "measure")]
    pub(crate) real: bool,
    /// How many seeds a cell, or a range without its end such as 100..120 [default: 10, on processes 1]
    #[arg(long, value_name = "SEEDS", help_heading = "How", requires = "measure", conflicts_with = "seed")]
    pub(crate) seeds: Option<String>,
    /// One seed
    #[arg(long, value_name = "N", help_heading = "How", requires = "measure")]
    pub(crate) seed: Option<String>,
    /// How long clients are driven under drawn faults [default: 15s]
    #[arg(long, value_name = "TIME", help_heading = "How", requires = "measure")]
    pub(crate) time: Option<String>,
    /// How many seeds run at the same time, in virtual time [default: as many as there are processors]
    #[arg(long, short, value_name = "COUNT", help_heading = "How", requires = "measure")]
    pub(crate) jobs: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Print JSON and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, help_heading = "Output")]
    pub(crate) quietly: bool,
}
