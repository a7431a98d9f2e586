//! Plans played on a cluster in memory, in virtual time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod foreign;
mod proofs;
mod world;

use std::sync::Arc;
use std::time::Duration;

use schism::faults::Faults;
use schism::network::Rung;
use schism::plan::{Entry, Fate, Ground, Plan, PlanReport, Player, Step, play, steps};
use schism_nodes::{LinkOrder, NodeId};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::world::{Quirks, World};

fn plan(entries: &Value) -> Plan {
    let entries: Vec<Entry> = serde_json::from_value(entries.clone()).unwrap();
    Plan { kind: "plan".to_owned(), format: 1, workload: true, entries, ..Plan::default() }
}

fn ready(entries: &Value, nodes: u16, faults: &Faults) -> Vec<Step> {
    let ground = Ground {
        system: "raft".to_owned(),
        nodes: NodeId::universe(nodes),
        beside_clients: false,
        has_leader: true,
        links: LinkOrder::Any,
        requests: ["read", "write", "cas"].map(str::to_owned).into(),
        rung: Rung::Proxy,
        recovery: Duration::from_millis(500),
        ours: true,
    };
    steps(&plan(entries), &ground, faults, "test").unwrap()
}

/// Plays entries to their end; the run is stopped after `stop_ms` milliseconds.
async fn played(world: &Arc<World>, entries: Value, stop_ms: u64) -> PlanReport {
    let steps =
        ready(&entries, u16::try_from(schism::cluster::Cluster::nodes(&**world).len()).unwrap(), &Faults::default());
    let (sender, stop) = watch::channel(false);
    tokio::spawn(async move {
        sleep(Duration::from_millis(stop_ms)).await;
        sender.send_replace(true);
        std::future::pending::<()>().await;
    });
    let report = play(steps, true, world.stage(), stop).await;
    assert!(world.is_healed(), "{:#?}", world.log());
    report
}

fn fates(report: &PlanReport) -> Vec<&Fate> {
    report.entries.iter().map(|entry| &entry.fate).collect()
}

/// Begin, proof and end of an entry, in the order of the history.
fn phases(world: &World, id: u64) -> Vec<String> {
    let of_id = world.history().into_iter().filter(|line| line["id"] == id);
    of_id.map(|line| line["phase"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn entries_start_at_a_time_and_after_each_other() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "n1", "for": "500ms"},
        {"id": 2, "after": 1, "delay": "200ms", "do": "fire", "on": "n2", "args": {"timer": "Election"}},
        {"id": 3, "after": 2, "do": "request", "on": "c1", "args": {"node": "n3", "f": "read", "key": "x"}},
        {"id": 4, "after": 3, "do": "kill", "on": "n3", "for": "1s"},
    ]);
    let report = played(&world, entries, 10_000).await;
    let expected = [
        "1000 pause n1",
        "1200 fire n2 Election",
        "1210 c1 read at n3",
        "1210 kill n3 Keep",
        "1500 resume n1",
        "2210 restart n3",
    ];
    assert_eq!(world.log(), expected);
    assert!(report.entries.iter().all(|entry| entry.fate == Fate::Proved), "{report:#?}");
    assert_eq!(report.entries[2].proof, json!({"ok": 7}), "a request's completion is in the report");
    assert_eq!(phases(&world, 1), ["begin", "in-force", "lifting", "end"]);
    assert_eq!(report.not_undone, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_stands_at_its_note_until_the_effect_is_in_force() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "when": {"note": "vote-sent"}, "delay": "50ms", "do": "kill", "on": "that", "for": "100ms"},
        {"id": 2, "after": 1, "do": "request", "on": "c2", "args": {"node": "n1", "f": "write", "key": "x", "value": 5}},
        {"id": 3, "when": {"note": "vote-sent", "node": "n3"}, "do": "pause", "on": "n1", "for": "1s"},
    ]);
    let maker = world.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(1)).await;
        maker.note(NodeId(2), "something-else");
        maker.note(NodeId(2), "vote-sent");
    });
    let report = played(&world, entries, 5000).await;
    let expected = [
        "1000 n2 held at 1",
        "1050 kill n2 Keep",
        "1050 disarm 1",
        "1060 c2 write at n1",
        "1150 restart n2",
        "5000 disarm 3",
    ];
    assert_eq!(world.log(), expected);
    assert_eq!(fates(&report), [&Fate::Proved, &Fate::Proved, &Fate::NotReached]);
    assert_eq!(report.entries[0].targets, ["n2"]);
    assert_eq!(report.faults["pause"].not_reached, 1);
}

