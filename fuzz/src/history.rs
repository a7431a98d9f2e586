//! Small histories out of bytes: four processes, at most ten operations, values from a handful.

use std::sync::Arc;

use schism_checker::history::{Ending, Operation};
use schism_checker::models::ModelSpec;
use serde_json::{Value, json};

use crate::Bytes;

const PROCESSES: usize = 4;
const OPERATIONS: usize = 10;

/// A history of this model's operations, as the bytes draw it.
pub fn small(model: &ModelSpec, bytes: &Bytes<'_>) -> Vec<Operation> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut open: [Option<usize>; PROCESSES] = [None; PROCESSES];
    let mut numbers: [u64; PROCESSES] = std::array::from_fn(|process| process as u64);
    let mut event = 0;
    while !bytes.is_empty() {
        let process = bytes.below(PROCESSES);
        match open[process].take() {
            Some(number) => {
                end(&mut operations[number], event, bytes);
                if operations[number].ending == Ending::Info {
                    numbers[process] += PROCESSES as u64;
                }
            }
            None if operations.len() < OPERATIONS => {
                open[process] = Some(operations.len());
                operations.push(begun(model, numbers[process], event, bytes));
            }
            None => break,
        }
        event += 1;
    }
    operations
}

fn begun(model: &ModelSpec, process: u64, event: u64, bytes: &Bytes<'_>) -> Operation {
    let (f, input) = request(model, bytes);
    Operation {
        process,
        f: Arc::from(f),
        key: None,
        input: input.into(),
        output: None,
        ending: Ending::Info,
        node: None,
        invoked: event,
        completed: None,
        invoked_at: None,
        completed_at: None,
        error: None,
        session: None,
        version: None,
    }
}

fn end(operation: &mut Operation, event: u64, bytes: &Bytes<'_>) {
    operation.completed = Some(event);
    operation.ending = [Ending::Ok, Ending::Ok, Ending::Ok, Ending::Fail, Ending::Info][bytes.below(5)];
    if operation.ending == Ending::Ok {
        operation.output = Some(answer(&operation.f, &operation.input, bytes).into());
    }
}

fn request(model: &ModelSpec, bytes: &Bytes<'_>) -> (&'static str, Value) {
    let name = model.to_string();
    let name = name.split(':').next().expect("a split has a first part");
    let words: &[&'static str] = match name {
        "register" => &["read", "write"],
        "cas-register" => &["read", "write", "cas"],
        "multi-register" => &["txn"],
        "kv" => &["get", "put", "append"],
        "mutex" | "semaphore" => &["acquire", "release"],
        "set" => &["add", "remove", "contains", "read"],
        "grow-only-set" => &["add", "read"],
        "counter" => &["add", "increment", "decrement", "read"],
        "fifo-queue" | "bag" => &["enqueue", "dequeue"],
        "stack" => &["push", "pop"],
        "priority-queue" => &["insert", "delete-min"],
        "append-list" => &["append", "read"],
        _ => &["append", "read", "poll"],
    };
    let f = words[bytes.below(words.len())];
    let small = json!(bytes.below(4));
    let input = match f {
        "cas" => json!([small, bytes.below(4)]),
        "txn" => json!([["w", "x", small], ["r", "y", null]]),
        "get" | "increment" | "acquire" | "release" | "dequeue" | "pop" | "delete-min" => Value::Null,
        "put" | "append" if name == "kv" => json!(small.to_string()),
        "read" if name != "log" => Value::Null,
        _ => small,
    };
    (f, input)
}

fn answer(f: &str, input: &Value, bytes: &Bytes<'_>) -> Value {
    let small = bytes.below(4);
    match f {
        "write" | "cas" | "put" | "add" | "remove" | "increment" | "decrement" | "enqueue" | "push" | "insert" => {
            input.clone()
        }
        "txn" => json!([["w", "x", input[0][2]], ["r", "y", small]]),
        "get" => json!((0..small).map(|digit| digit.to_string()).collect::<String>()),
        "acquire" | "release" => Value::Null,
        "contains" => json!(small % 2 == 0),
        // A list, a number or nothing: the model refuses what it does not understand.
        "read" | "poll" => match bytes.below(3) {
            0 => json!(small),
            1 => json!((0..small).map(|_| bytes.below(4)).collect::<Vec<_>>()),
            _ => Value::Null,
        },
        "append" => [json!(small), input.clone()][bytes.below(2)].clone(),
        _ if small == 3 => Value::Null,
        _ => json!(small),
    }
}
