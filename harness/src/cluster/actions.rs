//! What can be done to nodes: each action returns when its effect is proved, or says why it is not.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use schism_nodes::control::{ClockFault, Down, Trap, TrapAction, Up};
use schism_nodes::note::NotePattern;
use schism_nodes::{Dump, NodeId};
use serde_json::json;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::cluster::life::{Life, Question, Unanswered, in_words, lock};
use crate::cluster::process_state::ProcessState;
use crate::cluster::processes::{Processes, StartError};
use crate::cluster::shared::{KILL_LIMIT, Member};
use crate::cluster::world::is_for;
use crate::cluster::{Cluster, ClusterError, ClusterEvent, Disk, NodeState, Proof, disk};

/// How long a node may take to answer, and a process to stop or go on.
const ACTION_LIMIT: Duration = Duration::from_secs(2);
/// How often the state of a process is looked at: the kernel tells nobody but a waiter, and that would reap it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
/// Over which time the rate of a clock is measured.
const RATE_SPAN: Duration = Duration::from_millis(20);
/// By how much a rate may be off what was asked when it is read back; above 1, the share of it.
const RATE_TOLERANCE: f64 = 0.02;
/// By how much an offset may be off, in nanoseconds.
const OFFSET_TOLERANCE_NS: i128 = 1_000_000;

#[async_trait]
impl Cluster for Processes {
    fn nodes(&self) -> Vec<NodeId> {
        lock(&self.shared.world).nodes.keys().copied().filter(|node| !node.is_coordinator()).collect()
    }

    fn coordinators(&self) -> Vec<NodeId> {
        lock(&self.shared.world).nodes.keys().copied().filter(|node| node.is_coordinator()).collect()
    }

    fn state(&self, node: NodeId) -> NodeState {
        lock(&self.shared.world).nodes.get(&node).map_or(NodeState::Down, |slot| slot.state)
    }

    fn leader(&self) -> Option<NodeId> {
        lock(&self.shared.world).leader()
    }

    fn subscribe(&self) -> broadcast::Receiver<ClusterEvent> {
        self.shared.events.subscribe()
    }

    async fn kill(&self, node: NodeId, disk: Disk) -> Result<Proof, ClusterError> {
        let member = self.member(node)?;
        let _gate = member.gate.lock().await;
        let life = self.begin_to_kill(node)?;
        life.signal(Signal::SIGKILL).map_err(|error| machine(node, &"SIGKILL", &error))?;
        let status = life
            .exited(KILL_LIMIT)
            .await
            .ok_or_else(|| unproved(node, format!("it was not gone {} s after SIGKILL", KILL_LIMIT.as_secs())))?;
        if status.signal() != Some(Signal::SIGKILL as i32) {
            return Err(unproved(node, format!("it ended by itself before SIGKILL, with {}", in_words(status))));
        }
        let mut proof = json!({ "signal": Signal::SIGKILL as i32, "incarnation": life.incarnation });
        let damage = disk::damage(&member.data(), disk).map_err(|error| machine(node, &"its data", &error))?;
        if let (Some(proof), Some(damage)) = (proof.as_object_mut(), damage.as_object()) {
            proof.extend(damage.clone());
        }
        Ok(proof)
    }

    async fn restart(&self, node: NodeId) -> Result<Proof, ClusterError> {
        let _gate = self.member(node)?.gate.lock().await;
        let state = self.state(node);
        if !matches!(state, NodeState::Down | NodeState::Crashed) {
            return Err(ClusterError::State { node, state });
        }
        let deadline = Instant::now() + self.shared.ground.ready_timeout;
        let started = async {
            let life = self.shared.launch(node).await?;
            let (records, torn) = self.shared.ready(&life, deadline).await?;
            Ok(json!({ "incarnation": life.incarnation, "records": records, "torn": torn }))
        };
        started.await.map_err(|error: StartError| match error {
            StartError::NotReady { .. } => unproved(node, error.to_string()),
            StartError::Prepare { .. } | StartError::Spawn { .. } => machine(node, &"restart", &error),
        })
    }

