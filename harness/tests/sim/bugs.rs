//! Deliberate bugs act, and chance finds those that clients can see easily.

use std::sync::atomic::AtomicBool;

use schism::options::RunOptions;
use schism::sim::bugs::{HuntFate, hunt, with_bug};
use schism::sim::sweep::Sweep;
use schism_nodes::catalog;

use crate::support::options;

/// Every bug acts within this many seeds.
const SEEDS: u64 = 40;

fn sweep(system: &str) -> Sweep {
    Sweep { options: options(system, 5, 0), seeds: 0..SEEDS, jobs: 2, wall: None, stop_at_first: false }
}

#[test]
fn every_bug_acts() {
    for info in catalog::protocols() {
        let sweep = sweep(info.name);
        for bug in &info.bugs {
            let options = with_bug(&sweep.options, bug);
            let mut acted = false;
            let one = Sweep { options, ..sweep.clone() };
            one.run(&AtomicBool::new(false), |result| {
                acted = result.acted.contains_key(bug.name);
                !acted
            })
            .unwrap();
            assert!(acted, "{} never acted in {SEEDS} seeds", bug.name);
        }
    }
}

#[test]
fn chance_finds_the_loud_ones_in_every_start() {
    for (system, name) in [("raft", "follower-local-reads"), ("raft", "reply-at-append"), ("nwr", "no-writeback")] {
        let info = catalog::info(system).unwrap();
        let bug = info.bugs.iter().find(|bug| bug.name == name).unwrap();
        let hunt = hunt(&Sweep { seeds: 0..400, ..sweep(system) }, bug, &AtomicBool::new(false)).unwrap();
        assert_eq!(hunt.fate, HuntFate::Found, "{hunt:?}");
        assert!(hunt.seeds.iter().all(Option::is_some) && hunt.properties.contains_key("linearizable"), "{hunt:?}");
    }
}

#[test]
fn what_the_correct_twin_breaks_as_well_finds_no_bug() {
    // It is regular and no more, and sessions delete nothing.
    let info = catalog::info("nwr").unwrap();
    let bug = info.bugs.iter().find(|bug| bug.name == "early-collection").unwrap();
    let mix = schism_workloads::default_mix("session", &info.requests);
    let options = RunOptions { workload: "session".parse().unwrap(), mix, ..options("nwr", 5, 0) };
    let hunt = hunt(&Sweep { options, seeds: 0..20, ..sweep("nwr") }, bug, &AtomicBool::new(false)).unwrap();
    assert_eq!((hunt.fate, hunt.found(), hunt.acted), (HuntFate::NeverActed, 0, 0), "{hunt:?}");
}
