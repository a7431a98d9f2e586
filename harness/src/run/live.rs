//! A run's live half: its network, its nodes and its recorder, started together and stopped together, however the run
//! ends.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schism_checker::history::Header;
use schism_nodes::NodeId;
use serde_json::Map;
use tokio::task::JoinHandle;

use super::deaths;
use super::error::HarnessError;
use super::leader_watch::LeaderWatch;
use super::prepare::Prepared;
use crate::chance;
use crate::client::Dialler;
use crate::client::own::Tap;
use crate::cluster::machine::StrainGauge;
use crate::cluster::{self, Beside, Cluster, EventFile, NoteTally, Options, Processes};
use crate::folder::{RunFolder, file};
use crate::machine::Strain;
use crate::network::loopback::LoopbackNetwork;
use crate::network::proxy::{ProxyNetwork, ProxyOptions};
#[cfg(target_os = "linux")]
use crate::network::vnet::{CaptureTo, VirtualNetwork, VirtualOptions};
use crate::network::{Enclosure, LinkSeeds, Network, Rung, Traffic};
use crate::options::RunOptions;
use crate::recorder::{Draft, Recorder};
use crate::system::Scene;

/// How long a command may take that is run once when all nodes have started.
const ONCE_LIMIT: Duration = Duration::from_mins(1);

/// See the module's head.
pub(super) struct Live {
    pub(super) network: Arc<dyn Network>,
    pub(super) cluster: Arc<Processes>,
    pub(super) recorder: Arc<Recorder>,
    /// The run's name in the hellos of its connections.
    pub(super) run: String,
    folder: RunFolder,
    deaths: JoinHandle<bool>,
    strain: StrainGauge,
    /// Asks who leads, as long as this lives.
    leader: Option<LeaderWatch>,
}

/// What is left when everything has been stopped.
pub(super) struct Remains {
    pub(super) traffic: Traffic,
    pub(super) strain: Strain,
    /// What the harness failed at on the way.
    pub(super) failures: Vec<String>,
}

impl Live {
    /// Starts everything. On an error nothing is left running.
    pub(super) async fn start(
        options: &RunOptions,
        prepared: &Prepared,
        folder: &RunFolder,
        enclosure: Option<Enclosure>,
    ) -> Result<Self, HarnessError> {
        let start = Instant::now();
        let wall = jiff::Timestamp::now();
        let recorder = Arc::new(recorder(prepared, folder, start, wall)?);
        let network = network(options, prepared, folder, (start, wall, enclosure))?;
        let events = folder.file(file::EVENTS);
        let sink = EventFile::create(&events, &folder.id, start)
            .map_err(|error| HarnessError::failed(error).at(events.display()))?;
        let seed = options.seed;
        let cluster = Processes::start(Options {
            run: folder.id.clone(),
            folder: folder.path.clone(),
            nodes: prepared.everyone(),
            system: prepared.system.clone(),
            network: network.clone(),
            seeds: Box::new(move |node, life| chance::key(seed, &format!("node/{node}/{life}"))),
            sink: Box::new(sink),
            ready_timeout: prepared.system.means().ready_within,
        });
        let cluster = cluster.await.map_err(|error| {
            HarnessError::failed(error)
                .at(folder.path.join(file::NODES).display())
                .advise("look at the nodes' logs in the run folder")
        })?;
        let scene = Scene {
            run: &folder.id,
            folder: &folder.path,
            network: network.clone(),
            nodes: &prepared.nodes,
            tap: None,
        };
        if let Err(error) = once(prepared, &scene).await {
            cluster.stop().await;
            return Err(error);
        }
        let question = prepared.system.leader_question(&scene);
        let leader = question.map(|question| LeaderWatch::start(question, cluster.clone()));
        let deaths = tokio::spawn(deaths::record(cluster.subscribe(), recorder.clone()));
        Ok(Live {
            network,
            cluster,
            recorder,
            run: folder.id.clone(),
            folder: folder.clone(),
            deaths,
            strain: StrainGauge::start(),
            leader,
        })
    }

    /// What opens the clients of the run. `tap` sees each line that a client of one's own exchanges.
    pub(super) fn dialler(&self, prepared: &Prepared, tap: Option<Tap>) -> io::Result<Arc<dyn Dialler>> {
        let network = Arc::clone(&self.network);
        let scene = Scene { run: &self.run, folder: &self.folder.path, network, nodes: &prepared.nodes, tap };
        prepared.system.dialler(&scene).map(Arc::from)
    }

