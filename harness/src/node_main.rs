//! `schism node`, hidden: the same program as a node process. Who starts it gives it its control socket, its note pipe and
//! its log as its three standard streams.

use std::os::fd::OwnedFd;

use schism_nodes::catalog::{self, Visitor};
use schism_nodes::control::{Boot, exit};
use schism_nodes::driver::{self, Control};
use schism_nodes::{Params, Protocol};

/// Runs one node from its boot line to its end; the code with which the process then exits, one of
/// [`schism_nodes::control::exit`]. What is wrong with the boot line is told to the controller.
pub fn node_main() -> i32 {
    let (mut control, notes) = match driver::inherited() {
        Ok(inherited) => inherited,
        Err(error) => return cannot_start(&error),
    };
    let boot = match control.read_boot() {
        Ok(boot) => boot,
        Err(error) => return cannot_start(&error),
    };
    let (name, params, count) = (boot.protocol.clone(), Params(boot.params.clone()), boot.nodes);
    if let Err(error) = catalog::validate(&name, &params, count) {
        return control.refuse(error.to_string());
    }
    let node = Node { boot, control, notes };
    catalog::with_protocol(&name, &params, count, node).expect("these parameters have just been validated")
}

fn cannot_start(error: &dyn std::fmt::Display) -> i32 {
    driver::tell(format_args!("error: {error}"));
    exit::CANNOT_START
}

/// A node that knows its protocol by name only.
struct Node {
    boot: Boot,
    control: Control,
    notes: OwnedFd,
}

impl Visitor for Node {
    type Output = i32;

    fn visit<P: Protocol>(self, config: P::Config) -> i32 {
        driver::run::<P>(config, self.boot, self.control, self.notes)
    }
}
