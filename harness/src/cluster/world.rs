//! What is known of all nodes at once: who runs in which life, which traps are armed, who leads. One lock holds all of
//! it, so that a node that starts and a trap that is armed cannot miss each other.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;

use nix::sys::signal::Signal;
use schism_nodes::control::{ClockFault, Trap, TrapAction, exit};
use schism_nodes::note::NoteLine;
use schism_nodes::{Incarnation, NodeId};

use crate::cluster::NodeState;
use crate::cluster::life::Life;

/// The nodes as the controller knows them.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) nodes: BTreeMap<NodeId, Slot>,
    traps: BTreeMap<u64, Armed>,
    leader: Option<(u64, NodeId)>,
    /// The cluster stops: nothing is started any more, and nodes end in their own way.
    pub(crate) stopping: bool,
}

/// What is known of one node.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) state: NodeState,
    /// Of its latest life; 0 before the first.
    pub(crate) incarnation: Incarnation,
    /// Its latest life, over or not.
    pub(crate) life: Option<Arc<Life>>,
    /// Its clocks, which a restart does not put right.
    pub(crate) clock: ClockFault,
    /// We have sent SIGKILL to this life, or are about to.
    pub(crate) ending: bool,
    /// This life was ready once.
    pub(crate) was_ready: bool,
    /// The trap at which it stands.
    pub(crate) held: Option<u64>,
}

#[derive(Debug)]
struct Armed {
    trap: Trap,
    /// Where it has been reached. There it is not armed again in a later life.
    reached: BTreeSet<NodeId>,
}

impl Default for Slot {
    fn default() -> Self {
        Slot {
            state: NodeState::Down,
            incarnation: 0,
            life: None,
            clock: ClockFault::default(),
            ending: false,
            was_ready: false,
            held: None,
        }
    }
}

impl Slot {
    /// Its life, while its process may live.
    pub(crate) fn running(&self) -> Option<&Arc<Life>> {
        match self.state {
            NodeState::Starting | NodeState::Up | NodeState::Paused => self.life.as_ref(),
            NodeState::Down | NodeState::Crashed => None,
        }
    }
}

impl World {
    /// All nodes, down.
    pub(crate) fn of(nodes: &[NodeId]) -> Self {
        World { nodes: nodes.iter().map(|node| (*node, Slot::default())).collect(), ..World::default() }
    }

    /// A node, if its latest life is this one.
    pub(crate) fn living(&mut self, node: NodeId, incarnation: Incarnation) -> Option<&mut Slot> {
        self.nodes.get_mut(&node).filter(|slot| slot.incarnation == incarnation)
    }

    /// The node that made the leader note with the highest epoch; of several the latest.
    pub(crate) fn leader(&self) -> Option<NodeId> {
        self.leader.map(|(_, node)| node)
    }

    /// Takes account of a note.
    pub(crate) fn noted(&mut self, line: &NoteLine) {
        let epoch = line.note.fields.get("epoch").and_then(serde_json::Value::as_u64);
        if let Some(epoch) = epoch.filter(|_| line.note.name == "leader")
            && self.leader.is_none_or(|(highest, _)| epoch >= highest)
        {
            self.leader = Some((epoch, line.node));
        }
    }

    /// A node that was asked says whether it leads.
    pub(crate) fn told(&mut self, node: NodeId, epoch: Option<u64>) {
        match (epoch, self.leader) {
            (Some(epoch), leader) if leader.is_none_or(|(highest, _)| epoch >= highest) => {
                self.leader = Some((epoch, node));
            }
            (None, Some((_, leader))) if leader == node => self.leader = None,
            _ => {}
        }
    }

    /// Remembers a trap, also for nodes that start later.
    pub(crate) fn arm(&mut self, trap: Trap) {
        self.traps.insert(trap.id, Armed { trap, reached: BTreeSet::new() });
    }

    /// Forgets a trap; nodes that stood at it go on.
    pub(crate) fn disarm(&mut self, trap: u64) {
        self.traps.remove(&trap);
        for slot in self.nodes.values_mut().filter(|slot| slot.held == Some(trap)) {
            slot.held = None;
        }
    }

    /// A node says that it stands at a trap. One that has been disarmed meanwhile does not hold it any more.
    pub(crate) fn held(&mut self, node: NodeId, incarnation: Incarnation, trap: u64) {
        let Some(armed) = self.traps.get_mut(&trap) else { return };
        armed.reached.insert(node);
        if let Some(slot) = self.living(node, incarnation) {
            slot.held = Some(trap);
        }
    }

    /// The traps that a node has when it starts now.
    pub(crate) fn traps_of(&self, node: NodeId) -> Vec<Trap> {
        self.armed_at(node).cloned().collect()
    }

    fn armed_at(&self, node: NodeId) -> impl Iterator<Item = &Trap> {
        let here = move |armed: &&Armed| is_for(&armed.trap, node) && !armed.reached.contains(&node);
        self.traps.values().filter(here).map(|armed| &armed.trap)
    }