    /// Stops everything, within two seconds unless the machine is starved, and reads the nodes' notes to their end.
    pub(super) async fn stop(mut self) -> Remains {
        // Nobody is asked any more while nodes end.
        self.leader = None;
        let tally = self.cluster.stop().await;
        for (node, line) in self.cluster.complaints() {
            // The recorder remembers its own failure.
            let _ = self.recorder.record(Draft::complained(node, &line));
        }
        // Without the cluster there are no more events, and the recording of deaths comes to its end.
        drop(self.cluster);
        let all_deaths = tokio::time::timeout(Duration::from_secs(5), self.deaths).await;
        let strain = self.strain.finish().await;
        let mut failures: Vec<String> = note_failures(&tally).into_iter().collect();
        if !matches!(all_deaths, Ok(Ok(true))) {
            failures.push("the deaths of nodes were not followed to the end".to_owned());
        }
        failures.extend(self.recorder.failure().map(|failure| failure.to_string()));
        let messages = self.folder.file(file::MESSAGES);
        if let Err(error) = self.network.write_log(&messages) {
            failures.push(error.to_string());
        }
        Remains { traffic: self.network.traffic(), strain, failures }
    }
}

fn recorder(
    prepared: &Prepared,
    folder: &RunFolder,
    start: Instant,
    wall: jiff::Timestamp,
) -> Result<Recorder, HarnessError> {
    let header = Header {
        schism: "history".to_owned(),
        format: schism_checker::history::FORMAT,
        run: Some(folder.id.clone()),
        system: Some(prepared.system.label()),
        model: Some(prepared.requirement.model.clone()),
        initial: prepared.requirement.initial.clone(),
        start: Some(wall.to_string()),
        extra: Map::new(),
    };
    let path = folder.file(file::HISTORY);
    Recorder::create(&path, &header, start).map_err(|error| HarnessError::failed(error).at(path.display()))
}

/// What lies between the nodes of a run. A virtual network needs an enclosure.
fn network(
    options: &RunOptions,
    prepared: &Prepared,
    folder: &RunFolder,
    (start, wall, enclosure): (Instant, jiff::Timestamp, Option<Enclosure>),
) -> Result<Arc<dyn Network>, HarnessError> {
    if options.rung() == Rung::Loopback {
        let loopback = LoopbackNetwork::start(&folder.id, &prepared.nodes).map_err(HarnessError::failed)?;
        return Ok(Arc::new(loopback));
    }
    let seed = options.seed;
    let seeds: LinkSeeds = Arc::new(move |link| chance::key(seed, &format!("link/{link}")));
    if options.rung() == Rung::Vnet {
        let start_ns = u64::try_from(wall.as_nanosecond()).unwrap_or(0);
        let capture = options.pcap.then(|| (folder.file(file::CAPTURE), start_ns));
        return virtual_network(options, &prepared.nodes, seeds, (start, enclosure), capture);
    }
    let proxy = ProxyOptions {
        order: prepared.system.links(),
        address: options.address,
        epoch: start,
        ..ProxyOptions::default()
    };
    let network = ProxyNetwork::start(&folder.id, &prepared.everyone(), seeds, proxy).map_err(HarnessError::failed)?;
    Ok(Arc::new(network))
}

/// Runs what is run once when all nodes have started.
async fn once(prepared: &Prepared, scene: &Scene<'_>) -> Result<(), HarnessError> {
    let secrets = prepared.system.means().secrets;
    for launch in prepared.system.once(scene).map_err(HarnessError::failed)? {
        let program = launch.program.display().to_string();
        let failed = |what: &str| {
            let what = format!("{program}, which the manifest runs once, {}", secrets.mask(what.trim()));
            HarnessError::failed(what).at(scene.folder.display())
        };
        let ended = cluster::run_to_end(Beside { launch, folder: scene.folder.to_owned() }, ONCE_LIMIT).await;
        let (status, said) = ended.map_err(|error| failed(&error.to_string()))?;
        if !status.success() {
            return Err(failed(&format!("ended with {status}: {said}")));
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn virtual_network(
    options: &RunOptions,
    nodes: &[NodeId],
    seeds: LinkSeeds,
    (epoch, enclosure): (Instant, Option<Enclosure>),
    capture: Option<(PathBuf, u64)>,
) -> Result<Arc<dyn Network>, HarnessError> {
    let failed = |what: &dyn std::fmt::Display| HarnessError::failed(what).at("--net vnet").advise("schism doctor");
    let enclosure = enclosure.ok_or_else(|| failed(&"this process is in no network namespace of its own"))?;
    let capture = capture.map(|(path, start_ns)| CaptureTo { path, start_ns });
    let virtual_options =
        VirtualOptions { stock_tcp: options.stock_tcp, epoch, program: options.node_program.clone(), capture };
    let network = VirtualNetwork::start(enclosure, nodes, seeds, virtual_options).map_err(|error| failed(&error))?;
    Ok(Arc::new(network))
}

#[cfg(not(target_os = "linux"))]
fn virtual_network(
    _: &RunOptions,
    _: &[NodeId],
    _: LinkSeeds,
    _: (Instant, Option<Enclosure>),
    _: Option<(PathBuf, u64)>,
) -> Result<Arc<dyn Network>, HarnessError> {
    Err(HarnessError::failed("a virtual network needs Linux").at("--net vnet").advise("--net proxy"))
}

/// Evidence that is not all there: what depends on notes cannot be judged.
fn note_failures(tally: &NoteTally) -> Option<String> {
    (!tally.is_complete()).then(|| format!("the nodes' notes are not all there: {tally:?}"))
}
