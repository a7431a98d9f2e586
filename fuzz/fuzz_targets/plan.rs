//! Plans: what is read is written and read again as the same, and can be carried out or is refused with reasons.

#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use schism::faults::Faults;
use schism::network::Rung;
use schism::plan::{self, Ground};
use schism_nodes::{LinkOrder, NodeId};

fuzz_target!(|text: &str| {
    let Ok(plan) = plan::parse(text, "fuzzed") else { return };
    let written = plan.to_json();
    let again = plan::parse(&written, "written").expect("what was written can be read");
    assert_eq!(again.to_json(), written);
    // Which plans are refused, and how, the tests of the harness look at.
    let _ = plan::steps(&plan, &ground(), &Faults::default(), "fuzzed");
});

/// Three nodes with a leader, on which every request and every fault makes sense.
fn ground() -> Ground {
    Ground {
        system: "raft".to_owned(),
        nodes: NodeId::universe(3),
        beside_clients: false,
        has_leader: true,
        links: LinkOrder::Any,
        requests: ["read", "write", "cas", "append", "enqueue", "dequeue"].map(str::to_owned).to_vec(),
        rung: Rung::Proxy,
        recovery: Duration::from_millis(500),
        ours: true,
    }
}
