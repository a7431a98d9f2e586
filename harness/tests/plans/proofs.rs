//! What proves that a fault was in force: probes that did not arrive, messages that were touched.

use std::time::Duration;

use schism::plan::{EntryReport, Fate};
use serde_json::json;

use crate::world::{Quirks, World};
use crate::{fates, played};

#[tokio::test(start_paused = true)]
async fn a_partition_is_proved_by_probes_that_do_not_arrive() {
    let world = World::new(5);
    let entries = json!([{"id": 1, "at": "1s", "do": "partition", "on": "n4,n5", "for": "700ms"}]);
    let report = played(&world, entries, 5000).await;
    let EntryReport { fate, proof, .. } = &report.entries[0];
    assert_eq!(*fate, Fate::Proved);
    assert_eq!((&proof["silent"], proof["heard"].as_array().map(Vec::len)), (&json!(12), Some(8)));
    assert_eq!(world.log(), ["1000 apply 1 on 12 links", "1700 lift 1"]);
    let begin = &world.history()[0];
    assert_eq!(begin["value"]["sides"], json!({"majority": ["n1", "n2", "n3"], "minority": ["n4", "n5"]}));
    assert_eq!(begin["value"]["cut"].as_array().map(Vec::len), Some(12));
}

#[tokio::test(start_paused = true)]
async fn a_cut_that_leaks_is_not_proved() {
    for leaky in ["n1->n3", "n2->c1"] {
        let world = World::new(3);
        world.state().quirks = Quirks { leaky: Some(leaky), ..Quirks::default() };
        let entries = json!([{"id": 1, "at": "1s", "do": "partition", "on": "n3,c1", "for": "700ms"}]);
        let report = played(&world, entries, 5000).await;
        assert!(matches!(&report.entries[0].fate, Fate::Unproved(what) if what.contains(leaky)), "{report:#?}");
        assert_eq!(report.faults["partition"].unproved, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_everywhere_proves_nothing() {
    for nodes in [2, 3] {
        let world = World::new(nodes);
        world.state().quirks = Quirks { deaf: true, ..Quirks::default() };
        let entries = json!([{"id": 1, "at": "1s", "do": "partition", "on": "n1", "for": "700ms"}]);
        let report = played(&world, entries, 9000).await;
        assert!(matches!(report.entries[0].fate, Fate::Unproved(_)), "{report:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_every_link_is_cut_a_probe_before_counts() {
    let world = World::new(2);
    let entries = json!([{"id": 1, "at": "1s", "do": "partition", "on": "n1", "for": "700ms"}]);
    assert_eq!(played(&world, entries, 5000).await.entries[0].fate, Fate::Proved);
}

#[tokio::test(start_paused = true)]
async fn a_cut_within_a_cut_is_proved_by_what_its_links_carried_before() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "partition", "on": "n2", "for": "200ms"},
        {"id": 2, "at": "2s", "do": "kill", "on": "n2", "for": "6s"},
        {"id": 3, "at": "3s", "do": "partition", "on": "n1", "for": "2s"},
        {"id": 4, "at": "4s", "do": "partition", "on": "n1", "for": "2s"},
    ]);
    let report = played(&world, entries, 9000).await;
    assert!(report.entries.iter().all(|entry| entry.fate == Fate::Proved), "{report:#?}");
    assert!(world.log().contains(&"5020 lift 3".to_owned()), "a proof prolongs nothing: {:#?}", world.log());
}

#[tokio::test(start_paused = true)]
async fn probes_may_be_slow() {
    let world = World::new(3);
    world.state().quirks = Quirks { latency: Duration::from_millis(200), ..Quirks::default() };
    let entries = json!([{"id": 1, "at": "1s", "do": "partition", "on": "n1", "for": "700ms"}]);
    assert_eq!(played(&world, entries, 5000).await.entries[0].fate, Fate::Proved);
}

#[tokio::test(start_paused = true)]
async fn a_cut_around_a_dead_node_is_moot_unless_the_node_comes_back() {
    let world = World::new(3);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "kill", "on": "n1", "for": "2s"},
        {"id": 2, "at": "1.5s", "do": "partition", "on": "n1", "for": "1s"},
        {"id": 3, "at": "1.5s", "do": "partition", "on": "n1", "for": "3s"},
        {"id": 4, "at": "1.5s", "do": "delay", "on": "n1->n2", "for": "1s"},
    ]);
    let report = played(&world, entries, 9000).await;
    let moot = |place: usize| matches!(report.entries[place].fate, Fate::Moot(_));
    assert!(moot(1) && moot(3), "{report:#?}");
    assert_eq!(report.entries[2].fate, Fate::Proved);
}

#[tokio::test(start_paused = true)]
async fn overlapping_partitions_end_one_by_one() {
    let world = World::new(5);
    let entries = json!([
        {"id": 1, "at": "1s", "do": "partition", "on": "n1", "for": "2s"},
        {"id": 2, "at": "2s", "do": "partition", "on": "n1,n2", "for": "2s"},
    ]);
    let report = played(&world, entries, 9000).await;
    assert_eq!(world.log(), ["1000 apply 1 on 8 links", "2000 apply 2 on 12 links", "3000 lift 1", "4000 lift 2"]);
    assert_eq!(fates(&report), [&Fate::Proved, &Fate::Proved]);
}

#[tokio::test(start_paused = true)]
async fn messages_must_be_touched() {
    for idle in [false, true] {
        let world = World::new(3);
        world.state().quirks = Quirks { idle, ..Quirks::default() };
        let entries = json!([
            {"id": 1, "at": "1s", "do": "delay", "for": "1s"},
            {"id": 2, "at": "1s", "do": "loss", "on": "n1->n2", "for": "1s", "args": {"share": 0.5}},
            {"id": 3, "at": "1s", "do": "duplicate", "on": "leader", "for": "1s"},
            {"id": 4, "at": "1s", "do": "reorder", "for": "1s", "args": {"window": "20ms"}},
        ]);
        let report = played(&world, entries, 9000).await;
        for entry in &report.entries {
            assert_eq!(matches!(entry.fate, Fate::Unproved(_)), idle, "{entry:#?}");
            assert_eq!(entry.fate == Fate::Proved, !idle, "{entry:#?}");
        }
    }
}
