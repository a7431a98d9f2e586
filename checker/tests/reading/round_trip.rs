//! What is written is read again, and nothing is lost on the way.

use std::io;

use proptest::prelude::*;
use schism_checker::formats::{Exported, read_bytes, write};
use schism_checker::history::{Event, EventKind, Header, History, HistoryWriter, Process, append_line};
use serde_json::{Map, Value, json};

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| serde_json::Number::from_f64(float).map_or(Value::Null, Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Keys that are not known, with values.
fn extra() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map("[a-z]{0,2}é?\"?|error|quorum", value(), 0..3)
        .prop_map(|extra| extra.into_iter().filter(|(key, _)| key != "f").collect())
}

fn process() -> impl Strategy<Value = Process> {
    prop_oneof![any::<u64>().prop_map(Process::Client), any::<String>().prop_map(|name| Process::Named(name.into()))]
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(vec![EventKind::Invoke, EventKind::Ok, EventKind::Fail, EventKind::Info]);
    let name = proptest::option::of(any::<String>());
    let who = (any::<Option<u64>>(), process(), kind, any::<String>(), name);
    (any::<u64>(), who, proptest::option::of(value()), value(), extra()).prop_map(
        |(index, (time, process, kind, f, node), key, value, extra)| Event {
            index,
            time,
            process,
            kind,
            f: f.into(),
            key,
            value,
            node: node.map(Into::into),
            extra,
        },
    )
}

fn header() -> impl Strategy<Value = Header> {
    let names = proptest::array::uniform4(proptest::option::of(any::<String>()));
    (names, value(), extra()).prop_map(|([run, system, model, start], initial, extra)| Header {
        schism: "history".into(),
        format: 1,
        run,
        system,
        model,
        initial,
        start,
        extra,
    })
}

fn written(history: &History) -> Vec<u8> {
    let mut writer = match &history.header {
        Some(header) => HistoryWriter::new(Vec::new(), header).expect("memory is never full"),
        None => HistoryWriter::without_header(Vec::new()),
    };
    history.events.iter().for_each(|event| writer.write(event).expect("memory is never full"));
    writer.into_inner()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_written_history_is_read_without_loss(
        header in proptest::option::of(header()),
        events in proptest::collection::vec(event(), 0..6),
    ) {
        let history = History { header, events, cut: None };
        prop_assert_eq!(read_bytes(&written(&history), "h").unwrap(), history);
    }

    #[test]
    fn an_exported_history_has_the_same_events(
        header in proptest::option::of(header()),
        events in proptest::collection::vec(event(), 0..6),
    ) {
        let history = History { header, events, cut: None };
        for (name, format) in Exported::ALL {
            let mut text = Vec::new();
            write(&mut text, &history, format).unwrap();
            let read = read_bytes(&text, name).unwrap();
            prop_assert_eq!(&read.events, &history.events, "{}: {}", name, String::from_utf8_lossy(&text));
            prop_assert_eq!(read.cut, None);
        }
    }

    #[test]
    fn an_event_is_one_line(event in event()) {
        let mut line = Vec::new();
        append_line(&mut line, &event);
        prop_assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
        prop_assert_eq!(serde_json::from_slice::<Event>(&line).unwrap(), event);
    }
}

#[test]
fn keys_stand_in_their_usual_order() {
    let text =
        r#"{"index":9,"time":53,"process":3,"type":"ok","f":"write","key":"x","value":5,"node":"n2","error":"e"}"#;
    let event: Event = serde_json::from_str(text).unwrap();
    let mut line = b"before\n".to_vec();
    append_line(&mut line, &event);
    assert_eq!(String::from_utf8(line).unwrap(), format!("before\n{text}\n"));

    let missing = serde_json::from_value::<Event>(json!({"process": 0, "type": "ok", "f": "read"})).unwrap_err();
    assert_eq!(missing.to_string(), "missing field `index`");
}

/// Counts calls, and is full after some bytes.
struct Disk {
    calls: Vec<Vec<u8>>,
    room: usize,
}

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room -= taken;
        self.calls.push(bytes[..taken].to_vec());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_one_write_and_nothing_follows_a_torn_one() {
    let event: Event =
        serde_json::from_str(r#"{"index":0,"process":0,"type":"invoke","f":"read","value":null}"#).unwrap();
    let mut length = Vec::new();
    append_line(&mut length, &event);
    let mut writer = HistoryWriter::without_header(Disk { calls: vec![], room: length.len() * 2 + 5 });
    writer.write(&event).unwrap();
    writer.write(&event).unwrap();
    assert_eq!(writer.get_ref().calls, [length.clone(), length.clone()]);

    assert_eq!(writer.write(&event).unwrap_err().kind(), io::ErrorKind::StorageFull);
    let mut disk = writer;
    assert!(disk.write(&event).is_err());
    let disk = disk.into_inner();
    let written = disk.calls.concat();
    assert_eq!(written.len(), length.len() * 2 + 5);
    let history = read_bytes(&written, "h").unwrap();
    assert_eq!((history.events.len(), history.cut.map(|cut| cut.line)), (2, Some(3)));
}

#[test]
fn exports_look_as_their_tools_expect() {
    let text = r#"{"schism":"history","format":1,"run":"r","model":"register","initial":null}
{"index":7,"time":53,"process":3,"type":"invoke","f":"write","key":"x","value":[5,null,{"a":1}],"node":"n2"}
{"index":8,"process":"nemesis","type":"info","f":"kill","value":"a,b","id":4}
"#;
    let history = read_bytes(text.as_bytes(), "h").unwrap();
    let told = |format| {
        let mut text = Vec::new();
        write(&mut text, &history, format).unwrap();
        String::from_utf8(text).unwrap()
    };
    let edn = r#";; run r, model register, initial value null
{:index 7, :time 53, :process 3, :type :invoke, :f :write, :key "x", :value [5 nil {"a" 1}], :node "n2"}
{:index 8, :process :nemesis, :type :info, :f :kill, :value "a,b", :id 4}
"#;
    assert_eq!(told(Exported::JepsenEdn), edn);
    let array = r#"[
{"index":7,"time":53,"process":3,"type":"invoke","f":"write","key":"x","value":[5,null,{"a":1}],"node":"n2"},
{"index":8,"process":"nemesis","type":"info","f":"kill","value":"a,b","id":4}
]
"#;
    assert_eq!(told(Exported::ElleJson), array);
    let table = r#"index,time,process,type,f,key,value,node,extra
7,53,3,invoke,write,"""x""","[5,null,{""a"":1}]",n2,
8,,"nemesis",info,kill,,"""a,b""",,"{""id"":4}"
"#;
    assert_eq!(told(Exported::Csv), table);
}