    async fn pause(&self, node: NodeId) -> Result<Proof, ClusterError> {
        let _gate = self.member(node)?.gate.lock().await;
        let life = self.running(node, NodeState::Up)?;
        life.signal(Signal::SIGSTOP).map_err(|error| machine(node, &"SIGSTOP", &error))?;
        self.change(&life, NodeState::Up, NodeState::Paused);
        see(&life, "stopped", |state| state == ProcessState::Stopped).await
    }

    async fn resume(&self, node: NodeId) -> Result<Proof, ClusterError> {
        let _gate = self.member(node)?.gate.lock().await;
        let life = self.running(node, NodeState::Paused)?;
        life.signal(Signal::SIGCONT).map_err(|error| machine(node, &"SIGCONT", &error))?;
        self.change(&life, NodeState::Paused, NodeState::Up);
        see(&life, "running", |state| state == ProcessState::Running).await
    }

    async fn clock(&self, node: NodeId, fault: ClockFault) -> Result<Proof, ClusterError> {
        if fault == ClockFault::default()
            && let Some(proof) = self.right_the_clock_of_one_that_does_not_run(node)
        {
            return Ok(proof);
        }
        let life = self.running(node, NodeState::Up)?;
        if life.server.is_some() {
            return Err(ClusterError::Refused {
                node,
                why: "somebody else's server does not bend its clocks".to_owned(),
            });
        }
        let old = lock(&self.shared.world).nodes.get(&node).map_or(fault, |slot| slot.clock);
        let before = bend(&life, old).await?;
        let first = bend(&life, fault).await?;
        if let Some(slot) = lock(&self.shared.world).living(node, life.incarnation) {
            slot.clock = fault;
        }
        tokio::time::sleep(RATE_SPAN).await;
        let second = bend(&life, fault).await?;
        judge_clock(fault, first.ahead() - before.ahead() + i128::from(old.offset_ns), first.rate_until(second))
            .map_err(|what| unproved(node, what))
    }

    async fn fire(&self, node: NodeId, timer: &str) -> Result<Proof, ClusterError> {
        let life = self.running(node, NodeState::Up)?;
        let question = life.ask(|id| Down::Fire { id, timer: timer.to_owned() });
        if self.stands_still(&life) {
            // It hears this when it goes on, before it does anything else.
            return Ok(json!({ "fired": timer, "when": "it goes on" }));
        }
        answer(&life, question, ACTION_LIMIT).await?;
        Ok(json!({ "fired": timer }))
    }

    async fn arm(&self, trap: u64, pattern: &NotePattern, action: TrapAction) -> Result<(), ClusterError> {
        let trap = Trap { id: trap, pattern: pattern.clone(), action };
        let mut asked = Vec::new();
        {
            let mut world = lock(&self.shared.world);
            for (node, slot) in world.nodes.iter().filter(|(node, _)| is_for(&trap, **node)) {
                let Some(life) = slot.running() else { continue };
                life.tell(Down::Arm(trap.clone()));
                // One that is paused or held reads it when it goes on, before it does anything else.
                if slot.state == NodeState::Up && slot.held.is_none() {
                    asked.push((*node, Arc::clone(life), life.ask(|id| Down::Dump { id, last: false })));
                }
            }
            world.arm(trap);
        }
        for (node, life, question) in asked {
            match life.answer(question, ACTION_LIMIT).await {
                // One that has ended meanwhile gets the trap when it starts.
                Ok(_) | Err(Unanswered::Ended) => {}
                Err(Unanswered::Refused(why)) => return Err(ClusterError::Refused { node, why }),
                // One that was paused or reached the trap meanwhile is excused as those above.
                Err(Unanswered::Late(_)) if self.stands_still(&life) => {}
                Err(late @ Unanswered::Late(_)) => return Err(unproved(node, format!("a trap was armed; it {late}"))),
            }
        }
        Ok(())
    }

