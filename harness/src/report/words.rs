//! Figures and outcomes in words, the same in every report.

use std::collections::{BTreeMap, BTreeSet};

use schism_checker::budget::Exhausted;
use schism_checker::streaming::{GivenUp, Tired};
use schism_checker::verdict::{Outcome, Property, Tried, Witness};

use crate::folder::STANDARD;
use crate::report::inert;
use crate::verdict::{Coverage, Endings, FaultCount, Verdict};

/// `9610` as `9,610`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Why a check of a growing history knows nothing more of a key: `key x is not followed beyond event 17: …`.
pub fn given_up(given_up: &GivenUp) -> String {
    let what = given_up.key.as_ref().map_or_else(|| "the history".to_owned(), |key| format!("key {key}"));
    let why = match given_up.why {
        Tired::Effort => "there are too many ways in which things may stand",
        Tired::Budget(Exhausted::Memory) => "the memory was used up",
        Tired::Budget(Exhausted::Time) => "the time was up",
        Tired::Budget(Exhausted::Cancelled) => "the check was cancelled",
    };
    let what = format!("{what} is unknown so far: not followed beyond event {}, since {why}", given_up.seen);
    format!("{}; the check at the end decides", sentence(&what))
}

/// `1 kill`, `2 kills`, `3 partitions`.
pub fn counted(number: u64, kind: &str) -> String {
    let (one, many) = match kind {
        "powerloss" => ("power loss", "power losses"),
        "clock" => ("clock fault", "clock faults"),
        "loss" => ("loss", "losses"),
        "duplicate" => ("duplication", "duplications"),
        "reorder" => ("reordering", "reorderings"),
        "corrupt" => ("corruption", "corruptions"),
        "rate" => ("limited rate", "limited rates"),
        "client-kill" => ("client kill", "client kills"),
        _ => return format!("{} {kind}{}", thousands(number), if number == 1 { "" } else { "s" }),
    };
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// An outcome as it stands at the head of a report: `INVALID`.
pub fn headline(verdict: &Verdict) -> &'static str {
    if verdict.harness_failure.is_some() && verdict.outcome != Outcome::Invalid {
        return "FAILED";
    }
    match verdict.outcome {
        Outcome::Valid => "VALID",
        Outcome::Unknown => "UNKNOWN",
        Outcome::Vacuous => "VACUOUS",
        Outcome::Invalid => "INVALID",
    }
}

/// An outcome as it stands in a table: `invalid`.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Valid => "valid",
        Outcome::Unknown => "unknown",
        Outcome::Vacuous => "vacuous",
        Outcome::Invalid => "invalid",
    }
}

/// The sentences that say why the verdict is what it is: those of the properties with the worst outcome, or the failure.
pub fn sentences(verdict: &Verdict) -> Vec<&str> {
    let mut sentences = Vec::new();
    if verdict.outcome != Outcome::Invalid
        && let Some(failure) = &verdict.harness_failure
    {
        sentences.push(failure.as_str());
    }
    let deciding = deciding(verdict);
    if sentences.is_empty() || verdict.outcome != Outcome::Valid {
        sentences.extend(deciding.iter().map(|property| property.summary.as_str()));
    }
    sentences
}

/// The judged properties whose outcome is the verdict's.
pub fn deciding(verdict: &Verdict) -> Vec<&Property> {
    verdict.properties.iter().filter(|property| property.judged && property.outcome == verdict.outcome).collect()
}

/// When operations that are told side by side were open: `5.870..5.873 s`, as far as the times are known, and so precisely that moments
/// that differ can be told apart.
pub fn intervals(witnesses: &[Witness]) -> Vec<String> {
    let times: BTreeSet<u64> = witnesses.iter().flat_map(|it| [it.invoked_at, it.completed_at]).flatten().collect();
    let digits = digits(&times);
    witnesses.iter().map(|witness| interval(witness, digits)).collect()
}

/// The same of one alone, whose moments are known.
pub fn span(from: u64, to: Option<u64>) -> String {
    let digits = digits(&to.into_iter().chain([from]).collect());
    format!("{}..{} s", fraction(from, digits), to.map_or_else(String::new, |to| fraction(to, digits)))
}

