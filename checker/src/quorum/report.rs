//! What the quorum checker says: each rule's outcome with the first violation, what is wrong with the evidence, and figures.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::evidence::{Defects, Evidence};
use super::tally::{Finding, Tally, Told};
use super::{Promises, Rule, Statistics};
use crate::verdict::{Counterexample, Outcome, Property};

/// What became of a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruled {
    /// Whether the configuration promises it.
    pub promised: bool,
    /// Its outcome, were it judged.
    pub outcome: Outcome,
    /// How often it was kept.
    pub kept: u64,
    /// How often it was broken.
    pub broken: u64,
    /// How often the evidence does not say.
    pub unsure: u64,
    /// The first violation.
    pub finding: Option<Finding>,
    /// Why it is unknown, if it is.
    pub why_unsure: Option<String>,
}

/// See the module's head.
#[derive(Clone, Debug)]
pub struct Report {
    /// What became of each rule.
    pub rules: BTreeMap<Rule, Ruled>,
    /// What is wrong with the evidence: how many things, and the first of them in words.
    pub defects: (u64, Vec<String>),
    /// Figures.
    pub statistics: Statistics,
    acknowledged: u64,
    notes: u64,
}

impl Report {
    pub(super) fn new(
        evidence: &Evidence,
        promises: &Promises,
        tallies: BTreeMap<Rule, Tally>,
        defects: Defects,
        statistics: Statistics,
    ) -> Self {
        let rules = tallies.into_iter().map(|(rule, tally)| (rule, ruled(rule, tally, evidence, promises))).collect();
        let told = defects.first.into_iter().map(|defect| match defect.at {
            Some(at) => evidence.told(at, format!("noted this: {}", defect.what)).to_string(),
            None => defect.what,
        });
        let defects = (defects.count, told.collect());
        Report { rules, defects, statistics, acknowledged: evidence.acknowledged, notes: evidence.notes }
    }

    /// What became of a rule.
    pub fn rule(&self, rule: Rule) -> Option<&Ruled> {
        self.rules.get(&rule)
    }

    /// The properties: `evidence`, then each rule that something concerned.
    pub fn properties(&self) -> Vec<Property> {
        let rules = self.rules.iter().filter(|(_, ruled)| ruled.outcome != Outcome::Vacuous);
        std::iter::once(self.evidence()).chain(rules.map(|(rule, ruled)| property(*rule, ruled))).collect()
    }

    /// Whether the evidence can be relied upon.
    fn evidence(&self) -> Property {
        let (count, told) = &self.defects;
        let (outcome, summary) = match (count, told.first()) {
            (0, _) if self.acknowledged == 0 => (Outcome::Vacuous, "no operation ended ok".to_owned()),
            (0, _) => {
                (Outcome::Valid, format!("{} notes tell of {} operations without a gap", self.notes, self.acknowledged))
            }
            (_, first) => (
                Outcome::Unknown,
                format!("{count} things are wrong with the evidence, the first: {}", first.map_or("", |first| first)),
            ),
        };
        let because = told.clone();
        let counterexample =
            (outcome == Outcome::Unknown).then(|| Counterexample { because, ..Counterexample::default() });
        let figures = figures(&self.statistics);
        Property { counterexample, figures, ..plain("evidence", true, outcome, summary) }
    }
}

/// What became of a rule, with the evidence that there is.
fn ruled(rule: Rule, tally: Tally, evidence: &Evidence, promises: &Promises) -> Ruled {
    let Tally { kept, broken, unsure, first, why_unsure } = tally;
    // Where notes are missing, what was kept was kept as far as can be seen.
    let incomplete = !evidence.is_whole() && rule != Rule::ReachableQuorum;
    let outcome = match (broken, unsure, kept) {
        (1.., _, _) => Outcome::Invalid,
        (0, 1.., _) => Outcome::Unknown,
        (0, 0, 0) => Outcome::Vacuous,
        _ if incomplete => Outcome::Unknown,
        _ => Outcome::Valid,
    };
    let why_unsure = why_unsure.or_else(|| incomplete.then(|| "notes are missing".to_owned()));
    let exact = Promises { exact_cuts: evidence.tells_when_cuts_end(promises), ..promises.clone() };
    Ruled { promised: rule.is_promised(&exact), outcome, kept, broken, unsure, finding: first, why_unsure }
}

