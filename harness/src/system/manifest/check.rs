//! Whether a manifest makes sense: everything that is wrong with it, before anything is started.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Component, Path};

use schism_nodes::NodeId;
use schism_nodes::config::parse_time;

use super::{ClientChoice, Leader, Manifest, Ready, Scene};
use crate::client::drivers;

/// The request types that a workload may ask for.
const REQUESTS: [&str; 11] =
    ["read", "peek", "write", "delete", "cas", "add", "remove", "append", "list", "enqueue", "dequeue"];
/// The signals by which a server may be asked to end.
pub(crate) const SIGNALS: [&str; 4] = ["TERM", "INT", "QUIT", "KILL"];
/// How many nodes a manifest may start where nobody says otherwise.
const NODES_MAX: u16 = 50;

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

/// All that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(|fault| fault.what.clone()).collect();
        f.write_str(&texts.join("; "))
    }
}

impl std::error::Error for Faults {}

/// Collects what is wrong.
#[derive(Default)]
struct Found(Vec<Fault>);

impl Found {
    fn add(&mut self, what: impl Into<String>) {
        self.0.push(Fault { line: None, what: what.into() });
    }

    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.add(what());
        }
    }
}

pub(super) fn check(manifest: &Manifest) -> Result<(), Faults> {
    let mut found = Found::default();
    names(manifest, &mut found);
    commands(manifest, &mut found);
    times_and_signals(manifest, &mut found);
    ports(manifest, &mut found);
    parameters(manifest, &mut found);
    client(manifest, &mut found);
    templates(manifest, &mut found);
    if found.0.is_empty() { Ok(()) } else { Err(Faults(found.0)) }
}

fn names(manifest: &Manifest, found: &mut Found) {
    found
        .unless(manifest.kind == "system", || format!("kind is {:?}; a manifest has kind = \"system\"", manifest.kind));
    let name = &manifest.name;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    found.unless(plain, || format!("name {name:?}: letters, digits, '-', '_' and '.' only"));
    found.unless((1..=NODES_MAX).contains(&manifest.nodes), || format!("nodes = {}: 1 to {NODES_MAX}", manifest.nodes));
    found.unless(!manifest.requests.is_empty(), || "requests is empty: nothing could be asked".to_owned());
    for request in manifest.requests.iter().filter(|request| !REQUESTS.contains(&request.as_str())) {
        found.add(format!("there is no request {request:?}; there are {}", REQUESTS.join(", ")));
    }
    let tables = std::iter::once(&manifest.files).chain(manifest.others.iter().map(|other| &other.files));
    for file in tables.flat_map(BTreeMap::keys) {
        let inside = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
        found.unless(inside && !file.is_empty(), || format!("file {file:?} does not lie in the folder of its node"));
    }
    for node in manifest.others.iter().flat_map(|other| &other.on) {
        let is_node = node.parse().is_ok_and(|node: NodeId| !node.is_coordinator());
        found.unless(is_node, || format!("on = {node:?}: nodes are n1, n2, …"));
    }
    found.unless(manifest.failures.iter().all(|text| !text.is_empty()), || {
        "an empty text of failures is in every line".to_owned()
    });
}

fn commands(manifest: &Manifest, found: &mut Found) {
    let once = manifest.prepare.iter().chain(&manifest.once).map(Vec::as_slice);
    let ready = manifest.ready.iter().filter_map(|ready| match ready {
        Ready::Command { command } => Some(command.as_slice()),
        _ => None,
    });
    for command in manifest.commands().into_iter().chain(once).chain(ready) {
        found.unless(command.first().is_some_and(|program| !program.is_empty()), || {
            "a command has no program".to_owned()
        });
    }
}

fn times_and_signals(manifest: &Manifest, found: &mut Found) {
    let times = [("recovery", Some(&manifest.recovery)), ("stop.within", Some(&manifest.stop.within))];
    for (name, text) in times.into_iter().chain([("ready-within", manifest.ready_within.as_ref())]) {
        let Some(text) = text else { continue };
        let good = parse_time(text).is_some_and(|time| !time.is_zero());
        found.unless(good, || format!("{name} = {text:?} is no time such as 500ms or 3s"));
    }
    let signal = &manifest.stop.signal;
    found.unless(SIGNALS.contains(&signal.as_str()), || {
        format!("stop.signal = {signal:?}: one of {}", SIGNALS.join(", "))
    });
}

/// Whatever names a port names one that there is.
fn ports(manifest: &Manifest, found: &mut Found) {
    let ready = manifest.ready.iter().filter_map(|ready| match ready {
        Ready::Tcp { tcp: port } | Ready::Http { port, .. } => Some(port.as_str()),
        Ready::Command { .. } | Ready::Log { .. } => None,
    });
    let leader = manifest.leader.iter().filter_map(|leader| match leader {
        Leader::Http { port, .. } => Some(port.as_str()),
        Leader::Driver { .. } | Leader::Command { .. } => None,
    });
    let driver = matches!(manifest.client, Some(ClientChoice::Driver { .. })).then_some("client");
    for port in ready.chain(leader).chain(driver) {
        found.unless(manifest.ports.contains_key(port), || format!("there is no port {port:?} in ports"));
    }
    for (name, _) in manifest.ports.iter().filter(|(_, port)| **port == 0) {
        found.add(format!("port {name:?} is 0"));
    }
}

