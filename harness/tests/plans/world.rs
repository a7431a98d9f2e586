//! A cluster, a network and workers that exist in memory, on tokio's virtual clock. They do what they are told, write
//! down when, and can be told to lie.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use schism::client::Completion;
use schism::cluster::{Cluster, ClusterError, ClusterEvent, Disk, NodeState, Proof};
use schism::network::{FaultId, Link, Network, Passage, Rule, Rung, Touched, Traffic};
use schism::plan::Stage;
use schism::recorder::Recorder;
use schism::run::Workers;
use schism_checker::history::Header;
use schism_nodes::control::{ClockFault, TrapAction};
use schism_nodes::note::NotePattern;
use schism_nodes::{Dump, NodeId, Note, RequestKind};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep};

/// How the world lies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks {
    /// Cuts have no effect on this link.
    pub(crate) leaky: Option<&'static str>,
    /// No probe ever arrives.
    pub(crate) deaf: bool,
    /// Rules touch no message.
    pub(crate) idle: bool,
    /// No action on this node can be proved.
    pub(crate) stubborn: Option<NodeId>,
    /// Probes take that long.
    pub(crate) latency: Duration,
}

pub(crate) struct World {
    nodes: Vec<NodeId>,
    start: Instant,
    events: broadcast::Sender<ClusterEvent>,
    state: Mutex<State>,
    folder: TempDir,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) log: Vec<(u64, String)>,
    pub(crate) nodes: BTreeMap<NodeId, NodeState>,
    pub(crate) clocks: BTreeMap<NodeId, ClockFault>,
    pub(crate) leader: Option<NodeId>,
    pub(crate) rules: BTreeMap<FaultId, Vec<(Rule, BTreeSet<Link>)>>,
    pub(crate) touched: BTreeMap<FaultId, u64>,
    pub(crate) traps: BTreeMap<u64, NotePattern>,
    pub(crate) quirks: Quirks,
}

impl World {
    pub(crate) fn new(count: u16) -> Arc<Self> {
        let nodes = NodeId::universe(count);
        let state = State { nodes: nodes.iter().map(|node| (*node, NodeState::Up)).collect(), ..State::default() };
        let (events, _) = broadcast::channel(4096);
        let folder = tempfile::tempdir().unwrap();
        Arc::new(World { nodes, start: Instant::now(), events, state: Mutex::new(state), folder })
    }

    pub(crate) fn stage(self: &Arc<Self>) -> Stage {
        let header = Header {
            schism: "history".to_owned(),
            format: 1,
            run: None,
            system: None,
            model: None,
            initial: Value::Null,
            start: None,
            extra: Map::new(),
        };
        let path = self.folder.path().join("history.jsonl");
        let recorder = Recorder::create(&path, &header, std::time::Instant::now()).unwrap();
        let (cluster, network, workers) = (self.clone(), self.clone(), self.clone());
        Stage { cluster, network, workers, recorder: Arc::new(recorder), seed: 1, start: self.start }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What was done, with the milliseconds since the start: `1000 kill n1 Keep`.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.iter().map(|(time, what)| format!("{time} {what}")).collect()
    }

    /// The nemesis's lines of the history, without index and time.
    pub(crate) fn history(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("history.jsonl")).unwrap();
        text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn is_healed(&self) -> bool {
        let state = self.state();
        let right = state.clocks.values().all(|clock| *clock == ClockFault::default());
        right
            && state.rules.is_empty()
            && state.traps.is_empty()
            && state.nodes.values().all(|node| *node == NodeState::Up)
    }

    fn did(&self, what: impl Into<String>) {
        let time = u64::try_from(self.start.elapsed().as_millis()).unwrap();
        self.state().log.push((time, what.into()));
    }

    /// A node makes a note; whoever has armed a trap for it is told.
    pub(crate) fn note(&self, maker: NodeId, name: &'static str) {
        let note = Note::new(name);
        let traps: Vec<u64> = {
            let state = self.state();
            state.traps.iter().filter(|(_, pattern)| pattern.matches(maker, &note)).map(|(trap, _)| *trap).collect()
        };
        for trap in traps {
            self.did(format!("{maker} held at {trap}"));
            let _ = self.events.send(ClusterEvent::Held { node: maker, trap });
        }
    }

    /// Goes from one of some states into another.
    fn turn(&self, node: NodeId, from: &[NodeState], to: NodeState, what: String) -> Result<Proof, ClusterError> {
        let was = self.state().nodes[&node];
        if !from.contains(&was) {
            return Err(ClusterError::State { node, state: was });
        }
        self.did(what);
        self.state().nodes.insert(node, to);
        if self.state().quirks.stubborn == Some(node) {
            return Err(ClusterError::Unproved { node, what: "nothing was seen".to_owned() });
        }
        Ok(json!({"seen": format!("{to:?}")}))
    }
}

#[async_trait]
impl Cluster for World {
    fn nodes(&self) -> Vec<NodeId> {
        self.nodes.clone()
    }

    fn state(&self, node: NodeId) -> NodeState {
        World::state(self).nodes[&node]
    }

    fn leader(&self) -> Option<NodeId> {
        World::state(self).leader
    }

    fn subscribe(&self) -> broadcast::Receiver<ClusterEvent> {
        self.events.subscribe()
    }

    async fn kill(&self, node: NodeId, disk: Disk) -> Result<Proof, ClusterError> {
        self.turn(node, &[NodeState::Up, NodeState::Paused], NodeState::Down, format!("kill {node} {disk:?}"))
    }

