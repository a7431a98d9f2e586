//! What was in force when, from the events of the controller: which links were cut, which nodes were down, and so which nodes
//! could speak with each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schism_checker::history::{Event, History, Process};
use serde_json::Value;

use super::{Phase, Side};

/// A fault, from its begin to its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) id: u64,
    pub(super) kind: Arc<str>,
    pub(super) from: u64,
    pub(super) to: u64,
    /// Directed links.
    cut: BTreeSet<(String, String)>,
    down: BTreeSet<String>,
}

/// See the module's head.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// In the order of their begins.
    pub(super) faults: Vec<Interval>,
    /// When the main phase ended.
    pub(super) end: u64,
    nodes: BTreeSet<String>,
    /// What holds from each of these times on, to the next one.
    spans: Vec<Span>,
}

#[derive(Debug)]
struct Span {
    from: u64,
    phase: Phase,
    sides: BTreeMap<String, Side>,
}

/// Where a node is, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) phase: Phase,
    pub(super) side: Side,
    pub(super) until: u64,
}

impl Timeline {
    pub(super) fn of(history: &History) -> Self {
        let end = final_phase(history).and_then(|event| event.time);
        let last = history.events.iter().filter_map(|event| event.time).max().unwrap_or(0);
        let mut timeline =
            Timeline { faults: faults(history, end.unwrap_or(last)), end: end.unwrap_or(last), ..Timeline::default() };
        timeline.nodes = history.events.iter().filter_map(|event| event.node.as_deref()).map(str::to_owned).collect();
        for fault in &timeline.faults {
            timeline.nodes.extend(fault.down.iter().cloned());
            let ends = fault.cut.iter().flat_map(|(from, to)| [from, to]);
            timeline.nodes.extend(ends.filter(|end| !end.starts_with('c')).cloned());
        }
        let changes: BTreeSet<u64> =
            timeline.faults.iter().flat_map(|fault| [fault.from, fault.to]).chain([0]).collect();
        timeline.spans = changes.into_iter().map(|from| timeline.span(from)).collect();
        timeline
    }

    /// What holds from a change on.
    fn span(&self, from: u64) -> Span {
        let active: Vec<&Interval> = self.faults.iter().filter(|fault| fault.from <= from && from < fault.to).collect();
        let phase = match (active.is_empty(), self.faults.iter().any(|fault| fault.from <= from)) {
            (false, _) => Phase::Faulty,
            (true, true) => Phase::Healed,
            (true, false) => Phase::Healthy,
        };
        let sides = self.nodes.iter().map(|node| (node.clone(), self.side(node, &active))).collect();
        Span { from, phase, sides }
    }

    fn side(&self, node: &str, active: &[&Interval]) -> Side {
        if active.iter().any(|fault| fault.down.contains(node)) {
            return Side::Down;
        }
        // Nobody is reached through a coordinator beside a client.
        let nodes: BTreeSet<String> = self.nodes.iter().filter(|node| !node.starts_with('c')).cloned().collect();
        let there = reached(node, &nodes, active, false);
        let back = reached(node, &nodes, active, true);
        match there.intersection(&back).filter(|node| nodes.contains(**node)).count() {
            all if all == nodes.len() => Side::Whole,
            most if 2 * most > nodes.len() => Side::Majority,
            _ => Side::Minority,
        }
    }

    /// Where a node is at a time.
    pub(super) fn stay(&self, node: &str, time: u64) -> Stay {
        let place = self.spans.partition_point(|span| span.from <= time).saturating_sub(1);
        let state = |span: &Span| (span.phase, span.sides.get(node).copied().unwrap_or(Side::Whole));
        let (phase, side) = self.spans.get(place).map_or((Phase::Healthy, Side::Whole), state);
        let later = self.spans.iter().skip(place + 1).find(|span| state(span) != (phase, side));
        Stay { phase, side, until: later.map_or(self.end, |span| span.from) }
    }

    /// The sides of all nodes, from each change on.
    pub(super) fn sides_by_time(self) -> Vec<(u64, BTreeMap<String, Side>)> {
        self.spans.into_iter().map(|span| (span.from, span.sides)).collect()
    }

    /// The nodes by the side on which they are while this fault begins.
    pub(super) fn sides(&self, fault: &Interval) -> BTreeMap<Side, BTreeSet<String>> {
        let mut sides: BTreeMap<Side, BTreeSet<String>> = BTreeMap::new();
        for node in &self.nodes {
            sides.entry(self.stay(node, fault.from).side).or_default().insert(node.clone());
        }
        sides
    }
}

/// The first event of the final phase.
pub(super) fn final_phase(history: &History) -> Option<&Event> {
    history.events.iter().find(|event| is_nemesis(event) && &*event.f == "final")
}

fn is_nemesis(event: &Event) -> bool {
    matches!(&event.process, Process::Named(name) if &**name == "nemesis")
}

/// The faults that last, by their begins and ends; one without an end lasts to `end`.
fn faults(history: &History, end: u64) -> Vec<Interval> {
    let mut faults: Vec<Interval> = Vec::new();
    for event in history.events.iter().filter(|event| is_nemesis(event)) {
        let (Some(time), Some(id)) = (event.time, event.extra.get("id").and_then(Value::as_u64)) else { continue };
        match event.extra.get("phase").and_then(Value::as_str) {
            Some("begin") if !["final", "client-kill"].contains(&&*event.f) => {
                let (cut, down) = (links(&event.value), down(event));
                faults.push(Interval { id, kind: event.f.clone(), from: time, to: end.max(time), cut, down });
            }
            Some("end") => {
                if let Some(fault) = faults.iter_mut().rev().find(|fault| fault.id == id && fault.kind == event.f) {
                    fault.to = time;
                }
            }
            _ => {}
        }
    }
    faults.sort_by_key(|fault| (fault.from, fault.id));
    faults
}

fn links(value: &Value) -> BTreeSet<(String, String)> {
    let cut = value.get("cut").and_then(Value::as_array).into_iter().flatten();
    let link = |text: &str| text.split_once("->").map(|(from, to)| (from.to_owned(), to.to_owned()));
    cut.filter_map(|text| link(text.as_str()?)).collect()
}

fn down(event: &Event) -> BTreeSet<String> {
    if !["kill", "powerloss", "pause"].contains(&&*event.f) {
        return BTreeSet::new();
    }
    let targets = event.value.get("targets").and_then(Value::as_array).into_iter().flatten();
    targets.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whom a node can send to (or hear from, `backwards`), be it through others.
fn reached<'a>(node: &'a str, nodes: &'a BTreeSet<String>, active: &[&Interval], backwards: bool) -> BTreeSet<&'a str> {
    let passes = |from: &str, to: &str| {
        let link = if backwards { (to.to_owned(), from.to_owned()) } else { (from.to_owned(), to.to_owned()) };
        active.iter().all(|fault| !fault.cut.contains(&link) && !fault.down.contains(to))
    };
    let (mut reached, mut next) = (BTreeSet::from([node]), vec![node]);
    while let Some(from) = next.pop() {
        for to in nodes.iter().filter(|to| !reached.contains(to.as_str()) && passes(from, to)).collect::<Vec<_>>() {
            reached.insert(to);
            next.push(to);
        }
    }
    reached
}
