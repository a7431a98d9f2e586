//! Which model a history without a header is judged by: guessed from what was done and answered where that makes it plain,
//! and always said.

use std::collections::BTreeSet;

use schism_checker::history::{Operation, PairedHistory};
use serde_json::Value;

/// What a history looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// An object of this model, as `--model` takes it.
    Plain(&'static str),
    /// Any of these, which would judge it differently.
    Either(&'static [&'static str]),
    /// Each value may be `[key, value]`: then it is told apart from pairs as values by who knows what was meant.
    Tuples,
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

/// A fence, a number of permits, or what a client likes to note.
const LOCKS: Guess = Guess::Either(&["mutex", "mutex:kind=fenced", "semaphore:permits=N"]);
/// The answer may be an offset, a length, or what is stored now.
const APPENDS: Guess = Guess::Either(&["log", "append-list", "kv"]);
/// A list as it is, or a transaction.
const LISTS_OF_LISTS: Guess = Guess::Either(&["multi-register", "register"]);

/// Operations, what reads answer, and what that is. The first row that has all that was done counts.
const ROWS: [(&[&str], Reads, Guess); 12] = [
    (&["read", "write"], Reads::Any, Guess::Plain("register")),
    (&["read", "write", "cas"], Reads::Any, Guess::Plain("cas-register")),
    (&["get", "put", "append"], Reads::Any, Guess::Plain("kv")),
    (&["txn", "read", "write"], Reads::Any, Guess::Plain("multi-register")),
    (&["add", "read"], Reads::Lists, Guess::Plain("grow-only-set")),
    (&["add", "remove", "contains", "read"], Reads::Lists, Guess::Plain("set")),
    (&["add", "increment", "decrement", "read"], Reads::Values, Guess::Plain("counter")),
    (&["enqueue", "dequeue"], Reads::Any, Guess::Either(&["fifo-queue", "bag", "priority-queue"])),
    (&["push", "pop"], Reads::Any, Guess::Plain("stack")),
    (&["insert", "enqueue", "dequeue"], Reads::Any, Guess::Either(&["priority-queue", "priority-queue:first=largest"])),
    (&["insert", "enqueue", "dequeue", "delete-min"], Reads::Any, Guess::Plain("priority-queue")),
    (&["insert", "enqueue", "dequeue", "delete-max"], Reads::Any, Guess::Plain("priority-queue:first=largest")),
];

/// What was done, each once.
pub(crate) fn done(history: &PairedHistory) -> BTreeSet<&str> {
    history.operations.iter().map(|operation| &*operation.f).collect()
}

/// Looks at what was done, and at what was asked and answered.
pub(crate) fn model(history: &PairedHistory) -> Guess {
    let done = done(history);
    let only = |known: &[&str]| done.iter().all(|f| known.contains(f));
    let has = |some: &[&str]| some.iter().any(|f| done.contains(f));
    if history.operations.iter().any(is_tuple) {
        return Guess::Tuples;
    }
    if only(&["append", "send", "read", "poll"]) && has(&["append", "send", "poll"]) {
        return appended(history, has(&["send", "poll"]), has(&["read"]));
    }
    if only(&["acquire", "release"]) && !done.is_empty() {
        let counted = history.operations.iter().any(|it| it.input.is_number() || it.answer().is_number());
        return if counted { LOCKS } else { Guess::Plain("mutex") };
    }
    if only(&["read", "write"]) && history.operations.iter().any(reads_by_name) {
        return LISTS_OF_LISTS;
    }
    let reads = reads(history);
    let fits = |answer: Reads| answer == Reads::Any || reads == Reads::Any || answer == reads;
    let row = ROWS.into_iter().find(|&(known, answer, _)| only(known) && fits(answer));
    match row {
        Some((.., Guess::Plain("grow-only-set"))) if reads == Reads::Any => {
            Guess::Either(&["grow-only-set", "counter"])
        }
        Some((.., guess)) => guess,
        None => Guess::Unknown,
    }
}

/// A list to which one appends: with offsets it is a log, else a list that is read as a whole.
fn appended(history: &PairedHistory, is_log: bool, is_read: bool) -> Guess {
    let at_offset = |operation: &Operation| &*operation.f == "read" && operation.input.is_number();
    match reads(history) {
        _ if is_log || history.operations.iter().any(at_offset) => Guess::Plain("log"),
        _ if !is_read => APPENDS,
        Reads::Lists => Guess::Plain("append-list"),
        Reads::Any => Guess::Either(&["append-list", "log"]),
        Reads::Values => Guess::Unknown,
    }
}

fn reads(history: &PairedHistory) -> Reads {
    let reads = history.operations.iter().filter(|operation| &*operation.f == "read");
    match reads.map(Operation::answer).find(|answer| !answer.is_null()) {
        Some(Value::Array(_)) => Reads::Lists,
        Some(_) => Reads::Values,
        None => Reads::Any,
    }
}

/// `read [key, null]`, `cas [key, [from, to]]`: a key, and what is asked of it. What puts something in may well put in a pair.
fn is_tuple(operation: &Operation) -> bool {
    let Some([key, value]) = operation.input.as_array().map(Vec::as_slice) else { return false };
    let asks = match &*operation.f {
        "cas" => !key.is_array() && value.as_array().is_some_and(|pair| pair.len() == 2),
        "read" | "get" | "dequeue" | "pop" | "delete-min" | "delete-max" | "acquire" | "release" => value.is_null(),
        _ => false,
    };
    asks && operation.key.is_none()
}

