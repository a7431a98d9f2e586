//! The command line: what was typed (`args`), what it means (`resolve`), one file for each subcommand, and the one
//! place where errors, panics and a broken stdout become exit codes.
//!
//! Nothing here knows how a run is made or a history is judged.

mod args;
mod catalog;
mod cell;
mod check;
mod check_file;
mod check_quorum;
mod check_shown;
mod check_table;
mod chosen;
mod claims;
mod claims_run;
mod compare;
mod doctor;
mod dry_run;
mod exec;
mod export;
mod follow;
mod guess;
mod histories;
mod input;
mod list;
mod look;
mod model;
mod net;
mod node;
mod output;
mod parse;
mod player;
mod problem;
mod quorum;
mod quorum_measure;
mod replay;
mod report;
mod resolve;
mod run;
mod series;
mod serve;
mod show;
mod signals;
mod sim;
mod sim_bugs;
mod sim_shrink;
mod slice;
mod values;
mod verify;

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::args::{Cli, Command};
use crate::cli::parse::Parsed;
use crate::cli::problem::{Failure, Problem};
use crate::exit::ExitCode;

/// Set by any panic of ours, in whatever thread or task.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// The whole program: reads the command line, does what it says, and tells how that ended.
pub fn main() -> std::process::ExitCode {
    match parse::parse(std::env::args_os().collect()) {
        Parsed::Text(text) => output::emit(&text).into(),
        Parsed::Nothing(problems) => ended(Err(Failure::usage(problems))).into(),
        Parsed::Command(cli, unknown) => match cli.command {
            // A node is a program of its own: its panics, codes and streams are the cluster's to read.
            Command::Node => node::node(),
            Command::Exec(args) => exec::exec(&args),
            Command::Keeper => cell::keeper(),
            Command::Cell(args) => cell::cell(&args.program),
            Command::CellInit(args) => cell::cell_init(&args.program),
            _ => guarded(*cli, unknown).into(),
        },
    }
}

/// Carries out a command; a panic of ours anywhere is a failure of the harness.
fn guarded(cli: Cli, unknown: Vec<Problem>) -> ExitCode {
    std::panic::set_hook(Box::new(tell_panic));
    let code = catch_unwind(AssertUnwindSafe(|| ended(dispatch(cli, unknown)))).unwrap_or(ExitCode::Harness);
    if PANICKED.load(Ordering::Relaxed) { code.worst(ExitCode::Harness) } else { code }
}

fn dispatch(cli: Cli, unknown: Vec<Problem>) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Run(args) => run::run(&args, unknown),
        Command::Compare(args) => compare::compare(&args, unknown),
        Command::Sim(args) => sim::sim(&args, unknown),
        Command::Check(args) => check::check(&args, unknown),
        _ if !unknown.is_empty() => Err(Failure::usage(unknown)),
        Command::List(args) => list::list(&args),
        Command::Show(args) => show::show(&args),
        Command::Report(args) => report::report(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Export(args) => export::export(&args),
        Command::Quorum(args) => quorum::quorum(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::Claims(args) => claims::claims(&args),
        Command::Node | Command::Exec(_) | Command::Keeper | Command::Cell(_) | Command::CellInit(_) => {
            unreachable!("processes of a run are told apart before anything else is decided")
        }
    }
}

fn ended(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        output::tell_problems(&failure.problems);
        failure.code
    })
}

fn tell_panic(info: &PanicHookInfo<'_>) {
    if crate::sim::panics::is_stepping() {
        // A protocol in virtual time has ended its node; the run tells it.
        return;
    }
    PANICKED.store(true, Ordering::Relaxed);
    let what = format!("the harness panicked: {}", info.payload_as_str().unwrap_or("without a message"));
    let at = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let hint = "the same command with RUST_BACKTRACE=1, and report what it shows";
    output::tell_problems(&[Problem::new(what, at, hint)]);
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        output::tell(&std::backtrace::Backtrace::force_capture().to_string());
    }
}
