//! Errors as a person sees them: what, where, and what to try, in three lines.

use std::fmt;

use crate::exit::ExitCode;
use crate::report::inert;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What happened, in lower case, without a full stop.
    pub(crate) what: String,
    /// Where: a flag with its value, a file with its line.
    pub(crate) at: String,
    /// A command or a value to try.
    pub(crate) hint: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, at: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem { what: what.into(), at: at.into(), hint: hint.into() }
    }

    /// An unknown name: the nearest known one is proposed, and how to list them all is said.
    pub(crate) fn unknown(kind: &str, name: &str, at: impl Into<String>, known: &[&str], listing: &str) -> Self {
        let hint = match crate::spec::suggest(name, known) {
            Some(near) => format!("{near}, or {listing}"),
            None => listing.to_owned(),
        };
        Problem::new(format!("there is no {kind} {name:?}"), at, hint)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", lines_joined(&inert::brief(&self.what)))?;
        writeln!(f, "  at: {}", lines_joined(&self.at))?;
        write!(f, "  try: {}", lines_joined(&self.hint))
    }
}

fn lines_joined(text: &str) -> String {
    crate::report::words::printable(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

/// A command that did not come to a verdict: everything that was wrong, and its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    pub(crate) problems: Vec<Problem>,
}

impl Failure {
    /// Arguments or input that cannot be taken.
    pub(crate) fn usage(problems: Vec<Problem>) -> Self {
        Failure { code: ExitCode::Usage, problems }
    }

    /// The harness or its machine could not.
    pub(crate) fn harness(problem: Problem) -> Self {
        Failure { code: ExitCode::Harness, problems: vec![problem] }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Failure::usage(vec![problem])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_exactly_three_lines() {
        let problem = Problem::new("a\nb", "c\u{1b}[0m", "d");
        assert_eq!(problem.to_string(), "error: a b\n  at: c\u{fffd}[0m\n  try: d");
    }
}
