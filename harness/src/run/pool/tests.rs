//! Workers over clients that answer as the key tells them to.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use schism_checker::formats;
use schism_checker::history::{Event, EventKind, Header, History, Process};
use schism_workloads::{Load, Register};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::*;
use crate::client::{Client, Dialler};
use crate::recorder::Recorder;
use crate::run::worker::Tally;

/// Clients that answer `ok`, `fail` or `info`, as the key says; any other key is `ok`.
struct Obedient;

impl Dialler for Obedient {
    fn client(&self, _worker: &str, _process: u64, _node: NodeId) -> Box<dyn Client> {
        Box::new(Obedient)
    }
}

#[async_trait]
impl Client for Obedient {
    async fn call(&mut self, request: &RequestKind, _deadline: Duration) -> Completion {
        match request.key() {
            "fail" => Completion::Fail { error: json!("no") },
            "info" => Completion::Info { error: json!("perhaps") },
            _ => Completion::Ok { value: Some(json!(7)), extra: Map::new() },
        }
    }

    async fn abandon(&mut self, _request: &RequestKind) -> Completion {
        Completion::Info { error: json!("given up") }
    }
}

fn setting(folder: &Path) -> Arc<Setting> {
    let header = Header {
        schism: "history".to_owned(),
        format: 1,
        run: None,
        system: None,
        model: None,
        initial: Value::Null,
        start: None,
        extra: Map::new(),
    };
    let recorder = Recorder::create(&folder.join("history.jsonl"), &header, std::time::Instant::now()).unwrap();
    Arc::new(Setting {
        recorder: Arc::new(recorder),
        dialler: Arc::new(Obedient),
        op_timeout: Duration::from_secs(1),
        start: Instant::now(),
        processes: AtomicU64::new(0),
        tally: Tally::default(),
        open_loop: false,
        beside: None,
        ackers: std::sync::Mutex::default(),
    })
}

fn read(key: &str) -> RequestKind {
    RequestKind::Read { key: key.to_owned() }
}

fn recorded(folder: &Path) -> History {
    formats::read_path(&folder.join("history.jsonl")).unwrap()
}

fn processes(events: &[Event]) -> Vec<u64> {
    let number = |event: &Event| match event.process {
        Process::Client(number) if event.kind == EventKind::Invoke => Some(number),
        _ => None,
    };
    events.iter().filter_map(number).collect()
}

#[tokio::test]
async fn a_worker_goes_on_under_a_new_process_after_an_info_and_at_another_node() {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::start(setting(folder.path()), NodeId::universe(2), 1, None);
    for (node, key) in [(1, "ok"), (1, "fail"), (1, "info"), (1, "ok"), (2, "ok"), (2, "ok")] {
        pool.request("c1", NodeId(node), read(key)).await;
    }
    pool.stop().await;
    let history = recorded(folder.path());
    assert_eq!(processes(&history.events), [0, 0, 0, 1, 2, 2]);
    let kinds: Vec<EventKind> = history.events.iter().map(|event| event.kind).collect();
    let ends = [EventKind::Ok, EventKind::Fail, EventKind::Info, EventKind::Ok, EventKind::Ok, EventKind::Ok];
    assert_eq!(kinds, ends.map(|end| [EventKind::Invoke, end]).concat());
    assert_eq!(history.events[1].value, json!(7));
    assert_eq!(history.events[5].extra["error"], json!("perhaps"));
}

#[tokio::test]
async fn a_worker_that_gives_up_tells_which_operation_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let pool = Pool::start(setting(folder.path()), NodeId::universe(1), 2, None);
    pool.request("c2", NodeId(1), read("ok")).await;
    let (index, completion) = tokio::join!(pool.give_up("c2"), pool.request("c2", NodeId(1), read("ok")));
    assert_eq!((index, matches!(completion, Completion::Info { .. })), (Some(2), true));
    pool.stop().await;
    assert_eq!(pool.give_up("c2").await, None);
    assert!(matches!(pool.request("c2", NodeId(1), read("ok")).await, Completion::Fail { .. }));
    assert_eq!(recorded(folder.path()).events.len(), 4);
}

#[tokio::test]
async fn a_workload_is_worked_off_and_workers_that_a_plan_names_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let options = Load {
        keys: 2,
        workers: 3,
        rate: 1000.0,
        time: Duration::from_millis(200),
        open: false,
        mix: vec![("read".to_owned(), 1), ("write".to_owned(), 1)],
    };
    let streams = (0..3).map(|worker| crate::chance::stream(7, &format!("workload/c{worker}"))).collect();
    let served = ["read".to_owned(), "write".to_owned()];
    let workload: Box<dyn Workload> = Box::new(Register::new(&options, &served, streams).unwrap());
    let setting = setting(folder.path());
    let pool = Pool::start(setting.clone(), NodeId::universe(3), 3, Some(workload));
    pool.request("c9", NodeId(3), read("fail")).await;
    while setting.start.elapsed() < Duration::from_millis(200) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pool.stop().await;
    let history = recorded(folder.path());
    let operations = history.operations().unwrap();
    let begun = operations.len() as u64;
    let ended = setting.tally.read();
    assert_eq!((ended.ok + ended.fail + ended.info, ended.fail), (begun, 1));
    let nodes: std::collections::BTreeSet<_> = operations.iter().map(|operation| operation.node.clone()).collect();
    assert!(begun > 3 && nodes.len() == 3, "{begun} operations at {nodes:?}");
    assert_eq!(pool.names(), ["c1", "c2", "c3", "c9"]);
}