    async fn restart(&self, node: NodeId) -> Result<Proof, ClusterError> {
        self.turn(node, &[NodeState::Down], NodeState::Up, format!("restart {node}"))
    }

    async fn pause(&self, node: NodeId) -> Result<Proof, ClusterError> {
        self.turn(node, &[NodeState::Up], NodeState::Paused, format!("pause {node}"))
    }

    async fn resume(&self, node: NodeId) -> Result<Proof, ClusterError> {
        self.turn(node, &[NodeState::Paused], NodeState::Up, format!("resume {node}"))
    }

    async fn clock(&self, node: NodeId, fault: ClockFault) -> Result<Proof, ClusterError> {
        let what = format!("clock {node} {}", fault.rate);
        let proof = self.turn(node, &[NodeState::Up], NodeState::Up, what)?;
        World::state(self).clocks.insert(node, fault);
        Ok(proof)
    }

    async fn fire(&self, node: NodeId, timer: &str) -> Result<Proof, ClusterError> {
        self.turn(node, &[NodeState::Up], NodeState::Up, format!("fire {node} {timer}"))
    }

    async fn arm(&self, trap: u64, pattern: &NotePattern, _: TrapAction) -> Result<(), ClusterError> {
        if pattern.note == "unheard-of" {
            return Err(ClusterError::Refused { node: NodeId(1), why: "no such note".to_owned() });
        }
        World::state(self).traps.insert(trap, pattern.clone());
        Ok(())
    }

    async fn disarm(&self, trap: u64) {
        World::state(self).traps.remove(&trap);
        self.did(format!("disarm {trap}"));
    }

    async fn dump(&self, _: NodeId, _: bool, _: Duration) -> Result<Dump, ClusterError> {
        Ok(Dump::new())
    }

    async fn probe(&self, number: u64) {
        let mut arrived = Vec::new();
        {
            let mut state = World::state(self);
            let State { nodes, rules, touched, quirks, .. } = &mut *state;
            let up: Vec<NodeId> =
                nodes.iter().filter(|(_, state)| **state == NodeState::Up).map(|(node, _)| *node).collect();
            for (from, to) in
                up.iter().flat_map(|from| up.iter().map(move |to| (*from, *to))).filter(|(from, to)| from != to)
            {
                let link = Link { from: from.to_string(), to: to.to_string() };
                let mut cut = false;
                for (fault, (rule, _)) in rules
                    .iter()
                    .flat_map(|(fault, rules)| rules.iter().map(move |rule| (fault, rule)))
                    .filter(|(_, (_, links))| links.contains(&link))
                {
                    cut |= *rule == Rule::Cut;
                    *touched.entry(*fault).or_default() +=
                        u64::from(!quirks.idle && !matches!(rule, Rule::Hold { .. }));
                }
                if (!cut || quirks.leaky == Some(link.to_string().as_str())) && !quirks.deaf {
                    arrived.push((from, to));
                }
            }
        }
        let (events, latency) = (self.events.clone(), World::state(self).quirks.latency);
        tokio::spawn(async move {
            sleep(latency).await;
            for (from, to) in arrived {
                let _ = events.send(ClusterEvent::Probe { number, from, to });
            }
        });
    }
}

impl Network for World {
    fn rung(&self) -> Rung {
        Rung::Proxy
    }

    fn address(&self, _: NodeId) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 1))
    }

    fn peers(&self, _: NodeId) -> BTreeMap<NodeId, SocketAddr> {
        BTreeMap::new()
    }

    fn started(&self, _: NodeId, _: u64) {}

    fn apply(&self, fault: FaultId, rule: &Rule, links: &BTreeSet<Link>) {
        self.did(format!("apply {fault} on {} links", links.len()));
        World::state(self).rules.entry(fault).or_default().push((rule.clone(), links.clone()));
    }

    fn lift(&self, fault: FaultId, _: bool) {
        self.did(format!("lift {fault}"));
        World::state(self).rules.remove(&fault);
    }

    fn release(&self, fault: FaultId, count: Option<u64>, deliver: bool) -> u64 {
        let word = if deliver { "deliver" } else { "drop" };
        self.did(format!("{word} {count:?} of {fault}"));
        World::state(self).touched.get(&fault).copied().unwrap_or_default()
    }

    fn touched(&self, fault: FaultId) -> Touched {
        World::state(self).touched.get(&fault).copied().unwrap_or_default()
    }

    fn passage(&self, link: &Link) -> Passage {
        let state = World::state(self);
        let cut = state.rules.values().flatten().any(|(rule, links)| *rule == Rule::Cut && links.contains(link));
        Passage { cut: cut && state.quirks.leaky != Some(link.to_string().as_str()), delay: Duration::ZERO }
    }

    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

#[async_trait]
impl Workers for World {
    fn names(&self) -> Vec<String> {
        ["c1", "c2", "c3"].map(str::to_owned).into()
    }

    async fn request(&self, worker: &str, node: NodeId, request: RequestKind) -> Completion {
        sleep(Duration::from_millis(10)).await;
        self.did(format!("{worker} {} at {node}", request.name()));
        Completion::Ok { value: Some(json!(7)), extra: Map::new() }
    }

    async fn give_up(&self, worker: &str) -> Option<u64> {
        sleep(Duration::from_millis(5)).await;
        self.did(format!("{worker} gives up"));
        Some(42)
    }
}
