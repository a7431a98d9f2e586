//! Somebody else's system, as its manifest describes it: real servers, unmodified.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use schism_nodes::config::{Consistency, parse_time};
use schism_nodes::{LinkOrder, NodeId};

use super::leader::{AskByCommand, AskByDriver, AskByHttp};
use super::manifest::{self, ClientChoice, Leader, Manifest};
use super::secrets::Secrets;
use super::tested::{Inspection, programs_of};
use super::{AskLeader, Launch, LaunchKind, Means, Place, Scene, Server, System};
use crate::client::Dialler;
use crate::client::drivers::{self, Driver, DriverDialler, Setup};
use crate::client::own::OwnDialler;
use crate::cluster::{Beside, ClientStart, LogFile};
use crate::folder::file;
use crate::network::Network;
use crate::spec::{Spec, suggest};

/// See the module's head.
#[derive(Clone, Debug)]
pub struct Foreign {
    spec: Spec,
    manifest: Manifest,
    parameters: BTreeMap<String, String>,
    client: ClientChoice,
    secrets: Arc<Secrets>,
    /// The folder of the manifest, by its whole path.
    here: PathBuf,
    /// The manifest as it was written, and where it comes from.
    source: (String, String),
}

/// Why a manifest and what was said of it do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ForeignError {
    /// What is wrong.
    pub what: String,
    /// What to try.
    pub hint: String,
}

impl Foreign {
    /// The system of a manifest with these parameters. `client` takes the place of the one that the manifest names.
    pub fn new(
        spec: Spec,
        text: &str,
        origin: &str,
        here: &Path,
        client: Option<&[String]>,
    ) -> Result<Self, Vec<ForeignError>> {
        let manifest = Manifest::read(text).map_err(|faults| told(&faults, origin))?;
        let mut errors = wrong_parameters(&manifest, &spec);
        let given = client.map(|command| ClientChoice::Command { command: command.to_vec() });
        let client = given.or_else(|| manifest.client.clone());
        if client.is_none() {
            let what = format!("nothing says who asks {}", manifest.name);
            errors
                .push(ForeignError { what, hint: "--client COMMAND, or client = { … } in the manifest".to_owned() });
        }
        let secrets = Secrets::of_environment(&manifest.secret).unwrap_or_else(|missing| {
            for name in missing {
                let what = format!("{} asks for the secret {name}, which is not in the environment", manifest.name);
                errors.push(ForeignError { what, hint: format!("{name}=… schism run …") });
            }
            Secrets::default()
        });
        let Some(client) = client.filter(|_| errors.is_empty()) else { return Err(errors) };
        let here = std::path::absolute(if here.as_os_str().is_empty() { Path::new(".") } else { here });
        let mut parameters = manifest.parameters(&spec);
        let here = here.unwrap_or_else(|_| PathBuf::from("."));
        parameters.insert("here".to_owned(), here.display().to_string());
        let source = (text.to_owned(), origin.to_owned());
        Ok(Foreign { spec, manifest, parameters, client, secrets: Arc::new(secrets), here, source })
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The programs by which it is started and asked, with the command line of each.
    fn all_programs(&self) -> Vec<(PathBuf, &[String])> {
        let own = match &self.client {
            ClientChoice::Command { command } => Some(command.as_slice()),
            ClientChoice::Driver { .. } => None,
        };
        let further = self.manifest.programs.iter().map(std::slice::from_ref);
        let commands = further.chain(self.manifest.commands()).chain(own);
        commands.filter_map(|command| Some((self.resolved(command.first()?), command))).collect()
    }

    /// A text with the parameters in it filled in, which are the same at every node.
    fn chosen(&self, text: &str) -> String {
        let filled = |text: String, (name, value): (&String, &String)| text.replace(&format!("${{{name}}}"), value);
        self.parameters.iter().fold(text.to_owned(), filled)
    }

    /// A program as it is started: where its name is a path, from the folder of the manifest.
    fn resolved(&self, program: &str) -> PathBuf {
        let program = self.chosen(program);
        if program.contains('/') { self.here.join(program) } else { program.into() }
    }

    fn command(&self, words: &[String], fill: &manifest::Scene<'_>) -> io::Result<(PathBuf, Vec<String>)> {
        let words = fill.fill_all(words).map_err(io::Error::other)?;
        let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("a command has no program"))?;
        Ok((self.resolved(program), arguments.to_vec()))
    }

    fn fill<'a>(&'a self, place: &Place<'a>) -> manifest::Scene<'a> {
        manifest::Scene {
            node: place.node,
            hosts: place.hosts,
            folder: place.folder,
            ports: &self.manifest.ports,
            parameters: &self.parameters,
        }
    }

    fn ports(&self, place: &Place<'_>) -> BTreeMap<String, SocketAddr> {
        let host = place.hosts.get(&place.node);
        let ports = self.manifest.ports.iter();
        ports.filter_map(|(name, port)| Some((name.clone(), SocketAddr::new(*host?, *port)))).collect()
    }

