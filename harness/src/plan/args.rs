//! Reading the parameters of an entry or a fault one by one, remembering everything that is wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use schism_nodes::config::parse_time;
use serde_json::{Map, Value};

use crate::plan::problem::Problem;

/// Parameters as they were given, in a plan (JSON values) or on the command line (texts). A number may be given as a text.
#[derive(Debug)]
pub struct Args<'a> {
    given: &'a Map<String, Value>,
    at: String,
    problems: Vec<Problem>,
}

impl<'a> Args<'a> {
    /// A reader that has refused all parameters which are not `known`. `thing` is who has no such parameter.
    pub fn new(given: &'a Map<String, Value>, thing: &str, known: &[&str], at: &str) -> Self {
        let mut args = Args { given, at: at.to_owned(), problems: Vec::new() };
        for name in given.keys().filter(|name| !known.contains(&name.as_str())) {
            args.problems.push(if known.is_empty() {
                Problem::new(at, format!("{thing} takes no parameter, and {name:?} is given"))
            } else {
                Problem::unknown(at, &format!("parameter of {thing} called"), name, known)
            });
        }
        args
    }

    /// Whether it is given at all.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// The value as it is.
    pub fn value(&self, name: &str) -> Option<&'a Value> {
        self.given.get(name)
    }

    /// A text, or a number as a text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.given.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            other => {
                self.refuse(name, &other.to_string(), "a text or a number");
                None
            }
        }
    }

    /// A time such as `150ms`; a bare number is seconds.
    pub fn time(&mut self, name: &str) -> Option<Duration> {
        self.read(name, "a time such as 150ms or 2s", parse_time)
    }

    /// A time that may be negative, in nanoseconds: `-500ms`.
    pub fn signed_time(&mut self, name: &str) -> Option<i64> {
        self.read(name, "a time such as 500ms or -2s, up to 200 years", |text| {
            let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let text = if negative { text } else { text.strip_prefix('+').unwrap_or(text) };
            let nanos = i64::try_from(parse_time(text)?.as_nanos()).ok()?;
            Some(if negative { -nanos } else { nanos })
        })
    }

    /// A share, above 0 and up to 1.
    pub fn share(&mut self, name: &str) -> Option<f64> {
        self.read(name, "a share above 0 and up to 1", |text| {
            text.parse().ok().filter(|share: &f64| *share > 0.0 && *share <= 1.0)
        })
    }

    /// A number in a range.
    pub fn real(&mut self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.read(name, &expected, |text| text.parse().ok().filter(|number| range.contains(number)))
    }

    /// A whole number of at least 1.
    pub fn count(&mut self, name: &str) -> Option<u64> {
        self.read(name, "a whole number from 1", |text| text.parse().ok().filter(|count| *count > 0))
    }

    /// One of a few words, by its place.
    pub fn word(&mut self, name: &str, words: &[&str]) -> Option<usize> {
        let text = self.text(name)?;
        let found = words.iter().position(|word| *word == text);
        if found.is_none() {
            let at = format!("{}: {name}", self.at);
            self.problems.push(Problem::unknown(at, name, &text, words));
        }
        found
    }

    /// Says that something must be given.
    pub fn missing(&mut self, name: &str, example: &str) {
        self.problems.push(Problem::new(&self.at, format!("{name} is missing")).hint(format!("such as {example}")));
    }

    /// Says that a value cannot be taken.
    pub fn refuse(&mut self, name: &str, value: &str, expected: &str) {
        let problem = Problem::new(format!("{}: {name}", self.at), format!("{name} cannot be {value}"));
        self.problems.push(problem.hint(expected));
    }

    /// Says that something else is wrong.
    pub fn problem(&mut self, what: &str, hint: &str) {
        self.problems.push(Problem::new(&self.at, what).hint(hint));
    }

    /// Everything that was wrong.
    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }

    fn read<T>(&mut self, name: &str, expected: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.refuse(name, &format!("{text:?}"), expected);
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_is_remembered() {
        let given = json!({"base": "fast", "share": 0, "shape": "rnig", "tial": 1, "count": true});
        let mut args =
            Args::new(given.as_object().unwrap(), "delay", &["base", "share", "shape", "tail", "count"], "entry 2");
        assert_eq!((args.time("base"), args.share("share"), args.count("count")), (None, None, None));
        assert_eq!(args.word("shape", &["ring", "halves"]), None);
        let problems: Vec<String> = args.finish().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 5, "{problems:#?}");
        assert!(problems[0].contains("did you mean tail?"));
        assert!(problems[4].contains("did you mean ring?"));
    }

    #[test]
    fn texts_and_numbers_are_the_same() {
        let given = json!({"a": "0.5", "b": 0.5, "c": "-500ms", "d": 2, "e": "+1s"});
        let mut args = Args::new(given.as_object().unwrap(), "x", &["a", "b", "c", "d", "e"], "");
        assert_eq!((args.share("a"), args.share("b")), (Some(0.5), Some(0.5)));
        assert_eq!(args.signed_time("c"), Some(-500_000_000));
        assert_eq!(args.signed_time("e"), Some(1_000_000_000));
        assert_eq!(args.time("d"), Some(Duration::from_secs(2)));
        assert_eq!(args.finish(), []);
    }
}
