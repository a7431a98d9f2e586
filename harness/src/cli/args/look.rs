//! What is typed to look at runs that were made.

use std::path::PathBuf;

use clap::Args;

use super::OutArgs;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// systems, workloads, faults, models, bugs or runs [default: all but runs]
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// The operations of a slice: words such as 'key=x process=3 node=n1 kind=read outcome=info value=5 t=12s..13s'
    #[arg(long, value_name = "SLICE", help_heading = "Looking", conflicts_with = "around")]
    pub(crate) ops: Option<String>,
    /// One operation, by the index of one of its events, with the messages, notes and logs of that moment
    #[arg(long, value_name = "INDEX", help_heading = "Looking")]
    pub(crate) around: Option<String>,
    /// How moments are told: run (seconds since its start) or utc
    #[arg(long, value_name = "CLOCK", default_value = "run", help_heading = "Looking")]
    pub(crate) clock: String,
    /// Print JSON and nothing else: verdict.json, or the operations that were asked for
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Measured properties and latencies, too
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) look: LookArgs,
    /// Where to; - is stdout [default: report.html in the run folder, else here]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
}

/// What is looked at.
#[derive(Debug, Args)]
pub(crate) struct LookArgs {
    /// A run: a path, an id or its beginning, its last four digits, latest, latest:invalid; a zip or tar.gz of one; a history; Jepsen's store folder; - for stdin
    #[arg(value_name = "RUN", default_value = "latest")]
    pub(crate) run: String,
    /// The model of a bare history: NAME[:init=JSON], see `schism list models` [default: what it names, else guessed]
    #[arg(long, value_name = "MODEL", help_heading = "Judging")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The port; 0 for a free one
    #[arg(long, value_name = "PORT", default_value_t = 8030)]
    pub(crate) port: u16,
    /// The address to listen at
    #[arg(long, value_name = "ADDRESS", default_value_t = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))]
    pub(crate) bind: std::net::IpAddr,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}
