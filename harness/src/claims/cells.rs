//! The cells of the matrix of N, W and R, each as a row that was not written but derived: what theory promises of it, and runs that hold it to
//! that.
//!
//! | run | |
//! |---|---|
//! | `calm` | the workload without faults: latencies |
//! | `chance` | the workload under all kinds of faults: promises, and how stale reads are |
//! | `attack` | a plan that breaks whatever is not promised, by force |
//!
//! The attack on a cell whose quorums need not meet is a *stale read*: a write is kept from all but the W replicas that make it done, and a
//! read from these. On any other it is the *inversion* of §3.1: a write gets stuck at its coordinator, one read asks there, and
//! a later one does not. What is linearizable withstands it, by write-back, or because with R = N every read asks there.

use std::ops::RangeInclusive;

use schism_checker::quorum::{Level, Quorums};
use serde_json::{Value, json};

use super::row::{Row, RowRun};
use crate::plan::Entry;

/// The run without faults.
pub const CALM: &str = "calm";
/// The run under drawn faults.
pub const CHANCE: &str = "chance";
/// The run of the directed plan.
pub const ATTACK: &str = "attack";

/// A stuck write is given up after so long, so that nothing of it is on its way when reads begin.
const GIVE_UP: &str = "1s";
/// Clients wait for longer, so that they hear of it.
const OP_TIMEOUT: &str = "3s";

/// A choice of N, W and R, with reads that write back or without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// N, W and R.
    pub quorums: Quorums,
    /// Whether reads store what they return.
    pub writeback: bool,
}

/// The levels that runs are asked about, the weakest first.
pub const LEVELS: [Level; 2] = [Level::Regular, Level::Linearizable];

/// All cells of so many copies: W and R in their order, each without and with write-back.
pub fn all(n: u32) -> Vec<Cell> {
    let pairs = (1..=n).flat_map(|w| (1..=n).map(move |r| Quorums { n, w, r }));
    pairs.flat_map(|quorums| [false, true].map(|writeback| Cell { quorums, writeback })).collect()
}

impl Cell {
    /// What theory promises.
    pub fn level(self) -> Level {
        self.quorums.level(self.writeback)
    }

    /// `w2r1`, `w2r1-writeback`
    pub fn name(self) -> String {
        let Quorums { w, r, .. } = self.quorums;
        format!("w{w}r{r}{}", if self.writeback { "-writeback" } else { "" })
    }

    /// The system that has these quorums.
    pub fn system(self) -> String {
        let Quorums { n, w, r } = self.quorums;
        format!("nwr:n={n},w={w},r={r}{}", if self.writeback { ",writeback=on" } else { "" })
    }

    /// How many times a read and a write wait for others: a phase for which the coordinator's own copy is enough waits for nobody.
    pub fn round_trips(self) -> (u32, u32) {
        let (query, store) = (u32::from(self.quorums.r > 1), u32::from(self.quorums.w > 1));
        (query + if self.writeback { store } else { 0 }, query + store)
    }

    /// The runs that hold it to what theory promises, and the predictions.
    pub fn row(self) -> Row {
        let Quorums { n, w, r } = self.quorums;
        let level = self.level();
        let words = |levels: &mut dyn Iterator<Item = &Level>| levels.map(|level| level.as_str().to_owned()).collect();
        let kept: Vec<String> = words(&mut LEVELS.iter().filter(|judged| **judged <= level));
        let broken: Vec<String> = words(&mut LEVELS.iter().filter(|judged| **judged > level));
        let run = |name: &str| RowRun { valid: kept.clone(), ..self.run(name) };
        let calm = RowRun { load: true, time: Some("3s".to_owned()), ..run(CALM) };
        let chance = RowRun { faults: vec!["all".to_owned()], ..run(CHANCE) };
        let attack = RowRun {
            system: format!("{},give_up={GIVE_UP}", self.system()),
            op_timeout: Some(OP_TIMEOUT.to_owned()),
            entries: self.attack(),
            broken,
            ..run(ATTACK)
        };
        Row {
            id: self.name(),
            claim: format!("N = {n}, W = {w}, R = {r}: {}", level.as_str()),
            shows: "What is promised is kept in all runs; what is not is broken by a plan".to_owned(),
            runs: vec![calm, chance, attack],
            ..Row::default()
        }
    }

    fn run(self, name: &str) -> RowRun {
        let nodes = u16::try_from(self.quorums.n).unwrap_or(u16::MAX);
        RowRun { name: name.to_owned(), system: self.system(), nodes, seeds: 1, ..RowRun::default() }
    }

