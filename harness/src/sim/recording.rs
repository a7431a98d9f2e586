//! The history of a run in virtual time, in memory: the same events that the recorder of a real run writes.

use schism_checker::history::{Event, Header, History};
use schism_workloads::Requirement;
use serde_json::{Map, Value};

use crate::recorder::Draft;
use crate::sim::agenda::Moment;

/// See the module's head.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    events: Vec<Event>,
    /// Time 0 of the history.
    start: Moment,
}

impl Recording {
    /// Time 0 is now.
    pub(crate) fn begin(&mut self, now: Moment) {
        self.start = now;
    }

    /// Time in the history.
    pub(crate) fn time(&self, now: Moment) -> u64 {
        now.saturating_sub(self.start)
    }

    /// Records an event; its index.
    pub(crate) fn record(&mut self, now: Moment, draft: Draft) -> u64 {
        let index = self.events.len() as u64;
        self.events.push(draft.numbered(index, self.time(now)));
        index
    }

    /// Records what a fault does.
    pub(crate) fn nemesis(&mut self, now: Moment, f: &str, id: u64, phase: &str, value: Value) {
        self.record(now, Draft::nemesis(f, id, phase, value));
    }

    /// The history, whole.
    pub(crate) fn finish(self, system: &str, requirement: &Requirement) -> History {
        let header = Header {
            schism: "history".to_owned(),
            format: schism_checker::history::FORMAT,
            run: None,
            system: Some(system.to_owned()),
            model: Some(requirement.model.clone()),
            initial: requirement.initial.clone(),
            start: None,
            extra: Map::new(),
        };
        History { header: Some(header), events: self.events, ..History::default() }
    }
}