    async fn disarm(&self, trap: u64) {
        let mut world = lock(&self.shared.world);
        for life in world.nodes.values().filter_map(|slot| slot.running()) {
            // One that does not listen any more is about to end.
            life.tell(Down::Disarm { id: trap });
        }
        world.disarm(trap);
    }

    async fn dump(&self, node: NodeId, last: bool, deadline: Duration) -> Result<Dump, ClusterError> {
        let life = self.running(node, NodeState::Up)?;
        if life.server.is_some() {
            return Err(ClusterError::Refused {
                node,
                why: "somebody else's server does not tell what it holds".to_owned(),
            });
        }
        match answer(&life, life.ask(|id| Down::Dump { id, last }), deadline).await? {
            Up::Dumped { dump, .. } => Ok(dump),
            other => Err(unproved(node, format!("a dump was answered with {other:?}"))),
        }
    }

    async fn probe(&self, number: u64) {
        if self.shared.ground.network.probe(number) {
            return;
        }
        let world = lock(&self.shared.world);
        for slot in world.nodes.values().filter(|slot| slot.state == NodeState::Up) {
            if let Some(life) = &slot.life {
                // A probe that is not sent is a probe that is not received.
                life.tell(Down::Probe { number });
            }
        }
    }
}

impl Processes {
    fn member(&self, node: NodeId) -> Result<&Member, ClusterError> {
        self.shared.members.get(&node).ok_or(ClusterError::State { node, state: NodeState::Down })
    }

    /// The life of a node in a certain state, or an error that names the state that it is in.
    fn running(&self, node: NodeId, wanted: NodeState) -> Result<Arc<Life>, ClusterError> {
        let world = lock(&self.shared.world);
        let slot = world.nodes.get(&node);
        let state = slot.map_or(NodeState::Down, |slot| slot.state);
        let life = slot.filter(|_| state == wanted).and_then(|slot| slot.life.clone());
        life.ok_or(ClusterError::State { node, state })
    }

    /// From here on the end of this life is ours.
    fn begin_to_kill(&self, node: NodeId) -> Result<Arc<Life>, ClusterError> {
        let mut world = lock(&self.shared.world);
        let gone = ClusterError::State { node, state: NodeState::Down };
        let Some(slot) = world.nodes.get_mut(&node) else { return Err(gone) };
        let Some(life) = slot.running().cloned() else {
            return Err(ClusterError::State { node, state: slot.state });
        };
        slot.ending = true;
        Ok(life)
    }

    /// Changes the state of a life, unless something else has happened to it meanwhile.
    fn change(&self, life: &Life, from: NodeState, to: NodeState) {
        if let Some(slot) = lock(&self.shared.world).living(life.node, life.incarnation)
            && slot.state == from
        {
            slot.state = to;
        }
    }

    fn stands_still(&self, life: &Life) -> bool {
        let mut world = lock(&self.shared.world);
        let slot = world.living(life.node, life.incarnation);
        slot.is_none_or(|slot| slot.state != NodeState::Up || slot.held.is_some())
    }

    /// A node that does not run has right clocks when it runs again; no proof is needed for that.
    fn right_the_clock_of_one_that_does_not_run(&self, node: NodeId) -> Option<Proof> {
        let mut world = lock(&self.shared.world);
        let slot = world.nodes.get_mut(&node)?;
        let from = match slot.state {
            NodeState::Down | NodeState::Crashed => "start",
            NodeState::Paused => "resume",
            NodeState::Starting | NodeState::Up => return None,
        };
        slot.clock = ClockFault::default();
        if let Some(life) = slot.running() {
            life.ask(|id| Down::Clock { id, fault: ClockFault::default() });
        }
        Some(json!({ "right_from": from }))
    }
}

/// Bends the clocks of a node (or leaves them as they are, where the fault is the same) and reads them.
async fn bend(life: &Life, fault: ClockFault) -> Result<Reading, ClusterError> {
    match answer(life, life.ask(|id| Down::Clock { id, fault }), ACTION_LIMIT).await? {
        Up::ClockRead { now, wall, machine_now, .. } => Ok(Reading { now, wall, machine_now }),
        other => Err(unproved(life.node, format!("a clock was answered with {other:?}"))),
    }
}