    fn server(&self, place: &Place<'_>) -> io::Result<Server> {
        let (manifest, fill) = (&self.manifest, self.fill(place));
        let lines = |lines: &[Vec<String>]| -> io::Result<Vec<Vec<String>>> {
            let resolved = lines.iter().map(|line| {
                let (program, arguments) = self.command(line, &fill)?;
                Ok(std::iter::once(shown(&program)).chain(arguments).collect())
            });
            resolved.collect()
        };
        Ok(Server {
            files: fill.fill_table(&manifest.files_of(place.node)).map_err(io::Error::other)?,
            prepare: lines(manifest.prepare_of(place.node))?,
            ready: manifest.ready.clone(),
            ports: self.ports(place),
            failures: manifest.failures.clone(),
            stop: manifest.stop.signal.clone(),
            stop_within: parse_time(&manifest.stop.within).unwrap_or(Duration::from_secs(1)),
            unprivileged: manifest.unprivileged,
            secrets: Arc::clone(&self.secrets),
        })
    }

    fn environment(&self, place: &Place<'_>) -> io::Result<BTreeMap<String, String>> {
        let mut environment = self.secrets.environment();
        let own = self.manifest.environment_of(place.node);
        environment.extend(self.fill(place).fill_table(&own).map_err(io::Error::other)?);
        Ok(environment)
    }

    /// Where each node serves clients: at the port `client`, or at its address alone.
    fn homes(&self, network: &dyn Network, nodes: &[NodeId]) -> BTreeMap<NodeId, SocketAddr> {
        let port = self.manifest.ports.get("client").copied();
        let home = |node: NodeId| {
            let address = network.address(node);
            SocketAddr::new(address.ip(), port.unwrap_or(address.port()))
        };
        nodes.iter().map(|node| (*node, home(*node))).collect()
    }

    fn setup(&self, scene: &Scene<'_>) -> Option<(&'static Driver, Setup)> {
        let ClientChoice::Driver { driver, options, http } = &self.client else { return None };
        let hosts = hosts(scene);
        let place = Place { node: *scene.nodes.first()?, folder: scene.folder, hosts: &hosts };
        let options = self.fill(&place).fill_table(options).ok()?;
        let homes = self.homes(&*scene.network, scene.nodes);
        Some((drivers::find(driver)?, Setup { options, http: http.clone(), homes, secrets: Arc::clone(&self.secrets) }))
    }
}

fn told(faults: &manifest::Faults, origin: &str) -> Vec<ForeignError> {
    let tell = |fault: &manifest::Fault| ForeignError {
        what: fault.line.map_or_else(|| fault.what.clone(), |line| format!("line {line}: {}", fault.what)),
        hint: format!("docs/systems.md tells what a manifest such as {origin} may say"),
    };
    faults.0.iter().map(tell).collect()
}

fn wrong_parameters(manifest: &Manifest, spec: &Spec) -> Vec<ForeignError> {
    let known: Vec<&str> = manifest.parameters.keys().map(String::as_str).collect();
    let mut errors = Vec::new();
    for (name, value) in &spec.params {
        let Some(choice) = manifest.parameters.get(name) else {
            let what = format!("{} has no parameter {name:?}", spec.name);
            let hint = suggest(name, &known).map_or_else(|| "schism list systems".to_owned(), ToOwned::to_owned);
            errors.push(ForeignError { what, hint });
            continue;
        };
        if !choice.values.is_empty() && !choice.values.contains(value) {
            let hint = format!("{name}={}", choice.values.join(&format!(", or {name}=")));
            errors.push(ForeignError { what: format!("{name}={value} is not one of its values"), hint });
        }
    }
    errors
}

