//! What a row predicted, against what its runs have left.

use std::collections::BTreeMap;

use schism_checker::budget::Budget;
use schism_checker::verdict::Outcome;
use serde::Serialize;

use super::evidence::Evidence;
use super::figures;
use super::play;
use super::prediction::{Comparison, Figure};
use super::row::{Row, RowRun};
use crate::exit::ExitCode;
use crate::report::words;

/// What became of a prediction, of a row or of several; the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It came as predicted.
    AsPredicted,
    /// What chance should have broken, it did not break this time: no contradiction.
    NotShown,
    /// Nothing can be said: a budget ended, or nothing follows from the runs.
    Unknown,
    /// It came otherwise.
    Deviates,
}

/// A prediction and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// What was predicted: `w2r2: linearizable is invalid`.
    pub predicted: String,
    /// What came: `invalid in 10 of 10 runs`.
    pub measured: String,
    /// Whether that is the same.
    pub fate: Fate,
}

impl Fate {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Fate::AsPredicted => "as predicted",
            Fate::NotShown => "not shown",
            Fate::Unknown => "unknown",
            Fate::Deviates => "deviates",
        }
    }

    /// 0 as predicted, 1 deviates, 2 not shown or unknown.
    pub fn exit(self) -> ExitCode {
        match self {
            Fate::AsPredicted => ExitCode::Done,
            Fate::NotShown | Fate::Unknown => ExitCode::Unknown,
            Fate::Deviates => ExitCode::Invalid,
        }
    }
}

/// What is demanded of a property over the seeds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Valid,
    Broken,
    Breaks,
}

/// Judges the predictions of a row, given what each of its runs left, a seed at a time.
pub fn judge(row: &Row, left: &BTreeMap<String, Vec<Evidence>>, budget: &dyn Budget) -> Vec<Judged> {
    let of = |run: &RowRun| left.get(&run.name).map(Vec::as_slice).unwrap_or_default();
    let mut judged = Vec::new();
    for run in &row.runs {
        let demands = [(&run.valid, Demand::Valid), (&run.broken, Demand::Broken), (&run.breaks, Demand::Breaks)];
        for (names, demand) in demands {
            judged.extend(names.iter().map(|name| property(run, name, demand, of(run), budget)));
        }
    }
    let value = |figure: &Figure| {
        let run = row.runs.iter().find(|run| run.name == figure.run)?;
        figures::figure(figure, of(run), play::window(run).ok()?, budget)
    };
    judged.extend(row.measured.iter().map(|text| measured(text, &value)));
    judged
}

/// The worst of all; unknown where nothing was predicted.
pub fn worst(judged: &[Judged]) -> Fate {
    judged.iter().map(|judged| judged.fate).max().unwrap_or(Fate::Unknown)
}

fn property(run: &RowRun, name: &str, demand: Demand, left: &[Evidence], budget: &dyn Budget) -> Judged {
    let outcomes: Vec<Outcome> = left.iter().map(|evidence| evidence.outcome(name, budget)).collect();
    let demanded = match demand {
        Demand::Valid => "valid",
        Demand::Broken => "invalid",
        Demand::Breaks => "invalid now and then",
    };
    let predicted = format!("{}: {name} {demanded}", run.name);
    Judged { predicted, measured: counted(&outcomes), fate: fate(demand, &outcomes) }
}

fn fate(demand: Demand, outcomes: &[Outcome]) -> Fate {
    let any = |outcome| outcomes.contains(&outcome);
    let decided = any(Outcome::Valid) || any(Outcome::Invalid);
    match demand {
        Demand::Valid if any(Outcome::Invalid) => Fate::Deviates,
        Demand::Breaks if any(Outcome::Invalid) => Fate::AsPredicted,
        Demand::Broken if any(Outcome::Valid) => Fate::Deviates,
        _ if !decided || any(Outcome::Unknown) => Fate::Unknown,
        Demand::Breaks => Fate::NotShown,
        Demand::Broken if any(Outcome::Vacuous) => Fate::Unknown,
        Demand::Valid | Demand::Broken => Fate::AsPredicted,
    }
}

