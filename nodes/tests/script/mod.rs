//! The runner of golden scripts. It serves every protocol of the catalog; each family of commands has a file of its own.
//!
//! `cluster PROTOCOL nodes=3 clients=2 KEY=VALUE…` comes first; c1 and c2 are then coordinators beside clients. Messages wait until they are delivered; timers expire only when
//! they are fired; so a script needs no clock and no chance.

mod cluster;
mod network;
mod nodes;
mod requests;

use std::error::Error;

use goldenscript::{Command, Context, Runner};
use schism_nodes::catalog::{self, Visitor};
use schism_nodes::{Params, Protocol};

use cluster::Cluster;

/// What a command of a script leaves: lines of the trace.
pub(crate) type Output = Result<String, Box<dyn Error>>;

/// A script's state.
#[derive(Default)]
pub(crate) struct Script {
    cluster: Option<Box<dyn Commands>>,
}

/// A cluster of whatever protocol that takes commands.
trait Commands {
    fn run(&mut self, command: &Command) -> Output;
}

impl Runner for Script {
    type Command = Command;

    fn run(&mut self, command: &Command, _context: &Context) -> Output {
        if command.name == "cluster" {
            let (cluster, output) = start(command)?;
            self.cluster = Some(cluster);
            return Ok(output);
        }
        self.cluster.as_mut().ok_or("a script begins with cluster PROTOCOL nodes=N")?.run(command)
    }
}

/// `cluster PROTOCOL nodes=N [clients=N] KEY=VALUE…`: starts a cluster.
fn start(command: &Command) -> Result<(Box<dyn Commands>, String), Box<dyn Error>> {
    let mut args = command.consume_args();
    let protocol = args.next_pos().ok_or("which protocol?")?;
    let nodes = args.take_key("nodes").map_or(Ok(3), str::parse)?;
    let clients = args.take_key("clients").map_or(Ok(0), str::parse)?;
    let mut params = Params::default();
    while let Some((name, value)) = args.next_key() {
        params.0.insert(name.to_owned(), value.to_owned());
    }
    args.reject_next()?;
    Ok(catalog::with_protocol(protocol, &params, nodes, Start { nodes, clients })?)
}

struct Start {
    nodes: u16,
    /// How many coordinators run beside clients.
    clients: u16,
}

impl Visitor for Start {
    type Output = (Box<dyn Commands>, String);

    fn visit<P: Protocol + 'static>(self, config: P::Config) -> Self::Output {
        let (cluster, output) = Cluster::<P>::start(self.nodes, self.clients, &config);
        (Box::new(cluster), output)
    }
}

impl<P: Protocol> Commands for Cluster<P> {
    fn run(&mut self, command: &Command) -> Output {
        match command.name.as_str() {
            "deliver" => network::deliver(self, command),
            "stabilize" => network::stabilize(self, command),
            "drop" => network::drop_messages(self, command),
            "duplicate" => network::duplicate(self, command),
            "hold" => network::hold(self, command),
            "release" => network::release(self, command),
            "cut" => network::cut(self, command),
            "isolate" => network::isolate(self, command),
            "heal" => network::heal(self, command),
            "fire" => nodes::fire(self, command),
            "advance" => nodes::advance(self, command),
            "clock" => nodes::clock(self, command),
            "crash" => nodes::crash(self, command),
            "restart" => nodes::restart(self, command),
            "status" => nodes::status(self, command),
            "dump" => nodes::dump(self, command),
            "disk" => nodes::disk(self, command),
            "request" => requests::request(self, command),
            "disconnect" => requests::disconnect(self, command),
            other => Err(format!("there is no command {other:?}").into()),
        }
    }
}
