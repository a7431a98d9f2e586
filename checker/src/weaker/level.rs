//! The names of the levels of consistency, as they are asked for.

use std::fmt;

/// A property of a history: linearizability, or one that is weaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// See [`linearizability`](crate::linearizability).
    Linearizable,
    /// See [`sequential`](crate::sequential).
    Sequential,
    /// See [`causal`](crate::weaker::causal): CM.
    CausalMemory,
    /// See [`causal`](crate::weaker::causal): `CCv`.
    CausalConvergence,
    /// See [`causal`](crate::weaker::causal): CC.
    Causal,
    /// See [`sessions`](crate::weaker::sessions).
    ReadYourWrites,
    /// See [`sessions`](crate::weaker::sessions).
    MonotonicReads,
    /// See [`sessions`](crate::weaker::sessions).
    MonotonicWrites,
    /// See [`sessions`](crate::weaker::sessions).
    WritesFollowReads,
    /// See [`regular_per_process`](crate::weaker::regular_per_process).
    RegularPerProcess,
    /// See [`regular`](crate::weaker::regular).
    Regular,
    /// See [`safe`](crate::weaker::safe).
    Safe,
    /// See [`k_atomic`](crate::weaker::k_atomic).
    KAtomic {
        /// How many of the last values a read may return: at least 1.
        k: usize,
    },
    /// See [`staleness`](crate::weaker::staleness).
    Staleness {
        /// The most that is allowed, in milliseconds; without it, it is only measured.
        bound_ms: Option<u64>,
    },
    /// See [`set_full`](crate::weaker::set_full): the one property of sets.
    SetFull,
}

/// Text that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoLevel {
    /// There is no level of this name.
    #[error("there is no level {name:?}; choose of {}", Level::NAMES.join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The level has no such parameter, or not with this value.
    #[error("{level} does not take {given:?}; {takes}")]
    Parameter {
        /// The level.
        level: String,
        /// What was given.
        given: String,
        /// What it takes.
        takes: &'static str,
    },
}

const SESSIONS: [Level; 4] =
    [Level::ReadYourWrites, Level::MonotonicReads, Level::MonotonicWrites, Level::WritesFollowReads];

/// How many of the last values a read may return where nobody says it.
const K: usize = 2;

impl Level {
    /// What can be asked for. `sessions` stands for the four session guarantees, `all` for the whole ladder.
    pub const NAMES: [&'static str; 17] = [
        "linearizable",
        "sequential",
        "causal",
        "causal-convergence",
        "causal-memory",
        "sessions",
        "read-your-writes",
        "monotonic-reads",
        "monotonic-writes",
        "writes-follow-reads",
        "regular",
        "regular-per-process",
        "safe",
        "k-atomic",
        "staleness",
        "set-full",
        "all",
    ];

    /// All levels of a register, the strongest first, each weaker one behind what implies it.
    pub const LADDER: [Level; 14] = [
        Level::Linearizable,
        Level::Sequential,
        Level::CausalMemory,
        Level::CausalConvergence,
        Level::Causal,
        Level::ReadYourWrites,
        Level::MonotonicReads,
        Level::MonotonicWrites,
        Level::WritesFollowReads,
        Level::RegularPerProcess,
        Level::Regular,
        Level::Safe,
        Level::KAtomic { k: K },
        Level::Staleness { bound_ms: None },
    ];

    /// The levels that a list such as `regular,k-atomic:k=3` names, in its order, each once.
    ///
    /// The short names of the literature are understood as well: `ccv`, `cm`, `ryw`, `mr`, `mw`, `wfr`, and `ni` for
    /// `regular-per-process`.
    pub fn parse(list: &str) -> Result<Vec<Level>, NoLevel> {
        let mut levels = Vec::new();
        for text in list.split(',').map(str::trim) {
            for level in named(text)? {
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
        }
        Ok(levels)
    }

    /// The name of the property that says whether a history keeps it.
    pub fn property(self) -> &'static str {
        match self {
            Level::Linearizable => "linearizable",
            Level::Sequential => "sequential",
            Level::CausalMemory => "causal-memory",
            Level::CausalConvergence => "causal-convergence",
            Level::Causal => "causal",
            Level::ReadYourWrites => "read-your-writes",
            Level::MonotonicReads => "monotonic-reads",
            Level::MonotonicWrites => "monotonic-writes",
            Level::WritesFollowReads => "writes-follow-reads",
            Level::RegularPerProcess => "regular-per-process",
            Level::Regular => "regular",
            Level::Safe => "safe",
            Level::KAtomic { .. } => "k-atomic",
            Level::Staleness { .. } => "staleness",
            Level::SetFull => "set-full",
        }
    }
}

