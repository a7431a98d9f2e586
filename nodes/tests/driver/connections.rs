//! Hellos, peers, probes, and lines that are none.

use std::net::{TcpListener, TcpStream};

use schism_nodes::NodeId;
use schism_nodes::control::{Boot, Down, Up, exit};
use serde_json::json;

use crate::fixture::{Node, RUN, Wire, boot, boot_beside, boot_pair, folder, free_address};

#[test]
fn a_connection_that_is_not_meant_for_us_is_refused() {
    let folder = folder();
    let (node, _) = Node::start(boot_beside(folder.path(), free_address()));
    for (run, from, to) in [
        ("run-2", "c1.1", "n1"),
        (RUN, "c1.1", "n2"),
        (RUN, "n1", "n1"),
        (RUN, "n3", "n1"),
        (RUN, "", "n1"),
        (RUN, "c#1", "n1"),
    ] {
        let mut wire = Wire::over(TcpStream::connect(node.address).unwrap(), from, to);
        wire.send_hello(run, from, to);
        assert_eq!(wire.line(), None, "{run} {from} {to}");
    }
    for line in [&b"GET / HTTP/1.1"[..], &[b'x'; 5000]] {
        let mut wire = Wire::over(TcpStream::connect(node.address).unwrap(), "c1.1", "n1");
        wire.send_raw(line);
        assert_eq!(wire.line(), None);
    }
    assert_eq!(Wire::client(&node).read("x"), json!(null), "the others are served as before");
}

#[test]
fn a_peer_that_answers_as_somebody_else_gets_nothing_and_is_dialled_again() {
    let folder = folder();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (node, _) = Node::start(boot_beside(folder.path(), listener.local_addr().unwrap()));
    Wire::client(&node).write("speak", json!("x"));
    for (run, from, to) in [("run-2", "n2", "n1"), (RUN, "n3", "n1"), (RUN, "n1", "n2")] {
        let mut wire = Wire::over(listener.accept().unwrap().0, "n2", "n1");
        wire.hello();
        wire.send_hello(run, from, to);
        assert_eq!(wire.line(), None, "{run} {from} {to}");
    }
    let mut peer = Wire::accept(&listener);
    assert_eq!(peer.body()["text"], "before", "what waited arrives");
}

#[test]
fn a_peer_that_comes_back_is_dialled_again() {
    let folder = folder();
    let (first, second) = boot_pair(folder.path());
    let (talker, _) = Node::start(first);
    let mut client = Wire::client(&talker);
    for incarnation in 1..=3 {
        let (listener, _) = Node::start(Boot { incarnation, ..second.clone() });
        client.write("speak", json!(incarnation));
        assert_eq!(listener.note_called("heard")["from"], "n1");
        assert_eq!(listener.stop().0, exit::DONE);
    }
}

#[test]
fn a_peers_malformed_lines_are_noted_and_dropped() {
    let folder = folder();
    let (node, _) = Node::start(boot_beside(folder.path(), free_address()));
    let mut peer = Wire::dial("n2", "n1", node.address);
    for malformed in [
        &b"{"[..],
        b"\xff",
        br#"{"src":"n2","dest":"n1","body":{"type":"Shout"}}"#,
        br#"{"src":"n2","dest":"n1","body":7}"#,
        br#"{"src":"n3","dest":"n1","body":{"type":"Say","text":1}}"#,
        br#"{"src":"n2","dest":"n3","body":{"type":"Say","text":1}}"#,
        br#"{"src":"n2","dest":"n1","body":{"type":"probe","number":-1,"from":"n2"}}"#,
        &vec![b' '; 17 << 20],
    ] {
        peer.send_raw(malformed);
        let noted = node.note_called("malformed");
        assert_eq!(noted["from"], "n2");
        assert!(noted["error"].as_str().is_some_and(|error| !error.is_empty()), "{noted}");
    }
    peer.send(&json!({"type": "Say", "text": "well formed"}));
    assert_eq!(node.note_called("heard"), json!({"from": "n2", "text": "well formed"}));
}

#[test]
fn probes_go_over_the_links_and_are_reported() {
    let folder = folder();
    let (first, second) = boot_pair(folder.path());
    let (mut sender, _) = Node::start(first);
    let (receiver, _) = Node::start(second);
    // What is heard proves that the link is up: a link that is down carries no probe.
    Wire::client(&sender).write("speak", json!(1));
    receiver.note_called("heard");
    for number in [7, 8] {
        sender.tell(&Down::Probe { number });
        assert_eq!(receiver.up(), Up::ProbeReceived { number, from: NodeId(1) });
    }
}

#[test]
fn a_node_that_cannot_start_says_why() {
    let folder = folder();
    let good = boot(folder.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for (boot, expected) in [
        (Boot { listen: address, ..good.clone() }, format!("n1 cannot listen on {address}")),
        (Boot { seed: "abc".to_owned(), ..good.clone() }, "the seed is not 64 hexadecimal digits".to_owned()),
        (Boot { node: NodeId(2), ..good.clone() }, "n2 is none of 1 nodes".to_owned()),
        (Boot { nodes: 2, ..good.clone() }, "n1 needs an address for each other node".to_owned()),
        (Boot { format: 2, ..good.clone() }, "the boot line has format 2".to_owned()),
    ] {
        let node = Node::spawn(boot);
        let Up::Refused { id: 0, why } = node.up() else { panic!("not refused: {expected}") };
        assert!(why.contains(&expected), "{why}");
        assert_eq!(node.wait().0, exit::CANNOT_START);
    }
}

#[test]
fn a_control_line_that_is_none_is_refused_and_the_node_goes_on() {
    let folder = folder();
    let (mut node, _) = Node::start(boot(folder.path()));
    node.tell_raw("{}");
    assert!(matches!(node.up(), Up::Refused { id: 0, .. }));
    node.tell(&Down::Boot(Box::new(boot(folder.path()))));
    assert_eq!(node.up(), Up::Refused { id: 0, why: "n1 runs already".to_owned() });
    node.tell(&Down::Dump { id: 1, last: false });
    assert!(matches!(node.up(), Up::Dumped { id: 1, .. }));
}
