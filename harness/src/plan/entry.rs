//! Entries as they are carried out: typed, with everything checked that can be checked before the start.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schism_nodes::RequestKind;
use schism_nodes::note::NotePattern;

use crate::faults::{Fault, Faults};
use crate::plan::Plan;
use crate::plan::entry_reader::EntryReader;
use crate::plan::ground::Ground;
use crate::plan::problem::{Problem, Problems};
use crate::plan::target::Targets;

/// What an entry's `do` can say besides the kinds of faults.
pub const ACTIONS: [&str; 6] = ["request", "hold", "deliver", "drop", "fire", "end"];

/// An entry, ready to be carried out.
#[derive(Debug)]
pub struct Step {
    /// The entry's number.
    pub id: u64,
    /// The entry's `do`.
    pub kind: String,
    /// When it starts.
    pub start: Start,
    /// What is done.
    pub action: Action,
    /// How long it stays in force; to the end of the run, or an `end` entry, where absent.
    pub duration: Option<Duration>,
}

/// When an entry starts.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// That long after the end of the start-up.
    At(Duration),
    /// That long after another entry was over.
    After(u64, Duration),
    /// That long after a note matched; the node stands still there meanwhile.
    When(NotePattern, Duration),
}

/// What is done.
#[derive(Debug)]
pub enum Action {
    /// A fault, or messages held or dropped by type.
    Fault {
        /// What happens.
        fault: Box<dyn Fault>,
        /// To whom.
        targets: Targets,
        /// Whether it is an interval.
        lasts: bool,
    },
    /// A worker makes a request of its own.
    Request {
        /// Which worker.
        worker: String,
        /// Where it asks.
        node: Targets,
        /// What it asks.
        request: RequestKind,
    },
    /// Messages that a `hold` has kept are delivered, or dropped.
    Release {
        /// The entry that holds them.
        hold: u64,
        /// How many, the oldest first; all where absent.
        count: Option<u64>,
        /// Delivered or dropped.
        deliver: bool,
    },
    /// A timer expires.
    Fire {
        /// At which nodes.
        targets: Targets,
        /// Its name, as the protocol displays it.
        timer: String,
    },
    /// Another entry's fault ends.
    End {
        /// That entry.
        entry: u64,
    },
}

/// The entries of a plan, ready to be carried out, or everything that is wrong with them. `at` is where the plan comes
/// from, for messages.
pub fn steps(plan: &Plan, ground: &Ground, faults: &Faults, at: &str) -> Result<Vec<Step>, Problems> {
    let (mut problems, mut steps) = (Vec::new(), Vec::new());
    let ids: BTreeSet<u64> = plan.entries.iter().map(|entry| entry.id).collect();
    let mut seen = BTreeSet::new();
    for (place, entry) in plan.entries.iter().enumerate() {
        let at = place_of(at, place, Some(entry.id));
        if entry.id == 0 {
            problems.push(Problem::new(&at, "an id cannot be 0").hint("ids count from 1"));
        } else if !seen.insert(entry.id) {
            let free = (1..=u64::MAX).find(|id| !ids.contains(id)).unwrap_or_default();
            problems.push(Problem::new(&at, format!("the id {} is taken", entry.id)).hint(format!("such as {free}")));
        }
        let mut reader = EntryReader { entry, ground, faults, ids: &ids, plan, at, problems: Vec::new() };
        let step = reader.step();
        problems.append(&mut reader.problems);
        steps.extend(step);
    }
    problems.extend(circle(&steps, at));
    if problems.is_empty() { Ok(steps) } else { Err(Problems(problems)) }
}

/// The name of an entry in messages.
pub(crate) fn place_of(at: &str, place: usize, id: Option<u64>) -> String {
    let id = id.map_or_else(String::new, |id| format!(" (id {id})"));
    format!("{at}: entry {}{id}", place + 1)
}

/// Entries that wait for each other would never start.
fn circle(steps: &[Step], at: &str) -> Option<Problem> {
    let waits: BTreeMap<u64, Vec<u64>> = steps.iter().map(|step| (step.id, step.waits_for())).collect();
    let (mut free, mut open) = (BTreeSet::new(), waits.clone());
    loop {
        let ready: Vec<u64> = open
            .iter()
            .filter(|(_, others)| others.iter().all(|other| free.contains(other) || !waits.contains_key(other)))
            .map(|(id, _)| *id)
            .collect();
        if ready.is_empty() {
            break;
        }
        open.retain(|id, _| !ready.contains(id));
        free.extend(ready);
    }
    let stuck: Vec<String> = open.keys().map(ToString::to_string).collect();
    (!stuck.is_empty()).then(|| {
        let problem = Problem::new(at, format!("entries {} wait for each other", stuck.join(", ")));
        problem.hint("start one of them at a time, or when a note matches")
    })
}

impl Step {
    fn waits_for(&self) -> Vec<u64> {
        let start = if let Start::After(entry, _) = self.start { Some(entry) } else { None };
        let end = if let Action::End { entry } = self.action { Some(entry) } else { None };
        start.into_iter().chain(end).collect()
    }
}
