//! How the objects of a history share the processor: in rounds, so that none waits for a hard one.
//!
//! In a round each object that is not settled yet may use so many units of work, eight times as many as in the round before, so that what
//! was done in vain is little beside the last. The first round suffices for what is decided without a search, and for searches of
//! the usual kind. The round in which an object is found invalid is the last one, and the smallest such object is shown:
//! units are counted, not timed, so that which one that is depends on the history alone.
//!
//! Where the memory is used up, whoever holds little of it is tried again when the others are done, alone.

use crate::linearizability::keys::Part;
use crate::linearizability::report::{Finding, PartReport};
use crate::linearizability::{Options, check_part};
use crate::meter::{Allowance, Meter};
use crate::model::Model;
use crate::parallel;

/// What every object may use in the first round.
const UNITS_AT_FIRST: u64 = 1 << 16;

/// And so much more for each of its operations.
const UNITS_PER_OPERATION: u64 = 16;

/// How much more is allowed from one round to the next.
const GROWTH: u64 = 8;

/// A report for each of `parts`, in their order.
pub(super) fn settle<M: Model>(
    model: &M,
    mut parts: Vec<Part<'_, M::Input>>,
    options: &Options,
    meter: &Meter<'_>,
) -> Vec<PartReport> {
    if let [part] = &mut parts[..] {
        let report = PartReport::begin(part);
        return vec![check_part(model, part, report, options, &mut meter.share(0))];
    }
    let rounds = Rounds { model, options, meter };
    let mut open: Vec<Standing<'_, M>> = parts.into_iter().enumerate().map(Standing::begin).collect();
    let mut done: Vec<Standing<'_, M>> = Vec::new();
    while !open.is_empty() {
        let (paused, settled) = rounds.next(open).into_iter().partition(Standing::is_paused);
        done.extend::<Vec<_>>(settled);
        if done.iter().any(Standing::is_invalid) {
            done.extend::<Vec<_>>(paused);
            break;
        }
        open = paused;
    }
    done.sort_by_key(|one| one.number);
    done.into_iter().map(|one| one.report).collect()
}

/// An object and what is known of it.
struct Standing<'a, M: Model> {
    number: usize,
    part: Part<'a, M::Input>,
    /// What it may use in its next round.
    units: u64,
    report: PartReport,
}

impl<'a, M: Model> Standing<'a, M> {
    fn begin((number, part): (usize, Part<'a, M::Input>)) -> Self {
        let units = UNITS_AT_FIRST + UNITS_PER_OPERATION * part.calls.len() as u64;
        Standing { number, units, report: PartReport::begin(&part), part }
    }

    fn is_paused(&self) -> bool {
        matches!(self.report.finding, Finding::Paused { .. })
    }

    fn is_crowded(&self) -> bool {
        matches!(self.report.finding, Finding::Crowded { .. })
    }

    fn is_invalid(&self) -> bool {
        matches!(self.report.finding, Finding::Invalid(_))
    }
}

/// What all rounds have in common.
struct Rounds<'r, M: Model> {
    model: &'r M,
    options: &'r Options,
    meter: &'r Meter<'r>,
}

impl<M: Model> Rounds<'_, M> {
    /// How all of `open` stand after another round.
    fn next<'a>(&self, open: Vec<Standing<'a, M>>) -> Vec<Standing<'a, M>> {
        let tried = parallel::each(open, |(_, one)| self.go_on(one, true));
        let (crowded, mut tried): (Vec<_>, Vec<_>) = tried.into_iter().partition(Standing::is_crowded);
        tried.extend(crowded.into_iter().map(|one| self.go_on(one, false)));
        for one in &mut tried {
            one.units = one.units.saturating_mul(GROWTH);
        }
        tried
    }

    fn go_on<'a>(&self, mut one: Standing<'a, M>, among_others: bool) -> Standing<'a, M> {
        let allowance = Allowance { units: one.units, among_others };
        let mut share = self.meter.share_in_round(one.number, allowance);
        one.report = check_part(self.model, &mut one.part, one.report, self.options, &mut share);
        if one.is_invalid() {
            self.meter.found_invalid(one.number);
        }
        one
    }
}
