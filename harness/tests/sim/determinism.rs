//! A run is a function of its scenario: the same bytes each time, on whatever thread, in whatever build.

use std::sync::atomic::AtomicBool;

use schism::sim::sweep::{SeedResult, Sweep};

use crate::support::{options, plan_options, plans, play};

/// A hash of the text of one run. Debug and release builds, and every later version that has not said otherwise in the
/// changelog, print the same.
const TRACE_OF_RAFT: u64 = 0xdf8c_8b25_b8b9_67f3;

fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn every_protocol_repeats_to_the_byte() {
    for system in ["raft", "raft:reads=readindex", "raft:bug=ack-before-fsync", "nwr:writeback=on", "nwr:w=1,r=1"] {
        for seed in 0..6 {
            let options = options(system, 5, seed);
            let (one, other) = (play(&options, true), play(&options, true));
            assert!(one.trace == other.trace, "the traces of {system} with seed {seed} differ");
            assert_eq!(one.history.events, other.history.events, "{system} with seed {seed}");
            assert_eq!(one.verdict, other.verdict, "{system} with seed {seed}");
            let silent = play(&options, false);
            assert_eq!(silent.history.events, one.history.events, "a trace changes nothing");
        }
    }
}

#[test]
fn directed_plans_repeat_to_the_byte() {
    for plan in plans() {
        let options = plan_options(&plan, 3);
        let (one, other) = (play(&options, true), play(&options, true));
        assert!(one.trace == other.trace, "the traces of {} differ", plan.display());
    }
}

#[test]
fn every_build_prints_the_same() {
    let trace = play(&options("raft", 5, 7), true).trace.unwrap();
    assert_eq!(fnv(&trace), TRACE_OF_RAFT, "{} bytes", trace.len());
}

#[test]
fn a_sweep_tells_the_same_on_one_thread_and_on_four() {
    let told = |jobs| {
        let sweep =
            Sweep { options: options("nwr:w=1,r=1", 3, 0), seeds: 5..25, jobs, wall: None, stop_at_first: false };
        let mut told: Vec<(u64, schism::verdict::Verdict)> = Vec::new();
        let tally = sweep.run(&AtomicBool::new(false), |result: &SeedResult| {
            told.push((result.seed, result.verdict.clone()));
            true
        });
        (told, tally.unwrap().steps)
    };
    let (one, four) = (told(1), told(4));
    assert_eq!(one.0.iter().map(|(seed, _)| *seed).collect::<Vec<_>>(), (5..25).collect::<Vec<_>>());
    assert_eq!(one, four);
}
