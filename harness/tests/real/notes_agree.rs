//! Notes are written by the nodes and read by the checker, which do not know each other. Here both are held to one form.

use std::sync::Arc;

use schism_checker::note as read;
use schism_nodes::note::{Note, NoteLine};
use schism_nodes::{NodeId, note};
use serde_json::{Value, json};

use crate::support::{Bench, json_lines};

fn written() -> [NoteLine; 3] {
    let of = |note, seq| note::NoteLine { node: NodeId(3), incarnation: 2, seq, time: u64::MAX, note };
    [
        of(Note::new("disconnected"), 1),
        of(Note::new("leader").with("epoch", 7), 2),
        of(
            Note::new("stored").with("version", json!([4, "n2", 1, 17])).with("a", Value::Null).with("B", "ä\n\""),
            u64::MAX,
        ),
    ]
}

#[test]
fn what_nodes_write_the_checker_reads() {
    for line in written() {
        let text = serde_json::to_string(&line).unwrap();
        let note: read::Note = serde_json::from_str(&text).unwrap();
        let NoteLine { node, incarnation, seq, time, note: Note { name, fields } } = line;
        let expected = read::Note {
            node: node.to_string().into(),
            incarnation,
            seq,
            time,
            name: Arc::from(name),
            fields: fields.into(),
            extra: serde_json::Map::new(),
        };
        assert_eq!(note, expected, "{text}");
    }
}

#[test]
fn what_the_checker_writes_the_nodes_would_read_the_same() {
    for line in written() {
        let text = serde_json::to_string(&line).unwrap();
        let note: read::Note = serde_json::from_str(&text).unwrap();
        let again = serde_json::to_string(&note).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        assert_eq!(serde_json::from_str::<NoteLine>(&again).unwrap(), line);
    }
}

#[test]
fn the_notes_of_a_run_are_read_to_the_last_one() {
    let bench = Bench::new();
    bench.schism(&["run", "--nodes", "3", "--time", "3s", "--quiet", "0", "--fault", "kill", "-q"]).expect(0);
    let path = bench.run().join("events.jsonl");
    let notes = read::read_path(&path).unwrap();
    assert_eq!(notes.cut, None);
    let header = notes.header.as_ref().unwrap();
    assert_eq!(header.run.as_deref(), bench.run().file_name().unwrap().to_str());
    assert!(notes.others.iter().any(|line| line["event"] == "started"), "{:?}", notes.others);
    let made = json_lines(&path).iter().filter(|line| line["note"].is_string()).count();
    let of_nodes: Vec<&read::Note> = notes.notes.iter().filter(|note| note.seq > 0).collect();
    assert_eq!(of_nodes.len(), made);
    assert!(of_nodes.iter().any(|note| &*note.name == "leader" && note.fields.contains_key("epoch")));
    // Nothing is missing: in each life of a node the numbers count up from 1.
    let mut last = std::collections::BTreeMap::new();
    for note in of_nodes {
        let before = last.insert((note.node.clone(), note.incarnation), note.seq).unwrap_or(0);
        assert_eq!(note.seq, before + 1, "{note:?}");
    }
}
