//! Traps: a node stops exactly between two effects.

use schism_nodes::control::{Down, Trap, TrapAction, Up, exit};
use serde_json::{Value, json};

use crate::fixture::{Node, Wire, boot, boot_pair, folder};

/// Two nodes with a link that is up, and a client of the first, which says something to the second for `speak`.
fn pair(folder: &std::path::Path) -> (Node, Node, Wire) {
    let (first, second) = boot_pair(folder);
    let (speaker, _) = Node::start(first);
    let (hearer, _) = Node::start(second);
    let mut client = Wire::client(&speaker);
    client.write("speak", json!("warm up"));
    assert_eq!(heard(&hearer), "before");
    assert_eq!(heard(&hearer), "after");
    (speaker, hearer, client)
}

fn heard(node: &Node) -> Value {
    node.note_called("heard")["text"].take()
}

#[test]
fn a_held_node_has_sent_what_came_before_the_note_and_nothing_after() {
    let folder = folder();
    let (mut speaker, mut hearer, mut client) = pair(folder.path());
    speaker.arm(1, json!({"note": "speaking", "fields": {"what": "it"}, "nth": 2}), TrapAction::Hold);
    client.write("speak", json!("it"));
    assert_eq!((heard(&hearer), heard(&hearer)), (json!("before"), json!("after")));
    client.write("speak", json!("something else"));
    assert_eq!((heard(&hearer), heard(&hearer)), (json!("before"), json!("after")));

    let serial = client.ask("write", json!("speak"), json!("it"));
    let Up::Held { trap: 1, note } = speaker.up() else { panic!("not held") };
    assert_eq!(note.to_string(), r#"speaking{what="it"}"#);
    assert_eq!(heard(&hearer), "before", "what was sent before the note is out");
    // While it stands still it answers nothing, and only then goes on with the message after the note.
    speaker.tell(&Down::Dump { id: 7, last: false });
    let mut other = Wire::dial("c2.1", "n2", hearer.address);
    other.write("timers", json!({"meanwhile": 50}));
    assert_eq!(hearer.note_called("tick")["timer"], "meanwhile", "or a message would have been heard before this");
    assert_eq!(speaker.ups_so_far(), []);
    speaker.tell(&Down::Go);
    assert_eq!(heard(&hearer), "after");
    assert_eq!(client.body(), json!({"type": "write_ok", "in_reply_to": serial}));
    assert!(matches!(speaker.up(), Up::Dumped { id: 7, .. }), "what was asked meanwhile is answered now");
    hearer.tell(&Down::Dump { id: 8, last: false });
    assert!(matches!(hearer.up(), Up::Dumped { id: 8, .. }));
}

#[test]
fn disarming_the_trap_lets_the_node_go_and_another_does_not() {
    let folder = folder();
    let (mut speaker, hearer, mut client) = pair(folder.path());
    speaker.arm(1, json!({"note": "speaking"}), TrapAction::Hold);
    client.ask("write", json!("speak"), json!(1));
    assert!(matches!(speaker.up(), Up::Held { trap: 1, .. }));
    assert_eq!(heard(&hearer), "before");
    speaker.tell(&Down::Arm(Trap {
        id: 2,
        pattern: serde_json::from_value(json!({"note": "speaking"})).unwrap(),
        action: TrapAction::Hold,
    }));
    speaker.tell(&Down::Disarm { id: 2 });
    speaker.tell(&Down::Disarm { id: 1 });
    assert_eq!(heard(&hearer), "after");
    assert_eq!(client.body()["type"], "write_ok");
    client.write("speak", json!(2));
}

#[test]
fn a_crash_point_ends_the_node_right_there() {
    let folder = folder();
    let (mut speaker, hearer, mut client) = pair(folder.path());
    speaker.arm(1, json!({"note": "speaking", "node": "n1"}), TrapAction::Crash);
    client.ask("write", json!("speak"), json!(1));
    assert_eq!(heard(&hearer), "before");
    assert_eq!(client.line(), None, "the answer came after the note");
    let (code, notes) = speaker.wait();
    assert_eq!(code, exit::CRASH_POINT);
    assert_eq!(notes.last().unwrap().note.name, "speaking");
    let (_, notes) = hearer.stop();
    assert!(notes.iter().all(|line| line.note.name != "heard"), "{notes:?}");
}

#[test]
fn traps_of_the_boot_line_are_armed_before_the_first_step() {
    let folder = folder();
    let mut boot = boot(folder.path());
    boot.traps = vec![Trap {
        id: 3,
        pattern: serde_json::from_value(json!({"note": "started"})).unwrap(),
        action: TrapAction::Hold,
    }];
    let (mut node, _) = Node::start(boot);
    assert!(matches!(node.up(), Up::Held { trap: 3, .. }));
    let mut client = Wire::over(std::net::TcpStream::connect(node.address).unwrap(), "c1.1", "n1");
    client.send_hello(crate::fixture::RUN, "c1.1", "n1");
    node.tell(&Down::Go);
    assert_eq!(client.hello().from, "n1");
}

#[test]
fn a_held_node_reports_no_probe_that_came_meanwhile() {
    let folder = folder();
    let (first, second) = boot_pair(folder.path());
    let (mut sender, _) = Node::start(first);
    let (mut held, _) = Node::start(second);
    let mut client = Wire::client(&sender);
    client.write("speak", json!(1));
    assert_eq!((heard(&held), heard(&held)), (json!("before"), json!("after")));

    held.arm(1, json!({"note": "heard", "fields": {"text": "before"}}), TrapAction::Hold);
    client.write("speak", json!(2));
    assert!(matches!(held.up(), Up::Held { .. }));
    sender.tell(&Down::Probe { number: 1 });
    // Sent after the probe on the same link: when the held node hears it, it has passed the probe.
    sender.tell(&Down::Dump { id: 1, last: false });
    assert!(matches!(sender.up(), Up::Dumped { .. }));
    client.write("speak", json!(3));
    held.tell(&Down::Go);
    assert_eq!((heard(&held), heard(&held)), (json!("before"), json!("after")));
    assert_eq!((heard(&held), heard(&held)), (json!("before"), json!("after")));
    sender.tell(&Down::Probe { number: 2 });
    let next = held.up();
    assert!(matches!(next, Up::ProbeReceived { number: 2, .. }), "{next:?}");
}

#[test]
fn the_end_of_the_control_socket_ends_a_held_node() {
    let folder = folder();
    let (mut node, _) = Node::start(boot(folder.path()));
    node.arm(1, json!({"note": "gone"}), TrapAction::Hold);
    drop(Wire::client(&node));
    assert!(matches!(node.up(), Up::Held { .. }));
    assert_eq!(node.stop().0, exit::DONE);
}
