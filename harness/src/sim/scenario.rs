//! From options to a run to its verdict.

use std::collections::BTreeMap;

use schism_checker::budget::Budget;
use schism_checker::history::History;
use schism_checker::note::Note;
use schism_checker::verdict::Outcome;
use schism_nodes::catalog::{self, Visitor};
use schism_nodes::config::Consistency;
use schism_nodes::control::Storage;
use schism_nodes::{LinkOrder, NodeId, Params, Protocol};

use crate::judge::{self, Case};
use crate::measure::measure;
use crate::options::RunOptions;
use crate::plan::entry::Action;
use crate::plan::{Ground, Plan, PlanReport};
use crate::run::HarnessError;
use crate::run::prepare::{self, Prepared, prepare};
use crate::sim::mixture::Mixture;
use crate::sim::watch::Watch;
use crate::sim::weather::Weather;
use crate::sim::world::{Asked, Remains, Setup, World};
use crate::spec::Spec;
use crate::system::BuiltIn;
use crate::verdict::{self, Coverage, Verdict};

/// Everything that a run in virtual time depends on.
pub struct Scenario {
    options: RunOptions,
    /// Absent where the plan was written by somebody.
    mixture: Option<Mixture>,
    weather: Weather,
    prepared: Prepared,
}

/// What the system of a run is.
fn ground(options: &RunOptions) -> Result<Ground, HarnessError> {
    let system = BuiltIn::new(options.system.clone(), options.nodes, None).map_err(HarnessError::usage)?;
    Ok(Ground::of(&system, options.nodes, options.rung()))
}

/// A run that has been played, and not judged yet.
pub struct Simulated {
    scenario: Scenario,
    remains: Remains,
}

/// A run that has been played and judged.
#[derive(Clone, Debug)]
pub struct Played {
    /// What came of it, as of a real run.
    pub verdict: Verdict,
    /// What clients did.
    pub history: History,
    /// What nodes told, where the watch keeps it.
    pub notes: Vec<Note>,
    /// What became of the plan.
    pub report: PlanReport,
    /// How often each deliberate bug has acted.
    pub acted: BTreeMap<String, u64>,
    /// Steps of protocols.
    pub steps: u64,
    /// Virtual time from the first start to the last answer, in nanoseconds.
    pub virtual_ns: u64,
    /// The run as text, where it was asked for.
    pub trace: Option<String>,
    /// What the workload asked.
    pub(crate) asked: Vec<Asked>,
}

impl Scenario {
    /// The run of the seed in `options`: with the plan that they name, or one drawn from a mixture of their faults.
    pub fn new(options: &RunOptions) -> Result<Self, HarnessError> {
        if options.plan.is_some() {
            let prepared = prepare(options)?;
            let weather = prepared.plan.weather.unwrap_or(Weather::CALM);
            return Scenario { options: options.clone(), mixture: None, weather, prepared }.checked();
        }
        let mixture = Mixture::draw(options, &ground(options)?);
        let mixed = mixture.apply(options);
        let mut prepared = prepare(&mixed)?;
        prepared.plan.weather = Some(mixture.weather);
        Scenario { options: mixed, weather: mixture.weather, mixture: Some(mixture), prepared }.checked()
    }

    /// The run of a plan, with what that says of its run in place of what `options` say. Nothing but these two decides what
    /// happens.
    pub fn of_plan(options: &RunOptions, plan: Plan) -> Result<Self, HarnessError> {
        let system = plan.system.as_deref().map(str::parse::<Spec>).transpose().map_err(HarnessError::usage)?;
        let nodes = plan.nodes.unwrap_or(options.nodes);
        let base = RunOptions {
            system: system.unwrap_or_else(|| options.system.clone()),
            nodes,
            concurrency: 2 * usize::from(nodes),
            plan: None,
            faults: Vec::new(),
            ..options.clone()
        };
        let options = base.of_plan(&plan);
        let weather = plan.weather.unwrap_or(Weather::CALM);
        let prepared = prepare::with_plan(&options, Some(plan))?;
        Scenario { options, mixture: None, weather, prepared }.checked()
    }

    /// Refuses faults that exist for real processes alone.
    fn checked(self) -> Result<Self, HarnessError> {
        let foreign = self
            .prepared
            .steps
            .iter()
            .find(|step| matches!(&step.action, Action::Fault { fault, .. } if fault.deed().is_none()));
        match foreign {
            Some(step) => {
                let what = format!("{} (entry {}) can be done to real processes alone", step.kind, step.id);
                Err(HarnessError::usage(what).advise("schism run, or a plan without it"))
            }
            None => Ok(self),
        }
    }

    /// The plan, with its weather.
    pub fn plan(&self) -> &Plan {
        &self.prepared.plan
    }

    /// The options, as the seed has made them.
    pub fn options(&self) -> &RunOptions {
        &self.options
    }

    /// What the seed is made of, where it was drawn.
    pub fn mixture(&self) -> Option<&Mixture> {
        self.mixture.as_ref()
    }

