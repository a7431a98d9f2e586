//! Histories that are read straight into operations.

use std::path::PathBuf;

use schism_checker::formats::{NotPaired, read_paired_path, read_path};
use schism_checker::history::{History, Misplaced, NoTuple, PairedHistory, Who};
use serde_json::{Value, json};
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let path = folder.path().join("history");
    std::fs::write(&path, text).expect("it can be written");
    (folder, path)
}

fn both(text: &str) -> (History, Result<PairedHistory, NotPaired>) {
    let (_folder, path) = file(text);
    (read_path(&path).expect("its events can be read"), read_paired_path(&path, false))
}

#[test]
fn it_is_what_the_events_pair_to() {
    let texts = [
        concat!(
            r#"{"schism":"history","format":1,"model":"register","initial":0}"#,
            "\n",
            r#"{"index":3,"time":5,"process":0,"type":"invoke","f":"write","value":[1,2],"node":"n1"}"#,
            "\n",
            r#"{"index":4,"process":"nemesis","type":"info","f":"cut"}"#,
            "\n",
            r#"{"index":5,"process":1,"type":"invoke","f":"read","key":"x"}"#,
            "\n",
            r#"{"index":6,"process":0,"type":"info","f":"write","value":[1,2],"error":"timeout","quorum":2}"#,
            "\n",
            r#"{"index":8,"process":"nemesis","type":"info","f":"final"}"#,
            "\n",
            r#"{"index":9,"process":1,"type":"ok","f":"re"#,
        ),
        "{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f :write, :value 1}\n",
        "INFO  jepsen.util - 3\t:invoke\t:write\t4\nINFO  jepsen.util - 3\t:fail\t:write\t4\n",
    ];
    for text in texts {
        let (history, paired) = both(text);
        let paired = paired.unwrap();
        assert_eq!(paired, history.paired().unwrap());
        assert_eq!((paired.events, &paired.operations), (history.events.len(), &history.operations().unwrap()));
    }
    let (_, paired) = both(texts[0]);
    let paired = paired.unwrap();
    assert_eq!((paired.last_fault, paired.cut.is_some(), paired.operations.len()), (Some(4), true, 2));
    assert_eq!(paired.operations[0].error.as_deref(), Some(&json!("timeout")));
}

#[test]
fn what_is_wrong_is_told_as_for_events() {
    let (history, paired) = both(concat!(
        "{:process 0, :type :invoke, :f :write, :value 1}\n",
        "{:process 0, :type :invoke, :f :write, :value 1}\n"
    ));
    let Err(NotPaired::History(error)) = paired else { panic!("{paired:?}") };
    assert_eq!(error, history.operations().unwrap_err());
    assert!(matches!(error.reason, Misplaced::StillOpen { .. }));
    let (_folder, broken) = file("{:process 0, :type :invoke, :f :write, :value 1}\n{:process 0, :type :ok, :f 7}\n");
    assert!(matches!(read_paired_path(&broken, false), Err(NotPaired::Read(_))));
}

#[test]
fn keys_are_taken_out_of_values() {
    let event = |value: &str| format!("{{:process 0, :type :invoke, :f :write, :value {value}}}\n");
    let (_folder, path) = file(&event("[7 1]"));
    let operations = read_paired_path(&path, true).unwrap().operations;
    assert_eq!((operations[0].key.as_deref(), operations[0].input.as_i64()), (Some(&json!(7)), Some(1)));
    let (_folder, path) = file(&event("1"));
    let Err(NotPaired::Tuple(NoTuple { position, value, .. })) = read_paired_path(&path, true) else {
        panic!("1 is no pair")
    };
    assert_eq!((position, value), (0, json!(1)));
}

#[test]
fn sessions_and_versions_belong_to_operations() {
    let text = r#"{"process":0,"type":"invoke","f":"write","value":5,"session":"s1"}
{"process":0,"type":"ok","f":"write","value":5,"quorum":{"acks":["n2","n3"],"version":[4,"n2",1,17]}}
{"process":1,"type":"invoke","f":"read","value":null,"session":null}
{"process":1,"type":"ok","f":"read","value":null,"quorum":{"acks":["n1"],"version":null}}
"#;
    let operations = both(text).1.expect("it is sound").operations;
    assert_eq!(operations[0].who(), Who::Session(&json!("s1")));
    assert_eq!(operations[0].version.as_deref(), Some(&json!([4, "n2", 1, 17])));
    assert_eq!(operations[1].who(), Who::Process(1), "null is no session");
    assert_eq!(operations[1].version.as_deref(), Some(&Value::Null), "what was never written is known to have none");
}