fn interval(witness: &Witness, digits: usize) -> String {
    let seconds = |time| fraction(time, digits);
    match (witness.invoked_at, witness.completed_at) {
        (Some(from), Some(to)) => format!("{}..{} s", seconds(from), seconds(to)),
        (Some(from), None) => format!("{}.. s", seconds(from)),
        _ => match witness.completed {
            Some(completed) => format!("events {}..{completed}", witness.invoked),
            None => format!("event {}..", witness.invoked),
        },
    }
}

/// With how many digits behind the point these moments, in nanoseconds, differ from each other.
fn digits(times: &BTreeSet<u64>) -> usize {
    let differ = |unit: u64| times.iter().map(|time| time / unit).collect::<BTreeSet<_>>().len() == times.len();
    match () {
        () if differ(1_000_000) => 3,
        () if differ(1_000) => 6,
        () => 9,
    }
}

/// Nanoseconds as seconds with so many digits behind the point, rounded down.
fn fraction(nanoseconds: u64, digits: usize) -> String {
    let all = format!("{:09}", nanoseconds % 1_000_000_000);
    format!("{}.{}", nanoseconds / 1_000_000_000, &all[..digits])
}

/// `process 1 wrote 5 at n1`.
pub fn deed(witness: &Witness) -> String {
    let node = witness.node.as_ref().map_or_else(String::new, |node| format!(" at {node}"));
    format!("process {} {}{node}", witness.process, inert::brief(&witness.did))
}

/// What an order has that was tried: `An order that was tried has all 1,203 that were over before, these among them`.
pub fn order(tried: &Tried) -> String {
    let length = thousands(tried.length as u64);
    let among = if tried.placed.len() < tried.length { ", these among them" } else { "" };
    let whose = if tried.alone { "Of these operations alone, an" } else { "An" };
    format!("{whose} order that was tried has all {length} that were over before{among}")
}

/// Where in an order something stands: `the 1,203rd`, and `the last` at its end.
pub fn place(place: usize, length: usize) -> String {
    if place == length {
        return "the last".to_owned();
    }
    let ending = match (place % 10, place % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("the {}{ending}", thousands(place as u64))
}

/// Nanoseconds as seconds with milliseconds, rounded down: `5.870`.
pub fn seconds(nanoseconds: u64) -> String {
    fraction(nanoseconds, 3)
}

/// Microseconds for people: `870 µs`, `3.2 ms`, `1.05 s`.
pub fn latency(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds} µs"),
        1_000..1_000_000 => format!("{}.{} ms", microseconds / 1_000, microseconds % 1_000 / 100),
        _ => format!("{}.{:02} s", microseconds / 1_000_000, microseconds % 1_000_000 / 10_000),
    }
}

/// `9,610 ok (4,790 read, 4,820 write); 3 partitions, 2 kills, 2 pauses, each proved`.
pub fn covered(coverage: &Coverage) -> String {
    format!("{}; {}", operations(coverage), faults(&coverage.faults))
}

/// `9,610 ok (4,790 read, 4,820 write)`.
pub fn operations(coverage: &Coverage) -> String {
    let kinds: Vec<String> = coverage
        .operations
        .iter()
        .filter(|(_, endings)| endings.ok > 0)
        .map(|(kind, endings)| format!("{} {kind}", thousands(endings.ok)))
        .collect();
    let ok = format!("{} ok", thousands(coverage.total().ok));
    if kinds.is_empty() { ok } else { format!("{ok} ({})", kinds.join(", ")) }
}

/// `12 fail, 31 info`: what did not end ok.
pub fn not_ok(coverage: &Coverage) -> String {
    let Endings { fail, info, .. } = coverage.total();
    format!("{} fail, {} info", thousands(fail), thousands(info))
}