#[tokio::test(start_paused = true)]
async fn a_trap_that_is_refused_is_a_failure_of_the_harness() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "when": {"note": "unheard-of"}, "do": "kill", "on": "that", "for": "100ms"},
        {"id": 2, "after": 1, "do": "fire", "on": "n1", "args": {"timer": "Election"}},
    ]);
    let report = played(&world, entries, 1000).await;
    assert!(matches!(&report.entries[0].fate, Fate::Unproved(why) if why.contains("no such note")));
    assert_eq!(report.entries[1].fate, Fate::Proved);
    assert_eq!(report.unproved().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn overlapping_pauses_and_kills_are_a_union() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "n1", "for": "2s"},
        {"id": 2, "at": "2s", "do": "pause", "on": "n1", "for": "3s"},
        {"id": 3, "at": "1s", "do": "kill", "on": "n2", "for": "2s"},
        {"id": 4, "at": "2s", "do": "powerloss", "on": "n2", "for": "4s"},
        {"id": 5, "at": "2s", "do": "pause", "on": "n2", "for": "1s"},
    ]);
    let report = played(&world, entries, 10_000).await;
    let mut log = world.log();
    log.sort();
    assert_eq!(log, ["1000 kill n2 Keep", "1000 pause n1", "5000 resume n1", "6000 restart n2"]);
    let down = Fate::Moot("n2 was down".to_owned());
    assert_eq!(fates(&report), [&Fate::Proved, &Fate::Proved, &Fate::Proved, &down, &down]);
    assert_eq!((report.faults["pause"].planned, report.faults["pause"].proved, report.faults["pause"].moot), (3, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_killed_node_is_stopped_no_longer() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "n1", "for": "5s"},
        {"id": 2, "at": "2s", "do": "kill", "on": "n1", "for": "1s"},
    ]);
    played(&world, entries, 10_000).await;
    assert_eq!(world.log(), ["1000 pause n1", "2000 kill n1 Keep", "3000 restart n1"]);
}

#[tokio::test(start_paused = true)]
async fn the_latest_clock_wins_and_its_end_gives_back_the_other_one() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "clock", "on": "n1", "for": "4s", "args": {"rate": 2}},
        {"id": 2, "at": "2s", "do": "clock", "on": "n1", "for": "1s", "args": {"rate": "0.5"}},
        {"id": 3, "at": "4s", "do": "kill", "on": "n1", "for": "500ms"},
        {"id": 4, "at": "4.8s", "do": "pause", "on": "n1", "for": "1s"},
    ]);
    played(&world, entries, 10_000).await;
    let expected = [
        "1000 clock n1 2",
        "2000 clock n1 0.5",
        "3000 clock n1 2",
        "4000 kill n1 Keep",
        "4500 restart n1",
        "4500 clock n1 2",
        "4800 pause n1",
        // Its clocks become right as soon as it can be told.
        "5800 resume n1",
        "5800 clock n1 1",
    ];
    assert_eq!(world.log(), expected);
}

