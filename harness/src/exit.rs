//! The exit codes, in one place: what a script or a nightly job learns from a command without reading it.

use schism_checker::verdict::Outcome;

use crate::options::Expectation;
use crate::verdict::Verdict;

/// How a command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// Valid, the expectation met, or done.
    #[default]
    Done,
    /// A judged property is broken.
    Invalid,
    /// A budget ended before the check did.
    Unknown,
    /// Nothing follows from the run.
    Vacuous,
    /// The harness could not: ports, disk, nodes, a panic of ours, forbidden by the machine.
    Harness,
    /// Something that had to break did not.
    NotBroken,
    /// Arguments, or input that cannot be read.
    Usage,
    /// Ctrl-C, and nothing was invalid up to then.
    Interrupted,
    /// SIGTERM, and nothing was invalid up to then.
    Terminated,
}

impl ExitCode {
    /// All codes, the worst first. Of several runs the worst one's stands.
    pub const WORST_FIRST: [ExitCode; 9] = [
        ExitCode::Invalid,
        ExitCode::Terminated,
        ExitCode::Interrupted,
        ExitCode::Usage,
        ExitCode::NotBroken,
        ExitCode::Harness,
        ExitCode::Vacuous,
        ExitCode::Unknown,
        ExitCode::Done,
    ];

    /// The number that the process exits with.
    pub fn number(self) -> u8 {
        match self {
            ExitCode::Done => 0,
            ExitCode::Invalid => 1,
            ExitCode::Unknown => 2,
            ExitCode::Vacuous => 3,
            ExitCode::Harness => 4,
            ExitCode::NotBroken => 5,
            ExitCode::Usage => 64,
            ExitCode::Interrupted => 130,
            ExitCode::Terminated => 143,
        }
    }

    /// The worse one of two.
    #[must_use]
    pub fn worst(self, other: ExitCode) -> ExitCode {
        let place = |code: ExitCode| Self::WORST_FIRST.iter().position(|listed| *listed == code);
        if place(other) < place(self) { other } else { self }
    }

    /// What an outcome alone means.
    pub fn of_outcome(outcome: Outcome) -> ExitCode {
        match outcome {
            Outcome::Valid => ExitCode::Done,
            Outcome::Unknown => ExitCode::Unknown,
            Outcome::Vacuous => ExitCode::Vacuous,
            Outcome::Invalid => ExitCode::Invalid,
        }
    }

    /// What a signal that ended a command means, by its number.
    pub fn of_signal(signal: i32) -> ExitCode {
        if signal == nix::sys::signal::Signal::SIGTERM as i32 { ExitCode::Terminated } else { ExitCode::Interrupted }
    }

    /// What a run's verdict means, given what was expected of it.
    ///
    /// A violation is never hidden by an interruption or by a failure of ours. An expected one counts as done; if it did
    /// not come, only a valid run says that it should have.
    pub fn of_verdict(verdict: &Verdict, expectation: Option<&Expectation>) -> ExitCode {
        let broken: Vec<&str> = verdict
            .properties
            .iter()
            .filter(|property| property.judged && property.outcome == Outcome::Invalid)
            .map(|property| property.name.as_str())
            .collect();
        if let Some(expectation) = expectation
            && !broken.is_empty()
            && broken.iter().all(|name| expectation.property.as_deref().is_none_or(|expected| expected == *name))
        {
            return ExitCode::Done;
        }
        if !broken.is_empty() || verdict.outcome == Outcome::Invalid {
            return ExitCode::Invalid;
        }
        if let Some(signal) = verdict.interrupted {
            return ExitCode::of_signal(signal);
        }
        if verdict.harness_failure.is_some() {
            return ExitCode::Harness;
        }
        match (verdict.outcome, expectation) {
            (Outcome::Valid, Some(_)) => ExitCode::NotBroken,
            (outcome, _) => ExitCode::of_outcome(outcome),
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        std::process::ExitCode::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn any() -> Expectation {
        Expectation { property: None }
    }

    fn expecting(property: &str) -> Expectation {
        Expectation { property: Some(property.to_owned()) }
    }

    #[test]
    fn worst_first_is_1_5_4_3_2_0() {
        let ordered: Vec<u8> = ExitCode::WORST_FIRST.iter().map(|code| code.number()).collect();
        assert_eq!(ordered, [1, 143, 130, 64, 5, 4, 3, 2, 0]);
        for (place, worse) in ExitCode::WORST_FIRST.iter().enumerate() {
            for better in &ExitCode::WORST_FIRST[place..] {
                assert_eq!(worse.worst(*better), *worse);
                assert_eq!(better.worst(*worse), *worse);
            }
        }
    }

    #[test]
    fn an_expected_violation_is_done_and_another_one_is_not() {
        let invalid = sample::invalid();
        let valid = sample::valid();
        let table = [
            (&invalid, None, ExitCode::Invalid),
            (&invalid, Some(any()), ExitCode::Done),
            (&invalid, Some(expecting("linearizable")), ExitCode::Done),
            (&invalid, Some(expecting("no-crash")), ExitCode::Invalid),
            (&valid, None, ExitCode::Done),
            (&valid, Some(any()), ExitCode::NotBroken),
            (&valid, Some(expecting("linearizable")), ExitCode::NotBroken),
        ];
        for (verdict, expectation, code) in table {
            assert_eq!(ExitCode::of_verdict(verdict, expectation.as_ref()), code, "{expectation:?}");
        }
    }

    #[test]
    fn a_second_broken_property_is_not_covered_by_the_expected_one() {
        let mut verdict = sample::invalid();
        let mut crash = verdict.properties[0].clone();
        crash.name = "no-crash".to_owned();
        verdict.properties.push(crash);
        assert_eq!(ExitCode::of_verdict(&verdict, Some(&expecting("linearizable"))), ExitCode::Invalid);
        assert_eq!(ExitCode::of_verdict(&verdict, Some(&any())), ExitCode::Done);
    }

    #[test]
    fn a_violation_outlives_an_interruption_and_a_failure_of_ours() {
        for (signal, alone) in [(2, ExitCode::Interrupted), (15, ExitCode::Terminated)] {
            let mut verdict = sample::valid();
            verdict.interrupted = Some(signal);
            assert_eq!(ExitCode::of_verdict(&verdict, None), alone);
            let mut verdict = sample::invalid();
            verdict.interrupted = Some(signal);
            assert_eq!(ExitCode::of_verdict(&verdict, None), ExitCode::Invalid);
        }
        let mut verdict = sample::valid();
        verdict.harness_failure = Some("n3 did not start".to_owned());
        assert_eq!(ExitCode::of_verdict(&verdict, None), ExitCode::Harness);
        assert_eq!(ExitCode::of_verdict(&verdict, Some(&any())), ExitCode::Harness);
        verdict.outcome = Outcome::Vacuous;
        assert_eq!(ExitCode::of_verdict(&verdict, None), ExitCode::Harness);
        let mut verdict = sample::invalid();
        verdict.harness_failure = Some("the disk is full".to_owned());
        assert_eq!(ExitCode::of_verdict(&verdict, None), ExitCode::Invalid);
    }

    #[test]
    fn only_a_valid_run_says_that_nothing_broke() {
        for (outcome, code) in [(Outcome::Unknown, ExitCode::Unknown), (Outcome::Vacuous, ExitCode::Vacuous)] {
            let mut verdict = sample::valid();
            verdict.outcome = outcome;
            assert_eq!(ExitCode::of_verdict(&verdict, Some(&any())), code);
        }
    }
}
