//! What the entries of a plan do: faults that come into force and end, clients that give up, timers that fire.

use schism_nodes::{NodeId, Protocol};
use serde_json::{Map, Value, json};

use super::Stands;
use crate::client::Completion;
use crate::cluster::NodeState;
use crate::faults::{Deed, Placed, Standing};
use crate::network::Rule;
use crate::plan::entry::Start;
use crate::plan::force::word;
use crate::plan::perform::told;
use crate::plan::report::Fate;
use crate::plan::target::Targets;
use crate::sim::workers::nanoseconds;
use crate::sim::world::{Happening, World};

impl<P: Protocol> World<P> {
    pub(super) fn begin_fault(&mut self, place: usize, deed: Deed, placed: Placed, lasts: bool) {
        let on_leader = self.leader().is_some_and(|leader| placed.nodes.contains(&leader));
        let few = placed.nodes.len() < self.universe.len();
        let report = &mut self.player.entries[place].report;
        report.leader = on_leader && few;
        let names = placed.value.get("targets").and_then(Value::as_array).cloned().unwrap_or_default();
        report.targets = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        self.record(place, "begin", Value::Object(placed.value.clone()));
        self.begun(place);
        if deed == Deed::GiveUp {
            return self.begin_giving_up(place, placed);
        }
        let standing = self.put_in_force(place, &deed, &placed);
        if let Standing::Proved(proof) = &standing {
            self.in_force(place, proof);
        }
        let entry = &mut self.player.entries[place];
        entry.standing = Some(Stands { deed, placed, standing });
        if matches!(entry.start, Start::When(..)) {
            let id = entry.id;
            self.disarm(id);
        }
        if !lasts {
            return self.end_fault(place);
        }
        self.over(place);
        match self.player.entries[place].duration {
            Some(duration) => self.after(nanoseconds(duration), Happening::Expire { place }),
            None => self.rests(place),
        }
    }

    pub(super) fn put_in_force(&mut self, place: usize, deed: &Deed, placed: &Placed) -> Standing {
        let id = self.player.entries[place].id;
        match deed {
            Deed::Rule(rule) => {
                self.wires.apply(id, rule, &placed.links);
                self.rule_meets(rule, placed)
            }
            Deed::GiveUp => Standing::Moot("it has no interval".to_owned()),
            deed => self.each_node(placed, |world, node| world.act_on(id, deed, node)),
        }
    }

    /// Whether a rule has something to have an effect on.
    pub(super) fn rule_meets(&self, rule: &Rule, placed: &Placed) -> Standing {
        if !matches!(rule, Rule::Cut) {
            return Standing::Pending("no message was touched".to_owned());
        }
        let runs = |end: &str| self.wires.place(end).is_none_or(|place| self.nodes[place].is_alive());
        if placed.links.iter().any(|link| runs(&link.from) && runs(&link.to)) {
            Standing::Proved(json!({ "cut": placed.links.len() }))
        } else {
            Standing::Pending("no link that it cuts had a running node at both ends".to_owned())
        }
    }

    /// Kills, stops or misleads a node, until the fault (and every other that wants it so) is released.
    pub(super) fn act_on(&mut self, id: u64, deed: &Deed, place: usize) -> Standing {
        let (name, state) = (self.nodes[place].id, self.nodes[place].state);
        let moot = || Standing::Moot(format!("{name} was {}", word(state)));
        let gone = matches!(state, NodeState::Down | NodeState::Crashed);
        let holds = &mut self.nodes[place].holds;
        match deed {
            Deed::Kill(_) if gone => {
                if state == NodeState::Down {
                    holds.killed.insert(id);
                }
                moot()
            }
            Deed::Kill(disk) => {
                holds.killed.insert(id);
                holds.paused.clear();
                Standing::Proved(self.kill(place, *disk))
            }
            Deed::Pause if state == NodeState::Paused => {
                holds.paused.insert(id);
                Standing::Proved(json!({ "already": "stopped" }))
            }
            Deed::Pause if state == NodeState::Up => {
                holds.paused.insert(id);
                self.pause(place);
                Standing::Proved(json!({}))
            }
            Deed::Clock(fault) if state == NodeState::Up => {
                holds.clocks.push((id, *fault));
                self.bend(place, *fault);
                Standing::Proved(json!({ "offset_ns": fault.offset_ns, "rate": fault.rate }))
            }
            _ => moot(),
        }
    }

