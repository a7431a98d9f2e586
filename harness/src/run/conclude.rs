//! After the stop: read the history back, judge it, and write everything that a person or a machine may want to read.

use std::path::Path;
use std::time::Duration;

use schism_checker::formats::ReadError;
use schism_checker::linearizability::Options;
use schism_checker::streaming::Violation;
use schism_checker::verdict::{Outcome, Property};
use schism_checker::{formats, note};
use schism_nodes::config::Consistency;

use super::error::HarnessError;
use super::execute::Finished;
use super::hooks::Hooks;
use super::prepare::Prepared;
use crate::budget::CheckBudget;
use crate::cluster;
use crate::folder::{RunFile, RunFolder, file};
use crate::judge::{self, Case, Judgement};
use crate::machine::Strain;
use crate::measure;
use crate::network::Traffic;
use crate::plan::PlanReport;
use crate::report;
use crate::verdict::{self, Coverage, SeenLive, Verdict};

/// How long the check may take after an interrupt.
const HURRY: Duration = Duration::from_secs(5);
/// A scheduler lag beyond this means that the machine was starved.
const STARVED_LAG_MS: f64 = 1_000.0;

/// What is known of a run when everything has been stopped.
pub(super) struct Conclusion {
    pub(super) folder: RunFolder,
    pub(super) run: RunFile,
    pub(super) prepared: Prepared,
    pub(super) report: Option<PlanReport>,
    pub(super) traffic: Traffic,
    pub(super) strain: Strain,
    pub(super) failures: Vec<String>,
    pub(super) interrupted: Option<i32>,
    /// What was seen while the run went on.
    pub(super) seen_live: Option<Violation>,
}

/// Judges a run and writes its folder.
pub(super) async fn conclude(mut conclusion: Conclusion, hooks: &Hooks) -> Result<Finished, HarnessError> {
    hooks.tell("checking");
    conclusion.run.entries = conclusion.report.as_ref().map(entries).unwrap_or_default();
    let budget = CheckBudget::new(conclusion.run.options.check_time, conclusion.run.options.check_memory);
    let canceller = budget.canceller();
    let mut interrupt = hooks.interrupt.clone();
    let hurry = tokio::spawn(async move {
        if interrupt.wait_for(Option::is_some).await.is_ok() {
            canceller.hurry(HURRY);
        }
    });
    let folder = conclusion.folder.path.clone();
    let finished = tokio::task::spawn_blocking(move || judge_and_write(conclusion, &budget)).await;
    hurry.abort();
    let error = |error: HarnessError| HarnessError { folder: Some(folder.clone()), ..error };
    finished.map_err(|panic| error(HarnessError::failed(format!("the check panicked: {panic}"))))?.map_err(error)
}

/// What became of each entry, for `run.json`.
fn entries(report: &PlanReport) -> Vec<serde_json::Value> {
    let value = |entry| serde_json::to_value(entry).expect("a report is plain JSON");
    report.entries.iter().map(value).collect()
}

fn judge_and_write(mut conclusion: Conclusion, budget: &CheckBudget) -> Result<Finished, HarnessError> {
    let path = conclusion.folder.file(file::HISTORY);
    // The evidence in answers takes memory, and nothing but durability and due times asks for it.
    let with_evidence = conclusion.prepared.requirement.durable || conclusion.run.options.open_loop;
    let history = if with_evidence { formats::read_path(&path) } else { formats::read_path_without_evidence(&path) };
    let history = history.map_err(|error| HarnessError::failed(error).at(path.display()))?;
    let faults = conclusion.report.as_ref().map(|report| report.faults.clone()).unwrap_or_default();
    let notes = conclusion.folder.file(file::EVENTS);
    let quorums = quorums(&conclusion, &path);
    // Notes that cannot be read take nothing away from what the history shows.
    let mut invariants = note::read_path(&notes).map_or_else(
        |error| {
            conclusion.failures.push(error.to_string());
            Vec::new()
        },
        |notes| judge::invariants(&conclusion.run.options.system.name, &notes),
    );
    match quorums {
        Ok(quorums) => invariants.extend(quorums),
        Err(error) => conclusion.failures.push(error.to_string()),
    }
    let declared = conclusion.run.options.consistency == "declared";
    let promise = conclusion.prepared.system.promise();
    let mut judgement = judge::judge(Case {
        history: &history,
        model: &conclusion.prepared.model,
        levels: &conclusion.prepared.requirement.levels,
        durable: conclusion.prepared.requirement.durable,
        judge_durable: matches!(promise, Consistency::Regular | Consistency::Linearizable),
        judge_linearizable: !declared || promise == Consistency::Linearizable,
        promised: judge::promised(&conclusion.run.options.consistency, promise),
        faults: &faults,
        invariants,
        budget,
    });
    if let Some(violation) = &conclusion.seen_live {
        conclusion.failures.extend(reconcile(&mut judgement, violation, conclusion.prepared.model.name()));
    }
    conclusion.failures.extend(conclusion.report.iter().flat_map(|report| report.not_undone.clone()));
    let covered = judgement.covered.clone().map_err(|error| HarnessError::failed(error).at(path.display()))?;
    let coverage = Coverage {
        faults,
        leader_faults: conclusion.report.as_ref().map_or(0, |report| report.leader_faults),
        traffic: conclusion.traffic.clone(),
        syncs: syncs(&conclusion.folder, conclusion.run.options.nodes),
        strain: conclusion.strain,
        ..covered
    };
    let mut verdict = verdict(&mut conclusion, judgement, coverage);
    verdict.availability = measure::measure(&history);
    let Conclusion { folder, run, .. } = conclusion;
    let written = folder
        .write_json(file::RUN, &run)
        .and_then(|()| report::write_all(&folder, &run, &verdict, &history))
        .and_then(|()| folder.make_latest(&run.options.out))
        .and_then(|()| if needless(&run, &verdict) { folder.remove_data() } else { Ok(()) });
    if let Err(error) = written {
        if verdict.outcome != Outcome::Invalid {
            return Err(HarnessError::failed(error).at(folder.path.display()));
        }
        // What was found is told all the same: a full disk must not hide a violation.
        let failures = verdict.harness_failure.take().into_iter().chain([error.to_string()]);
        verdict.harness_failure = Some(failures.collect::<Vec<_>>().join("; "));
    }
    Ok(Finished { folder: folder.path, run, verdict })
}