/// Where a program is: a path, or a name that is looked for in PATH.
pub(crate) fn found(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    std::env::split_paths(path?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn hosts(scene: &Scene<'_>) -> BTreeMap<NodeId, std::net::IpAddr> {
    scene.nodes.iter().map(|node| (*node, scene.network.address(*node).ip())).collect()
}

impl System for Foreign {
    fn label(&self) -> String {
        self.spec.to_string()
    }

    fn requests(&self) -> Vec<String> {
        self.manifest.requests.clone()
    }

    fn has_leader(&self) -> bool {
        self.manifest.leader.is_some()
    }

    fn links(&self) -> LinkOrder {
        LinkOrder::Any
    }

    fn recovery(&self) -> Duration {
        self.manifest.recovery()
    }

    fn launch(&self, place: &Place<'_>) -> io::Result<Launch> {
        let (program, arguments) = self.command(self.manifest.command_of(place.node), &self.fill(place))?;
        let environment = self.environment(place)?;
        Ok(Launch { program, arguments, environment, kind: LaunchKind::Server(Box::new(self.server(place)?)) })
    }

    fn promise(&self) -> Consistency {
        self.manifest.promise(&self.parameters)
    }

    fn dialler(&self, scene: &Scene<'_>) -> io::Result<Box<dyn Dialler>> {
        if let Some((driver, setup)) = self.setup(scene) {
            return Ok(Box::new(DriverDialler { driver, setup, network: Arc::clone(&scene.network) }));
        }
        let ClientChoice::Command { command } = &self.client else {
            return Err(io::Error::other("the client's options cannot be filled in"));
        };
        let hosts = hosts(scene);
        let node = *scene.nodes.first().ok_or_else(|| io::Error::other("there is no node"))?;
        let place = Place { node, folder: scene.folder, hosts: &hosts };
        let (program, arguments) = self.command(command, &self.fill(&place))?;
        let mut environment = self.secrets.environment();
        environment.insert("SCHISM_RUN".to_owned(), scene.run.to_owned());
        let server = Server { secrets: Arc::clone(&self.secrets), ..Server::default() };
        let launch = Launch { program, arguments, environment, kind: LaunchKind::Server(Box::new(server)) };
        let log = LogFile::open(&scene.folder.join(file::CLIENTS), Arc::clone(&self.secrets))?;
        Ok(Box::new(OwnDialler {
            start: ClientStart { launch, folder: self.here.clone() },
            network: Arc::clone(&scene.network),
            homes: self.homes(&*scene.network, scene.nodes),
            secrets: Arc::clone(&self.secrets),
            log: Arc::new(log),
            tap: scene.tap.clone(),
        }))
    }

    fn means(&self) -> Means {
        Means { ours: false, ready_within: self.manifest.ready_within(), secrets: Arc::clone(&self.secrets) }
    }

    fn leader_question(&self, scene: &Scene<'_>) -> Option<Arc<dyn AskLeader>> {
        let hosts = hosts(scene);
        let at = |node: NodeId| {
            let folder = scene.folder.join(file::NODES).join(node.to_string());
            let place = Place { node, folder: &folder, hosts: &hosts };
            let (launch, ports) = (self.launch(&place).ok()?, self.ports(&place));
            Some((node, launch, folder, ports))
        };
        Some(match self.manifest.leader.as_ref()? {
            Leader::Driver { .. } => {
                let (driver, setup) = self.setup(scene)?;
                Arc::new(AskByDriver { driver, setup })
            }
            Leader::Http { http, port, contains } => {
                let places = scene.nodes.iter().filter_map(|node| at(*node));
                let ports = places.filter_map(|(node, _, _, ports)| Some((node, *ports.get(port)?))).collect();
                Arc::new(AskByHttp { ports, path: http.clone(), contains: contains.clone() })
            }
            Leader::Command { command } => {
                let mut commands = BTreeMap::new();
                for (node, launch, folder, _) in scene.nodes.iter().filter_map(|node| at(*node)) {
                    let place = Place { node, folder: &folder, hosts: &hosts };
                    let (program, arguments) = self.command(command, &self.fill(&place)).ok()?;
                    commands.insert(
                        node,
                        Beside { launch: Launch { program, arguments, ..launch }, folder: folder.clone() },
                    );
                }
                Arc::new(AskByCommand { commands })
            }
        })
    }

    fn once(&self, scene: &Scene<'_>) -> io::Result<Vec<Launch>> {
        let hosts = hosts(scene);
        let node = *scene.nodes.first().ok_or_else(|| io::Error::other("there is no node"))?;
        let place = Place { node, folder: scene.folder, hosts: &hosts };
        let launch = self.launch(&place)?;
        let commands = self.manifest.once.iter().map(|words| {
            let (program, arguments) = self.command(words, &self.fill(&place))?;
            Ok(Launch { program, arguments, ..launch.clone() })
        });
        commands.collect()
    }

    fn missing(&self) -> Option<(String, String)> {
        let path = self
            .manifest
            .environment
            .get("PATH")
            .map(|path| OsString::from(self.chosen(path)))
            .or_else(|| std::env::var_os("PATH"));
        let programs = self.all_programs();
        let missing = programs.iter().find(|(program, _)| found(program, path.as_deref()).is_none())?;
        let what = format!("{} needs {}, which is not on this machine", self.manifest.name, shown(&missing.0));
        let install = &self.manifest.install;
        let hint = if install.is_empty() { "its path, or a PATH that has it".to_owned() } else { install.clone() };
        Some((what, hint))
    }

    fn inspection(&self) -> Option<Inspection> {
        let all = self.all_programs();
        let mut programs: Vec<PathBuf> =
            all.iter().flat_map(|(program, command)| programs_of(program, command, &self.here)).collect();
        // The first one stands for all in short reports.
        let mut told = std::collections::BTreeSet::new();
        programs.retain(|program| told.insert(program.clone()));
        let (text, origin) = self.source.clone();
        let version = self
            .manifest
            .version
            .split_first()
            .map(|(program, arguments)| (self.resolved(program), arguments.to_vec()));
        Some(Inspection { programs, version, manifest: text, origin })
    }
}