/// `invalid in 3, valid in 7 of 10 runs`
fn counted(outcomes: &[Outcome]) -> String {
    if let [outcome] = outcomes {
        return words::outcome(*outcome).to_owned();
    }
    let parts: Vec<String> = [Outcome::Invalid, Outcome::Valid, Outcome::Vacuous, Outcome::Unknown]
        .into_iter()
        .map(|outcome| (outcome, outcomes.iter().filter(|found| **found == outcome).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| format!("{} in {count}", words::outcome(outcome)))
        .collect();
    format!("{} of {} runs", parts.join(", "), outcomes.len())
}

fn measured(text: &str, value: &impl Fn(&Figure) -> Option<f64>) -> Judged {
    let predicted = text.to_owned();
    let Ok(comparison) = text.parse::<Comparison>() else {
        return Judged { predicted, measured: "it cannot be read".to_owned(), fate: Fate::Unknown };
    };
    let said = |figure: &Figure| match value(figure) {
        Some(value) => format!("{figure} {}", rounded(value)),
        None => format!("nothing says {figure}"),
    };
    let measured: Vec<String> = comparison.figures().map(said).collect();
    let fate = match comparison.holds(value) {
        Some(true) => Fate::AsPredicted,
        Some(false) => Fate::Deviates,
        None => Fate::Unknown,
    };
    Judged { predicted, measured: measured.join(", "), fate }
}

/// Three digits behind the point, without what says nothing.
fn rounded(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Invalid, Unknown, Vacuous, Valid};

    #[test]
    fn a_promise_that_is_broken_once_deviates_and_a_break_that_chance_did_not_show_does_not() {
        let table: [(Demand, &[Outcome], Fate); 12] = [
            (Demand::Valid, &[Valid, Valid], Fate::AsPredicted),
            (Demand::Valid, &[Valid, Invalid, Unknown], Fate::Deviates),
            (Demand::Valid, &[Valid, Unknown], Fate::Unknown),
            (Demand::Valid, &[Vacuous], Fate::Unknown),
            (Demand::Valid, &[], Fate::Unknown),
            (Demand::Breaks, &[Valid, Invalid, Unknown], Fate::AsPredicted),
            (Demand::Breaks, &[Valid, Valid], Fate::NotShown),
            (Demand::Breaks, &[Unknown], Fate::Unknown),
            (Demand::Broken, &[Invalid, Invalid], Fate::AsPredicted),
            (Demand::Broken, &[Invalid, Valid], Fate::Deviates),
            (Demand::Broken, &[Invalid, Vacuous], Fate::Unknown),
            (Demand::Broken, &[], Fate::Unknown),
        ];
        for (demand, outcomes, expected) in table {
            assert_eq!(fate(demand, outcomes), expected, "{demand:?} {outcomes:?}");
        }
    }

    #[test]
    fn what_was_measured_is_told_with_its_figures() {
        let value = |figure: &Figure| (figure.run == "a").then_some(1.0 / 3.0);
        let told = measured("a.ok >= 0.25", &value);
        assert_eq!((told.measured.as_str(), told.fate), ("a.ok 0.333", Fate::AsPredicted));
        assert_eq!(measured("a.ok >= 0.5", &value).fate, Fate::Deviates);
        let told = measured("b.ok >= 0.5", &value);
        assert_eq!((told.measured.as_str(), told.fate), ("nothing says b.ok", Fate::Unknown));
    }

    #[test]
    fn outcomes_are_counted_the_worst_first() {
        assert_eq!(counted(&[Valid]), "valid");
        assert_eq!(counted(&[Valid, Invalid, Valid]), "invalid in 1, valid in 2 of 3 runs");
    }

    #[test]
    fn the_worst_fate_decides_the_exit_code() {
        let judged = |fate| Judged { predicted: String::new(), measured: String::new(), fate };
        let of = |fates: &[Fate]| worst(&fates.iter().copied().map(judged).collect::<Vec<_>>()).exit().number();
        assert_eq!(of(&[Fate::AsPredicted]), 0);
        assert_eq!(of(&[Fate::AsPredicted, Fate::NotShown]), 2);
        assert_eq!(of(&[Fate::Deviates, Fate::Unknown]), 1);
        assert_eq!(of(&[]), 2);
    }
}
