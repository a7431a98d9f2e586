//! Each format on small inputs.

use schism_checker::formats::{Format, Place, locate, read_bytes, read_path_without_evidence, recognise};
use schism_checker::history::{Cut, Event, EventKind, History, Process};
use serde_json::{Value, json};

fn read(text: &str) -> History {
    read_bytes(text.as_bytes(), "h").unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn error(text: &str) -> String {
    match read_bytes(text.as_bytes(), "h") {
        Ok(history) => panic!("was read: {text}: {history:?}"),
        Err(error) => error.to_string(),
    }
}

fn event(index: u64, process: u64, kind: EventKind, f: &str, value: Value) -> Event {
    let extra = serde_json::Map::new();
    Event {
        index,
        time: None,
        process: Process::Client(process),
        kind,
        f: f.into(),
        key: None,
        value,
        node: None,
        extra,
    }
}

/// The value of an EDN form.
fn edn(form: &str) -> Value {
    let history = read(&format!("{{:process 0 :type :ok :f :read :value {form}}}"));
    history.events[0].value.clone()
}

#[test]
fn evidence_is_left_out_where_it_is_not_asked_for_and_errors_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let text = r#"{"process":0,"type":"invoke","f":"read","value":null,"session":"s1","attempt":2}
{"process":0,"type":"ok","f":"read","value":5,"quorum":{"acks":["n1"]}}
{"process":1,"type":"invoke","f":"read","value":null}
{"process":1,"type":"info","f":"read","value":null,"error":"timed out","quorum":{"acks":[]}}
{"process":"nemesis","type":"info","f":"kill","value":["n1"],"phase":"begin"}
"#;
    fs_err::write(&path, text).unwrap();
    let mut expected = read(text);
    expected.events[0].extra.remove("attempt");
    expected.events[1].extra.clear();
    expected.events[3].extra.remove("quorum");
    assert_eq!(read_path_without_evidence(&path).unwrap(), expected);
    assert_eq!(expected.events[3].extra["error"], json!("timed out"));
    fs_err::write(&path, text.replace("[]", "[123456789012345678901]")).unwrap();
    assert!(read_path_without_evidence(&path).unwrap_err().to_string().contains("line 4"), "its damage is told");
}

#[test]
fn formats_are_recognised_by_content() {
    for (text, format) in [
        ("", Some(Format::JsonLines)),
        (" \n\n", Some(Format::JsonLines)),
        ("{", Some(Format::JsonLines)),
        ("{ \"index\":0", Some(Format::JsonLines)),
        ("\u{feff}{\"index\":0", Some(Format::JsonLines)),
        ("{:process 0", Some(Format::Edn)),
        ("\n[{:process 0", Some(Format::Edn)),
        ("[]", Some(Format::Edn)),
        ("({:process 0", Some(Format::Edn)),
        ("; a comment", Some(Format::Edn)),
        ("#jepsen.history.Op{:process 0", Some(Format::Edn)),
        ("INFO  jepsen.util - 0\t:invoke\t:read\tnil\n", Some(Format::Log)),
        ("0\t:invoke\t:read\tnil\n", Some(Format::Log)),
        ("[{\"index\":0", Some(Format::JsonArray)),
        ("[\n  { \"process\":0", Some(Format::JsonArray)),
        ("index,time,process,type,f,key,value,node,extra\r\n", Some(Format::Csv)),
        ("index,time\n", None),
        ("0\tinvoke\tread\n", None),
        ("<html>", None),
        ("\0\0\0\0", None),
        ("\u{1f}\u{8b}", None),
    ] {
        assert_eq!(recognise(text.as_bytes()), format, "{text:?}");
    }
    assert_eq!(
        error("<html>"),
        "h is no history: it begins with \"<html>\"; known are Schism's JSON lines, JSON arrays of events, \
         Jepsen's EDN and its tab-separated logs"
    );
}