/// `read [[register, null]]`.
fn reads_by_name(operation: &Operation) -> bool {
    let steps = operation.input.as_array().filter(|steps| &*operation.f == "read" && !steps.is_empty());
    steps.is_some_and(|steps| steps.iter().all(Value::is_array))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One `ok` operation for each of `f input → answer`.
    fn guessed(operations: &[(&str, &str, &str)]) -> Guess {
        let lines: Vec<String> = operations
            .iter()
            .enumerate()
            .map(|(process, (f, input, answer))| {
                let event = |kind: &str, value: &str| {
                    format!("{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\",\"value\":{value}}}\n")
                };
                event("invoke", input) + &event("ok", answer)
            })
            .collect();
        let read = schism_checker::formats::read_bytes(lines.concat().as_bytes(), "test").unwrap();
        model(&read.paired().unwrap())
    }

    /// Operations that are given 1, and reads that are given nothing and answer this.
    fn simply(done: &[&str], answer: &str) -> Guess {
        let with = |f| if f == "read" { (f, "null", answer) } else { (f, "1", "1") };
        guessed(&done.iter().copied().map(with).collect::<Vec<_>>())
    }

    #[test]
    fn the_simplest_model_that_fits_is_guessed() {
        let table = [
            (&[][..], "", Guess::Plain("register")),
            (&["read", "write"], "1", Guess::Plain("register")),
            (&["read"], "1", Guess::Plain("register")),
            (&["write", "cas"], "1", Guess::Plain("cas-register")),
            (&["put", "append"], "1", Guess::Plain("kv")),
            (&["get"], "1", Guess::Plain("kv")),
            (&["txn"], "1", Guess::Plain("multi-register")),
            (&["add", "read"], "[1]", Guess::Plain("grow-only-set")),
            (&["add", "read"], "1", Guess::Plain("counter")),
            (&["add"], "1", Guess::Either(&["grow-only-set", "counter"])),
            (&["add", "remove"], "1", Guess::Plain("set")),
            (&["contains", "read"], "[1]", Guess::Plain("set")),
            (&["increment", "read"], "1", Guess::Plain("counter")),
            (&["decrement"], "1", Guess::Plain("counter")),
            (&["enqueue"], "1", Guess::Either(&["fifo-queue", "bag", "priority-queue"])),
            (&["pop"], "1", Guess::Plain("stack")),
            (&["insert", "delete-min"], "1", Guess::Plain("priority-queue")),
            (&["enqueue", "delete-min"], "1", Guess::Plain("priority-queue")),
            (&["insert", "delete-max"], "1", Guess::Plain("priority-queue:first=largest")),
            (&["insert", "dequeue"], "1", Guess::Either(&["priority-queue", "priority-queue:first=largest"])),
            (&["delete-min", "delete-max"], "1", Guess::Unknown),
            (&["append", "read"], "[1]", Guess::Plain("append-list")),
            (&["append", "read"], "null", Guess::Either(&["append-list", "log"])),
            (&["append", "read"], "1", Guess::Unknown),
            (&["append", "poll"], "1", Guess::Plain("log")),
            (&["send", "poll"], "1", Guess::Plain("log")),
            (&["send", "read"], "1", Guess::Plain("log")),
            (&["append"], "1", APPENDS),
            (&["mkdir"], "1", Guess::Unknown),
        ];
        for (done, answer, guess) in table {
            assert_eq!(simply(done, answer), guess, "{done:?} {answer}");
        }
    }

    #[test]
    fn what_was_asked_and_answered_is_looked_at() {
        let (nothing, word) = ("null", "\"a\"");
        let table = [
            (&[("acquire", nothing, nothing), ("release", nothing, nothing)][..], Guess::Plain("mutex")),
            (&[("acquire", word, word)], Guess::Plain("mutex")),
            (&[("acquire", nothing, "7"), ("release", nothing, nothing)], LOCKS),
            (&[("acquire", "2", "2")], LOCKS),
            (&[("acquire", nothing, nothing), ("release", "1", "1")], LOCKS),
            (&[("append", word, "0")], APPENDS),
            (&[("append", word, "0"), ("read", "0", word)], Guess::Plain("log")),
            (&[("append", word, "0"), ("read", "0", "[1]")], Guess::Plain("log")),
            (&[("append", word, word), ("read", nothing, "[1]")], Guess::Plain("append-list")),
            (&[("write", "[1,2]", "[1,2]"), ("read", nothing, "[1,2]")], Guess::Plain("register")),
            (&[("read", "[[\"x\",null]]", "[[\"x\",1]]"), ("write", "[[\"x\",1]]", "[[\"x\",1]]")], LISTS_OF_LISTS),
            (&[("write", "[\"x\",1]", "[\"x\",1]"), ("read", "[\"x\",null]", "[\"x\",1]")], Guess::Tuples),
            (&[("write", "[\"x\",1]", "[\"x\",1]"), ("cas", "[\"x\",[1,2]]", "[\"x\",[1,2]]")], Guess::Tuples),
            (&[("cas", "[[1,2],[3,4]]", "[[1,2],[3,4]]")], Guess::Plain("cas-register")),
            (&[("write", "[1,null]", "[1,null]")], Guess::Plain("register")),
            (&[("acquire", "[\"x\",null]", "[\"x\",null]")], Guess::Tuples),
        ];
        for (done, guess) in table {
            assert_eq!(guessed(done), guess, "{done:?}");
        }
    }
}
