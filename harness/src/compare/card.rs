//! The CAP card: what a system does when it is cut in two, measured and classified.
//!
//! "Consistent" is linearizable over the whole history, the cut included. A side is "available" where at least 99 of 100 operations of
//! each kind are answered within a second (Gilbert and Lynch 2002 ask for an answer at every node that lives; a second is what we wait).
//! That a system is both is impossible, their theorem says: who measures it has cut nothing, and is told so.

use std::collections::BTreeMap;
use std::fmt;

use schism_checker::verdict::Outcome;
use serde::{Deserialize, Serialize};

use super::base::Base;
use super::statistics::{self, Estimate};
use super::{LEVELS, Ran};
use crate::measure::{Met, Part, Side, Split};

/// The share of operations from which on a side is available.
const AVAILABLE: f64 = 0.99;
/// A cell with fewer operations decides nothing.
const OPERATIONS_MIN: u64 = 100;

/// What a system did in a partition of one shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The shape of the partition.
    pub shape: String,
    /// The run that shows it.
    pub run: String,
    /// What it is called for that.
    pub class: Class,
    /// Why, in a sentence.
    pub because: String,
    /// How many operations a second were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Whether the history is not linearizable, whatever the class.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub broken: bool,
    /// Whether nothing proves that it was cut.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproved: bool,
    /// The strongest level of consistency that the whole history has.
    pub consistency: Option<String>,
    /// What each side got.
    pub cells: Vec<Cell>,
    /// How many acknowledged writes were lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_writes: Option<u64>,
    /// What it gave while it was cut, against before; absent in comparisons of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
}

/// What clients of one side got of one kind of operation while the partition lasted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// On which side.
    pub side: Side,
    /// What was done.
    pub kind: String,
    /// How many were answered within a second …
    pub ok: u64,
    /// … of those that had so much time, from the first answer on.
    pub of: u64,
    /// The same, counted from when clients came to them and not from when they were due; absent in comparisons of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served: Option<Met>,
    /// How long until the first answer, in milliseconds; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect_ms: Option<f64>,
}

/// What a system is called for what it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Linearizable, and one side was not available.
    Cp,
    /// Both sides available, not linearizable, and equal again in the end.
    Ap,
    /// The same, and acknowledged writes were lost.
    ApLossy,
    /// Linearizable, and no side was available.
    Blocked,
    /// Not linearizable, and one side was not available, or the sides stayed different.
    Neither,
    /// Linearizable and available on both sides: the harness has cut nothing.
    Impossible,
    /// Too little was seen.
    Inconclusive,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Class::Cp => "CP",
            Class::Ap => "AP",
            Class::ApLossy => "AP-lossy",
            Class::Blocked => "blocked",
            Class::Neither => "neither",
            Class::Impossible => "IMPOSSIBLE",
            Class::Inconclusive => "inconclusive",
        })
    }
}

impl Cell {
    /// The share that was answered, with Wilson's interval.
    pub fn share(&self) -> Option<Estimate> {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        statistics::share(count(self.ok), count(self.of))
    }

    /// Whether answers came in time, and only the clients fell behind their schedule: then the side was there, and the machine or the
    /// rate is why operations waited.
    pub fn is_late(&self) -> bool {
        let in_time = |share: Option<f64>| share.is_some_and(|share| share >= AVAILABLE);
        let served = self.served.filter(|served| served.of >= OPERATIONS_MIN);
        in_time(served.and_then(Met::share)) && !in_time(self.share().map(|share| share.value))
    }

    /// Whether there were too few operations to say anything.
    pub fn is_thin(&self) -> bool {
        self.of < OPERATIONS_MIN
    }
}

impl Card {
    /// Whether it is worth asking for less: the system did not keep up while it was whole, or its clients not while it was cut. What
    /// broke a promise meanwhile stands, since no violation is tried away.
    pub fn may_do_better_at_less(&self) -> bool {
        let kept_up = self.base.as_ref().and_then(|base| base.before.share()).is_some_and(|share| share >= AVAILABLE);
        let late = self.cells.iter().any(Cell::is_late);
        self.class == Class::Inconclusive && !self.broken && (!kept_up || late || self.unproved)
    }