#[test]
fn json_lines_keep_what_they_do_not_know() {
    let history = read(concat!(
        r#"{"schism":"history","format":1,"run":"r","system":"nwr:n=3","model":"register","initial":7,"start":"2026-08-24T02:17:00.1Z","tuned":true}"#,
        "\n\n",
        r#"{"index":7,"time":53,"process":3,"type":"invoke","f":"write","key":"x","value":5,"node":"n2"}"#,
        "\r\n",
        r#"{"quorum":{"acks":["n2"]},"index":9,"process":3,"type":"ok","f":"write","key":null,"value":5,"time":null,"node":null}"#,
        "\n",
        r#"{"process":"nemesis","type":"info","f":"partition"}"#,
    ));
    let header = history.header.unwrap();
    assert_eq!((header.run.as_deref(), &header.initial, &header.extra["tuned"]), (Some("r"), &json!(7), &json!(true)));
    let mut write = event(7, 3, EventKind::Invoke, "write", json!(5));
    (write.time, write.key, write.node) = (Some(53), Some(json!("x")), Some("n2".into()));
    let mut written = event(9, 3, EventKind::Ok, "write", json!(5));
    written.key = Some(Value::Null);
    written.extra.insert("quorum".into(), json!({"acks": ["n2"]}));
    let mut cut = event(10, 0, EventKind::Info, "partition", Value::Null);
    cut.process = Process::Named("nemesis".into());
    assert_eq!(history.events, [write, written, cut]);
    assert_eq!(history.cut, None);
}

#[test]
fn an_event_may_have_a_field_that_is_called_as_the_mark_of_a_header() {
    for schism in [r#""history""#, r#"["write","x",true]"#] {
        let event = format!(r#"{{"index":0,"type":"invoke","process":1,"f":"read","value":null,"schism":{schism}}}"#);
        let history = read(&format!("{event}\n"));
        assert_eq!((history.header.is_none(), history.events.len()), (true, 1), "{schism}");
        assert_eq!(history.events[0].extra["schism"], serde_json::from_str::<Value>(schism).unwrap());
    }
    let remarked = read("{\"schism\":\"history\",\"format\":1,\"note\":\"a remark\",\"process\":\"by hand\"}\n");
    assert_eq!(remarked.header.unwrap().extra["note"], json!("a remark"));
}

#[test]
fn repeated_names_are_kept_once() {
    let history = read(&"{:process 0 :type :invoke :f :read :node \"n1\"}".repeat(2));
    assert!(std::sync::Arc::ptr_eq(&history.events[0].f, &history.events[1].f));
    let line = r#"{"process":0,"type":"ok","f":"read","node":"n1"}"#;
    let history = read(&format!("{line}\n{line}\n"));
    let node = |event: usize| history.events[event].node.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&node(0), &node(1)));
}

#[test]
fn edn_histories_come_in_a_vector_a_list_or_bare() {
    let events =
        [event(0, 1, EventKind::Invoke, "cas", json!([2, 3])), event(1, 1, EventKind::Ok, "cas", json!([2, 3]))];
    let invoke = "{:process 1, :type :invoke, :f :cas, :value [2 3]}";
    let ok = "{:value (2 3),\n :f :cas, :type :ok\n, :process 1, :node nil}";
    for text in [
        format!("[{invoke}\n {ok}]\n"),
        format!("({invoke} #_ {{:process 9}} {ok})"),
        format!("; why\n{invoke}\n; and\n{ok}"),
        format!("#jepsen.history.Op{invoke} #a #b {ok} #_#_ 1 2"),
        format!("[] [{invoke}] {ok} ()"),
    ] {
        assert_eq!(read(&text).events, events, "{text}");
        assert_eq!(read(&text).cut, None, "{text}");
    }
}

#[test]
fn edn_events_keep_what_they_do_not_know() {
    let history = read(
        "{:index 4 :time 12 :process :nemesis :type :info :f :start :value :majority :node [\"n1\"] :at #inst \"2015\"} \
         {:process 3 :type :fail :f :read :key :x :value nil :error [:no-answer nil] \"clock\" {1 {:ns/k 2}}}",
    );
    let [nemesis, fail] = &history.events[..] else { panic!("two events") };
    assert_eq!((nemesis.index, nemesis.time, &nemesis.value), (4, Some(12), &json!("majority")));
    assert_eq!((nemesis.node.as_deref(), &nemesis.extra["at"]), (Some("[\"n1\"]"), &json!("2015")));
    assert_eq!((fail.index, &fail.key), (5, &Some(json!("x"))));
    assert_eq!(Value::Object(fail.extra.clone()), json!({"error": ["no-answer", null], "clock": {"1": {"ns/k": 2}}}));
}

