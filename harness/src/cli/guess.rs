//! Which model a history without a header is judged by: guessed from what was done and answered where that makes it plain,
//! and always said.

use std::collections::BTreeSet;

use schism_checker::history::PairedHistory;
use serde_json::Value;

/// What a history looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// An object of this model, as `--model` takes it.
    Plain(&'static str),
    /// Any of these, which would judge it differently.
    Either(&'static [&'static str]),
    /// No model has all its operations.
    Unknown,
}

/// What reads answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Lists, or the model has no reads of all.
    Lists,
    /// Single values.
    Values,
    /// Whatever.
    Any,
}

/// Operations, what reads answer, and what that is. The first row that has all that was done counts.
const ROWS: [(&[&str], Reads, Guess); 13] = [
    (&["read", "write"], Reads::Any, Guess::Plain("register")),
    (&["read", "write", "cas"], Reads::Any, Guess::Plain("cas-register")),
    (&["get", "put", "append"], Reads::Any, Guess::Plain("kv")),
    // A fence or a number of permits would be another model, and is seen only by who knows what was meant.
    (&["acquire", "release"], Reads::Any, Guess::Plain("mutex")),
    (&["txn", "read", "write"], Reads::Any, Guess::Plain("multi-register")),
    (&["add", "read"], Reads::Lists, Guess::Plain("grow-only-set")),
    (&["add", "remove", "contains", "read"], Reads::Lists, Guess::Plain("set")),
    (&["add", "increment", "decrement", "read"], Reads::Values, Guess::Plain("counter")),
    (&["enqueue", "dequeue"], Reads::Any, Guess::Either(&["fifo-queue", "bag"])),
    (&["push", "pop"], Reads::Any, Guess::Plain("stack")),
    (&["insert", "delete-min"], Reads::Any, Guess::Plain("priority-queue")),
    (&["insert", "delete-max"], Reads::Any, Guess::Plain("priority-queue:first=largest")),
    (&["append", "read"], Reads::Lists, Guess::Plain("append-list")),
];

/// Looks at what was done, and at what reads answered.
pub(crate) fn model(history: &PairedHistory) -> Guess {
    let operations = || history.operations.iter();
    let done: BTreeSet<&str> = operations().map(|operation| &*operation.f).collect();
    let mut answers = operations().filter(|operation| &*operation.f == "read").filter_map(|it| it.output.as_deref());
    let reads = match answers.find(|answer| !answer.is_null()) {
        Some(Value::Array(_)) => Reads::Lists,
        Some(_) => Reads::Values,
        None => Reads::Any,
    };
    if done.contains("poll") && done.iter().all(|f| ["append", "read", "poll"].contains(f)) {
        return Guess::Plain("log");
    }
    let fits = |known: &[&str], answer: Reads| {
        done.iter().all(|f| known.contains(f)) && (answer == Reads::Any || reads == Reads::Any || answer == reads)
    };
    let row = ROWS.into_iter().find(|&(known, answer, _)| fits(known, answer));
    match row {
        Some((.., Guess::Plain("grow-only-set"))) if reads == Reads::Any && done.contains("add") => {
            Guess::Either(&["grow-only-set", "counter"])
        }
        Some((.., Guess::Plain("append-list"))) if reads == Reads::Any => Guess::Either(&["append-list", "log"]),
        Some((.., guess)) => guess,
        None => Guess::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One `ok` operation for each function, reads answering `answer`.
    fn guessed(done: &[&str], answer: &str) -> Guess {
        let lines: Vec<String> = done
            .iter()
            .enumerate()
            .map(|(process, f)| {
                let value = if *f == "read" { answer } else { "1" };
                let event = |kind: &str| {
                    format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
                };
                event("invoke") + &event("ok")
            })
            .collect();
        model(&schism_checker::formats::read_bytes(lines.concat().as_bytes(), "test").unwrap().paired().unwrap())
    }

    #[test]
    fn the_simplest_model_that_fits_is_guessed() {
        let table = [
            (&["read", "write"][..], "1", Guess::Plain("register")),
            (&["read"], "1", Guess::Plain("register")),
            (&["write", "cas"], "1", Guess::Plain("cas-register")),
            (&["put", "append"], "1", Guess::Plain("kv")),
            (&["acquire"], "1", Guess::Plain("mutex")),
            (&["txn"], "1", Guess::Plain("multi-register")),
            (&["add", "read"], "[1]", Guess::Plain("grow-only-set")),
            (&["add", "read"], "1", Guess::Plain("counter")),
            (&["add"], "1", Guess::Either(&["grow-only-set", "counter"])),
            (&["add", "remove"], "1", Guess::Plain("set")),
            (&["increment", "read"], "1", Guess::Plain("counter")),
            (&["enqueue"], "1", Guess::Either(&["fifo-queue", "bag"])),
            (&["pop"], "1", Guess::Plain("stack")),
            (&["insert", "delete-max"], "1", Guess::Plain("priority-queue:first=largest")),
            (&["append", "read"], "[1]", Guess::Plain("append-list")),
            (&["append"], "1", Guess::Plain("kv")),
            (&["append", "read"], "null", Guess::Either(&["append-list", "log"])),
            (&["append", "poll"], "1", Guess::Plain("log")),
            (&["append", "read"], "1", Guess::Unknown),
            (&["mkdir"], "1", Guess::Unknown),
        ];
        for (done, answer, guess) in table {
            assert_eq!(guessed(done, answer), guess, "{done:?} {answer}");
        }
    }
}
