//! Correct systems hold in every seed, and what they went through is worth something.

use std::sync::atomic::AtomicBool;

use schism::sim::sweep::{Sweep, Tally};

use crate::support::options;

/// How many seeds of each; `.ci/nightly` says thousands.
const SEEDS: &str = "SCHISM_TEST_SEEDS";

fn holds(system: &str, nodes: u16) -> Tally {
    holds_and_serves(system, nodes, 500)
}

/// With at least so many operations a run that end well.
fn holds_and_serves(system: &str, nodes: u16, ok_min: u64) -> Tally {
    let count = std::env::var(SEEDS).map_or(60, |count| count.parse().unwrap());
    let sweep = Sweep { options: options(system, nodes, 0), seeds: 0..count, jobs: 2, wall: None, stop_at_first: true };
    let tally = sweep.run(&AtomicBool::new(false), |result| {
        for property in result.verdict.properties.iter().filter(|property| property.judged) {
            let shown = format!("{} {}: {:?}", property.name, property.summary, property.counterexample);
            let invalid = property.outcome == schism_checker::verdict::Outcome::Invalid;
            assert!(!invalid, "{shown}\nschism sim {system} --nodes {nodes} --seed {} --trace", result.seed);
        }
        true
    });
    let tally = tally.unwrap();
    assert!(tally.failures.is_empty(), "{:?}", tally.failures);
    for (kind, count) in &tally.faults {
        assert!(count.proved > 0, "no {kind} ever took effect on {system}: {count:?}");
    }
    assert!(tally.operations.ok > ok_min * count, "{:?}", tally.operations);
    tally
}

#[test]
fn raft_holds() {
    // Bits are flipped and rates limited on virtual networks alone; a swizzle is asked for by its name.
    let elsewhere = ["corrupt", "rate", "swizzle"];
    let everywhere = schism::faults::catalog().iter().filter(|fault| !elsewhere.contains(&fault.name)).count();
    assert_eq!(holds("raft", 5).faults.len(), everywhere);
}

#[test]
fn raft_with_readindex_holds() {
    holds("raft:reads=readindex", 5);
    holds("raft:reads=readindex", 3);
}

#[test]
fn raft_that_redirects_its_clients_holds() {
    // Four nodes of five serve nobody, and half of the clients go no further.
    holds_and_serves("raft:route=redirect", 5, 300);
}

#[test]
fn nwr_with_writeback_holds() {
    holds("nwr:writeback=on", 5);
    holds("nwr:writeback=on", 3);
    holds("nwr:w=1,r=3", 3);
}

#[test]
fn nwr_with_everything_that_repairs_holds() {
    holds("nwr:writeback=fast,anti_entropy=300ms", 5);
    holds("nwr:repair=sync", 3);
    holds("nwr:n=3,writeback=on,repair=async,hints=on,handoff=200ms,anti_entropy=300ms", 5);
}
