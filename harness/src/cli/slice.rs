//! A slice of a run's operations, as it is typed: `key=x process=3 t=12s..13s`.

use std::time::Duration;

use schism_checker::history::{Ending, Operation};

use crate::cli::values;
use crate::report::inert;

const WORDS: &str = "key=x process=3 node=n1 kind=read outcome=ok value=5 t=12s..13s";
/// Long enough that no key or value that anybody types is cut.
const CHARACTERS_MAX: usize = 10_000;

/// What is asked of an operation; what is absent asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    key: Option<String>,
    process: Option<u64>,
    node: Option<String>,
    kind: Option<String>,
    outcome: Option<String>,
    value: Option<String>,
    /// Nanoseconds since the start; what was open in between counts.
    from: Option<u64>,
    to: Option<u64>,
}

/// The outcome in a word.
pub(crate) fn outcome(ending: Ending) -> &'static str {
    match ending {
        Ending::Ok => "ok",
        Ending::Fail => "fail",
        Ending::Info => "info",
    }
}

/// The slice of this text.
pub(crate) fn slice(text: &str) -> Result<Slice, values::Wrong> {
    let wrong = |what: String| values::Wrong { what, hint: format!("'{WORDS}'") };
    let mut slice = Slice::default();
    for word in text.split_whitespace() {
        let (name, value) = word.split_once('=').ok_or_else(|| wrong(format!("{word:?} is no NAME=VALUE")))?;
        let given = || Some(value.to_owned());
        match name {
            "key" => slice.key = given(),
            "node" => slice.node = given(),
            "kind" | "f" => slice.kind = given(),
            "value" => slice.value = given(),
            "process" => {
                let process = value.parse().map_err(|_| wrong(format!("{value:?} is no number of a process")))?;
                slice.process = Some(process);
            }
            "outcome" if ["ok", "fail", "info"].contains(&value) => slice.outcome = given(),
            "outcome" => return Err(wrong(format!("{value:?} is no outcome: ok, fail or info"))),
            "t" => {
                let (from, to) = value.split_once("..").ok_or_else(|| wrong(format!("{value:?} is no FROM..TO")))?;
                (slice.from, slice.to) = (bound(from)?, bound(to)?);
            }
            _ => return Err(wrong(format!("operations have no {name:?}"))),
        }
    }
    Ok(slice)
}

/// One end of a stretch of time; where nothing stands, there is none.
fn bound(text: &str) -> Result<Option<u64>, values::Wrong> {
    if text.is_empty() {
        return Ok(None);
    }
    let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    values::time(text).map(nanoseconds).map(Some)
}

impl Slice {
    /// Whether an operation is in it.
    pub(crate) fn has(&self, operation: &Operation) -> bool {
        let shown = |value: &serde_json::Value| inert::value(value, CHARACTERS_MAX);
        let is =
            |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|wanted| found == Some(wanted));
        let key = || operation.key.as_deref().map(shown);
        let has_value = |wanted: &String| shown(&operation.input) == *wanted || shown(operation.answer()) == *wanted;
        is(&self.node, operation.node.as_deref())
            && is(&self.kind, Some(&operation.f))
            && is(&self.outcome, Some(outcome(operation.ending)))
            && self.process.is_none_or(|process| process == operation.process)
            && (self.key.is_none() || is(&self.key, key().as_deref()))
            && self.value.as_ref().is_none_or(has_value)
            && self.to.is_none_or(|to| operation.invoked_at.is_some_and(|at| at <= to))
            && self.from.is_none_or(|from| operation.completed_at.is_none_or(|at| at >= from))
    }
}

#[cfg(test)]
mod tests {
    use schism_checker::formats;

    use super::*;

    fn operations() -> Vec<Operation> {
        let text = r#"{"index":0,"time":1000000000,"process":3,"type":"invoke","f":"write","key":"x","value":5,"node":"n1"}
{"index":1,"time":1200000000,"process":3,"type":"ok","f":"write","key":"x","value":5,"node":"n1"}
{"index":2,"time":2000000000,"process":4,"type":"invoke","f":"read","key":"y","value":null,"node":"n2"}
{"index":3,"time":2100000000,"process":4,"type":"info","f":"read","key":"y","value":null,"node":"n2"}"#;
        formats::read_bytes(text.as_bytes(), "test").unwrap().operations().unwrap()
    }

    #[test]
    fn each_word_takes_operations_away() {
        let table = [
            ("", vec![0, 2]),
            ("key=x", vec![0]),
            ("process=4 outcome=info", vec![2]),
            ("kind=write node=n1", vec![0]),
            ("value=5", vec![0]),
            ("t=1100ms..1500ms", vec![0]),
            ("t=1.5s..", vec![2]),
            ("t=..1s", vec![0]),
            ("key=x process=4", vec![]),
        ];
        for (text, found) in table {
            let slice = slice(text).unwrap();
            let operations = operations();
            let has: Vec<u64> = operations.iter().filter(|one| slice.has(one)).map(|one| one.invoked).collect();
            assert_eq!(has, found, "{text}");
        }
        for text in ["x", "colour=red", "process=a", "outcome=maybe", "t=5s", "t=a..b"] {
            assert!(slice(text).is_err(), "{text}");
        }
    }
}
