//! What there is to choose from: the one place of the command line that asks the other parts what they have.

use schism_checker::models::ModelInfo;
use schism_nodes::catalog::{self, CatalogError};
use schism_nodes::config::ParamError;
use schism_nodes::{Params, ProtocolInfo};
use schism_workloads::WorkloadInfo;

use crate::cli::problem::Problem;
use crate::faults::{FaultInfo, Faults};
use crate::plan;
use crate::spec::{Spec, suggest};

/// The built-in systems.
pub(crate) fn systems() -> Vec<ProtocolInfo> {
    catalog::protocols()
}

/// The workloads.
pub(crate) fn workloads() -> Vec<WorkloadInfo> {
    schism_workloads::catalog()
}

/// The kinds of faults.
pub(crate) fn faults() -> Vec<FaultInfo> {
    Faults::default().infos()
}

/// The models that histories are judged by.
pub(crate) fn models() -> &'static [ModelInfo] {
    schism_checker::models::list()
}

/// What is wrong with a system on so many nodes, its name apart.
pub(crate) fn system_problems(system: &Spec, nodes: u16, at: &str) -> Vec<Problem> {
    match catalog::validate(&system.name, &Params(system.params.clone()), nodes) {
        Err(CatalogError::Config(error)) => error.0.iter().map(|error| parameter_problem(system, error, at)).collect(),
        Ok(()) | Err(CatalogError::Unknown { .. }) => Vec::new(),
    }
}

fn parameter_problem(system: &Spec, error: &ParamError, at: &str) -> Problem {
    let hint = match error {
        ParamError::Unknown { name, known, .. } => suggest(name, known).map(|near| format!("{}:{near}=…", system.name)),
        ParamError::Value { name, value, known, .. } => {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            suggest(value, &known).map(|near| format!("{}:{name}={near}", system.name))
        }
    };
    let listing = "schism list systems";
    let hint = hint.map_or_else(|| listing.to_owned(), |hint| format!("{hint}, or {listing}"));
    Problem::new(error.to_string(), at, hint)
}

/// A problem of a plan or a fault, as the command line tells it.
pub(crate) fn plan_problem(problem: &plan::Problem) -> Problem {
    let hint = problem.hint.clone().unwrap_or_else(|| "schism list faults".to_owned());
    Problem::new(problem.what.clone(), problem.at.clone(), hint)
}
