//! `junit.xml`: one test case for each property, for the machinery of continuous integration.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use schism_checker::verdict::{Outcome, Property};

use crate::folder::RunFile;
use crate::report::{inert, words};
use crate::verdict::Verdict;

/// The file's text. A broken property is a failure; an unknown or vacuous one, and a failure of the harness, is an
/// error; a measured property that would have been broken is skipped, with its sentence.
pub fn junit(run: &RunFile, verdict: &Verdict) -> String {
    let mut suite = TestSuite::new(format!("{} {}", verdict.system, verdict.workload));
    suite.add_property(("seed", verdict.seed.to_string().as_str()));
    suite.add_property(("run", verdict.run.as_str()));
    suite.add_property(("rung", verdict.rung.as_str()));
    suite.add_property(("schism", run.versions.to_string().as_str()));
    suite.add_property(("again", verdict.again.as_str()));
    suite.add_test_cases(verdict.properties.iter().map(|property| case(property, verdict)));
    if let Some(failure) = &verdict.harness_failure {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(failure.clone());
        suite.add_test_case(TestCase::new("harness", status));
    }
    let mut report = Report::new("schism");
    report.add_test_suite(suite);
    report.to_string().expect("a report without invalid characters can be written to memory")
}

fn case(property: &Property, verdict: &Verdict) -> TestCase {
    let mut status = match (property.judged, property.outcome) {
        (_, Outcome::Valid) => TestCaseStatus::success(),
        (false, _) => TestCaseStatus::skipped(),
        (true, Outcome::Invalid) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        (true, Outcome::Unknown | Outcome::Vacuous) => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if property.outcome != Outcome::Valid {
        status.set_message(inert::brief(&property.summary));
        status.set_type(words::outcome(property.outcome));
    }
    if property.judged && property.outcome == Outcome::Invalid {
        status.set_description(proof(property, verdict));
    }
    let mut case = TestCase::new(property.name.clone(), status);
    case.set_classname(verdict.system.clone());
    case
}

fn proof(property: &Property, verdict: &Verdict) -> String {
    let mut lines = vec![inert::brief(&property.summary)];
    if let Some(counterexample) = &property.counterexample {
        let intervals = words::intervals(&counterexample.operations);
        lines.extend(counterexample.operations.iter().zip(intervals).map(|(witness, when)| {
            let role = inert::brief(&witness.role);
            format!("{when}  {}  {role}", words::deed(witness)).trim_end().to_owned()
        }));
        lines.extend(counterexample.because.iter().map(|because| format!("because {}", inert::brief(because))));
    }
    lines.push(format!("again: {}", verdict.again));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_violation_is_a_failure_with_its_proof() {
        insta::assert_snapshot!(junit(&sample::run_file(), &sample::invalid()));
    }

    #[test]
    fn what_could_not_be_judged_is_an_error_and_what_was_measured_is_skipped() {
        let mut verdict = sample::valid();
        verdict.properties[0].outcome = Outcome::Unknown;
        verdict.properties[0].summary = "60 s were not enough".to_owned();
        verdict.properties[2].outcome = Outcome::Invalid;
        verdict.properties[2].summary = "<n1> & n2 differ\u{0}".to_owned();
        verdict.harness_failure = Some("n3: kill could not be proved".to_owned());
        insta::assert_snapshot!(junit(&sample::run_file(), &verdict));
    }
}