fn parameters(manifest: &Manifest, found: &mut Found) {
    for (name, choice) in &manifest.parameters {
        let among = choice.values.is_empty() || choice.values.contains(&choice.default);
        found.unless(among, || format!("the default of {name}, {:?}, is not among its values", choice.default));
    }
}

fn client(manifest: &Manifest, found: &mut Found) {
    match &manifest.client {
        Some(ClientChoice::Command { command }) => {
            found.unless(!command.is_empty(), || "client.command has no program".to_owned());
        }
        Some(ClientChoice::Driver { driver, http, .. }) => match drivers::find(driver) {
            Some(known) => {
                for request in manifest.requests.iter().filter(|request| !known.serves(request, http)) {
                    found.add(format!("client {driver} does not know how to {request}"));
                }
            }
            None => found.add(format!("there is no client {driver:?}; there are {}", drivers::names().join(", "))),
        },
        None => {}
    }
    if let Some(Leader::Driver { driver }) = manifest.leader {
        let knows = match &manifest.client {
            Some(ClientChoice::Driver { driver, .. }) => drivers::find(driver).is_some_and(|known| known.knows_leaders),
            _ => false,
        };
        found.unless(driver && knows, || {
            "leader = { driver = true } needs a client that can ask for the leader".to_owned()
        });
    }
}

/// Fills in every template, as it will be at some node.
fn templates(manifest: &Manifest, found: &mut Found) {
    let nodes = NodeId::universe(manifest.nodes.clamp(1, NODES_MAX));
    let hosts: BTreeMap<NodeId, IpAddr> = nodes.iter().map(|node| (*node, Ipv4Addr::LOCALHOST.into())).collect();
    let here = ("here".to_owned(), "/".to_owned());
    let defaults = manifest.parameters.iter().map(|(name, choice)| (name.clone(), choice.default.clone()));
    let parameters = defaults.chain([here]).collect();
    for node in nodes {
        let scene =
            Scene { node, hosts: &hosts, folder: Path::new("/"), ports: &manifest.ports, parameters: &parameters };
        let (environment, files) = (manifest.environment_of(node), manifest.files_of(node));
        let texts = manifest.command_of(node).iter().chain(environment.values()).chain(files.values());
        let texts = texts.chain(manifest.prepare_of(node).iter().flatten()).chain(manifest.once.iter().flatten());
        for error in texts.filter_map(|text| scene.fill(text).err()) {
            let fault = Fault { line: None, what: error.to_string() };
            if !found.0.contains(&fault) {
                found.0.push(fault);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
kind = "system"
name = "kv"
command = ["kv", "--listen", "${address}:${port.client}"]
ports = { client = 7000 }
ready = [{ tcp = "client" }, { log = "listening" }]
requests = ["read", "write"]
promise = "linearizable"
recovery = "1s"
client = { command = ["python3", "client.py"] }
"#;

    fn wrong(text: &str) -> String {
        Manifest::read(text).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_is_read() {
        let manifest = Manifest::read(GOOD).unwrap();
        assert_eq!((manifest.nodes, manifest.stop.signal.as_str()), (3, "TERM"));
        assert_eq!(manifest.command_of(NodeId(2))[0], "kv");
        let mixed = format!("{GOOD}[[node]]\non = [\"n2\"]\ncommand = [\"kv-2\"]\nenvironment = {{ A = \"b\" }}\n");
        let manifest = Manifest::read(&mixed).unwrap();
        assert_eq!(manifest.command_of(NodeId(2)), ["kv-2"]);
        assert_eq!(manifest.command_of(NodeId(1))[0], "kv");
        assert_eq!(manifest.environment_of(NodeId(2)).len(), 1);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = GOOD.replace("7000", "0").replace("\"1s\"", "\"soon\"").replace("\"write\"", "\"wriet\"");
        let text = text.replace("tcp = \"client\"", "tcp = \"peer\"").replace("${address}", "${adress}");
        let told = wrong(&text);
        for part in ["port \"client\" is 0", "\"soon\"", "wriet", "no port \"peer\"", "${adress}"] {
            assert!(told.contains(part), "{part} is missing: {told}");
        }
    }

    #[test]
    fn what_is_no_manifest_is_told_with_its_line() {
        let faults = Manifest::read(&format!("{GOOD}colour = 1\n")).unwrap_err();
        assert_eq!(faults.0[0].line, Some(11));
        assert!(faults.to_string().contains("colour"), "{faults}");
        assert!(wrong(&GOOD.replace("\"system\"", "\"plan\"")).contains("kind is \"plan\""));
        assert!(wrong(&format!("{GOOD}[files]\n\"../x\" = \"\"\n")).contains("does not lie in the folder"));
        assert!(wrong(&GOOD.replace("command = [\"python3\", \"client.py\"]", "driver = \"etdc\"")).contains("etdc"));
    }
}
