//! Every real history that lies beside the project can be read, and is one of single-threaded processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schism_checker::formats::read_path;
use schism_checker::history::{EventKind, History, Process};
use serde_json::{Value, json};

/// The folder of histories, if it is there; else the test says that it was skipped.
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/histories");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no folder {}", folder.display());
    None
}

fn histories() -> BTreeMap<String, History> {
    let Some(folder) = folder() else { return BTreeMap::new() };
    let table = fs_err::read_to_string(folder.join("verdicts.tsv")).expect("the folder has a table");
    let files: Vec<&str> = table.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    assert!(files.len() > 70, "{} files in verdicts.tsv", files.len());
    let read = |file: &str| read_path(&folder.join(file)).unwrap_or_else(|error| panic!("{error}"));
    files.into_iter().map(|file| (file.to_owned(), read(file))).collect()
}

#[test]
fn every_file_is_read_to_its_end() {
    for (file, history) in histories() {
        assert_eq!(history.cut, None, "{file}");
        assert_eq!(history.header, None, "{file}");
        let text = fs_err::read_to_string(folder().unwrap().join(&file)).unwrap();
        let invocations =
            text.lines().filter(|line| !line.trim_start().starts_with(';')).collect::<Vec<_>>().join("\n");
        let invocations = invocations.matches(":invoke").count();
        assert!(invocations > 1, "{file}");
        let operations = history.operations().unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(operations.len(), invocations, "{file}");
    }
}

#[test]
fn values_have_the_form_that_their_function_needs() {
    for (file, history) in histories() {
        for event in history.events.iter().filter(|event| matches!(event.process, Process::Client(_))) {
            let is_kv = file.starts_with("kv/");
            assert_eq!(event.key.is_some(), is_kv, "{file}: {event:?}");
            let is_sound = match (&*event.f, event.kind) {
                ("read", EventKind::Ok) => event.value.is_null() || event.value.is_i64(),
                ("read", EventKind::Invoke) => true,
                ("get", EventKind::Invoke) => event.value.is_null(),
                ("get" | "append" | "put", _) => event.value.is_string() && is_kv,
                ("write", EventKind::Invoke | EventKind::Ok) => event.value.is_i64(),
                ("cas", EventKind::Invoke | EventKind::Ok) => {
                    event.value.as_array().is_some_and(|values| values.len() == 2 && values.iter().all(Value::is_i64))
                }
                (f, EventKind::Fail | EventKind::Info) => ["read", "write", "cas"].contains(&f),
                _ => false,
            };
            assert!(is_sound, "{file}: {event:?}");
        }
    }
}

#[test]
fn timeouts_in_the_etcd_logs_are_errors_and_no_values() {
    let histories = histories();
    let infos = histories.iter().filter(|(file, _)| file.starts_with("etcd/")).flat_map(|(_, history)| &history.events);
    let infos: Vec<_> = infos.filter(|event| event.kind == EventKind::Info).collect();
    assert!(infos.len() == 559 || histories.is_empty(), "{} infos", infos.len());
    for event in infos {
        assert_eq!((&event.value, &event.extra["error"]), (&Value::Null, &json!("timed-out")));
    }
}
