//! The one grammar for everything with parameters: `NAME[:KEY=VALUE,…]`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name with parameters, for systems, models, faults and workloads: `nwr:n=3,w=2,r=1`. A value may be JSON; commas
/// inside its brackets, braces and quotes are its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spec {
    /// What it is.
    pub name: String,
    /// With what, in the order of their names.
    pub params: BTreeMap<String, String>,
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (place, (key, value)) in self.params.iter().enumerate() {
            write!(f, "{}{key}={value}", if place == 0 { ':' } else { ',' })?;
        }
        Ok(())
    }
}

/// A text that is not `NAME[:KEY=VALUE,…]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// There is no usable name before the colon.
    #[error("{text:?} does not begin with a name; write NAME or NAME:KEY=VALUE,…")]
    Name {
        /// What was given.
        text: String,
    },
    /// A part between commas has no key, no `=` or no value.
    #[error("{part:?} in {text:?} is not KEY=VALUE")]
    Parameter {
        /// The part.
        part: String,
        /// What was given.
        text: String,
    },
    /// A key stands there twice.
    #[error("{key} is given twice in {text:?}")]
    Duplicate {
        /// The key.
        key: String,
        /// What was given.
        text: String,
    },
    /// A bracket, a brace or a quote has no partner.
    #[error("{what:?} at byte {offset} of {text:?} has no partner; quote the whole argument in the shell")]
    Unbalanced {
        /// The bracket, brace or quote.
        what: char,
        /// Where it stands, in bytes from 0.
        offset: usize,
        /// What was given.
        text: String,
    },
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (name, rest) = match text.split_once(':') {
            Some((name, rest)) => (name, Some((rest, name.len() + 1))),
            None => (text, None),
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "=,\"[]{}".contains(c)) {
            return Err(SpecError::Name { text: text.to_owned() });
        }
        let mut params = BTreeMap::new();
        for part in rest.map(|(rest, offset)| split_at_commas(text, rest, offset)).transpose()?.unwrap_or_default() {
            let (key, value) = key_and_value(part)
                .ok_or_else(|| SpecError::Parameter { part: part.to_owned(), text: text.to_owned() })?;
            if params.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(SpecError::Duplicate { key: key.to_owned(), text: text.to_owned() });
            }
        }
        Ok(Spec { name: name.to_owned(), params })
    }
}

/// The known name that an unknown one is most likely meant to be, if one is near enough to be worth a question.
pub fn suggest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let unknown = unknown.to_lowercase();
    let near_enough = unknown.chars().count().div_ceil(3);
    let by_distance = known.iter().map(|name| (strsim::damerau_levenshtein(&unknown, &name.to_lowercase()), *name));
    let nearest = by_distance.filter(|(distance, _)| *distance <= near_enough).min_by_key(|(distance, _)| *distance);
    let begins = || known.iter().find(|name| unknown.len() >= 3 && name.to_lowercase().starts_with(&unknown)).copied();
    nearest.map(|(_, name)| name).or_else(begins)
}

fn key_and_value(part: &str) -> Option<(&str, &str)> {
    let (key, value) = part.split_once('=')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    (is_key && !value.is_empty()).then_some((key, value))
}

/// Splits `rest`, which begins at byte `offset` of `text`, at the commas that stand outside of brackets, braces and
/// quotes.
fn split_at_commas<'a>(text: &str, rest: &'a str, offset: usize) -> Result<Vec<&'a str>, SpecError> {
    let unbalanced =
        |(at, what): (usize, char)| SpecError::Unbalanced { what, offset: offset + at, text: text.to_owned() };
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match (open.last().map(|(_, opener)| *opener), character) {
            (Some('"'), '\\') => {
                characters.next();
            }
            (Some('"'), '"') | (Some('['), ']') | (Some('{'), '}') => {
                open.pop();
            }
            (Some('"'), _) => {}
            (_, '"' | '[' | '{') => open.push((at, character)),
            (_, ']' | '}') => return Err(unbalanced((at, character))),
            (None, ',') => {
                parts.push(&rest[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if let Some(opener) = open.pop() {
        return Err(unbalanced(opener));
    }
    parts.push(&rest[begin..]);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Params<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn a_name_may_have_parameters_and_comes_back_as_it_was() {
        let table: [(&str, &str, Params<'_>); 7] = [
            ("raft", "raft", &[]),
            ("nwr:n=3,r=1,w=2", "nwr", &[("n", "3"), ("r", "1"), ("w", "2")]),
            ("raft:bug=forget-vote", "raft", &[("bug", "forget-vote")]),
            ("cas-register:init=0", "cas-register", &[("init", "0")]),
            (r#"m:init={"x":[1,2],"y":"a,]\",b"},z=3"#, "m", &[("init", r#"{"x":[1,2],"y":"a,]\",b"}"#), ("z", "3")]),
            (r#"m:init="""#, "m", &[("init", r#""""#)]),
            ("m:at=a=b:c", "m", &[("at", "a=b:c")]),
        ];
        for (text, name, params) in table {
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.name, name, "{text}");
            let got: Vec<(&str, &str)> = spec.params.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(got, params, "{text}");
            assert_eq!(spec.to_string(), text);
        }
    }

    #[test]
    fn parameters_are_printed_in_the_order_of_their_names() {
        assert_eq!("nwr:w=2,n=3".parse::<Spec>().unwrap().to_string(), "nwr:n=3,w=2");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let table = [
            ("", r#""" does not begin with a name; write NAME or NAME:KEY=VALUE,…"#),
            (":n=3", r#"":n=3" does not begin with a name; write NAME or NAME:KEY=VALUE,…"#),
            ("a b", r#""a b" does not begin with a name; write NAME or NAME:KEY=VALUE,…"#),
            ("nwr:", r#""" in "nwr:" is not KEY=VALUE"#),
            ("nwr:n", r#""n" in "nwr:n" is not KEY=VALUE"#),
            ("nwr:n=", r#""n=" in "nwr:n=" is not KEY=VALUE"#),
            ("nwr:=3", r#""=3" in "nwr:=3" is not KEY=VALUE"#),
            ("nwr:n=3,", r#""" in "nwr:n=3," is not KEY=VALUE"#),
            ("nwr:n=3, w=2", r#"" w=2" in "nwr:n=3, w=2" is not KEY=VALUE"#),
            ("nwr:n=3,n=3", r#"n is given twice in "nwr:n=3,n=3""#),
            ("m:a=[1,2", r#"'[' at byte 4 of "m:a=[1,2" has no partner; quote the whole argument in the shell"#),
            ("m:a=1]", r#"']' at byte 5 of "m:a=1]" has no partner; quote the whole argument in the shell"#),
            ("m:a=[1}", r#"'}' at byte 6 of "m:a=[1}" has no partner; quote the whole argument in the shell"#),
            ("m:a=\"x", r#"'"' at byte 4 of "m:a=\"x" has no partner; quote the whole argument in the shell"#),
        ];
        for (text, message) in table {
            assert_eq!(text.parse::<Spec>().unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        let known = ["partition", "kill", "pause", "powerloss", "raft", "nwr"];
        let table = [
            ("partiton", Some("partition")),
            ("Kill", Some("kill")),
            ("pasue", Some("pause")),
            ("power", Some("powerloss")),
            ("rfat", Some("raft")),
            ("zookeeper", None),
            ("", None),
        ];
        for (unknown, expected) in table {
            assert_eq!(suggest(unknown, &known), expected, "{unknown}");
        }
    }
}
