//! What the checks that take one key after the other have in common: taking the history apart, and one property out of
//! what was found for each key.

use serde_json::{Map, Value};

use crate::call::Call;
use crate::linearizability::keys::{Counts, Parts};
use crate::linearizability::{self, CheckError, key_text};
use crate::meter::{Meter, Share, Stop};
use crate::model::Model;
use crate::parallel;
use crate::registers::RegisterCalls;
use crate::verdict::{Counterexample, Outcome, Property};
use crate::weaker::Case;

/// One register: its calls, in the order of their invocations.
pub(super) struct Register<'p, 'a, M: Model> {
    pub(super) model: &'p M,
    pub(super) calls: &'p [Call<'a, M::Input>],
    pub(super) accesses: &'p RegisterCalls,
}

/// What was found for one register.
pub(super) enum Found {
    Kept,
    Broken(Counterexample),
    /// It cannot be decided, for this reason.
    Undecided(String),
}

/// The words for a property.
pub(super) struct Words {
    pub(super) name: &'static str,
    /// `register {holds} (key x; intervals)`.
    pub(super) holds: String,
    pub(super) broken: String,
    pub(super) route: &'static str,
}

struct Report<S> {
    key: Option<Value>,
    /// None where the budget ended before.
    found: Option<(Found, S)>,
}

/// Checks each register alone. All of them are looked at, whatever is found, since the statistics are of all.
pub(super) fn judge<M: Model, S: Send>(
    case: Case<'_, M>,
    words: &Words,
    check: impl Fn(&Register<'_, '_, M>, &mut Share<'_>) -> Result<(Found, S), Stop> + Sync + Send,
) -> Result<(Property, Vec<S>), CheckError> {
    let Case { operations, model, options, budget } = case;
    let no_register = || CheckError::Level { level: words.name, of: "registers", model: model.name().to_owned() };
    if model.register_initial().is_none() {
        return Err(no_register());
    }
    let meter = Meter::new(budget);
    let mut share = meter.share(0);
    let Some(Parts { parts, counts }) = Parts::of(model, operations, &mut share)? else {
        return Ok((conclude(case, words, &meter, &Counts::default(), &mut Vec::<Report<S>>::new()), Vec::new()));
    };
    let reports = parallel::each(parts, |(number, part)| {
        let mut share = meter.share(number);
        let accesses = RegisterCalls::of(model, &part.calls)?;
        let register = Register { model, calls: &part.calls, accesses: &accesses };
        let held = share.hold(accesses.bytes() + size_of_val(&*part.calls));
        let found = share.ask(0).and_then(|()| check(&register, &mut share)).ok();
        share.release(held);
        Some(Report { key: part.key, found })
    });
    let mut reports = reports.into_iter().collect::<Option<Vec<_>>>().ok_or_else(no_register)?;
    let mut property = conclude(case, words, &meter, &counts, &mut reports);
    if !options.explain {
        property.counterexample = None;
    }
    Ok((property, reports.into_iter().filter_map(|report| Some(report.found?.1)).collect()))
}

fn conclude<M: Model, S>(
    case: Case<'_, M>,
    words: &Words,
    meter: &Meter<'_>,
    counts: &Counts,
    reports: &mut [Report<S>],
) -> Property {
    let name = case.model.name();
    let keys = reports.len();
    let place = |key: Option<&Value>| key.map_or_else(String::new, |key| format!("key {}; ", key_text(key)));
    let base = base(case, words, counts, keys);
    let broken = reports.iter_mut().find_map(|Report { key, found }| match found {
        Some((Found::Broken(counterexample), _)) => Some((key.clone(), std::mem::take(counterexample))),
        _ => None,
    });
    if let Some((key, mut counterexample)) = broken {
        let summary = format!("{name} {} ({}{})", words.broken, place(key.as_ref()), words.route);
        counterexample.key = key;
        return Property { outcome: Outcome::Invalid, summary, counterexample: Some(counterexample), ..base };
    }
    if meter.exhausted().is_some() {
        let settled = reports.iter().filter(|report| matches!(report.found, Some((Found::Kept, _)))).count();
        let ended = linearizability::ended(meter);
        let summary =
            format!("{ended} before {name} could be judged; {settled} of {keys} keys {}", plural(&words.holds));
        return Property { outcome: Outcome::Unknown, summary, ..base };
    }
    let undecided = reports.iter().find_map(|Report { key, found }| match found {
        Some((Found::Undecided(why), _)) => Some(format!("{}{why}", place(key.as_ref()))),
        _ => None,
    });
    if let Some(why) = undecided {
        let summary = format!("whether {name} {} is not known ({why})", words.holds);
        return Property { outcome: Outcome::Unknown, summary, ..base };
    }
    let keys = if keys > 1 { format!("{keys} keys; ") } else { String::new() };
    kept(case, &format!("{name} {} ({keys}{})", words.holds, words.route), counts, base)
}

/// `register is regular` is said of one; of several keys it is `are regular`.
fn plural(holds: &str) -> String {
    holds.strip_prefix("is ").map_or_else(|| holds.to_owned(), |rest| format!("are {rest}"))
}

/// The property where nothing was found wrong: valid, unless nothing follows.
pub(super) fn kept<M: Model>(case: Case<'_, M>, summary: &str, counts: &Counts, base: Property) -> Property {
    if counts.refusable > 0 {
        return Property { outcome: Outcome::Valid, summary: summary.to_owned(), ..base };
    }
    let why = "no operation ended ok with an answer that could have been wrong";
    if case.options.trivially_valid && counts.ok + counts.failed + counts.crashed > 0 {
        return Property { outcome: Outcome::Valid, summary: format!("{summary} trivially: {why}"), ..base };
    }
    let summary = format!("nothing follows for {}: {why}", case.model.name());
    Property { outcome: Outcome::Vacuous, summary, ..base }
}

/// The property of which nothing is known yet.
pub(super) fn base<M: Model>(case: Case<'_, M>, words: &Words, counts: &Counts, keys: usize) -> Property {
    let figures = [
        ("operations", counts.ok + counts.crashed),
        ("crashed", counts.crashed),
        ("failed", counts.failed),
        ("keys", keys),
    ];
    let figures: Map<String, Value> =
        figures.into_iter().map(|(name, figure)| (name.to_owned(), figure.into())).collect();
    Property {
        name: words.name.to_owned(),
        judged: case.options.judged,
        outcome: Outcome::Unknown,
        summary: String::new(),
        route: Some(words.route.to_owned()),
        counterexample: None,
        suspects: Vec::new(),
        figures,
    }
}