    /// The directed plan.
    fn attack(self) -> Vec<Entry> {
        let Quorums { n, w, r } = self.quorums;
        let last = format!("n{n}");
        let mut script = Script::default();
        let reached = if self.level() == Level::None { w } else { 1 };
        let kept_from = script.lose("Store", "n1", reached + 1..=n);
        script.ask("c1", "n1", Some(1));
        if self.level() != Level::None {
            // What the first read stores comes through again.
            script.end(kept_from);
            script.ask("c2", "n1", None);
        }
        if r < n {
            script.lose("Query", &last, 1..=reached);
        }
        script.ask("c3", &last, None);
        script.entries
    }
}

/// Entries, each of which starts when the one before it is over.
#[derive(Default)]
struct Script {
    entries: Vec<Entry>,
}

impl Script {
    /// Messages of this type from one node to some others are lost from now on.
    fn lose(&mut self, message: &str, from: &str, to: RangeInclusive<u32>) -> Option<u64> {
        let links: Vec<String> = to.map(|to| format!("{from}->n{to}")).collect();
        (!links.is_empty()).then(|| self.add("drop", Some(links.join(",")), &json!({"type": message})))
    }

    /// A fault ends, if there is one.
    fn end(&mut self, entry: Option<u64>) {
        if let Some(entry) = entry {
            self.add("end", None, &json!({"entry": entry}));
        }
    }

    /// Somebody reads, or writes this value.
    fn ask(&mut self, worker: &str, node: &str, written: Option<u64>) {
        let args = match written {
            Some(value) => json!({"node": node, "f": "write", "key": "x", "value": value}),
            None => json!({"node": node, "f": "read", "key": "x"}),
        };
        self.add("request", Some(worker.to_owned()), &args);
    }

    fn add(&mut self, action: &str, on: Option<String>, args: &Value) -> u64 {
        let (last, id) = (self.entries.len() as u64, self.entries.len() as u64 + 1);
        let (at, after) = if last == 0 { (Some("0s".to_owned()), None) } else { (None, Some(last)) };
        let args = args.as_object().cloned().unwrap_or_default();
        self.entries.push(Entry { id, at, after, action: action.to_owned(), on, args, ..Entry::default() });
        id
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::history::{Ending, Operation};
    use schism_checker::verdict::Outcome;

    use super::*;
    use crate::budget::CheckBudget;
    use crate::claims::play;

    fn cell(n: u32, w: u32, r: u32, writeback: bool) -> Cell {
        Cell { quorums: Quorums { n, w, r }, writeback }
    }

    /// What the directed plan leaves of a cell: what became of each level, and how many of its requests were answered.
    fn attacked(cell: Cell) -> ([Outcome; 2], usize) {
        let row = cell.row();
        let run = row.runs.iter().find(|run| run.name == ATTACK).unwrap();
        let evidence = play::simulate(run, &play::options(run, None).unwrap()).unwrap();
        let budget = CheckBudget::new(std::time::Duration::from_mins(1), 1 << 30);
        let is_ok = |operation: &&Operation| operation.ending == Ending::Ok;
        let answered = evidence.history.operations().unwrap().iter().filter(is_ok).count();
        (LEVELS.map(|level| evidence.outcome(level.as_str(), &budget)), answered)
    }

    #[test]
    fn a_plan_breaks_exactly_what_theory_does_not_promise() {
        for cell in (1..=5).flat_map(all) {
            let expected = LEVELS.map(|level| if level <= cell.level() { Outcome::Valid } else { Outcome::Invalid });
            assert_eq!(attacked(cell).0, expected, "{cell:?}");
        }
    }

    #[test]
    fn who_withstands_the_plan_answers_its_reads() {
        for (with, without) in [((3, 2, 2), (3, 2, 3)), ((5, 3, 3), (5, 1, 5)), ((3, 3, 1), (1, 1, 1))] {
            for ((n, w, r), writeback) in [(with, true), (without, false)] {
                assert!(attacked(cell(n, w, r, writeback)).1 >= 2, "{n} {w} {r}");
            }
        }
    }

    #[test]
    fn every_run_of_every_cell_can_be_made() {
        for row in (1..=9).flat_map(all).map(Cell::row) {
            for run in &row.runs {
                play::validate(run).unwrap_or_else(|error| panic!("{} {}: {}", row.claim, run.name, error.what));
            }
        }
    }

    #[test]
    fn a_phase_for_which_the_own_copy_is_enough_waits_for_nobody() {
        assert_eq!(cell(3, 1, 1, true).round_trips(), (0, 0));
        assert_eq!(cell(3, 2, 1, false).round_trips(), (0, 1));
        assert_eq!(cell(3, 2, 2, false).round_trips(), (1, 2));
        assert_eq!(cell(3, 2, 2, true).round_trips(), (2, 2));
    }
}
