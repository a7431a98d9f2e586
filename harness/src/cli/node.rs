//! `schism node`: this program as a node process. Everything else comes by its control channel.

use std::process::ExitCode;

/// Runs the node to its end; its code is one of the cluster's own, not of [`crate::exit`].
pub(crate) fn node() -> ExitCode {
    ExitCode::from(u8::try_from(crate::node_main::node_main()).unwrap_or(u8::MAX))
}