#[tokio::test(start_paused = true)]
async fn at_the_stop_everything_in_force_ends() {
    let world = World::new(5);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "n1"},
        {"id": 2, "at": "1s", "do": "kill", "on": "n2"},
        {"id": 3, "at": "1s", "do": "clock", "on": "n3", "args": {"offset": "-2s"}},
        {"id": 4, "at": "1s", "do": "partition", "on": "n4"},
        {"id": 5, "at": "1s", "do": "loss", "for": "1h"},
        {"id": 6, "at": "4s", "do": "kill", "on": "n5", "for": "1s"},
        {"id": 7, "when": {"note": "never"}, "do": "kill", "on": "that"},
    ]);
    let report = played(&world, entries, 3000).await;
    assert!(report.entries[..5].iter().all(|entry| entry.fate == Fate::Proved), "{report:#?}");
    assert_eq!(fates(&report)[5..], [&Fate::NotReached, &Fate::NotReached]);
    assert_eq!(report.not_undone, [""; 0]);
    let ended = (1..=5).all(|id| phases(&world, id) == ["begin", "in-force", "lifting", "end"]);
    assert!(ended, "{:#?}", world.history());
}

#[tokio::test(start_paused = true)]
async fn a_play_that_is_dropped_can_still_be_healed() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "n1", "for": "5s"},
        {"id": 2, "at": "1s", "do": "partition", "on": "n2", "for": "5s"},
        {"id": 3, "when": {"note": "never"}, "do": "kill", "on": "that"},
        {"id": 4, "at": "1s", "do": "kill", "on": "n3", "for": "5s"},
    ]);
    let player = Player::new(world.stage());
    let (_sender, stop) = watch::channel(false);
    let steps = ready(&entries, 3, &Faults::default());
    let dropped = tokio::time::timeout(Duration::from_secs(2), player.play(steps, true, stop)).await;
    assert!(dropped.is_err());
    assert!(!world.is_healed());
    assert_eq!(player.heal().await, [""; 0]);
    assert!(world.is_healed(), "{:#?}", world.log());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_undone_is_said() {
    let world = World::new(3);
    world.state().quirks = Quirks { stubborn: Some(NodeId(1)), ..Quirks::default() };
    let report = played(&world, json!([{"id": 1, "at": "1s", "do": "kill", "on": "n1", "for": "1s"}]), 5000).await;
    assert_eq!(report.entries[0].fate, Fate::Unproved("n1: nothing was seen".to_owned()));
    assert_eq!(report.not_undone, ["n1 could not be restarted: n1: nothing was seen"]);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_falls_on_nobody_is_skipped() {
    let world = World::new(2);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "kill", "on": "minority", "for": "1s"},
        {"id": 2, "at": "1s", "do": "partition", "on": "all", "for": "1s"},
        {"id": 3, "at": "1s", "do": "client-kill", "on": "c9"},
        {"id": 4, "at": "1s", "do": "hold", "on": "n1->n2", "for": "1s"},
        {"id": 5, "at": "1.5s", "do": "deliver", "args": {"entry": 4}},
    ]);
    let report = played(&world, entries, 5000).await;
    let skipped = |place: usize| matches!(report.entries[place].fate, Fate::Skipped(_));
    assert!(skipped(0) && skipped(1) && skipped(2) && skipped(4), "{report:#?}");
    assert_eq!(report.entries[3].fate, Fate::Moot("no such message came".to_owned()));
    assert_eq!(report.faults["kill"].skipped, 1);
    assert!(!report.faults.contains_key("deliver"), "only what is done to the system counts");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_dies_leaves_its_operation() {
    let world = World::new(3);
    let report = played(&world, json!([{"id": 1, "at": "1s", "do": "client-kill", "on": "c2"}]), 5000).await;
    assert_eq!(report.entries[0].proof, json!({"operations": {"c2": 42}}));
    assert_eq!(phases(&world, 1), ["begin", "in-force", "end"]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_without_workload_ends_when_nothing_is_left_to_do() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "partition", "on": "n1"},
        {"id": 2, "at": "2s", "do": "kill", "on": "n2"},
        {"id": 3, "at": "3s", "do": "end", "args": {"entry": 1}},
        {"id": 4, "after": 3, "do": "request", "on": "c1", "args": {"node": "leader", "f": "read", "key": "x"}},
    ]);
    world.state().leader = Some(NodeId(3));
    let (_sender, stop) = watch::channel(false);
    let report = play(ready(&entries, 3, &Faults::default()), false, world.stage(), stop).await;
    let expected =
        ["1000 apply 1 on 4 links", "2000 kill n2 Keep", "3020 lift 1", "3030 c1 read at n3", "3030 restart n2"];
    assert_eq!(world.log(), expected);
    assert!(report.entries.iter().all(|entry| entry.fate == Fate::Proved), "{report:#?}");
}