fn property(rule: Rule, ruled: &Ruled) -> Property {
    let (id, name) = (rule.id(), rule.name());
    let summary = match (&ruled.finding, ruled.outcome) {
        (Some(finding), _) => format!("{name} ({id}) is broken: {}", finding.what),
        (None, Outcome::Unknown) => {
            let why = ruled.why_unsure.as_deref().unwrap_or("the evidence does not say");
            format!("{name} ({id}) is kept {}, and not known of {}: {why}", times(ruled.kept), ruled.unsure)
        }
        (None, Outcome::Vacuous) => format!("{name} ({id}) was never put to the test"),
        (None, _) => format!("{name} ({id}) is kept {}", times(ruled.kept)),
    };
    let counterexample = ruled.finding.as_ref().map(|finding| {
        let events = finding.events.iter().map(ToString::to_string);
        let because = events.chain([format!("{} ({})", rule.theorem(), rule.source())]).collect();
        let key = finding.key.as_deref().map(Value::from);
        let moments = finding.events.iter().map(Told::moment).collect();
        Counterexample { key, because, moments, ..Counterexample::default() }
    });
    let figures = [("kept", ruled.kept), ("broken", ruled.broken), ("unknown", ruled.unsure)];
    let figures = figures.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    Property { counterexample, figures, ..plain(name, ruled.promised, ruled.outcome, summary) }
}

/// `once`, `17 times`
fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn plain(name: &str, judged: bool, outcome: Outcome, summary: String) -> Property {
    let name = name.to_owned();
    let (counterexample, suspects, figures) = (None, Vec::new(), Map::new());
    Property { name, judged, outcome, summary, route: None, counterexample, suspects, figures }
}

/// The figures, as they stand in `verdict.json`.
fn figures(statistics: &Statistics) -> Map<String, Value> {
    let counts = |counts: &BTreeMap<u32, u64>| -> Map<String, Value> {
        counts.iter().map(|(number, count)| (number.to_string(), (*count).into())).collect()
    };
    let stale = &statistics.staleness;
    let [kept, delivered, expired, superseded, lost] = statistics.hints;
    let reads = json!({
        "reads": stale.reads,
        "stale_by_versions": stale.versions.iter().map(|(versions, reads)| (versions.to_string(), (*reads).into())).collect::<Map<_, _>>(),
        "stale_ms_p50": quantile(&stale.nanoseconds, 50),
        "stale_ms_p99": quantile(&stale.nanoseconds, 99),
        "stale_ms_max": quantile(&stale.nanoseconds, 100),
        "stale_by_cause": stale.causes,
        "pbs_p_s": statistics.miss_probability,
    });
    let figures = json!({
        "intersections": counts(&statistics.intersections),
        "intersection_predicted": statistics.intersection_predicted,
        "ack_sets": statistics.ack_sets,
        "staleness": reads,
        "copies_min": statistics.copies_min,
        "hints": { "kept": kept, "delivered": delivered, "expired": expired, "superseded": superseded, "lost": lost },
        "unexplained": { "reachable": statistics.missed.reachable, "without_fault": statistics.missed.without_fault },
        "served_forgetful": statistics.served_forgetful,
    });
    let Value::Object(figures) = figures else { unreachable!("an object was written above") };
    figures
}

/// The value below which so many per cent are, in milliseconds; nothing of none.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are shown with few digits")]
fn quantile(ascending: &[u64], percent: usize) -> Option<f64> {
    let place = (ascending.len() * percent).div_ceil(100).saturating_sub(1);
    ascending.get(place).map(|nanoseconds| *nanoseconds as f64 / 1e6)
}