/// A node's clocks at one moment of the machine's monotonic clock, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Reading {
    now: u64,
    wall: u64,
    machine_now: u64,
}

impl Reading {
    /// How far the wall clock is ahead of `now`. Both run at the same rate, so that only an offset changes it.
    fn ahead(self) -> i128 {
        i128::from(self.wall) - i128::from(self.now)
    }

    /// How fast `now` ran between two readings.
    #[expect(clippy::cast_precision_loss, reason = "spans of milliseconds")]
    fn rate_until(self, later: Reading) -> f64 {
        let passed = later.machine_now.saturating_sub(self.machine_now).max(1);
        later.now.saturating_sub(self.now) as f64 / passed as f64
    }
}

/// The proof that clocks are as they were to be, or what is wrong with them.
fn judge_clock(fault: ClockFault, offset_ns: i128, rate: f64) -> Result<Proof, String> {
    let proof = json!({ "offset_ms": offset_ns / 1_000_000, "rate": (rate * 1e3).round() / 1e3 });
    let offset_is_right = (offset_ns - i128::from(fault.offset_ns)).abs() <= OFFSET_TOLERANCE_NS;
    let rate_is_right = (rate - fault.rate).abs() <= RATE_TOLERANCE * fault.rate.max(1.0);
    if offset_is_right && rate_is_right {
        return Ok(proof);
    }
    let asked = json!({ "offset_ms": fault.offset_ns / 1_000_000, "rate": fault.rate });
    Err(format!("its clocks were to be {asked} and read {proof}"))
}

async fn answer(life: &Life, question: Question, limit: Duration) -> Result<Up, ClusterError> {
    life.answer(question, limit).await.map_err(|unanswered| match unanswered {
        Unanswered::Refused(why) => ClusterError::Refused { node: life.node, why },
        Unanswered::Ended | Unanswered::Late(_) => unproved(life.node, format!("it {unanswered}")),
    })
}

/// Looks at a process until it is in a state.
async fn see(life: &Life, word: &str, wanted: impl Fn(ProcessState) -> bool) -> Result<Proof, ClusterError> {
    let node = life.node;
    let deadline = Instant::now() + ACTION_LIMIT;
    loop {
        let state = life.state().map_err(|error| machine(node, &"the state of its process", &error))?;
        if life.pid().is_none() {
            return Err(unproved(node, format!("it ended before it was seen {word}")));
        } else if wanted(state) {
            return Ok(json!({ "seen": word }));
        }
        if Instant::now() >= deadline {
            return Err(unproved(node, format!("it was not seen {word} within {} s", ACTION_LIMIT.as_secs())));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn unproved(node: NodeId, what: String) -> ClusterError {
    ClusterError::Unproved { node, what }
}

fn machine(node: NodeId, what: &dyn std::fmt::Display, error: &dyn std::fmt::Display) -> ClusterError {
    ClusterError::Machine { node, what: format!("{what}: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_proved_by_its_offset_and_its_rate() {
        let fault = ClockFault { offset_ns: -5_000_000_000, rate: 2.0 };
        assert_eq!(judge_clock(fault, -5_000_000_100, 1.99).unwrap(), json!({ "offset_ms": -5000, "rate": 1.99 }));
        assert!(judge_clock(fault, -5_000_000_100, 1.0).unwrap_err().contains("were to be"));
        assert!(judge_clock(fault, 0, 2.0).is_err());
    }

    #[test]
    fn readings_tell_rate_and_offset() {
        let before = Reading { now: 1_000, wall: 5_000, machine_now: 900 };
        let after = Reading { now: 3_000, wall: 7_500, machine_now: 1_900 };
        assert_eq!(after.ahead() - before.ahead(), 500);
        assert!((before.rate_until(after) - 2.0).abs() < 1e-9);
    }
}
