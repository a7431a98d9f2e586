//! What there is to choose from: the one place of the command line that asks the other parts what they have.

use schism_checker::models::ModelInfo;
use schism_nodes::{Params, ProtocolInfo};

use crate::cli::problem::Problem;
use crate::spec::Spec;

/// Something that is chosen by its name.
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) parameters: String,
}

/// The built-in systems.
pub(crate) fn systems() -> Vec<ProtocolInfo> {
    Vec::new()
}

/// The workloads.
pub(crate) fn workloads() -> Vec<Named> {
    vec![Named {
        name: "register",
        about: "reads, writes and compare-and-sets on several keys; each value is written once",
        parameters: String::new(),
    }]
}

/// The kinds of faults.
pub(crate) fn faults() -> Vec<Named> {
    let named = |name| Named { name, about: "", parameters: String::new() };
    ["partition", "kill", "pause", "powerloss", "clock", "delay", "loss", "duplicate", "reorder", "client-kill"]
        .map(named)
        .into()
}

/// The models that histories are judged by.
pub(crate) fn models() -> &'static [ModelInfo] {
    schism_checker::models::list()
}

/// What is wrong with a system's parameters on so many nodes.
pub(crate) fn system_problems(_system: &Spec, _nodes: u16, _at: &str) -> Vec<Problem> {
    let _ = Params::default();
    Vec::new()
}

/// What is wrong with a fault's parameters.
pub(crate) fn fault_problems(_fault: &Spec, _at: &str) -> Vec<Problem> {
    Vec::new()
}
