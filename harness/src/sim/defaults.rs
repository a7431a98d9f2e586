//! What `schism sim` runs where nothing else is said.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schism_nodes::catalog;

use crate::faults::Faults;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::plan::Ground;
use crate::run::HarnessError;
use crate::spec::Spec;
use crate::system::BuiltIn;

/// Operations a second.
pub const RATE: f64 = 150.0;
/// Weights of operations, of those that a system serves.
pub const MIX: [(&str, u32); 3] = [("read", 50), ("write", 40), ("cas", 10)];

/// The options of `schism sim SYSTEM --nodes NODES`, for seed 0.
pub fn options(system: &str, nodes: u16) -> Result<RunOptions, HarnessError> {
    let system: Spec = system.parse().map_err(HarnessError::usage)?;
    let built = BuiltIn::new(system.clone(), nodes, None).map_err(HarnessError::usage)?;
    let faults =
        Faults::default().expand("all", &Ground::of(&built, nodes, Rung::Proxy)).map_err(HarnessError::usage)?;
    let serves = catalog::info(&system.name).map(|info| info.requests).unwrap_or_default();
    let mix = MIX.into_iter().filter(|(kind, _)| serves.contains(kind));
    Ok(RunOptions {
        system,
        workload: Spec { name: "register".to_owned(), params: std::collections::BTreeMap::new() },
        nodes,
        faults,
        plan: None,
        fault_rate: 1.0,
        time: Duration::from_secs(15),
        rate: RATE,
        open_loop: false,
        concurrency: 2 * usize::from(nodes),
        keys: 5,
        mix: mix.map(|(kind, weight)| (kind.to_owned(), weight)).collect(),
        op_timeout: Duration::from_secs(1),
        quiet: Duration::from_secs(1),
        recover: Duration::from_secs(30),
        consistency: "linearizable".to_owned(),
        seed: 0,
        check_time: Duration::from_mins(1),
        check_memory: 1 << 30,
        check_live: false,
        out: PathBuf::new(),
        keep_data: false,
        leave_running: false,
        address: None,
        net: None,
        stock_tcp: false,
        pcap: false,
        node_program: None,
        manifest: None,
        client: None,
        labels: BTreeMap::new(),
    })
}
