//! What commands that make runs share: the load, the faults, the network, the judging, the folder.

use std::path::PathBuf;

use clap::Args;

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
