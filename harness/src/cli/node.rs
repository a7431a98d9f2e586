//! `schism node`: this program as a node process. Everything else comes by its control channel.

use std::process::ExitCode;

use crate::cli::args::NodeArgs;

pub(crate) fn node(_args: &NodeArgs) -> ExitCode {
    ExitCode::from(crate::exit::ExitCode::Harness.number())
}
