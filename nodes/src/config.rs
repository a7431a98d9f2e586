//! What a protocol declares of itself, and how its parameters are read.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a protocol says of itself, for `schism list`, for help texts and for the harness.
#[derive(Clone, Debug)]
pub struct ProtocolInfo {
    /// Its name on the command line.
    pub name: &'static str,
    /// A sentence.
    pub about: &'static str,
    /// Its parameters, in the order in which they are listed.
    pub parameters: Vec<Parameter>,
    /// Its deliberate bugs.
    pub bugs: Vec<BugInfo>,
    /// The request types that it serves, such as `read`.
    pub requests: Vec<&'static str>,
    /// Whether it has a leader, told by notes `leader{epoch}`.
    pub has_leader: bool,
    /// What it needs of its links.
    pub links: LinkOrder,
    /// How long it typically takes to serve again after a fault; plans scale with it.
    pub recovery: Duration,
}

/// What a protocol needs of its links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOrder {
    /// Nothing: messages may be lost, duplicated and reordered.
    Any,
    /// First in, first out: duplication and reordering are refused, and a lost message breaks the connection.
    Fifo,
}

/// What a configuration promises its clients, its deliberate bug apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consistency {
    /// Nothing about the freshness of reads.
    None,
    /// Whoever stays with one node sees no effect before its cause, and replicas converge.
    Causal,
    /// A read that overlaps no write returns the last one before it; one that does, that or an overlapping one.
    Regular,
    /// Operations take effect one by one, each between its invocation and its completion.
    Linearizable,
}

/// A parameter of a protocol.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name, as in `reads=readindex`.
    pub name: &'static str,
    /// The values that it takes, for people: `log|readindex`, `1..n`, `a time`.
    pub values: &'static str,
    /// The value that it has when it is not given, as one would write it.
    pub default: &'static str,
    /// A sentence.
    pub about: &'static str,
}

/// A deliberate bug: a named value of the protocol's parameter `bug`.
#[derive(Clone, Debug)]
pub struct BugInfo {
    /// Its name, such as `forget-vote`.
    pub name: &'static str,
    /// Its id, such as `RAFT-B2`; `bug=` takes either.
    pub id: &'static str,
    /// What is left out or done wrong.
    pub about: &'static str,
    /// What clients then see.
    pub anomaly: &'static str,
    /// The faults under which chance finds it, as one would write them: `partition`, `none`.
    pub faults: &'static str,
    /// The parameters without which it breaks no promise, as one would write them; empty for none.
    pub needs: &'static str,
    /// The workload without whose requests it never acts, by its name; empty where any will do.
    pub workload: &'static str,
}

/// Parameters as they were given: `NAME:KEY=VALUE,…` without the name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(pub BTreeMap<String, String>);

/// Parameters that a protocol cannot take. All of a command's usage errors are reported at once, so this is one of
/// several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ConfigError(pub Vec<ParamError>);

/// One parameter that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// There is no such parameter.
    #[error("{protocol} has no parameter {name:?}")]
    Unknown {
        /// The protocol.
        protocol: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The value is not one that the parameter takes.
    #[error("{name}={value}: {expected}")]
    Value {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What it takes, in words.
        expected: String,
        /// The words that it takes, if it takes a few words.
        known: Vec<String>,
    },
}

/// Reads parameters one by one, remembers what was wrong, and reports all of it at the end.
#[derive(Debug)]
pub struct ParamReader<'a> {
    params: &'a Params,
    errors: Vec<ParamError>,
}

impl<'a> ParamReader<'a> {
    /// A reader that has refused all parameters which `info` does not name.
    pub fn new(params: &'a Params, info: &ProtocolInfo) -> Self {
        let known: Vec<&'static str> = info.parameters.iter().map(|parameter| parameter.name).collect();
        let unknown = params.0.keys().filter(|name| !known.contains(&name.as_str()));
        let errors = unknown
            .map(|name| ParamError::Unknown { protocol: info.name, name: name.clone(), known: known.clone() })
            .collect();
        ParamReader { params, errors }
    }

    /// The value of a parameter as it was given, if it was.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.params.0.get(name).map(String::as_str)
    }

    /// A whole number within `range`, or `default`.
    pub fn number(&mut self, name: &str, range: std::ops::RangeInclusive<u64>, default: u64) -> u64 {
        let Some(text) = self.get(name) else { return default };
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.refuse(name, text, expected, Vec::new());
                default
            }
        }
    }

    /// One of a few words, by its place in `words`; the first is the default.
    pub fn word(&mut self, name: &str, words: &[&str]) -> usize {
        let Some(text) = self.get(name) else { return 0 };
        words.iter().position(|word| *word == text).unwrap_or_else(|| {
            let known: Vec<String> = words.iter().map(ToString::to_string).collect();
            self.refuse(name, text, format!("one of {}", known.join(", ")), known);
            0
        })
    }

    /// The deliberate bug, by name or id: its place in `bugs`.
    pub fn bug(&mut self, bugs: &[BugInfo]) -> Option<usize> {
        let text = self.get("bug").filter(|text| *text != "none")?;
        let found = bugs.iter().position(|bug| bug.name == text || bug.id.eq_ignore_ascii_case(text));
        if found.is_none() {
            let known: Vec<String> = bugs.iter().map(|bug| bug.name.to_owned()).collect();
            self.refuse("bug", text, format!("one of {}", known.join(", ")), known);
        }
        found
    }

    /// A time such as `150ms`, `2s` or `0.5` (a bare number is seconds), or `default`.
    pub fn time(&mut self, name: &str, default: Duration) -> Duration {
        let Some(text) = self.get(name) else { return default };
        parse_time(text).unwrap_or_else(|| {
            self.refuse(name, text, "a time such as 150ms or 2s".to_owned(), Vec::new());
            default
        })
    }

    /// Remembers that a value cannot be taken.
    pub fn refuse(&mut self, name: &str, value: &str, expected: String, known: Vec<String>) {
        self.errors.push(ParamError::Value { name: name.to_owned(), value: value.to_owned(), expected, known });
    }

    /// The configuration, or everything that was wrong.
    pub fn finish<T>(self, config: T) -> Result<T, ConfigError> {
        if self.errors.is_empty() { Ok(config) } else { Err(ConfigError(self.errors)) }
    }
}

/// Reads `150ms`, `20us`, `2s`, `1.5m`, `1h`; a bare number is seconds. Nothing else, and nothing negative.
pub fn parse_time(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let seconds = match unit {
        "ns" => 1e-9,
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_or_are_seconds() {
        for (text, millis) in [("150ms", 150), ("2s", 2000), ("0.5", 500), ("1.5m", 90_000), ("15", 15_000)] {
            assert_eq!(parse_time(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "ms", "-1s", "1 s", "1x", "1e9999", "1..2"] {
            assert_eq!(parse_time(wrong), None, "{wrong}");
        }
    }
}
