//! A made-up comparison for the tests of reports.

use std::collections::BTreeMap;

use schism_checker::verdict::Outcome;

use super::card::{Card, Cell, Class};
use super::{Base, Compared, Comparison, FORMAT, LEVELS, Ran};
use crate::measure::{Met, Side};

/// Two systems with two seeds, and one seed more of the second.
pub(crate) fn comparison() -> Comparison {
    let sound = compared("raft:n=3", &[(1, 4.0, Outcome::Valid), (2, 5.0, Outcome::Valid)], Class::Cp);
    let runs = [(1, 9.0, Outcome::Valid), (2, 12.0, Outcome::Invalid)];
    let broken = compared("nwr:n=3,r=2,w=2", &runs, Class::Neither);
    Comparison {
        schism: "comparison".to_owned(),
        format: FORMAT,
        version: "0.1.0".to_owned(),
        again: "schism compare raft:n=3 nwr:n=3,r=2,w=2 --seeds 1..3".to_owned(),
        rung: "proxy".to_owned(),
        workload: "register".to_owned(),
        requests: vec!["read".to_owned(), "write".to_owned()],
        systems: vec![sound, broken],
    }
}

fn compared(system: &str, runs: &[(u64, f64, Outcome)], class: Class) -> Compared {
    let runs = runs.iter().map(|(seed, messages, outcome)| ran(*seed, *messages, *outcome)).collect();
    let minority = if class == Class::Cp { 0 } else { 700 };
    let cell = |side, ok, detect_ms| Cell { side, kind: "write".to_owned(), ok, of: 1_000, served: None, detect_ms };
    let because = "made up".to_owned();
    let card = Card {
        shape: "isolate".to_owned(),
        run: "20260824T021700Z-7f3a".to_owned(),
        class,
        because,
        rate: Some(1_000.0),
        broken: false,
        unproved: false,
        consistency: None,
        cells: vec![
            cell(Side::Majority, 1_000, Some(312.0)),
            cell(Side::Minority, minority, (minority > 0).then_some(0.0)),
        ],
        lost_writes: Some(0),
        base: Some(Base {
            before: Met { ms: 1_000, ok: 999, of: 1_000 },
            during: Met { ms: 1_000, ok: 1_000 + minority, of: 2_000 },
            p99_before_ms: Some(9.0),
            p99_during_ms: Some(12.5),
            read_p50_before_ms: Some(if class == Class::Cp { 2.0 } else { 1.0 }),
            converge_ms: (class == Class::Cp).then_some(205.0),
        }),
    };
    Compared { system: system.to_owned(), runs, cards: vec![card] }
}

fn ran(seed: u64, messages: f64, outcome: Outcome) -> Ran {
    let level = |level: &str| {
        let broken = outcome == Outcome::Invalid && level != "regular";
        (level.to_owned(), if broken { Outcome::Invalid } else { Outcome::Valid })
    };
    let figures = [("ok", 14_990.0), ("messages_per_op", messages), ("rate_per_s", 996.0), ("lag_ms", 0.5)];
    Ran {
        run: format!("20260824T02170{seed}Z-7f3a"),
        seed,
        outcome,
        harness_failure: None,
        levels: LEVELS.into_iter().map(level).collect(),
        figures: figures.map(|(name, figure)| (name.to_owned(), figure)).into_iter().collect::<BTreeMap<_, _>>(),
    }
}
