//! Stable storage: what is durable when, what survives, and what happens when it fails.

use std::path::Path;

use fs_err as fs;
use schism_nodes::control::{Down, Storage, Up, exit};
use serde_json::json;

use crate::fixture::{Node, Wire, boot, folder};

fn synced(data: &Path) -> usize {
    usize::try_from(u64::from_le_bytes(*fs::read(data.join("wal.synced")).unwrap().first_chunk().unwrap())).unwrap()
}

fn length(data: &Path) -> usize {
    usize::try_from(fs::metadata(data.join("wal")).unwrap().len()).unwrap()
}

#[test]
fn no_answer_leaves_before_its_record_is_synced() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    for number in 0..500 {
        client.ask("write", json!(format!("key-{number}")), json!(number));
    }
    for number in 0..500 {
        assert_eq!(client.body()["type"], "write_ok");
        // The offset first: later writes move it on while the log is read.
        let synced = synced(folder.path());
        let log = fs::read(folder.path().join("wal")).unwrap();
        let durable = String::from_utf8_lossy(&log[..synced]).into_owned();
        assert!(durable.contains(&format!(r#"{{"key":"key-{number}","value":{number}}}"#)), "write {number}");
    }
}

#[test]
fn lazy_records_are_written_at_once_and_synced_later() {
    let folder = folder();
    let mut boot = boot(folder.path());
    boot.storage.flush_ms = 3_600_000;
    let (node, _) = Node::start(boot);
    let mut client = Wire::client(&node);
    client.write("lazy", json!(1));
    assert_eq!((length(folder.path()) > 0, synced(folder.path())), (true, 0), "written, not synced");
    client.write("diligent", json!(2));
    assert_eq!(synced(folder.path()), length(folder.path()), "the next sync is for all");
}

#[test]
fn lazy_records_are_synced_after_a_while_without_another_sync() {
    let folder = folder();
    let mut boot = boot(folder.path());
    boot.storage.flush_ms = 1;
    let (node, _) = Node::start(boot);
    let mut client = Wire::client(&node);
    client.write("lazy", json!(1));
    client.write("timers", json!({"later": 100}));
    node.note_called("tick");
    assert_eq!((length(folder.path()) > 0, synced(folder.path())), (true, length(folder.path())));
}

#[test]
fn a_restarted_node_has_what_was_persisted_without_the_torn_end() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("x", json!(1));
    client.write("y", json!(2));
    assert_eq!(node.stop().0, exit::DONE);

    let path = folder.path().join("wal");
    let mut log = fs::read(&path).unwrap();
    let whole = log.len();
    log.extend_from_slice(&log.clone()[..13]);
    fs::write(&path, &log).unwrap();
    let (mut node, found) = Node::start(boot(folder.path()));
    assert_eq!(found, (2, 13));
    assert_eq!(fs::metadata(&path).unwrap().len(), whole as u64);
    node.tell(&Down::Dump { id: 5, last: false });
    let dump = [("x".to_owned(), json!(1)), ("y".to_owned(), json!(2))].into();
    assert_eq!(node.up(), Up::Dumped { id: 5, dump });
}

#[test]
fn a_damaged_log_is_refused() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("x", json!(1));
    client.write("y", json!(2));
    node.stop();
    let path = folder.path().join("wal");
    let mut log = fs::read(&path).unwrap();
    log[9] ^= 1;
    fs::write(&path, log).unwrap();
    let node = Node::spawn(boot(folder.path()));
    let Up::Refused { id: 0, why } = node.up() else { panic!("not refused") };
    assert!(why.contains("wal: the frame at offset 0 is damaged"), "{why}");
    assert_eq!(node.wait().0, exit::CANNOT_START);
}

#[test]
fn storage_that_cannot_be_written_ends_the_node_with_a_code_of_its_own() {
    let folder = folder();
    fs_err::os::unix::fs::symlink("/dev/full", folder.path().join("wal.synced")).unwrap();
    let node = Node::spawn(boot(folder.path()));
    let Up::DiskFailed { error } = node.up() else { panic!("no failure") };
    assert!(error.contains("wal.synced"), "{error}");
    assert_eq!(node.wait().0, exit::DISK_FAILED);
}

#[test]
fn a_folder_that_is_a_file_ends_the_node_too() {
    let folder = folder();
    let file = folder.path().join("data");
    fs::write(&file, "").unwrap();
    let node = Node::spawn(boot(&file));
    assert!(matches!(node.up(), Up::DiskFailed { .. }));
    assert_eq!(node.wait().0, exit::DISK_FAILED);
}

#[test]
fn a_log_that_has_grown_is_compacted_and_nothing_is_lost() {
    let folder = folder();
    let mut boot_line = boot(folder.path());
    boot_line.storage = Storage { sync: false, batch: 64, flush_ms: 200 };
    let (node, _) = Node::start(boot_line.clone());
    let mut client = Wire::client(&node);
    let large = "x".repeat(1 << 20);
    client.write("small", json!(1));
    for number in 0..70 {
        client.write("large", json!(format!("{number}{large}")));
    }
    assert!(length(folder.path()) < 16 << 20, "{} bytes", length(folder.path()));
    node.stop();
    let (node, (records, torn)) = Node::start(boot_line);
    assert!(records < 10, "{records} records");
    assert_eq!(torn, 0);
    let mut client = Wire::client(&node);
    assert_eq!(client.read("small"), 1);
    assert_eq!(client.read("large"), json!(format!("69{large}")));
}
