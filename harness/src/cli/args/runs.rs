//! What is typed to make runs.

use std::path::PathBuf;

use clap::Args;

use super::{Keep, LoadArgs, NetArgs, OutArgs};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(
    after_help = "Exit codes: 0 valid or as expected, 1 invalid, 2 unknown, 3 vacuous, 4 the harness could not,\n\
    5 what had to break did not, 64 arguments or input, 130 and 143 interrupted."
)]
pub(crate) struct RunArgs {
    /// The system under test: NAME[:KEY=VALUE,…], see `schism list systems`, or a manifest FILE.toml
    /// [default: the plan's, else raft]
    #[arg(value_name = "SYSTEM")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// The seed of all chance; drawn and printed where absent
    #[arg(long, value_name = "N", help_heading = "Chance", conflicts_with = "seeds")]
    pub(crate) seed: Option<String>,
    /// Several runs, one after the other: how many, or a range without its end such as 100..120
    #[arg(long, value_name = "SEEDS", alias = "test-count", help_heading = "Chance")]
    pub(crate) seeds: Option<String>,
    /// Play the plan in this file as it is written, in place of a drawn one
    #[arg(long, value_name = "FILE", help_heading = "Faults")]
    pub(crate) plan: Option<PathBuf>,
    /// Exit 0 if this breaks and 5 if nothing does: invalid[:PROPERTY]
    #[arg(long, value_name = "WHAT", help_heading = "Judging")]
    pub(crate) expect: Option<String>,
    /// Check while the run goes on, on a thread that gives way to all others, and tell a violation at once
    #[arg(long, help_heading = "Judging")]
    pub(crate) check_live: bool,
    /// Something that the run is remembered by, in run.json and its reports; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Output")]
    pub(crate) label: Vec<String>,
    /// Start the system, let one client make so many operations without faults, and print each
    #[arg(long, value_name = "COUNT", help_heading = "System and load", conflicts_with_all = ["plan", "seeds", "expect", "json"])]
    pub(crate) dry_run: Option<String>,
    /// Stay with the cluster after the run, until Ctrl-C
    #[arg(long, help_heading = "System and load")]
    pub(crate) leave_running: bool,
    /// Whose nodes' data folders are kept
    #[arg(long, value_enum, default_value_t = Keep::Broken, help_heading = "Output")]
    pub(crate) keep: Keep,
    /// The loopback address of the nodes, such as 127.9.9.9; one that is free, where absent
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub(crate) address: Option<std::net::Ipv4Addr>,
    /// Print verdict.json and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, help_heading = "Output", conflicts_with = "verbose")]
    pub(crate) quietly: bool,
    /// Measured properties, latencies, diagnostics
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
#[command(
    after_help = "Exit codes: 0 valid or as expected, 1 invalid, 2 unknown, 3 vacuous, 4 the harness could not,\n\
    5 what had to break did not, 64 arguments or input, 130 and 143 interrupted."
)]
pub(crate) struct SimArgs {
    /// The system under test: NAME[:KEY=VALUE,…], see `schism list systems` [default: the plan's, else raft]
    #[arg(value_name = "SYSTEM")]
    pub(crate) system: Option<String>,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// How many seeds, or a range without its end such as 100..120 [default: 1000, of a plan 1]
    #[arg(long, value_name = "SEEDS", help_heading = "Chance")]
    pub(crate) seeds: Option<String>,
    /// As many seeds as this time on the clock allows; with --shrink, the most time that takes
    #[arg(long = "for", value_name = "TIME", help_heading = "Chance")]
    pub(crate) wall: Option<String>,
    /// One seed
    #[arg(long, value_name = "N", help_heading = "Chance", conflicts_with = "seeds")]
    pub(crate) seed: Option<String>,
    /// Print the run of the one seed as text, one line an event
    #[arg(long, help_heading = "Output", requires = "seed")]
    pub(crate) trace: bool,
    /// Make the run of the one seed small: a plan with as few nodes, clients, operations and faults as break the same property
    #[arg(long, help_heading = "Chance", conflicts_with_all = ["trace", "bugs", "seeds", "json", "stop_at_first"])]
    pub(crate) shrink: bool,
    /// Where the plan that --shrink finds goes [default: stdout]
    #[arg(long, value_name = "FILE", help_heading = "Output", requires = "shrink")]
    pub(crate) output: Option<PathBuf>,
    /// How many seeds run at the same time [default: as many as there are processors]
    #[arg(long, short, value_name = "COUNT", help_heading = "Chance")]
    pub(crate) jobs: Option<String>,
    /// Hunt every deliberate bug, of SYSTEM where one is named: ten starts each, by --seeds or --for a start [default: 60s]
    #[arg(long, help_heading = "Chance", conflicts_with_all = ["seed", "plan", "expect", "stop_at_first"])]
    pub(crate) bugs: bool,
    /// With --bugs: play the directed plans in the folders of this folder as well, ten times each, on bug and correct twin
    #[arg(long, value_name = "FOLDER", help_heading = "Chance", requires = "bugs")]
    pub(crate) plans: Option<PathBuf>,
    /// End with the first seed that breaks something
    #[arg(long, help_heading = "Chance")]
    pub(crate) stop_at_first: bool,
    /// Play the plan in this file as it is written, in place of drawn ones
    #[arg(long, value_name = "FILE", help_heading = "Faults")]
    pub(crate) plan: Option<PathBuf>,
    /// Exit 0 if this breaks and 5 if nothing does: invalid[:PROPERTY]
    #[arg(long, value_name = "WHAT", help_heading = "Judging")]
    pub(crate) expect: Option<String>,
    /// Print the summary as JSON and nothing else
    #[arg(long, help_heading = "Output", conflicts_with = "trace")]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, help_heading = "Output", conflicts_with = "verbose")]
    pub(crate) quietly: bool,
    /// Measured properties, mixtures of failing seeds
    #[arg(short, long, help_heading = "Output")]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct CompareArgs {
    /// Systems, such as raft:n=3, or runs that were made before: paths, ids, or their beginnings
    #[arg(value_name = "SYSTEM|RUN", required = true)]
    pub(crate) systems: Vec<String>,
    /// How many seeds, or a range without its end such as 100..120
    #[arg(long, value_name = "SEEDS", default_value = "5", help_heading = "Chance")]
    pub(crate) seeds: String,
    /// After the runs, cut each system in two for ten seconds, and say what it then is: CP, AP or neither
    #[arg(long, help_heading = "CAP card")]
    pub(crate) card: bool,
    /// Shapes of that cut, with commas; see `schism list faults` [default: isolate]
    #[arg(long, value_name = "SHAPES", requires = "card", help_heading = "CAP card")]
    pub(crate) shapes: Option<String>,
    /// Compare systems on different networks, although they may differ for that reason alone
    #[arg(long, help_heading = "Network")]
    pub(crate) mixed_net: bool,
    /// Print comparison.json and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    #[command(flatten)]
    pub(crate) net: NetArgs,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// No progress
    #[arg(short, help_heading = "Output")]
    pub(crate) quietly: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct ReplayArgs {
    /// A run: a path, an id or its beginning, its last four digits, latest, latest:invalid
    #[arg(value_name = "RUN")]
    pub(crate) run: String,
    /// How often
    #[arg(long, value_name = "COUNT", default_value = "1")]
    pub(crate) times: String,
    /// What lies between the nodes, if not what lay between those of the run: proxy or vnet, with --mixed-net
    #[arg(long, value_name = "RUNG")]
    pub(crate) net: Option<String>,
    /// Play it on another network than it was made on, although it may come out otherwise for that reason alone
    #[arg(long)]
    pub(crate) mixed_net: bool,
    /// Run a program that the run folder names
    #[arg(long)]
    pub(crate) trust: bool,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Print each verdict.json and nothing else
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, help_heading = "Output")]
    pub(crate) quietly: bool,
}
