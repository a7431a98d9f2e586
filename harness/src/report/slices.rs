//! Operations of a run as a table, one a line.

use schism_checker::history::{Ending, Operation};
use serde_json::{Value, json};

use crate::report::clock::Clock;
use crate::report::{inert, words};

/// How much of a value a line shows, in characters.
const CHARACTERS_MAX: usize = 60;

/// What was asked and answered: `write 5`, `read → 4`.
pub fn deed(operation: &Operation) -> String {
    let shown = |value: &Value| inert::value(value, CHARACTERS_MAX);
    let asked = if operation.input.is_null() { String::new() } else { format!(" {}", shown(&operation.input)) };
    let answered = match operation.ending {
        Ending::Ok if operation.input.is_null() || *operation.answer() != *operation.input => {
            format!(" → {}", shown(operation.answer()))
        }
        _ => String::new(),
    };
    format!("{}{asked}{answered}", inert::short(&operation.f, CHARACTERS_MAX))
}

/// How it ended, with the reason where there is one.
pub fn ending(operation: &Operation) -> String {
    let word = match operation.ending {
        Ending::Ok => "ok",
        Ending::Fail => "fail",
        Ending::Info => "info",
    };
    let error = operation.error.as_deref().map(|error| format!("  {}", inert::value(error, CHARACTERS_MAX)));
    format!("{word}{}", error.unwrap_or_default())
}

/// When it was open; by its events where nobody recorded times.
pub fn when(operation: &Operation, clock: Clock) -> String {
    if let Some(from) = operation.invoked_at {
        return clock.interval(from, operation.completed_at);
    }
    let to = operation.completed.map_or_else(String::new, |completed| completed.to_string());
    format!("events {}..{to}", operation.invoked)
}

/// The operations of a slice, of so many.
pub fn table(found: &[&Operation], all: usize, clock: Clock) -> String {
    let rows: Vec<[String; 7]> = found
        .iter()
        .map(|operation| {
            [
                operation.invoked.to_string(),
                when(operation, clock),
                format!("process {}", operation.process),
                operation.node.as_deref().map_or_else(String::new, |node| inert::short(node, CHARACTERS_MAX)),
                operation.key.as_deref().map_or_else(String::new, |key| inert::value(key, CHARACTERS_MAX)),
                deed(operation),
                ending(operation),
            ]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..7).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text + &format!("{} of {} operations\n", words::thousands(found.len() as u64), words::thousands(all as u64))
}

/// The same as data, with whole values.
pub fn as_json(found: &[&Operation]) -> Value {
    found.iter().map(|operation| one(operation)).collect()
}

/// One operation as data.
pub fn one(operation: &Operation) -> Value {
    json!({
        "process": operation.process, "f": *operation.f, "key": operation.key.as_deref(), "input": *operation.input,
        "output": operation.output.as_deref(), "node": operation.node.as_deref(), "error": operation.error.as_deref(),
        "outcome": match operation.ending { Ending::Ok => "ok", Ending::Fail => "fail", Ending::Info => "info" },
        "invoked": operation.invoked, "completed": operation.completed,
        "invoked_at": operation.invoked_at, "completed_at": operation.completed_at,
    })
}
