//! What `show` and `report` look at, read: the history, what is known of the run, and a verdict, which for a bare history is made now.

use std::path::Path;

use schism_checker::formats::{self, NotPaired};
use schism_checker::history::History;
use schism_checker::linearizability::{self, Options};

use crate::budget::CheckBudget;
use crate::cli::args::LookArgs;
use crate::cli::input::{self, Input};
use crate::cli::problem::{Failure, Problem};
use crate::cli::resolve::Problems;
use crate::cli::{model, show};
use crate::folder::RunFile;
use crate::report::beside::{Beside, Window};
use crate::verdict::{self, Coverage, FaultCount, Verdict};
use crate::{judge, measure, report};

/// What a bare history does not tell.
const ABSENT: [&str; 4] = [
    "what was run, with which seed and plan: there is no run.json",
    "what the nodes noted: there is no events.jsonl",
    "messages between the nodes: there is no messages.jsonl",
    "the nodes' logs",
];
const CHECK_TIME: std::time::Duration = std::time::Duration::from_mins(1);
const CHECK_MEMORY: u64 = 1 << 30;

/// See the module's head.
pub(crate) struct Look {
    pub(crate) input: Input,
    pub(crate) run: Option<RunFile>,
    pub(crate) verdict: Verdict,
    pub(crate) history: History,
}

impl Look {
    /// Reads what was named.
    pub(crate) fn at(args: &LookArgs) -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let given = args.model.as_deref().and_then(|text| model::given(&mut problems, text));
        problems.finish(()).map_err(Failure::usage)?;
        let input = input::input(Path::new(&args.run), &args.out)?;
        let path = &input.history;
        if let Some(folder) = &input.folder {
            let verdict = folder.verdict().map_err(|error| show::unjudged(folder, &error))?;
            let run = folder.run_file().map_err(|error| show::unreadable(folder, &error))?;
            let history =
                formats::read_path_without_evidence(path).map_err(|error| damaged(&input, &input.called(error)))?;
            return Ok(Look { run: Some(run), verdict, history, input });
        }
        let history =
            formats::read_path_without_evidence(path).map_err(|error| damaged(&input, &input.called(error)))?;
        let paired = history.paired().map_err(|error| damaged(&input, &NotPaired::History(error)))?;
        let chosen = model::chosen(given.as_ref(), &paired, &input.name)?;
        let options = Options { trivially_valid: history.header.is_none(), ..Options::default() };
        let budget = CheckBudget::new(CHECK_TIME, CHECK_MEMORY);
        let property = linearizability::check_paired(&paired, &chosen.model, &options, &budget)
            .map_err(|error| damaged(&input, &error))?;
        let verdict = bare(&input, &history, property)?;
        Ok(Look { run: None, verdict, history, input })
    }

    /// What lies beside the history, around these moments.
    pub(crate) fn beside(&self, windows: &[Window]) -> Beside {
        match &self.input.folder {
            Some(folder) => {
                let start = self.history.header.as_ref().and_then(|header| header.start.as_deref());
                Beside::read(&folder.path, windows, start)
            }
            None => Beside { absent: ABSENT.map(ToOwned::to_owned).to_vec(), ..Beside::default() },
        }
    }
}

/// A verdict on nothing but a history.
fn bare(input: &Input, history: &History, property: schism_checker::verdict::Property) -> Result<Verdict, Failure> {
    let header = history.header.as_ref();
    let covered = judge::cover(history).map_err(|error| damaged(input, &error))?;
    let mut faults = std::collections::BTreeMap::<String, FaultCount>::new();
    for fault in report::data::faults(history) {
        let count = faults.entry(fault.kind).or_default();
        count.planned += 1;
        *(if fault.in_force.is_some() { &mut count.proved } else { &mut count.unproved }) += 1;
    }
    Ok(Verdict {
        schism: "verdict".to_owned(),
        format: verdict::FORMAT,
        run: header.and_then(|header| header.run.clone()).unwrap_or_else(|| input.name.clone()),
        system: header.and_then(|header| header.system.clone()).unwrap_or_else(|| input.name.clone()),
        workload: String::new(),
        seed: 0,
        rung: String::new(),
        outcome: property.outcome,
        harness_failure: None,
        interrupted: None,
        live: None,
        properties: vec![property],
        coverage: Coverage { faults, ..covered },
        availability: measure::measure(history),
        again: format!("schism check {}", input.name),
    })
}

fn damaged(input: &Input, error: &dyn std::fmt::Display) -> Problem {
    let hint = "a history of Schism, Jepsen (EDN), elle-cli (JSON) or Porcupine, or a run folder; --model NAME";
    Problem::new(error.to_string(), &input.name, hint)
}
