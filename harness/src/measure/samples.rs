//! The operations of clients, each with its contact node and the time from which its latency counts.

use std::collections::HashMap;
use std::sync::Arc;

use schism_checker::history::{Ending, Event, EventKind, History, Process};
use serde_json::Value;

use super::timeline::final_phase;

/// An operation of the main phase.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) node: Arc<str>,
    pub(super) kind: Arc<str>,
    /// When it was due, or invoked where nothing says that it was due earlier; nanoseconds since the start.
    pub(super) due: u64,
    /// When its client came to it, which may be later: clients do one thing after the other.
    pub(super) invoked: u64,
    /// When it ended, if it did.
    pub(super) ended: Option<u64>,
    pub(super) ending: Ending,
}

/// All operations that were due before the final phase, in the order of their invocations. What has no time or no node is left out.
pub(super) fn of(history: &History) -> Vec<Sample> {
    let end = final_phase(history).map_or(u64::MAX, |event| event.index);
    let mut samples = Vec::new();
    let mut open: HashMap<u64, usize> = HashMap::new();
    for event in history.events.iter().take_while(|event| event.index < end) {
        let (Process::Client(process), Some(time)) = (&event.process, event.time) else { continue };
        if event.kind == EventKind::Invoke {
            if let Some(node) = &event.node {
                open.insert(*process, samples.len());
                let due = due(event).map_or(time, |due| due.min(time));
                samples.push(Sample {
                    node: node.clone(),
                    kind: event.f.clone(),
                    due,
                    invoked: time,
                    ended: None,
                    ending: Ending::Info,
                });
            }
        } else if let Some(place) = open.remove(process) {
            let sample: &mut Sample = &mut samples[place];
            sample.ended = Some(time);
            sample.ending = match event.kind {
                EventKind::Ok => Ending::Ok,
                EventKind::Fail => Ending::Fail,
                EventKind::Info | EventKind::Invoke => Ending::Info,
            };
        }
    }
    samples
}

fn due(event: &Event) -> Option<u64> {
    event.extra.get("due").and_then(Value::as_u64)
}