    /// The card of a run in which the system was cut once.
    pub fn of(shape: &str, ran: &Ran, split: &Split) -> Self {
        let cells: Vec<Cell> = split.parts.iter().flat_map(cells).collect();
        let lost = ran.figures.get("lost_writes").copied();
        let seen = Seen {
            linearizable: ran.levels.get(LEVELS[0]).copied(),
            converged: ran.figures.contains_key("converge_ms"),
            lost: lost.is_some_and(|lost| lost > 0.0),
            crossed: split.crossed,
            kept_up: split.before.share().is_some_and(|share| share >= AVAILABLE),
        };
        let (class, because) = if split.proved {
            classify(&cells, &seen)
        } else {
            (Class::Inconclusive, "the cut could not be proved, so that nothing follows from what was seen".to_owned())
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a count")]
        let lost_writes = lost.map(|lost| lost as u64);
        let consistency = strongest(&ran.levels).map(str::to_owned);
        let base = Some(Base::of(split, ran.figures.get("converge_ms").copied()));
        Card {
            shape: shape.to_owned(),
            run: ran.run.clone(),
            class,
            because,
            rate: None,
            consistency,
            cells,
            lost_writes,
            base,
            broken: seen.linearizable == Some(Outcome::Invalid),
            unproved: !split.proved,
        }
    }
}

/// What a run showed besides who was available.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Seen {
    linearizable: Option<Outcome>,
    converged: bool,
    lost: bool,
    crossed: bool,
    /// Whether it was available before it was cut.
    kept_up: bool,
}

fn cells(part: &Part) -> Vec<Cell> {
    let cell = |(kind, service): (&String, &crate::measure::Service)| Cell {
        side: part.side,
        kind: kind.clone(),
        ok: service.met.ok,
        of: service.met.of,
        served: Some(service.served),
        detect_ms: service.detect_ms,
    };
    // Reads and writes decide: a compare-and-set that meets another value is refused by a healthy system as well.
    part.kinds.iter().filter(|(kind, _)| ["read", "write"].contains(&kind.as_str())).map(cell).collect()
}

fn classify(cells: &[Cell], seen: &Seen) -> (Class, String) {
    let told = |class, because: &str| (class, because.to_owned());
    if !seen.kept_up {
        return told(
            Class::Inconclusive,
            "fewer than 99 of 100 operations were answered within a second before anything was cut: a lower --rate may help",
        );
    }
    if let Some(thin) = cells.iter().find(|cell| cell.is_thin()) {
        let side = thin.side.as_str();
        return (Class::Inconclusive, format!("only {} {}s on the {side} side had a second", thin.of, thin.kind));
    }
    if let Some(late) = cells.iter().find(|cell| cell.is_late()) {
        let side = late.side.as_str();
        let because = format!(
            "on the {side} side {}s were answered in time, but clients fell behind their schedule: a lower --rate may help",
            late.kind
        );
        return (Class::Inconclusive, because);
    }
    let mut sides: BTreeMap<Side, bool> = BTreeMap::new();
    for cell in cells {
        let available = cell.share().is_some_and(|share| share.value >= AVAILABLE);
        *sides.entry(cell.side).or_insert(true) &= available;
    }
    if sides.is_empty() {
        return told(Class::Inconclusive, "nothing was asked while it was cut");
    }
    let (all, none) = (sides.values().all(|available| *available), sides.values().all(|available| !available));
    match seen.linearizable {
        Some(Outcome::Valid) if all && seen.crossed => told(
            Class::Impossible,
            "it seems linearizable and every side was answered: nothing was cut, which is a fault of the harness",
        ),
        Some(Outcome::Valid) if all => {
            told(Class::Inconclusive, "no key was written on one side and read on the other while it was cut")
        }
        Some(Outcome::Valid) if none => told(Class::Blocked, "linearizable, and no side was available"),
        Some(Outcome::Valid) => told(Class::Cp, "linearizable, and not every side was available"),
        Some(Outcome::Invalid) if !all => told(Class::Neither, "not linearizable, and not every side was available"),
        Some(Outcome::Invalid) if !seen.converged => {
            told(Class::Neither, "every side was available, and the replicas were not equal in the end")
        }
        Some(Outcome::Invalid) if seen.lost => {
            told(Class::ApLossy, "every side was available, and acknowledged writes were lost")
        }
        Some(Outcome::Invalid) => told(Class::Ap, "every side was available, and the replicas were equal in the end"),
        _ => told(Class::Inconclusive, "whether it is linearizable is not known"),
    }
}

