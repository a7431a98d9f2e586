//! `faults`: every kind of fault that was asked for took effect at least once.

use std::collections::BTreeMap;

use schism_checker::verdict::{Outcome, Property};

use super::property;
use crate::verdict::FaultCount;

/// A kind of which nothing took effect makes the run vacuous; one that was applied and could not be proved is a failure
/// of the harness.
pub(super) fn took_effect(faults: &BTreeMap<String, FaultCount>, failures: &mut Vec<String>) -> Property {
    for (kind, count) in faults {
        if count.unproved > 0 {
            failures.push(format!("{} of {} faults of kind {kind} could not be proved", count.unproved, count.planned));
        }
    }
    let idle: Vec<&str> = faults
        .iter()
        .filter(|(_, count)| count.proved == 0 && count.unproved == 0)
        .map(|(kind, _)| kind.as_str())
        .collect();
    if !idle.is_empty() {
        let summary = format!("no {} took effect: nothing follows about it", idle.join(", no "));
        return property("faults", Outcome::Vacuous, summary);
    }
    let proved: Vec<String> = faults.iter().map(|(kind, count)| format!("{} {kind}", count.proved)).collect();
    let summary = if proved.is_empty() {
        "none were asked for".to_owned()
    } else {
        format!("{}, each proved", proved.join(", "))
    };
    property("faults", Outcome::Valid, summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(counts: &[(&str, FaultCount)]) -> (Outcome, usize) {
        let faults = counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        let mut failures = Vec::new();
        (took_effect(&faults, &mut failures).outcome, failures.len())
    }

    #[test]
    fn a_kind_without_effect_is_vacuous_and_one_without_proof_a_failure() {
        let proved = FaultCount { planned: 2, proved: 1, moot: 1, ..FaultCount::default() };
        let moot = FaultCount { planned: 2, moot: 2, ..FaultCount::default() };
        let unproved = FaultCount { planned: 1, unproved: 1, ..FaultCount::default() };
        assert_eq!(judged(&[]), (Outcome::Valid, 0));
        assert_eq!(judged(&[("kill", proved)]), (Outcome::Valid, 0));
        assert_eq!(judged(&[("kill", proved), ("pause", moot)]), (Outcome::Vacuous, 0));
        assert_eq!(judged(&[("kill", proved), ("clock", unproved)]), (Outcome::Valid, 1));
    }
}
