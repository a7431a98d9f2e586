//! The moment of one operation: the operation, the faults in force, and what nodes, messages and logs say meanwhile.

use schism_checker::history::{History, Operation};
use serde_json::{Value, json};

use crate::report::beside::{Beside, Window};
use crate::report::clock::Clock;
use crate::report::data::{Fault, faults};
use crate::report::{slices, words};

/// How long before and after the operation things are looked at, in nanoseconds.
const AROUND: u64 = 15_000_000;
/// No more lines than this are shown.
const LINES_MAX: usize = 400;

/// See the module's head.
#[derive(Clone, Debug)]
pub struct Moment {
    operation: Operation,
    faults: Vec<Fault>,
}

impl Moment {
    /// The moment of the operation that has an event of this index.
    pub fn find(history: &History, index: u64) -> Option<Self> {
        let operations = history.operations().ok()?;
        let mut found = operations.into_iter();
        let operation = found.find(|one| one.invoked == index || one.completed == Some(index))?;
        let mut during = faults(history);
        let from = operation.invoked_at.unwrap_or(0);
        during.retain(|fault| fault.overlaps(from, operation.completed_at.unwrap_or(from)));
        Some(Moment { operation, faults: during })
    }

    /// From a little before its invocation to a little after its completion; nothing where times are not known.
    pub fn windows(&self) -> Vec<Window> {
        let window = |from: u64| {
            let to = self.operation.completed_at.unwrap_or(from);
            (from.saturating_sub(AROUND), to.saturating_add(AROUND))
        };
        self.operation.invoked_at.map(window).into_iter().collect()
    }
}

/// The moment for people, one line an event.
pub fn text(moment: &Moment, beside: &Beside, clock: Clock) -> String {
    let operation = &moment.operation;
    let node = operation.node.as_deref().map_or_else(String::new, |node| format!(" at {node}"));
    let key = operation.key.as_deref().map_or_else(String::new, |key| format!("  key {key}"));
    let mut lines = vec![words::printable(&format!(
        "{}  process {} {}{node}{key}  {}",
        slices::when(operation, clock),
        operation.process,
        slices::deed(operation),
        slices::ending(operation)
    ))];
    lines.extend(moment.faults.iter().map(|fault| format!("fault    {}", fault.told())));
    let mut events: Vec<(u64, String)> = Vec::new();
    let windows = moment.windows();
    let inside = |at: u64| windows.iter().any(|window| (window.0..=window.1).contains(&at));
    for message in &beside.messages {
        let own = if message.process == Some(operation.process) { "  (of this process)" } else { "" };
        let took = words::latency(message.ended.saturating_sub(message.sent) / 1_000);
        let link = format!("{} -> {}", message.from, message.to);
        events.push((message.sent, format!("{link:10} {} {} after {took}{own}", message.kind, message.fate)));
    }
    for note in beside.notes.iter().filter(|note| inside(note.at)) {
        events.push((note.at, format!("{:10} {} {}", note.node, note.name, note.says)));
    }
    for (at, line) in beside.logs.iter().filter_map(|line| Some((line.at?, line))) {
        events.push((at, format!("{:10} log: {}", line.node, line.says)));
    }
    events.sort_by_key(|event| event.0);
    let hidden = events.len().saturating_sub(LINES_MAX);
    events.truncate(LINES_MAX);
    lines.extend(events.iter().map(|(at, event)| format!("  {}  {event}", precise(*at, clock))));
    if hidden > 0 {
        lines.push(format!("and {} more, see --json", words::thousands(hidden as u64)));
    }
    let untimed = beside.logs.iter().filter(|line| line.at.is_none());
    lines.extend(untimed.map(|line| format!("log of {} (its lines tell no time): {}", line.node, line.says)));
    lines.extend(beside.absent.iter().map(|absent| format!("absent   {absent}")));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// A moment with microseconds, which is how near to each other messages are.
fn precise(at: u64, clock: Clock) -> String {
    match clock {
        Clock::Run => format!("{}.{:06}", at / 1_000_000_000, at % 1_000_000_000 / 1_000),
        Clock::Wall(_) => clock.told(at),
    }
}

/// The same as data.
pub fn as_json(moment: &Moment, beside: &Beside) -> Value {
    let windows = moment.windows();
    let inside = |at: u64| windows.iter().any(|window| (window.0..=window.1).contains(&at));
    let notes: Vec<_> = beside.notes.iter().filter(|note| inside(note.at)).collect();
    json!({
        "schism": "moment", "format": 1, "operation": slices::one(&moment.operation), "faults": moment.faults,
        "messages": beside.messages, "notes": notes, "logs": beside.logs, "absent": beside.absent,
    })
}
