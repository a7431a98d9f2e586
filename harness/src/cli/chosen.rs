//! Which system is meant: a manifest in a file, one that comes with Schism, or a built-in protocol, and on how many nodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::args::{LoadArgs, NetArgs};
use crate::cli::catalog;
use crate::cli::problem::Problem;
use crate::cli::resolve::Problems;
use crate::cli::values;
use crate::faults::Faults;
use crate::network::Rung;
use crate::options::RunOptions;
use crate::plan::{self, Chance, Ground};
use crate::spec::Spec;
use crate::system::made::{self, ManifestFile};
use crate::system::manifest::Manifest;
use crate::system::{BuiltIn, Foreign, embedded};

/// How many processes a cluster has at most: each ordered pair of them gets a relay of its own.
pub(crate) const NODES_MAX: u64 = 50;
/// How many where nothing is said.
const NODES_DEFAULT: u16 = 5;
/// How long a run takes at least where nothing is said, and how many recoveries of a slow system.
const TIME_LEAST: Duration = Duration::from_secs(15);
const RECOVERIES: u32 = 12;
/// The most bytes of a manifest.
const MANIFEST_MAX: u64 = 1 << 20;

/// A system that was chosen.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// Its name and parameters; of a manifest in a file, the name that stands in it.
    pub(crate) system: Spec,
    /// How many processes.
    pub(crate) nodes: u16,
    /// The manifest, where it is in a file.
    pub(crate) manifest: Option<ManifestFile>,
    /// The client that was given.
    pub(crate) client: Option<Vec<String>>,
    /// The request types that it serves; empty where that is not known.
    pub(crate) serves: Vec<String>,
    /// How long a run takes where nobody says: enough for a round of the usual faults.
    pub(crate) time: Duration,
}

/// The system that was typed. `nodes` is how many there are where neither the command line nor the system says.
pub(crate) fn choose(problems: &mut Problems, text: &str, nodes: Option<u16>, args: &LoadArgs) -> Chosen {
    let unread = || Spec { name: String::new(), params: BTreeMap::new() };
    let mut system = problems.spec(text, text).unwrap_or_else(unread);
    for pair in &args.set {
        match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                system.params.insert(key.to_owned(), value.to_owned());
            }
            _ => {
                problems.0.push(Problem::new("a parameter is KEY=VALUE", format!("--set {pair}"), "--set reads=stale"));
            }
        }
    }
    let client = args.client.as_deref().and_then(|text| client(problems, text));
    let whole = |text: &str| values::whole(text, 1..=NODES_MAX).map(Some);
    let given = args.nodes.as_deref().and_then(|text| problems.read("--nodes", text, None, whole));
    let given = given.and_then(|nodes| u16::try_from(nodes).ok()).or(nodes);
    let is_file = is_manifest(&system.name);
    let manifest = if is_file { manifest_file(problems, &system.name) } else { None };
    if is_file || embedded::find(&system.name).is_some() {
        return foreign(problems, (system, text), given, manifest, client);
    }
    if client.is_some() {
        let what = "the built-in systems have a client of their own";
        problems.0.push(Problem::new(what, "--client", "a manifest in a file: schism run my-system.toml"));
    }
    let replicas = system.params.get("n").and_then(|n| n.parse().ok()).filter(|n| (1..=NODES_MAX).contains(n));
    let nodes = given.or(replicas.and_then(|n| u16::try_from(n).ok())).unwrap_or(NODES_DEFAULT);
    built_in(problems, &system, nodes, text);
    let info = catalog::systems().into_iter().find(|info| info.name == system.name);
    let serves = info.map(|info| info.requests.iter().map(ToString::to_string).collect()).unwrap_or_default();
    Chosen { system, nodes, manifest, client, serves, time: TIME_LEAST }
}

