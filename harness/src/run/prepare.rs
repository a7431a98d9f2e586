//! Everything that can be decided, and refused, before anything is started.

use std::collections::BTreeSet;
use std::sync::Arc;

use schism_checker::models::ModelSpec;
use schism_nodes::NodeId;
use schism_workloads::{Invocation, Load, Requirement, Workload};
use serde_json::Value;

use super::error::HarnessError;
use crate::chance;
use crate::faults::Faults;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::plan::{self, Chance, Ground, Plan, Problems, Step};
use crate::spec::Spec;
use crate::system::System;
use crate::system::made::{self, MakeError};

/// The most coordinators beside clients: each is a process, with a relay to and from every node.
const COORDINATORS_MAX: u16 = 100;

/// A run that makes sense.
pub(crate) struct Prepared {
    pub(crate) nodes: Vec<NodeId>,
    /// Those beside clients, if the system has such.
    pub(crate) coordinators: Vec<NodeId>,
    pub(crate) system: Arc<dyn System>,
    /// Absent where a plan brings its own requests. Taken when the workers start.
    pub(crate) workload: Option<Box<dyn Workload>>,
    pub(crate) has_workload: bool,
    pub(crate) requirement: Requirement,
    pub(crate) model: ModelSpec,
    pub(crate) plan: Plan,
    pub(crate) steps: Vec<Step>,
}

/// Decides everything.
pub(crate) fn prepare(options: &RunOptions) -> Result<Prepared, HarnessError> {
    let plan = options.plan.as_deref().map(plan::load).transpose().map_err(problems)?;
    let prepared = with_plan(options, plan)?;
    match prepared.system.missing() {
        Some((what, hint)) => Err(HarnessError::failed(what).at(prepared.system.label()).advise(hint)),
        None => Ok(prepared),
    }
}

/// Decides everything for a plan, or for one that is drawn.
pub(crate) fn with_plan(options: &RunOptions, plan: Option<Plan>) -> Result<Prepared, HarnessError> {
    let system = made::system(options).map_err(unmade)?;
    let ground = Ground::of(&*system, options.nodes, options.rung());
    let faults = Faults::default();
    let chance = Chance {
        faults: &options.faults,
        rate: options.fault_rate,
        quiet: options.quiet,
        time: options.time,
        seed: options.seed,
    };
    let plan = match plan {
        Some(plan) => plan,
        None => plan::draw(&chance, &ground, &faults).map_err(problems)?,
    };
    let at = options.plan.as_ref().map_or_else(|| "the plan".to_owned(), |path| path.display().to_string());
    let steps = plan::steps(&plan, &ground, &faults, &at).map_err(problems)?;
    let coordinators = if system.beside_clients() { coordinators(options, &plan)? } else { Vec::new() };
    let workload = workload(options, &*system)?;
    let requirement = workload.requirement();
    let initial = Some(&requirement.initial).filter(|initial| !initial.is_null());
    let parameters = initial.map(|initial| ("init".to_owned(), initial.to_string())).into_iter().collect();
    let model = ModelSpec::parse(&requirement.model, &parameters).map_err(HarnessError::usage)?;
    let has_workload = plan.workload;
    let workload = has_workload.then_some(workload);
    Ok(Prepared {
        nodes: NodeId::universe(options.nodes),
        coordinators,
        system,
        workload,
        has_workload,
        requirement,
        model,
        plan,
        steps,
    })
}

/// The coordinators beside clients: one for each worker that there is from the start, or that the plan names.
fn coordinators(options: &RunOptions, plan: &Plan) -> Result<Vec<NodeId>, HarnessError> {
    if options.rung() != Rung::Proxy {
        let what = format!("{} has coordinators beside clients, which have links through relays alone", options.system);
        return Err(HarnessError::usage(what).advise("--net proxy"));
    }
    let targets = plan.entries.iter().filter_map(|entry| entry.on.as_deref());
    let named = targets.flat_map(|on| on.split(',')).flat_map(|target| target.split("->"));
    let named = named.filter_map(|end| end.trim().parse::<NodeId>().ok());
    let noted = plan.entries.iter().filter_map(|entry| entry.when.as_ref()?.node);
    let most = named.chain(noted).filter_map(NodeId::client).max().unwrap_or(0);
    let count = options.concurrency.max(usize::from(most));
    match u16::try_from(count) {
        Ok(count) if count <= COORDINATORS_MAX => Ok((1..=count).map(NodeId::beside).collect()),
        _ => {
            let what = format!("{} starts a process for each of {count} clients", options.system);
            Err(HarnessError::usage(what).advise(format!("--concurrency up to {COORDINATORS_MAX}")))
        }
    }
}

/// Everything that is wrong with a system, as one error.
fn unmade(errors: Vec<MakeError>) -> HarnessError {
    let what: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let error = HarnessError::usage(what.join("; "));
    match errors.into_iter().next() {
        Some(first) => error.advise(first.hint),
        None => error,
    }
}

/// Everything that is wrong with a plan, as one error.
fn problems(problems: Problems) -> HarnessError {
    HarnessError::usage(problems)
}

fn workload(options: &RunOptions, system: &dyn System) -> Result<Box<dyn Workload>, HarnessError> {
    let stream = |worker| chance::stream(options.seed, &format!("workload/c{worker}"));
    let streams = (1..=options.concurrency).map(stream).collect();
    let Spec { name, params } = &options.workload;
    schism_workloads::make(name, params, load(options), &system.requests(), streams)
        .map_err(|error| HarnessError::usage(error).advise("schism list workloads"))
}

/// How much is asked of the system.
pub(crate) fn load(options: &RunOptions) -> Load {
    Load {
        keys: options.keys,
        workers: options.concurrency,
        rate: options.rate,
        time: options.time,
        open: options.open_loop,
        mix: options.mix.clone(),
    }
}

impl Prepared {
    /// The nodes, and the coordinators beside clients.
    pub(crate) fn everyone(&self) -> Vec<NodeId> {
        [&self.nodes[..], &self.coordinators[..]].concat()
    }

    /// What is read finally in a run whose requests are the plan's own: the keys that these name.
    pub(crate) fn planned_reads(&self) -> Vec<Invocation> {
        let requests = self.plan.entries.iter().filter(|entry| entry.action == "request");
        let keys: BTreeSet<String> =
            requests.filter_map(|entry| entry.args.get("key")?.as_str()).map(str::to_owned).collect();
        keys.into_iter().map(|key| Invocation { f: "read".into(), key: key.into(), value: Value::Null }).collect()
    }
}