/// As it is asked for: `k-atomic:k=2`.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.property())?;
        match self {
            Level::KAtomic { k } => write!(f, ":k={k}"),
            Level::Staleness { bound_ms: Some(ms) } => write!(f, ":ms={ms}"),
            _ => Ok(()),
        }
    }
}

fn named(text: &str) -> Result<Vec<Level>, NoLevel> {
    let (name, parameter) = text.split_once(':').map_or((text, None), |(name, parameter)| (name, Some(parameter)));
    let refused = |takes| {
        let given = parameter.unwrap_or_default().to_owned();
        Err(NoLevel::Parameter { level: name.to_owned(), given, takes })
    };
    let number = |key: &str| parameter.and_then(|it| it.strip_prefix(key)).map(str::parse::<u64>);
    let levels = match name {
        "k-atomic" => {
            let k = match (parameter, number("k=")) {
                (None, _) => K,
                (_, Some(Ok(k @ 1..))) => usize::try_from(k).unwrap_or(usize::MAX),
                _ => return refused("it takes k=NUMBER, at least 1"),
            };
            return Ok(vec![Level::KAtomic { k }]);
        }
        "staleness" => {
            let bound_ms = match (parameter, number("ms=")) {
                (None, _) => None,
                (_, Some(Ok(ms))) => Some(ms),
                _ => return refused("it takes ms=NUMBER, the most milliseconds that are allowed"),
            };
            return Ok(vec![Level::Staleness { bound_ms }]);
        }
        "sessions" => SESSIONS.to_vec(),
        "all" => Level::LADDER.to_vec(),
        "ccv" => vec![Level::CausalConvergence],
        "cm" => vec![Level::CausalMemory],
        "ryw" => vec![Level::ReadYourWrites],
        "mr" => vec![Level::MonotonicReads],
        "mw" => vec![Level::MonotonicWrites],
        "wfr" => vec![Level::WritesFollowReads],
        "ni" => vec![Level::RegularPerProcess],
        _ => {
            let known = Level::LADDER.into_iter().chain([Level::SetFull]);
            let level = known.into_iter().find(|level| level.property() == name);
            vec![level.ok_or_else(|| NoLevel::Unknown { name: text.to_owned() })?]
        }
    };
    if parameter.is_some() { refused("it takes no parameter") } else { Ok(levels) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_understood_and_written_as_it_is_asked_for() {
        for name in Level::NAMES {
            assert!(!Level::parse(name).unwrap().is_empty(), "{name}");
        }
        for level in Level::LADDER.into_iter().chain([Level::SetFull, Level::Staleness { bound_ms: Some(7) }]) {
            assert_eq!(Level::parse(&level.to_string()), Ok(vec![level]));
        }
        assert_eq!(Level::parse("ryw, sessions,mr").unwrap(), SESSIONS);
        assert_eq!(Level::parse("k-atomic").unwrap(), [Level::KAtomic { k: 2 }]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| Level::parse(text).unwrap_err().to_string();
        assert!(said("regular,strong").starts_with("there is no level \"strong\"; choose of linearizable, "));
        assert_eq!(said("k-atomic:k=0"), "k-atomic does not take \"k=0\"; it takes k=NUMBER, at least 1");
        assert_eq!(said("safe:k=1"), "safe does not take \"k=1\"; it takes no parameter");
        assert!(said("staleness:ms=-1").contains("it takes ms=NUMBER"));
    }
}
