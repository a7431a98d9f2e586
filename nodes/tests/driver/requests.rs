//! Requests, replies, causes, notes, and the end of a node.

use std::net::TcpListener;

use schism_nodes::control::exit;
use serde_json::json;

use crate::fixture::{Node, Wire, boot, boot_beside, folder};

#[test]
fn requests_are_answered_under_their_numbers() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.send(&json!({"type": "read", "msg_id": 40, "key": "x"}));
    let expected =
        json!({"src": "n1", "dest": "c1.1", "body": {"type": "read_ok", "in_reply_to": 40, "value": null, "by": "n1"}});
    assert_eq!(client.envelope(), expected);
    client.write("x", json!({"a": [1, 2]}));
    assert_eq!(client.read("x"), json!({"a": [1, 2]}));
    client.send(&json!({"type": "write", "msg_id": 41, "key": 7, "value": 70}));
    assert_eq!(client.body(), json!({"type": "write_ok", "in_reply_to": 41}));
    assert_eq!(client.read("7"), json!(70));
}

#[test]
fn what_cannot_be_served_is_refused_and_the_connection_goes_on() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.send(&json!({"type": "cas", "msg_id": 1, "key": "x", "from": 1, "to": 2}));
    let refused = client.body();
    assert_eq!((&refused["code"], &refused["in_reply_to"]), (&json!(10), &json!(1)));
    for malformed in [
        &b"{"[..],
        b"",
        b"\xff\xfe",
        br#"{"src":"c1.1","dest":"n1"}"#,
        br#"{"src":"c2.1","dest":"n1","body":{"type":"read","msg_id":1,"key":"x"}}"#,
        br#"{"src":"c1.1","dest":"n2","body":{"type":"read","msg_id":1,"key":"x"}}"#,
    ] {
        client.send_raw(malformed);
        assert_eq!(client.body()["code"], json!(12), "{}", String::from_utf8_lossy(malformed));
    }
    client.send_raw(&vec![b'['; 17 << 20]);
    assert_eq!(client.body()["code"], json!(12), "a line that is too long");
    assert_eq!(client.read("x"), json!(null));
}

#[test]
fn a_request_is_answered_once_and_as_its_outcome_says() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("twice", json!(1));
    let serial = client.ask("write", json!("unsure"), json!(1));
    assert_eq!(client.body(), json!({"type": "error", "in_reply_to": serial, "code": 0, "text": "no idea"}));
    client.ask("write", json!("tell"), json!(5));
    assert_eq!(client.body(), json!({"type": "told", "value": 5}));
}

#[test]
fn messages_carry_the_request_that_caused_them() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (node, _) = Node::start(boot_beside(folder.path(), listener.local_addr().unwrap()));
    let mut peer = Wire::accept(&listener);
    let mut client = Wire::client(&node);
    client.write("speak", json!("x"));
    for text in ["before", "after"] {
        let body = json!({"type": "Say", "text": text});
        assert_eq!(peer.envelope(), json!({"src": "n1", "dest": "n2", "cause": "c1.1#1", "body": body}));
    }
    client.write("to-myself", json!(1));
    assert_eq!(peer.envelope()["cause"], json!("c1.1#2"), "a message hands its cause on");
    client.write("timers", json!({"say": 1}));
    let envelope = peer.envelope();
    assert_eq!((&envelope["body"]["text"], envelope.get("cause")), (&json!("of a timer"), None));
}

#[test]
fn notes_are_numbered_and_name_their_maker() {
    let folder = folder();
    let mut boot = boot(folder.path());
    boot.incarnation = 3;
    let (node, _) = Node::start(boot);
    drop(Wire::client(&node));
    let (started, gone) = (node.note(), node.note());
    assert_eq!((&*started.note.name, started.seq, started.incarnation), ("started", 1, 3));
    assert_eq!((gone.note.to_string().as_str(), gone.seq), (r#"gone{client="c1.1"}"#, 2));
    assert!(gone.time >= started.time);
}

#[test]
fn the_end_of_the_control_socket_ends_the_node() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    assert_eq!(node.stop().0, exit::DONE);
    assert_eq!(client.line(), None);
}
