//! Timers, and clocks that are bent.

use schism_nodes::control::{ClockFault, Down, Up};
use serde_json::json;

use crate::fixture::{Node, Wire, boot, folder};

const HOUR_MS: u64 = 3_600_000;
const HOUR_NS: i64 = 3_600_000_000_000;

#[test]
fn timers_expire_in_the_order_of_their_deadlines_and_not_when_they_were_cancelled() {
    let folder = folder();
    let (node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("timers", json!({"a": 40, "b": 20, "c": 1, "cancels": 10, "to-be-cancelled": 30}));
    let order: Vec<_> = (0..4).map(|_| node.note_called("tick")["timer"].take()).collect();
    assert_eq!(order, ["c", "cancels", "b", "a"]);
}

#[test]
fn a_timer_that_is_due_together_with_the_one_that_cancels_it_does_not_expire() {
    let folder = folder();
    let (mut node, _) = Node::start(boot(folder.path()));
    // Both lines come at once, so both timers are due before either is stepped; the order of names decides.
    let fire = |id, timer| json!({"type": "fire", "id": id, "timer": timer});
    node.tell_raw(&format!("{}\n{}", fire(1, "Tick(cancels)"), fire(2, "Tick(to-be-cancelled)")));
    assert_eq!((node.up(), node.up()), (Up::Fired { id: 1 }, Up::Fired { id: 2 }));
    assert_eq!(node.note_called("tick")["timer"], "cancels");
    node.tell(&Down::Fire { id: 3, timer: "Tick(last)".to_owned() });
    assert_eq!(node.note_called("tick")["timer"], "last");
}

#[test]
fn a_faster_clock_brings_timers_nearer_those_that_run_included() {
    let folder = folder();
    let (mut node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("timers", json!({"running": HOUR_MS / 30}));
    node.tell(&Down::Clock { id: 1, fault: ClockFault { offset_ns: 0, rate: 1000.0 } });
    assert!(matches!(node.up(), Up::ClockRead { id: 1, .. }));
    client.write("timers", json!({"new": HOUR_MS / 6}));
    assert_eq!(node.note_called("tick")["timer"], "running");
    assert_eq!(node.note_called("tick")["timer"], "new");
}

#[test]
fn clocks_are_read_back_as_the_protocol_sees_them() {
    let folder = folder();
    let mut boot = boot(folder.path());
    boot.clock = ClockFault { offset_ns: HOUR_NS, rate: 1.0 };
    let (mut node, _) = Node::start(boot);
    let mut client = Wire::client(&node);
    let before = client.read("clocks");
    node.tell(&Down::Clock { id: 8, fault: ClockFault { offset_ns: -HOUR_NS, rate: 0.0 } });
    let Up::ClockRead { id: 8, now, wall, machine_now, machine_wall } = node.up() else { panic!("no clock read") };
    let after = client.read("clocks");
    assert_eq!(after, json!([now, wall]), "at rate 0 the clocks stand");
    assert!(before[0].as_u64().unwrap() <= now && now <= machine_now, "now goes on, and was right until then");
    let offset = i128::from(wall) - i128::from(machine_wall) + i128::from(HOUR_NS);
    assert!(offset.abs() < i128::from(HOUR_NS) / 2, "the wall clock is an hour behind, and {offset} ns");
    let jump = before[1].as_u64().unwrap() - wall;
    assert!(jump > HOUR_NS.unsigned_abs(), "it jumped by {jump} ns");
    node.tell(&Down::Clock { id: 9, fault: ClockFault { offset_ns: 0, rate: -1.0 } });
    assert!(matches!(node.up(), Up::Refused { id: 9, .. }));
}

#[test]
fn a_timer_can_be_fired_whether_it_runs_or_not() {
    let folder = folder();
    let (mut node, _) = Node::start(boot(folder.path()));
    let mut client = Wire::client(&node);
    client.write("timers", json!({"slow": HOUR_MS}));
    for (id, timer) in [(1, "slow"), (2, "slow"), (3, "never set")] {
        node.tell(&Down::Fire { id, timer: format!("Tick({timer})") });
        assert_eq!(node.up(), Up::Fired { id });
        assert_eq!(node.note_called("tick")["timer"], timer);
    }
    node.tell(&Down::Fire { id: 4, timer: "Tock".to_owned() });
    let why = r#"toy has no timer "Tock""#.to_owned();
    assert_eq!(node.up(), Up::Refused { id: 4, why });
}
