//! The operations of a run in columns, so that a hundred thousand of them are a few megabytes: numbers that refer to tables
//! of names, and times as differences.

use std::collections::HashMap;

use schism_checker::history::{Ending, Operation};
use serde::Serialize;

use crate::report::inert;

/// No more operations than this are in a page.
const OPERATIONS_MAX: usize = 250_000;
/// What all values together may take, in characters, before each of them is cut shorter …
const VALUES_CHARACTERS: usize = 8 << 20;
/// … but never shorter, and without need never longer, than this.
const VALUE_CHARACTERS: std::ops::RangeInclusive<usize> = 24..=400;

/// See the module's head. All columns are equally long; -1 stands for what is absent.
#[derive(Debug, Default, Serialize)]
pub(super) struct Columns {
    /// How many operations the history has.
    total: usize,
    processes: Vec<u64>,
    kinds: Vec<String>,
    keys: Vec<String>,
    nodes: Vec<String>,
    /// Values and errors.
    texts: Vec<String>,
    /// The lane of each of the processes: that of its client.
    lanes: Vec<u64>,
    /// Microseconds after the invocation before.
    begin: Vec<i64>,
    /// Microseconds.
    took: Vec<i64>,
    process: Vec<i64>,
    kind: Vec<i64>,
    key: Vec<i64>,
    node: Vec<i64>,
    /// 0 ok, 1 fail, 2 info.
    ending: Vec<u8>,
    /// Index of the invocation, after that of the operation before.
    invoked: Vec<i64>,
    /// Events after it.
    completed: Vec<i64>,
    input: Vec<i64>,
    output: Vec<i64>,
    error: Vec<i64>,
}

/// Different names, numbered as they come.
#[derive(Default)]
struct Table {
    numbers: HashMap<String, i64>,
    names: Vec<String>,
}

impl Table {
    fn number(&mut self, name: String) -> i64 {
        let next = i64::try_from(self.names.len()).unwrap_or(i64::MAX);
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.names.push(name.clone());
            next
        })
    }
}

impl Columns {
    /// The operations in the order of their invocations. A process that follows another one of the same client differs from it by
    /// `clients`. Where nobody recorded times, the index of an event stands for its time.
    pub(super) fn of(operations: &[Operation], clients: Option<u64>, timed: bool) -> Self {
        let shown = &operations[..operations.len().min(OPERATIONS_MAX)];
        let [mut kinds, mut keys, mut nodes, mut texts, mut processes] = std::array::from_fn(|_| Table::default());
        let mut columns = Columns { total: operations.len(), ..Columns::default() };
        let characters =
            (VALUES_CHARACTERS / shown.len().max(1)).clamp(*VALUE_CHARACTERS.start(), *VALUE_CHARACTERS.end());
        let (mut before, mut index_before) = (0, 0);
        for operation in shown {
            let begin = moment(operation.invoked_at, operation.invoked, timed);
            let end = operation.completed.map(|completed| moment(operation.completed_at, completed, timed));
            columns.begin.push(begin - before);
            columns.took.push(end.map_or(-1, |end| (end - begin).max(0)));
            columns.process.push(processes.number(operation.process.to_string()));
            columns.kind.push(kinds.number(inert::short(&operation.f, characters)));
            let key = operation.key.as_deref().map(|key| inert::value(key, characters));
            columns.key.push(key.map_or(-1, |key| keys.number(key)));
            let node = operation.node.as_deref().map(|node| inert::short(node, characters));
            columns.node.push(node.map_or(-1, |node| nodes.number(node)));
            columns.ending.push(match operation.ending {
                Ending::Ok => 0,
                Ending::Fail => 1,
                Ending::Info => 2,
            });
            let index = signed(operation.invoked);
            columns.invoked.push(index - index_before);
            columns.completed.push(operation.completed.map_or(-1, |completed| signed(completed) - index));
            let mut text = |value: &serde_json::Value| match value {
                serde_json::Value::Null => -1,
                value => texts.number(inert::value(value, characters)),
            };
            columns.input.push(text(&operation.input));
            columns.output.push(operation.output.as_deref().map_or(-1, &mut text));
            columns.error.push(operation.error.as_deref().map_or(-1, &mut text));
            (before, index_before) = (begin, index);
        }
        columns.processes = processes.names.iter().filter_map(|name| name.parse().ok()).collect();
        columns.lanes =
            columns.processes.iter().map(|process| clients.map_or(*process, |clients| process % clients)).collect();
        (columns.kinds, columns.keys) = (kinds.names, keys.names);
        (columns.nodes, columns.texts) = (nodes.names, texts.names);
        columns
    }
}

/// Microseconds since the start, or the index.
fn moment(time: Option<u64>, index: u64, timed: bool) -> i64 {
    signed(if timed { time.unwrap_or(0) / 1_000 } else { index })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