    /// Plays it, with `watch` listening to the notes, and judges it. `trace` asks for the run as text.
    pub fn play(self, watch: Watch, trace: bool, budget: &dyn Budget) -> Result<Played, HarnessError> {
        self.simulate(watch, trace)?.judge(budget)
    }

    /// Plays it without judging it.
    pub fn simulate(mut self, watch: Watch, trace: bool) -> Result<Simulated, HarnessError> {
        let params = Params(self.options.system.params.clone());
        let name = &self.options.system.name;
        let storage = catalog::storage(name, &params).map_err(HarnessError::usage)?;
        let workload = self.prepared.workload.take();
        let reads = self.prepared.planned_reads();
        let play = Play {
            storage,
            order: self.prepared.system.links(),
            options: self.options.clone(),
            weather: self.weather,
            retries: self.mixture.as_ref().map_or(0.0, |mixture| mixture.retries),
            workload,
            reads,
            coordinators: std::mem::take(&mut self.prepared.coordinators),
            steps: std::mem::take(&mut self.prepared.steps),
            watch,
            trace,
        };
        let remains = catalog::with_protocol(name, &params, self.options.nodes, play).map_err(HarnessError::usage)?;
        Ok(Simulated { scenario: self, remains })
    }

    /// What a trace says first.
    fn head(&self) -> String {
        let RunOptions { system, nodes, seed, .. } = &self.options;
        let mixture = self.mixture.as_ref().map_or_else(|| self.weather.to_string(), ToString::to_string);
        format!("{system} on {nodes} nodes, seed {seed}\n{mixture}")
    }
}

impl Simulated {
    /// Steps of protocols.
    pub fn steps(&self) -> u64 {
        self.remains.steps
    }

    /// Judges it as a real run is judged.
    pub fn judge(self, budget: &dyn Budget) -> Result<Played, HarnessError> {
        let Simulated { scenario, remains } = self;
        let Scenario { options, prepared, .. } = &scenario;
        let Remains { recording, report, mut watch, trace, traffic, start, end, steps, asked } = remains;
        let history = recording.finish(&prepared.system.label(), &prepared.requirement);
        let mut invariants = watch.properties();
        let promises = judge::quorum::promises(&options.system, options.nodes, true);
        if let (Some(promises), Some(gathered)) = (promises, watch.take_gathered()) {
            invariants.extend(judge::quorum::properties(gathered, &history, &promises));
        }
        let declared = options.consistency == "declared";
        let promise = prepared.system.promise();
        let judgement = judge::judge(Case {
            history: &history,
            model: &prepared.model,
            levels: &prepared.requirement.levels,
            durable: prepared.requirement.durable,
            judge_durable: matches!(promise, Consistency::Regular | Consistency::Linearizable),
            judge_linearizable: !declared || promise == Consistency::Linearizable,
            promised: judge::promised(&options.consistency, promise),
            faults: &report.faults,
            invariants,
            budget,
        });
        let outcome = judgement.outcome();
        let covered = judgement.covered.map_err(HarnessError::failed)?;
        let coverage =
            Coverage { faults: report.faults.clone(), leader_faults: report.leader_faults, traffic, ..covered };
        let verdict = Verdict {
            schism: "verdict".to_owned(),
            format: verdict::FORMAT,
            run: format!("sim-{}", options.seed),
            system: options.system.to_string(),
            workload: options.workload.to_string(),
            seed: options.seed,
            rung: "sim".to_owned(),
            outcome,
            harness_failure: (!judgement.harness_failures.is_empty()).then(|| judgement.harness_failures.join("; ")),
            interrupted: None,
            properties: judgement.properties,
            coverage,
            availability: options.open_loop.then(|| measure(&history)).flatten(),
            live: None,
            again: String::new(),
        };
        let trace = trace.map(|trace| trace.finish(&scenario.head(), start));
        let (acted, notes) = (watch.acted().clone(), watch.take_kept());
        Ok(Played { verdict, history, notes, report, acted, steps, virtual_ns: end, trace, asked })
    }
}

impl Played {
    /// The names of the judged properties that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        let broken =
            self.verdict.properties.iter().filter(|property| property.judged && property.outcome == Outcome::Invalid);
        broken.map(|property| property.name.as_str())
    }
}

struct Play {
    storage: Storage,
    order: LinkOrder,
    coordinators: Vec<NodeId>,
    options: RunOptions,
    weather: Weather,
    retries: f64,
    workload: Option<Box<dyn schism_workloads::Workload>>,
    reads: Vec<schism_workloads::Invocation>,
    steps: Vec<crate::plan::Step>,
    watch: Watch,
    trace: bool,
}

impl Visitor for Play {
    type Output = Remains;

    fn visit<P: Protocol + 'static>(self, config: P::Config) -> Remains {
        let Play { storage, order, coordinators, options, weather, retries, workload, reads, steps, watch, trace } =
            self;
        let setup = Setup { config, storage, order, coordinators, options, weather, retries, workload, reads, steps };
        World::<P>::new(setup, watch, trace).run()
    }
}
