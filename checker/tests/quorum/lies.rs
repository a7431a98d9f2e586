//! A single lie in a random execution is found by the right rule, and a stale read that it causes has the right cause.

use std::collections::BTreeMap;

use schism_checker::quorum::{Cause, Lie as Witness, Rule};

use crate::random::kind;
use crate::record::{broken, promises};
use crate::world::{Kind, Lie, Writeback, run};

/// A lie: the rules that it may break, the first of them the one that has to find it, and the cause of a stale read that it makes.
const LIES: [(Lie, &[&str], Cause); 13] = [
    (Lie::CountTwice, &["QW", "QI", "QWW", "QO", "QF", "QT"], Cause::NoIntersection),
    (Lie::SmallQuery, &["QR", "QI", "QO", "QB", "QF", "QT"], Cause::NoIntersection),
    (Lie::AckBeforeDurable, &["QD", "QB", "QM", "DUR"], Cause::WitnessLied(Witness::LostWrite)),
    (Lie::AckWithoutStoring, &["QD", "QB", "QF", "QO", "QM", "QT", "DUR"], Cause::WitnessLied(Witness::LostWrite)),
    (Lie::Forget, &["QM", "QD", "QB", "QF", "QO", "QT", "DUR"], Cause::WitnessLied(Witness::LostWrite)),
    (Lie::BlindRepair, &["QM", "QS", "QB", "QF", "QO", "QT", "DUR"], Cause::WitnessLied(Witness::RepairRace)),
    (Lie::BlindStore, &["QM", "QD", "QB", "QF", "QO", "QT", "DUR"], Cause::WitnessLied(Witness::Regress)),
    (Lie::ReuseTag, &["QT", "QO", "QF", "QM"], Cause::TagInverted),
    (Lie::LowTag, &["QO", "QF", "QT"], Cause::TagInverted),
    (Lie::IgnoreNewest, &["QF"], Cause::CoordinatorLied),
    (Lie::SkipWriteback, &["QB"], Cause::Unknown),
    (Lie::CountStranger, &["QH", "QW", "QI", "QWW", "QO", "QF", "QT"], Cause::NoIntersection),
    (Lie::ServeNothing, &["QM", "QF", "QO", "QT", "QB"], Cause::WitnessLied(Witness::Regress)),
];

#[test]
fn each_lie_is_found_by_its_rule_and_told_with_its_cause() {
    let (mut found, mut told) = (BTreeMap::new(), BTreeMap::new());
    let mut causes: BTreeMap<String, u64> = BTreeMap::new();
    for (lie, allowed, cause) in LIES {
        let (mut lied, mut by_rule) = (0_u32, 0_u32);
        for seed in 0..1_500 {
            let kind = Kind { lie: Some(lie), writeback: writeback(lie, seed), ..kind(seed) };
            let (record, has_lied) = run(kind, seed);
            if !has_lied {
                continue;
            }
            lied += 1;
            let report = record.check(&promises(kind.quorums, kind.writeback != Writeback::Off));
            let promised = |id: &&&str| report.rules.iter().any(|(rule, ruled)| rule.id() == **id && ruled.promised);
            let broken = broken(&report);
            let broken: Vec<&&str> = broken.iter().filter(promised).collect();
            assert!(
                broken.iter().all(|id| allowed.contains(*id)),
                "{lie:?}, seed {seed}, {kind:?}: {broken:?} {:#?}",
                report.rules
            );
            by_rule += u32::from(broken.contains(&&allowed[0]));
            if let Some(finding) =
                report.rule(Rule::FreshReads).filter(|ruled| ruled.promised).and_then(|ruled| ruled.finding.as_ref())
            {
                assert!(finding.events.len() <= 10 && finding.events.len() >= 4, "{finding:#?}");
                assert!(finding.events.is_sorted_by_key(|event| event.time), "{finding:#?}");
                let found = finding.cause.unwrap();
                // A lie may lower a write's tag, whose reads are then stale for that reason.
                if found == cause {
                    *causes.entry(format!("{lie:?}")).or_default() += 1;
                }
                assert!(
                    found == cause || found == Cause::TagInverted || is_honest(found, lie),
                    "{lie:?}, seed {seed}: {finding:#?}"
                );
            }
        }
        found.insert(format!("{lie:?}"), by_rule);
        told.insert(format!("{lie:?}"), lied);
    }
    // An operation that lied and was never answered shows nothing, and a read that ignored a concurrent write is not stale.
    for (lie, lied) in &told {
        assert!(*lied > 100, "{lie} was told {lied} times");
        let rarely = ["IgnoreNewest", "LowTag"].contains(&lie.as_str());
        let least = if rarely { lied / 20 } else { lied / 3 };
        assert!(found[lie] > least, "{lie} was found {} times of {lied}", found[lie]);
    }
    for lie in [
        "CountTwice",
        "SmallQuery",
        "AckWithoutStoring",
        "Forget",
        "BlindRepair",
        "BlindStore",
        "LowTag",
        "IgnoreNewest",
        "ServeNothing",
    ] {
        assert!(causes.contains_key(lie), "no stale read showed {lie}: {causes:?}");
    }
}

/// What is read after one lie may be stale for another reason that follows from it: somebody who stored too low a tag.
fn is_honest(found: Cause, lie: Lie) -> bool {
    lie == Lie::ReuseTag && matches!(found, Cause::WitnessLied(_))
}

fn writeback(lie: Lie, seed: u64) -> Writeback {
    match (lie, seed % 3) {
        (Lie::SkipWriteback, 0 | 1) | (_, 1) => Writeback::On,
        (_, 2) => Writeback::Fast,
        _ => Writeback::Off,
    }
}
