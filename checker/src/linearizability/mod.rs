//! Linearizability: whether every operation can be given one moment between its begin and its end, so that the answers are
//! those of the sequential model (Herlihy and Wing, 1990).
//!
//! Each key is checked alone where the model allows it, several at the same time. A register whose values name their writes
//! goes to the zones; everything else goes to the frontier search at once. Operations that failed are dropped, since they did not
//! happen, and so are crashed ones that change nothing; other crashed ones may happen at any time after they began, or
//! never.

mod cores;
pub(crate) mod keys;
mod prove;
mod report;
mod rounds;

use crate::budget::{Budget, Unlimited};
use crate::call::Call;
use crate::history::{History, HistoryError, Operation, PairedHistory};
pub(crate) use crate::linearizability::keys::{Counts, input};
use crate::linearizability::keys::{Part, Parts};
pub use crate::linearizability::prove::{NoProof, prove, prove_with};
use crate::linearizability::report::{Finding, PartReport, Route};
pub(crate) use crate::linearizability::report::{ended, key_text};
use crate::meter::{Meter, Share, Stop};
use crate::model::Model;
use crate::models::each::WithModel;
use crate::models::{AssertingRegister, ModelSpec, asserting};
use crate::registers::RegisterCalls;
use crate::routes::{self, Elements, Guided};
pub use crate::search::Reductions;
use crate::search::{End, crashed, explain, search};
use crate::suspects;
use crate::verdict::{Counterexample, Outcome, Property};
use crate::zones;

/// How to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// Whether the property counts for the exit code; it is only copied into the result.
    pub judged: bool,
    /// Use an algorithm for this kind of object where its assumption holds (zones for a register whose values are distinct);
    /// otherwise everything is searched.
    pub zones: bool,
    /// What the search leaves out.
    pub reductions: Reductions,
    /// What is said of a history in which no operation ended ok with an answer that could have been wrong: `vacuous`, since
    /// nothing follows from it, or, where only the question counts whether what was recorded is linearizable, `valid`.
    /// A history without operations is `vacuous` either way.
    pub trivially_valid: bool,
    /// A compare-and-set that ended `fail` with an answer that names the mismatch says that the value was another one. Else
    /// it is dropped like everything that failed, as Jepsen does.
    pub failed_cas_asserts: bool,
    /// Say why an invalid history is invalid; else there is no counterexample, and no suspects, only the verdict.
    pub explain: bool,
    /// How many states, each with its refusal, a counterexample of the search shows at most.
    pub states_shown: usize,
    /// How much may be spent on the core of a violation after it was found, and as much on the order that was tried, in steps: about
    /// so many times the search may place one operation in one configuration, or copy half a kilobyte of a state; and once more for
    /// each operation of the object. Nothing, and there is neither; a default check spends some 25 ms at most on each where
    /// a history is short.
    pub core_effort: u64,
}

impl Default for Options {
    fn default() -> Options {
        let reductions = Reductions::default();
        Options {
            judged: true,
            zones: true,
            reductions,
            trivially_valid: false,
            failed_cas_asserts: false,
            explain: true,
            states_shown: 10,
            core_effort: 150_000,
        }
    }
}

/// Why a history cannot be checked at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Its events are not those of single-threaded processes.
    #[error("the history cannot be checked: {0}")]
    History(#[from] HistoryError),
    /// The model does not understand an operation.
    #[error("model {model} cannot take {f} of process {process} (event {invoked}): {why}")]
    Operation {
        /// The model's name.
        model: String,
        /// What is done.
        f: String,
        /// By whom.
        process: u64,
        /// Index of the invocation.
        invoked: u64,
        /// The model's words.
        why: String,
    },
    /// An operation is marked as completed, but the index of its completion is missing or before its invocation.
    #[error("{f} of process {process} (event {invoked}) ended ok, but at no event after its invocation")]
    Completion {
        /// What is done.
        f: String,
        /// By whom.
        process: u64,
        /// Index of the invocation.
        invoked: u64,
    },
    /// What was asked for is a property of another kind of object.
    #[error("{level} is a property of {of}, and {model} is none")]
    Level {
        /// The property's name.
        level: &'static str,
        /// What kind of object has it.
        of: &'static str,
        /// The model's name.
        model: String,
    },
}

/// Checks a history against one of our models. The property is named `linearizable`.
pub fn check(
    history: &History,
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    check_paired(&history.paired()?, model, options, budget)
}