/// How often the nodes have synced, as far as their folders tell.
fn syncs(folder: &RunFolder, nodes: u16) -> Option<u64> {
    let nodes = (1..=nodes).map(|node| folder.file(file::NODES).join(format!("n{node}")).join("data"));
    cluster::disk::syncs(nodes)
}

/// What became of the rules of quorums, if the system has any. They ask for what clients' events say besides, which is not kept for the rest.
fn quorums(conclusion: &Conclusion, history: &Path) -> Result<Vec<Property>, ReadError> {
    let options = &conclusion.run.options;
    let promises = judge::quorum::promises(&options.system, options.nodes, false);
    let notes = conclusion.folder.file(file::EVENTS);
    promises.map_or_else(|| Ok(Vec::new()), |promises| judge::quorum::of_files(history, &notes, &promises))
}

/// Sees that a violation that was seen while the run went on stands. Where the check at the end came to no end, it is what is
/// known; that it would find the contrary is a fault of ours, which is told.
fn reconcile(judgement: &mut Judgement, violation: &Violation, model: &str) -> Option<String> {
    let property = judgement.properties.iter_mut().find(|property| property.name == "linearizable")?;
    match property.outcome {
        Outcome::Invalid => None,
        Outcome::Unknown => {
            let options = Options { judged: property.judged, ..Options::default() };
            *property = violation.property(model, &options);
            None
        }
        Outcome::Valid | Outcome::Vacuous => {
            let seen = violation.seen;
            Some(format!("a violation was seen live at event {seen}, which the check at the end does not confirm"))
        }
    }
}

/// Whether the nodes' data say nothing that anybody would want to know.
fn needless(run: &RunFile, verdict: &Verdict) -> bool {
    !run.options.keep_data && verdict.outcome == Outcome::Valid && verdict.harness_failure.is_none()
}

fn verdict(conclusion: &mut Conclusion, judgement: Judgement, coverage: Coverage) -> Verdict {
    let outcome = judgement.outcome();
    let mut failures = std::mem::take(&mut conclusion.failures);
    failures.extend(judgement.harness_failures);
    // What a starved machine did not cover says nothing about the system.
    if outcome == Outcome::Vacuous && coverage.strain.scheduler_lag_ms_max > STARVED_LAG_MS {
        failures
            .push(format!("the machine was starved: timers came {:.0} ms late", coverage.strain.scheduler_lag_ms_max));
    }
    let run = &conclusion.run;
    Verdict {
        schism: "verdict".to_owned(),
        format: verdict::FORMAT,
        run: run.id.clone(),
        system: run.options.system.to_string(),
        workload: run.options.workload.to_string(),
        seed: run.seed,
        rung: run.rung.clone(),
        outcome,
        harness_failure: (!failures.is_empty()).then(|| failures.join("; ")),
        interrupted: conclusion.interrupted,
        live: conclusion.seen_live.as_ref().map(|seen| SeenLive { event: seen.seen, seen_at: seen.seen_at }),
        properties: judgement.properties,
        coverage,
        availability: None,
        again: format!("schism replay {} --times 10", run.id),
    }
}