#[test]
fn the_reason_of_an_unhappy_end_is_an_error() {
    let history = read(
        "{:process 0 :type :info :f :write :value :timed-out} {:process 0 :type :ok :f :read :value :a} \
         {:process 0 :type :info :f :write :value :timed-out :error 5} {:process :n :type :info :f :stop :value :all}",
    );
    let told: Vec<_> =
        history.events.iter().map(|event| (event.value.clone(), event.extra.get("error").cloned())).collect();
    assert_eq!(
        told,
        [
            (json!(null), Some(json!("timed-out"))),
            (json!("a"), None),
            (json!("timed-out"), Some(json!(5))),
            (json!("all"), None)
        ]
    );
}

#[test]
fn edn_values_become_json() {
    for (form, value) in [
        ("nil", json!(null)),
        ("true", json!(true)),
        ("-12", json!(-12)),
        ("+3", json!(3)),
        ("18446744073709551615", json!(u64::MAX)),
        ("7N", json!(7)),
        ("36893488147419103232N", json!("36893488147419103232N")),
        ("-99999999999999999999", json!("-99999999999999999999")),
        ("1.5", json!(1.5)),
        ("-2.5e3M", json!(-2500.0)),
        ("1e999", json!("1e999")),
        ("2/3", json!("2/3")),
        ("##Inf", json!("Inf")),
        (r#""a\n\"\\\u00e9\ud83d\ude00 é""#, json!("a\n\"\\é😀 é")),
        (r"\a", json!("a")),
        (r"\newline", json!("\n")),
        (r"\u0041", json!("A")),
        (r"[\( \)]", json!(["(", ")"])),
        (":a/b", json!("a/b")),
        ("sym.bol*", json!("sym.bol*")),
        ("#{10 9 \"b\" :a}", json!([9, 10, "a", "b"])),
        ("[1,(2 #_ 3 4) {}]", json!([1, [2, 4], {}])),
        ("{:a 1, \"b\" [2] 3 4 nil 5}", json!({"a": 1, "b": [2], "3": 4, "null": 5})),
        ("#uuid \"x\"", json!("x")),
        ("[1 ; one\n 2]", json!([1, 2])),
    ] {
        assert_eq!(edn(form), value, "{form}");
    }
}

#[test]
fn log_lines_may_have_anything_before_their_process() {
    let history = read(
        "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]\n0\t:ok\t:cas\t[1 2]\r\n12 \t:info\t:write\t:timed-out\n\
         :nemesis\t:info\t:start\t\"cut\"\n3\t:fail\t:write\t4\t[:no \"leader\"]\n",
    );
    let mut info = event(2, 12, EventKind::Info, "write", Value::Null);
    info.extra.insert("error".into(), json!("timed-out"));
    let mut nemesis = event(3, 0, EventKind::Info, "start", json!("cut"));
    nemesis.process = Process::Named("nemesis".into());
    let mut fail = event(4, 3, EventKind::Fail, "write", json!(4));
    fail.extra.insert("error".into(), json!(["no", "leader"]));
    let cas = [event(0, 0, EventKind::Invoke, "cas", json!([1, 2])), event(1, 0, EventKind::Ok, "cas", json!([1, 2]))];
    assert_eq!(history.events, [&cas[..], &[info, nemesis, fail]].concat());
}

#[test]
fn places_of_events_are_found_again() {
    for (text, place) in [
        (
            "{\"schism\":\"history\",\"format\":1}\n\n{\"process\":0,\"type\":\"ok\",\"f\":\"r\"}\n",
            Place { line: 3, offset: 33 },
        ),
        ("0\t:invoke\t:read\tnil\n", Place { line: 1, offset: 0 }),
        ("; a\n[\n {:process 0 :type :ok :f :r}]", Place { line: 3, offset: 7 }),
    ] {
        assert_eq!(locate(text.as_bytes(), 0), Some(place), "{text}");
        assert_eq!(locate(text.as_bytes(), 1), None, "{text}");
    }
}

#[test]
fn broken_lines_are_told_with_place_and_reason() {
    let good = r#"{"process":0,"type":"ok","f":"read"}"#;
    for (text, wanted) in [
        (format!("{good}\n{{\"process\":0,,}}\n{good}\n"), "h, line 2, byte 50: key must be a string"),
        (format!("{good}\n{{\"process\":0\n"), "h, line 2, byte 48: EOF while parsing an object"),
        (format!("{good} {good}\n"), "h, line 1, byte 37: trailing characters"),
        (format!("{good}\n{{\"type\":\"ok\"}}"), "h, line 2, byte 37: the event has no process"),
        (
            format!("{good}\n{{\"type\":\"done\"}}"),
            "h, line 2, byte 50: unknown variant `done`, expected one of `invoke`, `ok`, `fail`, `info`",
        ),
        (format!("{good}\n{{\"f\":null,\"process\":0,\"type\":\"ok\"}}"), "h, line 2, byte 37: the event has no f"),
        (
            r#"{"process":-1,"type":"ok","f":"read"}"#.into(),
            "h, line 1, byte 12: invalid value: integer `-1`, expected a process: a non-negative integer for a client, a string for somebody else",
        ),
        (
            r#"{"process":0,"process":1,"type":"ok","f":"read"}"#.into(),
            "h, line 1, byte 23: a key stands twice in this event",
        ),
        (
            r#"{"process":0,"type":"ok","f":"\"9\"","x":1e30,"value":[1,-99999999999999999999]}"#.into(),
            "h, line 1, byte 57: an integer beyond 64 bits would not be kept exactly: write it as a string",
        ),
        (r#"{"schism":"events","format":1}"#.into(), "h, line 1, byte 0: the header says \"events\", not \"history\""),
        (
            r#"{"schism":"history","format":2}"#.into(),
            "h has format 2, and this version reads up to 1: use a newer schism",
        ),
        (r#"{"schism":"history"}"#.into(), "h, line 1, byte 0: the header is broken: missing field `format`"),
        ("{:process 0 :type :ok :f :r}\n{:type :ok}".into(), "h, line 2, byte 29: the event has no :process"),
        ("[\n 5]".into(), "h, line 2, byte 3: expected an event: a map with :process, :type and :f"),
        ("[{:process 0 :type :done}]".into(), "h, line 1, byte 19: :type has to be :invoke, :ok, :fail or :info"),
        ("[{:process 0 :process 1}]".into(), "h, line 1, byte 22: :process stands twice in this event"),
        ("[{:process 1.5}]".into(), "h, line 1, byte 11: :process has to be a client's number or a name"),
        ("[{:value [1 2}]".into(), "h, line 1, byte 13: '}' closes nothing here"),
        ("[{:value {:a 1 :a 2}}]".into(), "h, line 1, byte 17: a key stands twice in this map"),
        ("[{:value 12x}]".into(), "h, line 1, byte 9: \"12x\" is no number"),
        ("[{:value \"\\q\"}]".into(), "h, line 1, byte 10: an escape that EDN does not have"),
        (
            "{:process 0 :type :ok\n{:process 0 :type :ok :f :r}\n".into(),
            "h, line 2, byte 22: a map stands as a key; does the one before it lack its bracket?",
        ),
        ("0\t:ok\t:read\t1\nsome words\n".into(), "h, line 2, byte 14: no process stands before the first tab"),
        (
            "0\t:ok\t:read\t1\n0\t:okay\t:read\t1\n".into(),
            "h, line 2, byte 16: no type: expected :invoke, :ok, :fail or :info",
        ),
        ("0\t:ok\tread\t1\n".into(), "h, line 1, byte 6: no f: expected a keyword such as :read"),
        ("0\t:ok\t:read\n".into(), "h, line 1, byte 12: the line ends before its value"),
        ("0\t:ok\t:read\t[1\n".into(), "h, line 1, byte 14: the value: the text ends in the middle of a form"),
        ("0\t:ok\t:read\t1 2\n".into(), "h, line 1, byte 14: the value: something follows the value"),
    ] {
        assert_eq!(error(&text), wanted, "{text}");
    }
}

#[test]
fn a_cut_end_is_reported() {
    let header = "{\"schism\":\"history\",\"format\":1}\n";
    let line = "{\"index\":0,\"process\":0,\"type\":\"ok\",\"f\":\"é\",\"value\":true}\n";
    let whole = format!("{header}{line}{line}");
    for end in 0..whole.len() {
        let history = read_bytes(&whole.as_bytes()[..end], "h").unwrap();
        let begins = [0, header.len(), header.len() + line.len(), whole.len()];
        // A line is whole with its closing bracket, even where its line feed is missing.
        let complete = begins[1..].iter().filter(|&&begin| begin <= end + 1).count();
        let cut = (end > begins[complete]).then(|| Cut { line: complete as u64 + 1, offset: begins[complete] as u64 });
        assert_eq!(
            (history.header.is_some(), history.events.len(), history.cut),
            (complete > 0, complete.saturating_sub(1), cut),
            "{end}"
        );
    }
}

#[test]
fn other_formats_are_cut_as_well() {
    let whole = "[{:process 0 :type :ok :f :read :value \"a\"}\n {:process 0 :type :ok\n :f :read}\n]";
    let last = whole.find("\n {").unwrap() + 2;
    for end in last + 1..whole.len() - 2 {
        let history = read(&whole[..end]);
        assert_eq!((history.events.len(), history.cut), (1, Some(Cut { line: 2, offset: last as u64 })), "{end}");
    }
    let history = read(&whole[..whole.len() - 1]);
    assert_eq!((history.events.len(), history.cut), (2, Some(Cut { line: 4, offset: whole.len() as u64 - 1 })));

    // It might have been 12.
    let history = read("0\t:invoke\t:write\t12\n0\t:ok\t:write\t1");
    assert_eq!((history.events.len(), history.cut), (1, Some(Cut { line: 2, offset: 20 })));
}

#[test]
fn a_json_array_is_read_as_elle_writes_it() {
    let text = r#"[
  {"type": "invoke", "process": 0, "f": "txn", "value": [["append", 3, 1], ["r", 3, null]]},
  {
    "type": "ok", "process": 0, "f": "txn",
    "value": [["append", 3, 1], ["r", 3, [1]]]
  }
]"#;
    let history = read_bytes(text.as_bytes(), "h").unwrap();
    assert_eq!((history.events.len(), history.events[1].index, &history.cut), (2, 1, &None));
    assert_eq!(locate(text.as_bytes(), 1).unwrap().line, 3);

    // Cut at any byte it is read up to there, or is something else altogether.
    for length in 3..text.len() - 1 {
        let cut = read_bytes(&text.as_bytes()[..length], "h").unwrap();
        assert!(cut.cut.is_some(), "cut at {length}");
        assert_eq!(cut.events[..], history.events[..cut.events.len()]);
    }
}

#[test]
fn damage_in_an_array_or_a_table_is_an_error_with_its_place() {
    let two = r#"[{"process":0,"type":"invoke","f":"read"},"#;
    for (text, reason) in [
        (format!("{two}\n{{\"process\":0}}]"), "h, line 2, byte 43: the event has no type"),
        (format!("{two}\n{{\"process\":{{}}}}]"), "h, line 2, byte 55: invalid type: map"),
        (format!("{two}\n]"), "h, line 2, byte 43: expected value"),
        ("[{\"process\":0,\"type\":\"ok\",\"f\":\"r\"} {}]".to_owned(), "expected a comma"),
        ("[{\"process\":0,\"type\":\"ok\",\"f\":\"r\"}] 1".to_owned(), "something follows the array"),
        ("[{\"process\":0,\"value\":123456789012345678901}]".to_owned(), "no type"),
        (
            "[{\"process\":0,\"type\":\"ok\",\"f\":\"r\",\"value\":123456789012345678901}]".to_owned(),
            "byte 42: an integer beyond",
        ),
        ("index,time,process,type,f,key,value,node,extra\n1,2,3,ok,r\n".to_owned(), "line 2, byte 47: this line has 5"),
        ("index,time,process,type,f,key,value,node,extra\n,,3,ok,r,,x,,\n".to_owned(), "value is no JSON"),
        ("index,time,process,type,f,key,value,node,extra\n,,3,ok,\"r\"1,,,,\n".to_owned(), "follows a quoted field"),
        (
            "index,time,process,type,f,key,value,node,extra\n,,3,ok,r,,,,\"{\"\"index\"\":[2]}\"\n".to_owned(),
            "extra has a field \"index\", which has a column of its own",
        ),
        (
            "index,time,process,type,f,key,value,node,extra\n,,3,ok,r,18446744073709551617,,,\n".to_owned(),
            "key has 18446744073709551617, an integer beyond 64 bits",
        ),
        (
            "index,time,process,type,f,key,value,node,extra\n,,3,ok,r,,\"[1,-9223372036854775809]\",,\n".to_owned(),
            "value has -9223372036854775809, an integer beyond 64 bits",
        ),
    ] {
        let told = error(&text);
        assert!(told.contains(reason), "{told}");
    }
    let cut = read_bytes(b"index,time,process,type,f,key,value,node,extra\n,,3,ok,r,,5,,\n,,3,ok,r,,5", "h").unwrap();
    assert_eq!((cut.events.len(), cut.cut.map(|cut| cut.line)), (1, Some(3)));
}
