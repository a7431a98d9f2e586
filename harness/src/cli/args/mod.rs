//! The command line as it is typed. Every value is a text here, so that all that is wrong with a command is found and
//! told at once; what the texts mean, [`resolve`](crate::cli::resolve) says.

mod history;
mod load;
mod look;
mod machinery;
mod runs;
mod theory;

pub(crate) use history::{CheckArgs, ExportArgs, VerifyArgs};
pub(crate) use load::{JudgingArgs, Keep, LoadArgs, NetArgs, OutArgs};
pub(crate) use look::{ListArgs, LookArgs, ReportArgs, ServeArgs, ShowArgs};
pub(crate) use machinery::{CellArgs, DoctorArgs, ExecArgs};
pub(crate) use runs::{CompareArgs, ReplayArgs, RunArgs, SimArgs};
pub(crate) use theory::{ClaimsArgs, ClaimsCommand, ClaimsRunArgs, QuorumArgs};

use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::folder::Versions;

/// Tests whether a replicated system keeps its promises while its network is cut and its nodes are killed.
#[derive(Debug, Parser)]
#[command(name = "schism", version = VERSION.as_str(), max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// `0.1.0 (3f2c1ab)`.
static VERSION: LazyLock<String> = LazyLock::new(|| Versions::current().to_string());

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a system as real processes, drive and disturb it, and judge what its clients saw
    Run(RunArgs),
    /// Run a system in virtual time, thousands of seeds, each with faults of its own
    Sim(SimArgs),
    /// Judge recorded histories: ours, Jepsen's EDN, elle-cli's JSON, Porcupine's logs
    Check(CheckArgs),
    /// List systems, workloads, faults, models, bugs or runs
    List(ListArgs),
    /// Show the report of a run again
    Show(ShowArgs),
    /// Make the page of a run, report.html, again from what is kept
    Report(ReportArgs),
    /// Put systems side by side, with the same seeds and plans, or runs that were made before
    Compare(CompareArgs),
    /// Browse the results folder: runs, trends, files; on this machine alone, unless --bind says otherwise
    Serve(ServeArgs),
    /// Play the stored plan of a run again
    Replay(ReplayArgs),
    /// Write a history for another tool: Jepsen's EDN, elle-cli's JSON, a table
    Export(ExportArgs),
    /// Check a proof that `check --proof` wrote, with code that shares nothing with what found it
    Verify(VerifyArgs),
    /// Predict what N copies give for every W and R: consistency, durability, availability; and measure it
    Quorum(QuorumArgs),
    /// List what the seed documents claim, and run what shows whether it is so
    Claims(ClaimsArgs),
    /// Say what this machine permits of networks, what that rules out, and what would allow it
    Doctor(DoctorArgs),
    /// Be a node process of a built-in system
    #[command(hide = true)]
    Node,
    /// Become another program, which ends with whoever started this one
    #[command(hide = true)]
    Exec(ExecArgs),
    /// Be the init of a run's PID namespace
    #[command(hide = true)]
    Keeper,
    /// Run a program in a PID namespace of its own
    #[command(hide = true)]
    Cell(CellArgs),
    /// Be the init of a cell
    #[command(hide = true)]
    CellInit(CellArgs),
}