/// Like [`check`], of a history without its events.
pub fn check_paired(
    history: &PairedHistory,
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let mut property = check_operations(&history.operations, model, options, budget)?;
    if property.outcome == Outcome::Invalid {
        property.suspects.extend(suspects::of_history(history));
    }
    Ok(property)
}

/// Like [`check`], with the operations already paired.
pub fn check_operations(
    operations: &[Operation],
    model: &ModelSpec,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    match model {
        ModelSpec::Register(model) if options.failed_cas_asserts && model.compare_and_set => {
            check_with(&asserting(operations), &AssertingRegister(model.clone()), options, budget)
        }
        _ => model.with(Check { operations, options, budget }),
    }
}

struct Check<'a> {
    operations: &'a [Operation],
    options: &'a Options,
    budget: &'a dyn Budget,
}

impl WithModel for Check<'_> {
    type Output = Result<Property, CheckError>;

    fn with<M: Model>(self, model: &M) -> Result<Property, CheckError> {
        check_with(self.operations, model, self.options, self.budget)
    }
}

/// Like [`check_operations`], with a model of the caller's own.
pub fn check_with<M: Model>(
    operations: &[Operation],
    model: &M,
    options: &Options,
    budget: &dyn Budget,
) -> Result<Property, CheckError> {
    let meter = Meter::new(budget);
    // It is held up to the end: what the calls take counts while they are checked.
    let mut share = meter.share(0);
    let Some(parts) = Parts::of(model, operations, &mut share)? else {
        return Ok(report::nothing_checked(model, options, &meter));
    };
    let _held = share.hold(parts.bytes());
    let Parts { parts, counts } = parts;
    let reports = rounds::settle(model, parts, options, &meter);
    let mut property = report::property(model, options, &meter, &counts, reports);
    if !options.explain {
        property.counterexample = None;
    }
    if let Some(counterexample) = &mut property.counterexample {
        if options.core_effort > 0 {
            let core = cores::core(operations, model, counterexample, options.core_effort, budget);
            counterexample.core = core.map(Box::new);
            let tried = cores::tried(operations, model, counterexample, options.core_effort, budget);
            counterexample.tried = tried.map(Box::new);
        }
        property.suspects = suspects::of_object(operations, model, counterexample);
    }
    Ok(property)
}

/// The property of a history whose keys were all found linearizable by the search while it grew: how many operations each of
/// them had, and the most configurations that were held at the same time.
pub(crate) fn settled<M: Model>(
    model: &M,
    options: &Options,
    counts: &Counts,
    keys: impl Iterator<Item = (usize, usize)>,
) -> Property {
    let report = |(operations, peak_configurations)| PartReport {
        key: None,
        operations,
        route: Route::Search,
        finding: Finding::Linearizable,
        peak_configurations,
    };
    report::property(model, options, &Meter::new(&Unlimited), counts, keys.map(report).collect())
}

/// Goes on with an object of which `before` is known.
fn check_part<M: Model>(
    model: &M,
    part: &mut Part<'_, M::Input>,
    before: PartReport,
    options: &Options,
    share: &mut Share<'_>,
) -> PartReport {
    let placed_before = before.finding.placed();
    let mut report = PartReport { route: Route::Search, ..before };
    let calls = &mut part.calls;
    let finding = match share.ask(0) {
        Err(stop) => Ok(stopped(stop, 0)),
        Ok(()) if options.zones => by_zones(model, calls, options, &mut report, share)
            .or_else(|()| by_route(model, calls, options, &mut report, share))
            .or_else(|()| by_elements(model, calls, options, &mut report, share))
            .or_else(|()| by_longest_read(model, calls, options, &mut report, share)),
        Ok(()) => Err(()),
    };
    report.finding = finding.unwrap_or_else(|()| by_search(model, calls, options, &mut report, share));
    match &mut report.finding {
        Finding::Invalid(counterexample) => counterexample.key.clone_from(&report.key),
        Finding::Unknown { placed } | Finding::Paused { placed } | Finding::Crowded { placed } => {
            *placed = placed_before.max(*placed);
        }
        Finding::Linearizable | Finding::Needless => {}
    }
    report
}

