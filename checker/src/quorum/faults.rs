//! What faults did, from the history: whose disk was wiped, who was down, which links carried nothing, and when.
//!
//! A fault tells its `begin`, when it is `in-force`, that it is `lifting`, and its `end`. Between the first and the last it may have had an
//! effect; that it had one for sure is known from the second to the third. Where time is virtual nothing happens between the last
//! two, and the third is left out. Moments are indexes of the history.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::history::{Event, History, Process};

/// See the module's head.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Whose disk was wiped, and after which life.
    pub(super) wiped: BTreeSet<(String, u32)>,
    /// In the order of their begins.
    pub(super) intervals: Vec<Interval>,
}

/// A fault from its begin to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Interval {
    pub(super) begin: u64,
    /// From when on it was proved to have an effect; never, if it was not.
    pub(super) in_force: Option<u64>,
    /// From when on it may have had none any more, if that was told.
    pub(super) lifting: Option<u64>,
    /// The last index where it has no end.
    pub(super) end: u64,
    pub(super) effect: Effect,
}

/// What a fault does, as far as rules ask.
#[derive(Clone, Debug, Default)]
pub(super) enum Effect {
    /// Something that may slow or fail anybody.
    #[default]
    Other,
    /// These nodes do nothing.
    Down(BTreeSet<String>),
    /// These links carry nothing: from, to.
    Cut(BTreeSet<(String, String)>),
}

impl Faults {
    pub(super) fn of(history: &History) -> Self {
        let mut faults = Faults::default();
        let mut open: BTreeMap<u64, Interval> = BTreeMap::new();
        for event in history.events.iter().filter(|event| is_nemesis(event)) {
            let (Some(id), Some(phase)) = (number(event, "id"), event.extra.get("phase").and_then(Value::as_str))
            else {
                continue;
            };
            match phase {
                "begin" if &*event.f != "final" => {
                    let interval =
                        Interval { begin: event.index, end: u64::MAX, effect: effect(event), ..Interval::default() };
                    open.insert(id, interval);
                }
                "in-force" => {
                    faults.wiped.extend(wiped(event));
                    if let Some(interval) = open.get_mut(&id) {
                        interval.in_force = Some(event.index);
                    }
                }
                "lifting" => {
                    if let Some(interval) = open.get_mut(&id) {
                        interval.lifting = Some(event.index);
                    }
                }
                "end" => {
                    if let Some(interval) = open.remove(&id) {
                        faults.intervals.push(Interval { end: event.index, ..interval });
                    }
                }
                _ => {}
            }
        }
        faults.intervals.extend(open.into_values());
        faults.intervals.sort_by_key(|interval| interval.begin);
        faults
    }

    /// Whether of every cut it is told until when it was in force.
    pub(super) fn tell_when_cuts_end(&self) -> bool {
        self.intervals.iter().all(|interval| interval.lifting.is_some() || !matches!(interval.effect, Effect::Cut(_)))
    }

    /// Whether a fault took away all that a node had stored, after one of its lives `from` to `to`, the last one not counted.
    pub(super) fn wiped_between(&self, node: &str, from: u32, to: u32) -> bool {
        from < to && self.wiped.range((node.to_owned(), from)..(node.to_owned(), to)).next().is_some()
    }

    /// How many of these nodes lost all that they had stored at least once.
    pub(super) fn losses<'n>(&self, nodes: impl Iterator<Item = &'n str>) -> u32 {
        let lost = nodes.filter(|node| self.wiped_between(node, 0, u32::MAX));
        u32::try_from(lost.count()).unwrap_or(u32::MAX)
    }
}

fn is_nemesis(event: &Event) -> bool {
    matches!(&event.process, Process::Named(name) if &**name == "nemesis")
}

fn number(event: &Event, field: &str) -> Option<u64> {
    event.extra.get(field)?.as_u64()
}

fn effect(event: &Event) -> Effect {
    let names = |field: &str| {
        let names = event.value.get(field).and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str)
    };
    match &*event.f {
        "kill" | "pause" => Effect::Down(names("targets").map(str::to_owned).collect()),
        "partition" => {
            let links = names("cut").filter_map(|link| link.split_once("->"));
            Effect::Cut(links.map(|(from, to)| (from.to_owned(), to.to_owned())).collect())
        }
        _ => Effect::Other,
    }
}

/// Whose disk a fault wiped, and after which life: from its proof.
fn wiped(event: &Event) -> Vec<(String, u32)> {
    let proofs = event.value.get("proof").and_then(Value::as_object);
    let wiped = proofs.into_iter().flatten().filter(|(_, proof)| proof.get("wiped").is_some());
    let life = |proof: &Value| u32::try_from(proof.get("incarnation")?.as_u64()?).ok();
    wiped.filter_map(|(node, proof)| Some((node.clone(), life(proof)?))).collect()
}
