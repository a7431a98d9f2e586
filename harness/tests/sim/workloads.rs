//! Workloads in virtual time: what each is made to show, on systems that keep it and on systems that do not.

use std::collections::{BTreeMap, BTreeSet};

use schism::options::RunOptions;
use schism::sim::Played;
use schism_checker::history::{Event, EventKind, Process};
use schism_checker::verdict::{Outcome, Property};

use crate::support::{options, play};

/// The options of `schism sim SYSTEM --workload WORKLOAD`.
fn asked(system: &str, nodes: u16, workload: &str, seed: u64) -> RunOptions {
    let options = options(system, nodes, seed);
    let workload: schism::spec::Spec = workload.parse().unwrap();
    let served = schism_nodes::catalog::info(&options.system.name).unwrap().requests;
    RunOptions { mix: schism_workloads::default_mix(&workload.name, &served), workload, ..options }
}

/// The same under one kind of fault alone.
fn under(fault: &str, options: RunOptions) -> RunOptions {
    RunOptions { faults: vec![fault.parse().unwrap()], ..options }
}

fn property<'a>(played: &'a Played, name: &str) -> &'a Property {
    played.verdict.properties.iter().find(|property| property.name == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The invocations of the main phase's sessions: what has a session.
fn in_sessions(played: &Played) -> BTreeMap<&str, Vec<&Event>> {
    let mut sessions: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in played.history.events.iter().filter(|event| event.kind == EventKind::Invoke) {
        if let Some(session) = event.extra.get("session").and_then(|session| session.as_str()) {
            sessions.entry(session).or_default().push(event);
        }
    }
    sessions
}

#[test]
fn sessions_stand_in_the_history_and_each_has_processes_of_its_own() {
    let (mut stayed, mut roamed) = (0, 0);
    for seed in 0..3 {
        let played = play(&asked("nwr:w=2,r=2", 3, "session:operations=10", seed), false);
        let sessions = in_sessions(&played);
        let mut owners: BTreeMap<&Process, &str> = BTreeMap::new();
        for (session, events) in &sessions {
            for event in events {
                let owner = owners.entry(&event.process).or_insert(session);
                assert_eq!(owner, session, "seed {seed}: process {} has two sessions", event.process);
            }
            let nodes: BTreeSet<_> = events.iter().map(|event| &event.node).collect();
            let roams = events.len() > 1 && events.windows(2).all(|pair| pair[0].node != pair[1].node);
            stayed += usize::from(nodes.len() == 1 && events.len() > 1);
            roamed += usize::from(roams);
            assert!(nodes.len() == 1 || roams, "seed {seed}: {session} does neither");
        }
    }
    assert!(stayed > 20 && roamed > 20, "{stayed} stayed, {roamed} roamed");
}

#[test]
fn roaming_sessions_miss_their_own_writes_at_one_replica_and_not_at_majorities() {
    let levels = ["read-your-writes", "monotonic-reads", "monotonic-writes", "writes-follow-reads"];
    let broken = |system: &str, workload: &str| {
        let mut broken = BTreeSet::new();
        for seed in 0..5 {
            let played = play(&asked(system, 3, workload, seed), false);
            for level in levels {
                let property = property(&played, level);
                assert!(!property.judged, "it is measured");
                if property.outcome == Outcome::Invalid {
                    broken.insert(level);
                }
            }
        }
        broken
    };
    let roaming = broken("nwr:w=1,r=1", "session:roam=all");
    assert!(roaming.contains("read-your-writes") && roaming.contains("monotonic-reads"), "{roaming:?}");
    assert!(!broken("nwr:w=2,r=2", "session:roam=all").contains("read-your-writes"));
    assert_eq!(broken("nwr:w=2,r=2,writeback=on", "session:roam=all"), BTreeSet::new());
}

#[test]
fn sets_are_kept_as_sets_or_as_a_register_for_each_element() {
    let (mut adds, mut removals) = (0, 0);
    for (system, model) in [("nwr:version=siblings", "set"), ("nwr:writeback=on", "register"), ("raft", "register")] {
        for seed in 0..2 {
            let played = play(&asked(system, 3, "set:keys=2,elements=200", seed), false);
            assert_eq!(played.history.header.as_ref().unwrap().model.as_deref(), Some(model), "{system}");
            let ok = played.history.events.iter().filter(|event| event.kind == EventKind::Ok);
            for event in ok {
                adds += usize::from(&*event.f == "add");
                removals += usize::from(&*event.f == "remove");
            }
            if model == "set" {
                let outcome = property(&played, "set-full").outcome;
                assert!(matches!(outcome, Outcome::Valid | Outcome::Invalid), "{system} {seed}: {outcome:?}");
                continue;
            }
            for name in ["linearizable", "durable"] {
                let property = property(&played, name);
                assert_eq!(
                    (property.outcome, property.judged),
                    (Outcome::Valid, true),
                    "{system} {seed}: {property:?}"
                );
            }
        }
    }
    assert!(adds > 200 && removals > 50, "{adds} added, {removals} removed");
}

#[test]
fn acknowledged_writes_survive_kills_and_go_with_the_disks_of_all_who_acknowledged_them() {
    let losses = |fault: &str| {
        let mut losses = 0;
        for seed in 0..4 {
            let options = under(fault, asked("nwr:w=1,r=3", 3, "durability:keys=50", seed));
            let played = play(&RunOptions { fault_rate: 2.0, ..options }, false);
            let property = property(&played, "durable");
            let lost = property.figures["lost"].as_u64().unwrap();
            let excused = property.figures["lost_with_all_disks"].as_u64().unwrap();
            assert!(property.figures["acknowledged"].as_u64().unwrap() > 40, "{property:?}");
            assert_eq!(lost, excused, "{fault} {seed}: {property:?}");
            assert_eq!((property.outcome == Outcome::Valid, property.judged), (lost == 0, lost == 0), "{property:?}");
            losses += lost;
        }
        losses
    };
    assert_eq!(losses("kill:on=ackers"), 0);
    assert_eq!(losses("powerloss:on=ackers"), 0);
    assert!(losses("kill:disk=wipe,on=ackers") > 0, "one copy is lost with its disk");
}

#[test]
fn a_system_that_loses_what_it_acknowledged_is_blamed_for_it() {
    let blamed = (0..40).filter(|seed| {
        let options =
            under("powerloss:on=ackers", asked("nwr:w=2,r=2,bug=ack-before-fsync", 3, "durability:keys=50", *seed));
        let played = play(&RunOptions { fault_rate: 4.0, ..options }, false);
        let property = property(&played, "durable");
        assert!(property.judged && property.counterexample.is_some() == (property.outcome == Outcome::Invalid));
        property.outcome == Outcome::Invalid
    });
    assert!(blamed.count() > 0);
}

#[test]
fn coordinators_die_between_two_stores() {
    let mut died = 0;
    for seed in 0..3 {
        let options = under("kill:note=stored,for=500ms", asked("nwr:w=2,r=2,writeback=on", 3, "register", seed));
        let played = play(&RunOptions { fault_rate: 2.0, ..options }, false);
        assert_ne!(property(&played, "linearizable").outcome, Outcome::Invalid, "seed {seed}");
        died += played.report.faults["kill"].proved;
    }
    assert!(died > 3, "{died} died");
}

#[test]
fn an_open_loop_asks_at_its_rate_though_nobody_answers() {
    let options = under("pause:for=3s,on=n1", asked("nwr:w=2,r=2", 3, "register", 1));
    let options = RunOptions { open_loop: true, rate: 150.0, time: std::time::Duration::from_secs(15), ..options };
    let played = play(&options, false);
    let availability = played.verdict.availability.as_ref().unwrap();
    let down = availability.rows.iter().filter(|row| row.side == schism::measure::Side::Down);
    let (mut issued, mut ok) = (0, 0);
    for row in down {
        issued += row.endings.ok + row.endings.fail + row.endings.info;
        ok += row.endings.ok;
    }
    // Two of six workers ask n1, which stands still for seconds: closed loops would ask twice a second then.
    assert!(issued > 50 && ok * 2 < issued, "{issued} issued at n1, {ok} of them ok");
    let dues = played.history.events.iter().filter(|event| event.extra.contains_key("due"));
    for event in dues {
        assert!(event.extra["due"].as_u64() <= event.time, "nothing is asked before it is due");
    }
}

/// Seeds in which a tombstone was forgotten while an old value was on its way, or without a note of it.
#[test]
fn what_was_removed_stays_removed_though_tombstones_are_forgotten() {
    for seed in [5, 70, 84] {
        let options = asked("nwr:anti_entropy=200ms,gc_grace=1s,give_up=500ms", 5, "set", seed);
        let played = play(&RunOptions { consistency: "declared".to_owned(), ..options }, false);
        assert_eq!(played.broken().collect::<Vec<_>>(), Vec::<&str>::new(), "seed {seed}");
        assert!(property(&played, "tags-never-go-back").figures["kept"].as_u64() > Some(1000), "seed {seed}");
    }
}
