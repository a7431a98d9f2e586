//! What is wrong with a plan or a fault: what, where, and what to try.

use std::fmt;

/// One thing that is wrong. A command reports all of them at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}{}", Hint(.hint.as_deref()))]
pub struct Problem {
    /// What happened, in lower case, without a full stop.
    pub what: String,
    /// Where: `plan.toml: entry 3 (id 4): on`, or `--fault kill`.
    pub at: String,
    /// What to try, if that is known.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Problem { what: what.into(), at: at.into(), hint: None }
    }

    /// With something to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An unknown word, with the nearest known one, or all of them where none is near.
    pub fn unknown(at: impl Into<String>, thing: &str, word: &str, known: &[&str]) -> Self {
        let problem = Problem::new(at, format!("there is no {thing} {word:?}"));
        match nearest(word, known) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem.hint(format!("one of {}", known.join(", "))),
        }
    }
}

struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

/// Everything that is wrong, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Problems(pub Vec<Problem>);

/// The known word that is most like `word`, if one is like it at all.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let near = |known: &&'a str| (strsim::damerau_levenshtein(&word, known), *known);
    let (distance, found) = known.iter().map(near).min()?;
    (distance <= (word.chars().count() / 3).max(1)).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_gets_the_nearest_word_and_nonsense_gets_all() {
        let known = ["partition", "kill", "pause"];
        let hint = |word| Problem::unknown("here", "fault", word, &known).hint;
        assert_eq!(hint("partiton"), Some("did you mean partition?".to_owned()));
        assert_eq!(hint("KIL"), Some("did you mean kill?".to_owned()));
        assert_eq!(hint("earthquake"), Some("one of partition, kill, pause".to_owned()));
    }
}