/// `3 partitions, 2 kills, each proved`, with what did not take effect behind it.
pub fn faults(faults: &BTreeMap<String, FaultCount>) -> String {
    let mut planned: Vec<(&String, &FaultCount)> = faults.iter().filter(|(_, count)| count.planned > 0).collect();
    // The standard kinds come first, in the order in which people name them.
    let rank = |kind: &str| STANDARD.iter().position(|standard| *standard == kind).unwrap_or(STANDARD.len());
    planned.sort_by_key(|(kind, _)| rank(kind));
    if planned.is_empty() {
        return "no faults".to_owned();
    }
    let mut shown: Vec<String> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    for (kind, count) in planned {
        if count.proved > 0 {
            shown.push(counted(count.proved, kind));
        }
        for (number, word) in [
            (count.skipped, "skipped"),
            (count.moot, "moot"),
            (count.unproved, "not proved"),
            (count.not_reached, "not reached"),
        ] {
            if number > 0 {
                missing.push(format!("{} {word}", counted(number, kind)));
            }
        }
    }
    let proved = match shown.len() {
        0 => "no fault took effect".to_owned(),
        _ => format!("{}, each proved", shown.join(", ")),
    };
    if missing.is_empty() { proved } else { format!("{proved}; {}", missing.join(", ")) }
}

/// The four digits at the end of a run's id, by which people name it.
pub fn short(run: &str) -> &str {
    run.rsplit_once('-').map_or(run, |(_, digits)| digits)
}

/// Text from a run folder as it may stand on a terminal: control characters, which could move the cursor or colour the
/// screen, and marks that turn the direction of text become visible.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if inert::is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// A sentence about a run as it may stand on a terminal, its values no longer than people read.
pub fn sentence(text: &str) -> String {
    printable(&inert::brief(text))
}

/// What a run is remembered by: `release=1.4, branch=main`.
pub(crate) fn labels(labels: &std::collections::BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn figures_are_grouped_and_kinds_counted() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
        for (number, kind, text) in [
            (1, "kill", "1 kill"),
            (2, "kill", "2 kills"),
            (2, "powerloss", "2 power losses"),
            (1, "duplicate", "1 duplication"),
            (0, "partition", "0 partitions"),
        ] {
            assert_eq!(counted(number, kind), text);
        }
        for (number, text) in
            [(1, "the 1st"), (2, "the 2nd"), (13, "the 13th"), (1_203, "the 1,203rd"), (1_300, "the last")]
        {
            assert_eq!(place(number, 1_300), text);
        }
        for (microseconds, text) in [(870, "870 µs"), (3_210, "3.2 ms"), (1_050_000, "1.05 s")] {
            assert_eq!(latency(microseconds), text);
        }
    }

    #[test]
    fn moments_that_differ_are_told_apart() {
        let witness = |invoked_at, completed_at| Witness {
            invoked_at: Some(invoked_at),
            completed_at,
            ..sample::invalid().properties[0].counterexample.as_ref().unwrap().operations[0].clone()
        };
        let told = |times: [(u64, Option<u64>); 2]| intervals(&times.map(|(from, to)| witness(from, to)));
        assert_eq!(
            told([(5_870_000_000, Some(5_873_900_000)), (5_873_900_000, None)]),
            ["5.870..5.873 s", "5.873.. s"],
            "one moment may stand there twice"
        );
        assert_eq!(told([(1_000, Some(2_000)), (3_000, None)]), ["0.000001..0.000002 s", "0.000003.. s"]);
        assert_eq!(told([(1, Some(2_000_000)), (2, None)]), ["0.000000001..0.002000000 s", "0.000000002.. s"]);
    }

    #[test]
    fn faults_that_did_not_take_effect_are_named() {
        let mut count = BTreeMap::new();
        assert_eq!(faults(&count), "no faults");
        count
            .insert("kill".to_owned(), FaultCount { planned: 4, proved: 2, skipped: 1, moot: 1, ..Default::default() });
        assert_eq!(faults(&count), "2 kills, each proved; 1 kill skipped, 1 kill moot");
        count.insert("kill".to_owned(), FaultCount { planned: 1, unproved: 1, ..Default::default() });
        assert_eq!(faults(&count), "no fault took effect; 1 kill not proved");
    }

    #[test]
    fn terminals_are_not_commanded_by_a_run_folder() {
        assert_eq!(printable("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(printable("\u{202e}x"), "\u{fffd}x");
    }
}