    pub(super) fn each_node(&mut self, placed: &Placed, mut act: impl FnMut(&mut Self, usize) -> Standing) -> Standing {
        let (mut proofs, mut moot) = (Map::new(), Vec::new());
        for node in &placed.nodes {
            let place = self.place(*node);
            match act(self, place) {
                Standing::Proved(proof) => drop(proofs.insert(node.to_string(), proof)),
                Standing::Moot(why) | Standing::Pending(why) | Standing::Unproved(why) => moot.push(why),
            }
        }
        if proofs.is_empty() { Standing::Moot(moot.join("; ")) } else { Standing::Proved(proofs.into()) }
    }

    /// Takes away a fault's share of what is in force.
    pub(super) fn end_fault(&mut self, place: usize) {
        let id = self.player.entries[place].id;
        let Some(Stands { deed, placed, mut standing }) = self.player.entries[place].standing.take() else { return };
        if let Deed::Rule(rule) = &deed {
            standing = match (self.wires.touched(id), rule, standing) {
                (0, Rule::Cut, Standing::Pending(_)) => match self.rule_meets(rule, &placed) {
                    Standing::Pending(why) => Standing::Moot(why),
                    other => other,
                },
                (0, Rule::Cut, standing) => standing,
                (0, ..) => Standing::Moot("it met no message".to_owned()),
                (touched, ..) => Standing::Proved(json!({ "touched": touched })),
            };
            self.wires.lift(self.now, id);
            self.let_go_everywhere();
        }
        if let Standing::Proved(proof) = &standing {
            self.in_force(place, proof);
        }
        for node in 0..self.nodes.len() {
            if self.nodes[node].holds.release(id) {
                self.settle(node);
            }
        }
        self.settle_report(place, standing);
        self.finish(place);
    }

    /// Links whose rules have changed let go of what is due.
    pub(super) fn let_go_everywhere(&mut self) {
        for wire in 0..self.nodes.len() * self.nodes.len() {
            self.let_go(wire);
        }
    }

    /// Clients that are to die with their next send.
    pub(super) fn begin_giving_up(&mut self, place: usize, placed: Placed) {
        for name in &placed.workers {
            let worker = self.worker(name);
            self.give_up(worker, place);
        }
        let standing = Standing::Moot("none of its workers began another operation".to_owned());
        self.player.entries[place].standing = Some(Stands { deed: Deed::GiveUp, placed, standing });
    }

    /// A worker's client dies with the operation of that index.
    pub(crate) fn gave_up(&mut self, place: usize, worker: &str, index: u64) {
        let Some(stands) = &mut self.player.entries[place].standing else { return };
        let mut operations = match &stands.standing {
            Standing::Proved(proof) => proof["operations"].as_object().cloned().unwrap_or_default(),
            _ => Map::new(),
        };
        operations.insert(worker.to_owned(), index.into());
        let all = operations.len() == stands.placed.workers.len();
        stands.standing = Standing::Proved(json!({ "operations": operations }));
        if all {
            self.end_fault(place);
        }
    }

    pub(super) fn fire_at(&mut self, place: usize, that: Option<NodeId>, targets: &Targets, timer: &str) {
        let nodes = self.resolve(place, that, targets);
        self.player.entries[place].report.targets = nodes.iter().map(ToString::to_string).collect();
        if nodes.is_empty() {
            return self.skip(place, "its targets are nobody".to_owned());
        }
        self.begun(place);
        let placed = Placed { nodes: nodes.into_iter().collect(), ..Placed::default() };
        let standing = self.each_node(&placed, |world, node| match world.fire(node, timer) {
            Ok(proof) => Standing::Proved(proof),
            Err(why) => Standing::Moot(why),
        });
        let targets = self.player.entries[place].report.targets.clone();
        self.record(place, "done", json!({ "timer": timer, "targets": targets }));
        self.settle_report(place, standing);
        self.player.entries[place].report.ended = Some(self.recording.time(self.now));
        self.ended(place);
    }

    /// A worker's request of a plan has ended.
    pub(crate) fn answered(&mut self, place: usize, _node: NodeId, completion: &Completion) {
        let time = self.recording.time(self.now);
        let report = &mut self.player.entries[place].report;
        report.fate = Fate::Proved;
        report.proof = told(completion.clone());
        report.ended = Some(time);
        self.ended(place);
    }

    /// An entry ends another one's fault.
    pub(super) fn end_other(&mut self, place: usize, entry: u64) {
        let Some(other) = self.player.place_of(entry) else { return };
        if self.player.entries[other].ended {
            return self.done(place, json!({ "entry": entry }));
        }
        self.player.entries[other].ends.push(place);
        if self.player.entries[other].standing.is_some() {
            self.end_fault(other);
        }
    }
}

// What is told of entries.