/// What zones find; an error where they do not apply.
fn by_zones<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    options: &Options,
    report: &mut PartReport,
    share: &mut Share<'_>,
) -> Result<Finding, ()> {
    let registers = RegisterCalls::of(model, calls).filter(RegisterCalls::values_are_distinct).ok_or(())?;
    report.route = Route::Zones;
    let held = share.hold(registers.bytes());
    let found = zones::violations(&registers, calls, share);
    share.release(held);
    Ok(match found {
        Ok(violations) if violations.is_empty() => Finding::Linearizable,
        Ok(_) if !options.explain => Finding::Invalid(Counterexample::default()),
        Ok(violations) => Finding::Invalid(zones::witness::counterexample(model, &registers, calls, &violations)),
        Err(stop) => stopped(stop, 0),
    })
}

/// What an algorithm for this kind of object finds; an error where there is none, or its assumption does not hold.
fn by_route<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    options: &Options,
    report: &mut PartReport,
    share: &mut Share<'_>,
) -> Result<Finding, ()> {
    let decided = match routes::decide(model, calls, share) {
        Ok(decided) => decided.ok_or(())?,
        Err(stop) => return Ok(stopped(stop, 0)),
    };
    report.route = Route::Special(decided.route);
    Ok(match decided.contradiction {
        None => Finding::Linearizable,
        Some(_) if !options.explain => Finding::Invalid(Counterexample::default()),
        Some(contradiction) => Finding::Invalid(contradiction.tell(model, calls)),
    })
}

/// What the search finds for each element of a set alone; an error where it is no set, or an operation concerns several.
fn by_elements<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    options: &Options,
    report: &mut PartReport,
    share: &mut Share<'_>,
) -> Result<Finding, ()> {
    let elements = Elements::of(model, calls).ok_or(())?;
    report.route = Route::Special("per element");
    let mut settled = 0;
    for numbers in elements.calls {
        let mut calls: Vec<_> = numbers.iter().map(|&number| calls[number].clone()).collect();
        let before = settled;
        settled += calls.len();
        match by_search(model, &mut calls, options, report, share) {
            Finding::Linearizable => {}
            Finding::Unknown { placed } => return Ok(Finding::Unknown { placed: before + placed }),
            Finding::Paused { placed } => return Ok(Finding::Paused { placed: before + placed }),
            Finding::Crowded { placed } => return Ok(Finding::Crowded { placed: before + placed }),
            other => return Ok(other),
        }
    }
    Ok(Finding::Linearizable)
}

/// What the search finds along the longest read of a list; an error where it is none.
fn by_longest_read<M: Model>(
    model: &M,
    calls: &[Call<'_, M::Input>],
    options: &Options,
    report: &mut PartReport,
    share: &mut Share<'_>,
) -> Result<Finding, ()> {
    let guided = Guided::of(model, calls).ok_or(())?;
    report.route = Route::Special("longest read");
    let found = search(&guided.model, &guided.calls, options.reductions, options.states_shown, share);
    report.peak_configurations = found.peak_configurations;
    Ok(match found.end {
        End::Linearizable => Finding::Linearizable,
        End::Stuck(_) if !options.explain => Finding::Invalid(Counterexample::default()),
        End::Stuck(stuck) => Finding::Invalid(guided.counterexample(model, calls, stuck)),
        End::Stopped { why, placed } => stopped(why, placed),
    })
}

/// What the search finds. Of `calls` it leaves those that can matter.
fn by_search<M: Model>(
    model: &M,
    calls: &mut Vec<Call<'_, M::Input>>,
    options: &Options,
    report: &mut PartReport,
    share: &mut Share<'_>,
) -> Finding {
    crashed::reduce(model, calls, options.reductions);
    let found = search(model, calls, options.reductions, options.states_shown, share);
    report.peak_configurations = report.peak_configurations.max(found.peak_configurations);
    match found.end {
        End::Linearizable => Finding::Linearizable,
        End::Stuck(_) if !options.explain => Finding::Invalid(Counterexample::default()),
        End::Stuck(stuck) => Finding::Invalid(explain::counterexample(model, calls, &stuck)),
        End::Stopped { why, placed } => stopped(why, placed),
    }
}

fn stopped(why: Stop, placed: usize) -> Finding {
    match why {
        Stop::Exhausted => Finding::Unknown { placed },
        Stop::Needless => Finding::Needless,
        Stop::Paused => Finding::Paused { placed },
        Stop::Crowded => Finding::Crowded { placed },
    }
}
