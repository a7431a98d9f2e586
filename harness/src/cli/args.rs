//! The command line as it is typed. Every value is a text here, so that all that is wrong with a command is found and
//! told at once; what the texts mean, [`resolve`](crate::cli::resolve) says.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand};

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

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Whether the program is to see itself as somebody without privileges
    #[arg(long)]
    pub(crate) unprivileged: bool,
    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Exit 4 if this does not work here: vnet
    #[arg(long, value_name = "RUNG")]
    pub(crate) require: Option<String>,
    /// Only try a user namespace, for a doctor that tries everything
    #[arg(long, hide = true)]
    pub(crate) user_namespace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CellArgs {
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub(crate) program: Vec<std::ffi::OsString>,
}

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

/// Whose nodes' data folders are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Keep {
    /// Of runs that are not valid
    Broken,
    /// Of all runs
    Always,
}

/// What `run`, `sim` and `compare` share.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoadArgs {
    /// What clients ask: NAME[:KEY=VALUE,…], see `schism list workloads`
    #[arg(short, long, value_name = "WORKLOAD", default_value = "register", help_heading = "System and load")]
    pub(crate) workload: String,
    /// How many node processes [default: 5, or the system's n where it is given]
    #[arg(long, value_name = "COUNT", alias = "node-count", help_heading = "System and load")]
    pub(crate) nodes: Option<String>,
    /// A parameter of the system, as in NAME:KEY=VALUE; may be repeated
    #[arg(long, value_name = "KEY=VALUE", help_heading = "System and load")]
    pub(crate) set: Vec<String>,
    /// Who asks, in place of the manifest's client: a command that answers JSON lines, or a JSON list of its words
    #[arg(long, value_name = "COMMAND", help_heading = "System and load")]
    pub(crate) client: Option<String>,
    /// How long clients are driven and disturbed, if no plan says it; longer for systems that are
    /// slow to recover [default: 15s]
    #[arg(long, value_name = "TIME", alias = "time-limit", help_heading = "System and load")]
    pub(crate) time: Option<String>,
    /// Operations a second, all clients together; 0 for as many as they can
    /// (150 in virtual time) [default: 1000]
    #[arg(long, value_name = "RATE", help_heading = "System and load")]
    pub(crate) rate: Option<String>,
    /// Operations are due at their times even if earlier ones have not ended, and latency counts from there; needs a rate
    #[arg(long, help_heading = "System and load")]
    pub(crate) open_loop: bool,
    /// How many clients: a number, or 2n for twice the nodes, if no plan says it [default: 2n]
    #[arg(long, value_name = "COUNT", help_heading = "System and load")]
    pub(crate) concurrency: Option<String>,
    /// How many keys
    #[arg(long, value_name = "COUNT", default_value = "5", help_heading = "System and load")]
    pub(crate) keys: String,
    /// Weights of operations [default: read=50,write=40,cas=10, without what the system does not serve]
    #[arg(long, value_name = "MIX", help_heading = "System and load")]
    pub(crate) mix: Option<String>,
    /// The deadline of an operation, if no plan says it [default: 1s]
    #[arg(long, value_name = "TIME", help_heading = "System and load")]
    pub(crate) op_timeout: Option<String>,
    /// Kinds to draw from, by name: none, standard (partition, kill and pause), all, or a list with commas
    /// (all in virtual time) [default: standard]
    #[arg(long, value_name = "NAMES", alias = "nemesis", help_heading = "Faults")]
    pub(crate) faults: Option<String>,
    /// One kind with its parameters, such as kill:disk=wipe; may be repeated, see `schism list faults`
    #[arg(long, value_name = "FAULT", help_heading = "Faults")]
    pub(crate) fault: Vec<String>,
    /// Faults a second, on average
    #[arg(long, value_name = "RATE", default_value = "1", help_heading = "Faults")]
    pub(crate) fault_rate: String,
    /// Maelstrom's way to say `--fault-rate`: seconds between faults
    #[arg(long, value_name = "TIME", hide = true, conflicts_with = "fault_rate")]
    pub(crate) nemesis_interval: Option<String>,
    /// Time before the first fault
    #[arg(long, value_name = "TIME", default_value = "1s", help_heading = "Faults")]
    pub(crate) quiet: String,
    /// How long the system may take to answer again after the last fault
    #[arg(long, value_name = "TIME", default_value = "30s", help_heading = "Faults")]
    pub(crate) recover: String,
    #[command(flatten)]
    pub(crate) judging: JudgingArgs,
}

/// What lies between the nodes.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NetArgs {
    /// What lies between the nodes: auto (proxy for built-in systems), proxy, or vnet: a network of the run's own, see
    /// `schism doctor`
    #[arg(long, value_name = "RUNG", help_heading = "Network")]
    pub(crate) net: Option<String>,
    /// On vnet: leave the kernel's limits of TCP as they are, so that healing may take as long as a cut did
    #[arg(long, help_heading = "Network")]
    pub(crate) stock_tcp: bool,
    /// On vnet: keep every frame that passed the switch, in network.pcapng
    #[arg(long, help_heading = "Network")]
    pub(crate) pcap: bool,
}

/// How answers are judged.
#[derive(Clone, Debug, Args)]
pub(crate) struct JudgingArgs {
    /// What is judged: linearizable; a run also declared (what the system itself promises), a history also a list of weaker levels, or all
    #[arg(long, value_name = "LEVEL", default_value = "linearizable", help_heading = "Judging")]
    pub(crate) consistency: String,
    /// The most time that a check may take
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = "Judging")]
    pub(crate) check_time: String,
    /// The most memory that a check may take
    #[arg(long, value_name = "SIZE", default_value = "1GiB", help_heading = "Judging")]
    pub(crate) check_memory: String,
}

/// Where run folders are.
#[derive(Debug, Args)]
pub(crate) struct OutArgs {
    /// The results folder [default: results in Schism's repository, else ./schism-results]
    #[arg(long, value_name = "FOLDER", env = "SCHISM_RESULTS", hide_env_values = true, help_heading = "Output")]
    pub(crate) out: Option<PathBuf>,
}

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
    /// A run folder, the id of a run, or a history
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
    /// The history that it is about, or a run folder
    #[arg(value_name = "HISTORY")]
    pub(crate) history: PathBuf,
    /// The model: NAME[:init=JSON], see `schism list models` [default: what the proof names]
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
}

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
pub(crate) struct ListArgs {
    /// systems, workloads, faults, models, bugs or runs [default: all but runs]
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
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
