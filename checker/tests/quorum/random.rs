//! Random correct executions break nothing that their configuration promises, and their evidence is sound.

use crate::record::{broken, promised_and_not_kept, promises};
use crate::world::{Kind, Writeback, run};

/// Configurations that promise something, and some that promise little.
pub(crate) const QUORUMS: [(u32, u32, u32); 9] =
    [(3, 2, 2), (3, 1, 3), (3, 3, 1), (5, 3, 3), (5, 2, 4), (5, 4, 2), (4, 3, 2), (2, 2, 1), (1, 1, 1)];

pub(crate) fn kind(seed: u64) -> Kind {
    let quorums = QUORUMS[usize::try_from(seed % 9).unwrap()];
    let writeback = [Writeback::Off, Writeback::On, Writeback::Fast][usize::try_from(seed / 9 % 3).unwrap()];
    let keys = 1 + usize::try_from(seed / 27 % 3).unwrap();
    let restarts = seed.is_multiple_of(2);
    Kind { quorums, writeback, keys, clients: 4, steps: 300, restarts, lie: None, often: false }
}

#[test]
fn ten_thousand_correct_executions_break_nothing() {
    let mut reads = 0;
    for seed in 0..10_000 {
        let kind = kind(seed);
        let (record, _) = run(kind, seed);
        let report = record.check(&promises(kind.quorums, kind.writeback != Writeback::Off));
        assert_eq!(report.defects.0, 0, "seed {seed}, {kind:?}: {:?}", report.defects.1);
        let not_kept = promised_and_not_kept(&report);
        assert!(not_kept.is_empty(), "seed {seed}, {kind:?}: {not_kept:?} {:#?}", report.rules);
        reads += report.statistics.staleness.reads;
    }
    assert!(reads > 50_000, "{reads} reads are too few to show anything");
}

#[test]
fn weak_quorums_are_measured_and_show_stale_reads_without_an_intersection() {
    let mut stale = 0;
    for seed in 0..300 {
        let kind = Kind { quorums: (3, 1, 1), writeback: Writeback::Off, ..kind(seed) };
        let (record, _) = run(kind, seed);
        let report = record.check(&promises(kind.quorums, false));
        assert_eq!(promised_and_not_kept(&report), Vec::<&str>::new(), "seed {seed}");
        if broken(&report).contains(&"QF") {
            stale += 1;
            let causes = &report.statistics.staleness.causes;
            let known = ["NO_INTERSECTION", "TAG_INVERTED"];
            assert!(causes.keys().all(|cause| known.contains(cause)), "seed {seed}: {causes:?}");
        }
    }
    assert!(stale > 100, "{stale} of 300 executions had a stale read");
}