    /// Judges the end of a node's latest life. True if it was ours: we killed it, a crash point of ours was reached, or
    /// the cluster stops.
    pub(crate) fn ended(&mut self, node: NodeId, status: ExitStatus) -> bool {
        let is_server =
            self.nodes.get(&node).and_then(|slot| slot.life.as_ref()).is_some_and(|life| life.server.is_some());
        let at_crash_point = !is_server && status.code() == Some(exit::CRASH_POINT) && self.crash_point_reached(node);
        let killed = status.signal() == Some(Signal::SIGKILL as i32);
        let (stopping, slot) = (self.stopping, self.nodes.entry(node).or_default());
        // How a server ends that was asked to is its own affair.
        let done = stopping && (status.code() == Some(exit::DONE) || killed || is_server);
        let ours = at_crash_point || done || slot.ending && killed;
        slot.state = if ours { NodeState::Down } else { NodeState::Crashed };
        slot.held = None;
        ours
    }

    /// Whether a crash trap is armed at a node, as its exit code says. It is reached with that; of several it is not known
    /// which, so that none of them is armed there again.
    fn crash_point_reached(&mut self, node: NodeId) -> bool {
        let mut any = false;
        for armed in self.traps.values_mut() {
            if armed.trap.action == TrapAction::Crash && is_for(&armed.trap, node) {
                any |= armed.reached.insert(node);
            }
        }
        any
    }
}

/// Whether a node can reach a trap at all.
pub(crate) fn is_for(trap: &Trap, node: NodeId) -> bool {
    trap.pattern.node.is_none_or(|named| named == node)
}

#[cfg(test)]
mod tests {
    use schism_nodes::Note;
    use schism_nodes::note::NotePattern;

    use super::*;

    const N1: NodeId = NodeId(1);
    const N2: NodeId = NodeId(2);

    fn trap(id: u64, node: Option<NodeId>, action: TrapAction) -> Trap {
        let pattern = NotePattern { note: "leader".to_owned(), node, fields: serde_json::Map::default(), nth: 1 };
        Trap { id, pattern, action }
    }

    fn exited(code: i32) -> ExitStatus {
        ExitStatus::from_raw(code << 8)
    }

    fn leads(world: &mut World, maker: NodeId, epoch: u64) -> Option<NodeId> {
        let note = Note::new("leader").with("epoch", epoch);
        world.noted(&NoteLine { node: maker, incarnation: 1, seq: 1, time: 0, note });
        world.leader()
    }

    #[test]
    fn the_highest_epoch_leads_however_late_a_note_arrives() {
        let mut world = World::of(&[N1, N2]);
        assert_eq!(world.leader(), None);
        assert_eq!(leads(&mut world, N1, 3), Some(N1));
        assert_eq!(leads(&mut world, N2, 2), Some(N1));
        assert_eq!(leads(&mut world, N2, 3), Some(N2));
    }

    #[test]
    fn only_ends_that_we_caused_are_ours() {
        let killed = ExitStatus::from_raw(9);
        let mut world = World::of(&[N1]);
        assert!(!world.ended(N1, killed), "nobody here killed it");
        assert_eq!(world.nodes[&N1].state, NodeState::Crashed);
        world.nodes.get_mut(&N1).unwrap().ending = true;
        assert!(world.ended(N1, killed));
        assert_eq!(world.nodes[&N1].state, NodeState::Down);
        assert!(!world.ended(N1, exited(101)), "it panicked before our signal came");
        assert!(!world.ended(N1, exited(exit::DONE)));
        world.stopping = true;
        assert!(world.ended(N1, exited(exit::DONE)));
        assert!(!world.ended(N1, exited(101)), "also while the cluster stops");
    }

    #[test]
    fn a_crash_point_is_ours_only_where_one_is_armed() {
        let mut world = World::of(&[N1, N2]);
        assert!(!world.ended(N1, exited(exit::CRASH_POINT)));
        world.arm(trap(7, Some(N1), TrapAction::Crash));
        assert!(world.ended(N1, exited(exit::CRASH_POINT)));
        assert!(!world.ended(N2, exited(exit::CRASH_POINT)));
        assert!(!world.ended(N1, exited(exit::CRASH_POINT)), "it is not armed there any more");
    }

    #[test]
    fn a_trap_that_was_reached_is_not_armed_there_again() {
        let mut world = World::of(&[N1, N2]);
        world.arm(trap(7, None, TrapAction::Hold));
        world.arm(trap(8, Some(N2), TrapAction::Hold));
        world.held(N1, 0, 7);
        assert_eq!(world.nodes[&N1].held, Some(7));
        let ids = |world: &World, node| world.traps_of(node).iter().map(|trap| trap.id).collect::<Vec<_>>();
        assert_eq!((ids(&world, N1), ids(&world, N2)), (vec![], vec![7, 8]));
        world.disarm(7);
        assert_eq!(ids(&world, N2), [8]);
        assert_eq!(world.nodes[&N1].held, None);
        world.held(N1, 0, 7);
        assert_eq!(world.nodes[&N1].held, None, "it said so before it heard that the trap was disarmed");
    }
}
