//! Files of notes.

use schism_checker::history::Cut;
use schism_checker::note::{Note, read};
use serde_json::{Value, json};

#[test]
fn notes_are_read_and_written_without_loss() {
    let text = concat!(
        "{\"schism\":\"events\",\"format\":1,\"run\":\"r\",\"more\":1}\n",
        "{\"node\":\"n1\",\"incarnation\":2,\"seq\":17,\"time\":123,\"note\":\"leader\",\"fields\":{\"epoch\":3}}\n",
        "{\"node\":\"n2\",\"incarnation\":1,\"seq\":1,\"time\":124,\"note\":\"ready\",\"link\":\"n1-n2\"}\n",
    );
    let notes = read(text.as_bytes(), "e").unwrap();
    let header = notes.header.clone().unwrap();
    assert_eq!((header.run.as_deref(), &header.extra["more"]), (Some("r"), &json!(1)));
    let [leader, ready] = &notes.notes[..] else { panic!("two notes") };
    assert_eq!(
        (&*leader.node, leader.incarnation, leader.seq, leader.time, &*leader.name),
        ("n1", 2, 17, 123, "leader")
    );
    assert_eq!((&leader.fields["epoch"], &ready.extra["link"]), (&json!(3), &json!("n1-n2")));
    assert!(ready.fields.is_empty());

    let lines = [serde_json::to_string(&header), serde_json::to_string(leader), serde_json::to_string(ready)];
    let written: String = lines.map(|line| line.unwrap() + "\n").concat();
    assert_eq!(written, text);
}

#[test]
fn what_is_no_node_needs_no_life() {
    let note: Note = serde_json::from_str(r#"{"node":"network","time":5,"note":"drop"}"#).unwrap();
    assert_eq!((note.incarnation, note.seq), (0, 0));
}

#[test]
fn what_the_run_wrote_between_the_notes_is_kept_apart() {
    let text =
        "{\"event\":\"started\",\"node\":\"n1\",\"time\":1}\n{\"node\":\"n1\",\"seq\":1,\"time\":2,\"note\":\"x\"}\n";
    let notes = read(text.as_bytes(), "e").unwrap();
    assert_eq!((notes.notes.len(), notes.others.len()), (1, 1));
    assert_eq!(notes.others[0]["event"], "started");
    let broken = read(&b"{\"event\":\"x\",\"note\":7}\n"[..], "e").unwrap_err().to_string();
    assert!(broken.contains("line 1"), "a note that is broken is an error: {broken}");
}

#[test]
fn a_cut_end_is_reported_and_other_damage_is_an_error() {
    let line = "{\"node\":\"n1\",\"incarnation\":1,\"seq\":1,\"time\":1,\"note\":\"ready\"}\n";
    let whole = line.repeat(2);
    for end in line.len() + 1..whole.len() - 1 {
        let notes = read(&whole.as_bytes()[..end], "e").unwrap();
        assert_eq!((notes.notes.len(), notes.cut), (1, Some(Cut { line: 2, offset: line.len() as u64 })), "{end}");
    }
    assert_eq!(read(&b""[..], "e").unwrap(), schism_checker::note::Notes::default());

    for (text, wanted) in [
        (format!("{line}{{\"node\"\n{line}"), "e, line 2, byte 68: EOF while parsing an object"),
        (
            "{\"schism\":\"history\",\"format\":1}".into(),
            "e, line 1, byte 0: the header says \"history\", not \"events\"",
        ),
        (
            "{\"schism\":\"events\",\"format\":9}".into(),
            "e has format 9, and this version reads up to 1: use a newer schism",
        ),
        ("{\"note\":\"x\",\"time\":1}\n".into(), "e, line 1, byte 20: missing field `node`"),
    ] {
        let error = read(text.as_bytes(), "e").unwrap_err();
        assert_eq!(error.to_string(), wanted, "{text}");
    }
    let deep = format!("{{\"node\":\"n1\",\"time\":1,\"note\":\"x\",\"fields\":{{\"a\":{}", "[".repeat(1_000_000));
    assert!(read(deep.as_bytes(), "e").is_err());
}

#[test]
fn unknown_values_are_kept_as_they_are() {
    let text = r#"{"node":"n1","incarnation":1,"seq":1,"time":1,"note":"x","fields":{"a":[1,{"b":0.1}]},"z":null}"#;
    let note: Note = serde_json::from_str(text).unwrap();
    let again = serde_json::to_value(&note).unwrap();
    assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
}