#[tokio::test(start_paused = true)]
async fn held_messages_are_delivered_or_dropped_by_name() {
    let world = World::new(3);
    world.state().touched.insert(1, 2);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "hold", "on": "n1->n3", "args": {"type": "AppendEntries", "count": 2}},
        {"id": 2, "at": "2s", "do": "deliver", "args": {"entry": 1, "count": 1}},
        {"id": 3, "after": 2, "do": "drop", "args": {"entry": 1}},
        {"id": 4, "at": "2s", "do": "drop", "on": "n2->n1", "for": "1s", "args": {"type": "RequestVote"}},
    ]);
    let report = played(&world, entries, 5000).await;
    let log = world.log();
    assert!(log.contains(&"2000 deliver Some(1) of 1".to_owned()), "{log:#?}");
    assert!(log.contains(&"2000 drop None of 1".to_owned()), "{log:#?}");
    assert_eq!(report.entries[0].proof, json!({"touched": 2}));
    assert!(matches!(report.entries[3].fate, Fate::Moot(_)));
}

#[tokio::test(start_paused = true)]
async fn faults_on_the_leader_are_counted() {
    let world = World::new(3);
    world.state().leader = Some(NodeId(2));
    let entries = json!([
        {"id": 1, "at": "1s", "do": "pause", "on": "leader", "for": "1s"},
        {"id": 2, "at": "1s", "do": "loss", "on": "all", "for": "1s"},
        {"id": 3, "at": "5s", "do": "partition", "on": "n2", "for": "1s"},
        {"id": 4, "at": "5s", "do": "partition", "on": "n1", "for": "1s"},
    ]);
    let report = played(&world, entries, 9000).await;
    assert_eq!(report.leader_faults, 2, "what hits everybody is not aimed at the leader: {report:#?}");
    assert_eq!(report.entries[0].targets, ["n2"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_draws_the_same_targets() {
    let targets =
        |report: PlanReport| -> Vec<Vec<String>> { report.entries.into_iter().map(|entry| entry.targets).collect() };
    let entries = json!([
        {"id": 3, "at": "1s", "do": "pause", "on": "one", "for": "1s"},
        {"id": 4, "at": "3s", "do": "pause", "on": "minority", "for": "1s"},
    ]);
    let first = targets(played(&World::new(7), entries.clone(), 9000).await);
    assert_eq!(first, targets(played(&World::new(7), entries.clone(), 9000).await));
    let alone = json!([entries[1]]);
    assert_eq!(first[1..], targets(played(&World::new(7), alone, 9000).await));
}

#[test]
fn the_page_about_plans_knows_every_fault_and_its_examples_are_plans() {
    let page = include_str!("../../../docs/plans.md");
    let blocks: Vec<&str> = page.split("```").skip(1).step_by(2).collect();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let (language, text) = block.split_once('\n').unwrap();
        let entries = if text.contains("kind") {
            serde_json::to_value(schism::plan::parse(text, language).unwrap().entries).unwrap()
        } else {
            text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
        };
        assert!(!ready(&entries, 3, &Faults::default()).is_empty());
    }
    for info in schism::faults::catalog() {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` | `{}`", info.name, info.on))).unwrap();
        assert!(info.parameters.iter().all(|parameter| row.contains(&format!("`{}", parameter.name))), "{row}");
    }
}
