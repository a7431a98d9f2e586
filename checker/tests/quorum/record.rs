//! Notes and a history, as a run would leave them.

use std::sync::Arc;

use schism_checker::history::{Event, EventKind, History, Process};
use schism_checker::quorum::{Gatherer, Promises, Quorums, Report, Rule, Source, check};
use schism_checker::verdict::Outcome;
use serde_json::{Value, json};

/// A note as it was made.
#[derive(Clone, Debug)]
pub(crate) struct Noted {
    pub(crate) node: String,
    pub(crate) life: u64,
    pub(crate) seq: u64,
    pub(crate) time: u64,
    pub(crate) name: String,
    pub(crate) fields: Value,
}

/// What a run leaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    pub(crate) notes: Vec<Noted>,
    pub(crate) events: Vec<Event>,
}

impl Record {
    /// The notes as a file holds them, without a header.
    pub(crate) fn lines(&self) -> String {
        let line = |note: &Noted| {
            let Noted { node, life, seq, time, name, fields } = note;
            json!({"node": node, "incarnation": life, "seq": seq, "time": time, "note": name, "fields": fields})
                .to_string()
                + "\n"
        };
        self.notes.iter().map(line).collect()
    }

    pub(crate) fn history(&self) -> History {
        History { events: self.events.clone(), ..History::default() }
    }

    pub(crate) fn check(&self, promises: &Promises) -> Report {
        let mut gatherer = Gatherer::default();
        for Noted { node, life, seq, time, name, fields } in &self.notes {
            let source = Source { node, incarnation: *life, seq: *seq, time: *time };
            let fields = fields.as_object().unwrap().iter().map(|(field, value)| (field.as_str(), value));
            gatherer.note(&source, name, fields);
        }
        check(gatherer, &self.history(), promises)
    }

    /// A client's event, or with a name somebody else's.
    pub(crate) fn event(
        &mut self,
        process: Process,
        kind: EventKind,
        f: &str,
        (key, value): (Option<&str>, Value),
        extra: Value,
    ) {
        let index = self.events.len() as u64;
        let Value::Object(mut extra) = extra else { unreachable!("more is said in objects") };
        let node = extra.remove("node").and_then(|node| node.as_str().map(Arc::from));
        let key = key.map(Value::from);
        let time = Some(self.notes.last().map_or(0, |note| note.time));
        self.events.push(Event { index, time, process, kind, f: f.into(), key, value, node, extra });
    }

    /// What a fault does.
    pub(crate) fn nemesis(&mut self, f: &str, id: u64, phase: &str, value: Value) {
        let extra = json!({"id": id, "phase": phase});
        self.event(Process::Named("nemesis".into()), EventKind::Info, f, (None, value), extra);
    }
}

/// What a plain configuration of this many replicas, all of them nodes, promises.
pub(crate) fn promises((n, w, r): (u32, u32, u32), writeback: bool) -> Promises {
    Promises::plain(Quorums { n, w, r }, (1..=n).map(|node| format!("n{node}")).collect(), writeback)
}

/// The ids of the rules that are broken.
pub(crate) fn broken(report: &Report) -> Vec<&'static str> {
    let broken = report.rules.iter().filter(|(_, ruled)| ruled.outcome == Outcome::Invalid);
    broken.map(|(rule, _)| rule.id()).collect()
}

/// The ids of the rules that are not kept although the configuration promises them.
pub(crate) fn promised_and_not_kept(report: &Report) -> Vec<&'static str> {
    let kept = |outcome| matches!(outcome, Outcome::Valid | Outcome::Vacuous);
    let not = report.rules.iter().filter(|(_, ruled)| ruled.promised && !kept(ruled.outcome));
    not.map(|(rule, _)| rule.id()).collect()
}

/// How often a rule was broken.
pub(crate) fn times(report: &Report, rule: Rule) -> u64 {
    report.rule(rule).map_or(0, |ruled| ruled.broken)
}
