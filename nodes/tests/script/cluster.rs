//! The cluster of a script: its nodes, the messages between them, and the trace of what they do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schism_nodes::cx::Effect;
use schism_nodes::{Event, NodeId, Outcome, Protocol, Time};

use crate::common::Machine;

/// Nodes and the messages between them.
pub(super) struct Cluster<P: Protocol> {
    pub(super) machines: BTreeMap<NodeId, Machine<P>>,
    /// Messages that were sent and have not arrived, in the order of sending.
    pub(super) messages: Vec<InFlight<P>>,
    /// Directed links that lose everything.
    pub(super) cut: BTreeSet<(NodeId, NodeId)>,
    pub(super) now: Time,
    /// The last serial of each client.
    pub(super) serials: BTreeMap<String, u64>,
}

/// A message on its way.
pub(super) struct InFlight<P: Protocol> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) message: P::Message,
    /// It stays until it is released.
    pub(super) held: bool,
}

impl<P: Protocol> Cluster<P> {
    /// Starts `nodes` nodes, and coordinators beside `clients` clients; what they did at once.
    pub(super) fn start(nodes: u16, clients: u16, config: &P::Config) -> (Self, String) {
        let universe: Vec<NodeId> =
            NodeId::universe(nodes).into_iter().chain((1..=clients).map(NodeId::beside)).collect();
        let machine = |id| (id, Machine::new(id, nodes, config.clone(), 1));
        let mut cluster = Cluster {
            machines: universe.iter().copied().map(machine).collect(),
            messages: Vec::new(),
            cut: BTreeSet::new(),
            // A wall clock of 0 would hide tags that are taken from it.
            now: Time(1_000_000_000),
            serials: BTreeMap::new(),
        };
        let mut output = String::new();
        for id in universe {
            let now = cluster.now;
            let effects = cluster.machine(id).start(now);
            cluster.release_effects(id, effects, &mut output);
        }
        (cluster, output)
    }

    pub(super) fn machine(&mut self, id: NodeId) -> &mut Machine<P> {
        self.machines.get_mut(&id).expect("commands name nodes of the cluster")
    }

    /// Steps a node, and shows what it does.
    pub(super) fn step(&mut self, id: NodeId, event: Event<P>, output: &mut String) {
        let now = self.now;
        let effects = self.machine(id).step(event, now);
        self.release_effects(id, effects, output);
    }

    /// Shows effects and puts messages on their way. Messages to oneself arrive at once.
    pub(super) fn release_effects(&mut self, id: NodeId, effects: Vec<Effect<P>>, output: &mut String) {
        let mut to_itself = Vec::new();
        for effect in effects {
            match effect {
                Effect::Persist(record) => line(output, &format!("{id} persist {record}")),
                Effect::PersistLazily(record) => line(output, &format!("{id} persist lazily {record}")),
                Effect::Send { to, message } if to == id => to_itself.push(message),
                Effect::Send { to, message } => {
                    line(output, &format!("{id} → {to} {message}"));
                    self.messages.push(InFlight { from: id, to, message, held: false });
                }
                Effect::Reply { id: request, outcome } => {
                    // As the driver does: a second reply, or one to a life that is over, goes nowhere.
                    if let Some((client, serial)) = self.machine(id).open.remove(&request) {
                        line(output, &format!("{id} reply {client}#{serial} {}", show(&outcome)));
                    }
                }
                Effect::Tell { client, body } => line(output, &format!("{id} tell {client} {body}")),
                Effect::Note(note) => line(output, &format!("{id} note {note}")),
                Effect::SetTimer { .. } | Effect::CancelTimer(_) => {}
            }
        }
        for message in to_itself {
            self.step(id, Event::Message { from: id, message }, output);
        }
    }

    /// The message at a place of the queue arrives, or is lost.
    pub(super) fn arrive(&mut self, place: usize, output: &mut String) {
        let InFlight { from, to, message, .. } = self.messages.remove(place);
        if self.cut.contains(&(from, to)) || self.machine(to).node().is_none() {
            line(output, &format!("{to} ✗ {from} {message}"));
        } else {
            line(output, &format!("{to} ← {from} {message}"));
            self.step(to, Event::Message { from, message }, output);
        }
    }
}

pub(super) fn line(output: &mut String, text: &str) {
    writeln!(output, "{text}").expect("a string takes all");
}

fn show(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(answer) => {
            let mut text = "ok".to_owned();
            if let Some(value) = &answer.value {
                write!(text, " {value}").expect("a string takes all");
            }
            for (name, evidence) in &answer.extra {
                write!(text, " {name}={evidence}").expect("a string takes all");
            }
            text
        }
        Outcome::Fail(refusal) => format!("FAIL {} {}", refusal.code.0, refusal.text),
        Outcome::Redirect { to, refusal } => format!("REDIRECT {to} {} {}", refusal.code.0, refusal.text),
        Outcome::Unknown(refusal) => format!("UNKNOWN {} {}", refusal.code.0, refusal.text),
    }
}