/// Whether a system's name is that of a manifest in a file.
pub(crate) fn is_manifest(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

fn built_in(problems: &mut Problems, system: &Spec, nodes: u16, text: &str) {
    let systems = catalog::systems();
    let mut known: Vec<&str> = systems.iter().map(|info| info.name).collect();
    if system.name.is_empty() {
        return;
    }
    if known.contains(&system.name.as_str()) {
        problems.0.extend(catalog::system_problems(system, nodes, text));
    } else {
        known.extend(embedded::ALL.iter().map(|embedded| embedded.name));
        problems.0.push(Problem::unknown("system", &system.name, text, &known, "schism list systems"));
    }
}

/// Somebody else's system.
fn foreign(
    problems: &mut Problems,
    (mut system, typed): (Spec, &str),
    nodes: Option<u16>,
    manifest: Option<ManifestFile>,
    client: Option<Vec<String>>,
) -> Chosen {
    let embedded = embedded::find(&system.name).map(|embedded| embedded.text);
    let text = manifest.as_ref().map(|file| file.text.as_str()).or(embedded);
    let read = text.and_then(|text| Manifest::read(text).ok());
    let (mut serves, mut nodes, mut time) = (Vec::new(), nodes, TIME_LEAST);
    if let Some(read) = read {
        time = TIME_LEAST.max(read.recovery() * RECOVERIES);
        system.name = read.name;
        serves = read.requests;
        nodes = nodes.or(Some(read.nodes));
    }
    if let Some(text) = text {
        let (origin, here) = manifest.as_ref().map_or((typed.to_owned(), PathBuf::new()), |file| {
            (file.path.display().to_string(), file.path.parent().map(Path::to_owned).unwrap_or_default())
        });
        let made = Foreign::new(system.clone(), text, &origin, &here, client.as_deref());
        let errors = made.err().into_iter().flatten();
        problems.0.extend(errors.map(|error| Problem::new(error.what, typed, error.hint)));
    }
    Chosen { system, nodes: nodes.unwrap_or(NODES_DEFAULT), manifest, client, serves, time }
}

fn manifest_file(problems: &mut Problems, name: &str) -> Option<ManifestFile> {
    let path = PathBuf::from(name);
    let read = fs_err::metadata(&path).and_then(|metadata| {
        if metadata.len() > MANIFEST_MAX {
            return Err(std::io::Error::other(format!("it has {} bytes, more than a manifest has", metadata.len())));
        }
        fs_err::read_to_string(&path)
    });
    match read {
        Ok(text) => Some(ManifestFile { path, text }),
        Err(error) => {
            let hint = "a manifest: docs/systems.md tells what it may say";
            problems.0.push(Problem::new(error.to_string(), name, hint));
            None
        }
    }
}

/// What lies between the nodes: a virtual network between servers of somebody else, relays between nodes of ours.
pub(crate) fn rung(problems: &mut Problems, args: &NetArgs, is_foreign: bool) -> Option<Rung> {
    let given = args.net.as_deref().and_then(|text| problems.read("--net", text, None, values::rung));
    let refused = match given {
        Some(Rung::Proxy) if is_foreign => {
            ("relays know the messages of built-in nodes alone", "--net vnet, or --net loopback")
        }
        Some(Rung::Loopback) if !is_foreign => {
            ("built-in nodes speak through relays or a virtual network", "--net proxy")
        }
        None if is_foreign => return Some(if cfg!(target_os = "linux") { Rung::Vnet } else { Rung::Loopback }),
        _ => return given,
    };
    problems.0.push(Problem::new(refused.0, "--net", refused.1));
    given
}

/// The words of `--client`: a JSON list, or words between spaces.
fn client(problems: &mut Problems, text: &str) -> Option<Vec<String>> {
    let words = match serde_json::from_str::<Vec<String>>(text) {
        Ok(words) => words,
        Err(error) if text.trim_start().starts_with('[') => {
            let what = format!("this is no list of words: {error}");
            problems.0.push(Problem::new(what, format!("--client {text}"), r#"--client '["python3", "client.py"]'"#));
            return None;
        }
        Err(_) => text.split_whitespace().map(str::to_owned).collect(),
    };
    if words.is_empty() {
        problems.0.push(Problem::new("a client has a command", "--client", "--client 'python3 client.py'"));
        return None;
    }
    // Unlike a manifest's, it is typed here, and its files are looked for here.
    let here = std::env::current_dir().unwrap_or_default();
    let whole = words
        .iter()
        .map(|word| if here.join(word).is_file() { here.join(word).display().to_string() } else { word.clone() });
    Some(whole.collect())
}

/// What is wrong with drawing a plan for a run that makes sense otherwise, such as a time too short for its faults.
pub(crate) fn undrawable(options: &RunOptions) -> Vec<Problem> {
    let RunOptions { fault_rate: rate, quiet, time, seed, .. } = *options;
    let chance = Chance { faults: &options.faults, rate, quiet, time, seed };
    let drawn = plan::draw(&chance, &ground(options), &Faults::default());
    drawn.err().map(|found| found.0.iter().map(catalog::plan_problem).collect()).unwrap_or_default()
}

/// What faults can be made on. For a system that cannot be had, it is that of the default one, so that what is wrong with
/// the faults is found all the same.
pub(crate) fn ground(options: &RunOptions) -> Ground {
    if let Ok(system) = made::system(options) {
        return Ground::of(&*system, options.nodes, options.rung());
    }
    let raft = Spec { name: "raft".to_owned(), params: BTreeMap::new() };
    let raft = BuiltIn::new(raft, NODES_DEFAULT, None).expect("raft has a default for each parameter");
    Ground::of(&raft, options.nodes, options.rung())
}