/// The strongest level that is kept, in the order of [`LEVELS`].
pub(super) fn strongest(levels: &BTreeMap<String, Outcome>) -> Option<&'static str> {
    LEVELS.into_iter().find(|level| levels.get(*level) == Some(&Outcome::Valid))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn cell(side: Side, ok: u64) -> Cell {
        Cell { side, kind: "write".to_owned(), ok, of: 1_000, served: None, detect_ms: Some(0.0) }
    }

    fn class(majority: u64, minority: u64, linearizable: Outcome, more: (bool, bool, bool)) -> Class {
        let (converged, lost, crossed) = more;
        let seen = Seen { linearizable: Some(linearizable), converged, lost, crossed, kept_up: true };
        classify(&[cell(Side::Majority, majority), cell(Side::Minority, minority)], &seen).0
    }

    #[test]
    fn systems_are_called_by_what_they_did() {
        use Outcome::{Invalid, Unknown, Valid};
        for (majority, minority, linearizable, more, expected) in [
            (1_000, 0, Valid, (true, false, true), Class::Cp),
            (0, 1_000, Valid, (true, false, true), Class::Cp),
            (980, 0, Valid, (true, false, true), Class::Blocked),
            (1_000, 995, Invalid, (true, false, true), Class::Ap),
            (1_000, 1_000, Invalid, (true, true, true), Class::ApLossy),
            (1_000, 1_000, Invalid, (false, true, true), Class::Neither),
            (1_000, 989, Invalid, (true, false, true), Class::Neither),
            (1_000, 1_000, Valid, (true, false, true), Class::Impossible),
            (1_000, 1_000, Valid, (true, false, false), Class::Inconclusive),
            (1_000, 0, Unknown, (true, false, true), Class::Inconclusive),
        ] {
            let found = class(majority, minority, linearizable, more);
            assert_eq!(found, expected, "{majority} {minority} {linearizable:?} {more:?}");
        }
    }

    #[test]
    fn a_cut_that_is_not_proved_has_no_class() {
        let mut ran = crate::compare::sample::comparison().systems[0].runs[0].clone();
        ran.levels.insert(LEVELS[0].to_owned(), Outcome::Valid);
        let met = Met { ms: 1_000, ok: 0, of: 1_000 };
        let service = crate::measure::Service { detect_ms: None, met, served: met };
        let kinds = BTreeMap::from([("write".to_owned(), service)]);
        let part = Part { side: Side::Majority, nodes: BTreeSet::new(), kinds };
        let before = Met { ok: 1_000, ..met };
        let split = Split {
            from: 0,
            to: 1,
            before,
            during: met,
            pace_before: BTreeMap::new(),
            pace_during: BTreeMap::new(),
            parts: vec![part],
            crossed: true,
            proved: true,
        };
        assert_eq!(Card::of("isolate", &ran, &split).class, Class::Blocked);
        let card = Card::of("isolate", &ran, &Split { proved: false, ..split });
        assert_eq!((card.class, card.unproved), (Class::Inconclusive, true));
    }

    #[test]
    fn clients_that_fall_behind_make_no_side_unavailable() {
        let seen =
            Seen { linearizable: Some(Outcome::Valid), converged: true, lost: false, crossed: true, kept_up: true };
        let served = |ok| Some(Met { ms: 1_000, ok, of: 1_000 });
        let class = |majority: Cell| classify(&[majority, cell(Side::Minority, 0)], &seen).0;
        // Nothing was in time from when it was due, and everything from when it was asked.
        let late = Cell { served: served(1_000), ..cell(Side::Majority, 0) };
        assert_eq!(class(late.clone()), Class::Inconclusive);
        assert_eq!(class(Cell { served: served(500), ..late.clone() }), Class::Blocked, "it did not answer either");
        assert_eq!(class(Cell { ok: 1_000, ..late }), Class::Cp);
    }

    #[test]
    fn less_is_asked_only_of_who_did_not_keep_up_and_broke_nothing() {
        let mut card = crate::compare::sample::comparison().systems[0].cards[0].clone();
        card.class = Class::Inconclusive;
        assert!(!card.may_do_better_at_less(), "it kept up, so the rate is not why");
        assert!(Card { unproved: true, ..card.clone() }.may_do_better_at_less(), "the machine may have been too busy");
        card.base.as_mut().unwrap().before.ok = 980;
        assert!(card.may_do_better_at_less());
        assert!(!Card { broken: true, ..card.clone() }.may_do_better_at_less(), "a violation is not tried away");
        assert!(!Card { class: Class::Cp, ..card }.may_do_better_at_less(), "it is decided");
    }

    #[test]
    fn few_operations_decide_nothing() {
        let thin = Cell { of: 99, ..cell(Side::Minority, 0) };
        let mut seen =
            Seen { linearizable: Some(Outcome::Valid), converged: true, lost: false, crossed: true, kept_up: true };
        let (class, because) = classify(&[cell(Side::Majority, 1_000), thin], &seen);
        assert_eq!(class, Class::Inconclusive);
        assert_eq!(because, "only 99 writes on the minority side had a second");
        // Who cannot keep up anyway is not blamed for a cut.
        seen.kept_up = false;
        let cells = [cell(Side::Majority, 1_000), cell(Side::Minority, 0)];
        assert_eq!(classify(&cells, &seen).0, Class::Inconclusive);
    }
}
